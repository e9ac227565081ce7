/**
 * Discord's HTTP API, through discord.js's `REST`: that builds requests and reads answers; when to send, and what a failure means, is
 * decided here. Nothing is ever sent twice from here.
 *
 * https://discord.com/developers/docs/reference
 */
import { STATUS_CODES } from "node:http";
import { DefaultUserAgent, DiscordAPIError, HTTPError, REST, type ResponseLike } from "@discordjs/rest";
import type { Logger } from "pino";
import { Agent, request, type Dispatcher } from "undici";
import { Broken, LoggedOut, Refused, TooLarge, TryLater, Uncertain } from "../../core/model/errors.ts";
import { clip } from "../../core/model/plain.ts";
import type { Clock } from "../../core/network.ts";
import { Blocked, codeOf, headersOf, Limited, NoAnswer, retryAfterOf, wasNeverSent } from "./answers.ts";
import { type Ask, openUpload, queryOf } from "./asks.ts";
import { Buckets, PATIENCE, type Route, routeOf } from "./buckets.ts";
import { Code, deniedFrom, isDenied } from "./failures.ts";
import type { Upload } from "./multipart.ts";

export interface RestContext {
  readonly apiUrl: string;
  readonly token: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Discord has shut this address out; asked for again, every time the wait grows. */
  blocked(until: number): void;
  /** The token is no longer good. */
  loggedOut(why: string): void;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const ANSWER_WITHIN = 15_000;
/** https://discord.com/developers/docs/resources/audit-log: 512 characters at most. */
const LONGEST_REASON = 400;
/** Slower than this nobody uploads. */
const BYTES_PER_MS = 30;
const FIRST_BLOCK = 60_000;
const LONGEST_BLOCK = 3_600_000;
/** https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans */
const INVALID_WINDOW = 600_000;
const MOST_INVALID = 8_000;

export class Rest {
  readonly #context: RestContext;
  readonly #rest: REST;
  readonly #agent: Agent;
  readonly #buckets: Buckets;
  readonly #turns = new Map<string, Turn>();
  #turnCount = 0;
  #blockedUntil = 0;
  #blocks = 0;
  #failures = 0;
  #invalid = 0;
  #invalidSince = 0;

  constructor(context: RestContext) {
    this.#context = context;
    this.#buckets = new Buckets(context.clock);
    this.#agent = new Agent({ connections: 16, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 });
    this.#rest = new REST({
      api: context.apiUrl,
      version: "10",
      retries: 0,
      // Ours are the limits and the times: what discord.js counts by the wall clock never applies.
      globalRequestsPerSecond: 1_000_000,
      timeout: 24 * 3_600_000,
      hashSweepInterval: 0,
      handlerSweepInterval: 0,
      makeRequest: (url, init) => this.#make(url, init as unknown as Made),
    }).setToken(context.token);
  }

  get<T>(path: string, ask: Ask = {}): Promise<T> {
    return this.#ask("GET", path, ask) as Promise<T>;
  }

  post<T>(path: string, ask: Ask = {}): Promise<T> {
    return this.#ask("POST", path, ask) as Promise<T>;
  }

  put<T>(path: string, ask: Ask = {}): Promise<T> {
    return this.#ask("PUT", path, ask) as Promise<T>;
  }

  patch<T>(path: string, ask: Ask = {}): Promise<T> {
    return this.#ask("PATCH", path, ask) as Promise<T>;
  }

  delete<T>(path: string, ask: Ask = {}): Promise<T> {
    return this.#ask("DELETE", path, ask) as Promise<T>;
  }

  /** For the gateway, which asks for its own address. */
  get client(): REST {
    return this.#rest;
  }

  /** A file of Discord's, by its whole address. Not counted: the CDN has no such limits. */
  async download(url: string): Promise<Dispatcher.ResponseData> {
    try {
      const headers = { "user-agent": DefaultUserAgent };
      return await request(url, { dispatcher: this.#agent, headers, headersTimeout: 30_000, bodyTimeout: 60_000 });
    } catch (error) {
      throw new TryLater("Discord's files cannot be reached.", this.#growing(), "item", { cause: new Error(codeOf(error)) });
    }
  }

  /** Blocked since before a restart. */
  resumeBlock(until: number, times: number): void {
    this.#blockedUntil = until;
    this.#blocks = times;
  }

  get blocks(): number {
    return this.#blocks;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(method: Method, path: string, ask: Ask): Promise<unknown> {
    const route = routeOf(method, path, ask.sub);
    const deadline = this.#context.clock.now() + PATIENCE;
    for (;;) {
      this.#requireOpen();
      const leave = await this.#buckets.turn(route);
      try {
        const answer = await this.#send(method, path, route, ask);
        this.#failures = 0;
        return answer;
      } catch (error) {
        if (!(error instanceof Limited)) throw this.#failureOf(error, method, route, ask.anonymous === true);
        const { wait, scope } = error;
        if (this.#context.clock.now() + wait > deadline) {
          throw new TryLater(`Discord asks to wait ${Math.ceil(wait / 1000)} s.`, wait, scope);
        }
        await this.#context.clock.sleep(wait);
      } finally {
        leave();
      }
    }
  }

  async #send(method: Method, path: string, route: Route, ask: Ask): Promise<unknown> {
    const upload = ask.file ? await openUpload(ask.body, ask.file) : undefined;
    const turn: Turn = { route, upload, size: Number(upload?.headers["content-length"] ?? 0) };
    const id = String(++this.#turnCount);
    this.#turns.set(id, turn);
    try {
      return await this.#rest.request({
        method: method as never,
        fullRoute: path as `/${string}`,
        auth: ask.anonymous !== true,
        headers: { ...upload?.headers, [TURN]: id },
        ...(ask.query ? { query: queryOf(ask.query) } : {}),
        ...(ask.reason === undefined ? {} : { reason: clip(ask.reason.toWellFormed(), LONGEST_REASON) }),
        ...(upload ? { body: upload.body, passThroughBody: true } : ask.body === undefined ? {} : { body: ask.body }),
      });
    } catch (error) {
      if (upload?.failure() !== undefined) throw new TryLater("The file could not be fetched from the Matrix side.", 5_000, "item");
      throw error;
    } finally {
      this.#turns.delete(id);
      upload?.body.destroy();
    }
  }

  /** One request on the wire. Rate limits are read here, so that `REST` never sees them. */
  async #make(url: string, init: Made): Promise<ResponseLike> {
    const { [TURN]: id, ...headers } = init.headers;
    const turn = this.#turns.get(id ?? "") ?? {
      route: routeOf(init.method, new URL(url).pathname.replace(/^.*?\/v10/, "")),
      upload: undefined,
      size: 0,
    };
    const controller = new AbortController();
    const cancel = this.#context.clock.timer(ANSWER_WITHIN + turn.size / BYTES_PER_MS, () =>
      controller.abort(new Error("no answer in time")),
    );
    try {
      const answer = await request(url, {
        method: init.method as Dispatcher.HttpMethod,
        headers,
        body: init.body as string | null,
        dispatcher: this.#agent,
        signal: controller.signal,
      });
      // Read within the time too: an answer that never ends is none.
      const text = await answer.body.text();
      return await this.#answer(turn.route, answer.statusCode, headersOf(answer.headers), text);
    } catch (error) {
      if (error instanceof Limited || error instanceof Blocked) throw error;
      throw new NoAnswer(codeOf(error), wasNeverSent(error));
    } finally {
      cancel();
    }
  }

  async #answer(route: Route, said: number, headers: Headers, text: string): Promise<ResponseLike> {
    // discord.js would wait for ever on a 429 that no waiting mends.
    const status = said === 429 && isUsedUp(text) ? 400 : said;
    const html = (headers.get("content-type") ?? "").includes("text/html");
    const counted = headers.has("x-ratelimit-bucket") || headers.has("x-ratelimit-scope") || headers.has("x-ratelimit-global");
    if (!counted && (status === 429 || (html && status < 500))) throw this.#block(headers);
    this.#buckets.learn(route, headers);
    if (status === 401 || status === 403 || (status === 429 && headers.get("x-ratelimit-scope") !== "shared")) this.#countInvalid();
    if (status === 429) {
      const { wait, scope } = this.#buckets.limited(route, headers, retryAfterOf(headers, text));
      throw new Limited(wait, scope);
    }
    this.#blocks = 0;
    const json = (headers.get("content-type") ?? "").startsWith("application/json");
    return {
      status,
      ok: status >= 200 && status < 300,
      statusText: STATUS_CODES[status] ?? "",
      headers: new Headers({ "content-type": json ? "application/json" : "application/octet-stream" }),
      body: null,
      bodyUsed: true,
      text: async () => text,
      json: async () => JSON.parse(text),
      arrayBuffer: async () => new ArrayBuffer(0),
    };
  }

  /** Discord shuts out whoever asks wrongly ten thousand times in ten minutes: stop before that. */
  #countInvalid(): void {
    const now = this.#context.clock.now();
    if (now - this.#invalidSince > INVALID_WINDOW) {
      this.#invalidSince = now;
      this.#invalid = 0;
    }
    this.#invalid += 1;
    if (this.#invalid < MOST_INVALID) return;
    this.#blockedUntil = this.#invalidSince + INVALID_WINDOW;
    this.#context.log.error({ count: this.#invalid }, "Discord has refused too much: nothing is asked for a while");
    this.#context.blocked(this.#blockedUntil);
  }

  /** Not a limit that can be kept to: the address is shut out. The wait doubles each time. */
  #block(headers: Headers): Blocked {
    const asked = Number(headers.get("retry-after") ?? 0) * 1000;
    const wait = Math.max(Number.isFinite(asked) ? asked : 0, Math.min(LONGEST_BLOCK, FIRST_BLOCK * 2 ** this.#blocks));
    this.#blocks += 1;
    this.#blockedUntil = this.#context.clock.now() + wait;
    this.#context.log.error({ wait, times: this.#blocks }, "Discord has shut out this address: no rate-limit headers");
    this.#context.blocked(this.#blockedUntil);
    return new Blocked();
  }

  #requireOpen(): void {
    const wait = this.#blockedUntil - this.#context.clock.now();
    if (wait > 0) throw new TryLater(BLOCKED, wait, "login");
  }

  /** In the five words of the contract. No cause: discord.js's errors hold addresses with tokens in them. */
  #failureOf(error: unknown, method: Method, route: Route, anonymous: boolean): Error {
    if (error instanceof Blocked) return new TryLater(BLOCKED, Math.max(1, this.#blockedUntil - this.#context.clock.now()), "login");
    if (error instanceof DiscordAPIError) return this.#denied(error, route, anonymous);
    const status = error instanceof HTTPError ? error.status : undefined;
    if (status !== undefined || error instanceof NoAnswer) {
      const what = `${route.method} ${route.template}`;
      this.#context.log.warn({ what, status, why: error instanceof NoAnswer ? error.message : undefined }, "Discord did not answer");
      if (method === "GET") return new TryLater("Discord cannot be reached.", this.#growing(), "login");
      if (error instanceof NoAnswer && error.unsent) return new TryLater("Discord cannot be reached.", this.#growing(), "login");
      return new Uncertain("Discord did not say whether it took the message.");
    }
    if (error instanceof TryLater || error instanceof Refused || error instanceof LoggedOut) return error;
    // What discord.js says when the token is gone.
    if (error instanceof Error && error.message.startsWith("Expected token")) return new LoggedOut(BAD_TOKEN);
    this.#context.log.error({ what: `${route.method} ${route.template}`, why: codeOf(error) }, "Discord's answer could not be read");
    if (error instanceof SyntaxError && method !== "GET") return new Uncertain("Discord's answer could not be read.");
    return new Broken("Discord's answer could not be read.");
  }

  #denied(error: DiscordAPIError, route: Route, anonymous: boolean): Error {
    if (error.status === 401 && !anonymous) {
      this.#context.loggedOut(BAD_TOKEN);
      return new LoggedOut(BAD_TOKEN);
    }
    const denied = deniedFrom(error.status, error.rawError);
    this.#context.log.debug({ what: `${route.method} ${route.template}`, status: error.status, code: denied.code }, "Discord said no");
    const large = error.status === 413 || isDenied(denied, Code.RequestEntityTooLarge, Code.FileUploadedExceedsMaximumSize);
    return large ? new TooLarge(denied.message) : denied;
  }

  #growing(): number {
    const wait = Math.min(60_000, 1_000 * 2 ** Math.min(this.#failures, 6));
    this.#failures += 1;
    return wait;
  }
}

/**
 * Something of which there may be only so many, such as edits of an old message: told with 429 as well, but under a code of its own.
 * https://discord.com/developers/docs/topics/opcodes-and-status-codes#json (30001 to 30061)
 */
function isUsedUp(text: string): boolean {
  const [, code] = /"code":\s*(30\d{3})\b/.exec(text.slice(0, 1000)) ?? [];
  return code !== undefined;
}

export const BLOCKED = "Discord has shut this server's address out for a while: too many requests came from it.";
export const BAD_TOKEN =
  "Discord no longer accepts the bot's token: make a new one under Bot → Reset Token in the developer portal, and put it into the config.";

interface Made {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Turn {
  readonly route: Route;
  readonly upload: Upload | undefined;
  readonly size: number;
}

/** How `#make` knows which of our requests `REST` hands it: a header that never leaves. */
const TURN = "x-causeway-turn";
