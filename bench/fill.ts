/** Portals and ghosts as if they had been there for long, written by the store itself. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import { loginId, type Mxid, mxid, networkId, remoteChannelId, remoteUserId, roomId } from "../core/model/ids.ts";
import { loadSealKey } from "../core/store/seal.ts";
import { openStore } from "../core/store/sqlite.ts";
import type { SqliteStore } from "../core/store/sqlite.ts";
import { PEOPLE } from "./irc-server.ts";
import { channelOf, eventName, networkCount, networkOf, type Portals, roomOf } from "./scene.ts";

export interface Filling {
  readonly folder: string;
  readonly portals: Portals;
  /** At least as many; those who speak are among them. */
  readonly ghosts?: number;
  /** Messages that have crossed before. */
  readonly messages?: number;
}

const IRC = networkId("irc");
/** Calls that share a commit. */
const AT_ONCE = 500;

export async function fillStore({ folder, portals, ghosts = 0, messages = 0 }: Filling): Promise<void> {
  const sealKey = loadSealKey({ file: join(folder, "causeway.key"), make: true });
  const clock = { now: Date.now };
  const store = await openStore({ path: join(folder, "causeway.db"), sealKey, clock, log: pino({ level: "silent" }) });
  await each(portals, (portal) => addPortal(store, portal, portals));
  const networks = networkCount(portals);
  await each(networks * PEOPLE.length, (index) => addGhost(store, `n${index % networks}`, PEOPLE[Math.floor(index / networks)] as string));
  await each(portals * PEOPLE.length, (index) => {
    const portal = index % portals;
    return addMember(store, portal, ghostOf(networkOf(portal, portals), PEOPLE[Math.floor(index / portals)] as string));
  });
  await each(ghosts, async (index) => {
    const network = networkOf(index % portals, portals);
    await Promise.all([addGhost(store, network, `x${index}`), addMember(store, index % portals, ghostOf(network, `x${index}`))]);
  });
  await store.close();
  if (messages > 0) addMessages(join(folder, "causeway.db"), messages, portals);
}

async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < count; start += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, index) => work(start + index)));
  }
}

function ghostOf(network: string, nick: string) {
  return mxid(`@_irc_${network}_${nick}:bench.local`);
}

async function addPortal(store: SqliteStore, portal: number, portals: Portals): Promise<void> {
  const room = roomId(roomOf(portal));
  const network = networkOf(portal, portals);
  const channel = remoteChannelId(`${network}/${channelOf(portal)}`);
  const settings = {};
  const link = { network: IRC, channel, login: loginId(network), room, by: mxid("@admin:bench.local"), settings, watermark: undefined };
  await Promise.all([store.portals.putPortal({ room, made: false, shown: undefined }), store.portals.addLink({ ...link, at: Date.now() })]);
}

async function addGhost(store: SqliteStore, network: string, nick: string): Promise<void> {
  const who = { mxid: ghostOf(network, nick), network: IRC, remote: remoteUserId(`${network}/${nick}`) };
  await store.users.putGhost({ ...who, registered: true, name: nick, avatarId: undefined, avatar: undefined });
}

async function addMember(store: SqliteStore, portal: number, ghost: Mxid): Promise<void> {
  const name = ghost.slice(ghost.lastIndexOf("_") + 1, ghost.indexOf(":"));
  await store.users.putMember({ room: roomId(roomOf(portal)), mxid: ghost, membership: "join", name, avatar: undefined });
}

/**
 * So many that the store's own calls would take half an hour: written as one statement, in the order of the largest index, the others made
 * anew afterwards.
 */
function addMessages(file: string, messages: number, portals: Portals): void {
  const db = new Database(file);
  db.pragma("synchronous = OFF");
  db.pragma("cache_size = -1000000");
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'message' AND type = 'index' AND sql IS NOT NULL",
    )
    .all();
  db.function("event_name", { deterministic: true }, (place: unknown, number: unknown) => eventName(Number(place), Number(number)));
  db.exec("BEGIN");
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  const step = Math.floor(2 ** 32 / messages);
  db.prepare(
    `WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :messages)
     INSERT INTO message (link, room, event, remote, part, origin, sender, at)
     SELECT 1 + n % :portals, '!r' || (n % :portals) || ':bench.local', event_name(n * :step, n), 'old' || n, 0, 'remote', :sender, :at - n
     FROM number`,
  ).run({ messages, portals, step, sender: ghostOf("n0", PEOPLE[0]), at: Date.now() });
  for (const { sql } of indexes) db.exec(sql);
  db.exec("COMMIT");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
}
