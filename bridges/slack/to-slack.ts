/** A Matrix message as the messages that Slack will show. Pure: the channel, the key and the workspace's address come when it is sent. */
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused } from "../../core/model/errors.ts";
import { firstWords, toPlain } from "../../core/model/plain.ts";
import type { OutFile, OutMessage, Poll, Speaker } from "../../core/model/message.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { split } from "../../core/model/split.ts";
import type { SayPart } from "../../core/network.ts";
import { BLOCKS, BLOCKS_LENGTH, TEXT_LENGTH, USERNAME_LENGTH } from "./capabilities.ts";
import { TIMESTAMP } from "./ids.ts";
import { escaped } from "./mrkdwn.ts";
import { MOST_ANSWERS, writePoll } from "./polls.ts";
import type { FileWire, OutBlock, PostWire } from "./wire.ts";
import { clean, writeBlocks } from "./write-blocks.ts";
import { writeClipped, writeMrkdwn } from "./write-mrkdwn.ts";

/** Of the comment beside a file: more goes before it as messages of its own. */
const COMMENT_LENGTH = 3000;

export function toParts(message: OutMessage, capabilities: Capabilities): SayPart[] {
  if (message.poll) return [pollPart(message, message.poll, capabilities)];
  const body = styled(message);
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
    ...place(message),
    ...identity(message.speaker, capabilities),
  };
  return { kind: "say", speaker: message.speaker, wire, text: text.toWellFormed() };
}

function fileParts(message: OutMessage & { file: OutFile }, body: RichText, capabilities: Capabilities): SayPart[] {
  const { file, speaker } = message;
  const name = speaker.own ? "" : `*${escaped(shownName(speaker))}*`;
  const caption = body.length === 0 ? "" : writeMrkdwn(body);
  const beside = caption.length <= COMMENT_LENGTH;
  const before = beside ? [] : toParts(withoutFile(message), capabilities);
  const { thread } = place(message);
  const comment = [name, beside ? caption : ""].filter((part) => part !== "").join(": ");
  const wire: FileWire = {
    kind: "file",
    name: clean(file.name) || "file",
    comment,
    ...(file.description === undefined ? {} : { description: clean(file.description).slice(0, 1000).toWellFormed() }),
    ...(thread === undefined ? {} : { thread }),
  };
  const text = beside && body.length > 0 ? toPlain(body).toWellFormed() : wire.name;
  return [...before, { kind: "say", speaker, wire, text, file }];
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
    ...place(message),
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

/**
 * Where it goes. A thread stays a thread; a reply to something outside of any thread begins one. A person's own reply is shown in the
 * channel too; a relayed one is not, because Slack is reported to drop its name and picture there.
 */
function place({ thread, reply, speaker }: OutMessage): Pick<PostWire, "thread" | "broadcast"> {
  const root = thread?.id ?? thread?.root ?? reply?.thread ?? reply?.message;
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
