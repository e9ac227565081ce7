/** Posting and editing: the message as it was made by `toParts`, and what Slack takes instead when it does not take that. */
import { Refused } from "../../core/model/errors.ts";
import { clip } from "../../core/model/plain.ts";
import type { Speaker } from "../../core/model/message.ts";
import type { EditPart, SayPart, Sent } from "../../core/model/effects.ts";
import { messageId } from "./ids.ts";
import { remoteThreadId } from "../../core/model/ids.ts";
import { TEXT_LENGTH } from "./capabilities.ts";
import type { Desk } from "./desk.ts";
import { codeOf, neededBy } from "./failures.ts";
import { editMark } from "./known.ts";
import { escaped } from "./mrkdwn.ts";
import { withWorkspace } from "./permalinks.ts";
import { shownName } from "./to-slack.ts";
import { METADATA_TYPE, type FileWire, type Json, type OutBlock, type PostWire, string } from "./wire.ts";
import { clean } from "./write-blocks.ts";

/** Slack cuts longer texts. */
const LONGEST_TEXT = 40_000;

interface Draft {
  readonly text: string;
  /** Undefined = as text alone. */
  readonly blocks: readonly OutBlock[] | undefined;
  readonly thread: string | undefined;
  readonly broadcast: boolean;
  readonly speaker: Speaker;
  readonly named: boolean;
  readonly keyed: boolean;
}

/** `below`: the file that will hang from it. */
export async function post(desk: Desk, part: SayPart, wire: PostWire, key: string, below?: string): Promise<Sent> {
  const place = desk.place(part.channel);
  let draft: Draft = {
    text: wire.text,
    blocks: wire.blocks,
    thread: wire.thread,
    broadcast: wire.broadcast === true,
    speaker: part.speaker,
    named: wire.username !== undefined && !desk.nameless,
    keyed: true,
  };
  for (;;) {
    try {
      const call = { deed: "post the message", repeatable: false, channel: place };
      const args = { ...argsOf(desk, draft, wire, { key, ...(below === undefined ? {} : { file: below }) }), channel: place };
      const answer = await desk.within(place, () => desk.api.call("chat.postMessage", args, call));
      return sentBy(desk, answer, draft.thread);
    } catch (failure) {
      // Each of these is a clear no, so what follows is still the only message.
      draft = instead(desk, draft, part, failure);
    }
  }
}

function argsOf(desk: Desk, draft: Draft, wire: PostWire, payload: Json): Record<string, unknown> {
  const prefixed = wire.username !== undefined && !draft.named;
  const blocks = draft.blocks && localised(desk, prefixed ? withNameBlock(draft.blocks, draft.speaker) : draft.blocks);
  return {
    text: prefixed ? clip(`*${escaped(shownName(draft.speaker))}*: ${draft.text}`, LONGEST_TEXT) : draft.text,
    ...(blocks ? { blocks } : {}),
    ...(draft.thread === undefined ? {} : { thread_ts: draft.thread, ...(draft.broadcast ? { reply_broadcast: true } : {}) }),
    ...(draft.named ? { username: wire.username, ...(wire.icon === undefined ? {} : { icon_url: wire.icon }) } : {}),
    ...(draft.keyed ? { metadata: { event_type: METADATA_TYPE, event_payload: payload } } : {}),
    parse: "none",
    unfurl_links: wire.quoting !== true,
    unfurl_media: true,
  };
}

/** What to try after a refusal. Throws it when there is nothing left to try. */
function instead(desk: Desk, draft: Draft, part: SayPart, failure: unknown): Draft {
  switch (codeOf(failure)) {
    case "missing_scope":
      if (!draft.named || neededBy(failure)?.includes("chat:write.customize") !== true) throw failure;
      desk.becomeNameless();
      return { ...draft, named: false };
    case "invalid_blocks":
    case "invalid_blocks_format":
    case "msg_blocks_too_long":
      if (!draft.blocks) throw failure;
      desk.log.warn({ err: failure }, "Slack did not take a message's blocks; its text goes alone");
      return { ...draft, blocks: undefined, text: escaped(clip(clean(part.text), LONGEST_TEXT / 2)) };
    case "thread_not_found":
    case "cannot_reply_to_message":
    case "restricted_action_non_threadable_channel":
      if (draft.thread === undefined) throw failure;
      return { ...draft, thread: undefined, broadcast: false };
    case "metadata_must_be_sent_from_app":
      if (!draft.keyed) throw failure;
      return { ...draft, keyed: false };
    default:
      throw failure;
  }
}

function sentBy(desk: Desk, answer: Json, thread: string | undefined): Sent {
  const ts = string(answer.ts);
  desk.remember("post", ts);
  return { id: messageId(ts), ...(thread === undefined ? {} : { thread: remoteThreadId(thread) }) };
}

function withNameBlock(blocks: readonly OutBlock[], speaker: Speaker): OutBlock[] {
  return [{ type: "context", elements: [{ type: "mrkdwn", text: `*${escaped(shownName(speaker))}*` }] }, ...blocks.slice(0, 49)];
}

/** As this workspace has it: links lead to its own address, and emoji that it does not have are words. */
function localised(desk: Desk, blocks: readonly OutBlock[]): unknown {
  const known = (name: string) => desk.directory.hasEmoji(name);
  const json = JSON.stringify(blocks, (_, value: unknown) => asWords(value, known));
  return JSON.parse(desk.workspace === undefined ? json : withWorkspace(json, desk.workspace));
}

function asWords(value: unknown, known: (name: string) => boolean): unknown {
  if (typeof value !== "object" || value === null || !("type" in value) || value.type !== "emoji") return value;
  const name = "name" in value ? string(value.name) : "";
  return known(name) ? value : { type: "text", text: `:${name}:` };
}

export async function edit(desk: Desk, part: EditPart): Promise<Sent> {
  const place = desk.place(part.channel);
  const given = part.wire as PostWire | FileWire;
  const wire = given.kind === "file" ? (given.caption ?? given) : given;
  const ts = part.message as string;
  const prefixed = wire.kind === "post" && wire.username !== undefined && desk.nameless;
  const blocks = wire.kind === "post" ? wire.blocks : undefined;
  const shown = blocks && localised(desk, prefixed ? withNameBlock(blocks, part.speaker) : blocks);
  const text = wire.kind === "post" ? wire.text : wire.comment;
  const args = { channel: place, ts, text: text || " ", parse: "none", ...(shown ? { blocks: shown } : {}) };
  try {
    return await update(desk, args, place, ts);
  } catch (failure) {
    const code = codeOf(failure);
    if (!blocks || !(code === "invalid_blocks" || code === "invalid_blocks_format" || code === "msg_blocks_too_long")) throw failure;
    const plain = escaped(clip(clean(part.text), TEXT_LENGTH / 2)) || " ";
    return await update(desk, { channel: place, ts, text: plain, parse: "none" }, place, ts);
  }
}

async function update(
  desk: Desk,
  args: { readonly text: string; readonly [name: string]: unknown },
  place: string,
  ts: string,
): Promise<Sent> {
  // Before the call, because the event may be quicker than the answer; and after it, as Slack has written it.
  desk.remember("edit", editMark(ts, args.text));
  const answer = await desk.api.call("chat.update", args, { deed: "edit the message", repeatable: true, channel: place });
  desk.remember("edit", editMark(ts, string(answer.text)));
  return { id: messageId(string(answer.ts) || ts) };
}

/** What a wire form is, read back from the journal. */
export function isPost(wire: unknown): wire is PostWire {
  return (wire as { kind?: unknown } | null)?.kind === "post";
}

export function isFile(wire: unknown): wire is FileWire {
  return (wire as { kind?: unknown } | null)?.kind === "file";
}

export function unknownWire(): Refused {
  return new Refused("This was made by another version of the bridge and cannot be sent any more.");
}
