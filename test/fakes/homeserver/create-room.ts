/** New rooms. https://spec.matrix.org/v1.15/client-server-api/#creation */
import { badJson, Refusal, unknownError } from "./refusal.ts";
import { defaultVersion, roomVersion } from "./room-versions.ts";
import type { Room } from "./room.ts";
import { send } from "./send.ts";
import type { Server } from "./server.ts";
import { isJson, type Json } from "./types.ts";

interface Preset {
  readonly joinRule: string;
  readonly guests: boolean;
  readonly invitedRule: boolean;
}

const presets: Readonly<Record<string, Preset>> = {
  private_chat: { joinRule: "invite", guests: true, invitedRule: false },
  trusted_private_chat: { joinRule: "invite", guests: true, invitedRule: true },
  public_chat: { joinRule: "public", guests: false, invitedRule: false },
};

export function createRoom(server: Server, creator: string, body: Json): { room: Room; alias: string | undefined } {
  const versionId = body["room_version"] ?? defaultVersion;
  const version = typeof versionId === "string" ? roomVersion(versionId) : undefined;
  if (!version) throw new Refusal(400, "M_UNSUPPORTED_ROOM_VERSION", "Your homeserver does not support this room version");
  const alias = readAlias(server, body["room_alias_name"], creator);
  const invited = readInvited(body["invite"]);
  const [name, preset] = readPreset(body);
  const override = readOverride(body, creator, version.creatorsRule);
  const extra = isJson(body["creation_content"]) ? body["creation_content"] : {};
  const more = version.creatorsRule && name === "trusted_private_chat" && invited.length > 0 ? { additional_creators: invited } : {};
  const room = server.openRoom(version, {
    type: "m.room.create",
    sender: creator,
    state_key: "",
    content: { ...(version.redactsInContent ? {} : { creator }), ...extra, ...more, room_version: version.id },
  });
  const initial = readInitialState(body["initial_state"]);
  const set = (type: string, content: Json, stateKey = ""): void => {
    send(server, room, { type, sender: creator, state_key: stateKey, content });
  };
  set("m.room.member", { membership: "join" }, creator);
  set("m.room.power_levels", initial.get("m.room.power_levels\u0000") ?? powerLevels(room, creator, preset, invited, override, name));
  if (alias !== undefined) {
    server.aliases.set(alias, { room: room.id, creator });
    if (!initial.has("m.room.canonical_alias\u0000")) set("m.room.canonical_alias", { alias });
  }
  if (!initial.has("m.room.join_rules\u0000")) set("m.room.join_rules", { join_rule: preset.joinRule });
  if (!initial.has("m.room.history_visibility\u0000")) set("m.room.history_visibility", { history_visibility: "shared" });
  if (preset.guests && !initial.has("m.room.guest_access\u0000")) set("m.room.guest_access", { guest_access: "can_join" });
  for (const [key, content] of initial) {
    const [type = "", stateKey = ""] = key.split("\u0000");
    if (key !== "m.room.power_levels\u0000") set(type, content, stateKey);
  }
  if (typeof body["name"] === "string") set("m.room.name", { name: body["name"] });
  if (typeof body["topic"] === "string") set("m.room.topic", { topic: body["topic"], "m.topic": { "m.text": [{ body: body["topic"] }] } });
  const direct = body["is_direct"] === true ? { is_direct: true } : {};
  for (const user of invited) set("m.room.member", { membership: "invite", ...direct }, user);
  room.published = body["visibility"] === "public";
  return { room, alias };
}

function readPreset(body: Json): [string, Preset] {
  const name = body["preset"] ?? (body["visibility"] === "public" ? "public_chat" : "private_chat");
  const preset = typeof name === "string" ? presets[name] : undefined;
  if (!preset) throw badJson(`${JSON.stringify(name)} is not a valid preset`);
  return [name as string, preset];
}

function readInvited(invite: unknown): string[] {
  if (invite === undefined) return [];
  if (!Array.isArray(invite)) throw badJson("'invite' is a list");
  return invite.map((user: unknown) => {
    if (typeof user !== "string" || !/^@[^:]*:.+$/.test(user)) throw unknownError(`Invalid user_id: ${String(user)}`);
    return user;
  });
}

function readOverride(body: Json, creator: string, creatorsRule: boolean): Json {
  const override = body["power_level_content_override"];
  if (!isJson(override)) return {};
  if (!creatorsRule && isJson(override["users"]) && !(creator in override["users"])) {
    throw unknownError(`Not a valid power_level_content_override: 'users' did not contain ${creator}`);
  }
  return override;
}

function readInitialState(state: unknown): Map<string, Json> {
  if (state === undefined) return new Map();
  if (!Array.isArray(state)) throw badJson("'initial_state' is a list");
  return new Map(
    state.map((event: unknown): [string, Json] => {
      if (!isJson(event) || typeof event["type"] !== "string" || !isJson(event["content"])) throw badJson("Bad event in 'initial_state'");
      return [`${event["type"]}\u0000${typeof event["state_key"] === "string" ? event["state_key"] : ""}`, event["content"]];
    }),
  );
}

/** The full alias that a creator asks for, when they may have it. */
function readAlias(server: Server, name: unknown, creator: string): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== "string" || /\s/.test(name)) throw unknownError("Invalid characters in room alias");
  if (name.includes(":")) throw unknownError("':' is not permitted in the room alias name.");
  const alias = `#${name}:${server.name}`;
  requireAlias(server, alias, creator);
  if (server.aliases.has(alias)) throw new Refusal(400, "M_ROOM_IN_USE", "Room alias already taken");
  return alias;
}

export function requireAlias(server: Server, alias: string, user: string): void {
  const owner = server.services.claimingAlias(alias);
  const own = owner && (user === owner.sender || owner.users.some(({ regex }) => regex.test(user)));
  if (owner && !own) throw new Refusal(400, "M_EXCLUSIVE", "This alias is reserved by an application service.");
}

function powerLevels(room: Room, creator: string, preset: Preset, invited: readonly string[], override: Json, name: string): Json {
  const creators = room.version.creatorsRule;
  const users = creators ? {} : { [creator]: 100, ...(preset.invitedRule ? Object.fromEntries(invited.map((user) => [user, 100])) : {}) };
  const events: Json = {
    "m.room.name": 50,
    "m.room.power_levels": 100,
    "m.room.history_visibility": 100,
    "m.room.canonical_alias": 50,
    "m.room.avatar": 50,
    "m.room.tombstone": creators ? 150 : 100,
    "m.room.server_acl": 100,
    "m.room.encryption": 100,
    ...(name === "public_chat" ? { "m.call.invite": 50 } : {}),
  };
  const invite = name === "public_chat" ? 50 : 0;
  return {
    users,
    users_default: 0,
    events,
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite,
    historical: 100,
    ...override,
  };
}
