/** So many a minute: for what may wait, so that a homeserver is not kept busy with comings and goings. */
import type { Clock } from "./network.ts";

export class Budget {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #most: number;
  #left: number;
  #since: number;

  /** A sixth of a minute's worth may go at once. */
  constructor(perMinute: number, clock: Clock) {
    this.#clock = clock;
    this.#interval = 60_000 / perMinute;
    this.#most = Math.max(1, Math.floor(perMinute / 6));
    this.#left = this.#most;
    this.#since = clock.now();
  }

  /** 0 = go, and it is counted; else milliseconds until the next may. */
  take(): number {
    const now = this.#clock.now();
    const earned = Math.floor((now - this.#since) / this.#interval);
    this.#left = Math.min(this.#most, this.#left + earned);
    this.#since = this.#left === this.#most ? now : this.#since + earned * this.#interval;
    if (this.#left === 0) return Math.max(1, Math.ceil(this.#since + this.#interval - now));
    this.#left -= 1;
    return 0;
  }
}
