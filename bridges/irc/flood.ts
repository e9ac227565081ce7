/**
 * How fast lines may leave: a bucket of tokens whose pace is learnt. Servers tell their limits nowhere; they show them by answering late
 * (then we slow down a little) or by cutting us off for flooding (then we slow down much, and remember). While answers come at once though
 * we are at the limit, the pace grows.
 */
import type { Clock } from "../../core/network.ts";
import type { FloodConfig } from "./config.ts";

/** What is remembered over restarts. */
export interface Pace {
  readonly burst: number;
  readonly perSecond: number;
}

/** Long lines count for more on most servers. */
const BYTES_FOR_ONE_MORE = 300;
const SLOW_ANSWER = 2500;
const QUICK_ANSWER = 800;

export class Flood {
  readonly #config: FloodConfig;
  readonly #clock: Clock;
  #burst: number;
  #perSecond: number;
  /** May be negative: turns that are promised but have not come. */
  #tokens: number;
  #at: number;

  constructor(config: FloodConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#burst = config.burst;
    this.#perSecond = config.per_second;
    this.#tokens = this.#burst;
    this.#at = clock.now();
  }

  /** What was learnt before a restart, within what the config allows now. */
  remember({ burst, perSecond }: Pace): void {
    if (!this.#config.learn) return;
    this.#burst = within(burst, 1, this.#config.burst);
    this.#perSecond = within(perSecond, this.#config.per_second / 10, this.#most);
  }

  get pace(): Pace {
    return { burst: this.#burst, perSecond: this.#perSecond };
  }

  get #most(): number {
    return Math.max(this.#config.most_per_second, this.#config.per_second);
  }

  /** Milliseconds until `lines` more lines may leave; 0 = now. */
  wait(lines = 1): number {
    this.#fill();
    const missing = lines - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perSecond) * 1000);
  }

  /** Takes the turn for lines of so many bytes in all, now or after `wait`. */
  take(lines: number, bytes = 0): void {
    this.#fill();
    this.#tokens -= lines + bytes / BYTES_FOR_ONE_MORE;
  }

  /** The server answered a line of ours after so many milliseconds. */
  answered(after: number): void {
    if (!this.#config.learn) return;
    if (after > SLOW_ANSWER) this.#perSecond = within(this.#perSecond * 0.8, this.#config.per_second / 10, this.#most);
    // A pace that was not used up proves nothing.
    else if (after < QUICK_ANSWER && this.wait() > 0) this.#perSecond = Math.min(this.#perSecond * 1.05, this.#most);
  }

  /** The server cut us off. */
  punished(): void {
    this.#burst = Math.max(1, Math.floor(this.#burst / 2));
    this.#perSecond = Math.max(this.#config.per_second / 10, this.#perSecond / 2);
    this.#tokens = 0;
    this.#at = this.#clock.now();
  }

  /** A fresh connection begins with its burst. */
  refill(): void {
    this.#tokens = this.#burst;
    this.#at = this.#clock.now();
  }

  #fill(): void {
    const now = this.#clock.now();
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + (passed / 1000) * this.#perSecond);
  }
}

const within = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
