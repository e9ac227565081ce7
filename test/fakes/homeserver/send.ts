/** From a client's request to an event in a room: shape, size, relations, rules. */
import { authorise } from "./auth-rules.ts";
import { badJson, invalidParam, Refusal, tooLarge, unknownError } from "./refusal.ts";
import { relationOf, type Room } from "./room.ts";
import type { Server } from "./server.ts";
import { type Draft, isJson, type Json, type StoredEvent } from "./types.ts";

/** Judges a draft and adds it. A state event that says what is already so, by the same sender, stays the old one. */
export function send(server: Server, room: Room, draft: Draft): StoredEvent {
  const full = withProfile(server, draft);
  validate(room, full);
  requireRelation(server, room, full);
  const same = sameState(room, full);
  if (same) return same;
  authorise(room, full);
  return server.add(room, full);
}

function sameState(room: Room, draft: Draft): StoredEvent | undefined {
  if (draft.state_key === undefined) return undefined;
  const now = room.stateEvent(draft.type, draft.state_key);
  return now?.sender === draft.sender && canonical(now.content) === canonical(draft.content) ? now : undefined;
}

/** Keys in order, so that equal contents read equal. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isJson(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** Joins, invites and knocks carry the person's name and avatar unless they say otherwise. */
function withProfile(server: Server, draft: Draft): Draft {
  if (draft.type !== "m.room.member" || draft.state_key === undefined) return draft;
  const membership = draft.content["membership"];
  if (membership !== "join" && membership !== "invite" && membership !== "knock") return draft;
  const { displayname, avatar_url: avatar } = server.accounts.get(draft.state_key)?.profile ?? {};
  const profile = { ...(displayname === undefined ? {} : { displayname }), ...(avatar === undefined ? {} : { avatar_url: avatar }) };
  return { ...draft, content: { ...profile, ...draft.content } };
}

const maxBytes = 65_536;
const maxIdBytes = 255;

function validate(room: Room, draft: Draft): void {
  for (const [name, id] of [
    ["sender", draft.sender],
    ["type", draft.type],
    ["state_key", draft.state_key ?? ""],
  ] as const) {
    if (Buffer.byteLength(id) > maxIdBytes) throw tooLarge(`'${name}' too large`);
  }
  requireCanonical(draft.content);
  // Some 700 bytes of every event are hashes, signatures and references to others.
  const size = Buffer.byteLength(JSON.stringify({ ...draft, room_id: room.id })) + 700;
  if (size > maxBytes) throw tooLarge("event too large");
  requireShape(room, draft);
}

function requireShape(room: Room, draft: Draft): void {
  const { type, content } = draft;
  if (type === "m.room.message") requireStrings(content, "body", "msgtype");
  if (type === "m.room.name") requireStrings(content, "name");
  if (type === "m.room.topic") requireStrings(content, "topic");
  if (type === "m.room.tombstone") {
    requireStrings(content, "replacement_room");
    if (content["replacement_room"] === room.id) throw unknownError("Tombstone cannot reference the room it was sent in");
  }
  if (["m.room.name", "m.room.topic", "m.room.member", "m.room.tombstone"].includes(type) && draft.state_key === undefined) {
    throw unknownError(`'${type}' must be state events`);
  }
  requireMentions(content["m.mentions"]);
}

function requireStrings(content: Json, ...keys: string[]): void {
  for (const key of keys) {
    if (!(key in content)) throw unknownError(`'${key}' not in content`);
    if (typeof content[key] !== "string") throw unknownError(`'${key}' not a string type`);
  }
}

function requireMentions(mentions: unknown): void {
  if (mentions === undefined) return;
  if (!isJson(mentions)) throw badJson(`${JSON.stringify(mentions)} is not of type 'object'`);
  const users = mentions["user_ids"];
  if (users !== undefined && !(Array.isArray(users) && users.every((user) => typeof user === "string"))) {
    throw badJson("'user_ids' is not an array of strings");
  }
  if (mentions["room"] !== undefined && typeof mentions["room"] !== "boolean") throw badJson("'room' is not of type 'boolean'");
}

/** Canonical JSON has no fractions and no number beyond 2^53. Walked without recursion: the content is as deep as the sender likes. */
function requireCanonical(content: Json): void {
  const waiting: unknown[] = [content];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw badJson(Number.isInteger(value) ? "JSON integer out of range" : "Bad JSON value: float");
    }
    // Half of a surrogate pair is no UTF-8: Synapse stumbles over it.
    if (typeof value === "string" && !value.isWellFormed()) throw new Refusal(500, "M_UNKNOWN", "Internal server error");
    if (typeof value === "object" && value !== null) waiting.push(...Object.keys(value), ...Object.values(value));
  }
}

function requireRelation(server: Server, room: Room, draft: Draft): void {
  const relation = relationOf(draft);
  if (!relation) return;
  const parent = room.event(relation.event);
  if (!parent && findEvent(server, relation.event)) throw unknownError("Relations must be in the same room");
  if (!parent) throw unknownError("Can't send relation to unknown event");
  if (relation.type === "m.thread" && relationOf(parent)) throw unknownError("Cannot start threads from an event with a relation");
  if (relation.type === "m.annotation") requireNewReaction(room, draft, relation);
}

function findEvent(server: Server, id: string): StoredEvent | undefined {
  for (const room of server.rooms.values()) {
    const event = room.event(id);
    if (event) return event;
  }
  return undefined;
}

function requireNewReaction(room: Room, draft: Draft, relation: { event: string; key?: string }): void {
  if (relation.key === undefined) throw unknownError("Missing aggregation key");
  if (relation.key.length > 500) throw unknownError("Aggregation key is too long");
  const before = room.related.get(relation.event) ?? [];
  if (before.some((event) => event.sender === draft.sender && event.type === draft.type && relationOf(event)?.key === relation.key)) {
    throw new Refusal(400, "M_DUPLICATE_ANNOTATION", "Can't send same reaction twice");
  }
}

/** A redaction, by its own endpoint or sent like a message. Keys of the body other than `redacts` are kept. */
export function redact(server: Server, room: Room, draft: Draft, target: string): StoredEvent {
  const named = draft.content["redacts"];
  if (room.version.redactsInContent && named !== undefined && named !== target) {
    throw invalidParam("Cannot provide a redacts value incoherent with the event_id of the URL parameter");
  }
  if (!room.event(target) && findEvent(server, target)) throw unknownError("Cannot redact event from a different room");
  const content = room.version.redactsInContent ? { ...draft.content, redacts: target } : draft.content;
  return send(server, room, { ...draft, content, redacts: target });
}
