/** Coming and going, by the membership endpoints and by `PUT …/state/m.room.member`. */
import { allowedByOtherRooms, joinRule } from "./auth-rules.ts";
import type { Faults } from "./faults.ts";
import { forbidden, invalidParam, notFound, Refusal, unknownError } from "./refusal.ts";
import type { Room } from "./room.ts";
import { send } from "./send.ts";
import type { Server } from "./server.ts";
import type { Json, StoredEvent } from "./types.ts";

export class Memberships {
  readonly #server: Server;
  readonly #faults: Faults;

  constructor(server: Server, faults: Faults) {
    this.#server = server;
    this.#faults = faults;
  }

  /** Any change of membership. `action` is more than the membership: a kick and an unban are both "leave". */
  change(room: Room, sender: string, target: string, action: Action, content: Json = {}, ts?: number): StoredEvent {
    if (!/^@[^:]*:.+$/.test(target)) throw invalidParam(`Invalid user id: ${target}`);
    const before = room.membership(target);
    if (action === "unban" && before !== "ban") {
      throw new Refusal(403, "M_BAD_STATE", `Cannot unban user who was not banned (membership=${before ?? "None"})`);
    }
    if (before === "ban" && !["ban", "unban", "leave"].includes(action)) {
      throw new Refusal(403, "M_BAD_STATE", `Cannot ${action} user who was banned`);
    }
    if (action === "kick" && (before === undefined || before === "leave" || before === "ban"))
      throw forbidden("The target user is not in the room");
    const membership = action === "kick" || action === "unban" ? "leave" : action;
    const full = membership === "join" ? this.#joinContent(room, sender, content) : { ...content, membership };
    const time = ts === undefined ? {} : { origin_server_ts: ts };
    return send(this.#server, room, { type: "m.room.member", sender, state_key: target, content: full, ...time });
  }

  #joinContent(room: Room, user: string, content: Json): Json {
    const refused = this.#faults.take({ user, room: room.id }, "join-refused");
    if (refused) throw forbidden(refused.fault.error ?? "You are not invited to this room.");
    const rule = joinRule(room);
    const { join_authorised_via_users_server: _, ...rest } = content;
    const now = room.membership(user);
    if ((rule === "restricted" || rule === "knock_restricted") && now !== "join" && now !== "invite") {
      if (!allowedByOtherRooms(room, user, this.#server.rooms))
        throw forbidden("You do not belong to any of the required rooms/spaces to join this room.");
      const authoriser = [...room.joined].find((member) => room.powerOf(member) >= room.level("invite", 0));
      if (authoriser !== undefined) return { ...rest, membership: "join", join_authorised_via_users_server: authoriser };
    }
    return { ...rest, membership: "join" };
  }

  /** The room that an id or alias names, asking the service that owns the alias when nobody knows it yet. */
  async find(idOrAlias: string, askService: (alias: string) => Promise<boolean>): Promise<Room> {
    if (idOrAlias.startsWith("!")) {
      const room = this.#server.rooms.get(idOrAlias);
      if (!room) throw new Refusal(404, "M_UNKNOWN", "Can't join remote room because no servers that are in the room have been provided.");
      return room;
    }
    if (!idOrAlias.startsWith("#")) throw unknownError(`${idOrAlias} was not legal room ID or room alias`);
    return this.#server.room((await this.resolve(idOrAlias, askService)).room);
  }

  async resolve(alias: string, askService: (alias: string) => Promise<boolean>): Promise<{ room: string; creator: string }> {
    const known = this.#server.aliases.get(alias);
    if (known) return known;
    if (await askService(alias)) {
      const made = this.#server.aliases.get(alias);
      if (made) return made;
    }
    throw notFound(`Room alias ${alias} not found`);
  }

  /** A left room is no longer in the user's `/sync`. */
  forget(room: Room, user: string): void {
    const now = room.membership(user);
    if (now === "join" || now === "invite") throw unknownError(`User ${user} in room ${room.id}`);
    this.#server.accounts.of(user).forgotten.add(room.id);
  }
}

export type Action = "join" | "invite" | "leave" | "ban" | "knock" | "kick" | "unban";

export function readAction(membership: unknown): Action {
  if (typeof membership !== "string") throw unknownError("Invalid membership (must be a string)");
  if (!["join", "invite", "leave", "ban", "knock"].includes(membership)) throw unknownError("Invalid membership key");
  return membership as Action;
}
