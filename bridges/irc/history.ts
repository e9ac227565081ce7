/**
 * What was said while we were away: by `draft/chathistory` (https://ircv3.net/specs/extensions/chathistory), or from a bouncer by
 * `znc.in/playback`. Places in it are times: the only reference that every such server understands.
 */
import { Refused, TryLater } from "../../core/model/errors.ts";
import { compareCursors, type Cursor, type RemoteEvent } from "../../core/model/events.ts";
import { type RemoteChannelId, type RemoteMessageId, remoteMessageId } from "../../core/model/ids.ts";
import type { Found, Sent } from "../../core/model/effects.ts";
import type { HistoryPage } from "../../core/network.ts";
import { refusalIn } from "./asks.ts";
import { isBatch, type Item, linesOf } from "./batches.ts";
import type { Book } from "./book.ts";
import { readable } from "./endings.ts";
import { fromLine, fromMultiline, keyTag } from "./from-irc.ts";
import { isMsgid, readChannelId } from "./ids.ts";
import { lastParam, type Line, timeOf } from "./line.ts";
import type { Outbox } from "./outbox.ts";
import { Places, readPlace, writePlace } from "./places.ts";
import { gatherReactions } from "./reactions.ts";
import type { Session } from "./session.ts";
import type { IrcWire } from "./to-irc.ts";
import type { View } from "./view.ts";

export interface HistoryOptions {
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
  live(): { session: Session; book: Book };
  current(): Session | undefined;
  view(places: Places): View;
  obstacle(channel: RemoteChannelId): TryLater | undefined;
}

const ANSWER_WITHIN = 30_000;
/** Pages that are looked through for one message. */
const MOST_PAGES = 20;
/** The server's clock and ours may differ by so much. */
const CLOCKS_DIFFER = 60_000;

interface Stretch {
  readonly items: readonly Item[];
  /** More may lie behind it. */
  readonly full: boolean;
}

export class History {
  readonly #options: HistoryOptions;
  /** The last message of the page before, by channel. */
  readonly #ends = new Map<RemoteChannelId, { readonly cursor: Cursor; readonly message: RemoteMessageId }>();

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  isThere(): boolean {
    const session = this.#options.current();
    return session !== undefined && (hasChathistory(session) || hasPlayback(session));
  }

  async page(channel: RemoteChannelId, after: Cursor): Promise<HistoryPage> {
    const obstacle = this.#options.obstacle(channel);
    if (obstacle) throw obstacle;
    const place = readPlace(after);
    if (!place) throw new Refused("the place to go on from is none of this network's.");
    const { items, full, counted } = await this.#behind(channel, after, place);
    const all = this.#eventsOf(items, channel, new Places(counted ? place : undefined));
    const events = gatherReactions(all.filter((event) => event.cursor === undefined || compareCursors(event.cursor, after) > 0));
    if (!full) return { events, complete: true };
    const next = this.#endOf(channel, items, all);
    if (next !== undefined && compareCursors(next, after) > 0) return { events, next, complete: true };
    const skipped = writePlace(place.time + 1, 0);
    return { events, next: skipped, complete: false, why: "more happened within one moment than the server gives at once." };
  }

  /** How far a full page reaches: to its last message, or to right before what else stands at its end (comings and goings count too). */
  #endOf(channel: RemoteChannelId, items: readonly Item[], events: readonly RemoteEvent[]): Cursor | undefined {
    const last = events.findLast((event) => event.cursor !== undefined);
    const end = items.at(-1);
    const time = end && timeOf(isBatch(end) ? end.opening : end);
    if (last?.cursor !== undefined && (time === undefined || time <= last.at)) {
      if (last.kind === "message" && isMsgid(last.message)) this.#ends.set(channel, { cursor: last.cursor, message: last.message });
      return last.cursor;
    }
    return time === undefined ? undefined : writePlace(time - 1, 9999);
  }

  /** Where the page before ended with a message that the server knows, right behind that; else from the beginning of the millisecond. */
  async #behind(channel: RemoteChannelId, after: Cursor, { time }: { time: number }): Promise<Stretch & { counted: boolean }> {
    const { session } = this.#options.live();
    const end = this.#ends.get(channel);
    const knows = (session.isupport.get("MSGREFTYPES") ?? "").split(",").includes("msgid");
    if (end?.cursor !== after || !knows || !hasChathistory(session)) return { ...(await this.#after(channel, time - 1)), counted: false };
    const limit = String(session.isupport.historyLimit);
    return { ...(await this.#ask(channel, ["AFTER", this.#target(channel), `msgid=${end.message}`, limit])), counted: true };
  }

  /** The last place; absent = nothing has been said yet. */
  async latest(channel: RemoteChannelId): Promise<Cursor | undefined> {
    const { session } = this.#options.live();
    if (!hasChathistory(session)) return undefined;
    const { items } = await this.#ask(channel, ["LATEST", this.#target(channel), "*", "50"]);
    return this.#eventsOf(items, channel).findLast((event) => event.cursor !== undefined)?.cursor;
  }

  /** `wire` is given where our key does not travel with messages: then the words have to do. */
  async find(channel: RemoteChannelId, key: string, since: number, wire: IrcWire | undefined): Promise<Found> {
    let from = since - CLOCKS_DIFFER;
    let alike = 0;
    const { isOurs } = this.#options.view(new Places());
    for (let page = 0; page < MOST_PAGES; page++) {
      const { items, full } = await this.#after(channel, from);
      const heads = items.map(headOf).filter((line) => line !== undefined);
      // Nobody else can know the key of a message before it has arrived.
      const keyed = heads.find((line) => line.tags[keyTag] === key);
      if (keyed) return { is: "arrived", sent: sentAs(keyed) };
      const words = wire?.lines[0]?.text;
      if (words !== undefined)
        alike += heads.filter((line) => isOurs(line.tags["draft/relaymsg"] ?? line.nick) && lastParam(line).includes(words)).length;
      const last = Math.max(...heads.map((line) => timeOf(line) ?? 0));
      if (!full || last <= from) break;
      from = last - 1;
    }
    if (alike > 0)
      return {
        is: "unknown",
        why: "Words like these stand in the channel, but the server does not tell whether they are from this message.",
      };
    return { is: "not-arrived" };
  }

  #eventsOf(items: readonly Item[], channel: RemoteChannelId, places = new Places()): RemoteEvent[] {
    const view = this.#options.view(places);
    return items.flatMap((item) => eventsOf(item, view)).filter((event) => event.channel === channel);
  }

  #after(channel: RemoteChannelId, from: number): Promise<Stretch> {
    const { session } = this.#options.live();
    const target = this.#target(channel);
    if (hasChathistory(session)) {
      return this.#ask(channel, ["AFTER", target, `timestamp=${new Date(from).toISOString()}`, String(session.isupport.historyLimit)]);
    }
    return this.#ask(channel, [target, String(from / 1000)]);
  }

  async #ask(channel: RemoteChannelId, params: readonly string[]): Promise<Stretch> {
    const { session } = this.#options.live();
    const playback = !hasChathistory(session);
    const line = playback ? { command: "PRIVMSG", params: ["*playback", `PLAY ${params.join(" ")}`] } : { command: "CHATHISTORY", params };
    await this.#options.outbox.sureTurn(1, 100, this.#options.signal).catch(() => undefined);
    const answer = await session.ask({ lines: [line], limit: ANSWER_WITHIN });
    if (answer.is !== "answered") throw new TryLater("The server did not give its history in time.", 5000, "channel");
    const refusal = refusalIn(answer);
    if (refusal) throw new Refused(`the server says "${readable(lastParam(refusal))}".`);
    const items = answer.items.flatMap((item) => stretchIn(item, session, this.#target(channel)));
    // A bouncer gives all that it has at once.
    return { items, full: !playback && items.length >= (session.isupport.historyLimit ?? Number.POSITIVE_INFINITY) };
  }

  #target(channel: RemoteChannelId): string {
    const { book } = this.#options.live();
    const place = readChannelId(channel);
    return place?.channel === undefined ? (place?.nick ?? "") : (book.channel(place.channel)?.name ?? place.channel);
  }
}

/** A place that certainly lies before what was said then: its time may be that of another clock. */
export function placeBefore(at: number): Cursor {
  return writePlace(at - CLOCKS_DIFFER, 0);
}

/** Batches, times and tags are what makes an answer readable. */
function hasChathistory({ caps, isupport }: Session): boolean {
  const readable = caps.has("batch") && caps.has("server-time") && caps.has("message-tags");
  return readable && caps.has("draft/chathistory") && isupport.historyLimit !== undefined;
}

function hasPlayback({ caps }: Session): boolean {
  return caps.has("znc.in/playback") && caps.has("batch") && caps.has("server-time");
}

function stretchIn(item: Item, session: Session, target: string): readonly Item[] {
  if (!isBatch(item)) return [];
  const past = item.type === "chathistory" || item.type === "znc.in/playback";
  if (past && session.fold(item.params[0] ?? "") === session.fold(target)) return item.items;
  return item.items.flatMap((inner) => stretchIn(inner, session, target));
}

/** Who came and went stands in the book as it is now, not in the past of a channel. */
export function eventsOf(item: Item, view: View): RemoteEvent[] {
  if (!isBatch(item)) return /^(PRIVMSG|NOTICE|TAGMSG|REDACT)$/.test(item.command) ? fromLine(item, view) : [];
  return item.type === "draft/multiline" ? fromMultiline(item, view) : item.items.flatMap((inner) => eventsOf(inner, view));
}

/** The line whose tags are the message's, with its first words. */
function headOf(item: Item): Line | undefined {
  if (!isBatch(item)) return item;
  const [first] = linesOf(item);
  return first && { ...first, nick: item.opening.nick || first.nick, tags: { ...first.tags, ...item.opening.tags } };
}

function sentAs(line: Line): Sent {
  const id = remoteMessageId(line.tags["msgid"] ?? "~");
  return isMsgid(id) ? { id } : {};
}
