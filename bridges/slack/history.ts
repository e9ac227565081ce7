/**
 * A channel's past, oldest first, threads among it. Slack gives the newest first, and replies only thread by thread: what lies between
 * the place asked for and now is fetched whole, and then handed out page by page.
 * https://docs.slack.dev/reference/methods/conversations.history
 */
import { Refused, TryLater } from "../../core/model/errors.ts";
import { compareCursors, type Cursor, type RemoteEvent } from "../../core/model/events.ts";
import { type RemoteChannelId, type RemoteUserId, remoteThreadId } from "../../core/model/ids.ts";
import type { HistoryPage } from "../../core/network.ts";
import type { Desk } from "./desk.ts";
import { reactionKey } from "./from-channel.ts";
import { happening, type Road } from "./from-message.ts";
import { fromMessage } from "./from-slack.ts";
import { cursorAt, messageId, personId, TIMESTAMP, timeOf } from "./ids.ts";
import { filled, type Json, number, record, records, string, strings } from "./wire.ts";

/** Messages in a page of ours. */
export const PAGE = 100;
/** Rows asked for at once; Slack may give fewer. To apps that are sold outside its marketplace it gives 15, once a minute. */
const ROWS = 200;
/** Messages that are held at a time; more are fetched when these have been handed out. */
const MOST = 5_000;
/** How far back threads are looked for that may have gone on, milliseconds; and how many rows. */
const THREADS_BACK = 14 * 24 * 3_600_000;
const THREAD_ROWS = 1_000;
/** The longest that one call waits for its turn: catching up is patient. */
const PATIENCE = 5 * 60_000;
const MOST_WAITS = 30;

interface Past {
  /** Ascending. */
  readonly messages: readonly Json[];
  /** Where to go on once these are handed out; undefined = up to now. */
  readonly more: Cursor | undefined;
  readonly why: string | undefined;
  /** Of all messages whose replies were looked for, by `ts`. */
  readonly roots: readonly string[];
}

interface Threads {
  /** Those that have gone on after the place. */
  readonly roots: readonly Json[];
  readonly seen: readonly Json[];
  readonly why: string | undefined;
}

export class History {
  readonly #desk: Desk;
  /** What has been fetched and not yet handed out, and the place where it goes on. */
  readonly #open = new Map<RemoteChannelId, { readonly after: Cursor; readonly past: Past }>();

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async page(channel: RemoteChannelId, after: Cursor): Promise<HistoryPage> {
    const place = this.#desk.place(channel);
    if (!TIMESTAMP.test(after)) throw new Refused("That is no place in a history of Slack's.");
    const open = this.#open.get(channel);
    this.#open.delete(channel);
    const past = open?.after === after ? open.past : await this.#fetch(place, after);
    const now = past.messages.slice(0, PAGE);
    const rest = past.messages.slice(PAGE);
    const events = await this.#events(place, now);
    const next = rest.length > 0 ? string(now.at(-1)?.ts) : past.more;
    if (next !== undefined && rest.length > 0) this.#open.set(channel, { after: next, past: { ...past, messages: rest, why: undefined } });
    return {
      events,
      ...(next === undefined ? {} : { next }),
      complete: past.why === undefined,
      threads: past.roots.map((root) => remoteThreadId(root)),
      ...(past.why === undefined ? {} : { why: past.why }),
    };
  }

  async #events(place: string, messages: readonly Json[]): Promise<RemoteEvent[]> {
    const { directory, known, signal } = this.#desk;
    await directory.ready({ messages }, signal);
    const road: Road = { via: "history", channel: place, ...(directory.isPrivateTalk(place) ? { direct: true } : {}) };
    const out: RemoteEvent[] = [];
    for (const message of messages) {
      const events = fromMessage(message, road, known);
      out.push(...events);
      if (events[0]?.kind === "message" && message.reactions !== undefined) out.push(await this.#reactions(message, road));
    }
    return out;
  }

  /** A long list of people is cut in the history; then it is asked for by itself. */
  async #reactions(message: Json, road: Road): Promise<RemoteEvent> {
    const { known } = this.#desk;
    const ts = string(message.ts);
    const cut = records(message.reactions).some(({ count, users }) => (number(count) ?? 0) > strings(users).length);
    const reactions = cut ? await this.#allReactions(road.channel, ts, message.reactions) : message.reactions;
    const own = known.self.bot === undefined ? undefined : known.self.user;
    return {
      kind: "reactions-are",
      ...happening(road, known),
      at: timeOf(ts),
      message: messageId(ts),
      reactions: records(reactions).flatMap((reaction) => {
        const people: RemoteUserId[] = strings(reaction.users)
          .filter((user) => user !== own)
          .map((user) => personId(known.team, user));
        return people.length === 0 ? [] : [{ key: reactionKey(string(reaction.name), known), people }];
      }),
    };
  }

  async #allReactions(place: string, ts: string, cut: unknown): Promise<unknown> {
    const answer = await this.#patiently("reactions.get", { channel: place, timestamp: ts, full: true }, place).catch(() => undefined);
    return record(answer?.message).reactions ?? cut;
  }

  async #fetch(place: string, after: Cursor): Promise<Past> {
    const main = await this.#mainLine(place, after);
    const older = await this.#olderRoots(place, after);
    const roots = [...older.roots, ...main.messages.filter((message) => hasNewReplies(message, after))];
    const upTo = main.more;
    const byTs = new Map(main.messages.map((message) => [string(message.ts), message]));
    for (const root of roots) {
      for (const reply of await this.#replies(place, string(root.ts), after, upTo)) {
        // A reply that was also sent to the channel stands in both.
        if (!byTs.has(string(reply.ts))) byTs.set(string(reply.ts), reply);
      }
    }
    const messages = [...byTs.values()].sort(byTime);
    const looked = [...older.seen, ...main.messages].map((message) => string(message.ts));
    return { messages, more: main.more, why: main.why ?? older.why, roots: looked };
  }

  /** Everything after the place that stands in the channel itself. */
  async #mainLine(place: string, after: Cursor): Promise<Omit<Past, "roots">> {
    let messages: Json[] = [];
    let more: Cursor | undefined;
    let cursor: string | undefined;
    do {
      const args = { channel: place, oldest: after, limit: ROWS, include_all_metadata: true, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await this.#patiently("conversations.history", args, place);
      messages = [...records(answer.messages).filter((message) => isAfter(message, after)), ...messages].sort(byTime);
      if (messages.length > MOST) {
        // The oldest first: what is newer is fetched again when its turn comes.
        messages = messages.slice(0, MOST);
        more = string(messages.at(-1)?.ts);
      }
      if (answer.is_limited === true) return { messages, more, why: "Slack's free plan hides what is older than ninety days." };
      cursor = nextOf(answer);
    } while (cursor !== undefined);
    return { messages, more, why: undefined };
  }

  /** Threads that began before the place and may have gone on after it. */
  async #olderRoots(place: string, after: Cursor): Promise<Threads> {
    const roots: Json[] = [];
    const seen: Json[] = [];
    const oldest = cursorAt(Math.max(0, timeOf(after) - THREADS_BACK));
    let rows = 0;
    let cursor: string | undefined;
    do {
      const args = { channel: place, latest: after, oldest, inclusive: true, limit: ROWS, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await this.#patiently("conversations.history", args, place);
      const found = records(answer.messages);
      rows += found.length;
      seen.push(...found);
      roots.push(...found.filter((message) => hasNewReplies(message, after)));
      cursor = nextOf(answer);
      if (cursor !== undefined && found.length > 0 && found.length <= RESTRICTED && rows >= RESTRICTED)
        return {
          roots,
          seen,
          why: "Slack lets this app read no more than a few messages a minute; replies in older threads may be missing.",
        };
    } while (cursor !== undefined && rows < THREAD_ROWS);
    return { roots, seen, why: undefined };
  }

  async #replies(place: string, root: string, after: Cursor, upTo: Cursor | undefined): Promise<Json[]> {
    const replies: Json[] = [];
    let cursor: string | undefined;
    do {
      const range = { oldest: after, ...(upTo === undefined ? {} : { latest: upTo, inclusive: true }) };
      const args = {
        channel: place,
        ts: root,
        ...range,
        limit: ROWS,
        include_all_metadata: true,
        ...(cursor === undefined ? {} : { cursor }),
      };
      const answer = await this.#patiently("conversations.replies", args, place);
      replies.push(...records(answer.messages).filter((message) => message.ts !== root && isAfter(message, after)));
      cursor = nextOf(answer);
    } while (cursor !== undefined);
    return replies;
  }

  /** Waits as long as Slack asks for: what was fetched so far is not thrown away over a limit. */
  async #patiently(method: string, args: Json, place: string): Promise<Json> {
    const call = { deed: "read the channel's history", repeatable: true, channel: place, patience: PATIENCE };
    for (let waits = 0; ; waits++) {
      try {
        return await this.#desk.api.call(method, args, call);
      } catch (error) {
        if (!(error instanceof TryLater) || error.scope !== "channel" || waits >= MOST_WAITS || error.after > PATIENCE) throw error;
        await this.#desk.clock.sleep(error.after, this.#desk.signal).catch(() => {
          throw error;
        });
      }
    }
  }
}

/** What Slack gives to apps that are sold outside of its marketplace. */
const RESTRICTED = 15;

function nextOf(answer: Json): string | undefined {
  return filled(record(answer.response_metadata).next_cursor);
}

function byTime(a: Json, b: Json): number {
  return compareCursors(string(a.ts), string(b.ts));
}

function isAfter(message: Json, after: Cursor): boolean {
  const ts = string(message.ts);
  return TIMESTAMP.test(ts) && compareCursors(ts, after) > 0;
}

/** Where it is not said when the last reply came, there may be one. */
function hasNewReplies(message: Json, after: Cursor): boolean {
  const latest = string(message.latest_reply);
  return (number(message.reply_count) ?? 0) > 0 && (!TIMESTAMP.test(latest) || compareCursors(latest, after) > 0);
}
