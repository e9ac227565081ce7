/** Looking at what has been said: one event, a page of them, what hangs on one. */
import { invalidParam, notFound, Refusal, unknownError } from "./refusal.ts";
import { relationOf, type Room } from "./room.ts";
import { type Filter, passes, readFilter } from "./filters.ts";
import type { Server } from "./server.ts";
import type { Json, Requester, StoredEvent } from "./types.ts";
import { canSee, requireMember, stateSeenBy } from "./visible.ts";
import { toFullEvent } from "./wire.ts";

export function oneEvent(server: Server, room: Room, who: Requester, id: string): Json {
  const event = room.event(id);
  if (!event || !canSee(room, who.user, event)) throw notFound("Event not found.");
  return toFullEvent(room, event, server.clock.now(), who);
}

/** `t<place>`: just before the event at that place. `/sync` hands out `s<stream>`: just after that stream number. */
export function placeOf(room: Room, token: string): number {
  const number = Number(token.slice(1));
  if (!/^[ts]\d+$/.test(token) || !Number.isSafeInteger(number)) throw unknownError("'from' parameter is invalid");
  return token.startsWith("t") ? number : firstAfter(room.timeline, number);
}

/** The index of the first event that came after a stream number. */
export function firstAfter(timeline: readonly StoredEvent[], stream: number): number {
  let [low, high] = [0, timeline.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timeline[middle] as StoredEvent).stream > stream) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function readLimit(query: URLSearchParams, fallback: number, most = 1000): number {
  const text = query.get("limit");
  if (text === null) return fallback;
  if (!/^\d+$/.test(text)) throw invalidParam("Query parameter 'limit' must be an integer");
  return Math.min(Number(text), most);
}

export function readDirection(query: URLSearchParams, fallback: "b" | "f"): "b" | "f" {
  const dir = query.get("dir") ?? fallback;
  if (dir !== "b" && dir !== "f") throw invalidParam("Query parameter 'dir' must be one of ['b', 'f']");
  return dir;
}

export function messages(server: Server, room: Room, who: Requester, query: URLSearchParams): Json {
  requireMember(room, who.user);
  const dir = readDirection(query, "f");
  const limit = readLimit(query, 10);
  const filter = readFilter(query.get("filter"));
  const from = query.get("from");
  const start = from ? placeOf(room, from) : dir === "f" ? 0 : room.timeline.length;
  const to = query.get("to");
  const { events, end } = page(room, who, { start, dir, limit, filter, stop: to ? placeOf(room, to) : undefined });
  const now = server.clock.now();
  return {
    chunk: events.map((event) => toFullEvent(room, event, now, who)),
    start: from ?? `t${start}`,
    ...(end === undefined ? {} : { end: `t${end}` }),
    ...(filter.lazyMembers && events.length > 0 ? { state: senders(room, events).map((event) => toFullEvent(room, event, now, who)) } : {}),
  };
}

const senders = (room: Room, events: readonly StoredEvent[]): StoredEvent[] =>
  [...new Set(events.map(({ sender }) => sender))].flatMap((sender) => room.stateEvent("m.room.member", sender) ?? []);

interface Page {
  readonly start: number;
  readonly dir: "b" | "f";
  readonly limit: number;
  readonly filter: Filter;
  readonly stop: number | undefined;
}

/** Walks from `start` until `limit` events are found. `end` is absent where there was nothing more. */
function page(room: Room, who: Requester, { start, dir, limit, filter, stop }: Page): { events: StoredEvent[]; end: number | undefined } {
  const events: StoredEvent[] = [];
  const last = stop ?? (dir === "b" ? 0 : room.timeline.length);
  let at = start;
  while (events.length < limit && (dir === "b" ? at > last : at < last)) {
    const event = room.timeline[dir === "b" ? at - 1 : at] as StoredEvent;
    if (canSee(room, who.user, event) && passes(filter, event)) events.push(event);
    at += dir === "b" ? -1 : 1;
  }
  return { events, end: events.length === 0 && at === last ? undefined : at };
}

export function context(server: Server, room: Room, who: Requester, id: string, query: URLSearchParams): Json {
  requireMember(room, who.user);
  const event = room.event(id);
  if (!event || !canSee(room, who.user, event)) throw notFound("Event not found.");
  const limit = readLimit(query, 10);
  const filter = readFilter(query.get("filter"));
  const half = Math.floor(limit / 2);
  const before = page(room, who, { start: event.place, dir: "b", limit: half, filter, stop: undefined });
  const after = page(room, who, { start: event.place + 1, dir: "f", limit: limit - half, filter, stop: undefined });
  const now = server.clock.now();
  const out = (events: readonly StoredEvent[]): Json[] => events.map((each) => toFullEvent(room, each, now, who));
  return {
    event: toFullEvent(room, event, now, who),
    events_before: out(before.events),
    events_after: out(after.events),
    state: out(stateSeenBy(room, who.user)),
    start: `t${before.end ?? 0}`,
    end: `t${after.end ?? room.timeline.length}`,
  };
}

/** `GET …/relations/{event}/{relType}/{eventType}`: newest first unless asked otherwise. */
export function relations(
  server: Server,
  room: Room,
  who: Requester,
  target: { event: string; relType?: string; type?: string },
  query: URLSearchParams,
): Json {
  requireMember(room, who.user);
  const event = room.event(target.event);
  if (!event || !canSee(room, who.user, event)) throw new Refusal(404, "M_UNKNOWN", "Unknown parent event.");
  const dir = readDirection(query, "b");
  const limit = readLimit(query, 5);
  const all = related(room, target, query.get("recurse") === "true").filter(
    (each) => canSee(room, who.user, each) && (target.type === undefined || each.type === target.type),
  );
  const ordered = dir === "b" ? all.reverse() : all;
  const from = query.get("from");
  const start =
    from === null ? 0 : ordered.findIndex((each) => (dir === "b" ? each.place < placeOf(room, from) : each.place >= placeOf(room, from)));
  const chunk = start < 0 ? [] : ordered.slice(start, start + limit);
  const last = chunk.at(-1);
  const more = last !== undefined && start + limit < ordered.length;
  const now = server.clock.now();
  return {
    chunk: chunk.map((each) => toFullEvent(room, each, now, who)),
    ...(more ? { next_batch: `t${dir === "b" ? last.place : last.place + 1}` } : {}),
    ...(from === null ? {} : { prev_batch: from }),
    ...(query.get("recurse") === "true" ? { recursion_depth: 3 } : {}),
  };
}

function related(room: Room, target: { event: string; relType?: string }, recurse: boolean): StoredEvent[] {
  const direct = room.related.get(target.event) ?? [];
  const deeper = recurse ? direct.flatMap((each) => related(room, { event: each.event_id }, true)) : [];
  return [...direct, ...deeper]
    .filter((each) => target.relType === undefined || relationOf(each)?.type === target.relType)
    .sort((a, b) => a.place - b.place);
}

export function threads(server: Server, room: Room, who: Requester, query: URLSearchParams): Json {
  requireMember(room, who.user);
  const limit = readLimit(query, 5);
  const roots = [...room.related]
    .flatMap(([id, events]) => {
      const latest = events.findLast((event) => relationOf(event)?.type === "m.thread");
      const root = room.event(id);
      return latest && root && canSee(room, who.user, root) ? [{ root, latest }] : [];
    })
    .sort((a, b) => b.latest.place - a.latest.place)
    .slice(0, limit);
  const now = server.clock.now();
  return { chunk: roots.map(({ root }) => toFullEvent(room, root, now, who)) };
}
