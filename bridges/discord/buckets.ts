/**
 * Rate limits as Discord's headers tell them: who has to wait, and for how long. Nothing is sent from here. All times go through the clock.
 *
 * https://discord.com/developers/docs/topics/rate-limits
 */
import { type Scope, TryLater } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";

/** What a request is counted under. */
export interface Route {
  readonly method: string;
  /** The path with ids replaced, and a channel's, guild's or webhook's own id apart. */
  readonly template: string;
  readonly major: string;
  /** A limit of its own within the route: a channel's name may change twice in ten minutes. */
  readonly sub?: string;
}

interface Bucket {
  remaining: number;
  limit: number;
  resetAt: number;
}

/** How long a request may wait for its turn before it is put off. */
export const PATIENCE = 2_000;
const GLOBAL_PER_SECOND = 50;
/** A quiet bucket is forgotten when more than so many are remembered. */
const MANY = 2_000;

export class Buckets {
  readonly #clock: Clock;
  readonly #hashes = new Map<string, string>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #queues = new Map<string, (() => void)[]>();
  #globalUntil = 0;
  #second = 0;
  #inSecond = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the request may go: one at a time per route and channel, within its bucket, within the whole. The returned function
   * ends its turn. Throws `TryLater` when that would take more than `PATIENCE`.
   */
  async turn(route: Route): Promise<() => void> {
    const deadline = this.#clock.now() + PATIENCE;
    const leave = await this.#enter(keyOf(route), deadline);
    try {
      for (;;) {
        const { wait, scope } = this.#wait(route);
        if (wait <= 0) break;
        if (this.#clock.now() + wait > deadline) throw new TryLater(waitSentence(wait), wait, scope);
        await this.#clock.sleep(wait);
      }
    } catch (error) {
      leave();
      throw error;
    }
    this.#consume(route);
    return leave;
  }

  /** Takes in the headers of an answer. */
  learn(route: Route, headers: Headers): void {
    const hash = headers.get("x-ratelimit-bucket");
    const [remaining, limit, resetAfter] = ["remaining", "limit", "reset-after"].map((name) =>
      Number(headers.get(`x-ratelimit-${name}`) ?? Number.NaN),
    ) as [number, number, number];
    if (hash !== null) this.#hashes.set(`${route.method} ${route.template}`, hash);
    if (!Number.isFinite(remaining) || !Number.isFinite(resetAfter)) return;
    if (this.#buckets.size > MANY) this.#forget();
    this.#buckets.set(this.#bucketOf(route), {
      remaining,
      limit: Number.isFinite(limit) ? limit : 1,
      resetAt: this.#clock.now() + resetAfter * 1000,
    });
  }

  /** A 429 with rate-limit headers. Returns what has to wait. */
  limited(route: Route, headers: Headers, retryAfter: number): { readonly wait: number; readonly scope: Scope } {
    const wait = Math.max(1, Math.ceil(retryAfter * 1000));
    const until = this.#clock.now() + wait;
    if (headers.has("x-ratelimit-global") || headers.get("x-ratelimit-scope") === "global") {
      this.#globalUntil = Math.max(this.#globalUntil, until);
      return { wait, scope: "login" };
    }
    // The bucket itself is not empty: a narrower limit was hit, of this operation alone.
    const remaining = Number(headers.get("x-ratelimit-remaining") ?? 0);
    const key = remaining > 0 ? subKeyOf(route) : this.#bucketOf(route);
    this.#buckets.set(key, { remaining: 0, limit: 1, resetAt: until });
    return { wait, scope: scopeOf(route) };
  }

  #wait(route: Route): { wait: number; scope: Scope } {
    const now = this.#clock.now();
    if (this.#globalUntil > now) return { wait: this.#globalUntil - now, scope: "login" };
    if (this.#inSecond >= GLOBAL_PER_SECOND && now < this.#second + 1000) return { wait: this.#second + 1000 - now, scope: "login" };
    let wait = 0;
    for (const key of [this.#bucketOf(route), subKeyOf(route)]) {
      const bucket = this.#buckets.get(key);
      if (bucket && bucket.remaining <= 0) wait = Math.max(wait, bucket.resetAt - now);
    }
    return { wait, scope: scopeOf(route) };
  }

  #consume(route: Route): void {
    const now = this.#clock.now();
    if (now >= this.#second + 1000) {
      this.#second = now;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    const bucket = this.#buckets.get(this.#bucketOf(route));
    if (!bucket) return;
    if (bucket.resetAt <= now) bucket.remaining = bucket.limit;
    bucket.remaining -= 1;
  }

  #bucketOf(route: Route): string {
    const hash = this.#hashes.get(`${route.method} ${route.template}`);
    return hash === undefined ? keyOf(route) : `${hash}:${route.major}`;
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [key, bucket] of this.#buckets) if (bucket.resetAt <= now) this.#buckets.delete(key);
  }

  #enter(key: string, deadline: number): Promise<() => void> {
    const leave = () => this.#next(key);
    const queue = this.#queues.get(key);
    if (!queue) {
      this.#queues.set(key, []);
      return Promise.resolve(leave);
    }
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.timer(deadline - this.#clock.now(), () => {
        queue.splice(queue.indexOf(enter), 1);
        reject(new TryLater(waitSentence(500), 500, "channel"));
      });
      const enter = (): void => {
        cancel();
        resolve(leave);
      };
      queue.push(enter);
    });
  }

  #next(key: string): void {
    const queue = this.#queues.get(key);
    const enter = queue?.shift();
    if (enter) enter();
    else this.#queues.delete(key);
  }
}

function keyOf(route: Route): string {
  return `${route.method} ${route.template} ${route.major}`;
}

function subKeyOf(route: Route): string {
  return `${keyOf(route)} ${route.sub ?? ""}`;
}

function scopeOf(route: Route): Scope {
  return route.major === "" ? "item" : "channel";
}

function waitSentence(ms: number): string {
  return `Discord asks to wait ${Math.max(1, Math.ceil(ms / 1000))} s before the next message.`;
}

/** https://discord.com/developers/docs/topics/rate-limits: channels, guilds and webhooks are counted apart. */
export function routeOf(method: string, path: string, sub?: string): Route {
  const [, kind = "", id = "", token] = /^\/(channels|guilds|webhooks)\/(\d{1,20})(?:\/([\w-]{30,}))?/.exec(path) ?? [];
  const template = path
    .replace(/\/reactions\/.*/, "/reactions/:reaction")
    .replace(/^\/webhooks\/(\d+)\/[\w-]{30,}/, "/webhooks/:id/:token")
    .replace(/^\/interactions\/\d+\/[^/]+/, "/interactions/:id/:token")
    .replaceAll(/\/\d{1,20}(?=\/|$)/g, "/:id");
  // Only what tells two of one kind apart: the token of a webhook is no part of it, and never leaves the address.
  const major = kind === "" ? "" : token === undefined ? `${kind}/${id}` : `${kind}/${id}/token`;
  return { method, template, major, ...(sub === undefined ? {} : { sub }) };
}
