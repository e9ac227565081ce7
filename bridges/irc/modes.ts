/** Channel modes: read from the wire, and what they mean to people (https://modern.ircdocs.horse/#channel-modes). */
import type { ChannelFacts } from "../../core/model/events.ts";
import type { Isupport } from "./isupport.ts";

export interface ModeChange {
  readonly on: boolean;
  readonly mode: string;
  readonly parameter: string | undefined;
  /** Whether it gives or takes a rank; then the parameter is a nick. */
  readonly rank: boolean;
  /** Whether it adds to or takes from a list (bans, exceptions); then the parameter is a mask. */
  readonly list: boolean;
}

/** No line holds more. */
const MOST_CHANGES = 100;

export function readModes(isupport: Isupport, letters: string, parameters: readonly string[]): ModeChange[] {
  const [lists, always, whenSet] = isupport.channelModes;
  const ranks = isupport.ranks.map((rank) => rank.mode).join("");
  const changes: ModeChange[] = [];
  let on = true;
  let next = 0;
  for (const mode of letters.slice(0, 2 * MOST_CHANGES)) {
    if (mode === "+" || mode === "-") on = mode === "+";
    else {
      const [rank, list] = [ranks.includes(mode), lists.includes(mode) && !ranks.includes(mode)];
      const takes = rank || list || always.includes(mode) || (on && whenSet.includes(mode));
      changes.push({ on, mode, parameter: takes ? parameters[next++] : undefined, rank, list });
    }
  }
  return changes;
}

/** The power that the highest of someone's ranks gives; 0 = none. Founders and admins, operators, half-operators, voiced. */
export function powerOf(ranks: string): number {
  return Math.max(0, ...[...ranks].map((mode) => powers[mode] ?? 0));
}

/** From this power on people may kick and ban. */
export const OPERATOR = 40;

const powers: Readonly<Record<string, number>> = { Y: 100, y: 100, q: 100, a: 90, o: 50, h: 40, v: 1 };

/** Modes that let in only some are the same everywhere, but for "only who is signed in". */
export function registeredOnlyMode(version: string): string {
  return /solanum|charybdis|ircd-seven|ratbox|hybrid/i.test(version) ? "r" : "R";
}

/** What the channel's modes make of it. All of these fields are present, so that what was lifted is seen. */
export function factsOf(
  modes: ReadonlyMap<string, string>,
  version: string,
): Required<Pick<ChannelFacts, "visibility" | "unlisted" | "moderated">> {
  const has = (letters: string): boolean => [...letters].some((mode) => modes.has(mode));
  return {
    // Invited only, by key, operators only, administrators only, signed in only.
    visibility: has(`ikOA${registeredOnlyMode(version)}`) ? "private" : "public",
    unlisted: has("sp"),
    moderated: has("m"),
  };
}

/** Whether a ban mask (`*!*@host`, `nick!*@*`) means this person. Extended bans, which begin with a sign or `~`, are the server's own affair. */
export function matchesMask(
  mask: string,
  person: { readonly nick: string; readonly user: string; readonly host: string },
  fold: (text: string) => string,
): boolean {
  if (!/[!@]/.test(mask) || mask.length > 400 || /^[$~]/.test(mask)) return false;
  return globMatches(fold(mask), fold(`${person.nick}!${person.user}@${person.host}`));
}

/** `*` and `?` as IRC has them. Linear in the length of both, whatever the pattern. */
function globMatches(pattern: string, text: string): boolean {
  let [p, t, star, retry] = [0, 0, -1, 0];
  while (t < text.length) {
    if (pattern[p] === "*") [star, retry, p] = [p, t, p + 1];
    else if (pattern[p] === "?" || pattern[p] === text[t]) [p, t] = [p + 1, t + 1];
    else if (star >= 0) [p, retry, t] = [star + 1, retry + 1, retry + 1];
    else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
