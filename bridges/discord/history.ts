/**
 * What was said after a moment, in a channel and its threads together, oldest first. Snowflakes grow with time, so one cursor serves all.
 *
 * https://discord.com/developers/docs/resources/message#get-channel-messages
 */
import { type APIMessage, type APIThreadChannel, type APIUser, Routes } from "discord-api-types/v10";
import { Refused } from "../../core/model/errors.ts";
import type { Cursor, RemoteEvent, RemoteReactionsAre } from "../../core/model/events.ts";
import type { HistoryPage } from "../../core/network.ts";
import { Denied } from "./failures.ts";
import { absent, isForum, isLinkable, isThread, type Place } from "./guilds.ts";
import { compareSnowflakes, isSnowflake, messageId, threadId, timeOf, userId } from "./ids.ts";
import type { Live } from "./live.ts";
import { reactionKey } from "./events.ts";
import { personOf } from "./people.ts";
import { requireAvailable } from "./threads.ts";
import type { Stands } from "./stands.ts";
import { legible } from "./unreadable.ts";

const PAGE = 100;
/** People asked for by one reaction; more than that are not told apart after the event. */
const REACTORS = 100;

export async function history(live: Live, stands: Stands, channel: string, after: Cursor): Promise<HistoryPage> {
  requireAvailable(live, channel);
  const place = await live.guilds.findWhole(channel);
  if (!place || !isSnowflake(after)) throw new Refused("The channel is not there any more, or the bot cannot see it.");
  const { threads, complete } = await threadsSince(live, place, after);
  const sources = [...(isLinkable(place.type) && !isForum(place.type) ? [place.id] : []), ...threads];
  const pages: Fetched[] = [];
  for (const source of sources) pages.push(await pageOf(live, source, after));
  // Beyond the first source that has more to give, others may lack messages in between.
  const horizon = earliest(pages.flatMap(({ full, messages }) => (full ? [(messages.at(-1) as APIMessage).id] : [])));
  const messages = pages
    .flatMap((page) => page.messages)
    .filter(({ id }) => horizon === undefined || compareSnowflakes(id, horizon) <= 0)
    .sort((a, b) => compareSnowflakes(a.id, b.id));
  const events: RemoteEvent[] = [];
  for (const message of messages) events.push(...(await eventsOf(live, stands, place, message)));
  return {
    events,
    ...(horizon === undefined ? {} : { next: horizon }),
    complete,
    threads: pages.flatMap(({ source, denied }) => (denied || source === place.id ? [] : [threadId(source)])),
    ...(complete ? {} : { why: "not all of the channel's archived threads could be read." }),
  };
}

interface Fetched {
  readonly source: string;
  /** Oldest first. */
  readonly messages: readonly APIMessage[];
  readonly full: boolean;
  /** It could not be read. */
  readonly denied?: true;
}

async function pageOf(live: Live, source: string, after: Cursor): Promise<Fetched> {
  try {
    const messages = await live.rest.get<APIMessage[]>(Routes.channelMessages(source), { query: { after, limit: PAGE } });
    return { source, messages: messages.toSorted((a, b) => compareSnowflakes(a.id, b.id)), full: messages.length >= PAGE };
  } catch (error) {
    const known = live.guilds.place(source);
    // A thread that was deleted while we looked has nothing to tell.
    if (error instanceof Denied && known && isThread(known.type)) return { source, messages: [], full: false, denied: true };
    throw error;
  }
}

/** Threads in which something was said since: active ones, and those that were archived meanwhile. */
async function threadsSince(live: Live, place: Place, after: Cursor): Promise<{ threads: string[]; complete: boolean }> {
  if (place.guild === undefined || isThread(place.type)) return { threads: [], complete: true };
  const active = await live.guilds.activeThreads(place.guild);
  const archived = await archivedSince(live, place, timeOf(after));
  const all = [...active.filter((thread) => thread.parent_id === place.id), ...archived.threads];
  for (const thread of all) live.guilds.put(thread, place.guild);
  const spoken = all.filter(
    ({ id, last_message_id: last }) => compareSnowflakes(last ?? id, after) > 0 || compareSnowflakes(id, after) > 0,
  );
  return { threads: [...new Set(spoken.map(({ id }) => id))], complete: archived.complete };
}

interface Archived {
  readonly threads: APIThreadChannel[];
  readonly has_more: boolean;
}

async function archivedSince(live: Live, place: Place, since: number): Promise<{ threads: APIThreadChannel[]; complete: boolean }> {
  const threads: APIThreadChannel[] = [];
  let before: string | undefined;
  for (;;) {
    const query = { limit: PAGE, ...(before === undefined ? {} : { before }) };
    const page = await absent(live.rest.get<Archived>(Routes.channelThreads(place.id, "public"), { query }));
    if (!page) return { threads, complete: false };
    const late = page.threads.filter((thread) => Date.parse(thread.thread_metadata?.archive_timestamp ?? "") >= since);
    threads.push(...late);
    before = page.threads.at(-1)?.thread_metadata?.archive_timestamp;
    if (!page.has_more || late.length < page.threads.length || before === undefined) return { threads, complete: true };
  }
}

function earliest(ids: readonly string[]): string | undefined {
  return ids.toSorted(compareSnowflakes)[0];
}

async function eventsOf(live: Live, stands: Stands, place: Place, message: APIMessage): Promise<RemoteEvent[]> {
  const stand = await stands.of(message.channel_id, message.id);
  if (!stand) return [];
  live.guilds.spoken(message.channel_id, message.id);
  const view = live.view(place.guild);
  const events = legible(message, view, stand, { via: "history" }, (error) =>
    live.core.log.error({ err: error, message: message.id }, "A message of Discord's could not be read"),
  );
  return [...events, ...(await reactionsOf(live, stand.channel, message))];
}

/** Who reacted meanwhile. Asked for only where somebody besides us did. */
async function reactionsOf(live: Live, channel: RemoteEvent["channel"], message: APIMessage): Promise<RemoteEvent[]> {
  const of = (message.reactions ?? []).filter(({ count, me }) => count > (me ? 1 : 0));
  if (of.length === 0) return [];
  const reactions: RemoteReactionsAre["reactions"][number][] = [];
  for (const { emoji } of of) {
    const form = encodeURIComponent(emoji.id ? `${emoji.name}:${emoji.id}` : (emoji.name ?? ""));
    const path = Routes.channelMessageReaction(message.channel_id, message.id, form);
    const people = (await absent(live.rest.get<APIUser[]>(path, { query: { limit: REACTORS } }))) ?? [];
    const others = people.filter(({ id }) => id !== live.self.id);
    for (const user of others) live.members.saw(personOf(user, undefined, undefined, live.self.id), undefined);
    if (others.length > 0) reactions.push({ key: reactionKey(emoji, live.config.cdn_url), people: others.map(({ id }) => userId(id)) });
  }
  const at = Date.parse(message.timestamp) || 0;
  return [{ kind: "reactions-are", channel, at, via: "history", message: messageId(message.id), reactions }];
}
