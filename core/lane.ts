/**
 * One queue over the journal: rows have their turn in order, one at a time. A row that must wait alone is passed over; a failure
 * that concerns the whole channel or login holds the lane. A lane lives in memory only while it has work.
 */
import type { Logger } from "pino";
import { Broken, LoggedOut, Refused, type Scope, StoreFull, TryLater, Uncertain } from "./model/errors.ts";
import type { Clock } from "./network.ts";
import type { Journal, JournalRow, LaneName, NewRow } from "./store/store.ts";

/** Does a row's work and finishes the row in the journal. Throws the errors of `core/model/errors.ts`. */
export type Work = (row: JournalRow, turn: Turn) => Promise<void>;

export interface Turn {
  /** True for rows that an earlier process may have begun: whatever cannot be repeated is to be looked for first. */
  readonly again: boolean;
}

/** What a lane tells of itself. */
export interface LaneWatch {
  /** `error` is what the work failed with. */
  held(lane: LaneName, why: string, scope: Scope, error: unknown): void;
  freed(lane: LaneName): void;
  /** What people are told of a row that is about to be parked: it is written together with that. */
  parking(lane: LaneName, row: JournalRow, why: string, error: unknown): Promise<readonly NewRow[]>;
  /** Both are on disk. */
  parked(lane: LaneName, told: readonly NewRow[]): void;
}

export interface LaneContext {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watch: LaneWatch;
  /** Only phases below this have their turn; undefined = all. */
  below(lane: LaneName): Promise<number | undefined>;
  /** Milliseconds after which a row that cannot be delivered is parked although the way may open again. */
  readonly giveUpAfter: number;
}

/** A row that was begun this often and never ended took the process down with it. */
const MOST_CRASHES = 10;
/** What has been in hand for so long does not take the process down: something else did. */
const OUTLIVED = 5_000;
const LONGEST_WAIT = 60_000;

export class Lane {
  readonly name: LaneName;
  readonly #context: LaneContext;
  readonly #work: Work;
  /** Rows of an earlier process, at the head when we started. */
  #inherited: boolean;
  #running: Promise<void> | undefined;
  #again = false;
  /** That what holds us is gone was heard while a row was in hand. */
  #opened = false;
  #stopped = false;
  #failures = 0;
  #held = false;
  #cancelTimer: (() => void) | undefined;
  readonly #gone: (lane: Lane) => void;

  constructor(name: LaneName, work: Work, context: LaneContext, inherited: boolean, gone: (lane: Lane) => void) {
    this.name = name;
    this.#work = work;
    this.#context = context;
    this.#inherited = inherited;
    this.#gone = gone;
  }

  /** There may be work. A lane that is held stays so until its time comes, unless the reason is known to be gone (`open`). */
  wake(open = false): void {
    if (this.#stopped) return;
    if (this.#held && this.#cancelTimer && !open) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#running) {
      this.#again = true;
      this.#opened ||= open;
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) {
        const opened = this.#opened;
        this.#again = false;
        this.#opened = false;
        this.wake(opened);
      } else if (!this.#cancelTimer) this.#gone(this);
    });
  }

  /** Ends after the row in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { journal, clock, below } = this.#context;
    try {
      while (!this.#stopped) {
        // Whoever wakes us before the journal is read has put into it what they wake us for.
        this.#again = false;
        const now = clock.now();
        const row = await journal.next(this.name, now, await below(this.name));
        // A redaction or the end of the link may have taken away what was held.
        if (row === undefined) return this.#free();
        const later = row.notBefore > now ? row.notBefore : await this.#turn(row);
        if (later !== undefined) return this.#wakeAt(later);
      }
    } catch (error) {
      // The journal itself failed (a full disk): nothing is lost, the rows are there.
      this.#context.log.error({ lane: this.name, err: error }, "A queue could not read the journal; it tries again");
      this.#wakeAt(clock.now() + this.#wait());
    }
  }

  /** Returns when to come back, or undefined to go on at once. */
  async #turn(row: JournalRow): Promise<number | undefined> {
    const { journal } = this.#context;
    const again = this.#inherited || row.attempts > 0;
    if (this.#inherited) {
      // Rows that were put off, or passed everything, are passed over: the one in hand at the end was one of them, or the first other.
      this.#inherited = row.reason !== undefined || row.phase < 0;
      await journal.attempt(row.id);
      if (row.attempts >= MOST_CRASHES) {
        await this.#park(row, "It stopped the bridge each time it was tried.", undefined);
        return undefined;
      }
    }
    const calm = again ? this.#context.clock.timer(OUTLIVED, () => this.#outlived(row)) : undefined;
    try {
      await this.#work(row, { again });
      this.#free();
      return undefined;
    } catch (error) {
      return await this.#failed(row, error);
    } finally {
      calm?.();
    }
  }

  #outlived(row: JournalRow): void {
    const { journal, log } = this.#context;
    journal
      .outlived(row.id)
      .catch((error: unknown) => log.debug({ lane: this.name, err: error }, "It was not noted that a row is harmless"));
  }

  async #failed(row: JournalRow, error: unknown): Promise<number | undefined> {
    const { clock, journal, giveUpAfter } = this.#context;
    // No room on the disk: that is nothing of the row's. The queue comes back to it.
    if (error instanceof StoreFull) throw error;
    const now = clock.now();
    const waits = error instanceof TryLater || error instanceof Uncertain || error instanceof LoggedOut;
    if (!waits) {
      await this.#park(row, sentence(error), error);
      return undefined;
    }
    if (now - row.at > giveUpAfter) {
      await this.#park(row, `Given up after trying for days. ${error.message}`, error);
      return undefined;
    }
    const scope = error instanceof TryLater ? error.scope : error instanceof LoggedOut ? "login" : "channel";
    const until = now + (error instanceof TryLater ? Math.max(1, error.after) : this.#wait());
    // An unclear send stays counted as begun, so that it is looked for first.
    if (error instanceof Uncertain) {
      this.#context.log.warn({ lane: this.name, row: row.id, trace: row.trace }, error.message);
      if (row.attempts === 0) await journal.attempt(row.id);
    } else {
      await journal.putOff(row.id, scope === "item" ? until : 0, error.message);
    }
    if (scope === "item") return undefined;
    this.#failures += 1;
    this.#held = true;
    this.#context.watch.held(this.name, error.message, scope, error);
    return until;
  }

  async #park(row: JournalRow, why: string, error: unknown): Promise<void> {
    const { journal, clock, watch } = this.#context;
    const told = await watch.parking(this.name, row, why, error);
    await journal.park(row.id, why, clock.now(), told);
    watch.parked(this.name, told);
  }

  #free(): void {
    this.#failures = 0;
    if (!this.#held) return;
    this.#held = false;
    this.#context.watch.freed(this.name);
  }

  #wait(): number {
    const ceiling = Math.min(LONGEST_WAIT, 500 * 2 ** this.#failures);
    return ceiling / 2 + Math.random() * (ceiling / 2);
  }

  #wakeAt(moment: number): void {
    if (this.#stopped) return;
    const { clock } = this.#context;
    this.#cancelTimer = clock.timer(Math.max(1, Math.min(moment - clock.now(), 2 ** 31 - 1)), () => {
      this.#cancelTimer = undefined;
      this.wake(true);
    });
  }
}

function sentence(error: unknown): string {
  if (error instanceof Refused || error instanceof Broken) return error.message;
  return "The bridge failed over it (the log says how).";
}
