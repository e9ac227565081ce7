/**
 * What Discord knows: users, guilds, channels, messages. Objects have the shapes of the vendor's documentation, by its types.
 *
 * https://discord.com/developers/docs/resources
 */
import {
  type APIApplication,
  type APIGuildForumTag,
  type APIMessage,
  type APIOverwrite,
  type APIRole,
  type APISticker,
  type APIUser,
  type APIWebhook,
  ChannelType,
  type ThreadChannelType,
} from "discord-api-types/v10";
import type { EmojiMap } from "./emoji.ts";

export interface Member {
  user: APIUser;
  nick: string | null;
  avatar: string | null;
  roles: string[];
  joined_at: string;
  communication_disabled_until: string | null;
}

export interface Guild {
  id: string;
  name: string;
  icon: string | null;
  owner_id: string;
  premium_tier: 0 | 1 | 2 | 3;
  roles: Map<string, APIRole>;
  members: Map<string, Member>;
  emojis: EmojiMap;
  stickers: Map<string, APISticker>;
  bans: Map<string, string>;
  /** The voice channel that each person is in. */
  voices: Map<string, string>;
  unavailable: boolean;
}

export interface ThreadMeta {
  archived: boolean;
  auto_archive_duration: 60 | 1440 | 4320 | 10080;
  archive_timestamp: string;
  locked: boolean;
  create_timestamp: string;
}

/** Every type of channel in one: what a type does not have stays at its default and is not shown. */
export interface Channel {
  id: string;
  type: ChannelType;
  guild: string | undefined;
  name: string;
  topic: string | null;
  parent: string | undefined;
  position: number;
  overwrites: APIOverwrite[];
  nsfw: boolean;
  last: string | null;
  lastPin: string | null;
  slowmode: number;
  flags: number;
  /** Threads. */
  meta: ThreadMeta | undefined;
  owner: string | undefined;
  appliedTags: string[];
  members: Set<string>;
  /** Forums. */
  tags: APIGuildForumTag[];
  /** Direct messages: everyone in it. */
  recipients: string[];
}

/** A message and what is not told of it. */
export interface Stored {
  message: APIMessage;
  /** By emoji as in the path (`🔥`, `name:id`), who reacted. */
  reactions: Map<string, Set<string>>;
  /** By answer, who voted. */
  votes: Map<number, Set<string>>;
  pinnedAt: string | undefined;
  edits: number;
}

export interface Bot {
  user: APIUser;
  application: APIApplication;
  token: string;
  /** What is switched on in the developer portal. */
  portal: { messageContent: boolean; members: boolean; presence: boolean };
  commands: unknown[];
}

export interface Interaction {
  readonly id: string;
  readonly token: string;
  readonly channel: string;
  /** When it was made, of which it has three seconds to be acknowledged. */
  readonly at: number;
  acknowledged: boolean;
  /** Seen by nobody else: said when it was acknowledged. */
  ephemeral: boolean;
  readonly answers: APIMessage[];
}

const EPOCH = 1_420_070_400_000n;

export class World {
  readonly users = new Map<string, APIUser>();
  readonly guilds = new Map<string, Guild>();
  readonly channels = new Map<string, Channel>();
  readonly messages = new Map<string, Map<string, Stored>>();
  readonly webhooks = new Map<string, APIWebhook>();
  readonly bots = new Map<string, Bot>();
  /** Files by path on the CDN. */
  readonly files = new Map<string, { bytes: Buffer; type: string }>();
  readonly interactions = new Map<string, Interaction>();
  /** Who is there, by user. */
  readonly presences = new Map<string, { readonly status: string; readonly activities: readonly object[] }>();
  /** Where files are served. */
  cdn = "";
  /** Added to the wall's time: a test may let time pass. */
  skew = 0;
  #last = 0n;
  #micro = 0;
  #past = 0n;

  now(): number {
    return Date.now() + this.skew;
  }

  /** With microseconds, as Discord writes it: no two the same. */
  iso(ms = this.now()): string {
    this.#micro = (this.#micro + 1) % 1000;
    return new Date(ms).toISOString().replace("Z", `${String(this.#micro).padStart(3, "0")}+00:00`);
  }

  /** Ascending, with the time in its upper bits. */
  snowflake(at = this.now()): string {
    const wanted = (BigInt(Math.floor(at)) - EPOCH) << 22n;
    if (at < this.now() - 1_000) return (wanted + (this.#past++ % 4_000_000n)).toString();
    this.#last = wanted > this.#last ? wanted : this.#last + 1n;
    return this.#last.toString();
  }

  user(name: string, options: Partial<APIUser> = {}): APIUser {
    const user: APIUser = {
      id: this.snowflake(this.now() - 3_600_000),
      username: name.toLowerCase().replaceAll(/[^a-z0-9_.]/g, "") || "person",
      discriminator: "0",
      global_name: name,
      avatar: null,
      ...options,
    };
    this.users.set(user.id, user);
    return user;
  }

  channel(values: Partial<Channel> & Pick<Channel, "type" | "guild">): Channel {
    const channel: Channel = {
      id: this.snowflake(),
      name: "channel",
      topic: null,
      parent: undefined,
      position: 0,
      overwrites: [],
      nsfw: false,
      last: null,
      lastPin: null,
      slowmode: 0,
      flags: 0,
      meta: undefined,
      owner: undefined,
      appliedTags: [],
      members: new Set(),
      tags: [],
      recipients: [],
      ...values,
    };
    this.channels.set(channel.id, channel);
    this.messages.set(channel.id, new Map());
    return channel;
  }

  stored(channel: string, message: string): Stored | undefined {
    return this.messages.get(channel)?.get(message);
  }

  channelsOf(guild: string): Channel[] {
    return [...this.channels.values()].filter((channel) => channel.guild === guild && !isThread(channel.type));
  }

  threadsOf(guild: string): Channel[] {
    return [...this.channels.values()].filter((channel) => channel.guild === guild && isThread(channel.type));
  }
}

export function isThread(type: ChannelType): type is ThreadChannelType {
  return type === ChannelType.PublicThread || type === ChannelType.PrivateThread || type === ChannelType.AnnouncementThread;
}

export function isForum(type: ChannelType): boolean {
  return type === ChannelType.GuildForum || type === ChannelType.GuildMedia;
}

export { ChannelType as ChannelTypes } from "discord-api-types/v10";
