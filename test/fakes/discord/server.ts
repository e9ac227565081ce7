/** Discord's HTTP: the API under /api/v10, files under /cdn. Faults come between the effect and the answer, or before both. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ApiError, unauthorized } from "./errors.ts";
import { Limits, type Verdict } from "./limits.ts";
import type { FakeOAuth } from "./oauth.ts";
import { type Asked, readBody } from "./request.ts";
import type { Router } from "./router.ts";
import type { Bot, World } from "./world.ts";

/** What becomes of requests whose method and path match. */
export interface Fault {
  readonly match: (method: string, path: string) => boolean;
  /** How many are left. */
  times: number;
  readonly kind: "lose-reply" | "lose-request" | "fail-after" | "fail" | "html-429" | "json-429" | "hang" | "hold";
  readonly status?: number;
  /** For `hold`: the request has taken effect, and its answer will never come. */
  readonly held?: () => void;
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  status: number;
}

export class FakeHttp {
  readonly server: Server;
  readonly limits = new Limits();
  readonly faults: Fault[] = [];
  /** Every request to the API, in order. */
  readonly seen: Seen[] = [];
  /** Milliseconds before each answer, on the wall. */
  delay = 0;
  /** New connections are turned away. */
  refusing = false;
  silent = false;
  /** Requests that a fault ended before they were read. */
  turnedAway = 0;
  /** Bytes of bodies that have come in. */
  received = 0;
  #globalUntil = 0;
  readonly #router: Router;
  readonly #world: World;
  readonly #bots: (token: string) => Bot | undefined;
  readonly #oauth: FakeOAuth;

  constructor(router: Router, world: World, bots: (token: string) => Bot | undefined, oauth: FakeOAuth) {
    this.#oauth = oauth;
    this.#router = router;
    this.#world = world;
    this.#bots = bots;
    this.server = createServer((request, response) => void this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
    this.server.on("connection", (socket) => this.refusing && socket.destroy());
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return (this.server.address() as AddressInfo).port;
  }

  /** The bot as a whole has asked too much, for so many seconds. */
  globalLimit(seconds: number): void {
    this.#globalUntil = this.limits.now() + seconds * 1000;
  }

  fault(kind: Fault["kind"], match: RegExp, times = 1, status?: number): void {
    this.faults.push({
      kind,
      match: (method, path) => match.test(`${method} ${path}`),
      times,
      ...(status === undefined ? {} : { status }),
    });
  }

  /** The next request that fits takes effect and is never answered. Returns a function that takes the trap away. */
  trap(match: RegExp, held: () => void): () => void {
    const fault: Fault = { kind: "hold", match: (method, path) => match.test(`${method} ${path}`), times: 1, held };
    this.faults.push(fault);
    return () => {
      fault.times = 0;
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.refusing || this.silent) return void (this.refusing ? request.socket.destroy() : undefined);
    const url = new URL(request.url ?? "/", "http://localhost");
    try {
      if (url.pathname.startsWith("/cdn/")) return this.#file(url, response);
      if (!url.pathname.startsWith("/api/v10/")) throw new ApiError(404, 0, "404: Not Found");
      await this.#api(request, response, url);
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  async #api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const method = request.method ?? "GET";
    const path = url.pathname.slice("/api/v10".length);
    // https://discord.com/developers/docs/reference#user-agent
    if (!/^DiscordBot \(https?:\/\/[^\s,]+, [^\s,)]+\)/.test(request.headers["user-agent"] ?? ""))
      throw new ApiError(403, 40_333, "internal network error");
    if (path.startsWith("/oauth2/token")) return await this.#oauth.serve(request, response, path);
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined) return this.#asUser(bearer, `${method} ${path}`, response);
    const fault = this.faults.find((one) => one.times > 0 && one.match(method, path));
    if (fault) fault.times -= 1;
    if (fault && this.#before(fault, request, response)) {
      this.turnedAway += 1;
      return;
    }
    request.on("data", (chunk: Buffer) => {
      this.received += chunk.length;
    });
    const { body, files } = await readBody(request);
    const seen: Seen = { method, path, query: url.searchParams, body, status: 0 };
    this.seen.push(seen);
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
    const { route, run } = this.#router.find(method, path);
    const globally = (this.#globalUntil - this.limits.now()) / 1000;
    if (globally > 0)
      return this.#limited(response, seen, {
        headers: { "x-ratelimit-global": "true", "x-ratelimit-scope": "global" },
        retryAfter: globally,
        global: true,
      });
    const verdict = this.limits.check(bucketOf(route, body), majorOf(path), limitOf(route, body));
    if (verdict.retryAfter !== undefined) return this.#limited(response, seen, verdict);
    const asked: Asked = {
      method,
      path,
      query: url.searchParams,
      bot: this.#authorise(request, path),
      body,
      files,
      reason: reasonOf(request),
    };
    let answer: unknown;
    try {
      answer = run(asked);
    } catch (error) {
      seen.status = error instanceof ApiError ? error.status : 500;
      return this.#refuse(response, error, verdict.headers);
    }
    seen.status = answer === undefined ? 204 : 200;
    if (fault && this.#after(fault, request, response)) return;
    response.writeHead(seen.status, { ...verdict.headers, ...(answer === undefined ? {} : { "content-type": "application/json" }) });
    response.end(answer === undefined ? undefined : JSON.stringify(answer));
  }

  /** A person's own token, as OAuth2 gives it: with `identify` it tells who they are, and nothing else. */
  #asUser(token: string, what: string, response: ServerResponse): void {
    const grant = this.#oauth.tokens.get(token);
    if (!grant) throw unauthorized();
    if (what !== "GET /users/@me" || !grant.scope.split(" ").includes("identify")) throw new ApiError(403, 50_001, "Missing Access");
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(grant.user));
  }

  /** Webhooks and interactions carry their own token in the path. */
  #authorise(request: IncomingMessage, path: string): Bot | undefined {
    const header = request.headers.authorization;
    if (header === undefined) {
      if (/^\/webhooks\/\d+\/[^/]+|^\/interactions\//.test(path)) return undefined;
      throw unauthorized();
    }
    const bot = header.startsWith("Bot ") ? this.#bots(header.slice(4)) : undefined;
    if (!bot) throw unauthorized();
    return bot;
  }

  #before(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
    switch (fault.kind) {
      case "lose-request":
        request.socket.destroy();
        return true;
      case "hang":
        return true;
      case "html-429":
        response
          .writeHead(429, { "content-type": "text/html", "retry-after": "5" })
          .end("<!DOCTYPE html><title>Access denied</title>error code: 1015");
        return true;
      case "json-429":
        response
          .writeHead(429, { "content-type": "application/json" })
          .end(JSON.stringify({ message: "You are being blocked from accessing our API temporarily.", code: 0 }));
        return true;
      case "fail":
        response.writeHead(fault.status ?? 500, { "content-type": "text/plain" }).end("upstream connect error");
        return true;
      default:
        return false;
    }
  }

  #after(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
    if (fault.kind === "hold") fault.held?.();
    else if (fault.kind === "lose-reply") request.socket.destroy();
    else if (fault.kind === "fail-after")
      response.writeHead(fault.status ?? 502, { "content-type": "text/html" }).end("<html>502 Bad Gateway</html>");
    else return false;
    return true;
  }

  #limited(response: ServerResponse, seen: Seen, { headers, retryAfter = 1, global, shared }: Verdict): void {
    seen.status = 429;
    const message = shared ? "The resource is being rate limited." : "You are being rate limited.";
    response.writeHead(429, { ...headers, "content-type": "application/json", "retry-after": String(Math.ceil(retryAfter)) });
    response.end(JSON.stringify({ message, retry_after: retryAfter, global: global ?? false }));
  }

  #refuse(response: ServerResponse, error: unknown, headers: Record<string, string> = {}): void {
    const known = error instanceof ApiError ? error : new ApiError(500, 0, `500: Internal Server Error ${String(error)}`);
    const { status, code, message, errors } = known;
    response.writeHead(status, { ...headers, "content-type": "application/json" });
    response.end(JSON.stringify({ message, code, ...(errors === undefined ? {} : { errors }) }));
  }

  /** Attachments run out: `ex` is when, in hexadecimal seconds. */
  #file(url: URL, response: ServerResponse): void {
    const path = url.pathname.slice("/cdn".length);
    const file = this.#world.files.get(path);
    const expires = url.searchParams.get("ex");
    const isOver = path.startsWith("/attachments/") && (expires === null || Number.parseInt(expires, 16) * 1000 < this.#world.now());
    if (!file || isOver) return void response.writeHead(404, { "content-type": "text/plain" }).end("This content is no longer available.");
    response.writeHead(200, { "content-type": file.type, "content-length": file.bytes.length });
    response.end(file.bytes);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function reasonOf(request: IncomingMessage): string | undefined {
  const header = request.headers["x-audit-log-reason"];
  return typeof header === "string" ? decodeURIComponent(header) : undefined;
}

function majorOf(path: string): string {
  return /^\/(?:channels|guilds|webhooks)\/\d+/.exec(path)?.[0] ?? "";
}

/** A channel's name and topic have a bucket of their own. */
function bucketOf(route: string, body: Record<string, unknown>): string {
  return route === "PATCH /channels/:c" && (body["name"] !== undefined || body["topic"] !== undefined)
    ? `${route} name`
    : route.replace("/webhooks/:w/:t", "/webhooks/:w/:t");
}

function limitOf(route: string, body: Record<string, unknown>): { limit: number; per: number } {
  if (route === "POST /webhooks/:w/:t") return { limit: 5, per: 2 };
  if (route === "POST /channels/:c/messages") return { limit: 5, per: 5 };
  if (route.includes("/reactions/")) return { limit: 1, per: 0.25 };
  if (bucketOf(route, body).endsWith(" name")) return { limit: 2, per: 600 };
  return { limit: 50, per: 1 };
}
