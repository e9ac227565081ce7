/**
 * HTTP to the homeserver: one pool of kept-alive connections, one request at a time on each. Nothing is ever repeated here: a call
 * either has an answer, or fails with what is known about whether it left us.
 */
import type { Readable } from "node:stream";
import { type Dispatcher, Pool, request } from "undici";
import type { Mxid } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import { ANSWER_LIMIT, type Answer, answerError, Exchange, readAnswer, whyOf } from "./exchange.ts";
import { MatrixError, Unreachable } from "./failure.ts";
import { watched } from "./streams.ts";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Call {
  /** For errors: "Sending to !room". */
  readonly doing: string;
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Made by `path`, so that every part is encoded. */
  readonly path: string;
  readonly query?: Query;
  /** Whom to act for; absent, or the bot = the bot itself. */
  readonly as?: Mxid | undefined;
  /** JSON. */
  readonly body?: unknown;
  /** Milliseconds that an answer may take. */
  readonly limit?: number;
  /** In place of the one that `as` would have. */
  readonly token?: string;
}

export interface Upload extends Omit<Call, "body"> {
  readonly stream: Readable;
  readonly size: number;
  readonly mimetype: string;
}

/** A file on its way to us. Whoever takes it reads it to the end or destroys it. */
export interface Download {
  readonly stream: Readable;
  readonly size?: number;
  readonly mimetype?: string;
}

const MOST_REDIRECTS = 3;
const JSON_TYPE = ["content-type", "application/json"];

export interface TransportOptions {
  readonly homeserverUrl: string;
  readonly asToken: string;
  readonly botMxid: Mxid;
  readonly clock: Clock;
  readonly puppets?: Puppets | undefined;
}

/** By whose tokens the bridge acts as people who are no ghosts of ours. */
export interface Puppets {
  /** `own`: it is that person's alone and names them by itself; else `user_id` has to say whom it is for. Undefined = the bridge's own does. */
  of(as: Mxid): { readonly token: string; readonly own: boolean } | undefined;
}

function headersWith(token: string): readonly string[] {
  return ["authorization", `Bearer ${token}`, "user-agent", "Causeway"];
}

export class Transport {
  readonly #pool: Pool;
  /** Files have connections of their own: a reader who takes an hour must not hold up messages. */
  readonly #files: Pool;
  readonly #base: string;
  readonly #host: string;
  readonly #bot: Mxid;
  readonly #clock: Clock;
  readonly #headers: readonly string[];
  readonly #puppets: Puppets | undefined;

  constructor({ homeserverUrl, asToken, botMxid, clock, puppets }: TransportOptions) {
    const url = new URL(homeserverUrl);
    // Time limits are ours, by the clock; undici's own are off but for the making of a connection.
    const common = { pipelining: 1, allowH2: false, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 10_000 };
    this.#pool = new Pool(url.origin, { ...common, connections: 8 });
    this.#files = new Pool(url.origin, { ...common, connections: 32 });
    this.#host = url.hostname;
    this.#base = url.pathname.replace(/\/+$/, "");
    this.#bot = botMxid;
    this.#clock = clock;
    this.#headers = headersWith(asToken);
    this.#puppets = puppets;
  }

  #headersFor({ as, token }: Pick<Call, "as" | "token">): readonly string[] {
    const given = token ?? (as === undefined ? undefined : this.#puppets?.of(as)?.token);
    return given === undefined ? this.#headers : headersWith(given);
  }

  /** The answer's JSON. Rejects with `MatrixError` or `Unreachable`. */
  call(call: Call): Promise<unknown> {
    if (call.body === undefined) return this.#exchange(this.#pool, call, null, []);
    return this.#exchange(this.#pool, call, writeBody(call.body), JSON_TYPE);
  }

  /** Sends a stream of known length; rejects with `SourceFailed` when the stream fails or has another length. */
  upload(call: Upload): Promise<unknown> {
    return this.#exchange(this.#files, call, call.stream, ["content-type", call.mimetype, "content-length", String(call.size)]);
  }

  async #exchange(pool: Pool, call: Call | Upload, body: Readable | string | null, type: readonly string[]): Promise<unknown> {
    const options = { method: call.method, path: this.#path(call), headers: [...this.#headersFor(call), ...type], body };
    const answer = await new Promise<Answer>((resolve, reject) => {
      pool.dispatch(options, new Exchange(call, this.#clock, resolve, reject, typeof body === "object" ? body : null));
    });
    return readAnswer(call, answer);
  }

  /** An answer that is a file. Its stream fails when it stalls for the call's limit. */
  async download(call: Call): Promise<Download> {
    const headers = [...this.#headers];
    let answer = await this.#open(call, (opening) => this.#files.request({ ...opening, path: this.#path(call), headers }));
    for (let hops = 0; isRedirect(answer.statusCode); hops += 1) {
      answer.body.on("error", () => undefined).destroy();
      const target = redirectTarget(call, answer, hops, this.#host);
      // The homeserver keeps its media elsewhere. That place is not given our token.
      answer = await this.#open(call, (opening) => request(target, opening));
    }
    if (answer.statusCode === 200) return this.#describe(call, answer);
    const body = await answer.body.bytes().catch(() => new Uint8Array());
    throw answerError(call, { status: answer.statusCode, headers: answer.headers, body: Buffer.from(body) });
  }

  async #open(call: Call, open: (opening: Opening) => Promise<Dispatcher.ResponseData>): Promise<Dispatcher.ResponseData> {
    const abort = new AbortController();
    const cancel = this.#clock.timer(call.limit ?? ANSWER_LIMIT, () => abort.abort(new Error("no answer in time")));
    try {
      return await open({ method: "GET", signal: abort.signal, headersTimeout: 0, bodyTimeout: 0 });
    } catch (error) {
      throw new Unreachable(call.doing, { sent: true, read: true, why: whyOf(error), cause: error });
    } finally {
      cancel();
    }
  }

  #describe(call: Call, { headers, body }: Dispatcher.ResponseData): Download {
    const size = Number(headers["content-length"]);
    const mimetype = headers["content-type"];
    return {
      stream: watched(body, { clock: this.#clock, stall: call.limit ?? ANSWER_LIMIT, doing: call.doing }),
      ...(headers["content-length"] !== undefined && Number.isSafeInteger(size) && headers["content-encoding"] === undefined
        ? { size }
        : {}),
      ...(typeof mimetype === "string" ? { mimetype } : {}),
    };
  }

  #path(call: Call | Upload): string {
    let path = this.#base + call.path;
    let mark = path.includes("?") ? "&" : "?";
    const add = (name: string, value: string): void => {
      path += `${mark}${name}=${encodeURIComponent(value.toWellFormed())}`;
      mark = "&";
    };
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value === undefined) continue;
      if (typeof value === "object") for (const each of value) add(name, each);
      else add(name, String(value));
    }
    if (call.as !== undefined && call.as !== this.#bot && this.#puppets?.of(call.as)?.own !== true) add("user_id", call.as);
    return path;
  }

  /** Lets running calls end for two seconds, then cuts them. */
  async close(): Promise<void> {
    const pools = [this.#pool, this.#files];
    const cancel = this.#clock.timer(2_000, () => void Promise.all(pools.map((pool) => pool.destroy())));
    await Promise.allSettled(pools.map((pool) => pool.close()));
    cancel();
  }
}

interface Opening {
  readonly method: "GET";
  readonly signal: AbortSignal;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Unencrypted, only the homeserver's own machine is gone to: what lies within our walls at any other address is not for those who write links. */
function redirectTarget(call: Call, answer: Dispatcher.ResponseData, hops: number, home: string): URL {
  const location = answer.headers.location;
  const target = typeof location === "string" && URL.canParse(location) ? new URL(location) : undefined;
  const may = target && (target.protocol === "https:" || (target.protocol === "http:" && target.hostname === home));
  if (may && hops < MOST_REDIRECTS) return target;
  throw new MatrixError(call.doing, {
    status: answer.statusCode,
    errcode: "M_UNKNOWN",
    error: "a redirect that leads nowhere",
    read: true,
  });
}

/** Encodes each part of a path: `path`/rooms/${room}/join``. A part that a proxy would take for "this folder" or "the one above" throws. */
export function path(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  let out = strings[0] ?? "";
  for (const [index, part] of parts.entries()) {
    if (part === "." || part === "..") throw new TypeError("A dot alone cannot stand in a path.");
    out += encodeURIComponent(part.toWellFormed()) + strings[index + 1];
  }
  return out;
}

/** JSON in which a lone half of a surrogate pair, which homeservers cannot store, has become U+FFFD. */
export function writeBody(body: unknown): string {
  const text = JSON.stringify(body);
  // JSON.stringify escapes lone surrogates, and nothing else, as \ud….
  return text.includes("\\ud") ? text.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, "$1\ufffd") : text;
}
