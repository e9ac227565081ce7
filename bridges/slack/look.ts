/** Looking at what stands in a channel: single messages, and whether something of ours has arrived. */
import { Refused } from "../../core/model/errors.ts";
import type { Found, Part, Progress, ReactPart, SayPart } from "../../core/model/effects.ts";
import { remoteThreadId } from "../../core/model/ids.ts";
import type { Desk } from "./desk.ts";
import { findFile, type Looked, TOO_MUCH } from "./files.ts";
import { plainTopic } from "./from-channel.ts";
import { cursorAt, messageId } from "./ids.ts";
import { reactionName } from "./names.ts";
import { isFile, isPost } from "./post.ts";
import { filled, type Json, keyIn, type PostWire, record, records, string, strings } from "./wire.ts";

/** Our clock and Slack's may differ by so much, and a request may have been on its way so long. */
const MARGIN = 10 * 60_000;
const SECOND_LOOK = 1_500;
const PAGE = 200;
/** Pages to look through for one message: at some point it is nobody's guess any more. */
const MOST_PAGES = 20;

export async function messageAt(desk: Desk, place: string, ts: string, thread?: string): Promise<Json | undefined> {
  const args = { channel: place, latest: ts, oldest: ts, inclusive: true, limit: 1, include_all_metadata: true };
  const call = { deed: "read a message", repeatable: true, channel: place };
  const there = (answer: Json): Json | undefined => records(answer.messages).find((message) => message.ts === ts);
  if (thread === undefined || thread === ts) {
    const found = there(await desk.api.call("conversations.history", args, call));
    if (found) return found;
  }
  // A reply stands in its thread only; any message of the thread leads to it.
  const replies = await desk.api.call("conversations.replies", { ...args, ts: thread ?? ts }, call).catch(absent);
  return replies && there(replies);
}

function absent(error: unknown): undefined {
  if (error instanceof Refused) return undefined;
  throw error;
}

export async function find(desk: Desk, part: Part, key: string, progress: Progress): Promise<Found> {
  switch (part.kind) {
    case "say":
      return await findSaid(desk, part, key, progress);
    case "delete": {
      const there = await messageAt(desk, desk.place(part.channel), part.message, part.thread);
      return answer(there === undefined || there.subtype === "tombstone");
    }
    case "edit": {
      const there = await messageAt(desk, desk.place(part.channel), part.message, part.thread);
      return answer(there !== undefined && string(there.text) === (isPost(part.wire) ? part.wire.text : undefined));
    }
    case "react":
    case "unreact":
      return answer((await hasReacted(desk, part)) === (part.kind === "react"));
    case "pin":
    case "unpin":
      return answer((await isPinned(desk, desk.place(part.channel), part.message)) === (part.kind === "pin"));
    case "topic":
    case "name": {
      const channel = record(await desk.directory.channel(desk.place(part.channel)));
      const topic = plainTopic(string(record(channel.topic).value), desk.known);
      return answer((part.kind === "topic" ? topic : string(channel.name)) === part.text);
    }
    default:
      // The results of a poll: shown once more, they are shown once.
      return { is: "not-arrived" };
  }
}

function answer(arrived: boolean): Found {
  return arrived ? { is: "arrived", sent: {} } : { is: "not-arrived" };
}

async function findSaid(desk: Desk, part: SayPart, key: string, progress: Progress): Promise<Found> {
  const place = desk.place(part.channel);
  if (isFile(part.wire)) {
    const { caption } = part.wire;
    const root = caption && (() => lookFor(desk, place, key, caption.thread, progress));
    return await findFile(desk, place, part.wire, progress, root);
  }
  const found = await lookFor(desk, place, key, (part.wire as PostWire).thread, progress);
  if (found === "too much") return { is: "unknown", why: TOO_MUCH };
  if (found === undefined) return { is: "not-arrived" };
  const thread = filled(found.thread_ts);
  const ts = string(found.ts);
  return {
    is: "arrived",
    sent: { id: messageId(ts), ...(thread === undefined || thread === ts ? {} : { thread: remoteThreadId(thread) }) },
  };
}

async function lookFor(desk: Desk, place: string, key: string, thread: string | undefined, progress: Progress): Promise<Looked> {
  const oldest = oldestOf(desk, progress);
  const found = await findKey(desk, place, key, thread, oldest);
  if (found !== undefined) return found;
  // What is still on its way into the channel is there a moment later.
  await desk.clock.sleep(SECOND_LOOK, desk.signal).catch(() => undefined);
  return await findKey(desk, place, key, thread, oldest);
}

/** By clocks on walls, as Slack has them; ours may run faster, and then looks back further than it must. */
function oldestOf(desk: Desk, progress: Progress): string {
  return cursorAt(Date.now() - Math.max(0, desk.clock.now() - progress.since) - MARGIN);
}

/** Metadata stands in the history only when it is asked for, and a reply only in its thread. */
async function findKey(desk: Desk, place: string, key: string, thread: string | undefined, oldest: string): Promise<Looked> {
  const roads: Record<string, unknown>[] = [{}];
  if (thread !== undefined) roads.unshift({ ts: thread });
  for (const road of roads) {
    const found = await findOn(desk, road, place, key, oldest);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findOn(desk: Desk, road: Json, place: string, key: string, oldest: string): Promise<Looked> {
  const method = road.ts === undefined ? "conversations.history" : "conversations.replies";
  const call = { deed: "look for a message", repeatable: true, channel: place };
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const args = { ...road, channel: place, oldest, limit: PAGE, include_all_metadata: true, ...(cursor === undefined ? {} : { cursor }) };
    // A thread that is gone holds nothing of ours.
    const answer = await desk.api.call(method, args, call).catch(road.ts === undefined ? rethrow : absent);
    if (!answer) return undefined;
    const found = records(answer.messages).find((message) => keyIn(message) === key);
    if (found) return found;
    cursor = filled(record(answer.response_metadata).next_cursor);
    if (cursor === undefined) return undefined;
  }
  return "too much";
}

function rethrow(error: unknown): never {
  throw error;
}

async function hasReacted(desk: Desk, part: ReactPart): Promise<boolean> {
  const place = desk.place(part.channel);
  const call = { deed: "read a message's reactions", repeatable: true, channel: place };
  const read = await desk.api.call("reactions.get", { channel: place, timestamp: part.message, full: true }, call).catch(absent);
  const name = reactionName(desk, part.key);
  const reactions = records(record(read?.message).reactions);
  return reactions.some((reaction) => reaction.name === name && strings(reaction.users).includes(desk.self.user));
}

async function isPinned(desk: Desk, place: string, ts: string): Promise<boolean> {
  const call = { deed: "read a channel's pins", repeatable: true, channel: place };
  const pins = await desk.api.call("pins.list", { channel: place }, call);
  return records(pins.items).some((item) => record(item.message).ts === ts);
}
