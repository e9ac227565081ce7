/** The gather step towards Matrix: everything that the converter will ask for, fetched beforehand. */
import type { InRefs } from "../matrix/to-matrix.ts";
import { TryLater } from "../model/errors.ts";
import type { RemoteEdit, RemoteMessage, RemoteThread } from "../model/events.ts";
import type { EventId, MxcUri, Mxid, RemoteChannelId, RemoteMessageId, RemoteUserId, RoomId } from "../model/ids.ts";
import type { Person } from "../model/message.ts";
import type { RichText } from "../model/richtext.ts";
import { inlines } from "../model/walk.ts";
import type { Connection } from "../network.ts";
import { filesIn } from "./in-files.ts";
import { shownName } from "../shown-name.ts";
import type { PortalContext } from "./portal.ts";
import type { JournalRow, Link, MessageRecord } from "../store/store.ts";

/** How long a reply waits for a thread's root that may be on its way: Slack's events come in no order. */
const PATIENCE = 3_000;

export interface Gathered {
  readonly refs: InRefs;
  /** The thread's root, when it is known here. */
  readonly root: EventId | undefined;
}

export async function gatherIn(
  portal: PortalContext,
  link: Link,
  connection: Connection,
  event: RemoteMessage | RemoteEdit,
  row: JournalRow,
): Promise<Gathered> {
  const late = portal.clock.now() - event.at > portal.settings.lateAfter;
  const [people, channels, emoji] = await Promise.all([
    peopleIn(portal, link, connection, event.body),
    channelsIn(portal, link, event.body),
    emojiIn(portal, link, connection, event.body),
  ]);
  const root = event.thread ? await threadRoot(portal, link, event.thread, event, row) : undefined;
  const reply = event.kind === "message" && event.replyTo ? await replyTarget(portal, link, event.replyTo.message) : undefined;
  const files = await filesIn(portal, connection, event.files ?? [], row);
  const messages = await messagesIn(portal, link, event.body);
  const refs: InRefs = {
    people,
    channels,
    emoji,
    messages,
    files,
    late,
    ...(reply ? { reply: { event: reply.event, sender: reply.sender } } : {}),
    ...(root ? { thread: { root, latest: reply?.event ?? root } } : {}),
  };
  return { refs, root };
}

/** The person as the network knows them now, or the little that the event says. */
export async function senderOf(connection: Connection, id: RemoteUserId, said: Person | undefined): Promise<Person> {
  return said ?? (await connection.person(id)) ?? { id, name: id.slice(id.lastIndexOf("/") + 1) };
}

async function peopleIn(portal: PortalContext, link: Link, connection: Connection, body: RichText) {
  const people = new Map<RemoteUserId, { mxid: Mxid; name: string }>();
  for (const node of inlines(body)) {
    if (node.type !== "mention" || node.target.kind !== "person" || node.target.remote === undefined) continue;
    const id = node.target.remote;
    if (people.has(id)) continue;
    const own = portal.logins.ownerOf(link.network, id);
    const person = await connection.person(id);
    if (own) people.set(id, { mxid: own, name: await portal.members.name(link.room, own) });
    else if (person) people.set(id, { mxid: portal.ghosts.mxidOf(link.network, id), name: shownName(person.name, person.id) });
  }
  return people;
}

async function channelsIn(portal: PortalContext, link: Link, body: RichText) {
  const channels = new Map<RemoteChannelId, { room: RoomId; name: string; via: readonly string[] }>();
  for (const node of inlines(body)) {
    if (node.type !== "mention" || node.target.kind !== "channel" || node.target.remote === undefined) continue;
    const other = await portal.links.of(link.network, node.target.remote);
    if (other) channels.set(node.target.remote, { room: other.room, name: node.text, via: [portal.rooms.domain] });
  }
  return channels;
}

async function messagesIn(portal: PortalContext, link: Link, body: RichText) {
  const messages = new Map<string, { room: RoomId; event: EventId; via: readonly string[] }>();
  for (const node of inlines(body)) {
    if (node.type !== "mention" || node.target.kind !== "message") continue;
    const { channel, remote, url } = node.target;
    const other = channel === undefined || channel === link.channel ? link : await portal.links.of(link.network, channel);
    if (!other || remote === undefined) continue;
    const [record] = await portal.store.messages.byRemote(other.id, remote);
    if (record) messages.set(url, { room: other.room, event: record.event, via: [portal.rooms.domain] });
  }
  return messages;
}

async function emojiIn(portal: PortalContext, link: Link, connection: Connection, body: RichText) {
  const emoji = new Map<string, MxcUri>();
  for (const node of inlines(body)) {
    if (node.type !== "emoji" || node.source?.kind !== "remote" || node.source.url === undefined) continue;
    const uri = await portal.media.emoji(connection, link.network, { id: node.source.id, name: node.name, url: node.source.url });
    if (uri) emoji.set(node.source.id, uri);
  }
  return emoji;
}

async function threadRoot(
  portal: PortalContext,
  link: Link,
  thread: RemoteThread,
  event: RemoteMessage | RemoteEdit,
  row: JournalRow,
): Promise<EventId | undefined> {
  const known = await portal.store.messages.thread(link.id, thread.id);
  if (known) return known.root;
  if (thread.root === undefined) return undefined;
  const [record] = await portal.store.messages.byRemote(link.id, thread.root);
  if (record) return record.event;
  const young = event.via === "live" && portal.clock.now() - row.at < PATIENCE;
  if (young && (await mayBeComing(portal, link, thread.root))) {
    throw new TryLater("The message that this answers has not come yet.", 500, "item");
  }
  return undefined;
}

/** How long an answer waits for a send whose outcome is not known, before it goes without its reference. */
const UNRESOLVED = 4_000;

async function replyTarget(portal: PortalContext, link: Link, message: RemoteMessageId): Promise<MessageRecord | undefined> {
  const find = async () => (await portal.store.messages.byRemote(link.id, message))[0];
  const known = await find();
  if (known || !portal.unresolved.has(link.id)) return known;
  // It may be the one that we are sending at this moment.
  const late = Promise.withResolvers<void>();
  const cancel = portal.clock.timer(UNRESOLVED, late.resolve);
  await Promise.race([portal.unresolved.closed(link.id), late.promise]);
  cancel();
  return await find();
}

/** Whether a message that we do not know may be on its way here: it waits in the journal, or its place in time is after the link's beginning. */
async function mayBeComing(portal: PortalContext, link: Link, message: RemoteMessageId): Promise<boolean> {
  if (portal.unresolved.has(link.id)) return true;
  const waiting = await portal.store.journal.about(`${link.id}:${message}`);
  return waiting.some((row) => row.state === "waiting") || (await portal.store.messages.latest(link.id)) !== undefined;
}
