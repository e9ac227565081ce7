/** Discord's answers, and the lack of them, in the words that `rest.ts` decides by. */
import type { Scope } from "../../core/model/errors.ts";

export class Limited extends Error {
  readonly wait: number;
  readonly scope: Scope;
  constructor(wait: number, scope: Scope) {
    super("limited");
    this.wait = wait;
    this.scope = scope;
  }
}

export class Blocked extends Error {}

export class NoAnswer extends Error {
  readonly unsent: boolean;
  constructor(why: string, unsent: boolean) {
    super(why);
    this.unsent = unsent;
  }
}

const UNSENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

export function wasNeverSent(error: unknown): boolean {
  return UNSENT.test(codeOf(error));
}

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

export function headersOf(raw: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    if (name.startsWith("x-ratelimit-") || name === "retry-after" || name === "content-type") headers.set(name, String(value));
  }
  return headers;
}

export function retryAfterOf(headers: Headers, text: string): number {
  let body: unknown;
  try {
    body = (JSON.parse(text) as { retry_after?: unknown }).retry_after;
  } catch {
    body = undefined;
  }
  const header = Number(headers.get("retry-after") ?? Number.NaN);
  const seconds = typeof body === "number" && Number.isFinite(body) ? body : header;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 1;
}
