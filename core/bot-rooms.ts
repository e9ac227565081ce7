/**
 * Rooms that the bot is put out of: nothing crosses until it is invited back, and the admins hear of it. A mistaken kick must not cost a
 * link. And direct chats that their person has left: they are let go, so that the next one is made anew.
 */
import type { Logger } from "pino";
import type { Links } from "./links.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { type Mxid, mxid } from "./model/ids.ts";
import type { Link, UserStore } from "./store/store.ts";

export interface BotRoomContext {
  readonly links: Links;
  readonly users: UserStore;
  readonly client: MatrixClient;
  readonly log: Logger;
  readonly bot: Mxid;
  tellAdmins(key: string, text: string): Promise<void>;
  /** Lanes of the link may go on. */
  opened(link: Link): void;
}

const PUT_OUT = "The bridge bot was removed from the room: invite it again, and it goes on.";

/** Sees every event that comes. */
export async function observeBotRooms(context: BotRoomContext, event: MatrixEvent): Promise<void> {
  if (event.type !== "m.room.member" || event.state_key === undefined) return;
  const membership = event.content["membership"];
  const isOut = membership === "leave" || membership === "ban";
  if (event.state_key === context.bot) {
    if (event.sender === context.bot && isOut) return;
    // What a start reads again of the past may be over long since.
    const isIn = await isInNow(context, event);
    if (isOut && !isIn) await putOut(context, event);
    if (membership === "join" && isIn) await letIn(context, event);
  } else if (isOut) await letGo(context, event);
}

/** A homeserver that cannot be asked has just said what it is. */
async function isInNow({ client, bot }: BotRoomContext, { room_id: room, content }: MatrixEvent): Promise<boolean> {
  const now = await client.stateEvent(room, "m.room.member", bot).catch(() => content);
  return now?.["membership"] === "join";
}

/** A room cannot be told that the bot is out of it: whoever runs the bridge is, and can end the link from anywhere. */
async function putOut({ links, log, tellAdmins }: BotRoomContext, event: MatrixEvent): Promise<void> {
  const { room_id: room, sender } = event;
  for (const link of await links.inRoom(room)) {
    log.warn({ room, by: sender, network: link.network, channel: link.channel }, "The bot was removed from a linked room");
    if (link.paused === undefined) await links.update(link, { paused: PUT_OUT });
    const remedy = `Invited again, it goes on where it was; \`!causeway unlink #${link.id}\` ends the link for good.`;
    await tellAdmins(
      `put out:${link.id}:${event.event_id}`,
      `${sender} removed the bridge bot from ${room}, which is linked to ${link.network} ${link.channel}: nothing crosses there. ${remedy}`,
    );
  }
}

async function letIn({ links, opened }: BotRoomContext, { room_id: room }: MatrixEvent): Promise<void> {
  for (const link of await links.inRoom(room)) {
    if (link.paused === PUT_OUT) opened(await links.update(link, { paused: undefined }));
  }
}

async function letGo({ users, client, bot }: BotRoomContext, event: MatrixEvent): Promise<void> {
  const person = mxid(event.state_key ?? "");
  if ((await users.directRoom(person, bot)) !== event.room_id) return;
  await users.putDirectRoom(person, bot, undefined);
  await client.leave(event.room_id);
}
