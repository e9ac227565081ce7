/** What is said in the room, on a network: messages and their edits, in as many parts as it takes there. */
import { hash } from "node:crypto";
import { correction } from "../correction.ts";
import { fit } from "../fit.ts";
import type { LiveLogin } from "../logins.ts";
import { editTarget, fromMatrix, newContent } from "../matrix/from-matrix.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { Refused, TooLarge } from "../model/errors.ts";
import { type EventId, eventId, mxid } from "../model/ids.ts";
import type { OutMessage, Speaker } from "../model/message.ts";
import type { Part, SayPart, Sent } from "../model/effects.ts";
import { effect, type OutTurn } from "./out-effect.ts";
import { gatherOut } from "./out-gather.ts";
import { eventIn } from "./portal.ts";
import { speakerOf, type Voice, voiceOf } from "./relay.ts";
import type { Done, MessageRecord } from "../store/store.ts";
import { pollTold } from "./votes.ts";

type Content = Readonly<Record<string, unknown>>;

export async function outMessage(turn: OutTurn, content: Content = turn.event.content): Promise<void> {
  const { portal, link, event, row } = turn;
  const voice = await voiceOf(portal, link, mxid(event.sender), row);
  if (!voice) return await portal.store.journal.finish(row.id, {});
  const parts = await partsOf(turn, voice, content);
  if (event.type.endsWith("poll.start") && voice.live.connection.capabilities(link.channel).poll === "fallback")
    await pollTold(portal.store.settings, link, eventId(event.event_id));
  try {
    await sayParts(turn, voice, parts, 0);
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    const place = parts.findIndex((part) => part.file !== undefined);
    await sayParts(turn, voice, await partsWithLink(turn, voice, content, place > 0), Math.max(0, place));
  }
}

/** `from`: the place of the first, among all parts of the message. */
async function sayParts(turn: OutTurn, voice: Voice, parts: readonly SayPart[], from: number): Promise<void> {
  const { portal, link, event, row } = turn;
  const id = eventId(event.event_id);
  const done = await portal.store.messages.byEvent(id, link.id);
  const left = parts
    .map((part, index) => ({ part, place: from + index }))
    .filter(({ place }) => !done.some((record) => record.part === place));
  const last = left.at(-1)?.place;
  for (const { part, place } of left) {
    await effect(turn, voice.live, { ...part, channel: link.channel }, { what: id, place }, async (sent) => {
      // With the last part the row is done: one write for both.
      await portal.store.journal.finish(place === last ? row.id : undefined, sayDone(turn, voice, id, part, place, sent));
    });
  }
  if (last === undefined) await portal.store.journal.finish(row.id, {});
}

export async function partsOf(turn: OutTurn, voice: Voice, content: Content): Promise<readonly SayPart[]> {
  const { portal, link, event } = turn;
  requireSize(content);
  const capabilities = voice.live.connection.capabilities(link.channel);
  const message = await gatherOut(portal, link, voice.live.connection, event, content, voice.speaker);
  const fitting = fit(message, capabilities);
  if ("refused" in fitting) throw new Refused(fitting.refused);
  return voice.live.network.toParts(fitting.message, capabilities);
}

/** The network has refused the file for its size: a link to it stands in its place. `alone`: what goes with it has been said. */
async function partsWithLink(turn: OutTurn, voice: Voice, content: Content, alone: boolean): Promise<readonly SayPart[]> {
  const { portal, link, event } = turn;
  const { live, speaker } = voice;
  const message = await gatherOut(portal, link, live.connection, event, content, speaker);
  const capabilities = live.connection.capabilities(link.channel);
  const fitting = fit({ ...message, ...(alone ? { body: [] } : {}) }, { ...capabilities, files: "fallback" });
  if ("refused" in fitting) throw new Refused(fitting.refused);
  return live.network.toParts(fitting.message, capabilities);
}

/** Client-server API, "Size limits": a homeserver that lets more through would have us fill a channel with it. */
const LARGEST_EVENT = 65_536;

function requireSize(content: Content): void {
  const texts = [content["body"], content["formatted_body"]].filter((text) => typeof text === "string");
  if (texts.some((text) => text.length > LARGEST_EVENT)) throw new Refused("The text is longer than a message in Matrix may be.");
}

export function sayDone(turn: OutTurn, voice: Voice, id: EventId, part: SayPart, place: number, sent: Sent): Done {
  const { link, event } = turn;
  const record: MessageRecord = {
    link: link.id,
    room: link.room,
    event: id,
    ...(sent.id ? { remote: sent.id } : {}),
    part: place,
    origin: "matrix",
    sender: mxid(event.sender),
    ...(sent.thread ? { thread: sent.thread } : {}),
    digest: digestOf(part),
    login: voice.live.login.id,
    at: event.origin_server_ts,
  };
  const root = sent.thread ? threadRootOf(event) : undefined;
  return { messages: [record], threads: sent.thread && root ? [{ link: link.id, thread: sent.thread, root }] : [] };
}

function threadRootOf(event: MatrixEvent): EventId | undefined {
  const relation = event.content["m.relates_to"] as { rel_type?: unknown; event_id?: unknown } | undefined;
  return relation?.rel_type === "m.thread" && typeof relation.event_id === "string" ? eventId(relation.event_id) : undefined;
}

/** Of what a part looks like on the wire, so that an edit changes only the parts that changed. */
function digestOf(part: Pick<SayPart, "wire" | "text">): string {
  return hash("sha256", JSON.stringify([part.text, part.wire]), "base64url").slice(0, 16);
}

export async function outEdit(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const { messages, journal } = portal.store;
  const target = editTarget(event.content);
  const content = newContent(event.content);
  if (!target || !content) return await journal.finish(row.id, {});
  const records = await messages.byEvent(eventId(target), link.id);
  const sender = records[0]?.sender ?? (await originalOf(turn, eventId(target)))?.sender;
  // Anyone may send an event that says it replaces another's: it counts from the author alone.
  if (sender !== undefined && sender !== event.sender) return await journal.finish(row.id, {});
  if (records.length === 0) return await editUnknown(turn, eventId(target), content);
  await applyEdit(turn, eventId(target), content, records);
}

async function originalOf(turn: OutTurn, target: EventId): Promise<MatrixEvent | undefined> {
  return await eventIn(turn.portal, turn.link.room, target);
}

/** What is parked takes the new text where it lies; what never went there is said now. */
async function editUnknown(turn: OutTurn, target: EventId, content: Content): Promise<void> {
  const { journal } = turn.portal.store;
  const rows = (await journal.about(target)).filter((other) => other.lane === turn.row.lane && other.id !== turn.row.id);
  const original = rows.find((other) => (other.payload as MatrixEvent).event_id === target);
  if (!original) return await outMessage(turn, content);
  await journal.rewrite(original.id, { ...(original.payload as MatrixEvent), content });
  await journal.finish(turn.row.id, {});
}

export async function applyEdit(turn: OutTurn, target: EventId, content: Content, records: readonly MessageRecord[]): Promise<void> {
  const { portal, link, event, row } = turn;
  const voice = await voiceOfRecord(turn, records[0]);
  const edits = [{ edit: eventId(event.event_id), target }];
  if (!voice) return await portal.store.journal.finish(row.id, {});
  const capabilities = voice.live.connection.capabilities(link.channel);
  const isPoll = event.type.endsWith("poll.start") && ["full", "partial"].includes(capabilities.poll);
  if (isPoll) throw new Refused("A poll cannot be changed there once it stands; the old one goes on.");
  if (capabilities.edit === "refused") throw new Refused("Edits do not cross to this network.");
  if (capabilities.edit === "fallback" || !capabilities.ids) await correct(turn, voice, target, content);
  else {
    if (capabilities.editAge !== undefined && portal.clock.now() - (records[0]?.at ?? 0) > capabilities.editAge) {
      throw new Refused("The network does not let a message this old be edited; the old text stands there.");
    }
    await editParts(turn, voice, target, content, records);
  }
  await portal.store.journal.finish(row.id, event.type === "m.room.redaction" ? {} : { edits });
}

/** What the shared login has said for somebody is the shared login's to edit, though they have signed in since. */
async function voiceOfRecord({ portal, link, event, row }: OutTurn, record: MessageRecord | undefined): Promise<Voice | undefined> {
  const sender = record?.sender ?? mxid(event.sender);
  const voice = await voiceOf(portal, link, sender, row);
  if (!voice?.speaker.own || record?.login !== link.login || voice.live.login.id === link.login) return voice;
  return { live: portal.logins.serving(link), speaker: await speakerOf(portal, link, sender, false) };
}

/** Only the parts that changed are touched; those that came to be are said after them, those that fell away are deleted. */
async function editParts(turn: OutTurn, voice: Voice, target: EventId, content: Content, records: readonly MessageRecord[]): Promise<void> {
  const { portal, link, event } = turn;
  const { live, speaker } = voice;
  const original = { ...turn.event, event_id: target, ...(await contextOf(turn, target)) };
  const parts = await partsOf({ ...turn, event: original }, voice, { ...content, ...relationOf(original.content) });
  for (const [place, part] of parts.entries()) {
    const record = records.find((one) => one.part === place);
    const digest = digestOf(part);
    if (record?.digest === digest) continue;
    const name = { what: `${target}\n${event.event_id}`, place };
    if (!record?.remote) {
      const said = { ...turn, event: { ...event, event_id: target } };
      await effect(turn, live, { ...part, channel: link.channel }, name, async (sent) => {
        await portal.store.journal.finish(undefined, sayDone(said, voice, target, part, place, sent));
      });
      continue;
    }
    await effect(turn, live, editPart(turn, record, part, speaker), name, async () => {
      await portal.store.journal.finish(undefined, { messages: [{ ...record, digest }] });
    });
  }
  await dropParts(
    turn,
    live,
    speaker,
    target,
    records.filter((record) => record.part >= parts.length),
  );
}

function editPart(turn: OutTurn, record: MessageRecord, part: SayPart, speaker: Speaker): Part {
  const thread = record.thread ? { thread: record.thread } : {};
  const message = record.remote as NonNullable<MessageRecord["remote"]>;
  return { kind: "edit", channel: turn.link.channel, ...thread, message, speaker, wire: part.wire, text: part.text };
}

async function dropParts(
  turn: OutTurn,
  live: LiveLogin,
  speaker: Speaker,
  target: EventId,
  records: readonly MessageRecord[],
): Promise<void> {
  for (const record of records.toReversed()) {
    const forget = async () => {
      await turn.portal.store.journal.finish(undefined, { forget: [{ link: turn.link.id, event: target, from: record.part }] });
    };
    if (!record.remote) await forget();
    else {
      const thread = record.thread ? { thread: record.thread } : {};
      const part: Part = { kind: "delete", channel: turn.link.channel, ...thread, message: record.remote, speaker, own: true };
      await effect(turn, live, part, { what: `${target}\n${turn.event.event_id}\ndrop`, place: record.part }, forget);
    }
  }
}

/** An edit keeps what its original answers and where it stands; the edit event itself does not say. */
async function contextOf(turn: OutTurn, target: EventId): Promise<Pick<MatrixEvent, "content" | "sender" | "type">> {
  const original = await originalOf(turn, target);
  return { content: original?.content ?? {}, sender: original?.sender ?? turn.event.sender, type: original?.type ?? "m.room.message" };
}

function relationOf(content: Content): Content {
  const relation = content["m.relates_to"];
  return relation ? { "m.relates_to": relation } : {};
}

/** Where messages cannot be changed, one line says what did. */
async function correct(turn: OutTurn, voice: Voice, target: EventId, content: Content): Promise<void> {
  const { portal, link, event } = turn;
  const before = fromMatrix(event.type, await textBefore(turn, target), {}).body;
  const after = fromMatrix(event.type, content, {}).body;
  const body = correction(before, after);
  // Only white space, case or punctuation changed: not worth a line of everybody's screen.
  if (!body) return;
  const message: OutMessage = { speaker: voice.speaker, style: "text", body };
  const parts = voice.live.network.toParts(message, voice.live.connection.capabilities(link.channel));
  const id = eventId(event.event_id);
  for (const [place, part] of parts.entries()) {
    await effect(turn, voice.live, { ...part, channel: link.channel }, { what: id, place }, async (sent) => {
      await portal.store.journal.finish(undefined, sayDone(turn, voice, id, part, place, sent));
    });
  }
}

/** What the message said before this edit: the latest earlier edit of its author, else the original. */
export async function textBefore(turn: OutTurn, target: EventId): Promise<Content> {
  const original = await originalOf(turn, target);
  const edits = await turn.portal.client.relations(turn.link.room, target, "m.replace");
  const earlier = edits
    .filter((edit) => edit.sender === original?.sender && edit.event_id !== turn.event.event_id)
    .filter((edit) => edit.origin_server_ts <= turn.event.origin_server_ts && newContent(edit.content) !== undefined)
    .sort((a, b) => b.origin_server_ts - a.origin_server_ts)[0];
  return (earlier && newContent(earlier.content)) ?? original?.content ?? {};
}
