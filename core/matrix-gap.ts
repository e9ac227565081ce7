/**
 * Events that the homeserver never pushed: after our start, and every few minutes, one look through the bot's own eyes from where the
 * last one ended. They enter by the same intake, which knows those that came already.
 */
import type { Logger } from "pino";
import type { MatrixClient } from "./matrix/client.ts";
import { isRecord, type MatrixEvent, readEvents } from "./matrix/event.ts";
import { type RoomId, roomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { SettingStore } from "./store/store.ts";

export interface GapContext {
  readonly client: MatrixClient;
  readonly settings: SettingStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  take(events: readonly MatrixEvent[]): Promise<void>;
}

const TOKEN = "matrix.since";
const EVERY = 300_000;
const PAGE = 100;
/** How often it is tried at the start, and milliseconds between. */
const TRIES = 5;
const AGAIN = 500;
/** How far back a gap is followed in one room. */
const MOST_PAGES = 100;
const NOTHING = { presence: { limit: 0, types: [] }, account_data: { limit: 0, types: [] } };
const SILENT = { ...NOTHING, room: { rooms: [] } };
const FILTER = {
  ...NOTHING,
  room: { timeline: { limit: PAGE }, state: { types: [] }, ephemeral: { types: [] }, account_data: { types: [] } },
};

/** Runs until aborted. Resolves after the first look, or when the homeserver does not let us look. */
export async function watchForGaps(context: GapContext): Promise<void> {
  for (let tries = 1; tries <= TRIES && !(await tried(context)); tries += 1) await context.clock.sleep(AGAIN * tries, context.signal);
  const again = async () => {
    while (!context.signal.aborted) {
      await context.clock.sleep(EVERY, context.signal);
      await tried(context);
    }
  };
  void again().catch(() => undefined);
}

async function tried(context: GapContext): Promise<boolean> {
  try {
    await look(context);
    return true;
  } catch (error) {
    context.log.warn({ err: error }, "Could not ask the homeserver for missed events");
    return false;
  }
}

async function look({ client, settings, ...context }: GapContext): Promise<void> {
  const since = await settings.get(TOKEN);
  if (typeof since !== "string") {
    // The first time there is nothing to be behind of: a token is enough.
    const start = await client.sync({ filter: SILENT, timeout: 0 });
    return await settings.set(TOKEN, start["next_batch"]);
  }
  const answer = await client.sync({ since, filter: FILTER, timeout: 0 });
  for (const [room, timeline] of timelines(answer)) {
    const events = readEvents(timeline["events"], room);
    const before = timeline["limited"] === true ? await earlier(client, room, String(timeline["prev_batch"]), since) : [];
    await context.take([...before, ...events]);
  }
  await settings.set(TOKEN, answer["next_batch"]);
}

/** What lies between two looks and did not fit into the answer, oldest first. */
async function earlier(client: MatrixClient, room: RoomId, from: string, since: string): Promise<readonly MatrixEvent[]> {
  const events: MatrixEvent[] = [];
  let at: string | undefined = from;
  for (let page = 0; at !== undefined && page < MOST_PAGES; page += 1) {
    const back = await client.messages(room, { from: at, to: since, dir: "b", limit: PAGE });
    events.unshift(...back.events.toReversed());
    at = back.events.length === 0 ? undefined : back.end;
  }
  return events;
}

function* timelines(answer: Record<string, unknown>): Generator<[RoomId, Record<string, unknown>]> {
  const rooms = isRecord(answer["rooms"]) ? answer["rooms"]["join"] : undefined;
  for (const [room, joined] of Object.entries(isRecord(rooms) ? rooms : {})) {
    const timeline = isRecord(joined) ? joined["timeline"] : undefined;
    if (isRecord(timeline)) yield [roomId(room), timeline];
  }
}
