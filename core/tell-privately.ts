/** What concerns one person alone is told in their direct chat with the bot; who has none gets one. */
import { findByCreation } from "./obtain-room.ts";
import type { MatrixClient } from "./matrix/client.ts";
import { type Mxid, type RoomId, roomId } from "./model/ids.ts";
import type { Notices } from "./notices.ts";
import type { Store } from "./store/store.ts";

export interface PrivateContext {
  readonly store: Store;
  readonly client: MatrixClient;
  readonly notices: Notices;
  readonly bot: Mxid;
}

/** In a room's creation content: whose direct chat it is. */
const CHAT = "io.causeway.chat";

/** `key` names the occasion: it is told once. */
export async function tellPrivately(context: PrivateContext, person: Mxid, key: string, text: string): Promise<void> {
  await context.notices.say(await directRoom(context, person), key, text);
}

/** Person → the chat that is being made: two words at once make one. */
const making = new WeakMap<MatrixClient, Map<Mxid, Promise<RoomId>>>();

async function directRoom(context: PrivateContext, person: Mxid): Promise<RoomId> {
  const all = making.get(context.client) ?? new Map<Mxid, Promise<RoomId>>();
  making.set(context.client, all);
  const made = all.get(person) ?? findOrMake(context, person).finally(() => all.delete(person));
  all.set(person, made);
  return await made;
}

async function findOrMake({ store, client, bot }: PrivateContext, person: Mxid): Promise<RoomId> {
  const known = await store.users.directRoom(person, bot);
  if (known) return known;
  // The row first: a room that was made and not remembered is found by its key.
  const key = `chat:${person}`;
  const begun = await store.portals.making(key);
  const found = begun === undefined ? undefined : await findByCreation(client, CHAT, person);
  if (begun === undefined) await store.portals.putMaking(key, { begun: true });
  const body = { preset: "trusted_private_chat", is_direct: true, invite: [person], creation_content: { [CHAT]: person } };
  const room = found ?? roomId(await client.createRoom(body));
  await store.users.putDirectRoom(person, bot, room);
  await store.portals.putMaking(key, undefined);
  return room;
}
