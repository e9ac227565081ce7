/** Who may add what to a room. https://spec.matrix.org/v1.15/rooms/v12/#authorization-rules */
import { badJson, forbidden, notFound, unknownError } from "./refusal.ts";
import type { Room } from "./room.ts";
import { type Draft, isJson, type Json, type Membership } from "./types.ts";

const memberships: readonly string[] = ["join", "invite", "leave", "ban", "knock"];

/** Returns when the room allows it, throws the refusal when not. */
export function authorise(room: Room, draft: Draft): void {
  if (draft.type === "m.room.create") throw forbidden("A room has one create event");
  if (draft.type === "m.room.member" && draft.state_key !== undefined) return authoriseMembership(room, draft, draft.state_key);
  requireJoined(room, draft.sender);
  requirePower(room, draft);
  if (draft.type === "m.room.power_levels" && draft.state_key === "") authorisePowerLevels(room, draft);
  if (draft.type === "m.room.redaction") authoriseRedaction(room, draft);
}

function requireJoined(room: Room, user: string): void {
  if (room.membership(user) !== "join") throw forbidden(`User ${user} not in room ${room.id} (${room.membership(user) ?? "None"})`);
}

function requirePower(room: Room, draft: Draft): void {
  const needed = room.levelToSend(draft.type, draft.state_key !== undefined);
  const has = room.powerOf(draft.sender);
  if (has < needed) throw forbidden(`You don't have permission to post that to the room. user_level (${has}) < send_level (${needed})`);
  if (draft.state_key?.startsWith("@") && draft.state_key !== draft.sender) throw forbidden("You are not allowed to set others state");
}

function authoriseMembership(room: Room, draft: Draft, target: string): void {
  const to = draft.content["membership"];
  if (typeof to !== "string" || !memberships.includes(to)) throw unknownError("Invalid membership key");
  const change: Change = { room, sender: draft.sender, target, content: draft.content, from: room.membership(target) };
  switch (to as Membership) {
    case "join":
      return authoriseJoin(change);
    case "invite":
      return authoriseInvite(change);
    case "leave":
      return authoriseLeave(change);
    case "ban":
      return authoriseBan(change);
    case "knock":
      return authoriseKnock(change);
  }
}

interface Change {
  readonly room: Room;
  readonly sender: string;
  readonly target: string;
  readonly content: Json;
  readonly from: Membership | undefined;
}

function authoriseJoin({ room, sender, target, from, content }: Change): void {
  if (sender !== target) throw forbidden("Cannot force another user to join.");
  if (from === "ban") throw forbidden("You are banned from this room");
  // The creator's own join right after the create event.
  if (room.timeline.length === 1 && room.creators()[0] === sender) return;
  const rule = joinRule(room);
  if (rule === "public" || from === "join" || from === "invite") return;
  if ((rule === "restricted" || rule === "knock_restricted") && typeof content["join_authorised_via_users_server"] === "string") return;
  throw forbidden("You are not invited to this room.");
}

function authoriseInvite({ room, sender, target, from }: Change): void {
  requireJoined(room, sender);
  if (from === "ban") throw forbidden(`${target} is banned from the room`);
  if (from === "join") throw forbidden(`${target} is already in the room.`);
  if (room.powerOf(sender) < room.level("invite", 0)) throw forbidden("You don't have permission to invite users");
}

function authoriseLeave({ room, sender, target, from }: Change): void {
  if (sender === target) {
    if (from === "join" || from === "invite" || from === "knock") return;
    if (from === "ban") throw forbidden("You are banned from this room");
    throw forbidden(`User ${target} not in room ${room.id}`);
  }
  requireJoined(room, sender);
  const own = room.powerOf(sender);
  if (from === "ban" && own < room.level("ban", 50)) throw forbidden("You cannot unban user " + target + ".");
  if (own < room.level("kick", 50) || own <= room.powerOf(target)) throw forbidden("You cannot kick user " + target + ".");
}

function authoriseBan({ room, sender, target }: Change): void {
  requireJoined(room, sender);
  const own = room.powerOf(sender);
  if (own < room.level("ban", 50) || own <= room.powerOf(target)) throw forbidden("You don't have permission to ban");
}

function authoriseKnock({ room, sender, target, from }: Change): void {
  const rule = joinRule(room);
  if (rule !== "knock" && rule !== "knock_restricted") throw forbidden("You don't have permission to knock");
  if (sender !== target) throw forbidden("You cannot knock for other users");
  if (from === "invite" || from === "join")
    throw forbidden(`You cannot knock on a room you are ${from === "join" ? "already in" : "invited to"}`);
  if (from === "ban") throw forbidden("You are banned from this room");
}

export function joinRule(room: Room): string {
  const rule = room.content("m.room.join_rules")?.["join_rule"];
  return typeof rule === "string" ? rule : "invite";
}

/** Of a `restricted` room: whether being in another room lets the user in. */
export function allowedByOtherRooms(room: Room, user: string, rooms: ReadonlyMap<string, Room>): boolean {
  const allow = room.content("m.room.join_rules")?.["allow"];
  if (!Array.isArray(allow)) return false;
  return allow.some((rule) => isJson(rule) && typeof rule["room_id"] === "string" && rooms.get(rule["room_id"])?.joined.has(user));
}

const numbers = ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"];
const tables = ["users", "events", "notifications"];

function authorisePowerLevels(room: Room, draft: Draft): void {
  requireIntegers(draft.content);
  const users = isJson(draft.content["users"]) ? draft.content["users"] : {};
  if (room.version.creatorsRule) {
    const creator = room.creators().find((user) => user in users);
    if (creator !== undefined) throw unknownError(`Creator user ${creator} must not appear in content.users`);
  }
  const before = room.content("m.room.power_levels");
  if (!before) return;
  const own = room.powerOf(draft.sender);
  for (const [name, was, is, isUser] of changes(before, draft.content)) {
    if (isUser && name !== draft.sender && was === own) {
      throw forbidden("You don't have permission to remove ops level equal to your own");
    }
    if ((was ?? Number.NEGATIVE_INFINITY) > own || (is ?? Number.NEGATIVE_INFINITY) > own) {
      throw forbidden("You don't have permission to add ops level greater than your own");
    }
  }
}

function requireIntegers(content: Json): void {
  for (const name of numbers) {
    if (content[name] !== undefined && !Number.isInteger(content[name])) throw badJson(`'${name}' is not of type 'integer'`);
  }
  for (const name of tables) {
    const table = content[name];
    if (table === undefined) continue;
    if (!isJson(table) || !Object.values(table).every(Number.isInteger)) throw badJson(`'${name}' is not valid`);
  }
}

/** Every level that differs: its name, before, after, and whether it is a person's. */
function* changes(before: Json, after: Json): Generator<[string, number | undefined, number | undefined, boolean]> {
  for (const name of numbers) {
    if (before[name] !== after[name]) yield [name, before[name] as number | undefined, after[name] as number | undefined, false];
  }
  for (const table of tables) {
    const old = isJson(before[table]) ? before[table] : {};
    const now = isJson(after[table]) ? after[table] : {};
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (old[name] !== now[name]) yield [name, old[name] as number | undefined, now[name] as number | undefined, table === "users"];
    }
  }
}

function authoriseRedaction(room: Room, draft: Draft): void {
  const target = draft.redacts === undefined ? undefined : room.event(draft.redacts);
  if (target?.type === "m.room.create") throw forbidden("Redacting create events is not permitted");
  if (target?.type === "m.room.server_acl") throw forbidden("Redacting server ACL events is not permitted");
  if (room.powerOf(draft.sender) >= room.level("redact", 50)) return;
  if (!target) throw notFound(`Could not find event ${draft.redacts}`);
  if (target.sender !== draft.sender) throw forbidden("You don't have permission to redact events");
}
