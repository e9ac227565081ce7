/**
 * A room that was replaced: its links move to the new one, if that one names ours as its predecessor and the bot can enter it. What is
 * unclear in the old room is resolved by the origin marks there, whose links stay the same.
 */
import type { Logger } from "pino";
import type { Linking } from "./linking.ts";
import type { Links } from "./links.ts";
import type { MatrixClient } from "./matrix/client.ts";
import { isRecord, type MatrixEvent } from "./matrix/event.ts";
import { ifSeen } from "./matrix/failure.ts";
import { type RoomId, roomId } from "./model/ids.ts";
import type { Notices } from "./notices.ts";
import type { Rooms } from "./rooms.ts";
import type { LaneName, Link } from "./store/store.ts";
import type { Surroundings } from "./surroundings.ts";

export interface UpgradeContext {
  readonly client: MatrixClient;
  readonly linking: Linking;
  readonly surroundings: Surroundings;
  readonly links: Links;
  readonly rooms: Rooms;
  readonly notices: Notices;
  readonly log: Logger;
  /** The lane of a link may go on. */
  wake(lane: LaneName, open: boolean): void;
}

/** A tombstone was seen. */
export async function followTombstone(context: UpgradeContext, event: MatrixEvent): Promise<void> {
  const old = event.room_id;
  const named = event.content["replacement_room"];
  if (event.state_key !== "" || typeof named !== "string" || !named.startsWith("!")) return;
  if ((await context.links.inRoom(old)).length === 0) return;
  const next = await enter(context, old, roomId(named));
  if (!next || (await move(context, next)) === old) return;
  await context.surroundings.shown.change(old, (shown) => ({ ...shown, stays: true }));
  context.rooms.forget(old);
  for (const link of await context.links.inRoom(old)) wakeLanes(context, link);
  const text = "The room that is said to replace this one does not name it as its predecessor: the bridge stays here.";
  await context.notices.say(old, `upgrade:${next}`, text);
}

/** The bot is in the new room: what was linked to its predecessor moves. Returns the predecessor that it names. */
export async function move(context: UpgradeContext, next: RoomId): Promise<RoomId | undefined> {
  const { client, links, rooms, log } = context;
  const create = await client.stateEvent(next, "m.room.create", "");
  const predecessor = isRecord(create?.["predecessor"]) ? create["predecessor"]["room_id"] : undefined;
  if (typeof predecessor !== "string") return undefined;
  const old = roomId(predecessor);
  const here = await links.inRoom(old);
  // Whoever makes a room can name any predecessor: the old room's own tombstone has to agree.
  const tombstone = await ifSeen(client.stateEvent(old, "m.room.tombstone", ""));
  if (here.length === 0 || tombstone?.["replacement_room"] !== next) return old;
  await links.moveRoom(old, next);
  rooms.forget(old);
  for (const link of await links.inRoom(next)) {
    await rooms.judge(link);
    await context.linking.moved(link).catch((error: unknown) => log.warn({ room: next, err: error }, "Something stayed with the old room"));
    wakeLanes(context, link);
  }
  await context.surroundings.moved(old, next);
  log.info({ from: old, to: next, links: here.length }, "Followed an upgraded room");
  return old;
}

function wakeLanes(context: UpgradeContext, link: Link): void {
  for (const lane of [`in:${link.id}`, `out:${link.id}`]) context.wake(lane, true);
}

/** Version 12 ids name no server: the way in leads through the servers of the people who were in the old room. */
async function enter({ client, notices }: UpgradeContext, old: RoomId, next: RoomId): Promise<RoomId | undefined> {
  const members = await client.members(old).catch(() => new Map<string, unknown>());
  const via = [...new Set([...members.keys()].map((who) => who.slice(who.indexOf(":") + 1)))].slice(0, 10);
  try {
    return await client.join(next, { via });
  } catch {
    await notices.say(
      old,
      `upgrade-join:${next}`,
      "This room was replaced, and the bridge bot cannot enter the new one: invite it there, then it follows.",
    );
    return undefined;
  }
}
