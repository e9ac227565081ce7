/** Rooms that are made once, whatever happens in between: the row first, then the call, with an alias by which the room is found again. */
import { type MatrixClient, MatrixError } from "./matrix/client.ts";
import type { Content } from "./matrix/client.ts";
import { ifSeen } from "./matrix/failure.ts";
import type { RoomAlias, RoomId } from "./model/ids.ts";
import type { PortalStore } from "./store/store.ts";

export interface ObtainContext {
  readonly client: MatrixClient;
  readonly portals: PortalStore;
}

/** `about` stands beside the alias until the caller takes the row away: what an interrupted making was for. */
export async function obtainRoom(
  { client, portals }: ObtainContext,
  alias: RoomAlias,
  body: Content,
  about: unknown = {},
): Promise<RoomId> {
  await portals.putMaking(alias, about);
  try {
    return await client.createRoom({ ...body, room_alias_name: alias.slice(1, alias.indexOf(":")) });
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode !== "M_ROOM_IN_USE") throw error;
    const made = await client.resolveAlias(alias);
    if (!made) throw error;
    return await client.join(made.room);
  }
}

/** A room of the bot's that was made with this value in its creation content: for rooms whose address nobody may guess. */
export async function findByCreation(client: MatrixClient, key: string, value: string): Promise<RoomId | undefined> {
  for (const room of await client.joinedRooms()) {
    const create = await ifSeen(client.stateEvent(room, "m.room.create", ""));
    if (create?.[key] === value) return room;
  }
  return undefined;
}
