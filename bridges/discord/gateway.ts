/**
 * The gateway, through discord.js's `WebSocketManager`: sessions that outlive the process, patience between attempts, and an end where
 * only a person can help.
 *
 * https://discord.com/developers/docs/events/gateway
 */
import { type APIGatewayBotInfo, GatewayCloseCodes, type GatewayDispatchPayload, GatewayIntentBits, Routes } from "discord-api-types/v10";
import type { REST } from "@discordjs/rest";
import { type SessionInfo, WebSocketManager, WebSocketShardEvents as Shard } from "@discordjs/ws";
import { LoggedOut, TryLater } from "../../core/model/errors.ts";
import type { Core } from "../../core/network.ts";
import type { DiscordConfig } from "./config.ts";
import { IdentifyBudget } from "./identify.ts";
import type { Rest } from "./rest.ts";
import { readSession, Sequence, sessionKey, type Ticket } from "./sequence.ts";

export interface GatewayContext {
  readonly config: DiscordConfig;
  readonly core: Core;
  readonly rest: Rest;
  /** In order, within a shard. Must end its ticket one day. */
  dispatch(payload: GatewayDispatchPayload, ticket: Ticket): void;
  /** All shards are up. `resumed` = nothing was missed. */
  up(resumed: boolean): void;
  /** A sentence: it has been down for a while, or will stay so until `wait` is over. */
  down(why: string): void;
  /** Nobody but a person can help. */
  fatal(why: string): void;
}

interface ShardState {
  sequence: Sequence | undefined;
  /** Between HELLO and the close. */
  open: boolean;
  ready: boolean;
  resumed: boolean;
  attempts: number;
}

/** Shorter breaks, as Discord itself asks for every few hours, are not worth a word. */
const GRACE = 15_000;
const FLUSH_EVERY = 3_000;
const LONGEST_WAIT = 60_000;

export class Gateway {
  readonly #context: GatewayContext;
  readonly #budget: IdentifyBudget;
  readonly #shards = new Map<number, ShardState>();
  readonly #flushes = new Map<number, () => void>();
  #manager: WebSocketManager | undefined;
  #cancelGrace: (() => void) | undefined;
  #closing = false;
  #stopped = false;
  #replaying = false;

  constructor(context: GatewayContext) {
    this.#context = context;
    this.#budget = new IdentifyBudget(context.core.keep, context.core.clock);
  }

  /** Connects, and goes on trying. Throws what the first look at `/gateway/bot` throws. */
  async connect(): Promise<void> {
    const { config } = this.#context;
    const manager = new WebSocketManager({
      token: config.token,
      intents: intentsOf(config),
      rest: { get: (route: string) => this.#information(route) } as unknown as REST,
      largeThreshold: 50,
      identifyProperties: { os: process.platform, browser: "causeway", device: "causeway" },
      retrieveSessionInfo: (shardId) => this.#retrieve(shardId),
      updateSessionInfo: (shardId, info) => this.#update(shardId, info),
      buildIdentifyThrottler: async () => ({ waitForIdentify: (shardId, signal) => this.#budget.turn(shardId, signal) }),
    });
    this.#manager = manager;
    this.#listen(manager);
    const count = await manager.getShardCount();
    for (let shardId = 0; shardId < count; shardId++) await this.#loadSession(shardId);
    this.#armGrace("The connection to Discord could not be made yet.");
    manager.connect().catch((error: unknown) => this.#log("The gateway's first connection failed", error));
  }

  /** Sends what has no answer: presence, requests for members. */
  async send(shardId: number, payload: Parameters<WebSocketManager["send"]>[1]): Promise<void> {
    await this.#manager?.send(shardId, payload);
  }

  /** Which shard hears a guild. https://discord.com/developers/docs/events/gateway#sharding */
  shardOf(guild: string): number {
    return Number((BigInt(guild) >> 22n) % BigInt(Math.max(1, this.#shards.size)));
  }

  /** The session stays alive on Discord's side: the next start goes on with it. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelGrace?.();
    for (const cancel of this.#flushes.values()) cancel();
    const closed = Promise.resolve(this.#manager?.destroy({ code: RESUMABLE, reason: "Stopping" })).catch(() => undefined);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
    const saved = Promise.all([...this.#shards.keys()].map((shardId) => this.#save(shardId).catch(() => undefined)));
    await Promise.race([saved, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
  }

  async #information(route: string): Promise<APIGatewayBotInfo> {
    const info = await this.#context.rest.get<APIGatewayBotInfo>(route === Routes.gatewayBot() ? route : Routes.gatewayBot());
    this.#budget.learn(info.session_start_limit);
    // The count is ours to keep: without this, the library would refuse to RESUME when no new session may be begun.
    return {
      ...info,
      session_start_limit: { ...info.session_start_limit, remaining: Math.max(info.shards, info.session_start_limit.remaining) },
    };
  }

  async #loadSession(shardId: number): Promise<void> {
    const kept = readSession(await this.#context.core.keep.get(sessionKey(shardId)));
    this.#shards.set(shardId, {
      sequence: kept && this.#sequenceOf(kept),
      open: false,
      ready: false,
      resumed: false,
      attempts: 0,
    });
  }

  #sequenceOf(session: ConstructorParameters<typeof Sequence>[0]): Sequence {
    return new Sequence(
      session,
      () => this.#flushSoon(session.shardId),
      () => void this.#replay(),
    );
  }

  #listen(manager: WebSocketManager): void {
    manager.on(Shard.Hello, ({ shardId }) => this.#change(shardId, { open: true }));
    manager.on(Shard.Dispatch, ({ shardId, data }) => this.#dispatch(shardId, data));
    manager.on(Shard.Ready, ({ shardId }) => this.#up(shardId, false));
    manager.on(Shard.Resumed, ({ shardId }) => this.#up(shardId, true));
    manager.on(Shard.Closed, ({ shardId, code }) => this.#closed(shardId, code));
    manager.on(Shard.Error, ({ error }) => this.#log("The gateway reported a failure", error));
  }

  #change(shardId: number, change: Partial<ShardState>): void {
    const shard = this.#shards.get(shardId);
    if (shard) Object.assign(shard, change);
  }

  /**
   * Asked for before each connection and at each event. A connection that may not be made yet is held here: before anything is opened,
   * and for as long as it takes.
   */
  async #retrieve(shardId: number): Promise<SessionInfo | null> {
    const shard = this.#shards.get(shardId);
    if (shard && !shard.open) await this.#mayConnect(shard);
    // Never answered: the library goes on to connect whatever it is told.
    if (this.#stopped || this.#closing) return await new Promise<never>(() => {});
    return shard?.sequence?.durable ?? null;
  }

  async #mayConnect(shard: ShardState): Promise<void> {
    const { clock, core } = { clock: this.#context.core.clock, core: this.#context.core };
    const growing = shard.attempts === 0 ? 0 : Math.min(LONGEST_WAIT, 1_000 * 2 ** (shard.attempts - 1)) * (0.75 + Math.random() / 2);
    shard.attempts += 1;
    try {
      if (growing > 0) await clock.sleep(growing, core.signal);
      while (!shard.sequence) {
        const wait = await this.#budget.wait();
        if (wait <= 0) break;
        this.#context.down(
          `Too many new sessions were begun with Discord today: the bridge waits ${hours(wait)} before it begins another.`,
        );
        await clock.sleep(wait, core.signal);
      }
    } catch {
      this.#closing = true;
    }
  }

  /** The library counts what it has seen; what counts here is what is on disk. Only beginnings and ends of sessions are news. */
  #update(shardId: number, info: SessionInfo | null): void {
    const shard = this.#shards.get(shardId);
    if (!shard || this.#closing || this.#stopped || this.#replaying || info?.sessionId === shard.sequence?.id) return;
    shard.sequence = info ? this.#sequenceOf(info) : undefined;
    // Not waited for: events that follow would overtake the one that began the session.
    this.#save(shardId).catch((error: unknown) => this.#log("The gateway session could not be saved", error));
  }

  async #save(shardId: number): Promise<void> {
    await this.#context.core.keep.set(sessionKey(shardId), this.#shards.get(shardId)?.sequence?.durable);
  }

  /** Events that need no row move the number too; it is written every few seconds. */
  #flushSoon(shardId: number): void {
    if (this.#closing || this.#flushes.has(shardId)) return;
    const cancel = this.#context.core.clock.timer(FLUSH_EVERY, () => {
      this.#flushes.delete(shardId);
      if (!this.#closing) this.#save(shardId).catch((error: unknown) => this.#log("The gateway session could not be saved", error));
    });
    this.#flushes.set(shardId, cancel);
  }

  #dispatch(shardId: number, payload: GatewayDispatchPayload): void {
    if (this.#closing) return;
    const ticket = this.#shards.get(shardId)?.sequence?.begin(payload.s);
    if (ticket) this.#context.dispatch(payload, ticket);
    else if (payload.t === "READY") this.#context.dispatch(payload, { deliveryId: "", keep: () => ({}), done: () => {}, failed: () => {} });
  }

  #up(shardId: number, resumed: boolean): void {
    this.#change(shardId, { ready: true, resumed, attempts: 0 });
    const all = [...this.#shards.values()];
    if (!all.every((shard) => shard.ready)) return;
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    this.#context.up(resumed && all.every((shard) => shard.resumed));
    // Each beginning is told once.
    for (const shard of all) shard.resumed = true;
  }

  #closed(shardId: number, code: number): void {
    this.#change(shardId, { open: false, ready: false });
    if (this.#closing || this.#stopped) return;
    const fatal = fatalSentence(code, this.#context.config);
    if (fatal !== undefined) {
      this.#stopped = true;
      this.#cancelGrace?.();
      this.#context.fatal(fatal);
    } else this.#armGrace(`The connection to Discord broke (${code}); the bridge is trying again.`);
  }

  #armGrace(why: string): void {
    if (this.#cancelGrace) return;
    this.#cancelGrace = this.#context.core.clock.timer(GRACE, () => {
      if (!this.#closing && !this.#stopped) this.#context.down(why);
    });
  }

  /** What could not be written has to come again: a new connection, RESUMEd from what is on disk. */
  async #replay(): Promise<void> {
    if (this.#closing || this.#stopped || this.#replaying || !this.#manager) return;
    this.#replaying = true;
    const sessions = [...this.#shards].map(([shardId, shard]) => [shardId, shard.sequence?.durable] as const);
    this.#armGrace("What Discord tells cannot be written to disk.");
    await Promise.resolve(this.#manager.destroy({ code: RESUMABLE, reason: "Not on disk" })).catch(() => undefined);
    for (const [shardId, session] of sessions) {
      this.#change(shardId, { sequence: session && this.#sequenceOf(session), open: false, ready: false, attempts: 1 });
    }
    this.#replaying = false;
    await this.#manager.connect().catch((error: unknown) => this.#log("The gateway could not be connected again", error));
  }

  #log(what: string, error: unknown): void {
    const known = error instanceof TryLater || error instanceof LoggedOut;
    this.#context.core.log.warn({ why: error instanceof Error ? error.message : "", expected: known }, what);
  }
}

/** Any code but 1000 and 1001 leaves the session for a RESUME. */
const RESUMABLE = 4200;

export function intentsOf(config: DiscordConfig): number {
  const { Guilds, GuildMembers, GuildModeration, GuildExpressions, GuildWebhooks, GuildVoiceStates, GuildPresences } = GatewayIntentBits;
  const { GuildMessages, GuildMessageReactions, GuildMessageTyping, DirectMessages, DirectMessageReactions, DirectMessageTyping } =
    GatewayIntentBits;
  const { MessageContent, GuildMessagePolls, DirectMessagePolls } = GatewayIntentBits;
  const always = [Guilds, GuildModeration, GuildExpressions, GuildWebhooks, GuildMessages, GuildMessageReactions, GuildMessageTyping];
  const direct = [DirectMessages, DirectMessageReactions, DirectMessageTyping, MessageContent, GuildMessagePolls, DirectMessagePolls];
  const asked = [
    ...(config.intents.members ? [GuildMembers] : []),
    ...(config.intents.presences ? [GuildPresences] : []),
    ...(config.voice_notices ? [GuildVoiceStates] : []),
  ];
  return [...always, ...direct, ...asked].reduce((all, one) => all | one, 0);
}

/** What a person has to do, for the close codes that no second try mends. */
function fatalSentence(code: number, config: DiscordConfig): string | undefined {
  const privileged = [
    "MESSAGE CONTENT INTENT",
    ...(config.intents.members ? ["SERVER MEMBERS INTENT"] : []),
    ...(config.intents.presences ? ["PRESENCE INTENT"] : []),
  ];
  switch (code) {
    case GatewayCloseCodes.AuthenticationFailed:
      return "Discord does not accept the bot's token: in the developer portal (discord.com/developers/applications) choose the application, Bot, Reset Token, and put the new one into `discord.token`.";
    case GatewayCloseCodes.DisallowedIntents:
      return `Discord does not allow the bot what it asks for: in the developer portal (discord.com/developers/applications) choose the application, Bot, Privileged Gateway Intents, and switch on ${privileged.join(" and ")}.`;
    case GatewayCloseCodes.InvalidIntents:
      return "Discord does not know the intents that this version of the bridge asks for: update the bridge.";
    case GatewayCloseCodes.InvalidShard:
    case GatewayCloseCodes.ShardingRequired:
      return "Discord wants the bot's servers spread over more connections than it named: restart the bridge.";
    case GatewayCloseCodes.InvalidAPIVersion:
      return "Discord no longer speaks the version of its gateway that this bridge speaks: update the bridge.";
    default:
      return undefined;
  }
}

function hours(ms: number): string {
  return ms < 3_600_000 ? `${Math.ceil(ms / 60_000)} minutes` : `${Math.ceil(ms / 3_600_000)} hours`;
}
