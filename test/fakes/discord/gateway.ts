/** Discord's gateway, version 10. https://discord.com/developers/docs/events/gateway */
import type { IncomingMessage, Server } from "node:http";
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { constants, createDeflate, createZstdCompress } from "node:zlib";
import { type GatewayDispatchPayload, GatewayIntentBits as Intent, GatewayOpcodes as Op } from "discord-api-types/v10";
import { type WebSocket, WebSocketServer } from "ws";
import { guildCreate, messageShape } from "./shapes.ts";
import { Bit, rightsIn } from "./rights.ts";
import type { Bot, Guild, Stored, World } from "./world.ts";

interface Session {
  readonly id: string;
  readonly bot: Bot;
  readonly intents: number;
  readonly largeThreshold: number;
  readonly shard: readonly [number, number];
  seq: number;
  readonly log: { readonly s: number; readonly text: string }[];
  socket: Socket | undefined;
}

interface Socket {
  readonly ws: WebSocket;
  readonly squeeze: ((text: string) => Promise<Buffer>) | undefined;
  session: Session | undefined;
  sent: number;
}

export interface GatewayOptions {
  readonly heartbeatInterval: number;
  readonly shards: number;
  readonly total: number;
}

const PRIVILEGED = Intent.GuildMembers | Intent.GuildPresences | Intent.MessageContent;
const KNOWN = Object.values(Intent).reduce<number>((all, bit) => (typeof bit === "number" ? all | bit : all), 0);

export class FakeGateway {
  readonly #world: World;
  readonly #server: WebSocketServer;
  readonly #sessions = new Map<string, Session>();
  readonly #sockets = new Set<Socket>();
  readonly #bots: (token: string) => Bot | undefined;
  options: GatewayOptions;
  /** Beginnings of sessions since the counter was set back. */
  identifies = 0;
  resumes = 0;
  /** Faults. */
  refusing = false;
  silent = false;
  acknowledges = true;

  constructor(world: World, http: Server, bots: (token: string) => Bot | undefined, options: GatewayOptions) {
    this.#world = world;
    this.#bots = bots;
    this.options = options;
    this.#server = new WebSocketServer({ noServer: true });
    http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Duplex, head));
  }

  get sessions(): number {
    return [...this.#sessions.values()].filter(({ socket }) => socket !== undefined).length;
  }

  /** The path tells a resume address from the first one. */
  #upgrade(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    if (this.refusing) return void raw.destroy();
    const query = new URL(request.url ?? "/", "http://localhost").searchParams;
    this.#server.handleUpgrade(request, raw, head, (ws) => this.#open(ws, query));
  }

  #open(ws: WebSocket, query: URLSearchParams): void {
    const compress = query.get("compress");
    const socket: Socket = { ws, squeeze: squeezer(compress), session: undefined, sent: 0 };
    this.#sockets.add(socket);
    ws.on("message", (data) => this.#heard(socket, String(data)));
    ws.on("close", (code) => this.#closed(socket, code));
    ws.on("error", () => ws.terminate());
    if (query.get("v") !== "10") return ws.close(4012, "Invalid API version.");
    if (query.get("encoding") !== "json") return ws.close(4002, "Error while decoding payload.");
    this.#send(socket, { op: Op.Hello, d: { heartbeat_interval: this.options.heartbeatInterval, _trace: [] }, s: null, t: null });
  }

  /** A close with 1000 or 1001 ends the session; any other code leaves it for a RESUME. */
  #closed(socket: Socket, code: number): void {
    this.#sockets.delete(socket);
    const { session } = socket;
    if (session?.socket === socket) session.socket = undefined;
    if (session && (code === 1000 || code === 1001)) this.#sessions.delete(session.id);
  }

  #send(socket: Socket, payload: unknown): void {
    this.#sendText(socket, JSON.stringify(payload));
  }

  #sendText(socket: Socket, text: string): void {
    if (this.silent) return;
    const { squeeze, ws } = socket;
    if (!squeeze) return ws.send(text);
    void squeeze(text).then((bytes) => ws.send(bytes));
  }

  #heard(socket: Socket, text: string): void {
    if (this.silent) return;
    if (text.length > 4096) return socket.ws.close(4002, "Error while decoding payload.");
    socket.sent += 1;
    if (socket.sent > 120) return socket.ws.close(4008, "You are being rate limited.");
    let payload: { op?: unknown; d?: unknown };
    try {
      payload = JSON.parse(text) as typeof payload;
    } catch {
      return socket.ws.close(4002, "Error while decoding payload.");
    }
    switch (payload.op) {
      case Op.Heartbeat: {
        // The last number that was received, or null before the first. https://discord.com/developers/docs/events/gateway#sending-heartbeats
        const { d } = payload;
        const isNumber = typeof d === "number" && Number.isInteger(d) && d >= 0 && d <= (socket.session?.seq ?? 0);
        if (d !== null && !isNumber) return socket.ws.close(4002, "Error while decoding payload.");
        if (this.acknowledges) this.#send(socket, { op: Op.HeartbeatAck, d: null, s: null, t: null });
        return;
      }
      case Op.Identify:
        return this.#identify(socket, payload.d as Record<string, unknown>);
      case Op.Resume:
        return this.#resume(socket, payload.d as { token?: string; session_id?: string; seq?: number });
      case Op.PresenceUpdate:
      case Op.RequestGuildMembers:
      case Op.VoiceStateUpdate:
        return socket.session ? undefined : socket.ws.close(4003, "Not authenticated.");
      default:
        return socket.ws.close(4001, "Unknown opcode.");
    }
  }

  #identify(socket: Socket, d: Record<string, unknown>): void {
    if (socket.session) return socket.ws.close(4005, "Already authenticated.");
    const bot = this.#bots(String(d["token"] ?? ""));
    if (!bot) return socket.ws.close(4004, "Authentication failed.");
    const intents = Number(d["intents"]);
    if (!Number.isInteger(intents) || (intents & ~KNOWN) !== 0) return socket.ws.close(4013, "Invalid intent(s).");
    const allowed =
      (bot.portal.members ? Intent.GuildMembers : 0) |
      (bot.portal.presence ? Intent.GuildPresences : 0) |
      (bot.portal.messageContent ? Intent.MessageContent : 0);
    if ((intents & PRIVILEGED & ~allowed) !== 0) return socket.ws.close(4014, "Disallowed intent(s).");
    const shard = (d["shard"] as [number, number] | undefined) ?? [0, 1];
    if (shard[0] >= shard[1]) return socket.ws.close(4010, "Invalid shard.");
    if (this.options.shards > 1 && shard[1] < this.options.shards) return socket.ws.close(4011, "Sharding required.");
    const properties = (d["properties"] ?? {}) as Record<string, unknown>;
    if (!["os", "browser", "device"].every((key) => typeof properties[key] === "string"))
      return socket.ws.close(4002, "Error while decoding payload.");
    this.identifies += 1;
    const session: Session = {
      id: randomBytes(16).toString("hex"),
      bot,
      intents,
      largeThreshold: Number(d["large_threshold"] ?? 50),
      shard,
      seq: 0,
      log: [],
      socket,
    };
    this.#sessions.set(session.id, session);
    socket.session = session;
    this.#greet(session);
  }

  #greet(session: Session): void {
    const mine = [...this.#world.guilds.values()].filter(
      (guild) => guild.members.has(session.bot.user.id) && this.#isOf(session, guild.id),
    );
    this.#to(session, "READY", {
      v: 10,
      user: session.bot.user,
      guilds: mine.map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      session_type: "normal",
      resume_gateway_url: this.resumeUrl,
      shard: session.shard,
      application: { id: session.bot.application.id, flags: 0 },
    });
    for (const guild of mine) {
      if (guild.unavailable) this.#to(session, "GUILD_DELETE", { id: guild.id, unavailable: true });
      else this.#to(session, "GUILD_CREATE", guildCreate(guild, this.#world, session.bot.user.id, session.intents, session.largeThreshold));
    }
  }

  resumeUrl = "";

  /** A guild that is there, again or for the first time. */
  greetGuild(guild: Guild): void {
    for (const session of this.#sessions.values()) {
      if (!guild.members.has(session.bot.user.id) || !this.#isOf(session, guild.id)) continue;
      const { bot, intents, largeThreshold } = session;
      this.#to(session, "GUILD_CREATE", guildCreate(guild, this.#world, bot.user.id, intents, largeThreshold));
    }
  }

  #isOf(session: Session, guild: string): boolean {
    const [id, count] = session.shard;
    return Number((BigInt(guild) >> 22n) % BigInt(count)) === id;
  }

  #resume(socket: Socket, d: { token?: string; session_id?: string; seq?: number }): void {
    if (socket.session) return socket.ws.close(4005, "Already authenticated.");
    if (!this.#bots(String(d.token ?? ""))) return socket.ws.close(4004, "Authentication failed.");
    const session = this.#sessions.get(String(d.session_id ?? ""));
    if (!session) return this.#send(socket, { op: Op.InvalidSession, d: false, s: null, t: null });
    if (typeof d.seq !== "number" || d.seq > session.seq) return socket.ws.close(4007, "Invalid seq.");
    this.resumes += 1;
    session.socket?.ws.close(4000, "Resumed elsewhere.");
    session.socket = socket;
    socket.session = session;
    for (const { s, text } of session.log) if (s > d.seq) this.#sendText(socket, text);
    this.#to(session, "RESUMED", { _trace: [] });
  }

  /** To every session that may hear it. */
  dispatch(
    name: GatewayDispatchPayload["t"] | string,
    d: unknown,
    options: { intent?: number; guild?: string | undefined; channel?: string; only?: string } = {},
  ): void {
    for (const session of this.#sessions.values()) {
      if (options.intent !== undefined && (session.intents & options.intent) === 0) continue;
      if (options.only !== undefined && session.bot.user.id !== options.only) continue;
      if (
        options.guild !== undefined &&
        (!this.#isOf(session, options.guild) || !this.#world.guilds.get(options.guild)?.members.has(session.bot.user.id))
      )
        continue;
      const channel = options.channel === undefined ? undefined : this.#world.channels.get(options.channel);
      if (channel && (rightsIn(this.#world, channel, session.bot.user.id) & Bit.ViewChannel) === 0n) continue;
      this.#to(session, name, d);
    }
  }

  /** A message as each session may read it. */
  dispatchMessage(name: "MESSAGE_CREATE" | "MESSAGE_UPDATE", stored: Stored, extra: object, guild: string | undefined): void {
    const channel = this.#world.channels.get(stored.message.channel_id);
    for (const session of this.#sessions.values()) {
      const wanted = guild === undefined ? Intent.DirectMessages : Intent.GuildMessages;
      if ((session.intents & wanted) === 0 || (guild !== undefined && !this.#isOf(session, guild))) continue;
      if (!channel || (rightsIn(this.#world, channel, session.bot.user.id) & Bit.ViewChannel) === 0n) continue;
      const reads = (session.intents & Intent.MessageContent) !== 0 || guild === undefined;
      const nonce = name === "MESSAGE_CREATE" && stored.message.nonce !== undefined ? { nonce: stored.message.nonce } : {};
      const { reactions: _none, ...shape } = messageShape(stored, this.#world, session.bot.user.id, reads);
      this.#to(session, name, { ...shape, ...nonce, ...extra, ...(guild === undefined ? {} : { guild_id: guild }) });
    }
  }

  #to(session: Session, t: string, d: unknown): void {
    session.seq += 1;
    const text = JSON.stringify({ op: Op.Dispatch, t, s: session.seq, d });
    session.log.push({ s: session.seq, text });
    if (session.log.length > 10_000) session.log.shift();
    if (session.socket) this.#sendText(session.socket, text);
  }

  /* What may go wrong. */

  /** Breaks all connections without a goodbye. */
  drop(): void {
    for (const { ws } of this.#sockets) ws.terminate();
  }

  close(code: number, reason = ""): void {
    for (const { ws } of this.#sockets) ws.close(code, reason);
  }

  /** Op 7: please come again. */
  askToReconnect(): void {
    for (const socket of this.#sockets) this.#send(socket, { op: Op.Reconnect, d: null, s: null, t: null });
  }

  /** Op 9. Not resumable: the session is forgotten. */
  invalidate(resumable: boolean): void {
    for (const socket of this.#sockets) {
      if (!resumable && socket.session) this.#sessions.delete(socket.session.id);
      this.#send(socket, { op: Op.InvalidSession, d: resumable, s: null, t: null });
    }
  }

  forget(): void {
    this.#sessions.clear();
  }

  /** The last event once more, under its own number. */
  redeliver(): void {
    for (const { socket, log } of this.#sessions.values()) {
      const last = log.at(-1);
      if (socket && last) this.#sendText(socket, last.text);
    }
  }

  /** Anything, as if Discord had said it. */
  raw(text: string): void {
    for (const socket of this.#sockets) this.#sendText(socket, text);
  }

  async stop(): Promise<void> {
    for (const { ws } of this.#sockets) ws.terminate();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** One compressed stream for the whole connection, flushed after each payload. https://discord.com/developers/docs/events/gateway#transport-compression */
function squeezer(kind: string | null): ((text: string) => Promise<Buffer>) | undefined {
  if (kind !== "zlib-stream" && kind !== "zstd-stream") return undefined;
  const stream = kind === "zlib-stream" ? createDeflate({ chunkSize: 65_535 }) : createZstdCompress();
  const flag = kind === "zlib-stream" ? constants.Z_SYNC_FLUSH : constants.ZSTD_e_flush;
  let chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  let tail: Promise<unknown> = Promise.resolve();
  return (text) => {
    const mine = tail.then(
      () =>
        new Promise<Buffer>((resolve) => {
          stream.write(text);
          stream.flush(flag, () => {
            const whole = Buffer.concat(chunks);
            chunks = [];
            resolve(whole);
          });
        }),
    );
    tail = mine;
    return mine;
  };
}
