/** From the homeserver into the journal: one row for each link that the event has to reach, before the transaction is answered. */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { isCommand } from "./commands.ts";
import type { Ghosts } from "./ghost.ts";
import type { Lanes } from "./lanes.ts";
import type { Links } from "./links.ts";
import { mayBounce } from "./matrix/automatic.ts";
import { editTarget } from "./matrix/from-matrix.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { type Origin, readOrigin } from "./matrix/origin.ts";
import type { EventId, LinkId, Mxid, RoomId } from "./model/ids.ts";
import { remoteMessageId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import { RETRY } from "./notices.ts";
import { isUnclear } from "./portal/out-effect.ts";
import { redacted } from "./portal/out-redact.ts";
import { forgetRedaction, notedRedaction } from "./portal/redactions.ts";
import type { Journal, Link, MessageRecord, MessageStore, NewRow, SettingStore } from "./store/store.ts";

export interface MatrixIntakeContext {
  readonly journal: Journal;
  readonly messages: MessageStore;
  readonly settings: SettingStore;
  readonly links: Links;
  readonly lanes: Lanes;
  readonly ghosts: Ghosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bot: Mxid;
  readonly secret: Buffer;
  /** Of the rows: what the homeserver never pushed goes before what it pushed since we started. */
  readonly phase: number;
  /** True for events that were looked for, not pushed. */
  readonly late: boolean;
  /** True for an event that turned out to be no command: it goes to the links, and nowhere else. */
  readonly onlyRelay: boolean;
  /** Puts on disk that the event has been taken back. */
  redacted(event: EventId): Promise<void>;
  /** State that core itself lives by: names, join rules, encryption, tombstones. Called after the event is on disk. */
  observe(event: MatrixEvent): void;
  /** Opted out, or muted in the room: nothing of theirs goes out. */
  isSilent(sender: Mxid, room: RoomId): Promise<boolean>;
  /** Whether something is asked of a network itself. */
  isVerb(event: MatrixEvent): boolean;
  /** Whether the room is a direct chat with the bot, where every word is a command. */
  isDirect(event: MatrixEvent): Promise<boolean>;
}

/** Under this key the store remembers that an event has been taken back. */
export function redactedKey(event: EventId): string {
  return `redacted:${event}`;
}

/** What crosses to networks. State that only core cares for is observed, not relayed. */
const RELAYED = new Set([
  "m.room.message",
  "m.sticker",
  "m.reaction",
  "m.room.redaction",
  "m.room.topic",
  "m.room.name",
  "m.room.pinned_events",
  "m.room.member",
  "m.room.power_levels",
  "m.poll.start",
  "m.poll.response",
  "m.poll.end",
  "org.matrix.msc3381.poll.start",
  "org.matrix.msc3381.poll.response",
  "org.matrix.msc3381.poll.end",
]);
const MESSAGES = new Set(["m.room.message", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start"]);

/** Resolves when everything that counts is on disk: then the homeserver may be answered. */
export async function takeMatrix(context: MatrixIntakeContext, events: readonly MatrixEvent[]): Promise<void> {
  const rows: NewRow[] = [];
  const records: MessageRecord[] = [];
  const seen: string[] = [];
  const ours: MatrixEvent[] = [];
  for (const event of events) {
    const origin = await originOf(context, event);
    if (event.type === "m.room.redaction") {
      seen.push(...withdraw(rows, event));
      await takeBack(context, event);
      if (origin) ours.push(event);
    }
    const all = await context.links.inRoom(event.room_id);
    // Found later than it was said: what was said before the link concerns it not.
    const links = context.late ? all.filter((link) => link.at <= event.origin_server_ts) : all;
    if (origin) records.push(...(await echoed(context, event, origin)));
    const made = await rowsFor(context, event, links, origin);
    // Judged when it is said: opting in again later brings nothing of this back.
    if (!origin && made.length > 0 && isOut(made) && (await context.isSilent(event.sender, event.room_id)))
      seen.push(...made.flatMap((row) => row.once));
    else rows.push(...made);
  }
  if (rows.length > 0 || records.length > 0 || seen.length > 0) {
    const taken = await context.journal.take({ rows, records, seen });
    // Who may read the room is known before anything that came with it has its turn.
    for (const event of events) context.observe(event);
    for (const [index, row] of rows.entries()) {
      if (taken[index] === undefined) continue;
      const event = (row.payload as MatrixEvent).event_id;
      context.log.debug({ lane: row.lane, trace: row.trace, event, phase: row.phase }, "Taken from Matrix");
      context.lanes.wake(row.lane);
    }
  } else for (const event of events) context.observe(event);
  for (const event of ours) await settled(context, event);
}

/** Whose doing it was: by our mark, or by what was written down before a redaction whose mark the homeserver has dropped. */
async function originOf({ secret, settings }: MatrixIntakeContext, event: MatrixEvent): Promise<Origin | undefined> {
  const origin = readOrigin(secret, event);
  const target = event.type === "m.room.redaction" ? redacted(event) : undefined;
  return origin ?? (target && (await notedRedaction(settings, target, event.sender)));
}

/** Back, and on disk: what was written down before is of no more use. */
async function settled({ settings }: MatrixIntakeContext, event: MatrixEvent): Promise<void> {
  const target = redacted(event);
  if (target) await forgetRedaction(settings, target, event.sender);
}

function isOut(rows: readonly NewRow[]): boolean {
  return rows.some((row) => row.lane.startsWith("out:"));
}

async function rowsFor(
  context: MatrixIntakeContext,
  event: MatrixEvent,
  links: readonly Link[],
  origin: Origin | undefined,
): Promise<NewRow[]> {
  if (origin) return links.filter((link) => link.id !== origin.link && RELAYED.has(event.type)).map((link) => rowFor(context, event, link));
  // Ours without our mark: joins, notices, invitations. They are never mirrored anywhere.
  if (event.sender === context.bot || context.ghosts.remoteOf(event.sender)) return [];
  // Passed on as often as its sender lets it be, and never answered (MSC4295).
  if (!mayBounce(event.content)) return [];
  if (!context.onlyRelay && (await isForBridge(context, event, links))) return [doRow(context, event)];
  if (!RELAYED.has(event.type)) return [];
  // A membership concerns the network of the ghost that it is about, and no other.
  if (event.type === "m.room.member") return memberRows(context, event, links);
  return links.map((link) => rowFor(context, event, link));
}

async function isForBridge(context: MatrixIntakeContext, event: MatrixEvent, links: readonly Link[]): Promise<boolean> {
  if (event.type === "m.room.tombstone") return links.length > 0;
  if (event.type === "m.reaction") return (event.content["m.relates_to"] as { key?: unknown } | undefined)?.key === RETRY;
  if (event.type === "m.room.member") return isInvitation(context, event, links);
  // Notices are never answered: another bridge may be repeating what our own bot says.
  if (event.type !== "m.room.message" || event.content["msgtype"] === "m.notice" || editTarget(event.content)) return false;
  return isCommand(event.content) || context.isVerb(event) || (await context.isDirect(event));
}

/** Of the bot, or of a ghost to a chat of two. */
function isInvitation({ bot, ghosts }: MatrixIntakeContext, { state_key: whom, content }: MatrixEvent, links: readonly Link[]): boolean {
  if (content["membership"] !== "invite" || whom === undefined) return false;
  return whom === bot || (content["is_direct"] === true && links.length === 0 && ghosts.remoteOf(whom as Mxid) !== undefined);
}

function memberRows(context: MatrixIntakeContext, event: MatrixEvent, links: readonly Link[]): NewRow[] {
  const ghost = context.ghosts.remoteOf(event.state_key as Mxid);
  return ghost ? links.filter((link) => link.network === ghost.network).map((link) => rowFor(context, event, link)) : [];
}

function rowFor(context: MatrixIntakeContext, event: MatrixEvent, link: Link): NewRow {
  const moves = (payload: unknown) => (payload as MatrixEvent).event_id === event.event_id;
  return { ...rowOf(context, event, `out:${link.id}`), once: [`${event.event_id}>${link.id}`], about: aboutOf(event), moves };
}

function doRow(context: MatrixIntakeContext, event: MatrixEvent): NewRow {
  return { ...rowOf(context, event, `do:${event.room_id}`), once: [`${event.event_id}>do`], secret: true };
}

function rowOf(context: MatrixIntakeContext, event: MatrixEvent, lane: string): Omit<NewRow, "once"> {
  const { unsigned, ...rest } = event;
  const before = unsigned?.["prev_content"];
  const payload = before === undefined ? rest : { ...rest, unsigned: { prev_content: before } };
  return { lane, payload, trace: randomUUID().slice(0, 8), at: context.clock.now(), phase: context.phase };
}

/** The message that the event makes or changes. */
function aboutOf(event: MatrixEvent): EventId {
  return (editTarget(event.content) as EventId | undefined) ?? redacted(event) ?? event.event_id;
}

/** What came in the same go as its redaction never goes to disk; returns what it is known by, should it come again. */
function withdraw(rows: NewRow[], event: MatrixEvent): string[] {
  const target = redacted(event);
  const isMeant = ({ about, payload }: NewRow) => about === target && (payload as MatrixEvent).room_id === event.room_id;
  const meant = target === undefined ? [] : rows.filter(isMeant);
  for (const row of meant) rows.splice(rows.indexOf(row), 1);
  return meant.flatMap(({ once }) => once);
}

/**
 * A redaction takes what it is about out of every lane where it was not tried yet, and its content with it. What has been tried, and
 * what lies parked because nobody knows whether it arrived, is resolved first; the redaction comes after it.
 */
async function takeBack(context: MatrixIntakeContext, event: MatrixEvent): Promise<void> {
  const target = redacted(event);
  if (!target) return;
  const waiting = await context.journal.about(target);
  // Links to its files die at once, whatever the networks are told later. What never crossed has none.
  if (waiting.length > 0 || (await context.messages.byEvent(target)).length > 0) await context.redacted(target);
  const copies = waiting.filter((row) => {
    const { type, room_id } = row.payload as MatrixEvent;
    return type !== "m.room.redaction" && room_id === event.room_id && !isUnclear(row);
  });
  await context.journal.removeUntried(copies.map((row) => row.id));
}

/** Our own event came back: where we were killed between sending and recording, the map learns of it here. */
async function echoed(context: MatrixIntakeContext, event: MatrixEvent, origin: Origin): Promise<MessageRecord[]> {
  if (!MESSAGES.has(event.type) || /^(edit|notice|poll-closed):/.test(origin.remote)) return [];
  const link = await context.links.link(origin.link as LinkId);
  if (!link) return [];
  const { remote, part } = origin;
  // As nearly always: then nothing is to be written.
  if ((await context.messages.byEvent(event.event_id, link.id)).some((record) => record.part === part)) return [];
  const at = event.origin_server_ts;
  const known = { link: link.id, room: event.room_id, event: event.event_id, part, origin: "remote", sender: event.sender, at } as const;
  return [{ ...known, remote: remoteMessageId(remote) }];
}
