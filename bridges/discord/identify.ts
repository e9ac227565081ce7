/**
 * Beginnings of new sessions, counted over restarts. Discord allows a thousand a day and then resets the bot's token: a crash loop must
 * never get there. RESUMEs are free.
 *
 * https://discord.com/developers/docs/events/gateway#session-start-limit-object
 */
import type { APIGatewaySessionStartLimit } from "discord-api-types/v10";
import type { Clock, Keep } from "../../core/network.ts";

const DAY = 24 * 3_600_000;
/** What is never used up: enough to start by hand after a bad day. */
const RESERVE = 100;
/** Discord wants so much time between two of one group of shards. */
const BETWEEN = 5_000;
const KEY = "identifies";

export class IdentifyBudget {
  readonly #keep: Keep;
  readonly #clock: Clock;
  #limit: APIGatewaySessionStartLimit | undefined;
  #told = 0;
  #since = 0;
  #tail: Promise<unknown> = Promise.resolve();
  readonly #last = new Map<number, number>();

  constructor(keep: Keep, clock: Clock) {
    this.#keep = keep;
    this.#clock = clock;
  }

  /** What `/gateway/bot` says now. */
  learn(limit: APIGatewaySessionStartLimit): void {
    this.#limit = limit;
    this.#told = this.#clock.now();
    this.#since = 0;
  }

  /** Milliseconds until a new session may be begun; 0 = now. */
  async wait(): Promise<number> {
    const now = this.#clock.now();
    const times = await this.#times();
    const total = this.#limit?.total ?? 1000;
    const discordLeft = (this.#limit?.remaining ?? total) - this.#since;
    const resetAt = this.#told + (this.#limit?.reset_after ?? 0);
    const byDiscord = discordLeft < RESERVE && resetAt > now ? resetAt - now : 0;
    const allowed = Math.max(1, total - RESERVE);
    const oldest = times.length >= allowed ? (times[times.length - allowed] as number) + DAY - now : 0;
    return Math.max(0, byDiscord, oldest);
  }

  /** Resolves when the shard may identify now. It is counted on disk before. */
  async turn(shardId: number, signal: AbortSignal): Promise<void> {
    const group = shardId % Math.max(1, this.#limit?.max_concurrency ?? 1);
    const mine = this.#tail.then(async () => {
      const wait = (this.#last.get(group) ?? -BETWEEN) + BETWEEN - this.#clock.now();
      if (wait > 0) await this.#clock.sleep(wait, signal);
      signal.throwIfAborted();
      const times = await this.#times();
      await this.#keep.set(KEY, [...times, this.#clock.now()]);
      this.#since += 1;
      this.#last.set(group, this.#clock.now());
    });
    this.#tail = mine.catch(() => undefined);
    await mine;
  }

  async #times(): Promise<number[]> {
    const kept = await this.#keep.get(KEY);
    const since = this.#clock.now() - DAY;
    return Array.isArray(kept) ? kept.filter((time): time is number => typeof time === "number" && time > since) : [];
  }
}
