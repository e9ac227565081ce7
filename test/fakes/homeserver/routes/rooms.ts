/** Rooms: making, finding, entering, leaving, naming. */
import { createRoom, requireAlias } from "../create-room.ts";
import { joinRule } from "../auth-rules.ts";
import type { Action, Memberships } from "../membership.ts";
import { badJson, forbidden, invalidParam, missingParam, notFound, Refusal, unknownError } from "../refusal.ts";
import type { Room } from "../room.ts";
import type { Call, Router } from "../router.ts";
import type { Server } from "../server.ts";
import { ownsUser } from "../services.ts";
import { isJson, type Json } from "../types.ts";
import { upgradeRoom } from "../upgrade.ts";
import { requireMember, stateSeenBy } from "../visible.ts";
import { toFullEvent } from "../wire.ts";

/** Whether the service that owns the alias has made a room for it. */
export type AskService = (alias: string) => Promise<boolean>;

/** A room by its id, as most requests find it. */
export function roomOf(server: Server, call: Call): Room {
  const room = server.rooms.get(call.param("room"));
  if (!room) throw forbidden("Unknown room");
  return room;
}

export function roomRoutes(router: Router, server: Server, memberships: Memberships, ask: AskService): void {
  router.client("POST", "/createRoom", { body: "json" }, ({ who, body }) => {
    const { room, alias } = createRoom(server, who.user, body);
    return { room_id: room.id, ...(alias === undefined ? {} : { room_alias: alias }) };
  });
  router.client("POST", "/rooms/:room/upgrade", { body: "json" }, (call) => {
    const room = server.rooms.get(call.param("room"));
    if (!room) throw notFound(`Unknown room id ${call.param("room")}`);
    return { replacement_room: upgradeRoom(server, room, call.who.user, call.body["new_version"]).id };
  });
  router.client("GET", "/joined_rooms", {}, ({ who }) => ({
    joined_rooms: [...server.accounts.of(who.user).rooms.values()].filter((room) => room.joined.has(who.user)).map(({ id }) => id),
  }));
  membershipRoutes(router, server, memberships, ask);
  memberRoutes(router, server);
  aliasRoutes(router, server, memberships, ask);
  directoryRoutes(router, server);
}

function membershipRoutes(router: Router, server: Server, memberships: Memberships, ask: AskService): void {
  const join = async (call: Call, idOrAlias: string): Promise<Json> => {
    const room = await memberships.find(idOrAlias, ask);
    memberships.change(room, call.who.user, call.who.user, "join", reason(call));
    return { room_id: room.id };
  };
  router.client("POST", "/join/:room", { body: "maybe" }, (call) => join(call, call.param("room")));
  router.client("POST", "/rooms/:room/join", { body: "maybe" }, (call) => join(call, call.param("room")));
  router.client("POST", "/knock/:room", { body: "maybe" }, async (call) => {
    const room = await memberships.find(call.param("room"), ask);
    memberships.change(room, call.who.user, call.who.user, "knock", reason(call));
    return { room_id: room.id };
  });
  router.client("POST", "/rooms/:room/leave", { body: "maybe" }, (call) => {
    const room = server.rooms.get(call.param("room"));
    if (!room) throw new Refusal(404, "M_UNKNOWN", "Not a known room");
    memberships.change(room, call.who.user, call.who.user, "leave", reason(call));
    return {};
  });
  router.client("POST", "/rooms/:room/forget", { body: "maybe" }, (call) => {
    memberships.forget(roomOf(server, call), call.who.user);
    return {};
  });
  for (const action of ["invite", "kick", "ban", "unban"] as const satisfies Action[]) {
    router.client("POST", `/rooms/:room/${action}`, { body: "json" }, (call) => {
      const target = call.body["user_id"];
      if (target === undefined) throw missingParam("Missing params: ['user_id']");
      if (typeof target !== "string") throw invalidParam("'user_id' must be a string");
      memberships.change(roomOf(server, call), call.who.user, target, action, reason(call));
      return {};
    });
  }
}

/** Only `reason` of a membership request's body reaches the event. */
const reason = ({ body }: Call): Json => (typeof body["reason"] === "string" ? { reason: body["reason"] } : {});

function memberRoutes(router: Router, server: Server): void {
  router.client("GET", "/rooms/:room/members", {}, (call) => {
    const room = roomOf(server, call);
    const [only, not] = [call.query.get("membership"), call.query.get("not_membership")];
    const now = server.clock.now();
    const members = stateSeenBy(room, call.who.user).filter(({ type, content }) => {
      if (type !== "m.room.member") return false;
      return (only === null || content["membership"] === only) && (not === null || content["membership"] !== not);
    });
    return { chunk: members.map((event) => toFullEvent(room, event, now)) };
  });
  router.client("GET", "/rooms/:room/joined_members", {}, (call) => {
    const room = roomOf(server, call);
    const { service, user } = call.who;
    const own = service && [...room.joined].some((member) => ownsUser(service, member));
    if (!room.joined.has(user) && !own) throw forbidden(service ? "Appservice not in room" : `User ${user} not in room ${room.id}`);
    const joined = [...room.joined].map((member) => {
      const { displayname, avatar_url: avatar } = room.content("m.room.member", member) ?? {};
      return [member, { display_name: displayname ?? null, avatar_url: avatar ?? null }];
    });
    return { joined: Object.fromEntries(joined) as Json };
  });
}

function aliasRoutes(router: Router, server: Server, memberships: Memberships, ask: AskService): void {
  router.client("GET", "/directory/room/:alias", { auth: "none" }, async (call) => {
    const alias = requireAliasShape(call.param("alias"));
    const { room } = await memberships.resolve(alias, ask);
    return { room_id: room, servers: [server.name] };
  });
  router.client("PUT", "/directory/room/:alias", { body: "json" }, (call) => {
    const alias = requireAliasShape(call.param("alias"));
    if (!alias.endsWith(`:${server.name}`)) throw unknownError("Room alias must be local");
    const id = call.body["room_id"];
    if (typeof id !== "string") throw badJson("Missing params: ['room_id']");
    requireAlias(server, alias, call.who.user);
    if (!server.rooms.has(id)) throw unknownError("Room does not exist");
    const room = server.room(id);
    if (!call.who.service) requireMember(room, call.who.user);
    if (server.aliases.has(alias)) throw new Refusal(409, "M_UNKNOWN", `Room alias ${alias} already exists`);
    server.aliases.set(alias, { room: id, creator: call.who.user });
    return {};
  });
  router.client("DELETE", "/directory/room/:alias", {}, (call) => {
    const alias = requireAliasShape(call.param("alias"));
    const entry = server.aliases.get(alias);
    if (!entry) throw notFound("Unknown room alias");
    const room = server.room(entry.room);
    const may = entry.creator === call.who.user || room.powerOf(call.who.user) >= room.levelToSend("m.room.canonical_alias", true);
    if (!may) throw forbidden("You don't have permission to delete the alias.");
    server.aliases.delete(alias);
    return {};
  });
  router.client("GET", "/rooms/:room/aliases", {}, (call) => {
    const room = roomOf(server, call);
    requireMember(room, call.who.user);
    return { aliases: [...server.aliases].filter(([, entry]) => entry.room === room.id).map(([alias]) => alias) };
  });
}

function requireAliasShape(alias: string): string {
  if (!/^#[^:]*:.+$/.test(alias)) throw invalidParam("Room alias invalid");
  return alias;
}

function directoryRoutes(router: Router, server: Server): void {
  router.client("GET", "/directory/list/room/:room", { auth: "none" }, (call) => {
    const room = server.rooms.get(call.param("room"));
    if (!room) throw notFound("Unknown room");
    return { visibility: room.published ? "public" : "private" };
  });
  router.client("PUT", "/directory/list/room/:room", { body: "maybe" }, (call) => {
    const room = server.rooms.get(call.param("room"));
    if (!room) throw notFound("Unknown room");
    if (room.powerOf(call.who.user) < room.levelToSend("m.room.canonical_alias", true)) {
      throw forbidden("This server requires you to be a moderator in the room to edit its room list entry");
    }
    room.published = (call.body["visibility"] ?? "public") === "public";
    return {};
  });
  const list = (): Json => {
    const rooms = [...server.rooms.values()].filter(({ published }) => published).map(toListed);
    return { chunk: rooms, total_room_count_estimate: rooms.length };
  };
  router.client("GET", "/publicRooms", { auth: "none" }, list);
  router.client("POST", "/publicRooms", { body: "maybe" }, ({ body }) => {
    const term = isJson(body["filter"]) ? body["filter"]["generic_search_term"] : undefined;
    const all = list()["chunk"] as Json[];
    const chunk = typeof term === "string" ? all.filter((room) => JSON.stringify(room).toLowerCase().includes(term.toLowerCase())) : all;
    return { chunk, total_room_count_estimate: chunk.length };
  });
}

function toListed(room: Room): Json {
  const text = (type: string, key: string): Json => {
    const value = room.content(type)?.[key];
    return typeof value === "string" ? { [type === "m.room.canonical_alias" ? "canonical_alias" : key]: value } : {};
  };
  return {
    room_id: room.id,
    num_joined_members: room.joined.size,
    world_readable: room.content("m.room.history_visibility")?.["history_visibility"] === "world_readable",
    guest_can_join: room.content("m.room.guest_access")?.["guest_access"] === "can_join",
    join_rule: joinRule(room),
    ...text("m.room.name", "name"),
    ...text("m.room.topic", "topic"),
    ...text("m.room.canonical_alias", "alias"),
  };
}
