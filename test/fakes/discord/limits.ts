/** Rate limits, and the headers that tell of them. https://discord.com/developers/docs/topics/rate-limits */
import { createHash } from "node:crypto";

export interface Limit {
  readonly limit: number;
  /** Seconds. */
  readonly per: number;
}

interface Bucket {
  used: number;
  resetAt: number;
}

export interface Verdict {
  readonly headers: Record<string, string>;
  /** Present = not now: seconds. */
  readonly retryAfter?: number;
  readonly global?: boolean;
  readonly shared?: boolean;
}

export class Limits {
  readonly #buckets = new Map<string, Bucket>();
  readonly #forced: {
    readonly match: (bucket: string) => boolean;
    until: number;
    readonly seconds: number;
    times: number;
    readonly shared: boolean;
  }[] = [];
  /** How many times faster than the wall the seconds of limits pass. */
  speed = 1;
  on = true;

  now(): number {
    return performance.now() * this.speed;
  }

  check(name: string, major: string, { limit, per }: Limit): Verdict {
    const now = this.now();
    const key = `${name}:${major}`;
    const bucket = this.#buckets.get(key) ?? { used: 0, resetAt: now + per * 1000 };
    if (now >= bucket.resetAt) Object.assign(bucket, { used: 0, resetAt: now + per * 1000 });
    this.#buckets.set(key, bucket);
    const forced = this.#forced.find((one) => one.times > 0 && one.match(key));
    if (forced) {
      forced.times -= 1;
      return {
        headers: headersOf(name, limit, forced.shared ? limit - 1 : 0, forced.seconds, forced.shared ? "shared" : "user"),
        retryAfter: forced.seconds,
        shared: forced.shared,
      };
    }
    const left = (bucket.resetAt - now) / 1000;
    if (!this.on) return { headers: headersOf(name, limit, limit - 1, per) };
    if (bucket.used >= limit) return { headers: headersOf(name, limit, 0, left, "user"), retryAfter: left };
    bucket.used += 1;
    return { headers: headersOf(name, limit, limit - bucket.used, left) };
  }

  /** The next requests of buckets that match are refused. */
  force(match: (bucket: string) => boolean, seconds: number, times = 1, shared = false): void {
    this.#forced.push({ match, until: 0, seconds, times, shared });
  }

  reset(): void {
    this.#buckets.clear();
    this.#forced.length = 0;
  }
}

function headersOf(name: string, limit: number, remaining: number, resetAfter: number, scope?: string): Record<string, string> {
  return {
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(Math.max(0, remaining)),
    "x-ratelimit-reset": (Date.now() / 1000 + resetAfter).toFixed(3),
    "x-ratelimit-reset-after": resetAfter.toFixed(3),
    "x-ratelimit-bucket": createHash("md5").update(name).digest("hex"),
    ...(scope === undefined ? {} : { "x-ratelimit-scope": scope }),
  };
}
