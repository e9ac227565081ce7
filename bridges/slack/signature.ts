/** Whether a request is Slack's. https://docs.slack.dev/authentication/verifying-requests-from-slack */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Older or later than this on our own clock, a request is a replay. Seconds. */
const WINDOW = 300;

/** `body` is what came, byte for byte; `now` in milliseconds, as clocks on walls have it: Slack's runs no faster for us. */
export function isSlacks(secret: string, headers: IncomingHttpHeaders, body: Buffer, now: number): boolean {
  const at = headers["x-slack-request-timestamp"];
  const given = headers["x-slack-signature"];
  if (typeof at !== "string" || typeof given !== "string" || !/^\d{1,12}$/.test(at)) return false;
  if (Math.abs(now / 1000 - Number(at)) > WINDOW) return false;
  return isSame(given, signature(secret, at, body));
}

export function signature(secret: string, at: string, body: Buffer | string): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${at}:`).update(body).digest("hex")}`;
}

/** In constant time. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
