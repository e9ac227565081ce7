/**
 * Discord, as far as the bridge speaks with it: REST and gateway version 10 on real ports of 127.0.0.1, and the hands of the people there.
 * It is strict: what the documentation does not allow is refused with Discord's own codes. Nothing in it knows the bridge.
 *
 *     const discord = await FakeDiscord.start();
 *     const guild = discord.guild("Gardeners"), channel = discord.channel(guild, "general"), nelly = discord.person("Nelly", guild);
 *     const message = nelly.say(channel, "good morning");
 */
import { type APIApplication, type APIRole, ChannelType, GatewayIntentBits, PermissionFlagsBits as Bit } from "discord-api-types/v10";
import { Acts } from "./discord/acts.ts";
import { FakeGateway } from "./discord/gateway.ts";
import { FakeOAuth } from "./discord/oauth.ts";
import { Person } from "./discord/people.ts";
import { Router } from "./discord/router.ts";
import { channelRoutes } from "./discord/routes-channels.ts";
import { guildRoutes } from "./discord/routes-guilds.ts";
import { type Door, messageRoutes } from "./discord/routes-messages.ts";
import { webhookRoutes } from "./discord/routes-webhooks.ts";
import { channelShape } from "./discord/shapes.ts";
import { FakeHttp } from "./discord/server.ts";
import { type Bot, type Channel, type Guild, World } from "./discord/world.ts";

/** What the bridge's bot is given by `causeway discord invite`, and what everyone has. */
const EVERYONE =
  Bit.ViewChannel |
  Bit.SendMessages |
  Bit.ReadMessageHistory |
  Bit.AddReactions |
  Bit.AttachFiles |
  Bit.EmbedLinks |
  Bit.CreatePublicThreads |
  Bit.SendMessagesInThreads;

export interface StartOptions {
  readonly heartbeatInterval?: number;
  readonly shards?: number;
  /** How much faster than the wall the seconds of rate limits pass. */
  readonly speed?: number;
  readonly port?: number;
}

export class FakeDiscord {
  readonly world = new World();
  readonly http: FakeHttp;
  readonly gateway: FakeGateway;
  readonly oauth: FakeOAuth;
  readonly acts: Acts;
  readonly door: Door;
  readonly bot: Bot;
  #port = 0;

  static async start(options: StartOptions = {}): Promise<FakeDiscord> {
    const discord = new FakeDiscord(options);
    await discord.#listen(options.port ?? 0);
    return discord;
  }

  private constructor(options: StartOptions) {
    const router = new Router();
    const bots = (token: string): Bot | undefined => [...this.world.bots.values()].find((bot) => bot.token === token);
    this.oauth = new FakeOAuth(() => this.bot.application.id);
    this.http = new FakeHttp(router, this.world, bots, this.oauth);
    this.http.limits.speed = options.speed ?? 1;
    this.gateway = new FakeGateway(this.world, this.http.server, bots, {
      heartbeatInterval: options.heartbeatInterval ?? 41_250,
      shards: options.shards ?? 1,
      total: 1000,
    });
    this.acts = new Acts(this.world, this.gateway);
    this.door = { world: this.world, acts: this.acts, nonces: new Map() };
    messageRoutes(router, this.door);
    webhookRoutes(router, this.door);
    channelRoutes(router, this.door);
    guildRoutes(router, this.door, () => ({
      url: `ws://127.0.0.1:${this.#port}/gateway`,
      shards: this.gateway.options.shards,
      total: this.gateway.options.total,
      used: () => this.gateway.identifies,
    }));
    this.bot = this.#makeBot();
  }

  async #listen(port: number): Promise<void> {
    this.#port = await this.http.listen(port);
    this.world.cdn = `http://127.0.0.1:${this.#port}/cdn`;
    this.gateway.resumeUrl = `ws://127.0.0.1:${this.#port}/gateway/resume`;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#port}/api`;
  }

  get cdnUrl(): string {
    return this.world.cdn;
  }

  #makeBot(): Bot {
    const user = this.world.user("Causeway", { bot: true });
    const application = {
      id: this.world.snowflake(),
      name: "Causeway",
      icon: null,
      description: "",
      bot_public: true,
      bot_require_code_grant: false,
      flags: (1 << 15) | (1 << 19),
    } as unknown as APIApplication;
    const token = `${Buffer.from(user.id).toString("base64url")}.GkFake.${"x".repeat(30)}${Math.random().toString(36).slice(2, 10)}`;
    const bot: Bot = { user, application, token, portal: { messageContent: true, members: true, presence: false }, commands: [] };
    this.world.bots.set(user.id, bot);
    return bot;
  }

  /** A server with an owner, and the bot in it with a role of its own. */
  guild(name: string, options: { id?: string; botRights?: bigint; tier?: 0 | 1 | 2 | 3 } = {}): Guild {
    const id = options.id ?? this.world.snowflake();
    const owner = this.world.user(`${name} owner`);
    const everyone = roleShape(id, "@everyone", EVERYONE);
    const botRole = roleShape(this.world.snowflake(), "Causeway", options.botRights ?? BOT_RIGHTS);
    const guild: Guild = {
      id,
      name,
      icon: null,
      owner_id: owner.id,
      premium_tier: options.tier ?? 0,
      roles: new Map([
        [id, everyone],
        [botRole.id, botRole],
      ]),
      members: new Map(),
      emojis: new Map(),
      stickers: new Map(),
      bans: new Map(),
      voices: new Map(),
      unavailable: false,
    };
    this.world.guilds.set(id, guild);
    this.#join(guild, owner.id, []);
    this.#join(guild, this.bot.user.id, [botRole.id]);
    return guild;
  }

  #join(guild: Guild, user: string, roles: string[]): void {
    const known = this.world.users.get(user);
    if (!known) throw new Error("unknown user");
    guild.members.set(user, {
      user: known,
      nick: null,
      avatar: null,
      roles,
      joined_at: this.world.iso(),
      communication_disabled_until: null,
    });
  }

  person(name: string, guild?: Guild, roles: string[] = []): Person {
    const person = new Person(this.world.user(name), this.acts);
    if (guild) this.#join(guild, person.id, roles);
    return person;
  }

  role(guild: Guild, name: string, permissions: bigint): string {
    const role = roleShape(this.world.snowflake(), name, permissions);
    guild.roles.set(role.id, role);
    return role.id;
  }

  channel(guild: Guild, name: string, options: Partial<Channel> = {}): string {
    const channel = this.world.channel({ type: ChannelType.GuildText, guild: guild.id, name, ...options });
    return channel.id;
  }

  /** A file of Discord's own (avatar, emoji, sticker), at a path like `/emojis/1.png`. */
  file(path: string, bytes: Buffer, type: string): void {
    this.world.files.set(path, { bytes, type });
  }

  channelOf(id: string): Channel {
    const channel = this.world.channels.get(id);
    if (!channel) throw new Error(`There is no channel ${id} in the fake.`);
    return channel;
  }

  /** A channel as its events tell it. */
  shape(id: string): unknown {
    return channelShape(this.channelOf(id), this.world);
  }

  /** `/causeway …` or a menu entry, as a member uses it. Returns the interaction's token, by which its answers are found. */
  command(user: Person, channel: string, data: unknown): string {
    return this.#interact(user, channel, { type: 2, data });
  }

  /** A button under one of the bot's own answers. */
  press(user: Person, channel: string, customId: string): string {
    const message = { id: this.world.snowflake(), channel_id: channel, content: "", flags: 64, components: [] };
    return this.#interact(user, channel, { type: 3, data: { component_type: 2, custom_id: customId }, message });
  }

  /** A button under a message that everybody sees; told so many times. Returns the interaction's token. */
  pressUnder(user: Person, channel: string, message: string, customId: string, times = 1): string {
    const stored = this.world.stored(channel, message);
    if (!stored) throw new Error(`There is no message ${message} in the fake.`);
    return this.#interact(user, channel, { type: 3, data: { component_type: 2, custom_id: customId }, message: stored.message }, times);
  }

  #interact(user: Person, channel: string, what: object, times = 1): string {
    const where = this.channelOf(channel);
    const guild = this.world.guilds.get(where.guild ?? "");
    const id = this.world.snowflake();
    const token = `aW50ZXJhY3Rpb24${id}`;
    this.world.interactions.set(token, { id, token, channel, at: this.world.now(), acknowledged: false, ephemeral: false, answers: [] });
    const member = guild?.members.get(user.id);
    const permissions = String(
      guild ? [guild.id, ...(member?.roles ?? [])].reduce((all, role) => all | BigInt(guild.roles.get(role)?.permissions ?? 0), 0n) : 0n,
    );
    const payload = {
      id,
      application_id: this.bot.application.id,
      guild_id: where.guild,
      channel: { id: channel, type: where.type, name: where.name },
      channel_id: channel,
      ...(member ? { member: { ...member, permissions } } : { user: user.user }),
      token,
      version: 1,
      locale: "en-US",
      entitlements: [],
      authorizing_integration_owners: {},
      context: guild ? 0 : 1,
      app_permissions: "0",
      attachment_size_limit: 10_485_760,
      ...what,
    };
    for (let told = 0; told < times; told++) this.gateway.dispatch("INTERACTION_CREATE", payload, { only: this.bot.user.id });
    return token;
  }

  /** Somebody is there, away, or gone: told in every server that they share with the bot. */
  presence(user: Person, status: "online" | "idle" | "dnd" | "offline", words?: string): void {
    const activities = words === undefined ? [] : [{ type: 4, name: "Custom Status", state: words, created_at: this.world.now() }];
    this.world.presences.set(user.id, { status, activities });
    for (const guild of this.world.guilds.values()) {
      if (!guild.members.has(user.id)) continue;
      const d = { user: { id: user.id }, guild_id: guild.id, status, activities, client_status: {} };
      this.gateway.dispatch("PRESENCE_UPDATE", d, { intent: GatewayIntentBits.GuildPresences, guild: guild.id });
    }
  }

  /** An outage of one server, and its end. */
  outage(guild: Guild, on: boolean): void {
    guild.unavailable = on;
    if (on) this.gateway.dispatch("GUILD_DELETE", { id: guild.id, unavailable: true }, { guild: guild.id });
    else this.gateway.greetGuild(guild);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.http.stop();
  }
}

/** What the invite asks for. */
export const BOT_RIGHTS =
  Bit.ViewChannel |
  Bit.SendMessages |
  Bit.SendMessagesInThreads |
  Bit.CreatePublicThreads |
  Bit.ReadMessageHistory |
  Bit.AddReactions |
  Bit.AttachFiles |
  Bit.EmbedLinks |
  Bit.UseExternalEmojis |
  Bit.ManageWebhooks |
  Bit.ManageMessages |
  Bit.ManageThreads |
  Bit.ManageChannels |
  Bit.PinMessages |
  Bit.SendPolls |
  Bit.SendVoiceMessages |
  Bit.MentionEveryone |
  Bit.KickMembers |
  Bit.BanMembers |
  Bit.ModerateMembers |
  Bit.ViewAuditLog;

function roleShape(id: string, name: string, permissions: bigint): APIRole {
  const role = {
    id,
    name,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    icon: null,
    unicode_emoji: null,
    position: 0,
    permissions: String(permissions),
    managed: false,
    mentionable: false,
    flags: 0,
  };
  return role as unknown as APIRole;
}
