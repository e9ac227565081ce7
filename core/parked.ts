/** What could not be delivered, told one by one, and given up by a person: never by the bridge alone. */
import type { Links } from "./links.ts";
import type { RoomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { JournalRow, Store } from "./store/store.ts";

export interface ParkedContext {
  readonly store: Store;
  readonly links: Links;
  readonly clock: Clock;
}

/** More than that nobody reads in a room; the count is told. */
const MOST = 20;
const ENOUGH = 10_000;

export async function listParked(context: ParkedContext, room: RoomId): Promise<string> {
  const rows = await parkedIn(context, room);
  if (rows.length === 0) return "Everything has been delivered, or still waits for its turn.";
  const lines = rows
    .slice(0, MOST)
    .map(({ row, to }) => `${row.id}: ${kindOf(row)} to ${to}, ${ago(context.clock.now() - row.at)} ago: ${row.reason ?? ""}`);
  const more = rows.length > MOST ? [`and ${rows.length - MOST} more`] : [];
  return [...lines, ...more, "`!causeway retry` tries them again, `!causeway drop NUMBER` or `drop all` gives them up."].join("\n");
}

/** `which`: a number of the list, or `all`. */
export async function dropParked(context: ParkedContext, room: RoomId, which: string | undefined): Promise<string> {
  const rows = await parkedIn(context, room);
  const chosen = which === "all" ? rows : rows.filter(({ row }) => String(row.id) === which);
  if (chosen.length === 0) return "There is no such thing here: `!causeway parked` lists what could not be delivered, with its numbers.";
  await context.store.journal.removeUntried(chosen.map(({ row }) => row.id));
  return chosen.length === 1 ? "Given up." : `${chosen.length} given up.`;
}

interface Parked {
  readonly row: JournalRow;
  readonly to: string;
}

async function parkedIn({ store, links }: ParkedContext, room: RoomId): Promise<Parked[]> {
  const found: Parked[] = [];
  for (const link of await links.inRoom(room)) {
    for (const [lane, to] of [
      [`in:${link.id}`, "this room"],
      [`out:${link.id}`, String(link.network)],
    ] as const) {
      for (const row of await store.journal.parked({ lane, limit: ENOUGH })) found.push({ row, to });
    }
  }
  return found.sort((a, b) => a.row.id - b.row.id);
}

function kindOf({ payload }: JournalRow): string {
  const { kind, type } = payload as { kind?: unknown; type?: unknown };
  return typeof kind === "string" ? kind : typeof type === "string" ? type.replace(/^m\.(?:room\.)?/, "") : "something";
}

function ago(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} days`;
}
