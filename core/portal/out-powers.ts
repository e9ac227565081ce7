/** Power given or taken in the room, on a network: by the sender's own login there, whose rights the network judges; else by the bridge's where the link says so. */
import { Refused } from "../model/errors.ts";
import { type Mxid, mxid } from "../model/ids.ts";
import type { LiveLogin } from "../logins.ts";
import type { Rule } from "../model/effects.ts";
import type { OutTurn } from "./out-effect.ts";
import { speakerOf } from "./relay.ts";

type Content = Readonly<Record<string, unknown>>;

export async function outPowers(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const live = ruler(turn);
  if (live?.connection.rule) {
    const by = await speakerOf(portal, link, mxid(event.sender), live.login.owner !== undefined);
    for (const rule of rulesIn(turn)) {
      try {
        await live.connection.rule({ ...rule, channel: link.channel, by } as Rule);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        // The room's own power stands whatever the channel says to it.
        const text = `What was changed in ${link.room} holds there only, and not on ${live.network.name}: ${error.message}`;
        await portal.tellPrivately(event.sender, `powers:${event.event_id}:${link.id}`, text);
      }
    }
  }
  await portal.store.journal.finish(row.id, {});
}

/** Whoever set it, as themselves; the bridge alone does it for others, where membership goes both ways. */
export function ruler({ portal, link, event }: OutTurn): LiveLogin | undefined {
  const own = portal.logins.ownOf(event.sender, link);
  if (own?.state.is === "connected") return own;
  return link.settings.membership ? portal.logins.serving(link) : undefined;
}

type Wish =
  | { readonly kind: "power"; readonly person: string; readonly level: number }
  | { readonly kind: "restrict"; readonly moderated: boolean };

function rulesIn(turn: OutTurn): Wish[] {
  const before = (turn.event.unsigned?.["prev_content"] ?? {}) as Content;
  const now = turn.event.content;
  const [was, is] = [levelsOf(before), levelsOf(now)];
  const rules: Wish[] = [];
  for (const who of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const person = remoteOf(turn, mxid(who));
    const level = is[who] ?? whole(now["users_default"]);
    if (person !== undefined && level !== (was[who] ?? whole(before["users_default"]))) rules.push({ kind: "power", person, level });
  }
  const [spoke, speaks] = [mayAllSpeak(before), mayAllSpeak(now)];
  if (spoke !== speaks) rules.push({ kind: "restrict", moderated: !speaks });
  return rules;
}

function remoteOf({ portal, link }: OutTurn, who: Mxid): string | undefined {
  const ghost = portal.ghosts.remoteOf(who);
  if (ghost) return ghost.network === link.network ? ghost.remote : undefined;
  return portal.logins.personOf(who, link);
}

function levelsOf(content: Content): Readonly<Record<string, number>> {
  const users = content["users"];
  if (typeof users !== "object" || users === null) return {};
  return Object.fromEntries(Object.entries(users).filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
}

function mayAllSpeak(content: Content): boolean {
  return whole(content["events_default"]) <= whole(content["users_default"]);
}

const whole = (value: unknown): number => (Number.isInteger(value) ? (value as number) : 0);
