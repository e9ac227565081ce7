/** Everybody's turn on the way out, in the order in which they came. */
import { TryLater } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";
import type { Flood } from "./flood.ts";

/** A message waits so long for its turn at most: then it is core's to keep. */
const LONGEST_TURN = 2000;

export class Outbox {
  readonly #flood: Flood;
  readonly #clock: Clock;
  /** Ends when the last one that was promised has had its turn. */
  #last: Promise<void> = Promise.resolve();
  #idle: Promise<void> = Promise.resolve();

  constructor(flood: Flood, clock: Clock) {
    this.#flood = flood;
    this.#clock = clock;
  }

  /** Rejects with `TryLater` when the turn is further away than a message may wait. */
  async turn(lines: number, bytes: number): Promise<void> {
    const wait = this.#flood.wait(lines);
    if (wait > LONGEST_TURN) {
      throw new TryLater("IRC takes messages slowly, so that it does not cut us off for flooding.", wait - LONGEST_TURN / 2, "login");
    }
    await this.#at(wait, lines, bytes);
  }

  /** Keeps its place however far away its turn is: for what the bridge cannot do without. */
  async sureTurn(lines: number, bytes: number, signal: AbortSignal): Promise<void> {
    await this.#at(this.#flood.wait(lines), lines, bytes, signal);
  }

  /** When nobody else wants to speak: for what can wait, one after the other. */
  async idleTurn(lines: number, bytes: number, signal: AbortSignal): Promise<void> {
    const before = this.#idle;
    const turn = (async () => {
      await before;
      for (let wait = this.#flood.wait(lines); wait > 0; wait = this.#flood.wait(lines)) await this.#clock.sleep(wait, signal);
      this.#flood.take(lines, bytes);
    })();
    this.#idle = turn.catch(() => undefined);
    await turn;
  }

  async #at(wait: number, lines: number, bytes: number, signal?: AbortSignal): Promise<void> {
    this.#flood.take(lines, bytes);
    const before = this.#last;
    const turn = (async () => {
      if (wait > 0) await this.#clock.sleep(wait, signal);
      await before;
    })();
    this.#last = turn.catch(() => undefined);
    await turn;
  }
}
