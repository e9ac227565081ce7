/** Slack over HTTP: the Web API with tokens, scopes and tiers, uploads and downloads, the browser's side of OAuth. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Faults } from "./faults.ts";
import type { Limits } from "./limits.ts";
import * as chat from "./methods-chat.ts";
import * as conversations from "./methods-conversations.ts";
import { filesDelete, filesInfo, type Uploads } from "./methods-files.ts";
import * as rest from "./methods-rest.ts";
import { METHOD_SCOPES } from "./scopes.ts";
import type { Sockets } from "./sockets.ts";
import { type App, type Grant, SlackError } from "./state.ts";
import type { Call, Json, World } from "./world.ts";

export interface ServerContext {
  readonly world: () => World;
  readonly limits: Limits;
  readonly faults: Faults;
  readonly sockets: Sockets;
  readonly uploads: Uploads;
  readonly emojiNames: ReadonlySet<string>;
  readonly ephemerals: chat.Ephemeral[];
  /** Answers that went to the address of a slash command. */
  readonly answers: Json[];
  readonly codes: Map<string, { readonly bot?: rest.Code; readonly user?: rest.Code }>;
  /** Somebody opens the page that asks whether the app may be installed: where their browser is sent. */
  authorize(url: URL): string;
}

type Method = (call: Call) => Json;

function methodsOf(context: ServerContext): Readonly<Record<string, Method>> {
  return {
    "auth.test": rest.authTest,
    "bots.info": rest.botsInfo,
    "chat.delete": chat.erase,
    "chat.postEphemeral": (call) => chat.postEphemeral(call, context.ephemerals),
    "chat.postMessage": chat.postMessage,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.invite": conversations.invite,
    "conversations.join": conversations.join,
    "conversations.kick": conversations.kick,
    "conversations.leave": conversations.leave,
    "conversations.list": conversations.list,
    "conversations.mark": conversations.mark,
    "conversations.members": conversations.members,
    "conversations.open": conversations.openDirect,
    "conversations.rename": conversations.rename,
    "conversations.replies": conversations.replies,
    "conversations.setTopic": conversations.setTopic,
    "emoji.list": rest.emojiList,
    "files.completeUploadExternal": (call) => context.uploads.complete(call),
    "files.delete": filesDelete,
    "files.getUploadURLExternal": (call) => context.uploads.begin(call),
    "files.info": filesInfo,
    "pins.add": rest.pin,
    "pins.list": rest.pins,
    "pins.remove": rest.unpin,
    "reactions.add": (call) => rest.react(call, context.emojiNames),
    "reactions.get": rest.reactions,
    "reactions.remove": rest.unreact,
    "team.info": rest.teamInfo,
    "usergroups.list": rest.groupsList,
    "users.conversations": conversations.mine,
    "users.getPresence": rest.presence,
    "users.info": rest.usersInfo,
    "users.list": rest.usersList,
  };
}

export class FakeServer {
  readonly #context: ServerContext;
  readonly #methods: Readonly<Record<string, Method>>;
  readonly #server: Server = createServer();
  #port = 0;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#methods = methodsOf(context);
  }

  get host(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => {
      if (this.#context.faults.down) socket.destroy();
      else this.#context.sockets.upgrade(request, socket, head);
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Connections that clients hold open break. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults } = this.#context;
    if (faults.down) return void request.socket.destroy();
    const url = new URL(request.url ?? "/", this.host);
    const body = await readBody(request).catch(() => undefined);
    if (body === undefined) return;
    if (url.pathname.startsWith("/api/")) return await this.#method(url.pathname.slice("/api/".length), request, body, response);
    if (faults.hanging) return;
    if (url.pathname.startsWith("/upload/v1/"))
      return end(response, this.#context.uploads.put(url.pathname.slice("/upload/v1/".length), body));
    if (url.pathname.startsWith("/files-pri/")) return this.#download(url, request, response);
    if (url.pathname.startsWith("/commands/answer/")) return this.#answer(body, response);
    if (url.pathname.startsWith("/picture/"))
      return void response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from("picture"));
    if (url.pathname === "/oauth/v2/authorize") return void response.writeHead(302, { location: this.#context.authorize(url) }).end();
    end(response, 404);
  }

  #answer(body: Buffer, response: ServerResponse): void {
    this.#context.answers.push(JSON.parse(body.toString()) as Json);
    end(response, 200);
  }

  async #method(method: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { faults } = this.#context;
    const args = readArguments(request, body);
    const fault = faults.next(method, args);
    if (faults.hanging) return;
    if (faults.slowness > 0) await new Promise((resolve) => setTimeout(resolve, faults.slowness));
    if (fault?.kind === "lose-request") return void request.socket.destroy();
    if (fault?.kind === "limit") return limited(response, fault.seconds);
    if (fault?.kind === "status") return void response.writeHead(fault.status).end("<html>oh</html>");
    const answer = fault?.kind === "error" ? { status: 200, body: { ok: false, error: fault.code } } : this.#call(method, request, args);
    if (faults.trap?.methods.has(method) && typeof answer !== "number") {
      const { held } = faults.trap;
      faults.trap = undefined;
      return held();
    }
    if (fault?.kind === "lose-reply") return void request.socket.destroy();
    if (typeof answer === "number") return limited(response, answer);
    response
      .writeHead(answer.status, { "content-type": "application/json; charset=utf-8", ...answer.headers })
      .end(JSON.stringify(answer.body));
  }

  #call(method: string, request: IncomingMessage, args: Json): number | { status: number; headers?: Record<string, string>; body: Json } {
    const world = this.#context.world();
    const token = tokenOf(request);
    try {
      // Slack takes tokens in the header; in an address, where they would be logged, it does not.
      if (args.token !== undefined) throw new SlackError("invalid_auth");
      if (method === "oauth.v2.access") return { status: 200, body: { ok: true, ...rest.oauthAccess(world, args, this.#context.codes) } };
      if (method === "apps.connections.open") return { status: 200, body: { ok: true, ...this.#connection(world, token) } };
      const grant = grantOf(world, token);
      if (grant.organisation !== undefined && OF_A_TEAM.has(method) && args.team_id !== grant.team.id)
        throw new SlackError("missing_argument", { response_metadata: { messages: ["[ERROR] missing required field: team_id"] } });
      const wait = this.#context.limits.check(method, `${grant.app.id} ${grant.team.id}`, string(args.channel), grant.app.restricted);
      if (wait !== undefined) return wait;
      const run = this.#methods[method];
      if (!run) throw new SlackError("unknown_method", { req_method: method });
      const needed = METHOD_SCOPES[method];
      if (needed && !needed.some((scope) => grant.scopes.has(scope)))
        throw new SlackError("missing_scope", { needed: needed.join(","), provided: [...grant.scopes].join(",") });
      const headers = { "x-oauth-scopes": [...grant.scopes].join(","), ...(needed ? { "x-accepted-oauth-scopes": needed.join(",") } : {}) };
      return { status: 200, headers, body: { ok: true, ...run({ world, grant, args }) } };
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      return { status: 200, body: { ok: false, error: error.code, ...error.more } };
    }
  }

  #connection(world: World, token: string): Json {
    const app = [...world.state.apps.values()].find(({ appToken }) => appToken === token);
    if (!app) throw new SlackError(token === "" ? "not_authed" : world.state.grants.has(token) ? "not_allowed_token_type" : "invalid_auth");
    if (app.appTokenRevoked) throw new SlackError("invalid_auth");
    return { url: `${this.host.replace("http", "ws")}/link/?ticket=${this.#context.sockets.ticket(app)}&app_id=${app.id}` };
  }

  /** Without a good token Slack answers with its login page, and with status 200. */
  #download(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const world = this.#context.world();
    const [, , key = "", ...more] = url.pathname.split("/");
    const id = key.split("-")[1] ?? "";
    const grant = world.state.grants.get(tokenOf(request));
    const file = grant?.team.files.get(id);
    const may =
      grant &&
      !grant.revoked &&
      grant.scopes.has("files:read") &&
      file?.shares.some(({ channel }) => grant.team.channels.get(channel)?.members.has(grant.user.id));
    if (!may || !file || more.length === 0) {
      const html = "<!DOCTYPE html><html><title>Slack</title><body>Sign in</body></html>";
      return void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
    }
    if (file.mode === "tombstone") return end(response, 404);
    response.writeHead(200, { "content-type": file.mimetype, "content-length": file.bytes.length }).end(file.bytes);
  }
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status).end(status === 200 ? "OK" : "");
}

function limited(response: ServerResponse, seconds: number): void {
  response.writeHead(429, { "retry-after": String(seconds), "content-type": "application/json" }).end('{"ok":false,"error":"ratelimited"}');
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function tokenOf(request: IncomingMessage): string {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
}

/** What a token of a whole organisation has to be told. */
const OF_A_TEAM = new Set(["bots.info", "conversations.list", "usergroups.list", "users.conversations", "users.list"]);

function grantOf(world: World, token: string): Grant {
  if (token === "") throw new SlackError("not_authed");
  const grant = world.state.grants.get(token);
  if (!grant) throw new SlackError(isAppToken(world, token) ? "not_allowed_token_type" : "invalid_auth");
  if (grant.revoked) throw new SlackError(grant.bot === undefined ? "token_revoked" : "account_inactive");
  return grant;
}

function isAppToken(world: World, token: string): boolean {
  return [...world.state.apps.values()].some((app: App) => app.appToken === token);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readArguments(request: IncomingMessage, body: Buffer): Json {
  const query = Object.fromEntries(new URL(request.url ?? "/", "http://localhost").searchParams);
  const type = request.headers["content-type"] ?? "";
  if (type.includes("json")) return { ...query, ...(JSON.parse(body.toString() || "{}") as Json) };
  return { ...query, ...Object.fromEntries(new URLSearchParams(body.toString())) };
}
