/**
 * Turns: Slack allows each method so many calls a minute (its tier), and one message a second in a channel with short bursts.
 * Every method and every channel waits for itself alone. https://docs.slack.dev/apis/web-api/rate-limits
 */
import { TryLater } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";

/** Calls a minute. */
const TIERS = { one: 1, two: 20, three: 50, four: 100 } as const;

const METHODS: Readonly<Record<string, keyof typeof TIERS>> = {
  "apps.connections.open": "one",
  "conversations.list": "two",
  "conversations.rename": "two",
  "conversations.setTopic": "two",
  "emoji.list": "two",
  "pins.add": "two",
  "pins.remove": "two",
  "usergroups.list": "two",
  "users.list": "two",
  "conversations.members": "four",
  "files.completeUploadExternal": "four",
  "files.getUploadURLExternal": "four",
  "files.info": "four",
  "oauth.v2.access": "four",
  "users.info": "four",
};

/** Its limit is the channel's. */
const POST = "chat.postMessage";
const POSTS_A_SECOND = 1;
const POST_BURST = 4;

/** The longest that a send waits for its turn. */
export const PATIENCE = 2000;

class Bucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #at: number;
  #closedUntil = 0;

  constructor(capacity: number, perSecond: number, now: number) {
    this.#capacity = capacity;
    this.#perMs = perSecond / 1000;
    this.#tokens = capacity;
    this.#at = now;
  }

  /** How long the next caller has to wait. */
  wait(now: number): number {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    const forTurn = this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
    return Math.max(forTurn, this.#closedUntil - now, 0);
  }

  take(): void {
    this.#tokens -= 1;
  }

  /** Slack said when to come again. */
  close(until: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, until);
    this.#tokens = Math.min(this.#tokens, 1);
  }
}

export class Pacing {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is the caller's turn; rejects at once with `TryLater` when that is more than `patience` away. */
  async turn(method: string, channel: string | undefined, patience: number, signal: AbortSignal): Promise<void> {
    const bucket = this.#bucket(method, channel);
    const wait = bucket.wait(this.#clock.now());
    if (wait > patience) throw new TryLater("Slack takes no more for now.", wait, "channel");
    bucket.take();
    if (wait > 0) await this.#clock.sleep(wait, signal);
  }

  /** After a 429: nobody asks before the time that Slack named. */
  limited(method: string, channel: string | undefined, after: number): void {
    this.#bucket(method, channel).close(this.#clock.now() + after);
  }

  #bucket(method: string, channel: string | undefined): Bucket {
    const perChannel = method === POST && channel !== undefined;
    const key = perChannel ? `${method} ${channel}` : method;
    const known = this.#buckets.get(key);
    if (known) return known;
    const perMinute = TIERS[METHODS[method] ?? "three"];
    const now = this.#clock.now();
    const bucket = perChannel ? new Bucket(POST_BURST, POSTS_A_SECOND, now) : new Bucket(perMinute, perMinute / 60, now);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
