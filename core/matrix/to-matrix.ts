/**
 * What is said on a network, as the contents of Matrix events. Pure: gather has fetched everything that is asked for here.
 * https://spec.matrix.org/v1.15/client-server-api/#instant-messaging
 */
import type { RemoteEdit, RemoteMessage, RemoteReply } from "../model/events.ts";
import type { EventId, MxcUri, Mxid, RemoteChannelId, RemoteUserId, RoomId } from "../model/ids.ts";
import type { Style } from "../model/message.ts";
import { toPlain } from "../model/plain.ts";
import { type Block, type Inline, plainText, type RichText } from "../model/richtext.ts";
import { split } from "../model/split.ts";
import { mapInlines, mentions, shallow } from "../model/walk.ts";
import { cleanContent } from "./clean.ts";
import { toHtml } from "./html.ts";
import { escapeHtml, type Via, writeHtml } from "./html-write.ts";
import { ORIGIN } from "./origin.ts";
import { type Content, fileContent, fileLine, type InFile } from "./to-file.ts";
import { pollContent } from "./to-poll.ts";

export { reactionText } from "./reaction-key.ts";
export type { Content, InFile } from "./to-file.ts";
export { pollEndContent, voteContent } from "./to-poll.ts";

/** What the message refers to, in Matrix's terms. What is not in a map is shown as the text that came with it. */
export interface InRefs {
  readonly people: ReadonlyMap<RemoteUserId, { readonly mxid: Mxid; readonly name: string }>;
  readonly channels: ReadonlyMap<RemoteChannelId, Place & { readonly name: string }>;
  /** By the address that stands in the mention. */
  readonly messages: ReadonlyMap<string, Place & { readonly event: EventId }>;
  /** By the network's id of the emoji. */
  readonly emoji: ReadonlyMap<string, MxcUri>;
  /** In the order of the message's own. */
  readonly files: readonly InFile[];
  readonly reply?: { readonly event: EventId; readonly sender: Mxid };
  /** `latest` is what clients without threads show it as an answer to. */
  readonly thread?: { readonly root: EventId; readonly latest: EventId };
  /** Too late to ring anybody. */
  readonly late: boolean;
}

interface Place {
  readonly room: RoomId;
  /** Servers through which it can be entered. */
  readonly via: readonly string[];
}

export interface MatrixPart {
  readonly type: string;
  readonly content: Content;
  /** `file:ID` of the file that it carries. */
  readonly file?: string;
}

/**
 * Bytes of the text in an event, as JSON. The specification allows 65 536 for the whole event as other servers see it; the rest is for
 * relations, mentions and our own mark.
 */
const LARGEST_TEXT = 48_000;

/** At least one part, in the order in which they are to be sent; the text comes first, or the one file with the text as its caption. */
export function toMatrix(message: RemoteMessage, refs: InRefs): MatrixPart[] {
  const said = saidIn(message, refs);
  const parts = message.poll === undefined ? said : [...said, pollContent(message.poll)];
  const whole = parts.length > 0 ? parts : textContents(message.style, plainText("(empty message)"), undefined, refs).map(toPart);
  return whole.map((part, index) => {
    const content = { "m.mentions": {}, ...part.content, ...relation(part, message, refs, index === 0) };
    return { ...part, content: cleanContent(content) };
  });
}

function saidIn(message: RemoteMessage, refs: InRefs): MatrixPart[] {
  const { style, note, replyTo } = message;
  const quoted = replyTo === undefined || refs.reply !== undefined ? [] : unknownTarget(replyTo, refs);
  const body = [...quoted, ...resolve(withTold(message.body, refs.files), refs)];
  const texts = isEmpty(body) && note === undefined ? [] : textContents(style, body, note, refs);
  const files = refs.files.flatMap(({ file, mxc }) => (mxc === undefined ? [] : [filePart(file.id, fileContent(file, mxc))]));
  const [text, ...more] = texts;
  const [file, ...others] = files;
  const isCaption = text !== undefined && more.length === 0 && others.length === 0 && style !== "emote" && file?.type === "m.room.message";
  return isCaption ? [captioned(file, text)] : [...texts.map(toPart), ...files];
}

/**
 * An edit of the text. `original` is the content of the event that is edited, for a caption: the file stays; it also tells who had been
 * mentioned before and is not to be rung again. A text too long for one event ends with `…`.
 */
export function toMatrixEdit(edit: RemoteEdit, refs: InRefs, target: EventId, original?: Content): MatrixPart {
  const body = resolve(edit.body, refs);
  // An edit holds its text twice.
  const [text = {}, more] = textContents(edit.style, body, undefined, refs, LARGEST_TEXT / 2);
  const said = more === undefined ? text : { ...text, body: `${text["body"] as string}…` };
  const fresh = isFileContent(original) ? captioned({ type: "", content: original }, said).content : said;
  const { "m.mentions": all, "m.relates_to": _relation, [ORIGIN]: _origin, ...rest } = fresh;
  const content = {
    ...rest,
    body: `* ${fresh["body"] as string}`,
    ...(typeof fresh["formatted_body"] === "string" ? { formatted_body: `* ${fresh["formatted_body"]}` } : {}),
    "m.mentions": newlyMentioned(all as Mentions, original),
    "m.new_content": { ...rest, "m.mentions": all },
    "m.relates_to": { rel_type: "m.replace", event_id: target },
  };
  return { type: "m.room.message", content: cleanContent(content) };
}

/** What the bridge itself says. Nobody is rung. */
export function noticeContent(body: RichText): Content {
  return cleanContent({ ...textContent("notice", body, undefined, noVia), "m.mentions": {} });
}

/** `key` is an emoji, or the `mxc://` address of a picture whose `name` then stands beside it (MSC4027). */
export function reactionContent(target: EventId, key: string, name?: string): Content {
  const shortcode = name === undefined ? {} : { shortcode: `:${name}:`, "com.beeper.reaction.shortcode": `:${name}:` };
  return { "m.relates_to": { rel_type: "m.annotation", event_id: target, key }, ...(key.startsWith("mxc://") ? shortcode : {}) };
}

function toPart(content: Content): MatrixPart {
  return { type: "m.room.message", content };
}

function filePart(id: string, { type, content }: { type: string; content: Content }): MatrixPart {
  return { type, content, file: `file:${id}` };
}

/** Files that did not come along are told of under the text. */
function withTold(body: RichText, files: readonly InFile[]): RichText {
  const told = files.filter((file) => file.mxc === undefined).map((file): Block => ({ type: "paragraph", content: fileLine(file) }));
  return [...body, ...told];
}

/** Answers a message that never came here: its first words stand above, as a quote. */
function unknownTarget(reply: RemoteReply, refs: InRefs): RichText {
  if (!reply.excerpt) return [];
  const author = reply.author === undefined ? undefined : refs.people.get(reply.author)?.name;
  return [{ type: "quote", content: plainText(author === undefined ? reply.excerpt : `${author}: ${reply.excerpt}`) }];
}

/** The network's ids as Matrix's. */
function resolve(body: RichText, refs: InRefs): RichText {
  return mapInlines(shallow(body), (node): Inline => {
    if (node.type === "emoji" && node.source?.kind === "remote") {
      const uri = refs.emoji.get(node.source.id);
      return uri === undefined ? node : { type: "emoji", name: node.name, source: { kind: "mxc", uri } };
    }
    return node.type === "mention" ? resolveMention(node, refs) : node;
  });
}

function resolveMention(node: Extract<Inline, { type: "mention" }>, refs: InRefs): Inline {
  const { target } = node;
  switch (target.kind) {
    case "person": {
      const person = target.remote === undefined ? undefined : refs.people.get(target.remote);
      return person === undefined ? node : { ...node, target: { kind: "person", mxid: person.mxid }, text: person.name };
    }
    case "channel": {
      const channel = target.remote === undefined ? undefined : refs.channels.get(target.remote);
      return channel === undefined ? node : { ...node, target: { kind: "channel", room: channel.room } };
    }
    case "message": {
      const message = refs.messages.get(target.url);
      if (message === undefined) return node;
      const url = node.text === target.url ? "a message" : node.text;
      return { ...node, target: { kind: "message", room: message.room, event: message.event, url: target.url }, text: url };
    }
    case "everyone":
    case "here":
      return { ...node, text: target.allowed ? "@room" : node.text };
    case "group":
      return node;
  }
}

const noVia: Via = () => [];

function viaOf(refs: InRefs): Via {
  return (room) => [...refs.channels.values(), ...refs.messages.values()].find((place) => place.room === room)?.via ?? [];
}

/** One content, or several where the text is too large for one event; the note stands above the first. */
function textContents(style: Style, body: RichText, note: string | undefined, refs: InRefs, limit = LARGEST_TEXT): Content[] {
  const write = (part: RichText, above?: string): Content => ({
    ...textContent(style, part, above, viaOf(refs)),
    "m.mentions": refs.late ? {} : mentionsIn(part),
  });
  const whole = write(body, note);
  if (sizeOf(whole) <= limit) return [whole];
  return split(body, limit, (part) => sizeOf(write(part))).map((part, index) => write(part, index === 0 ? note : undefined));
}

function sizeOf(content: Content): number {
  return Buffer.byteLength(JSON.stringify(content));
}

const MSGTYPE: Readonly<Record<Style, string>> = { text: "m.text", emote: "m.emote", notice: "m.notice" };

function textContent(style: Style, body: RichText, note: string | undefined, via: Via): Content {
  const plain = toPlain(body);
  if (note === undefined) return { msgtype: MSGTYPE[style], body: plain, ...formatted(toHtml(body, via)) };
  const small = `<p><sub>${escapeHtml(note)}</sub></p>`;
  return { msgtype: MSGTYPE[style], body: plain === "" ? note : `${note}\n${plain}`, ...formatted(small + writeHtml(body, via)) };
}

function formatted(html: string | undefined): Content {
  return html === undefined ? {} : { format: "org.matrix.custom.html", formatted_body: html };
}

function isEmpty(body: RichText): boolean {
  return body.length === 0 || toPlain(body).trim() === "";
}

/** The text as the caption of the file (MSC2530, in the specification since v1.10). */
function captioned(file: MatrixPart, text: Content): MatrixPart {
  const { format: _format, formatted_body: _formatted, ...bare } = file.content;
  const filename = bare["filename"] ?? bare["body"];
  const { body, format, formatted_body, "m.mentions": rung } = text;
  const caption = formatted_body === undefined ? { body: body === "" ? filename : body } : { body, format, formatted_body };
  return { ...file, content: { ...bare, filename, ...caption, "m.mentions": rung } };
}

function isFileContent(content: Content | undefined): content is Content {
  return content !== undefined && typeof content["url"] === "string";
}

interface Mentions {
  readonly user_ids?: readonly string[];
  readonly room?: true;
}

function mentionsIn(body: RichText): Mentions {
  const people = new Set<Mxid>();
  let room = false;
  for (const { target } of mentions(body)) {
    if (target.kind === "person" && target.mxid !== undefined) people.add(target.mxid);
    if ((target.kind === "everyone" || target.kind === "here") && target.allowed) room = true;
  }
  return { ...(people.size > 0 ? { user_ids: [...people] } : {}), ...(room ? { room: true } : {}) };
}

/** An edit rings only whom the text before did not mention; without that text, nobody. */
function newlyMentioned(now: Mentions, original: Content | undefined): Mentions {
  const before = original?.["m.mentions"] as { user_ids?: unknown; room?: unknown } | null | undefined;
  if (before === undefined || before === null) return {};
  const known = Array.isArray(before.user_ids) ? before.user_ids : [];
  const fresh = now.user_ids?.filter((one) => !known.includes(one)) ?? [];
  return { ...(fresh.length > 0 ? { user_ids: fresh } : {}), ...(now.room && before.room !== true ? { room: true } : {}) };
}

/**
 * Every part stands in the thread; only the first answers, and rings the one whom it answers. What is shown outside of its thread too
 * stands in the timeline, where everybody reads it, as an answer to what the thread hangs from.
 */
function relation(part: MatrixPart, message: RemoteMessage, refs: InRefs, isFirst: boolean): Content {
  const { late } = refs;
  const outside = message.thread?.broadcast === true;
  const thread = outside ? undefined : refs.thread;
  const reply = isFirst ? refs.reply : undefined;
  const rung =
    reply === undefined || late || message.replyTo?.ping === false ? {} : alsoRinging(part.content["m.mentions"] as Mentions, reply.sender);
  if (thread !== undefined) {
    const fallback = { is_falling_back: reply === undefined, "m.in_reply_to": { event_id: reply?.event ?? thread.latest } };
    return { ...rung, "m.relates_to": { rel_type: "m.thread", event_id: thread.root, ...fallback } };
  }
  const target = reply?.event ?? (outside && isFirst ? refs.thread?.root : undefined);
  return target === undefined ? {} : { ...rung, "m.relates_to": { "m.in_reply_to": { event_id: target } } };
}

function alsoRinging(mentioned: Mentions | undefined, person: Mxid): Content {
  return { "m.mentions": { ...mentioned, user_ids: [...new Set([...(mentioned?.user_ids ?? []), person])] } };
}
