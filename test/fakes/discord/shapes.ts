/** Things of the world as Discord tells them. */
import {
  type APIChannel,
  type APIGuild,
  type APIGuildMember,
  type APIMessage,
  ChannelType,
  type GatewayGuildCreateDispatchData,
  GatewayIntentBits,
} from "discord-api-types/v10";
import { type Channel, type Guild, isForum, isThread, type Member, type Stored, type World } from "./world.ts";

export function memberShape(member: Member): APIGuildMember {
  return {
    user: member.user,
    nick: member.nick,
    avatar: member.avatar,
    roles: [...member.roles],
    joined_at: member.joined_at,
    premium_since: null,
    deaf: false,
    mute: false,
    flags: 0,
    pending: false,
    communication_disabled_until: member.communication_disabled_until,
  } as unknown as APIGuildMember;
}

export function channelShape(channel: Channel, world: World, withGuild = true): APIChannel {
  const shown = channel.guild !== undefined && withGuild ? { guild_id: channel.guild } : {};
  const common = { id: channel.id, type: channel.type, name: channel.name, flags: channel.flags, last_message_id: channel.last, ...shown };
  if (channel.type === ChannelType.DM || channel.type === ChannelType.GroupDM) return direct(channel, world);
  if (isThread(channel.type)) return thread(channel, common, world);
  const placed = {
    ...common,
    position: channel.position,
    parent_id: channel.parent ?? null,
    permission_overwrites: channel.overwrites,
    nsfw: channel.nsfw,
    topic: channel.topic,
    rate_limit_per_user: channel.slowmode,
    last_pin_timestamp: channel.lastPin,
  };
  if (channel.type === ChannelType.GuildCategory) {
    const { topic: _t, last_message_id: _l, rate_limit_per_user: _r, last_pin_timestamp: _p, ...category } = placed;
    return category as APIChannel;
  }
  if (channel.type === ChannelType.GuildVoice || channel.type === ChannelType.GuildStageVoice) {
    return { ...placed, bitrate: 64_000, user_limit: 0, rtc_region: null, video_quality_mode: 1 } as unknown as APIChannel;
  }
  if (isForum(channel.type)) {
    return {
      ...placed,
      available_tags: channel.tags,
      default_reaction_emoji: null,
      default_sort_order: null,
      default_forum_layout: 0,
    } as unknown as APIChannel;
  }
  return placed as APIChannel;
}

function thread(channel: Channel, common: object, world: World): APIChannel {
  return {
    ...common,
    parent_id: channel.parent,
    owner_id: channel.owner,
    thread_metadata: channel.meta,
    message_count: [...(world.messages.get(channel.id)?.values() ?? [])].filter(
      ({ message }) => message.type !== 21 && message.id !== channel.id,
    ).length,
    member_count: Math.min(50, channel.members.size),
    total_message_sent: world.messages.get(channel.id)?.size ?? 0,
    rate_limit_per_user: channel.slowmode,
    ...(channel.appliedTags.length > 0 ? { applied_tags: channel.appliedTags } : {}),
  } as unknown as APIChannel;
}

function direct(channel: Channel, world: World): APIChannel {
  const recipients = channel.recipients.filter((id) => !world.bots.has(id)).flatMap((id) => world.users.get(id) ?? []);
  return { id: channel.id, type: channel.type, last_message_id: channel.last, flags: 0, recipients } as unknown as APIChannel;
}

export function guildShape(guild: Guild): APIGuild {
  return {
    id: guild.id,
    name: guild.name,
    icon: guild.icon,
    splash: null,
    discovery_splash: null,
    owner_id: guild.owner_id,
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 1,
    explicit_content_filter: 0,
    roles: [...guild.roles.values()],
    emojis: [...guild.emojis.values()],
    stickers: [...guild.stickers.values()],
    features: [],
    mfa_level: 0,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    vanity_url_code: null,
    description: null,
    banner: null,
    premium_tier: guild.premium_tier,
    preferred_locale: "en-US",
    public_updates_channel_id: null,
    nsfw_level: 0,
    premium_progress_bar_enabled: false,
    safety_alerts_channel_id: null,
    hub_type: null,
  } as unknown as APIGuild;
}

/** https://discord.com/developers/docs/events/gateway-events#guild-create */
export function guildCreate(
  guild: Guild,
  world: World,
  me: string,
  intents: number,
  largeThreshold: number,
): GatewayGuildCreateDispatchData {
  const all = [...guild.members.values()];
  const mine = all.filter(({ user }) => user.id === me);
  const seesMembers = (intents & GatewayIntentBits.GuildMembers) !== 0;
  const seesPresences = (intents & GatewayIntentBits.GuildPresences) !== 0;
  const members = seesMembers && all.length <= largeThreshold ? all : mine;
  return {
    ...guildShape(guild),
    joined_at: world.iso(),
    large: all.length > largeThreshold,
    unavailable: false,
    member_count: all.length,
    voice_states: [...guild.voices].map(([user_id, channel_id]) => ({ user_id, channel_id, session_id: "s", self_mute: false })),
    members: members.map(memberShape),
    channels: world.channelsOf(guild.id).map((channel) => channelShape(channel, world, false)),
    threads: world
      .threadsOf(guild.id)
      .filter(({ meta }) => meta?.archived === false)
      .map((channel) => channelShape(channel, world)),
    presences: seesPresences
      ? all.flatMap(({ user }) => {
          const known = world.presences.get(user.id);
          return known && known.status !== "offline" ? [{ user: { id: user.id }, guild_id: guild.id, ...known, client_status: {} }] : [];
        })
      : [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  } as unknown as GatewayGuildCreateDispatchData;
}

/** As one user reads it: with their own reactions marked, and what it refers to. */
export function messageShape(stored: Stored, world: World, reader: string, contentAllowed = true): APIMessage {
  const { message } = stored;
  const reactions = [...stored.reactions]
    .filter(([, people]) => people.size > 0)
    .map(([key, people]) => {
      const [name, id] = key.includes(":") ? key.split(":") : [key, null];
      return {
        count: people.size,
        count_details: { burst: 0, normal: people.size },
        me: people.has(reader),
        me_burst: false,
        emoji: { id: id ?? null, name: name ?? null },
        burst_colors: [],
      };
    });
  const poll = message.poll && {
    ...message.poll,
    results: {
      is_finalized: message.poll.results?.is_finalized ?? false,
      answer_counts: [...stored.votes].map(([id, people]) => ({ id, count: people.size, me_voted: people.has(reader) })),
    },
  };
  const { nonce: _nonce, ...told } = message;
  const whole = {
    ...told,
    ...(reactions.length > 0 ? { reactions } : {}),
    ...(poll ? { poll } : {}),
    ...referenced(message, world, reader, contentAllowed),
  } as APIMessage;
  return contentAllowed || message.author.id === reader || message.mentions.some(({ id }) => id === reader) ? whole : withoutContent(whole);
}

/** https://discord.com/developers/docs/events/gateway#message-content-intent */
function withoutContent(message: APIMessage): APIMessage {
  const { poll: _poll, ...rest } = message;
  return { ...rest, content: "", embeds: [], attachments: [], components: [] };
}

function referenced(message: APIMessage, world: World, reader: string, contentAllowed: boolean): object {
  const reference = message.message_reference;
  if ((message.type !== 19 && message.type !== 21 && message.type !== 23) || reference?.message_id === undefined) return {};
  const target = world.stored(reference.channel_id, reference.message_id);
  if (!target) return { referenced_message: null };
  const { referenced_message: _inner, ...shown } = messageShape(target, world, reader, contentAllowed);
  return { referenced_message: shown };
}
