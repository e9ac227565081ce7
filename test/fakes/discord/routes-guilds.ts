/** https://discord.com/developers/docs/resources/guild, /user, /application, and the gateway's address. */
import { type APIMessage, ChannelType } from "discord-api-types/v10";
import { Bit, guildRights, rightsIn } from "./rights.ts";
import { ApiError, invalid, missingAccess, missingPermissions, unknown } from "./errors.ts";
import { type Asked, numberIn, snowflakeIn } from "./request.ts";
import type { Router } from "./router.ts";
import { botOf, channelFor, type Door } from "./routes-messages.ts";
import { channelShape, guildShape, memberShape } from "./shapes.ts";
import type { Bot, Guild } from "./world.ts";

export interface GatewayFacts {
  readonly url: string;
  readonly shards: number;
  readonly total: number;
  used(): number;
}

export function guildRoutes(router: Router, door: Door, gateway: () => GatewayFacts): void {
  router.on("GET", "/guilds/:g", (asked, { g }) => guildShape(guildFor(door, botOf(asked), g)));
  router.on("GET", "/guilds/:g/channels", (asked, { g }) => {
    guildFor(door, botOf(asked), g);
    return door.world.channelsOf(g).map((channel) => channelShape(channel, door.world));
  });
  router.on("GET", "/guilds/:g/threads/active", (asked, { g }) => {
    const bot = botOf(asked);
    guildFor(door, bot, g);
    const active = door.world
      .threadsOf(g)
      .filter((thread) => thread.meta?.archived === false && (rightsIn(door.world, thread, bot.user.id) & Bit.ViewChannel) !== 0n);
    return { threads: active.map((thread) => channelShape(thread, door.world)), members: [] };
  });
  router.on("GET", "/guilds/:g/members", (asked, { g }) => members(door, asked, g));
  router.on("GET", "/guilds/:g/members/search", (asked, { g }) => {
    const guild = guildFor(door, botOf(asked), g);
    const query = asked.query.get("query") ?? "";
    if (query === "") throw invalid("query", "BASE_TYPE_REQUIRED", "This field is required");
    const wanted = query.toLowerCase();
    const fits = [...guild.members.values()].filter(({ nick, user }) =>
      [nick, user.username, user.global_name].some((name) => name?.toLowerCase().startsWith(wanted)),
    );
    return fits.slice(0, numberIn(asked.query, "limit", 1, 1000, 1)).map(memberShape);
  });
  router.on("GET", "/guilds/:g/members/:u", (asked, p) => {
    const member = guildFor(door, botOf(asked), p.g).members.get(snowflakeIn("user_id", p.u));
    if (!member) throw unknown.member();
    return memberShape(member);
  });
  // https://discord.com/developers/docs/resources/guild#modify-guild-member
  router.on("PATCH", "/guilds/:g/members/:u", (asked, p) => {
    needInGuild(door, botOf(asked), p.g, Bit.ModerateMembers);
    const guild = door.world.guilds.get(p.g);
    const member = guild?.members.get(snowflakeIn("user_id", p.u));
    if (!guild || !member) throw unknown.member();
    const { communication_disabled_until: until, ...others } = asked.body;
    if (Object.keys(others).length > 0) throw missingPermissions();
    const time = until === null ? null : Date.parse(String(until));
    if (time !== null && !(time <= door.world.now() + 28 * 86_400_000))
      throw invalid("communication_disabled_until", "DATE_TIME_MAX", "Must be within 28 days.");
    const theirs = guildRights(door.world, p.g, p.u);
    if (guild.owner_id === p.u || (theirs & Bit.Administrator) !== 0n) throw missingPermissions();
    door.acts.updateMember(p.g, p.u, { communication_disabled_until: until ?? null });
    return memberShape(member);
  });
  router.on("DELETE", "/guilds/:g/members/:u", (asked, p) => {
    needInGuild(door, botOf(asked), p.g, Bit.KickMembers);
    if (door.world.guilds.get(p.g)?.owner_id === p.u) throw missingPermissions();
    door.acts.removeMember(p.g, p.u);
    const entry = {
      id: door.world.snowflake(),
      guild_id: p.g,
      action_type: 20,
      user_id: botOf(asked).user.id,
      target_id: p.u,
      ...(asked.reason === undefined ? {} : { reason: asked.reason }),
    };
    door.acts.gateway.dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", entry, { intent: 4, guild: p.g });
  });
  router.on("PUT", "/guilds/:g/bans/:u", (asked, p) => {
    needInGuild(door, botOf(asked), p.g, Bit.BanMembers);
    if (door.world.guilds.get(p.g)?.owner_id === p.u) throw missingPermissions();
    door.acts.ban(p.g, p.u, asked.reason ?? "");
  });
  router.on("DELETE", "/guilds/:g/bans/:u", (asked, p) => {
    const guild = guildFor(door, botOf(asked), p.g);
    needInGuild(door, botOf(asked), p.g, Bit.BanMembers);
    if (!guild.bans.delete(p.u)) throw unknown.ban();
    door.acts.gateway.dispatch("GUILD_BAN_REMOVE", { guild_id: p.g, user: door.world.users.get(p.u) }, { intent: 4, guild: p.g });
  });
  userRoutes(router, door);
  router.on("GET", "/gateway/bot", (asked) => {
    botOf(asked);
    const { url, shards, total, used } = gateway();
    return {
      url,
      shards,
      session_start_limit: { total, remaining: Math.max(0, total - used()), reset_after: 14_400_000, max_concurrency: 1 },
    };
  });
}

function userRoutes(router: Router, door: Door): void {
  router.on("GET", "/users/@me", (asked) => botOf(asked).user);
  router.on("GET", "/users/@me/guilds", (asked) => {
    const bot = botOf(asked);
    const after = BigInt(asked.query.get("after") ?? "0");
    const mine = [...door.world.guilds.values()]
      .filter((guild) => guild.members.has(bot.user.id) && BigInt(guild.id) > after)
      .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    return mine.slice(0, numberIn(asked.query, "limit", 1, 200, 200)).map(({ id, name, icon, owner_id }) => ({
      id,
      name,
      icon,
      owner: owner_id === bot.user.id,
      permissions: String(guildRights(door.world, id, bot.user.id)),
      features: [],
    }));
  });
  router.on("POST", "/users/@me/channels", (asked) => {
    const bot = botOf(asked);
    const user = snowflakeIn("recipient_id", asked.body["recipient_id"]);
    if (!door.world.users.has(user)) throw unknown.user();
    const known = [...door.world.channels.values()].find(
      ({ type, recipients }) => type === ChannelType.DM && recipients.includes(user) && recipients.includes(bot.user.id),
    );
    return channelShape(
      known ?? door.world.channel({ type: ChannelType.DM, guild: undefined, recipients: [bot.user.id, user] }),
      door.world,
    );
  });
  router.on("GET", "/users/:u", (asked, { u }) => {
    botOf(asked);
    const user = door.world.users.get(snowflakeIn("user_id", u));
    if (!user) throw unknown.user();
    return user;
  });
  router.on("GET", "/applications/@me", (asked) => botOf(asked).application);
  router.on("PUT", "/applications/:a/commands", (asked) => {
    const bot = botOf(asked);
    bot.commands = checkedCommands((asked.body["list"] as Command[] | undefined) ?? []);
    return bot.commands;
  });
  router.on("POST", "/interactions/:i/:t/callback", (asked, p) => {
    const interaction = door.world.interactions.get(p.t);
    if (!interaction || interaction.id !== p.i) throw unknown.interaction();
    if (interaction.acknowledged) throw new ApiError(400, 40_060, "Interaction has already been acknowledged.");
    if (![1, 4, 5, 6, 7].includes(Number(asked.body["type"])))
      throw invalid("type", "BASE_TYPE_CHOICES", "Value must be one of (1, 4, 5, 6, 7).");
    // https://discord.com/developers/docs/interactions/receiving-and-responding: three seconds, or it is gone.
    if (door.world.now() - interaction.at > 3_000) throw unknown.interaction();
    interaction.acknowledged = true;
    interaction.ephemeral = ((Number((asked.body["data"] as { flags?: unknown } | undefined)?.flags ?? 0) || 0) & 64) !== 0;
    const { content } = (asked.body["data"] ?? {}) as { content?: unknown };
    if (asked.body["type"] === 4 && typeof content === "string")
      interaction.answers.push({ id: door.world.snowflake(), content, channel_id: interaction.channel } as APIMessage);
  });
  router.on("GET", "/channels/:c/thread-members", (asked, { c }) =>
    [...channelFor(door, botOf(asked), c).members].map((user_id) => ({ id: c, user_id, join_timestamp: door.world.iso(), flags: 0 })),
  );
}

function guildFor(door: Door, bot: Bot, id: string): Guild {
  snowflakeIn("guild_id", id);
  const guild = door.world.guilds.get(id);
  if (!guild) throw unknown.guild();
  if (!guild.members.has(bot.user.id)) throw missingAccess();
  // https://discord.com/developers/docs/events/gateway-events#guild-delete: an outage looks like this.
  if (guild.unavailable) throw unknown.guild();
  return guild;
}

function needInGuild(door: Door, bot: Bot, guild: string, bit: bigint): void {
  guildFor(door, bot, guild);
  if ((guildRights(door.world, guild, bot.user.id) & bit) !== bit) throw missingPermissions();
}

/** Needs the privileged intent, on REST too. */
function members(door: Door, asked: Asked, g: string): unknown {
  const bot = botOf(asked);
  const guild = guildFor(door, bot, g);
  if (!bot.portal.members) throw missingAccess();
  const after = BigInt(asked.query.get("after") ?? "0");
  const limit = numberIn(asked.query, "limit", 1, 1000, 1);
  const all = [...guild.members.values()]
    .filter(({ user }) => BigInt(user.id) > after)
    .sort((a, b) => (BigInt(a.user.id) < BigInt(b.user.id) ? -1 : 1));
  return all.slice(0, limit).map(memberShape);
}

interface Command {
  readonly type?: number;
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly options?: readonly Command[];
  readonly default_member_permissions?: unknown;
}

/** https://discord.com/developers/docs/interactions/application-commands#application-command-object */
function checkedCommands(all: readonly Command[]): unknown[] {
  const count = (type: number) => all.filter((one) => (one.type ?? 1) === type).length;
  if (count(1) > 100 || count(2) > 5 || count(3) > 5) throw new ApiError(400, 30_032, "Maximum number of application commands reached");
  for (const [index, command] of all.entries()) {
    const isMenu = command.type === 2 || command.type === 3;
    if (isMenu && (command.description || command.options))
      throw invalid(
        `${index}.description`,
        "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID",
        "Context menu commands cannot have description",
      );
    if (isMenu && (command.name.length < 1 || command.name.length > 32))
      throw invalid(`${index}.name`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.");
    const { default_member_permissions: bits } = command;
    if (bits !== undefined && bits !== null && !(typeof bits === "string" && /^\d+$/.test(bits)))
      throw invalid(`${index}.default_member_permissions`, "BASE_TYPE_BAD_STRING", "Must be a string of digits.");
    if (!isMenu) checkedOption(command, String(index));
    if (sizeOf(command) > 4_000) throw invalid(String(index), "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (4000)");
  }
  return [...all];
}

function checkedOption({ name, description, options = [] }: Command, path: string): void {
  if (!/^[-_'\p{L}\p{N}]{1,32}$/u.test(name) || name !== name.toLowerCase())
    throw invalid(`${path}.name`, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
  if (!description || description.length > 100)
    throw invalid(`${path}.description`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  if (options.length > 25) throw invalid(`${path}.options`, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
  if (new Set(options.map((one) => one.name)).size < options.length)
    throw invalid(`${path}.options`, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists");
  const firstOptional = options.findIndex(({ required }) => required !== true);
  if (firstOptional >= 0 && options.slice(firstOptional).some(({ required }) => required === true))
    throw invalid(
      `${path}.options`,
      "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
      "Required options must be placed before non-required options",
    );
  for (const [index, option] of options.entries()) checkedOption(option, `${path}.options.${index}`);
}

function sizeOf({ name, description = "", options = [] }: Command): number {
  return name.length + description.length + options.reduce((sum, one) => sum + sizeOf(one), 0);
}
