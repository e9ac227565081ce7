/** Portals and ghosts as if they had been there for long, written by the store itself. */
import { join } from "node:path";
import { pino } from "pino";
import {
  eventId,
  linkId,
  loginId,
  type Mxid,
  mxid,
  networkId,
  remoteChannelId,
  remoteMessageId,
  remoteUserId,
  roomId,
} from "../core/model/ids.ts";
import { loadSealKey } from "../core/store/seal.ts";
import { openStore } from "../core/store/sqlite.ts";
import type { SqliteStore } from "../core/store/sqlite.ts";
import { PEOPLE } from "./irc-server.ts";
import { channelOf, networkCount, networkOf, type Portals, roomOf } from "./scene.ts";

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
  await each(messages, (index) => addMessage(store, index, portals));
  await store.close();
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

async function addMessage(store: SqliteStore, index: number, portals: Portals): Promise<void> {
  const portal = index % portals;
  await store.journal.finish(undefined, {
    messages: [
      {
        link: linkId(portal + 1),
        room: roomId(roomOf(portal)),
        event: eventId(`$old${index}`),
        remote: remoteMessageId(`old${index}`),
        part: 0,
        origin: "remote",
        sender: ghostOf(networkOf(portal, portals), PEOPLE[0]),
        at: Date.now(),
      },
    ],
  });
}
