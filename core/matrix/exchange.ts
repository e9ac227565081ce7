/** One request to the homeserver and its answer, as undici's lowest layer has them: cheap, and it knows whether anything left us. */
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Clock } from "../network.ts";
import { MatrixError, readReason, SourceFailed, Unreachable } from "./failure.ts";

export interface Doing {
  /** For errors: "Sending to !room". */
  readonly doing: string;
  readonly method: string;
  /** Milliseconds that an answer may take; while a body is being uploaded, that a chunk may take. */
  readonly limit?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export const ANSWER_LIMIT = 30_000;
/** Answers are kept whole in memory: the state of a very large room is the largest. */
const MOST_BYTES = 128 * 1024 * 1024;

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #doing: Doing;
  readonly #clock: Clock;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #cancel: () => void;
  #sent = false;
  #late = false;
  #sourceError: Error | undefined;
  #status = 0;
  #headers: Answer["headers"] = {};
  #size = 0;

  constructor(doing: Doing, clock: Clock, resolve: (answer: Answer) => void, reject: (error: Error) => void, source: Readable | null) {
    this.#doing = doing;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#cancel = this.#timer();
    source?.once("error", (error) => {
      this.#sourceError ??= error;
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#late) controller.abort(new Error("no answer in time"));
    else this.#sent = true;
  }

  onBodySent(): void {
    this.#cancel();
    this.#cancel = this.#timer();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Answer["headers"]): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > MOST_BYTES) controller.abort(new Error("an answer larger than we take"));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#cancel();
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks, this.#size) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#cancel();
    this.#reject(this.#failure(error));
  }

  #timer(): () => void {
    return this.#clock.timer(this.#doing.limit ?? ANSWER_LIMIT, () => {
      this.#late = true;
      const late = new Error("no answer in time");
      if (this.#controller) this.#controller.abort(late);
      else this.#reject(this.#failure(late));
    });
  }

  #failure(error: Error): Error {
    const { doing, method } = this.#doing;
    if (this.#sourceError) return new SourceFailed(`${doing}: the file broke off at its source.`, { cause: this.#sourceError });
    if (isLengthMismatch(error)) return new SourceFailed(`${doing}: the file is not as long as it was said to be.`, { cause: error });
    return new Unreachable(doing, { sent: this.#sent, read: method === "GET", why: whyOf(error), cause: error });
  }
}

/** The JSON of a good answer. Throws `MatrixError` for any other. */
export function readAnswer(doing: Doing, answer: Answer): unknown {
  if (answer.status < 200 || answer.status > 299) throw answerError(doing, answer);
  try {
    return JSON.parse(answer.body.toString("utf8"));
  } catch {
    const { status } = answer;
    throw new MatrixError(doing.doing, { status, errcode: "M_NOT_JSON", error: "no JSON in it", read: doing.method === "GET" });
  }
}

export function answerError(doing: Doing, answer: Answer): MatrixError {
  const { errcode, error, retryAfterMs } = readReason(parsed(answer.body));
  // The header is rounded up to whole seconds where both are there.
  const retryAfter = retryAfterMs ?? readRetryAfter(answer.headers["retry-after"]);
  return new MatrixError(doing.doing, { status: answer.status, errcode, error, retryAfter, read: doing.method === "GET" });
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** `Retry-After` in whole seconds (the date form is not used by homeservers), as milliseconds. */
function readRetryAfter(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,7}$/.test(header) ? Number(header) * 1000 : undefined;
}

function isLengthMismatch(error: Error): boolean {
  return "code" in error && error.code === "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH";
}

export function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown reason";
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  // Node tries several addresses at once; what failed is in the errors inside.
  if (error instanceof AggregateError) return code ?? whyOf(error.errors[0]);
  return code && !code.startsWith("UND_ERR_ABORTED") ? code : error.message;
}
