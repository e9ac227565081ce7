/** `/sync`: everything at first, then what is new, waiting for it if need be. */
import type { Account } from "./accounts.ts";
import { type Ephemeral, toReceiptEvent } from "./ephemeral.ts";
import { passes, readSyncFilter, type SyncFilter } from "./filters.ts";
import { unknownError } from "./refusal.ts";
import type { Room } from "./room.ts";
import type { Server } from "./server.ts";
import { firstAfter } from "./timeline.ts";
import type { Json, Requester, StoredEvent } from "./types.ts";
import { canSee } from "./visible.ts";
import { strippedState, toStripped, toSyncEvent } from "./wire.ts";

/** One call of `/sync`, fixed in time: what happened between `since` and `now`. */
interface Look {
  readonly server: Server;
  readonly who: Requester;
  readonly account: Account;
  readonly filter: SyncFilter;
  /** Stream number that the client has seen; -1 = nothing. */
  readonly since: number;
  readonly fullState: boolean;
}

/** Long polls until there is something to say, or `timeout` is over. */
export async function sync(
  server: Server,
  ephemeral: Ephemeral,
  who: Requester,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Json> {
  const account = server.accounts.of(who.user);
  const filter = readSyncFilter(query.get("filter"), account.filters);
  const token = query.get("since");
  if (token !== null && !/^s\d+$/.test(token)) throw unknownError("Invalid stream token");
  const since = token === null ? -1 : Number(token.slice(1));
  const look: Look = { server, who, account, filter, since, fullState: query.get("full_state") === "true" };
  const timeout = Number(query.get("timeout") ?? 0);
  const until = server.clock.now() + timeout;
  for (;;) {
    const answer = gather(look, ephemeral);
    const left = until - server.clock.now();
    if (answer || left <= 0 || since < 0 || signal.aborted) return { next_batch: `s${server.stream}`, ...answer };
    await server.news(who.user, left, signal);
  }
}

function gather(look: Look, ephemeral: Ephemeral): Json | undefined {
  const rooms = gatherRooms(look);
  const data = newData(look, "").filter((event) => passes(look.filter.data, event as { type: string }));
  const presence = newPresence(look, ephemeral);
  if (!rooms && data.length === 0 && presence.length === 0 && look.since >= 0) return undefined;
  return {
    ...(rooms ? { rooms } : {}),
    ...(data.length > 0 ? { account_data: { events: data } } : {}),
    ...(presence.length > 0 ? { presence: { events: presence } } : {}),
    device_one_time_keys_count: { signed_curve25519: 0 },
  };
}

function gatherRooms(look: Look): Json | undefined {
  const found = { join: {} as Json, invite: {} as Json, knock: {} as Json, leave: {} as Json };
  let any = false;
  for (const room of look.account.rooms.values()) {
    if (look.filter.rooms && !look.filter.rooms.includes(room.id)) continue;
    if (look.filter.notRooms.includes(room.id)) continue;
    const [kind, part] = gatherRoom(look, room) ?? [];
    if (kind === undefined) continue;
    found[kind][room.id] = part;
    any = true;
  }
  return any ? Object.fromEntries(Object.entries(found).filter(([, rooms]) => Object.keys(rooms).length > 0)) : undefined;
}

function gatherRoom(look: Look, room: Room): ["join" | "invite" | "knock" | "leave", Json] | undefined {
  const user = look.who.user;
  const own = room.stateEvent("m.room.member", user);
  if (!own) return undefined;
  const isNew = own.stream > look.since;
  switch (own.content["membership"]) {
    case "join": {
      const part = joinedRoom(look, room);
      return part && ["join", part];
    }
    case "invite":
      return isNew ? ["invite", { invite_state: { events: [...strippedState(room, user), toStripped(own)] } }] : undefined;
    case "knock":
      return isNew ? ["knock", { knock_state: { events: [...strippedState(room, user), toStripped(own)] } }] : undefined;
    default: {
      const wanted = look.since < 0 ? look.filter.includeLeave : isNew && own.replaces !== undefined;
      return wanted && !look.account.forgotten.has(room.id) ? ["leave", timelinePart(look, room, own.place + 1)] : undefined;
    }
  }
}

function joinedRoom(look: Look, room: Room): Json | undefined {
  const part = timelinePart(look, room, room.timeline.length);
  const ephemeral = newEphemeral(look, room);
  const data = newData(look, room.id).filter((event) => passes(look.filter.roomData, event as { type: string }));
  const { timeline, state } = part as { timeline: { events: Json[] }; state: { events: Json[] } };
  if (look.since >= 0 && !look.fullState && timeline.events.length + state.events.length + ephemeral.length + data.length === 0)
    return undefined;
  return {
    ...part,
    ephemeral: { events: ephemeral },
    account_data: { events: data },
    summary: {},
    unread_notifications: { notification_count: 0, highlight_count: 0 },
  };
}

function timelinePart(look: Look, room: Room, end: number): Json {
  const { server, who, filter } = look;
  const fresh = joinedSince(look, room);
  const since = fresh ? -1 : look.since;
  const first = firstAfter(room.timeline, since);
  const limit = filter.timeline.limit ?? 10;
  const { events, start, limited } = newest(look, room, first, end, limit);
  const state = stateFor(look, room, { start, since, limited, events });
  const now = server.clock.now();
  return {
    timeline: {
      events: events.map((event) => toSyncEvent(room, event, now, who)),
      limited: limited || (fresh && look.since >= 0 && first < start),
      prev_batch: `t${start}`,
    },
    state: { events: state.map((event) => toSyncEvent(room, event, now)) },
  };
}

/** The client has not been in the room up to now: it gets it as if from the beginning. */
function joinedSince(look: Look, room: Room): boolean {
  if (look.since < 0) return true;
  const own = room.stateEvent("m.room.member", look.who.user);
  let before = own;
  while (before && before.stream > look.since) before = before.replaces;
  return before?.content["membership"] !== "join";
}

/** The newest `limit` events between two places; `start` is where they begin. */
function newest(
  look: Look,
  room: Room,
  first: number,
  end: number,
  limit: number,
): { events: StoredEvent[]; start: number; limited: boolean } {
  const events: StoredEvent[] = [];
  let start = end;
  while (start > first && events.length < limit) {
    const event = room.timeline[start - 1] as StoredEvent;
    if (canSee(room, look.who.user, event) && passes(look.filter.timeline, event)) events.push(event);
    start--;
  }
  return { events: events.reverse(), start, limited: start > first };
}

/** State that the client cannot work out from the timeline that it is given. */
function stateFor(
  look: Look,
  room: Room,
  part: { start: number; since: number; limited: boolean; events: readonly StoredEvent[] },
): StoredEvent[] {
  const { filter } = look;
  if (part.since >= 0 && !part.limited && !look.fullState) return [];
  const before = room.stateBefore(part.start).filter((event) => look.fullState || event.stream > part.since);
  const senders = new Set([look.who.user, ...part.events.map(({ sender }) => sender)]);
  return before.filter(
    (event) =>
      passes(filter.state, event) && !(filter.state.lazyMembers && event.type === "m.room.member" && !senders.has(event.state_key ?? "")),
  );
}

function newEphemeral(look: Look, room: Room): Json[] {
  const events: Json[] = [];
  const receipts = [...room.receipts.values()].filter(
    ({ stream, type, user }) => stream > look.since && (type === "m.read" || user === look.who.user),
  );
  if (receipts.length > 0) events.push(toReceiptEvent(receipts));
  if (room.typingChanged > look.since && (look.since >= 0 || room.typing.size > 0)) {
    events.push({ type: "m.typing", content: { user_ids: [...room.typing.keys()] } });
  }
  return events.filter((event) => passes(look.filter.ephemeral, event as { type: string }));
}

function newData(look: Look, place: string): Json[] {
  const data = look.account.data.get(place) ?? [];
  return [...data].flatMap(([type, { content, stream }]) => (stream > look.since ? [{ type, content }] : []));
}

function newPresence(look: Look, ephemeral: Ephemeral): Json[] {
  const { server, who } = look;
  const events: Json[] = [];
  for (const { user, presence, rooms } of server.accounts.all) {
    if (!presence || presence.stream <= look.since) continue;
    const shared = user === who.user || [...rooms.values()].some((room) => room.joined.has(user) && room.joined.has(who.user));
    if (shared) events.push({ type: "m.presence", sender: user, content: ephemeral.presenceOf(user) });
  }
  return events.filter((event) => passes(look.filter.presence, event as { type: string; sender: string }));
}
