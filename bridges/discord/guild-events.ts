/** What happens to guilds, channels and members, as core's events. https://discord.com/developers/docs/events/gateway-events */
import { type APIGuild, AuditLogEvent, type GatewayDispatchPayload, GatewayDispatchEvents as On, Routes } from "discord-api-types/v10";
import { isDeepStrictEqual } from "node:util";
import type { RemoteEvent } from "../../core/model/events.ts";
import type { Inline } from "../../core/model/richtext.ts";
import { base } from "./events.ts";
import type { Facts } from "./facts.ts";
import { Denied } from "./failures.ts";
import { isForum } from "./guilds.ts";
import { channelId, isSnowflake, messageId, userId } from "./ids.ts";
import type { Live } from "./live.ts";
import { personOf } from "./people.ts";
import type { Stands } from "./stands.ts";
import type { Road } from "./view.ts";
import { voiceChanged, voicesTold } from "./voices.ts";
import type { Dispatch } from "./wire.ts";

type Events = readonly RemoteEvent[];

const NOTHING: Events = [];

const ABOUT: ReadonlySet<string> = new Set<string>([
  On.GuildCreate,
  On.GuildUpdate,
  On.GuildDelete,
  On.GuildRoleCreate,
  On.GuildRoleUpdate,
  On.GuildRoleDelete,
  On.GuildEmojisUpdate,
  On.GuildMemberUpdate,
  On.GuildMemberRemove,
  On.GuildMemberAdd,
  On.GuildBanAdd,
  On.GuildBanRemove,
  On.GuildAuditLogEntryCreate,
  On.ChannelCreate,
  On.ChannelUpdate,
  On.ChannelDelete,
  On.ThreadCreate,
  On.ThreadUpdate,
  On.ThreadDelete,
  On.ThreadListSync,
  On.VoiceStateUpdate,
]);

export function isAboutGuild(name: string): boolean {
  return ABOUT.has(name);
}

export function guildEvents(
  live: Live,
  stands: Stands,
  facts: Facts,
  payload: GatewayDispatchPayload,
  road: Road,
): Events | Promise<Events> {
  const { t, d } = payload;
  const now = live.core.clock.now();
  switch (t) {
    case On.GuildDelete:
      return guildLost(live, stands, facts, payload, road);
    case On.ChannelDelete:
      return channelDeleted(live, stands, facts, payload, road);
    case On.ThreadDelete:
      return threadDeleted(live, stands, facts, payload, road);
    case On.GuildMemberUpdate:
      live.guilds.apply(payload);
      return [
        ...renamed(live, stands, d, road, now),
        ...silenced(live, stands, d, road, now),
        ...(Array.isArray(d.roles)
          ? live.members.repowered(d.guild_id, { id: d.user.id, roles: d.roles }, stands.heardIn(d.guild_id), road, now)
          : []),
      ];
    case On.GuildMemberAdd:
      if (!live.config.membership) return NOTHING;
      return everywhere(stands, d.guild_id, (channel) => ({
        ...base({ channel }, road, now),
        kind: "membership",
        change: "join",
        person: userId(d.user.id),
        profile: personOf(d.user, d, d.guild_id, live.self.id),
      }));
    case On.GuildMemberRemove:
      if (d.user.id === live.self.id) return NOTHING;
      return [
        ...live.members.repowered(d.guild_id, { id: d.user.id, roles: [] }, stands.heardIn(d.guild_id), road, now),
        ...left(live, stands, d, road, now),
      ];
    case On.GuildBanAdd:
    case On.GuildBanRemove: {
      const change = t === On.GuildBanAdd ? "ban" : "unban";
      return everywhere(stands, d.guild_id, (channel) => ({
        ...base({ channel }, road, now),
        kind: "membership",
        change,
        person: userId(d.user.id),
      }));
    }
    case On.GuildAuditLogEntryCreate:
      return audited(stands, d, road, now);
    case On.VoiceStateUpdate:
      return voiceChanged(live, stands, d, road, now);
    case On.ChannelUpdate:
    case On.ChannelCreate:
    case On.ThreadUpdate:
    case On.ThreadCreate:
      live.guilds.apply(payload);
      // The bot may have been given a right that it lacked.
      live.core.opened?.(channelId(d.id));
      return facts.changesOf(d.id, road);
    case On.GuildEmojisUpdate:
    case On.ThreadListSync:
      live.guilds.apply(payload);
      return NOTHING;
    default: {
      const guild = guildOf(payload);
      if (t === On.GuildCreate) voicesTold(live, d);
      live.guilds.apply(payload);
      // An outage that ends is told so.
      if (t === On.GuildCreate) for (const id of stands.heardIn(d.id)) live.core.opened?.(channelId(id));
      return guild === undefined ? NOTHING : facts.changesIn(guild, road);
    }
  }
}

function guildOf({ t, d }: GatewayDispatchPayload): string | undefined {
  if (t === On.GuildCreate || t === On.GuildUpdate) return d.id;
  return typeof d === "object" && d !== null && "guild_id" in d && typeof d.guild_id === "string" ? d.guild_id : undefined;
}

function everywhere(stands: Stands, guild: string, make: (channel: ReturnType<typeof channelId>) => RemoteEvent): Events {
  return stands.heardIn(guild).map((id) => make(channelId(id)));
}

/**
 * Gone for good only when Discord says so twice: an outage looks much the same.
 * https://discord.com/developers/docs/events/gateway-events#guild-delete
 */
async function guildGone(live: Live, guild: string): Promise<boolean> {
  try {
    await live.rest.get<APIGuild>(Routes.guild(guild));
    return false;
  } catch (error) {
    if (error instanceof Denied) return true;
    throw error;
  }
}

function guildLost(
  live: Live,
  stands: Stands,
  facts: Facts,
  payload: Extract<GatewayDispatchPayload, { t: On.GuildDelete }>,
  road: Road,
): Events | Promise<Events> {
  const { d } = payload;
  if (d.unavailable === true) {
    live.guilds.apply(payload);
    live.core.log.warn({ guild: d.id }, "A Discord server is not available: an outage there");
    return NOTHING;
  }
  const name = live.guilds.guild(d.id)?.name ?? "";
  const heard = stands.heardIn(d.id);
  if (heard.length === 0) {
    live.guilds.apply(payload);
    return NOTHING;
  }
  return guildGone(live, d.id).then((gone) => {
    if (!gone) return NOTHING;
    live.guilds.apply(payload);
    const why = `The bot was removed from the Discord server${name === "" ? "" : ` "${name}"`}: it has to be invited again (\`causeway discord invite\`).`;
    return heard.map((id) => facts.gone(id, why, road));
  });
}

function channelDeleted(
  live: Live,
  stands: Stands,
  facts: Facts,
  payload: Extract<GatewayDispatchPayload, { t: On.ChannelDelete }>,
  road: Road,
): Events {
  const { d } = payload;
  live.guilds.apply(payload);
  if (!stands.isHeard(d.id)) return NOTHING;
  const why = `The channel ${d.name ? `"${d.name}" ` : ""}was deleted on Discord.`;
  return [facts.gone(d.id, why, road)];
}

/** With a forum's post its first message goes; of any other thread a word is left. */
function threadDeleted(
  live: Live,
  stands: Stands,
  facts: Facts,
  payload: Extract<GatewayDispatchPayload, { t: On.ThreadDelete }>,
  road: Road,
): Events {
  const { d } = payload;
  const thread = live.guilds.place(d.id);
  const home = stands.homeOf(d.id);
  const parent = typeof home === "string" ? live.guilds.place(home) : undefined;
  live.guilds.apply(payload);
  if (!parent || typeof home !== "string") return NOTHING;
  const happened = base({ channel: channelId(home) }, road, live.core.clock.now());
  if (home === d.id) return [facts.gone(d.id, "The thread was deleted on Discord.", road)];
  if (isForum(parent.type)) return [{ ...happened, kind: "delete", subject: `delete:${d.id}`, messages: [messageId(d.id)] }];
  return [notice(happened, { type: "text", text: `The thread "${thread?.name ?? ""}" was deleted on Discord.` })];
}

function notice(happened: ReturnType<typeof base>, ...content: Inline[]): RemoteEvent {
  return { ...happened, kind: "notice", body: [{ type: "paragraph", content }] };
}

function left(live: Live, stands: Stands, d: Dispatch<"GUILD_MEMBER_REMOVE">, road: Road, now: number): Events {
  if (!live.config.membership) return NOTHING;
  return everywhere(stands, d.guild_id, (channel) => ({
    ...base({ channel }, road, now),
    kind: "membership",
    change: "leave",
    person: userId(d.user.id),
  }));
}

type MemberUpdate = Dispatch<"GUILD_MEMBER_UPDATE">;

/** Only of those who were seen: nobody else has a ghost whose name could be old. */
function renamed(live: Live, stands: Stands, d: MemberUpdate, road: Road, now: number): Events {
  const seen = live.members.seen(d.user.id);
  const [channel] = seen?.channel !== undefined && stands.isHeard(seen.channel) ? [seen.channel] : stands.heardIn(d.guild_id);
  const person = personOf(d.user, d, d.guild_id, live.self.id);
  if (!seen || channel === undefined || isDeepStrictEqual(seen.person, person)) return NOTHING;
  live.members.saw(person, d.guild_id);
  return [{ ...base({ channel: channelId(channel) }, road, now), kind: "person-changed", person }];
}

/** A timeout is told where the person spoke last. */
function silenced(live: Live, stands: Stands, d: MemberUpdate, road: Road, now: number): Events {
  const until = Date.parse(d.communication_disabled_until ?? "");
  const channel = live.members.seen(d.user.id)?.channel;
  if (Number.isNaN(until) || until <= now || channel === undefined || !stands.isHeard(channel)) return NOTHING;
  const name = personOf(d.user, d, d.guild_id, live.self.id).name;
  const event = notice(
    base({ channel: channelId(channel) }, road, now),
    { type: "mention", target: { kind: "person", remote: userId(d.user.id) }, text: name },
    { type: "text", text: " was timed out on Discord until " },
    { type: "time", at: until, text: new Date(until).toISOString().slice(0, 16).replace("T", " "), style: "datetime" },
    { type: "text", text: "." },
  );
  // The same timeout is told once, however often the member changes.
  return [{ ...event, subject: `timeout:${d.user.id}:${until}` }];
}

/** Who was kicked, by whom and why: the member's leaving itself does not say. */
function audited(stands: Stands, d: Dispatch<"GUILD_AUDIT_LOG_ENTRY_CREATE">, road: Road, now: number): Events {
  if (d.action_type !== AuditLogEvent.MemberKick || !isSnowflake(d.target_id)) return NOTHING;
  const person = userId(d.target_id);
  const by = isSnowflake(d.user_id) ? { by: userId(d.user_id) } : {};
  const reason = d.reason === undefined ? {} : { reason: d.reason };
  return everywhere(stands, d.guild_id, (channel) => ({
    ...base({ channel }, road, now),
    kind: "membership",
    change: "kick",
    person,
    ...by,
    ...reason,
  }));
}
