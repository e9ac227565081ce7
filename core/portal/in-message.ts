/** What is said on a network, in the room: messages, their edits and deletions. */
import { hash } from "node:crypto";
import { gatherIn, senderOf } from "./in-gather.ts";
import { Earlier, redactIn, sendIn } from "./in-send.ts";
import { toMatrix, toMatrixEdit } from "../matrix/to-matrix.ts";
import { TryLater } from "../model/errors.ts";
import type { RemoteDelete, RemoteEdit, RemoteMessage } from "../model/events.ts";
import type { EventId, Mxid, RemoteMessageId } from "../model/ids.ts";
import type { LiveLogin } from "../logins.ts";
import { withNames } from "./in-names.ts";
import { personKey, saidBy } from "../opt-out.ts";
import type { Person } from "../model/message.ts";
import type { Turn } from "../lane.ts";
import { eventIn, type PortalContext } from "./portal.ts";
import type { JournalRow, Link, MessageRecord } from "../store/store.ts";

export interface InTurn extends Turn {
  readonly portal: PortalContext;
  readonly link: Link;
  readonly live: LiveLogin;
  readonly row: JournalRow;
}

export async function inMessage(turn: InTurn, said: RemoteMessage): Promise<void> {
  const { portal, link, live, row } = turn;
  const hidden = await portal.optOuts.hiddenName(personKey(link.network, said.sender));
  const body = withNames(said.body, portal.members.heard(link.room));
  const event = { ...said, body: hidden ? saidBy(hidden, body) : body };
  const { messages, journal } = portal.store;
  await notOurEcho(turn, event);
  const known = await messages.byRemote(link.id, event.message);
  const deleted = await messages.isTombstone(link.id, event.message);
  const silent = await portal.optOuts.isSilent(personKey(link.network, event.sender));
  if (isDone(turn, known) || deleted || silent) return await journal.finish(row.id, {});
  const person = await senderOf(live.connection, event.sender, event.person);
  const { refs, root } = await gatherIn(portal, link, live.connection, event, row);
  const as = hidden ? portal.bot : await speakIn(turn, person);
  const parts = toMatrix(event, refs);
  const earlier = new Earlier(portal, link, turn.again);
  const records: MessageRecord[] = [];
  for (const [part, { type, content }] of parts.entries()) {
    const there = known.find((record) => record.part === part);
    if (there) {
      records.push(there);
      continue;
    }
    const sent = await sendIn(portal, link, earlier, { type, content, as, remote: event.message, part, at: event.at });
    records.push(recordOf(turn, event, sent, as, part, parts[part]?.file ?? (part === 0 ? digestOf(said) : undefined)));
  }
  const first = records[0]?.event as EventId;
  const threads = event.thread ? [{ link: link.id, thread: event.thread.id, root: root ?? first }] : [];
  await journal.finish(row.id, { messages: records, threads });
}

/**
 * What is in the map stands in the room. But an attempt that was cut off may have left the first parts only, of which the map knew by
 * their echo: then those that are missing follow.
 */
function isDone({ row, again }: InTurn, known: readonly MessageRecord[]): boolean {
  const isBegun = again || row.reason !== undefined;
  return known.length > 0 && (!isBegun || known.some((record) => record.origin === "matrix"));
}

/** Who speaks in the room: the person's own account where they linked one, else their ghost, made ready as far as it is not yet. */
export async function speakIn(turn: InTurn, person: Person): Promise<Mxid> {
  const { portal, link, live } = turn;
  const double = await portal.doubles.of(link, person.id);
  if (double) return double;
  const ghost = await portal.ghosts.present(link.room, live.network.id, person, (ref) => live.connection.open(ref));
  await portal.surroundings.powers.letSpeak(link, ghost);
  return ghost;
}

/** How long an event stands at the head of its lane for an unresolved send, before the lane looks again later. */
const PATIENCE = 10_000;

/**
 * An event about a message that we do not know may be about the one that we are sending at this moment: it waits until that is
 * resolved.
 */
export async function knownMessage(turn: InTurn, message: RemoteMessageId): Promise<readonly MessageRecord[]> {
  const { portal, link } = turn;
  const known = await portal.store.messages.byRemote(link.id, message);
  if (known.length > 0 || !portal.unresolved.has(link.id)) return known;
  await sendsResolved(turn);
  return await portal.store.messages.byRemote(link.id, message);
}

async function sendsResolved({ portal, link }: InTurn): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = portal.clock.timer(PATIENCE, late.resolve);
  await Promise.race([portal.unresolved.closed(link.id), late.promise]);
  cancel();
  if (portal.unresolved.has(link.id)) throw new TryLater("A message on its way there is not resolved yet.", 1_000, "channel");
}

/** Said by one of our own identities without evidence which send it was: while one is unresolved, it may be that. */
async function notOurEcho(turn: InTurn, event: RemoteMessage): Promise<void> {
  const { portal, link, live } = turn;
  if (!portal.unresolved.has(link.id)) return;
  const person = event.person ?? (await live.connection.person(event.sender));
  if (person?.ours || portal.logins.ownerOf(link.network, event.sender)) await sendsResolved(turn);
}

function recordOf(turn: InTurn, event: RemoteMessage, sent: EventId, as: Mxid, part: number, digest: string | undefined): MessageRecord {
  return {
    link: turn.link.id,
    room: turn.link.room,
    event: sent,
    remote: event.message,
    part,
    origin: "remote",
    sender: as,
    ...(event.thread ? { thread: event.thread.id } : {}),
    ...(digest !== undefined ? { digest } : {}),
    at: event.at,
    ...(event.edited !== undefined ? { edited: event.edited } : {}),
  };
}

/** Of what was said, so that a later comparison with history knows whether it was edited. */
export function digestOf(event: RemoteMessage | RemoteEdit): string {
  return hash("sha256", JSON.stringify([event.style, event.body]), "base64url").slice(0, 16);
}

export async function inEdit(turn: InTurn, event: RemoteEdit): Promise<void> {
  const { portal, link, live, row } = turn;
  const { messages, journal } = portal.store;
  const known = await knownMessage(turn, event.message);
  if (await messages.isTombstone(link.id, event.message)) return await journal.finish(row.id, {});
  if (known.length === 0) return await editUnknown(turn, event);
  const text = known.find((record) => !isFile(record)) ?? (known[0] as MessageRecord);
  if (text.origin === "remote" && text.digest === digestOf(event) && !event.files) return await journal.finish(row.id, {});
  // Delivered late, behind a newer one: what stands is right.
  if (text.edited !== undefined && event.at < text.edited) return await journal.finish(row.id, {});
  const { refs } = await gatherIn(portal, link, live.connection, { ...event, files: [] }, row);
  if (text.origin === "remote" && portal.doubles.isLost(text.sender)) return await editAnew(turn, event, text);
  const as = text.origin === "remote" ? text.sender : await speakIn(turn, await senderOf(live.connection, event.sender, event.person));
  const left = event.files?.map((file) => `file:${file.id}`);
  const isGone = (record: MessageRecord) => left !== undefined && isFile(record) && !left.includes(record.digest as string);
  // A caption whose file was taken away goes on as plain text.
  const original = isGone(text) ? undefined : (await eventIn(portal, link.room, text.event))?.content;
  const hidden = as === portal.bot ? await portal.optOuts.hiddenName(personKey(link.network, event.sender)) : undefined;
  const shown = hidden ? { ...event, body: saidBy(hidden, event.body) } : event;
  const { type, content } = toMatrixEdit(shown, refs, text.event, original);
  const earlier = new Earlier(portal, link, turn.again);
  await sendIn(portal, link, earlier, { type, content, as, remote: `edit:${event.message}:${event.version}`, part: 0, at: event.at });
  const gone = known.filter((record) => isGone(record) && record !== text);
  for (const record of gone) await redactIn(portal, link, record.event, record.sender, `file:${event.message}`);
  await journal.finish(row.id, { messages: isFile(text) && !isGone(text) ? [] : [{ ...text, digest: digestOf(event), edited: event.at }] });
}

function isFile(record: MessageRecord): boolean {
  return record.digest?.startsWith("file:") ?? false;
}

/** What waits or lies parked takes the new text where it lies; what never came here is said now. */
async function editUnknown(turn: InTurn, event: RemoteEdit): Promise<void> {
  const { journal } = turn.portal.store;
  const rows = await journal.about(`${turn.link.id}:${event.message}`);
  const original = rows.find((row) => (row.payload as { kind?: string }).kind === "message");
  if (!original) return await inMessage(turn, asMessage(event));
  const { style, body, files } = event;
  await journal.rewrite(original.id, { ...(original.payload as RemoteMessage), style, body, ...(files ? { files } : {}) });
  await journal.finish(turn.row.id, {});
}

/** Said under a name under which the bridge cannot speak any more: nobody else may edit it, so the new text stands below, as an answer. */
async function editAnew(turn: InTurn, event: RemoteEdit, text: MessageRecord): Promise<void> {
  const { portal, link, live, row } = turn;
  const as = await speakIn(turn, await senderOf(live.connection, event.sender, event.person));
  const { refs } = await gatherIn(portal, link, live.connection, { ...event, files: [] }, row);
  const { files: _files, thread: _thread, ...said } = asMessage(event);
  const [part] = toMatrix({ ...said, note: "edited" }, { ...refs, reply: { event: text.event, sender: text.sender }, late: true });
  const { type, content } = part as { type: string; content: Readonly<Record<string, unknown>> };
  const remote = `edit:${event.message}:${event.version}`;
  await sendIn(portal, link, new Earlier(portal, link, turn.again), { type, content, as, remote, part: 0, at: event.at });
  await portal.store.journal.finish(row.id, { messages: [{ ...text, digest: digestOf(event) }] });
}

function asMessage(event: RemoteEdit): RemoteMessage {
  const { version: _version, kind: _kind, ...rest } = event;
  return { ...rest, kind: "message" };
}

export async function inDelete(turn: InTurn, event: RemoteDelete): Promise<void> {
  const { portal, link, row } = turn;
  const { journal } = portal.store;
  for (const message of event.messages) {
    const known = await knownMessage(turn, message);
    const waiting = await journal.about(`${link.id}:${message}`);
    await journal.remove(waiting.filter((other) => other.id !== row.id).map((other) => other.id));
    for (const record of known) {
      await redactIn(portal, link, record.event, record.origin === "remote" ? record.sender : portal.bot, `delete:${message}`);
    }
  }
  const at = portal.clock.now();
  await journal.finish(row.id, { tombstones: event.messages.map((message) => ({ link: link.id, message, at })) });
}
