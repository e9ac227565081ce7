/** What was said, edited and deleted: Slack's `message` in all its subtypes. https://docs.slack.dev/reference/events/message */
import type { Echo, RemoteEvent, RemoteMessage } from "../../core/model/events.ts";
import type { RemoteUserId } from "../../core/model/ids.ts";
import { remoteThreadId } from "../../core/model/ids.ts";
import type { Person, Style } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { Block, RichText } from "../../core/model/richtext.ts";
import { readAttachments } from "./attachments.ts";
import { readBlocks } from "./blocks.ts";
import { isTombstone, readFiles, readPages } from "./from-files.ts";
import { channelId, messageId, personId, posterId, TIMESTAMP, timeOf } from "./ids.ts";
import * as make from "./inline.ts";
import { editMark, type Known } from "./known.ts";
import { readMrkdwn } from "./mrkdwn.ts";
import { filled, type Json, keyIn, record, records, string } from "./wire.ts";

/** By which road a message came. */
export interface Road {
  readonly via: "live" | "history";
  /** Slack's own id of the channel: messages in histories do not say it. */
  readonly channel: string;
  readonly deliveryId?: string;
  /** When it was delivered, milliseconds: for what says nothing of its time. */
  readonly at?: number;
  /** In a private conversation. */
  readonly direct?: true;
}

/** What all events of one road have in common. */
export function happening(road: Road, known: Known) {
  return {
    channel: channelId(known.team, known.firstId(road.channel)),
    via: road.via,
    ...(road.deliveryId === undefined ? {} : { deliveryId: road.deliveryId }),
    ...(road.direct === true ? { direct: true as const } : {}),
  };
}

/** A message as it stands: of an event, or of the history. Undefined = it is not one that anybody sees. */
export function readMessage(message: Json, road: Road, known: Known): RemoteMessage | undefined {
  const ts = string(message.ts);
  // Ephemeral messages are for one person's eyes; hidden ones for nobody's.
  if (!TIMESTAMP.test(ts) || message.is_ephemeral === true || message.hidden === true) return undefined;
  const author = authorOf(message, known);
  const echo = echoOf(message, ts, known);
  const thread = threadOf(message, ts);
  const files = readFiles(message.files);
  return {
    kind: "message",
    ...happening(road, known),
    subject: `message:${ts}`,
    at: timeOf(ts),
    cursor: ts,
    ...author,
    message: messageId(ts),
    style: styleOf(message, known),
    body: readBody(message, known),
    ...(TIMESTAMP.test(string(record(message.edited).ts)) ? { edited: timeOf(string(record(message.edited).ts)) } : {}),
    ...(files.length === 0 ? {} : { files }),
    ...(thread === undefined ? {} : { thread }),
    // Seen in the channel, it is an answer to what its thread hangs from.
    ...(thread?.broadcast && thread.root ? { replyTo: { message: thread.root } } : {}),
    ...(echo === undefined ? {} : { echo }),
  };
}

function threadOf(message: Json, ts: string): RemoteMessage["thread"] {
  const root = string(message.thread_ts);
  if (!TIMESTAMP.test(root) || root === ts) return undefined;
  return { id: remoteThreadId(root), root: messageId(root), ...(message.subtype === "thread_broadcast" ? { broadcast: true } : {}) };
}

interface Author {
  readonly sender: RemoteUserId;
  readonly person?: Person;
}

/** A person, an app's own account, or the name that an app or a webhook has put on this one message. */
export function authorOf(message: Json, known: Known): Author {
  const bot = filled(message.bot_id);
  const username = filled(message.username);
  const profile = record(message.bot_profile);
  const user = filled(message.user) ?? filled(record(message.comment).user);
  if (bot !== undefined && username !== undefined && (user === undefined || message.subtype === "bot_message")) {
    const own = username === profile.name;
    const id = own ? personId(known.team, bot) : posterId(known.team, bot, username);
    return { sender: id, person: { id, name: username, ...picture(message.icons, profile.icons), bot: true } };
  }
  if (user !== undefined) return { sender: personId(known.team, user) };
  if (bot === undefined) return { sender: personId(known.team, "USLACKBOT") };
  const id = personId(known.team, bot);
  const name = filled(profile.name);
  return { sender: id, ...(name === undefined ? {} : { person: { id, name, ...picture(profile.icons), bot: true } }) };
}

/** The largest of the first set of icons that has one. */
function picture(...sets: readonly unknown[]): Pick<Person, "avatar"> {
  for (const icons of sets.map(record)) {
    const url = ["image_72", "image_64", "image_48", "image_36"].map((size) => filled(icons[size])).find((each) => each !== undefined);
    if (url !== undefined) return { avatar: { id: url, ref: { url } } };
  }
  return {};
}

function styleOf(message: Json, known: Known): Style {
  if (message.subtype === "me_message") return "emote";
  if (message.subtype === "bot_message" || message.subtype === "huddle_thread" || message.user === "USLACKBOT") return "notice";
  const user = filled(message.user);
  if (filled(message.bot_id) === undefined) return "text";
  return user !== undefined && known.isApp(user) === false ? "text" : "notice";
}

/** Ours by evidence in the message: our bot or app, our metadata, or the `ts` that we were given when we posted it. */
function echoOf(message: Json, ts: string, known: Known): Echo | undefined {
  const { self } = known;
  const bot = filled(message.bot_id);
  const app = filled(message.app_id) ?? filled(record(message.bot_profile).app_id);
  const ours =
    (bot !== undefined && bot === self.bot) ||
    (bot !== undefined && app !== undefined && app === self.app) ||
    (self.bot !== undefined && message.user === self.user) ||
    known.isOwnDeed("post", ts);
  if (!ours) return undefined;
  const key = keyIn(message);
  return key === undefined ? {} : { key };
}

/** `message_metadata_posted`: which of our sends a message is. The message itself comes by an event of its own. */
export function readOwnKey(event: Json, road: Road, known: Known): RemoteEvent[] {
  const ts = string(event.message_ts);
  const key = keyIn(event);
  const ours =
    (event.bot_id !== undefined && event.bot_id === known.self.bot) || (event.app_id !== undefined && event.app_id === known.self.app);
  if (!ours || key === undefined || !TIMESTAMP.test(ts)) return [];
  return [
    {
      kind: "message",
      ...happening(road, known),
      at: timeOf(ts),
      sender: personId(known.team, filled(event.user_id) ?? known.self.user),
      message: messageId(ts),
      style: "notice",
      body: [],
      echo: { key },
    },
  ];
}

export function readBody(message: Json, known: Known): RichText {
  const blocks = readBlocks(message.blocks, known);
  // Blocks that come out empty had something in them that is not known here; the text says it for them.
  const text = toPlain(blocks).trim() === "" ? readText(message, known) : [];
  const said = text.length > 0 ? text : blocks;
  return [...said, ...readAttachments(message.attachments, said.length === 0, known), ...readPages(message.files), ...readRoom(message)];
}

function readText(message: Json, known: Known): RichText {
  const comment = record(message.comment);
  const text = filled(message.text) ?? string(comment.comment);
  return message.subtype === "huddle_thread" ? [] : readMrkdwn(text, known);
}

/** A huddle is a thread that hangs from a message without words. */
function readRoom(message: Json): Block[] {
  if (message.subtype !== "huddle_thread" && message.subtype !== "sh_room_created") return [];
  const room = record(message.room);
  const words = filled(room.name) === undefined ? "started a huddle" : `started a huddle: ${string(room.name)}`;
  return [{ type: "paragraph", content: make.link(string(message.permalink), [{ type: "text", text: words }]) }];
}

/** `message_changed`: an edit, a deletion that leaves a thread behind, or nothing that anybody said. */
export function readChange(event: Json, road: Road, known: Known): RemoteEvent[] {
  const message = record(event.message);
  const before = record(event.previous_message);
  const ts = string(message.ts);
  if (!TIMESTAMP.test(ts)) return [];
  if (message.subtype === "tombstone") return [deletion(ts, string(event.ts), road, known)];
  // Slack says "changed" of link previews, of counters on a thread's root, and of pins too.
  if (!isEdit(message, before)) return [];
  const version = versionOf(message, before, string(event.event_ts) || string(event.ts));
  const thread = threadOf(message, ts);
  const filesChanged = JSON.stringify(fileIds(message)) !== JSON.stringify(fileIds(before));
  const files = readFiles(records(message.files).filter((file) => !isTombstone(file)));
  return [
    {
      kind: "edit",
      ...happening(road, known),
      subject: `edit:${ts}:${version}`,
      at: timeOf(TIMESTAMP.test(version) ? version : ts),
      ...authorOf(message, known),
      message: messageId(ts),
      version,
      style: styleOf(message, known),
      body: readBody(message, known),
      ...(filesChanged && before.ts !== undefined ? { files } : {}),
      ...(thread === undefined ? {} : { thread }),
      ...(isOwnEdit(message, ts, known) ? { echo: {} } : {}),
    },
  ];
}

/** Nobody but us edits what our bot wrote; what a person wrote through us, they may edit on Slack themselves. */
function isOwnEdit(message: Json, ts: string, known: Known): boolean {
  if (known.isOwnDeed("edit", editMark(ts, string(message.text)))) return true;
  return known.self.bot !== undefined && message.bot_id === known.self.bot;
}

/** When a person edits, Slack says when; of an app's edit with blocks it only says that something changed. */
function versionOf(message: Json, before: Json, changed: string): string {
  const edited = string(record(message.edited).ts);
  return edited !== "" && edited !== record(before.edited).ts ? edited : changed;
}

function isEdit(message: Json, before: Json): boolean {
  if (before.ts === undefined) return message.edited !== undefined;
  return JSON.stringify(saidIn(message)) !== JSON.stringify(saidIn(before));
}

/** All that someone has said in a message, and nothing that Slack has added to it. */
function saidIn(message: Json): unknown {
  const attachments = records(message.attachments).filter(
    ({ from_url, original_url }) => from_url === undefined && original_url === undefined,
  );
  return [string(message.text), withoutIds(message.blocks), withoutIds(attachments), fileIds(message), record(message.edited).ts];
}

function withoutIds(blocks: unknown): unknown {
  return JSON.parse(JSON.stringify(blocks ?? [], (key, value: unknown) => (key === "block_id" || key === "id" ? undefined : value)));
}

function fileIds(message: Json): readonly string[] {
  return records(message.files).map((file) => `${string(file.id)} ${isTombstone(file) ? "gone" : ""}`);
}

export function deletion(ts: string, at: string, road: Road, known: Known): RemoteEvent {
  return {
    kind: "delete",
    ...happening(road, known),
    subject: `delete:${ts}`,
    at: timeOf(TIMESTAMP.test(at) ? at : ts),
    messages: [messageId(ts)],
    ...(known.isOwnDeed("delete", ts) ? { echo: {} } : {}),
  };
}
