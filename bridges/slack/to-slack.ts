/** A Matrix message as the messages that Slack will show. Pure: the channel, the key and the workspace's address come when it is sent. */
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused } from "../../core/model/errors.ts";
import { clip, firstWords, oneLine, toPlain } from "../../core/model/plain.ts";
import type { OutFile, OutMessage, Poll, Speaker } from "../../core/model/message.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { split } from "../../core/model/split.ts";
import type { SayPart } from "../../core/model/effects.ts";
import { BLOCKS, BLOCKS_LENGTH, TEXT_LENGTH, USERNAME_LENGTH } from "./capabilities.ts";
import { TIMESTAMP } from "./ids.ts";
import { escaped } from "./mrkdwn.ts";
import { MOST_ANSWERS, writePoll } from "./polls.ts";
import type { FileWire, OutBlock, PostWire } from "./wire.ts";
import { clean, writeBlocks } from "./write-blocks.ts";
import { writeClipped, writeMrkdwn } from "./write-mrkdwn.ts";

/** Of the comment beside a file: more goes before it as messages of its own. */
const COMMENT_LENGTH = 3000;
/** Of the first words of what is answered, in a quote. */
const EXCERPT = 100;

export function toParts(message: OutMessage, capabilities: Capabilities): SayPart[] {
  if (message.poll) return [pollPart(message, message.poll, capabilities)];
  const body = quoted(message, styled(message), capabilities);
  if (message.file) return fileParts({ ...message, file: message.file }, body, capabilities);
  const named = needsName(message.speaker, capabilities) ? withName(body, message.speaker) : body;
  return split(named, BLOCKS_LENGTH, measure).map((part) => textPart(message, part, capabilities));
}

/** The longest that Slack takes is measured on the blocks as they go over the wire. Monotone: more text is never shorter. */
export function measure(body: RichText): number {
  return blocksLength(writeBlocks(body));
}

export function blocksLength(blocks: readonly OutBlock[]): number {
  return Math.max(JSON.stringify(blocks).length, Math.ceil((blocks.length * BLOCKS_LENGTH) / BLOCKS));
}

function textPart(message: OutMessage, body: RichText, capabilities: Capabilities): SayPart {
  const text = toPlain(body);
  const blocks = writeBlocks(body);
  // Slack refuses a message without anything in it; an empty one on Matrix is still a message.
  const shown: RichText = blocks.length > 0 ? body : [{ type: "paragraph", content: [{ type: "text", text: "(empty message)" }] }];
  const wire: PostWire = {
    kind: "post",
    text: writeClipped(shown, TEXT_LENGTH, toPlain(shown)),
    blocks: blocks.length > 0 ? blocks : writeBlocks(shown),
    ...(quotes(message, capabilities) ? { quoting: true } : {}),
    ...place(message, capabilities),
    ...identity(message.speaker, capabilities),
  };
  return { kind: "say", speaker: message.speaker, wire, text: text.toWellFormed() };
}

function fileParts(message: OutMessage & { file: OutFile }, body: RichText, capabilities: Capabilities): SayPart[] {
  const { file, speaker } = message;
  if (capabilities.files === "partial" && !speaker.own) return belowParts(message, capabilities);
  const name = speaker.own ? "" : `*${escaped(shownName(speaker))}*`;
  const caption = body.length === 0 ? "" : writeMrkdwn(body);
  const beside = caption.length <= COMMENT_LENGTH;
  const before = beside ? [] : toParts(withoutFile(message), capabilities);
  const { thread } = place(message, capabilities);
  const comment = [name, beside ? caption : ""].filter((part) => part !== "").join(caption.startsWith("> ") ? ":\n" : ": ");
  const wire: FileWire = { ...fileWire(file), comment, ...(thread === undefined ? {} : { thread }) };
  const text = beside && body.length > 0 ? toPlain(body).toWellFormed() : wire.name;
  return [...before, { kind: "say", speaker, wire, text, file }];
}

function fileWire(file: OutFile): FileWire {
  const description = file.description === undefined ? {} : { description: clean(file.description).slice(0, 1000).toWellFormed() };
  return { kind: "file", name: clean(file.name) || "file", comment: "", ...description };
}

/** The text as the person, the file in its thread as the app: a file without a text is named. */
function belowParts(message: OutMessage & { file: OutFile }, capabilities: Capabilities): SayPart[] {
  const { file } = message;
  const named: RichText = [{ type: "paragraph", content: [{ type: "text", text: clean(file.name) || "file" }] }];
  const said = toParts({ ...withoutFile(message), body: message.body.length > 0 ? message.body : named }, capabilities);
  return said.map((part, index) =>
    index < said.length - 1 ? part : { ...part, wire: { ...fileWire(file), caption: part.wire as PostWire } satisfies FileWire, file },
  );
}

function withoutFile({ file: _, ...message }: OutMessage): OutMessage {
  return message;
}

function pollPart(message: OutMessage, poll: Poll, capabilities: Capabilities): SayPart {
  if (poll.answers.length > MOST_ANSWERS) throw new Refused(`Slack shows at most ${MOST_ANSWERS} answers to a poll.`);
  const lines = poll.answers.map((answer, index) => `${index + 1}. ${answer.text}`);
  const text = [poll.question, ...lines].join("\n").toWellFormed();
  const body: RichText = [{ type: "paragraph", content: [{ type: "text", text }] }];
  const wire: PostWire = {
    kind: "post",
    text: writeClipped(body, TEXT_LENGTH, text),
    blocks: writePoll(poll),
    ...place(message, capabilities),
    ...identity(message.speaker, capabilities),
  };
  return { kind: "say", speaker: message.speaker, wire, text };
}

/** An emote is italic: `/me` messages of Slack's can neither be sent twice safely nor carry a name. */
function styled({ style, body }: OutMessage): RichText {
  return style === "emote" ? body.map((block) => italic(block)) : body;
}

function italic(block: Block): Block {
  return block.type === "paragraph" || block.type === "heading"
    ? { ...block, content: block.content.length === 0 ? [] : [{ type: "italic", content: block.content }] }
    : block;
}

function quotes({ reply, thread, speaker }: OutMessage, capabilities: Capabilities): boolean {
  return capabilities.reply === "partial" && !speaker.own && reply !== undefined && reply.thread === undefined && thread === undefined;
}

/** Where replies are quotes, the first words of what is answered stand before the text and lead to it. */
function quoted(message: OutMessage, body: RichText, capabilities: Capabilities): RichText {
  const { reply } = message;
  if (!reply || !quotes(message, capabilities)) return body;
  const name: Inline = { type: "text", text: reply.authorName };
  const whose: Inline = reply.url === undefined ? name : { type: "link", url: reply.url, content: [name] };
  return [
    {
      type: "quote",
      content: [{ type: "paragraph", content: [whose, { type: "text", text: `: ${clip(oneLine(reply.excerpt), EXCERPT)}` }] }],
    },
    ...body,
  ];
}

/**
 * Where it goes. A thread stays a thread; a reply to something outside of any thread begins one, unless replies are quotes. A person's own reply is shown in the
 * channel too; a relayed one is not, because Slack is reported to drop its name and picture there.
 */
function place({ thread, reply, speaker }: OutMessage, capabilities: Capabilities): Pick<PostWire, "thread" | "broadcast"> {
  const begun = capabilities.reply === "partial" && !speaker.own ? undefined : reply?.message;
  const root = thread?.id ?? thread?.root ?? reply?.thread ?? begun;
  if (root === undefined || !TIMESTAMP.test(root)) return {};
  const channelToo = speaker.own && thread === undefined && reply?.thread === undefined;
  return { thread: root, ...(channelToo ? { broadcast: true } : {}) };
}

function identity(speaker: Speaker, capabilities: Capabilities): Pick<PostWire, "username" | "icon"> {
  if (speaker.own || needsName(speaker, capabilities)) return {};
  return { username: shownName(speaker), ...(speaker.avatarUrl === undefined ? {} : { icon: speaker.avatarUrl }) };
}

/** Never empty: Slack would show the app's own name. */
export function shownName(speaker: Speaker): string {
  const name = clean(speaker.name).replace(/\s+/g, " ").trim();
  const cut =
    name.length > USERNAME_LENGTH ? firstWords([{ type: "paragraph", content: [{ type: "text", text: name }] }], USERNAME_LENGTH) : name;
  return cut || speaker.mxid.slice(0, USERNAME_LENGTH);
}

function needsName(speaker: Speaker, capabilities: Capabilities): boolean {
  return !speaker.own && (capabilities.speaker === "fallback" || capabilities.speaker === "refused");
}

/** The name before the text, for an app that may not post under another name. */
export function withName(body: RichText, speaker: Speaker): RichText {
  const name: Inline[] = [
    { type: "bold", content: [{ type: "text", text: shownName(speaker) }] },
    { type: "text", text: ": " },
  ];
  const [first, ...rest] = body;
  if (first?.type === "paragraph") return [{ type: "paragraph", content: [...name, ...first.content] }, ...rest];
  return [{ type: "paragraph", content: name }, ...body];
}
