/**
 * What was not said by a person, as far as it tells. Nothing of it is answered, so that no two programs answer each other for ever: by
 * `m.notice`, by the prefix that application services give their own people, and by the bounce limit of MSC4295.
 */
import { isRecord, type MatrixEvent } from "./event.ts";
import { ORIGIN } from "./origin.ts";

/** MSC4295, "Unstable prefix". */
export const BOUNCE_LIMIT = "io.github.m13253.bounce_limit";
const STABLE = "m.bounce_limit";

/** How often what our bot says may be passed on by others: not at all. */
export const NO_BOUNCE = 1;
/** The same of what was said on a network: a bot may answer it, and its answer may be passed on. */
export const SOME_BOUNCES = 3;

/** How often it may still be passed on or answered, this time included. Undefined = no limit; what is none counts as 1. */
export function bounceLimit(content: Readonly<Record<string, unknown>>): number | undefined {
  const limit = STABLE in content ? content[STABLE] : content[BOUNCE_LIMIT];
  if (limit === undefined || limit === 0) return undefined;
  return Number.isSafeInteger(limit) && (limit as number) > 1 ? (limit as number) : 1;
}

/** "If a message must not be responded to by a bot, it must not be forwarded by a bridge either" (MSC4295), where it says so itself. */
export function mayBounce(content: Readonly<Record<string, unknown>>): boolean {
  return bounceLimit(content) !== 1;
}

/** A bot's, a notice, or somebody of another bridge. What our own ghosts say was said by people. */
export function isAutomatic(event: Pick<MatrixEvent, "content" | "sender">): boolean {
  if (event.content["msgtype"] === "m.notice") return true;
  if (isRecord(event.content[ORIGIN])) return false;
  return bounceLimit(event.content) !== undefined || event.sender.startsWith("@_");
}
