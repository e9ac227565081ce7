/**
 * Events that the homeserver never pushed. After our start, and after each spell in which the homeserver was away, every linked room is
 * looked at once through the bot's eyes, back to when pushes were last known to come; those in which something happens first. What is
 * found enters by the same intake, which knows what came already. (Synapse has no `/sync` for application services.)
 */
import type { Logger } from "pino";
import type { Links } from "./links.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { Refused } from "./model/errors.ts";
import type { RoomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { SettingStore } from "./store/store.ts";

export interface GapContext {
  readonly client: MatrixClient;
  readonly links: Links;
  readonly settings: SettingStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  take(room: RoomId, events: readonly MatrixEvent[]): Promise<void>;
  /** What was said before this moment was not looked through. */
  tooMuch(room: RoomId, before: number): Promise<void>;
  /** What waited for this look may go on. */
  looked(room: RoomId): void;
}

const HEARD = "matrix.heard";
/** How often it is put on disk that pushes come. */
const NOTED_EVERY = 60_000;
/** Clocks differ, and a push may be late. */
const MARGIN = 600_000;
/** How far our own clock may have been ahead. */
const WRONG_CLOCK = 24 * 3_600_000;
/** How much older than the moment it is sent our own event may be; what is older than seen keys are kept must not be taken for new. */
const LATE = 7 * 86_400_000;
const PAGE = 100;
const MOST_PAGES = 20;
const AGAIN = 2_000;
/**
 * After our start a homeserver first delivers what it kept for us. What is said in the moment between the last of that and its taking us
 * for well again, Synapse keeps back until it fails to reach us once more: so the first look is taken when that moment is over, and
 * another one later.
 */
const SETTLED = 750;
const LATER = 60_000;

export class MatrixGaps {
  readonly #context: GapContext;
  /** Rooms that were looked at since the last spell. */
  #looked = new Set<RoomId>();
  readonly #looking = new Map<RoomId, Promise<void>>();
  /** Up to here everything was pushed; milliseconds since 1970, by the homeserver's clock. */
  #since = 0;
  #noted = 0;
  #settled: Promise<void> = Promise.resolve();
  #sweeping = false;
  /** The homeserver was away again while rooms were looked at. */
  #wanted = false;
  /** Every room was looked at since the last spell: only then is it known that nothing older is still to be found. */
  #swept = false;

  constructor(context: GapContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const heard = await this.#context.settings.get(HEARD);
    const now = this.#context.clock.now();
    if (heard === undefined) await this.#context.settings.set(HEARD, now);
    // What was noted while our clock was ahead lies in the future: nothing is known of how far we had come then, but it was not that far.
    this.#since = (typeof heard === "number" && heard <= now ? heard : now - (typeof heard === "number" ? WRONG_CLOCK : 0)) - MARGIN;
  }

  /** A transaction came: pushes work, up to what it brought. By the homeserver's clock, since ours may be wrong for a while. */
  async heard(events: readonly MatrixEvent[]): Promise<void> {
    const said = events.filter(({ content }) => !("io.causeway.origin" in content)).map((event) => event.origin_server_ts);
    if (said.length === 0 || !this.#swept) return;
    const now = this.#context.clock.now();
    // Other homeservers' clocks are wrong too, by years.
    const latest = Math.max(now - LATE, Math.min(now, Math.max(...said)));
    if (Math.abs(latest - this.#noted) < NOTED_EVERY) return;
    this.#noted = latest;
    await this.#context.settings.set(HEARD, latest);
  }

  isLooked(room: RoomId): boolean {
    return this.#looked.has(room);
  }

  /** The homeserver was away: every room is looked at anew. */
  async again(): Promise<void> {
    if (this.#sweeping) {
      this.#wanted = true;
      return;
    }
    this.#looked = new Set();
    this.#swept = false;
    await this.load();
    await this.sweep();
  }

  /** Begins the looks of a start. Rooms that are asked for meanwhile wait until the homeserver has settled. */
  begin(): void {
    const { clock, signal, log } = this.#context;
    this.#settled = clock.sleep(SETTLED, signal).catch(() => undefined);
    const run = async () => {
      await this.sweep();
      await clock.sleep(LATER, signal);
      await this.again();
    };
    run().catch((error: unknown) => {
      if (!signal.aborted) log.error({ err: error }, "Looking for missed events ended early");
    });
  }

  /** All linked rooms, one after the other, behind those that are asked for. */
  async sweep(): Promise<void> {
    this.#sweeping = true;
    try {
      for await (const link of this.#context.links.all()) {
        if (this.#context.signal.aborted) return;
        await this.look(link.room);
      }
      this.#swept = !this.#context.signal.aborted;
    } catch (error) {
      this.#context.log.error({ err: error }, "Looking for missed events ended early");
    } finally {
      this.#sweeping = false;
    }
    if (!this.#wanted) return;
    this.#wanted = false;
    await this.again();
  }

  /** Resolves when the room has been looked at, or the homeserver does not let us. */
  async look(room: RoomId): Promise<void> {
    if (this.#looked.has(room)) return;
    const looking = this.#looking.get(room) ?? this.#lookUntilDone(room).finally(() => this.#looking.delete(room));
    this.#looking.set(room, looking);
    await looking;
  }

  async #lookUntilDone(room: RoomId): Promise<void> {
    const { clock, log, signal, take } = this.#context;
    await this.#settled;
    while (!signal.aborted) {
      try {
        await take(room, await this.#missed(room));
        break;
      } catch (error) {
        const failure = failureOf(error);
        log.info({ room, err: failure }, "The room could not be looked at for missed events");
        if (failure instanceof Refused) break;
        await clock.sleep(AGAIN, signal).catch(() => undefined);
      }
    }
    // A bridge that stops has not looked: what waits for it goes on waiting.
    if (signal.aborted) return;
    this.#looked.add(room);
    this.#context.looked(room);
  }

  /** What happened since, oldest first, whether it came or not. */
  async #missed(room: RoomId): Promise<readonly MatrixEvent[]> {
    const events: MatrixEvent[] = [];
    let from: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const back = await this.#context.client.messages(room, { dir: "b", limit: PAGE, ...(from === undefined ? {} : { from }) });
      const fresh = back.events.filter((event) => this.#isFresh(event));
      events.push(...fresh);
      from = back.end;
      // One event with an old time (another bridge's, a late one) is not yet the end: a whole page of them is.
      if (fresh.length === 0 || from === undefined) return events.reverse();
    }
    this.#context.log.warn({ room, events: events.length }, "More happened in the room than is looked through for missed events");
    await this.#context.tooMuch(room, events.at(-1)?.origin_server_ts ?? this.#since);
    return events.reverse();
  }

  /** What ghosts say late carries its own time. */
  #isFresh(event: MatrixEvent): boolean {
    const late = "io.causeway.origin" in event.content ? LATE : 0;
    return event.origin_server_ts >= this.#since - late;
  }
}
