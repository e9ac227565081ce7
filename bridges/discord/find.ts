/**
 * Whether an effect is there. Webhooks have no idempotency key, so a message is known by where it stands (after the last one that was
 * known before the attempt), through which webhook it came, under which name, with which words. More than one such is nobody's to tell.
 */
import { type APIMessage, type APIThreadChannel, Routes } from "discord-api-types/v10";
import type { EditPart, Found, Part, Progress, ReactPart, SayPart } from "../../core/model/effects.ts";
import { emojiForms, whereOf } from "./effects.ts";
import { Code, isDenied } from "./failures.ts";
import { absent, isForum, isThread, type Place } from "./guilds.ts";
import { messageId, threadId } from "./ids.ts";
import type { Live } from "./live.ts";
import { webhookName } from "./names.ts";
import { botContent, nonceOf, readTrail, withQuote } from "./say.ts";
import type { SayWire, Trail } from "./wire.ts";

const NOT_ARRIVED: Found = { is: "not-arrived" };
const PAGE = 100;
/** What was said since, before nobody looks further. */
const PAGES = 10;

export async function find(live: Live, part: Part, key: string, progress: Progress): Promise<Found> {
  switch (part.kind) {
    case "say":
      return await findSaid(live, part, key, progress);
    case "delete":
      return (await messageOf(live, part)) ? NOT_ARRIVED : ARRIVED;
    case "edit":
      return await findEdit(live, part);
    case "react":
    case "unreact":
      return await findReaction(live, part);
    case "pin":
    case "unpin":
      return is((await messageOf(live, part))?.pinned === (part.kind === "pin"));
    case "topic":
    case "name": {
      const place = await live.guilds.find(part.channel);
      return is((part.kind === "topic" ? place?.topic : place?.name) === part.text);
    }
    case "poll":
      // Which numbers the line shows cannot be told cheaply; written once more, it is the same line.
      return NOT_ARRIVED;
  }
}

const ARRIVED: Found = { is: "arrived", sent: {} };

function is(there: boolean): Found {
  return there ? ARRIVED : NOT_ARRIVED;
}

async function messageOf(live: Live, part: { channel: string; thread?: string; message: string }): Promise<APIMessage | undefined> {
  const where = await whereOf(live, part);
  try {
    return await live.rest.get<APIMessage>(Routes.channelMessage(where, part.message));
  } catch (error) {
    if (isDenied(error, Code.UnknownMessage, Code.UnknownChannel)) return undefined;
    throw error;
  }
}

async function findEdit(live: Live, part: EditPart): Promise<Found> {
  const message = await messageOf(live, part);
  const wire = part.wire as SayWire;
  return is(message !== undefined && [withQuote(wire), botContent(live, wire)].some((text) => sameWords(message.content, text)));
}

async function findReaction(live: Live, part: ReactPart): Promise<Found> {
  const message = await messageOf(live, part);
  const forms = emojiForms(live, part.channel, part.key);
  const mine = message?.reactions?.some(
    ({ me, emoji }) => me && forms.includes(encodeURIComponent(emoji.id ? `${emoji.name}:${emoji.id}` : (emoji.name ?? ""))),
  );
  return is((mine === true) === (part.kind === "react"));
}

async function findSaid(live: Live, part: SayPart, key: string, progress: Progress): Promise<Found> {
  const trail = readTrail(progress.saved);
  const place = part.channel === undefined ? undefined : await live.guilds.findWhole(part.channel);
  if (!place || trail.after === undefined) return NOT_ARRIVED;
  const wire = part.wire as SayWire;
  const found = isPost(place, wire, trail)
    ? await postsAfter(live, place, wire, trail)
    : await messagesAfter(live, trail.thread ?? wire.thread?.id ?? postOf(place, wire) ?? place.id, trail.after);
  if (!found) return { is: "unknown", why: "too much was said there since." };
  const mine = found.filter((message) => matches(live, message, part, key, trail));
  const byKey = mine.filter((message) => live.ours.get(message.id) === key);
  const [only, ...more] = byKey.length > 0 ? byKey : mine.filter((message) => !live.ours.has(message.id));
  if (!only) return NOT_ARRIVED;
  if (more.length > 0) return { is: "unknown", why: "the same words stand there more than once." };
  live.ours.set(only.id, key);
  live.guilds.spoken(only.channel_id, only.id);
  const thread = only.channel_id === place.id ? undefined : only.channel_id;
  return { is: "arrived", sent: { id: messageId(only.id), ...(thread === undefined ? {} : { thread: threadId(thread) }) } };
}

function isPost(place: Place, wire: SayWire, trail: Trail): boolean {
  const thread = wire.thread ?? wire.answers;
  return isForum(place.type) && trail.thread === undefined && thread?.id === undefined && thread?.root === undefined;
}

function postOf(place: Place, wire: SayWire): string | undefined {
  return isForum(place.type) ? (wire.thread?.root ?? wire.answers?.id ?? wire.answers?.root) : isThread(place.type) ? place.id : undefined;
}

/** Undefined = more than anybody looks through. */
async function messagesAfter(live: Live, where: string, after: string): Promise<APIMessage[] | undefined> {
  const all: APIMessage[] = [];
  let from = after;
  for (let page = 0; page < PAGES; page++) {
    const messages = await live.rest.get<APIMessage[]>(Routes.channelMessages(where), { query: { after: from, limit: PAGE } });
    all.push(...messages);
    if (messages.length < PAGE) return all;
    from = (messages[0] as APIMessage).id;
  }
  return undefined;
}

/** The first messages of the posts of that title. */
async function postsAfter(live: Live, place: Place, wire: SayWire, trail: Trail): Promise<APIMessage[]> {
  if (place.guild === undefined) return [];
  const { threads } = await live.rest.get<{ threads: APIThreadChannel[] }>(Routes.guildActiveThreads(place.guild));
  const fresh = threads.filter(
    (one) => one.parent_id === place.id && one.name === wire.title && BigInt(one.id) > BigInt(trail.after ?? "0"),
  );
  const firsts = await Promise.all(fresh.map(({ id }) => absent(live.rest.get<APIMessage>(Routes.channelMessage(id, id)))));
  return firsts.filter((message) => message !== undefined);
}

function matches(live: Live, message: APIMessage, part: SayPart, key: string, trail: Trail): boolean {
  const wire = part.wire as SayWire;
  if (trail.webhook === undefined) {
    if (message.author.id !== live.self.id) return false;
    if (message.nonce !== undefined) return message.nonce === nonceOf(key);
    return sameWords(message.content, botContent(live, wire))
      ? sameFile(message, part)
      : wire.voice !== undefined && sameFile(message, part);
  }
  if (message.webhook_id !== trail.webhook) return false;
  const name = webhookName(part.speaker.name, live.config.relay.mark);
  const named = [name, live.config.relay.webhook_name].some((one) => sameWords(message.author.username, one));
  return named && sameWords(message.content, withQuote(wire)) && sameFile(message, part);
}

/** Discord changes the names of files, never their size. */
function sameFile(message: APIMessage, part: SayPart): boolean {
  if (!part.file) return message.attachments.length === 0;
  const [attachment, ...more] = message.attachments;
  if (!attachment || more.length > 0) return false;
  return part.file.size === undefined || attachment.size === part.file.size;
}

/** As Discord keeps it: without white space at the edges, and with the names of emoji that may not be shown. */
function sameWords(kept: string, sent: string): boolean {
  return normal(kept) === normal(sent);
}

function normal(text: string): string {
  return text
    .replaceAll(/<a?:(\w+):\d+>/g, ":$1:")
    .replaceAll("<@!", "<@")
    .replaceAll(/[\u200b-\u200f\u2060\ufeff]|\ufe0f/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
