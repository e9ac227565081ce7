/** What could not be delivered, tried again: all of a room by command, or one thing by a 🔁 on it or on what the bot said of it. */
import type { Lanes } from "./lanes.ts";
import type { Links } from "./links.ts";
import type { MatrixClient } from "./matrix/client.ts";
import { ifSeen } from "./matrix/failure.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { type EventId, eventId, type Mxid, type RoomId } from "./model/ids.ts";
import { ABOUT, ROW } from "./notices.ts";
import type { Permissions } from "./permissions.ts";
import type { Rooms } from "./rooms.ts";
import type { JournalRow, Store } from "./store/store.ts";

export interface RetryContext {
  readonly store: Store;
  readonly links: Links;
  readonly lanes: Lanes;
  readonly rooms: Rooms;
  readonly permissions: Permissions;
  readonly client: MatrixClient;
  readonly bot: Mxid;
  relay(event: MatrixEvent): Promise<void>;
}

/** Both directions of every link of the room. Returns what to say. */
export async function retryAll(context: RetryContext, room: RoomId): Promise<string> {
  let count = 0;
  for (const link of await context.links.inRoom(room)) {
    for (const lane of [`in:${link.id}`, `out:${link.id}`]) {
      count += await tryAgain(context, await context.store.journal.parked({ lane, limit: 10_000 }));
      context.lanes.wake(lane, true);
    }
  }
  return count === 0 ? "Nothing is waiting for another try." : `Trying ${count} again.`;
}

/** By the author or a moderator. On anything that is not parked, 🔁 is a reaction like others. */
export async function retryOne(context: RetryContext, event: MatrixEvent): Promise<undefined> {
  const relation = event.content["m.relates_to"] as { event_id?: unknown } | undefined;
  const target = typeof relation?.event_id === "string" ? eventId(relation.event_id) : undefined;
  const about = target ? await subjectOf(context, event.room_id, target) : undefined;
  const rows = about?.rows.filter((row) => row.state === "parked") ?? [];
  if (about && rows.length > 0 && (await mayRetry(context, event, about.author))) await tryAgain(context, rows);
  else if (!about?.ofBridge) await context.relay(event);
  return undefined;
}

async function mayRetry({ permissions, rooms }: RetryContext, { room_id: room, sender }: MatrixEvent, author: Mxid | undefined) {
  if (!permissions.may(sender, "retry")) return false;
  return author === sender || permissions.may(sender, "administer") || (await rooms.mayRedact(room, sender));
}

async function tryAgain({ store, lanes }: RetryContext, rows: readonly JournalRow[]): Promise<number> {
  await store.journal.retry(rows.map((row) => row.id));
  for (const { lane } of rows) lanes.wake(lane, true);
  return rows.length;
}

interface Subject {
  readonly rows: readonly JournalRow[];
  /** Absent = nobody here. */
  readonly author?: Mxid | undefined;
  /** The 🔁 stands on something that the bridge said itself, and goes nowhere. */
  readonly ofBridge: boolean;
}

async function subjectOf(context: RetryContext, room: RoomId, target: EventId): Promise<Subject | undefined> {
  const { client, store, bot } = context;
  const event = await ifSeen(client.event(room, target));
  if (!event) return undefined;
  const ofBridge = event.sender === bot;
  const { [ABOUT]: about, [ROW]: row } = event.content;
  if (ofBridge && typeof row === "number") return { rows: await rowHere(context, room, row), ofBridge };
  if (!ofBridge || typeof about !== "string") return { rows: await store.journal.about(target), author: event.sender, ofBridge };
  const original = await ifSeen(client.event(room, eventId(about)));
  return { rows: await store.journal.about(about), author: original?.sender, ofBridge };
}

/** A row of another room's links is none of this room's business. */
async function rowHere({ store, links }: RetryContext, room: RoomId, id: number): Promise<readonly JournalRow[]> {
  const row = await store.journal.row(id);
  const here = (await links.inRoom(room)).flatMap((link) => [`in:${link.id}`, `out:${link.id}`]);
  return row && here.includes(row.lane) ? [row] : [];
}
