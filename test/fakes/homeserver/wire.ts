/** Events as they go out: to clients, to `/sync`, to application services. */
import { relationOf, type Room } from "./room.ts";
import type { Json, Requester, StoredEvent } from "./types.ts";

/** As `/sync` has it: the room is known from around it. */
export function toSyncEvent(room: Room, event: StoredEvent, now: number, to?: Requester): Json {
  const { room_id: _, ...rest } = toClientEvent(room, event, now, to);
  return rest;
}

/** As `/messages`, `/event`, `/relations` and `/state` have it: Synapse repeats some of `unsigned` beside it, for old clients. */
export function toFullEvent(room: Room, event: StoredEvent, now: number, to?: Requester): Json {
  const plain = toClientEvent(room, event, now, to);
  const unsigned = plain["unsigned"] as Json;
  const repeated = ["age", "prev_content", "replaces_state", "redacted_because", "invite_room_state"];
  const copies = Object.fromEntries(repeated.filter((key) => key in unsigned).map((key) => [key, unsigned[key]]));
  return { ...plain, ...copies, user_id: event.sender };
}

function toClientEvent(room: Room, event: StoredEvent, now: number, to?: Requester): Json {
  const unsigned: Json = { age: now - event.origin_server_ts };
  if (event.replaces) {
    unsigned["replaces_state"] = event.replaces.event_id;
    unsigned["prev_content"] = event.replaces.content;
    unsigned["prev_sender"] = event.replaces.sender;
  }
  if (event.redactedBecause) {
    unsigned["redacted_by"] = event.redactedBecause.event_id;
    unsigned["redacted_because"] = toClientEvent(room, event.redactedBecause, now);
  }
  if (event.author && event.author.session === to?.session) unsigned["transaction_id"] = event.author.txn;
  if (to) {
    const membership = room.membershipAt(to.user, event.place);
    unsigned["membership"] = membership ?? "leave";
    const relations = bundled(room, event, now, to);
    if (relations) unsigned["m.relations"] = relations;
  }
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

function bundled(room: Room, event: StoredEvent, now: number, to: Requester): Json | undefined {
  const related = room.related.get(event.event_id);
  if (!related || related.length === 0 || event.state_key !== undefined) return undefined;
  const own = relationOf(event)?.type;
  if (own === "m.annotation" || own === "m.replace") return undefined;
  const found: Json = {};
  const edit = event.redactedBecause ? undefined : latestEdit(room, event);
  if (edit) found["m.replace"] = toClientEvent(room, edit, now, to);
  const references = related.filter((other) => relationOf(other)?.type === "m.reference");
  if (references.length > 0) found["m.reference"] = { chunk: references.map(({ event_id }) => ({ event_id })) };
  const thread = own === "m.thread" ? [] : related.filter((other) => relationOf(other)?.type === "m.thread");
  const latest = thread.at(-1);
  if (latest) {
    found["m.thread"] = {
      latest_event: toClientEvent(room, latest, now, to),
      count: thread.length,
      current_user_participated: event.sender === to.user || thread.some((other) => other.sender === to.user),
    };
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

/** What someone who is invited gets to see of a room. */
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
  return [...events, ...(inviter ? [inviter] : []), ...(invite ? [invite] : [])].map(({ type, state_key, content, sender }) => ({
    type,
    state_key: state_key ?? "",
    content,
    sender,
  }));
}
