/** The sandbox's own server: the page, its JSON API and the stream of what happens. For this machine only. */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { LARGEST, Mistake, wishSchema } from "./act.ts";
import type { Sandbox } from "./sandbox.ts";
import type { SideId } from "./side.ts";
import { Tabs } from "./tabs.ts";

const page = fileURLToPath(new URL("page/", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const SAFE_PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const killSchema = z.strictObject({ for: z.number().min(0).max(60_000).optional() });
const trafficSchema = z.strictObject({ on: z.boolean() });

export class SandboxServer {
  readonly #sandbox: Sandbox;
  readonly #server: Server;
  readonly #tabs = new Tabs();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, connection, head) => this.#upgrade(request, connection, head));
    sandbox.onChange = (change) => this.#tabs.tell(change);
  }

  /** Resolves with the port: the wished one, or any when that is taken. */
  async listen(port: number): Promise<number> {
    const listening = (wished: number) =>
      new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(wished, "127.0.0.1", () => {
          this.#server.off("error", reject);
          resolve();
        });
      });
    await listening(port).catch(() => listening(0));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#tabs.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("content-security-policy", POLICY);
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("referrer-policy", "no-referrer");
    response.setHeader("cache-control", "no-store");
    try {
      if (!isForUs(request)) throw new Refusal(403, "This sandbox answers on this machine only.");
      await this.#route(request, response, new URL(request.url ?? "/", "http://sandbox").pathname);
    } catch (error) {
      answerFailure(response, error);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const route = `${request.method === "HEAD" ? "GET" : request.method} ${path}`;
    switch (route) {
      case "GET /api/state":
        return answer(response, 200, this.#sandbox.state());
      case "GET /api/events":
        return this.#tabs.stream(response, this.#sandbox.state());
      case "POST /api/act":
        return answer(response, 200, await this.#sandbox.act(await readBody(request, wishSchema)));
      case "POST /api/kill":
        return answer(response, 202, this.#sandbox.kill((await readBody(request, killSchema)).for));
      case "POST /api/traffic":
        return answer(response, 200, this.#sandbox.traffic((await readBody(request, trafficSchema)).on));
    }
    if (!route.startsWith("GET ")) throw new Refusal(404, "There is nothing of that kind here: see test/sandbox/README.md.");
    if (path.startsWith("/api/file/")) return this.#file(response, path.slice("/api/file/".length));
    return servePage(response, path === "/" ? "index.html" : path.slice(1));
  }

  #upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    if (!isForUs(request) || request.url !== "/api/events")
      return void connection.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
    this.#tabs.socket(request, connection, head, () => this.#sandbox.state());
  }

  async #file(response: ServerResponse, path: string): Promise<void> {
    const [, side, reference] = /^(\w+)\/(.+)$/.exec(path) ?? [];
    const file = side && reference ? await this.#sandbox.open(side as SideId, decodeURIComponent(reference)) : undefined;
    if (!file) throw new Refusal(404, "There is no such file.");
    const inline = SAFE_PICTURES.includes(file.type);
    response.writeHead(200, {
      "content-type": inline ? file.type : "application/octet-stream",
      "content-disposition": inline ? "inline" : `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
    });
    await pipeline(file.stream, response);
  }
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** By the name under which it was called: a page elsewhere may point a name of its own at this machine, and then read what it likes. */
function isForUs({ headers }: IncomingMessage): boolean {
  const host = (headers.host ?? "").replace(/:\d+$/, "");
  const isLocal = (name: string): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(name);
  const origin = headers.origin;
  return isLocal(host) && (origin === undefined || (URL.canParse(origin) && new URL(origin).host === headers.host));
}

async function readBody<Schema extends z.ZodType>(request: IncomingMessage, schema: Schema): Promise<z.infer<Schema>> {
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) throw new Refusal(415, "Send JSON, and say so in content-type.");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST * 1.4) throw new Refusal(413, "That is too large for the sandbox.");
    chunks.push(chunk);
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString() || "{}");
  } catch {
    throw new Refusal(400, "That is not JSON.");
  }
  const read = schema.safeParse(json);
  if (!read.success) throw new Refusal(400, z.prettifyError(read.error));
  return read.data;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function answerFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const status = error instanceof Refusal ? error.status : error instanceof Mistake ? 400 : 502;
  answer(response, status, { error: error instanceof Error ? error.message : String(error) });
}

async function servePage(response: ServerResponse, name: string): Promise<void> {
  const type = TYPES[extname(name)];
  if (!type || !/^[\w-]+\.\w+$/.test(name)) throw new Refusal(404, "There is no such page.");
  const text = await readFile(page + name).catch(() => {
    throw new Refusal(404, "There is no such page.");
  });
  response.writeHead(200, { "content-type": type }).end(text);
}
