/** Events as they go out: to clients, to `/sync`, to application services. */
import { relationOf, type Room } from "./room.ts";
import type { Json, Requester, StoredEvent } from "./types.ts";

/** As `/sync` has it: the room is known from around it. */
export function toSyncEvent(room: Room, event: StoredEvent, now: number, to?: Requester): Json {
  const { room_id: _, ...rest } = toPlainEvent(room, event, now, to);
  return rest;
}

/** As `/messages`, `/event`, `/relations` and `/state` have it: Synapse repeats some of `unsigned` beside it, for old clients. */
export function toFullEvent(room: Room, event: StoredEvent, now: number, to?: Requester): Json {
  return withCopies(toEvent(room, event, now, { to, inner: withCopies }), event);
}

const toPlainEvent = (room: Room, event: StoredEvent, now: number, to?: Requester): Json =>
  toEvent(room, event, now, { to, inner: (plain) => plain });

function withCopies(plain: Json, event: StoredEvent): Json {
  const unsigned = plain["unsigned"] as Json;
  const repeated = ["age", "prev_content", "replaces_state", "redacted_because", "invite_room_state"];
  const copies = Object.fromEntries(repeated.filter((key) => key in unsigned).map((key) => [key, unsigned[key]]));
  return { ...plain, ...copies, user_id: event.sender };
}

interface Look {
  readonly to: Requester | undefined;
  /** How events within this one are dressed. */
  readonly inner: (plain: Json, event: StoredEvent) => Json;
}

function toEvent(room: Room, event: StoredEvent, now: number, look: Look): Json {
  const { to } = look;
  const unsigned: Json = toUnsigned(room, event, now, look);
  if (to) {
    unsigned["membership"] = room.membershipAt(to.user, event.place) ?? "leave";
    const relations = bundled(room, event, now, look);
    if (relations) unsigned["m.relations"] = relations;
  }
  return toBare(room, event, unsigned);
}

/** An event within another one. */
function toInner(room: Room, event: StoredEvent, now: number, look: Look): Json {
  return look.inner(toBare(room, event, toUnsigned(room, event, now, look)), event);
}

function toUnsigned(room: Room, event: StoredEvent, now: number, look: Look): Json {
  const unsigned: Json = { age: now - event.origin_server_ts };
  if (event.replaces) {
    unsigned["replaces_state"] = event.replaces.event_id;
    unsigned["prev_content"] = event.replaces.content;
    unsigned["prev_sender"] = event.replaces.sender;
  }
  if (event.redactedBecause) {
    unsigned["redacted_by"] = event.redactedBecause.event_id;
    unsigned["redacted_because"] = toInner(room, event.redactedBecause, now, look);
  }
  if (event.author && event.author.session === look.to?.session) unsigned["transaction_id"] = event.author.txn;
  return unsigned;
}

function toBare(room: Room, event: StoredEvent, unsigned: Json): Json {
  return {
    type: event.type,
    room_id: event.room_id,
    sender: event.sender,
    content: redactionContent(room, event),
    ...(event.state_key === undefined ? {} : { state_key: event.state_key }),
    origin_server_ts: event.origin_server_ts,
    unsigned,
    event_id: event.event_id,
    ...(event.redacts === undefined ? {} : { redacts: event.redacts }),
  };
}

/** Clients find `redacts` in both places whatever the room's version. */
function redactionContent(room: Room, event: StoredEvent): Json {
  if (event.redacts === undefined || room.version.redactsInContent) return event.content;
  return { ...event.content, redacts: event.redacts };
}

/** The latest edit that counts: by the same person, of the same type, latest by its own time. */
export function latestEdit(room: Room, event: StoredEvent): StoredEvent | undefined {
  const edits = (room.related.get(event.event_id) ?? []).filter(
    (other) => relationOf(other)?.type === "m.replace" && other.sender === event.sender && other.type === event.type,
  );
  return edits.reduce<StoredEvent | undefined>(
    (best, other) => (best && best.origin_server_ts > other.origin_server_ts ? best : other),
    undefined,
  );
}

function bundled(room: Room, event: StoredEvent, now: number, look: Look): Json | undefined {
  const related = room.related.get(event.event_id);
  if (!related || related.length === 0 || event.state_key !== undefined) return undefined;
  const own = relationOf(event)?.type;
  if (own === "m.annotation" || own === "m.replace") return undefined;
  const found: Json = {};
  const edit = event.redactedBecause ? undefined : latestEdit(room, event);
  if (edit) found["m.replace"] = toInner(room, edit, now, look);
  const references = related.filter((other) => relationOf(other)?.type === "m.reference");
  if (references.length > 0) found["m.reference"] = { chunk: references.map(({ event_id }) => ({ event_id })) };
  const thread = own === "m.thread" ? [] : related.filter((other) => relationOf(other)?.type === "m.thread");
  const latest = thread.at(-1);
  if (latest) {
    found["m.thread"] = {
      latest_event: toInner(room, latest, now, look),
      count: thread.length,
      current_user_participated: [event, ...thread].some((other) => other.sender === look.to?.user),
    };
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

/** What someone who is invited gets to see of a room: what it is, and who invites. */
export function strippedState(room: Room, target: string): Json[] {
  const types = [
    "m.room.create",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.avatar",
    "m.room.encryption",
    "m.room.name",
    "m.room.topic",
  ];
  const events = types.flatMap((type) => room.stateEvent(type) ?? []);
  const invite = room.stateEvent("m.room.member", target);
  const inviter = invite && room.stateEvent("m.room.member", invite.sender);
  return [...events, ...(inviter ? [inviter] : [])].map(toStripped);
}

export const toStripped = ({ type, state_key, content, sender }: StoredEvent): Json => ({
  type,
  state_key: state_key ?? "",
  content,
  sender,
});
