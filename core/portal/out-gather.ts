/** The gather step towards a network: whom and what the message mentions, answers and carries, in that network's terms. */
import { fromMatrix, mentionedIn, type OutRefs, replyTarget, threadRoot } from "../matrix/from-matrix.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { numbered } from "../matrix/from-poll.ts";
import {
  type EventId,
  eventId,
  type MxcUri,
  type Mxid,
  mxid,
  type RemoteChannelId,
  type RemoteMessageId,
  type RemoteUserId,
  type RoomAlias,
  type RoomId,
} from "../model/ids.ts";
import type { OutFile, OutMessage, ReplyTarget, Speaker, ThreadTarget } from "../model/message.ts";
import { firstWords } from "../model/plain.ts";
import type { Connection } from "../network.ts";
import { eventIn, type PortalContext } from "./portal.ts";
import type { Link } from "../store/store.ts";

type Content = Readonly<Record<string, unknown>>;

const EXCERPT = 80;

export async function gatherOut(
  portal: PortalContext,
  link: Link,
  connection: Connection,
  event: MatrixEvent,
  content: Content,
  speaker: Speaker,
): Promise<OutMessage> {
  const refs = await refsOf(portal, link, connection, event, content);
  const { style, body, file, poll } = fromMatrix(event.type, content, refs);
  const root = threadRoot(content);
  const target = replyTarget(content);
  const thread = root ? await threadOf(portal, link, eventId(root)) : undefined;
  const reply = target ? await replyOf(portal, link, connection, eventId(target)) : undefined;
  const out = file ? outFile(portal, file, eventId(event.event_id)) : undefined;
  return {
    speaker,
    style,
    body,
    ...(out ? { file: out } : {}),
    ...(reply ? { reply } : {}),
    ...(thread ? { thread } : {}),
    ...(poll ? { poll: numbered(poll) } : {}),
  };
}

async function refsOf(portal: PortalContext, link: Link, connection: Connection, event: MatrixEvent, content: Content): Promise<OutRefs> {
  const { ghosts, logins, members, rooms } = portal;
  const mentioned = mentionedIn(content);
  const people = new Map<Mxid, { remote?: RemoteUserId; name: string }>();
  for (const who of mentioned.people) {
    const ghost = ghosts.remoteOf(who);
    const remote = ghost?.network === link.network ? ghost.remote : logins.personOf(who, link);
    people.set(who, { name: await members.name(link.room, who), ...(remote ? { remote } : {}) });
  }
  const channels = new Map<RoomAlias | RoomId, { remote: RemoteChannelId; name: string }>();
  for (const room of mentioned.rooms) {
    const there = await rooms.resolve(room);
    const other = there ? (await portal.links.inRoom(there)).find((one) => one.network === link.network) : undefined;
    if (other) channels.set(room, { remote: other.channel, name: (await connection.channel(other.channel))?.name ?? room });
  }
  const messages = new Map<EventId, { url: string }>();
  for (const { event: id } of mentioned.events) {
    const [record] = (await portal.store.messages.byEvent(id)).filter((one) => one.remote !== undefined);
    const other = record ? await portal.links.link(record.link) : undefined;
    const url = other?.network === link.network ? connection.permalink(other.channel, record?.remote, record?.thread) : undefined;
    if (url) messages.set(id, { url });
  }
  const everyone = mentioned.everyone && link.settings.everyone === true && (await rooms.mayNotifyRoom(link.room, mxid(event.sender)));
  return { people, rooms: channels, events: messages, everyone, emoji: await emojiOf(portal, link, mentioned.emoji) };
}

async function emojiOf(portal: PortalContext, link: Link, mentioned: readonly MxcUri[]) {
  const emoji = new Map<MxcUri, { name: string; id: string; url?: string }>();
  for (const mxc of mentioned) {
    const known = await portal.media.knownEmoji(link.network, mxc);
    if (known?.kind !== "custom" || known.id === undefined) continue;
    emoji.set(mxc, { name: known.name, id: known.id, ...(known.url === undefined ? {} : { url: known.url }) });
  }
  return emoji;
}

async function threadOf(portal: PortalContext, link: Link, root: EventId): Promise<ThreadTarget> {
  const known = await portal.store.messages.threadByRoot(link.id, root);
  const [record] = await portal.store.messages.byEvent(root, link.id);
  const excerpt = await excerptOf(portal, link.room, root);
  return {
    ...(known ? { id: known.thread } : {}),
    ...(record?.remote ? { root: record.remote } : {}),
    excerpt: excerpt.text,
  };
}

async function replyOf(portal: PortalContext, link: Link, connection: Connection, target: EventId): Promise<ReplyTarget> {
  const { ghosts, logins, members, store } = portal;
  const [record] = await store.messages.byEvent(target, link.id);
  const excerpt = await excerptOf(portal, link.room, target);
  const sender = record?.sender ?? excerpt.sender;
  const ghost = sender ? ghosts.remoteOf(sender) : undefined;
  const hidden = sender && !ghost ? await portal.optOuts.hiddenName(sender) : undefined;
  const author = ghost?.network === link.network ? ghost.remote : sender ? logins.personOf(sender, link) : undefined;
  const latest = (await store.messages.latest(link.id))?.event === target;
  const url = record?.remote ? connection.permalink(link.channel, record.remote, record.thread) : undefined;
  return {
    ...(record?.remote ? { message: record.remote as RemoteMessageId } : {}),
    ...(record?.thread ? { thread: record.thread } : {}),
    ...(author && !hidden ? { author } : {}),
    authorName: hidden ?? (sender ? await members.name(link.room, sender) : "someone"),
    // What they did not want to be relayed is not relayed in another's answer either.
    excerpt: hidden && !record ? "" : excerpt.text,
    latest,
    ...(url ? { url } : {}),
  };
}

/** The first words of a message, one line; empty when it cannot be read any more. */
export async function excerptOf(portal: PortalContext, room: RoomId, id: EventId): Promise<{ text: string; sender?: Mxid }> {
  const event = await eventIn(portal, room, id);
  if (!event) return { text: "" };
  const { body, file } = fromMatrix(event.type, event.content, {});
  const text = firstWords(body, EXCERPT) || (file?.info.name ?? "");
  return { text, sender: mxid(event.sender) };
}

function outFile(portal: PortalContext, file: NonNullable<ReturnType<typeof fromMatrix>["file"]>, event: EventId): OutFile {
  const link = portal.media.link(file.mxc, file.info.name, event);
  return { ...file.info, open: () => portal.media.open(file.mxc), ...(link ? { link } : {}) };
}
