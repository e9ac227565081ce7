/**
 * Messages of Discord's as core's events. Pure: whatever has to be looked up is in `View` and `Stand`.
 *
 * https://discord.com/developers/docs/resources/message
 */
import { type APIMessage, type APIMessageSnapshot, MessageFlags, MessageReferenceType, MessageType } from "discord-api-types/v10";
import type { RemoteEdit, RemoteEvent, RemoteMessage, RemoteReply } from "../../core/model/events.ts";
import type { RemoteFile, Style } from "../../core/model/message.ts";
import { firstWords } from "../../core/model/plain.ts";
import type { Block, RichText } from "../../core/model/richtext.ts";
import { blocks, inlines } from "../../core/model/walk.ts";
import { componentsShown } from "./components.ts";
import { embedBlocks, paragraph } from "./embeds.ts";
import { attachmentFile, stickerFile } from "./files.ts";
import { messageId } from "./ids.ts";
import { readMarkdown } from "./markdown.ts";
import { senderOf, type Shown } from "./people.ts";
import { pollFrom, pollResults } from "./polls.ts";
import type { Names } from "./references.ts";
import { isOrdinary, isSystem, systemWords } from "./system.ts";
import { isOurs, isPluralKit, namesFor, type Road, type Stand, type View } from "./view.ts";

export type GatewayMessage = APIMessage & { readonly member?: Shown };

/** A message as it was sent: the events that it is, none when it only repeats another. */
export function fromMessage(message: GatewayMessage, view: View, stand: Stand, road: Road): RemoteEvent[] {
  // The thread's first message repeats the one that it was started from.
  if (message.type === MessageType.ThreadStarterMessage) return [];
  // "Thinking…": the answer itself comes as an update. What is for one person's eyes stays theirs.
  if (((message.flags ?? 0) & (MessageFlags.Loading | MessageFlags.Ephemeral)) !== 0) return [];
  const event = messageEvent(message, view, stand, road);
  const told = view.system || !isSystem(message.type) ? [event] : [];
  return [...told, ...consequences(message, event)];
}

/** What a message of Discord's own makes of other messages. */
function consequences(message: GatewayMessage, event: RemoteMessage): RemoteEvent[] {
  const target = message.message_reference?.message_id;
  if (target === undefined) return [];
  const { channel, at, via, sender, deliveryId, echo } = event;
  const base = {
    channel,
    at,
    via,
    message: messageId(target),
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(echo ? { echo } : {}),
  };
  if (message.type === MessageType.ChannelPinnedMessage)
    return [{ ...base, kind: "pin", subject: `pin:${target}:${message.id}`, by: sender }];
  if (message.type === MessageType.PollResult) {
    return [{ ...base, kind: "poll-closed", subject: `poll-closed:${target}`, results: pollResults(message.embeds) }];
  }
  return [];
}

function messageEvent(message: GatewayMessage, view: View, stand: Stand, road: Road): RemoteMessage {
  const person = senderOf(message, view.guild, view.me);
  const { style, body, files, note } = contentOf(message, view, stand);
  requireWords(body);
  const replyTo = replyOf(message, view);
  return {
    kind: "message",
    channel: stand.channel,
    ...(road.deliveryId === undefined ? {} : { deliveryId: road.deliveryId }),
    subject: `message:${message.id}`,
    at: timeOfMessage(message),
    cursor: message.id,
    via: road.via,
    ...(isOurs(message, view) ? { echo: {} } : {}),
    sender: person.id,
    person,
    message: messageId(message.id),
    style,
    body,
    ...(files.length > 0 ? { files } : {}),
    ...(replyTo ? { replyTo } : {}),
    ...(stand.thread ? { thread: stand.thread } : {}),
    ...(message.poll ? { poll: pollFrom(message.poll) } : {}),
    ...(note === undefined ? {} : { note }),
    ...(message.edited_timestamp ? { edited: Date.parse(message.edited_timestamp) } : {}),
  };
}

/** What is no text where there should be one (a number, a list) is found out here, where a word is left for it, and not in the room's queue. */
function requireWords(body: RichText): void {
  for (const block of blocks(body)) if (block.type === "code" && typeof block.text !== "string") throw new TypeError("Code is no text");
  for (const node of inlines(body)) {
    if ("text" in node && typeof node.text !== "string") throw new TypeError(`${node.type} holds no text`);
    if (node.type === "link" && typeof node.url !== "string") throw new TypeError("An address is no text");
  }
}

/**
 * An update as an edit, or undefined: Discord updates messages for much that is none (previews that were filled in, pins, threads,
 * flags). `files` = whether what is attached may have changed.
 */
export function fromUpdate(
  message: GatewayMessage,
  view: View,
  stand: Stand,
  road: Road,
  files: boolean,
): RemoteEdit | RemoteMessage | undefined {
  if (message.edited_timestamp === null || message.edited_timestamp === undefined) return answered(message, view, stand, road);
  if (!isOrdinary(message.type)) return undefined;
  const {
    kind: _kind,
    replyTo: _reply,
    poll: _poll,
    note: _note,
    edited: _edited,
    cursor: _cursor,
    files: left,
    ...event
  } = messageEvent(message, view, stand, road);
  const version = message.edited_timestamp;
  return {
    ...event,
    kind: "edit",
    subject: `edit:${message.id}:${version}`,
    at: Date.parse(version) || event.at,
    version,
    ...(files ? { files: left ?? [] } : {}),
  };
}

/** A command's answer that was "thinking…" until now. Known by its subject where it is no news. */
function answered(message: GatewayMessage, view: View, stand: Stand, road: Road): RemoteMessage | undefined {
  const command = message.type === MessageType.ChatInputCommand || message.type === MessageType.ContextMenuCommand;
  const thinking = ((message.flags ?? 0) & (MessageFlags.Loading | MessageFlags.Ephemeral)) !== 0;
  return command && !thinking ? messageEvent(message, view, stand, road) : undefined;
}

function timeOfMessage(message: APIMessage): number {
  return Date.parse(message.timestamp) || 0;
}

interface Content {
  readonly style: Style;
  readonly body: RichText;
  readonly files: readonly RemoteFile[];
  readonly note?: string;
}

function contentOf(message: GatewayMessage, view: View, stand: Stand): Content {
  const names = namesFor(message, view);
  if (!isOrdinary(message.type)) return systemContent(message, names, stand);
  const said = saidIn(isPerson(message) ? { ...message, embeds: [] } : message, names, {
    channel: message.channel_id,
    message: message.id,
  });
  const snapshot = forwarded(message, view);
  const post = stand.post ? postHead(stand.post) : [];
  const body = [...post, ...said.body, ...(snapshot?.body ?? [])];
  const files = [...said.files, ...(snapshot?.files ?? [])];
  const nothing = body.length === 0 && files.length === 0 && message.poll === undefined;
  const note = noteOf(message, names);
  return {
    style: styleOf(message),
    body: nothing ? [...post, ...nothingShown(message)] : body,
    files,
    ...(note === undefined ? {} : { note }),
  };
}

/** What bots and webhooks say is a notice, so that no other bot answers it. Behind PluralKit's stands a person. */
function styleOf(message: APIMessage): Style {
  if (isPluralKit(message)) return "text";
  return message.author.bot === true || message.webhook_id !== undefined ? "notice" : "text";
}

/** People cannot send embeds: theirs are previews of links, each of which stands in the text. */
function isPerson(message: APIMessage): boolean {
  return message.author.bot !== true && message.webhook_id === undefined;
}

function saidIn(
  message: Pick<APIMessage, "content" | "embeds" | "components" | "attachments" | "sticker_items" | "flags">,
  names: Names,
  at: { readonly channel: string; readonly message: string },
): { body: RichText; files: readonly RemoteFile[] } {
  const holder = { ...at, flags: message.flags ?? 0 };
  const content = message.content ?? "";
  const components = componentsShown(message.components ?? [], names, holder);
  return {
    body: [...readMarkdown(content, names), ...embedBlocks(message.embeds ?? [], content, names), ...components.blocks],
    files: [
      ...(message.attachments ?? []).map((attachment) => attachmentFile(attachment, holder)),
      ...(message.sticker_items ?? []).map((sticker) => stickerFile(sticker)),
      ...components.files,
    ],
  };
}

/** https://discord.com/developers/docs/resources/message#message-snapshot-object */
function forwarded(message: APIMessage, view: View): { body: RichText; files: readonly RemoteFile[] } | undefined {
  if (message.message_reference?.type !== MessageReferenceType.Forward) return undefined;
  const each = (message.message_snapshots ?? []).map(({ message: copy }: APIMessageSnapshot) =>
    saidIn(copy, namesFor(copy, view), { channel: message.channel_id, message: message.id }),
  );
  const body: Block[] = each.flatMap((one) => (one.body.length === 0 ? [] : [{ type: "quote", content: one.body } as const]));
  return { body, files: each.flatMap((one) => one.files) };
}

function postHead({ title, tags }: NonNullable<Stand["post"]>): Block[] {
  const head: Block = { type: "heading", level: 3, content: [{ type: "text", text: title }] };
  if (tags.length === 0) return [head];
  return [head, paragraph({ type: "italic", content: [{ type: "text", text: tags.join(", ") }] })];
}

/** Text that Discord keeps from the bot, or a kind of content that nobody knows yet. */
function nothingShown(message: APIMessage): Block[] {
  const why = message.activity ? "(an invitation to an activity)" : "(a message whose content Discord does not show to the bridge)";
  return [paragraph({ type: "italic", content: [{ type: "text", text: why }] })];
}

function systemContent(message: GatewayMessage, names: Names, stand: Stand): Content {
  const words = systemWords(message, names);
  if (words) return { style: "emote", body: [paragraph(...words)], files: [] };
  const said = saidIn(message, names, { channel: message.channel_id, message: message.id });
  const kind = paragraph({
    type: "italic",
    content: [{ type: "text", text: `(a message of a kind that the bridge does not know: ${Number(message.type)})` }],
  });
  const post = stand.post ? postHead(stand.post) : [];
  return { style: "notice", body: [...post, kind, ...said.body], files: said.files };
}

function noteOf(message: GatewayMessage, names: Names): string | undefined {
  const flags = message.flags ?? 0;
  if (message.message_reference?.type === MessageReferenceType.Forward) return "forwarded";
  if ((flags & MessageFlags.IsCrosspost) !== 0) return "from a followed channel";
  const used = message.interaction_metadata;
  if (!used || !isOrdinary(message.type) || message.type === MessageType.Default) return undefined;
  const who = names.person(used.user.id) ?? used.user.global_name ?? used.user.username;
  const name = message.interaction?.name;
  return name === undefined ? `${who} used a command` : `${who} used /${name}`;
}

/** Whoever speaks by a webhook never stands among the `mentions`: a reply to them cannot be told from a silent one, and rings. */
function isRung(message: GatewayMessage, { author, webhook_id: webhook }: APIMessage): boolean {
  return webhook !== undefined || (message.mentions ?? []).some(({ id }) => id === author.id);
}

function replyOf(message: GatewayMessage, view: View): RemoteReply | undefined {
  const reference = message.message_reference;
  if (message.type !== MessageType.Reply || reference?.message_id === undefined) return undefined;
  const target = message.referenced_message;
  if (target === null) return { message: messageId(reference.message_id), excerpt: "(deleted message)" };
  if (target === undefined) return { message: messageId(reference.message_id) };
  const author = senderOf(target, view.guild, view.me);
  const excerpt = firstWords(readMarkdown(target.content ?? "", namesFor(target, view)), 80);
  return {
    message: messageId(reference.message_id),
    author: author.id,
    ...(excerpt === "" ? {} : { excerpt }),
    ping: isRung(message, target),
  };
}
