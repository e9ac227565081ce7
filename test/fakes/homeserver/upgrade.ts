/** Rooms that move. https://spec.matrix.org/v1.15/client-server-api/#room-upgrades */
import { createRoom } from "./create-room.ts";
import { authorise } from "./auth-rules.ts";
import { badJson, missingParam, Refusal } from "./refusal.ts";
import { roomVersion } from "./room-versions.ts";
import type { Room } from "./room.ts";
import { send } from "./send.ts";
import type { Server } from "./server.ts";
import { type Draft, isJson, type Json } from "./types.ts";

const copied = [
  "m.room.join_rules",
  "m.room.name",
  "m.room.topic",
  "m.room.history_visibility",
  "m.room.guest_access",
  "m.room.avatar",
  "m.room.encryption",
  "m.room.server_acl",
];

/** Makes the room anew in another version, points the old one to it, takes its aliases and bans along, and closes the old one. */
export function upgradeRoom(server: Server, old: Room, user: string, versionId: unknown): Room {
  if (versionId === undefined) throw missingParam("Missing params: ['new_version']");
  if (typeof versionId !== "string") throw badJson("'new_version' is a string");
  const version = roomVersion(versionId);
  if (!version) throw new Refusal(400, "M_UNSUPPORTED_ROOM_VERSION", "Your homeserver does not support this room version");
  const tombstone = (replacement: string): Draft => ({
    type: "m.room.tombstone",
    sender: user,
    state_key: "",
    content: { body: "This room has been replaced", replacement_room: replacement },
  });
  authorise(old, tombstone("!new"));
  const room = copyRoom(server, old, user, version.id);
  send(server, old, tombstone(room.id));
  const levels = levelsFor(old, user, version.id);
  moveAliases(server, old, room, user);
  closeOld(server, old, user);
  send(server, room, { type: "m.room.power_levels", sender: user, state_key: "", content: levels });
  return room;
}

function copyRoom(server: Server, old: Room, user: string, version: string): Room {
  const oldCreate = old.content("m.room.create") ?? {};
  const kept = Object.fromEntries(["type", "m.federate"].filter((key) => key in oldCreate).map((key) => [key, oldCreate[key]]));
  const state = copied.flatMap((type) => {
    const content = old.content(type);
    return content ? [{ type, content }] : [];
  });
  const { room } = createRoom(server, user, {
    room_version: version,
    creation_content: { ...kept, predecessor: { room_id: old.id } },
    initial_state: [{ type: "m.room.power_levels", content: levelsToBegin(old, user, version) }, ...state],
  });
  for (const [target, spans] of old.memberships) {
    if (spans.at(-1)?.is === "ban")
      send(server, room, { type: "m.room.member", sender: user, state_key: target, content: { membership: "ban" } });
  }
  return room;
}

/** Who moves the room may do everything in the new one while it is filled. */
function levelsToBegin(old: Room, user: string, version: string): Json {
  const levels = levelsFor(old, user, version);
  const events = isJson(levels["events"]) ? Object.values(levels["events"]) : [];
  const needed = Math.max(old.level("state_default", 50), old.level("ban", 50), ...events.filter((level) => typeof level === "number"));
  if (roomVersion(version)?.creatorsRule) return levels;
  const users = levels["users"] as Json;
  const own = users[user] ?? old.level("users_default", 0);
  return { ...levels, users: { ...users, [user]: Math.max(needed, typeof own === "number" ? own : 0) } };
}

/** The old levels, without the creator where the new version has that rule. From 12 to an older one, nobody takes the creator's place. */
function levelsFor(old: Room, user: string, version: string): Json {
  const levels = old.content("m.room.power_levels") ?? {};
  const users: Json = isJson(levels["users"]) ? { ...levels["users"] } : {};
  if (roomVersion(version)?.creatorsRule) delete users[user];
  return { ...levels, users };
}

function moveAliases(server: Server, old: Room, room: Room, user: string): void {
  for (const [alias, entry] of server.aliases) {
    if (entry.room === old.id) server.aliases.set(alias, { ...entry, room: room.id });
  }
  const canonical = old.content("m.room.canonical_alias");
  if (!canonical) return;
  const { alias, ...rest } = canonical;
  const set = (where: Room, content: Json): void => {
    send(server, where, { type: "m.room.canonical_alias", sender: user, state_key: "", content });
  };
  set(old, rest);
  set(room, { ...rest, ...(alias === undefined ? {} : { alias }) });
}

/** Nobody but moderators speaks in the old room from now on. */
function closeOld(server: Server, old: Room, user: string): void {
  const levels = old.content("m.room.power_levels") ?? {};
  const least = Math.max(old.level("users_default", 0) + 1, 50);
  const raised = Object.fromEntries(["invite", "events_default"].map((name) => [name, Math.max(old.level(name, 0), least)]));
  const draft: Draft = { type: "m.room.power_levels", sender: user, state_key: "", content: { ...levels, ...raised } };
  try {
    send(server, old, draft);
  } catch (error) {
    // Who may not change the levels has moved the room all the same.
    if (!(error instanceof Refusal)) throw error;
  }
}
