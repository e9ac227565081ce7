/** What can go wrong between us and the homeserver, and what each of it means for the message in hand. */
import { Broken, LoggedOut, Refused, TryLater, Uncertain } from "../model/errors.ts";

/** The homeserver answered, and the answer is no. Client-server API, "Standard error response". */
export class MatrixError extends Error {
  override readonly name = "MatrixError";
  readonly status: number;
  /** `M_UNKNOWN` when the answer was no Matrix error at all (a proxy's error page). */
  readonly errcode: string;
  /** Milliseconds that the homeserver asks us to wait. */
  readonly retryAfter: number | undefined;
  /** True when the call only asked for something, so that nothing can have happened. */
  readonly read: boolean;
  constructor(doing: string, answer: { status: number; errcode: string; error: string; retryAfter?: number | undefined; read: boolean }) {
    super(`${doing}: the homeserver answered ${answer.status} ${answer.errcode}${answer.error ? ` (${answer.error})` : ""}.`);
    this.status = answer.status;
    this.errcode = answer.errcode;
    this.retryAfter = answer.retryAfter;
    this.read = answer.read;
  }
}

/** There was no answer. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  /** False: the request never left us. True: it may have arrived, and may have had its effect. */
  readonly sent: boolean;
  readonly read: boolean;
  constructor(doing: string, how: { sent: boolean; read: boolean; why: string; cause?: unknown }) {
    super(`${doing}: the homeserver did not answer (${how.why}).`, { cause: how.cause });
    this.sent = how.sent;
    this.read = how.read;
  }
}

/** The bytes that we were uploading broke off at their source: nothing is wrong with the homeserver. */
export class SourceFailed extends Error {
  override readonly name = "SourceFailed";
}

const SOON = 2_000;
const SOURCE_AGAIN = 30_000;
/** A wrong token mends itself only when an admin acts. */
const TOKEN_AGAIN = 300_000;

type Failure = Refused | TryLater | Uncertain | LoggedOut | Broken;

/**
 * The failure of a call, by what to do next. A 5xx other than 503 may hide an effect (a proxy that lost the homeserver half-way), so a
 * write that met one is `Uncertain`; a read never is.
 */
export function failureOf(error: unknown): Failure {
  if (isFailure(error)) return error;
  if (error instanceof Unreachable) {
    if (error.sent && !error.read) return new Uncertain(error.message, { cause: error });
    return new TryLater(error.message, SOON, "login", { cause: error });
  }
  if (error instanceof SourceFailed) return new TryLater(error.message, SOURCE_AGAIN, "item", { cause: error });
  if (error instanceof MatrixError) return failureOfAnswer(error);
  return new Broken(error instanceof Error ? error.message : String(error), { cause: error });
}

/** What a call to the homeserver failed with, by what to do next; a failure of any other kind stays what it is. */
export function translated(error: unknown): unknown {
  const isHomeserver = error instanceof MatrixError || error instanceof Unreachable || error instanceof SourceFailed;
  return isHomeserver ? failureOf(error) : error;
}

function failureOfAnswer(error: MatrixError): Failure {
  const options = { cause: error };
  if (error.status === 429 || error.errcode === "M_LIMIT_EXCEEDED") {
    return new TryLater(error.message, error.retryAfter ?? SOON, "login", options);
  }
  if (error.errcode === "M_UNKNOWN_TOKEN" || error.errcode === "M_MISSING_TOKEN") {
    const remedy =
      "The homeserver does not know our token: its registration file and ours must be the same, and it must have been restarted.";
    return new TryLater(remedy, TOKEN_AGAIN, "login", options);
  }
  if (REFUSALS.has(error.errcode) || error.status === 403 || error.status === 413) return new Refused(error.message, options);
  if (error.status === 503) return new TryLater(error.message, error.retryAfter ?? SOON, "login", options);
  if (error.status >= 500) {
    return error.read ? new TryLater(error.message, error.retryAfter ?? SOON, "login", options) : new Uncertain(error.message, options);
  }
  return new Broken(error.message, options);
}

/** Answers that stay the same however often one asks. */
const REFUSALS: ReadonlySet<string> = new Set([
  "M_FORBIDDEN",
  "M_TOO_LARGE",
  "M_USER_DEACTIVATED",
  "M_USER_LOCKED",
  "M_USER_SUSPENDED",
  "M_CONSENT_NOT_GIVEN",
  "M_RESOURCE_LIMIT_EXCEEDED",
  "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM",
  "M_UNSUPPORTED_ROOM_VERSION",
  "M_INCOMPATIBLE_ROOM_VERSION",
]);

function isFailure(error: unknown): error is Failure {
  return (
    error instanceof Refused ||
    error instanceof TryLater ||
    error instanceof Uncertain ||
    error instanceof LoggedOut ||
    error instanceof Broken
  );
}

/** The part of a homeserver's error that a person may be shown: one line, no control characters, not long. */
export function readReason(body: unknown): { errcode: string; error: string; retryAfterMs?: number } {
  if (typeof body !== "object" || body === null) return { errcode: "M_UNKNOWN", error: "" };
  const { errcode, error, retry_after_ms } = body as Record<string, unknown>;
  return {
    errcode: typeof errcode === "string" && /^[A-Z0-9_.]{1,64}$/i.test(errcode) ? errcode : "M_UNKNOWN",
    error: typeof error === "string" ? oneLine(error) : "",
    ...(typeof retry_after_ms === "number" && retry_after_ms >= 0 ? { retryAfterMs: retry_after_ms } : {}),
  };
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** What was asked for; undefined where we may not see it. A homeserver that is away has not said that there is nothing. */
export async function ifSeen<T>(asked: Promise<T>): Promise<T | undefined> {
  return await asked.catch((error: unknown) => {
    const failure = failureOf(error);
    if (failure instanceof Refused) return undefined;
    throw failure;
  });
}
