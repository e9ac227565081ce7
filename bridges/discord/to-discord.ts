/**
 * Messages on their way to Discord, as parts of at most 2000 characters, each one request. Pure and deterministic: core compares the
 * parts of an edit with those that it edits.
 */
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused } from "../../core/model/errors.ts";
import type { OutFile, OutMessage, ReplyTarget } from "../../core/model/message.ts";
import { clip, firstWords, oneLine, toPlain } from "../../core/model/plain.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { split } from "../../core/model/split.ts";
import { inlines } from "../../core/model/walk.ts";
import type { SayPart } from "../../core/model/effects.ts";
import { SPOILER, waveformOf } from "./files.ts";
import { isSnowflake } from "./ids.ts";
import { SMALL } from "./markdown.ts";
import { fitsButtons, pollWire } from "./polls.ts";
import { LONGEST, type SayWire } from "./wire.ts";
import { writeMarkdown } from "./write-markdown.ts";

/** Discord's limit for the name of a thread or forum post. */
const TITLE = 100;
const EXCERPT = 80;

export function toParts(message: OutMessage, capabilities: Capabilities): SayPart[] {
  const body = withStyle(numbered(message), message.style);
  const quote = message.reply ? quoteLine(message.reply) : undefined;
  const limit = LONGEST - Math.max(quote?.length ?? 0, nameLine(message).length) - 1;
  const chunks = split(body, limit, (some) => writeMarkdown(some).length).filter((chunk) => written(chunk) !== "");
  const parts = message.file && isVoice(message.file) ? voiceParts(message, chunks) : plainParts(message, chunks);
  if (parts.length === 0) throw new Refused("Nothing of the message is left that Discord could show.");
  return parts.map((part, index) => finished(part, message, capabilities, index === 0 ? quote : undefined));
}

/** A part before what all parts have in common is added. */
interface Draft {
  readonly body: RichText;
  readonly extra?: Partial<SayWire>;
  readonly file?: OutFile;
}

/** A file stands in the first part, so that it keeps its place when the words beside it grow. */
function plainParts({ file, poll }: OutMessage, chunks: readonly RichText[]): Draft[] {
  const drafts: Draft[] = chunks.map((body) => ({ body }));
  if (file) drafts[0] = { body: drafts[0]?.body ?? [], extra: { file: fileWire(file) }, file };
  if (poll && fitsButtons(poll)) drafts.push({ body: [], extra: { poll: pollWire(poll) } });
  return drafts;
}

/**
 * A voice message of Discord's holds nothing but the sound, and only the bot itself can send one: who speaks is said before it, under
 * their own name.
 */
function voiceParts({ file }: OutMessage, chunks: readonly RichText[]): Draft[] {
  const sound = file as OutFile;
  const words = chunks.length > 0 ? chunks : [[emphasised("sent a voice message:")]];
  const voice = { seconds: Math.max(1, Math.round((sound.duration ?? 1000) / 1000)), waveform: waveformOf(sound.waveform ?? [0]) };
  return [...words.map((body) => ({ body })), { body: [], extra: { file: fileWire(sound), voice }, file: sound }];
}

/** https://discord.com/developers/docs/resources/message#voice-messages */
function isVoice(file: OutFile): boolean {
  return file.kind === "voice" && (file.mimetype ?? "").startsWith("audio/ogg");
}

function finished({ body, extra, file }: Draft, message: OutMessage, capabilities: Capabilities, quote: string | undefined): SayPart {
  const text = toPlain(body).toWellFormed();
  const name = nameLine(message);
  const byBot = extra?.poll !== undefined || extra?.voice !== undefined || capabilities.speaker !== "full";
  const rung = ringing(body);
  const wire: SayWire = {
    content: written(body),
    ...(quote === undefined ? {} : { quote }),
    ...(message.reply?.message === undefined || quote === undefined ? {} : { reply: message.reply.message }),
    ...(message.speaker.own || name === "" ? {} : { name }),
    ...rung,
    title: titleOf(message),
    ...(message.thread ? { thread: threadWire(message.thread.id, message.thread.root) } : {}),
    ...(message.reply ? { answers: threadWire(message.reply.thread, message.reply.message) } : {}),
    ...extra,
    ...(byBot ? { bot: true } : {}),
  };
  return { kind: "say", speaker: message.speaker, wire, text: shownText(text, extra), ...(file ? { file } : {}) };
}

function threadWire(id: string | undefined, root: string | undefined): { readonly id?: string; readonly root?: string } {
  return { ...(id === undefined ? {} : { id }), ...(root === undefined ? {} : { root }) };
}

function shownText(text: string, extra: Partial<SayWire> | undefined): string {
  if (text !== "" || !extra) return text;
  return extra.poll?.question ?? extra.file?.name ?? "";
}

function written(body: RichText): string {
  return writeMarkdown(body).replace(/^\n+|\s+$/g, "");
}

/** Only those whom the text mentions by a node of its own. */
function ringing(body: RichText): Pick<SayWire, "users" | "everyone"> {
  const users = new Set<string>();
  let everyone = false;
  for (const node of inlines(body)) {
    if (node.type !== "mention") continue;
    const { target } = node;
    if (target.kind === "person" && isSnowflake(target.remote)) users.add(target.remote);
    if ((target.kind === "everyone" || target.kind === "here") && target.allowed) everyone = true;
  }
  // Discord takes a hundred at most.
  return { users: [...users].slice(0, 100), everyone };
}

function withStyle(body: RichText, style: OutMessage["style"]): RichText {
  if (style !== "emote") return body;
  return body.map((block) => (block.type === "paragraph" ? { ...block, content: [{ type: "italic", content: block.content }] } : block));
}

/** A poll that no buttons can hold is text with numbers. */
function numbered({ body, poll }: OutMessage): RichText {
  if (!poll || fitsButtons(poll)) return body;
  const items: RichText[] = poll.answers.map(({ text }) => [{ type: "paragraph", content: [{ type: "text", text }] }]);
  const question: Block = { type: "paragraph", content: [{ type: "bold", content: [{ type: "text", text: poll.question }] }] };
  return [...body, question, { type: "list", start: 1, items }];
}

function emphasised(words: string): Block {
  return { type: "paragraph", content: [{ type: "italic", content: [{ type: "text", text: words }] }] };
}

/** Small, with a way back to what it answers. It rings nobody: that is for the mentions in the text. */
function quoteLine({ author, authorName, excerpt, url }: ReplyTarget): string {
  const who: Inline = isSnowflake(author)
    ? { type: "mention", target: { kind: "person", remote: author }, text: authorName }
    : { type: "bold", content: [{ type: "text", text: clip(oneLine(authorName), EXCERPT) }] };
  // Text with an address in it would not be shown as a link to another one.
  const excerpted = url === undefined ? excerpt : excerpt.replaceAll(/\s*\(?\bhttps?:\/\/[^\s)]*\)?/gi, "");
  const words: Inline = { type: "text", text: clip(oneLine(excerpted), EXCERPT) || "…" };
  const what: Inline = url === undefined ? words : { type: "link", url, content: [words] };
  return writeMarkdown([
    {
      type: "paragraph",
      content: [{ type: "colour", foreground: SMALL, content: [{ type: "text", text: "↩ " }, who, { type: "text", text: " " }, what] }],
    },
  ]);
}

function nameLine({ speaker }: OutMessage): string {
  return speaker.own
    ? ""
    : `${writeMarkdown([{ type: "paragraph", content: [{ type: "bold", content: [{ type: "text", text: clip(oneLine(speaker.name), EXCERPT) }] }] }])}: `;
}

function titleOf({ body, file, poll, thread }: OutMessage): string {
  const words = thread?.excerpt ?? (firstWords(body, TITLE) || poll?.question || file?.name || "");
  return clip(oneLine(words), TITLE).toWellFormed() || "…";
}

function fileWire(file: OutFile): NonNullable<SayWire["file"]> {
  const name = file.name.replaceAll(/[\\/\u0000-\u001f\u007f]/g, "_").toWellFormed() || "file";
  return {
    name: file.spoiler === true ? SPOILER + name : name,
    ...(file.description === undefined ? {} : { description: clip(file.description.toWellFormed(), 1024) }),
  };
}
