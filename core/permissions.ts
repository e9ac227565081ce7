/** Who may ask the bridge for what. */
import type { Mxid } from "./model/ids.ts";

/**
 * `block`: the bridge takes no notice of them and relays nothing of theirs. `relay`: what they say is relayed. `user`: they may also link
 * rooms that they have power in and sign in on networks. `admin`: everything, everywhere.
 */
export type Level = "block" | "relay" | "user" | "admin";

/** From low to high. */
export const LEVELS: readonly Level[] = ["block", "relay", "user", "admin"];

/**
 * The config's table. A key is an MXID (`@alice:example.org`), a server name (`example.org`), either of them with `*` for any run of
 * characters (`*.example.org`, `@bot-*:example.org`), or `*` for everybody.
 */
export type PermissionTable = Readonly<Record<string, Level>>;

/** Those admins who are named in full. */
export function namedAdmins(table: PermissionTable): Mxid[] {
  return Object.entries(table).flatMap(([key, level]) => (level === "admin" && /^@[^:*]+:[^*]+$/.test(key) ? [key as Mxid] : []));
}

/** The one place where it is asked. */
export interface Permissions {
  levelOf(mxid: Mxid): Level;
  may(mxid: Mxid, wish: Wish): boolean;
}

export function permissionsOf(table: PermissionTable): Permissions {
  return { levelOf: (mxid) => levelOf(mxid, table), may: (mxid, wish) => may(levelOf(mxid, table), wish) };
}

/** What may be asked for, and the lowest level that may. */
const NEEDED = {
  /** Being heard on the other side. */
  relay: "relay",
  /** `help`, `status` of the room, opting out. */
  ask: "relay",
  /** Trying again what could not be delivered. */
  retry: "relay",
  /** Linking and unlinking, where the room and the channel agree. */
  link: "user",
  /** A login of one's own on a network. */
  login: "user",
  /** Any room without power in it, everybody's logins, the bridge itself; also says yes for a channel. */
  administer: "admin",
} as const satisfies Record<string, Level>;

export type Wish = keyof typeof NEEDED;

export function may(level: Level, wish: Wish): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(NEEDED[wish]);
}

/**
 * The most particular key that fits decides: an MXID before a pattern of MXIDs, a server before a pattern of servers, `*` last; of two
 * patterns the one with more letters, of two with as many the lower level. Nobody named them = `block`.
 */
export function levelOf(mxid: Mxid, table: PermissionTable): Level {
  let best: { readonly rank: number; readonly level: Level } = { rank: -1, level: "block" };
  for (const [key, level] of Object.entries(table)) {
    if (!fits(key, mxid)) continue;
    const rank = rankOf(key);
    if (rank > best.rank || (rank === best.rank && LEVELS.indexOf(level) < LEVELS.indexOf(best.level))) best = { rank, level };
  }
  return best.level;
}

function rankOf(key: string): number {
  const letters = key.replaceAll("*", "").length;
  return (key.startsWith("@") ? 2000 : 0) + (key.includes("*") ? 0 : 1000) + letters;
}

function fits(key: string, mxid: Mxid): boolean {
  return matchesGlob(key, key.startsWith("@") ? mxid : serverOf(mxid));
}

/** Everything after the first colon: a server name may hold a port. */
function serverOf(mxid: Mxid): string {
  return mxid.slice(mxid.indexOf(":") + 1);
}

/** `*` stands for any run of characters, none included. Linear in the text for each star, whatever the pattern. */
export function matchesGlob(pattern: string, text: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return text === head;
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - tail.length;
}
