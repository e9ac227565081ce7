/** The wire: reads a request, lets the faults have their say, finds the route, writes the answer. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Faults, Subject } from "./faults.ts";
import { Refusal } from "./refusal.ts";
import { answered, type Call, type Route, type Router } from "./router.ts";
import type { Server } from "./server.ts";
import type { Transactions } from "./transactions.ts";
import { isJson, type Json, type Requester } from "./types.ts";

const longestBody = 13_000_000;

export interface Wire {
  readonly server: Server;
  readonly router: Router;
  readonly faults: Faults;
  readonly transactions: Transactions;
}

export async function serve(wire: Wire, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? "/";
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  try {
    await answer(wire, request, response, url, gone.signal);
  } catch (error) {
    if (error instanceof ConnectionLost || gone.signal.aborted) request.socket.destroy();
    else if (error instanceof Refusal) write(response, error.status, error.body, error.extra["retry_after_ms"]);
    else write(response, 500, { errcode: "M_UNKNOWN", error: `Internal server error: ${String(error)}` });
  }
}

class ConnectionLost extends Error {}

async function answer(wire: Wire, request: IncomingMessage, response: ServerResponse, url: string, signal: AbortSignal): Promise<void> {
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  const query = new URLSearchParams(question < 0 ? "" : url.slice(question + 1));
  const token = readToken(request, query);
  const isOurs = path.startsWith("/_fake/");
  const service = token !== undefined && wire.server.services.byToken(token) !== undefined;
  const subject: Subject = { method: request.method, path: url, user: query.get("user_id") ?? undefined, service };
  if (!isOurs) await beforeEffect(wire, subject);
  const { route, params } = wire.router.find(request.method ?? "GET", path);
  const who = route.auth === "none" ? undefined : wire.server.accounts.requester(token, query.get("user_id") ?? undefined);
  const body = await readBody(request, route);
  const call: Call = {
    request,
    response,
    url,
    query,
    token,
    signal,
    body,
    param: (name) => params.get(name) ?? "",
    get who(): Requester {
      if (!who) throw new Error("The route asks for nobody");
      return who;
    },
  };
  const run = (): unknown => route.run(call);
  const result = route.once && who ? await wire.transactions.once(who.session, path, run) : await run();
  if (result === answered) return;
  if (!isOurs) await beforeReply(wire, subject, signal);
  write(response, 200, result);
}

function readToken(request: IncomingMessage, query: URLSearchParams): string | undefined {
  const header = request.headers.authorization;
  if (header?.startsWith("Bearer ")) return header.slice("Bearer ".length);
  return query.get("access_token") ?? undefined;
}

let nextTurn = 0;

async function beforeEffect({ faults, server }: Wire, subject: Subject): Promise<void> {
  const struck = faults.take(subject, "status", "connection-lost", "slow", "paced");
  if (!struck) return;
  const { fault } = struck;
  switch (fault.kind) {
    case "status": {
      const { status, retry_after_ms: after } = fault;
      const errcode = fault.errcode ?? (status === 429 ? "M_LIMIT_EXCEEDED" : "M_UNKNOWN");
      throw new Refusal(status, errcode, fault.error ?? "A fault that was asked for", after === undefined ? {} : { retry_after_ms: after });
    }
    case "connection-lost":
      throw new ConnectionLost();
    case "slow":
      return server.clock.sleep(fault.ms);
    case "paced": {
      const now = server.clock.now();
      nextTurn = Math.max(now, nextTurn) + 1000 / fault.perSecond;
      return server.clock.sleep(nextTurn - now);
    }
  }
}

async function beforeReply({ faults, server }: Wire, subject: Subject, signal: AbortSignal): Promise<void> {
  const struck = faults.take(subject, "reply-lost", "reply-slow", "hold");
  if (!struck) return;
  const { fault } = struck;
  if (fault.kind === "reply-lost") throw new ConnectionLost();
  if (fault.kind === "reply-slow") return server.clock.sleep(fault.ms);
  const gone = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([struck.released, gone]);
}

async function readBody(request: IncomingMessage, route: Route): Promise<Json> {
  if (route.body === undefined || route.body === "stream") return {};
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as unknown as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > longestBody) throw new Refusal(413, "M_TOO_LARGE", "The request is too large");
    chunks.push(chunk);
  }
  if (size === 0 && route.body === "maybe") return {};
  return readJson(Buffer.concat(chunks));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function readJson(bytes: Buffer): Json {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    throw new Refusal(400, "M_NOT_JSON", "Content not JSON.");
  }
  if (!isJson(value)) throw new Refusal(400, "M_BAD_JSON", "Content must be a JSON object.");
  return value;
}

function write(response: ServerResponse, status: number, body: unknown, retryAfter?: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = Buffer.from(JSON.stringify(body));
  const headers: OutgoingHttpHeaders = {
    "content-type": "application/json",
    "content-length": text.length,
    "access-control-allow-origin": "*",
  };
  if (typeof retryAfter === "number") headers["retry-after"] = String(Math.ceil(retryAfter / 1000));
  response.writeHead(status, headers);
  response.end(text);
}
