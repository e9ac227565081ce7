/**
 * Private conversations of a person's own login: each becomes a room of theirs when something is said in it, with the ghosts of those
 * who are in it. What is written to the bridge's own accounts becomes a room of those whom the config names. What came waits in the
 * login's own lane until its room stands.
 */
import { rememberedOf } from "./channel-facts.ts";
import type { Ghosts } from "./ghost.ts";
import type { Work } from "./lane.ts";
import type { Lanes } from "./lanes.ts";
import type { Links } from "./links.ts";
import type { LiveLogin } from "./logins.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import type { RemoteEvent, RemoteNotice } from "./model/events.ts";
import { type Mxid, mxid, type NetworkId, type RemoteUserId, type RoomId, roomId } from "./model/ids.ts";
import type { Person } from "./model/message.ts";
import { toPlain } from "./model/plain.ts";
import { findByCreation } from "./obtain-room.ts";
import { shownName } from "./shown-name.ts";
import type { Channel, Clock } from "./network.ts";
import type { Link, Store } from "./store/store.ts";

export interface DirectContext {
  readonly store: Store;
  readonly links: Links;
  readonly lanes: Lanes;
  readonly ghosts: Ghosts;
  readonly client: MatrixClient;
  readonly clock: Clock;
  /** Whose the conversations of shared logins are. */
  readonly hosts: readonly Mxid[];
  changed(link: Link, made: boolean): void;
  /** Whose own login a person there is. */
  ownerOf(network: NetworkId, person: RemoteUserId): Mxid | undefined;
  /** In the person's chat with the bot. */
  tell(person: Mxid, key: string, text: string): Promise<void>;
}

/** In a room's creation content: which conversation it is of. */
const DIRECT = "io.causeway.direct";

export function workDirect(context: DirectContext, login: () => LiveLogin | undefined): Work {
  return async (row) => {
    const event = row.payload as RemoteEvent;
    const live = login();
    const { journal } = context.store;
    const owner = live?.login.owner;
    const owners = owner === undefined ? context.hosts : [mxid(owner)];
    if (!live || owners.length === 0) return await journal.remove([row.id]);
    try {
      if (event.kind === "notice" && owner !== undefined) {
        await context.tell(mxid(owner), `notice:${live.network.id}:${row.id}`, noticeText(live, event));
        return await journal.finish(row.id, {});
      }
      const link = (await context.links.of(live.network.id, event.channel)) ?? (await make(context, live, owners, event));
      if (!link) return await journal.remove([row.id]);
      const phase = link.phase + (event.via === "history" ? 0 : 1);
      const moved = { lane: `in:${link.id}`, payload: event, trace: row.trace, at: row.at, phase, once: [] };
      await journal.finish(row.id, { rows: [moved] });
      context.lanes.wake(moved.lane);
    } catch (error) {
      throw failureOf(error);
    }
  };
}

/** What the network tells the login's owner, or services and bots do: no conversation, so it stands in the chat with the bot. */
function noticeText({ network, login }: LiveLogin, { body, from }: RemoteNotice): string {
  const where = network.ids.partOf?.(login) ?? network.name;
  return from === undefined ? `${where}: ${toPlain(body)}` : `${from} on ${where}: ${toPlain(body)}`;
}

/** Undefined = there is no such conversation any more. */
export async function make(
  context: DirectContext,
  live: LiveLogin,
  owners: readonly Mxid[],
  event: Pick<RemoteEvent, "channel" | "cursor">,
): Promise<Link | undefined> {
  const channel = await live.connection.channel(event.channel);
  if (!channel) return undefined;
  const { people } = await live.connection.members(channel.id);
  return await bind(context, live, owners, channel, await roomFor(context, live, owners, channel, people));
}

/** From now on the room is that conversation's. */
export async function bind(
  context: DirectContext,
  live: LiveLogin,
  owners: readonly Mxid[],
  channel: Channel,
  room: RoomId,
): Promise<Link> {
  const { links, clock } = context;
  const link = await links.add({
    network: live.network.id,
    channel: channel.id,
    login: live.login.id,
    room,
    by: owners[0] as Mxid,
    // In a conversation of their own the owner alone is heard: nobody else's words are put into their mouth.
    settings: live.login.owner === undefined ? {} : { relay: false },
    watermark: channel.latest,
    at: clock.now(),
  });
  const known = await links.update(link, { facts: { ...rememberedOf(channel), visibility: "private" } });
  context.changed(known, true);
  return known;
}

/** Row first: what was made and not remembered is found by its key. */
async function roomFor(
  context: DirectContext,
  live: LiveLogin,
  owners: readonly Mxid[],
  channel: Channel,
  people: readonly Person[],
): Promise<RoomId> {
  const { store, client, ghosts } = context;
  const key = `direct:${live.network.id}:${live.login.id}:${channel.id}`;
  const known = await store.portals.making(key);
  if (typeof known === "string") return roomId(known);
  // An earlier attempt may have made it and not lived to say so.
  const found = known === undefined ? undefined : await findByCreation(client, DIRECT, key);
  if (known === undefined) await store.portals.putMaking(key, { begun: true });
  const others = people.filter((one) => !one.ours && one.id !== live.person);
  // Of two people who are both signed in, both are in the one room.
  const ownerOf = (person: Person) => context.ownerOf(live.network.id, person.id);
  const invited = [...new Set([...owners, ...others.flatMap((person) => ownerOf(person) ?? [])])];
  const room =
    found ??
    (await client.createRoom({
      // Gives its owner the same power as the bot.
      preset: "trusted_private_chat",
      is_direct: true,
      invite: invited,
      ...(channel.kind === "group" || others.length !== 1 ? { name: shownName(channel.name, channel.id) } : {}),
      creation_content: { [DIRECT]: key },
    }));
  await store.portals.putMaking(key, room);
  await store.portals.putPortal({ room, made: true, shown: { name: channel.name } });
  const ghostly = others.filter((person) => ownerOf(person) === undefined);
  for (const person of ghostly) await ghosts.present(room, live.network.id, person, (ref) => live.connection.open(ref));
  return room;
}
