/** The bridge's one HTTP server: what the homeserver calls, what networks call, files for the public, and how the bridge fares. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import express, { type Express, type Request, type Response, type Router } from "express";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { LoginId, NetworkId } from "../model/ids.ts";
import type { Clock } from "../network.ts";

export interface HttpOptions {
  /** An address of this machine; `0.0.0.0` or `::` = all of them. */
  readonly bind: string;
  /** 0 = any that is free. */
  readonly port: number;
  readonly appservice: Router;
  /** What stands in the way of being of use, one sentence each; empty = ready. */
  ready(): Promise<readonly string[]> | readonly string[];
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** As `Core.route` of a network wants it. `request.url` begins after the login's part of the path. */
export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A homeserver keeps idle connections for two minutes; ending one first would race with its next request. */
const KEEP_ALIVE = 125_000;
const GRACE = 2_000;
/** RFC 8446, 5.1: the first byte of a record that begins a handshake. */
const TLS_HANDSHAKE = 0x16;
const NOT_HTTP: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

export class HttpServer {
  readonly #options: HttpOptions;
  readonly #app: Express;
  readonly #server: Server;
  readonly #routes = new Map<string, Serve>();
  #toldTls = false;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#app = express();
    this.#app.disable("x-powered-by");
    this.#app.disable("etag");
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE, requestTimeout: 300_000 }, this.#app);
    this.#server.on("clientError", (error: Error & { rawPacket?: Buffer; code?: string }, socket) => this.#noHttp(error, socket));
    this.#app.get("/health", (_request, response) => void response.json({ ok: true }));
    this.#app.get("/ready", (_request, response) => this.#ready(response));
    this.#app.get("/metrics", async (_request, response) => {
      response.type(options.metrics.contentType).send(await options.metrics.metrics());
    });
    this.#app.use(options.appservice);
  }

  /** As Node answers it by itself; a handshake of TLS is told once, because it says nothing to whoever made the mistake. */
  #noHttp({ rawPacket, code = "" }: { rawPacket?: Buffer; code?: string }, socket: Duplex): void {
    if (rawPacket?.[0] === TLS_HANDSHAKE && !this.#toldTls) {
      this.#toldTls = true;
      const remedy = "write http:// into the registration's url, or let a proxy speak TLS before it";
      this.#options.log.warn(`Somebody speaks TLS (https://) to the bridge's port, which speaks plain HTTP: ${remedy}.`);
    }
    if (socket.writable) socket.end(`HTTP/1.1 ${NOT_HTTP[code] ?? "400 Bad Request"}\r\nConnection: close\r\n\r\n`);
  }

  /** Adds a part of the public surface (media, API, console). Call before `listen`. */
  mount(path: string, router: Router): void {
    this.#app.use(path, router);
  }

  /** `/_causeway/<network>/<login><path>`, until the returned function is called. A path of one login is served once. */
  route(network: NetworkId, login: LoginId, path: string, serve: Serve): () => void {
    const key = routeKey(network, login, path.startsWith("/") ? path : `/${path}`);
    this.#routes.set(key, serve);
    return () => {
      if (this.#routes.get(key) === serve) this.#routes.delete(key);
    };
  }

  /** Rejects when the address cannot be had. */
  async listen(): Promise<{ port: number }> {
    const { bind, port } = this.#options;
    this.#app.use("/_causeway/:network/:login", (request, response) => this.#serve(request, response));
    this.#app.use((_request, response) => void response.status(404).json({ errcode: "M_UNRECOGNIZED", error: "There is nothing here." }));
    this.#app.use(this.#failed);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, bind, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return { port: (this.#server.address() as AddressInfo).port };
  }

  /** Takes nothing new, lets what runs end for two seconds, then cuts it. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cancel = this.#options.clock.timer(GRACE, () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }

  async #ready(response: Response): Promise<void> {
    const why = await this.#options.ready();
    response.status(why.length === 0 ? 200 : 503).json({ ready: why.length === 0, why });
  }

  async #serve(request: Request, response: Response): Promise<void> {
    const { network, login } = request.params;
    const serve = this.#routes.get(routeKey(String(network), String(login), request.path));
    if (!serve) {
      response.status(404).json({ errcode: "M_UNRECOGNIZED", error: "There is nothing here." });
      return;
    }
    await serve(request, response);
  }

  readonly #failed = (error: unknown, request: Request, response: Response, _next: unknown): void => {
    const status = error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : 500;
    if (status >= 500) this.#options.log.error({ err: error, path: request.path }, "A request could not be answered");
    if (response.headersSent) response.destroy();
    else response.status(status).json({ errcode: "M_UNKNOWN", error: "That could not be answered." });
  };
}

function routeKey(network: string, login: string, path: string): string {
  return JSON.stringify([network, login, path]);
}
