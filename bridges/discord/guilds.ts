/**
 * What is known of guilds, channels, roles and threads: from the gateway as it tells, from REST where it did not (a resumed session
 * tells nothing again). Of each only what the bridge uses is kept.
 */
import {
  type APIChannel,
  type APIGuild,
  type APIGuildMember,
  type APIRole,
  type APIThreadChannel,
  ChannelFlags,
  ChannelType,
  type GatewayDispatchPayload,
  GatewayDispatchEvents as On,
  Routes,
  PermissionFlagsBits,
} from "discord-api-types/v10";
import { LoggedOut, Refused, TryLater } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";
import { isSnowflake, laterOf } from "./ids.ts";
import { type Overwrite, permissionsIn, type Role, type Ruled } from "./permissions.ts";
import type { Rest } from "./rest.ts";

export interface Place {
  readonly id: string;
  /** Absent = a direct message. */
  readonly guild: string | undefined;
  readonly type: ChannelType;
  readonly name: string;
  readonly topic: string | undefined;
  /** A channel's category, a thread's channel. */
  readonly parent: string | undefined;
  readonly overwrites: readonly Overwrite[];
  /** The last message that is known to stand there. */
  last: string | undefined;
  readonly archived: boolean;
  readonly locked: boolean;
  readonly tags: readonly { readonly id: string; readonly name: string }[];
  readonly appliedTags: readonly string[];
  /** A forum that wants a tag on every post. */
  readonly wantsTag: boolean;
  /** When a thread was made; of a thread that hangs from a message, later than its id says. */
  readonly made: number | undefined;
  /** The others in a direct message. */
  readonly recipients: readonly { readonly id: string; readonly name: string }[];
}

export interface Guild extends Ruled {
  readonly name: string;
  readonly icon: string | null;
  readonly tier: number;
  /** The bot's roles there; undefined = not known. */
  readonly mine: readonly string[] | undefined;
  /** Names by id. */
  readonly emoji: ReadonlyMap<string, string>;
  /** An outage on Discord's side: nothing there is gone. */
  readonly unavailable: boolean;
}

/** How long a list of threads is good enough for catching up. */
const GOOD_FOR = 10_000;

export class Guilds {
  readonly #guilds = new Map<string, Guild>();
  readonly #places = new Map<string, Place>();
  readonly #rest: Rest;
  readonly #me: () => string;
  readonly #clock: Clock;
  readonly #active = new Map<string, { readonly at: number; readonly asked: Promise<{ threads: APIThreadChannel[] }> }>();
  readonly #loading = new Map<string, Promise<Guild | undefined>>();

  constructor(rest: Rest, clock: Clock, me: () => string) {
    this.#rest = rest;
    this.#clock = clock;
    this.#me = me;
  }

  guild(id: string): Guild | undefined {
    return this.#guilds.get(id);
  }

  guilds(): Iterable<Guild> {
    return this.#guilds.values();
  }

  place(id: string): Place | undefined {
    return this.#places.get(id);
  }

  placesOf(guild: string): Place[] {
    return [...this.#places.values()].filter((place) => place.guild === guild);
  }

  threadsOf(channel: string): Place[] {
    return [...this.#places.values()].filter((place) => place.parent === channel && isThread(place.type));
  }

  /** The emoji of that name in the channel's guild. */
  emojiNamed(place: string, name: string): string | undefined {
    const guild = this.#guilds.get(this.#places.get(place)?.guild ?? "");
    for (const [id, known] of guild?.emoji ?? []) if (known === name) return id;
    return undefined;
  }

  isUnavailable(place: string): boolean {
    const guild = this.#places.get(place)?.guild;
    return guild !== undefined && this.#guilds.get(guild)?.unavailable === true;
  }

  /** Everything, where the guild is not known or away: then Discord's own answer decides. */
  myPermissions(id: string): bigint {
    const place = this.#places.get(id);
    const guild = place?.guild === undefined ? undefined : this.#guilds.get(place.guild);
    if (!place || !guild || guild.unavailable) return ~0n;
    return permissionsIn(guild, this.overwritesOf(place), { id: this.#me(), roles: guild.mine ?? [] });
  }

  /** Whether the bot may see it; yes where its own roles are not known. */
  isSeen(id: string): boolean {
    const guild = this.#guilds.get(this.#places.get(id)?.guild ?? "");
    const isKnown = guild?.mine !== undefined && guild.roles.has(guild.id);
    return !isKnown || (this.myPermissions(id) & PermissionFlagsBits.ViewChannel) !== 0n;
  }

  /** A thread's are its channel's. */
  overwritesOf(place: Place): readonly Overwrite[] {
    const parent = isThread(place.type) && place.parent !== undefined ? this.#places.get(place.parent) : undefined;
    return (parent ?? place).overwrites;
  }

  /** From memory, else asked for. Undefined = there is none, or the bot cannot see it. */
  async find(id: string): Promise<Place | undefined> {
    const known = this.#places.get(id);
    if (known || !isSnowflake(id)) return known;
    const found = await absent(this.#rest.get<APIChannel>(Routes.channel(id)));
    if (!found) return this.#notFound();
    if ("guild_id" in found && found.guild_id !== undefined) await this.load(found.guild_id);
    return this.#places.get(id) ?? this.put(found, undefined);
  }

  /** While a guild is away, nobody can tell whether the channel is gone or only away with it. */
  #notFound(): undefined {
    for (const guild of this.#guilds.values()) if (guild.unavailable) throw new TryLater(OUTAGE, 30_000, "channel");
    return undefined;
  }

  /** Like `find`, with its guild and its channel known too. */
  async findWhole(id: string): Promise<Place | undefined> {
    const place = await this.find(id);
    if (place?.guild !== undefined && !this.#guilds.has(place.guild)) await this.load(place.guild);
    if (place?.parent !== undefined && isThread(place.type)) await this.find(place.parent);
    return place;
  }

  /** Reads a guild that the gateway did not tell of. */
  async load(id: string): Promise<Guild | undefined> {
    const known = this.#guilds.get(id);
    if (known && !known.unavailable) return known;
    let loading = this.#loading.get(id);
    if (!loading) {
      loading = this.#load(id).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    return await loading;
  }

  async #load(id: string): Promise<Guild | undefined> {
    const guild = await absent(this.#rest.get<APIGuild>(Routes.guild(id)));
    if (!guild) return undefined;
    const [channels, threads, me] = await Promise.all([
      this.#rest.get<APIChannel[]>(Routes.guildChannels(id)),
      absent(this.#rest.get<{ threads: APIThreadChannel[] }>(Routes.guildActiveThreads(id))),
      absent(this.#rest.get<APIGuildMember>(Routes.guildMember(id, this.#me()))),
    ]);
    for (const channel of [...channels, ...(threads?.threads ?? [])]) this.put(channel, id);
    return this.#putGuild(guild, me?.roles);
  }

  /** Asked for once for all channels of a guild that catch up at the same time; what is younger comes live. */
  async activeThreads(guild: string): Promise<readonly APIThreadChannel[]> {
    const now = this.#clock.now();
    const known = this.#active.get(guild);
    if (known && now - known.at < GOOD_FOR) return (await known.asked).threads;
    const asked = this.#rest.get<{ threads: APIThreadChannel[] }>(Routes.guildActiveThreads(guild));
    this.#active.set(guild, { at: now, asked });
    asked.catch(() => this.#active.delete(guild));
    return (await asked).threads;
  }

  /** Takes in what the gateway tells. Idempotent: a replayed event changes nothing. */
  apply({ t, d }: GatewayDispatchPayload): void {
    switch (t) {
      case On.GuildCreate:
        return this.#created(d);
      case On.GuildUpdate:
        return void this.#putGuild(d, this.#guilds.get(d.id)?.mine);
      case On.GuildDelete:
        return this.#lost(d.id, d.unavailable === true);
      case On.GuildRoleCreate:
      case On.GuildRoleUpdate:
        return this.#roles(d.guild_id, (roles) => roles.set(d.role.id, roleOf(d.role)));
      case On.GuildRoleDelete:
        return this.#roles(d.guild_id, (roles) => roles.delete(d.role_id));
      case On.GuildEmojisUpdate:
        return this.#change(d.guild_id, { emoji: emojiNames(d.emojis) });
      case On.GuildMemberUpdate:
        if (d.user.id === this.#me()) this.#change(d.guild_id, { mine: d.roles });
        return;
      case On.ChannelCreate:
      case On.ChannelUpdate:
      case On.ThreadCreate:
      case On.ThreadUpdate:
        return void this.put(d, undefined);
      case On.ThreadListSync:
        for (const thread of d.threads) this.put(thread, d.guild_id);
        return;
      case On.ChannelDelete:
      case On.ThreadDelete:
        return void this.#places.delete(d.id);
      case On.MessageCreate:
        return this.spoken(d.channel_id, d.id);
      default:
        return;
    }
  }

  spoken(place: string, message: string): void {
    const known = this.#places.get(place);
    if (known) known.last = laterOf(known.last, message);
  }

  #created(d: Extract<GatewayDispatchPayload, { t: On.GuildCreate }>["d"]): void {
    if (d.unavailable === true) return this.#lost(d.id, true);
    for (const channel of [...d.channels, ...d.threads]) this.put(channel, d.id);
    const me = d.members.find((member) => member.user.id === this.#me());
    this.#putGuild(d, me?.roles ?? this.#guilds.get(d.id)?.mine);
  }

  #lost(id: string, unavailable: boolean): void {
    const known = this.#guilds.get(id);
    if (unavailable) this.#guilds.set(id, known ? { ...known, unavailable } : nothingKnown(id));
    else {
      this.#guilds.delete(id);
      for (const place of this.placesOf(id)) this.#places.delete(place.id);
    }
  }

  #roles(id: string, change: (roles: Map<string, Role>) => void): void {
    const roles = new Map(this.#guilds.get(id)?.roles);
    change(roles);
    this.#change(id, { roles });
  }

  #change(id: string, change: Partial<Guild>): void {
    const known = this.#guilds.get(id);
    if (known) this.#guilds.set(id, { ...known, ...change });
  }

  #putGuild(guild: APIGuild, mine: readonly string[] | undefined): Guild {
    const known: Guild = {
      id: guild.id,
      name: guild.name,
      icon: guild.icon,
      tier: guild.premium_tier,
      owner: guild.owner_id,
      roles: new Map(guild.roles.map((role) => [role.id, roleOf(role)])),
      mine,
      emoji: emojiNames(guild.emojis),
      unavailable: false,
    };
    this.#guilds.set(guild.id, known);
    return known;
  }

  /** A channel or thread that some answer told of. */
  put(channel: APIChannel, guild: string | undefined): Place {
    const before = this.#places.get(channel.id);
    const place = placeOf(channel, guild ?? before?.guild);
    place.last = laterOf(before?.last, place.last);
    this.#places.set(place.id, place);
    return place;
  }
}

export const OUTAGE = "Discord has an outage: that server is not available at the moment.";

export function isThread(type: ChannelType): boolean {
  return type === ChannelType.PublicThread || type === ChannelType.PrivateThread || type === ChannelType.AnnouncementThread;
}

/** Channels whose messages all stand in threads. */
export function isForum(type: ChannelType): boolean {
  return type === ChannelType.GuildForum || type === ChannelType.GuildMedia;
}

/** Where messages can stand that a room may be linked to. */
export function isLinkable(type: ChannelType): boolean {
  return type !== ChannelType.GuildCategory && type !== ChannelType.GuildDirectory;
}

function nothingKnown(id: string): Guild {
  return { id, name: "", icon: null, tier: 0, owner: undefined, roles: new Map(), mine: undefined, emoji: new Map(), unavailable: true };
}

function emojiNames(emojis: readonly { id: string | null; name: string | null }[]): ReadonlyMap<string, string> {
  return new Map(emojis.flatMap(({ id, name }) => (id === null || name === null ? [] : [[id, name] as const])));
}

function roleOf(role: APIRole): Role {
  return { id: role.id, name: role.name, permissions: BigInt(role.permissions), position: role.position };
}

/** Shapes differ by type; what a type does not have is absent. */
function placeOf(channel: APIChannel, guild: string | undefined): Place {
  const any = channel as Partial<Record<string, unknown>> & APIChannel;
  const meta = "thread_metadata" in channel ? channel.thread_metadata : undefined;
  const overwrites = ("permission_overwrites" in channel ? channel.permission_overwrites : undefined) ?? [];
  const recipients = ("recipients" in channel ? channel.recipients : undefined) ?? [];
  return {
    id: channel.id,
    guild: typeof any["guild_id"] === "string" ? any["guild_id"] : guild,
    type: channel.type,
    name: channel.name ?? recipients.map((one) => one.global_name ?? one.username).join(", "),
    topic: "topic" in channel ? (channel.topic ?? "") : undefined,
    parent: typeof any["parent_id"] === "string" ? any["parent_id"] : undefined,
    overwrites: overwrites.map(({ id, allow, deny }) => ({ id, allow: BigInt(allow), deny: BigInt(deny) })),
    last: typeof any["last_message_id"] === "string" ? any["last_message_id"] : undefined,
    archived: meta?.archived ?? false,
    locked: meta?.locked ?? false,
    tags: "available_tags" in channel ? channel.available_tags.map(({ id, name }) => ({ id, name })) : [],
    appliedTags: "applied_tags" in channel ? (channel.applied_tags ?? []) : [],
    wantsTag: ((typeof any["flags"] === "number" ? any["flags"] : 0) & ChannelFlags.RequireTag) !== 0,
    made: meta?.create_timestamp ? Date.parse(meta.create_timestamp) : undefined,
    recipients: recipients.map((one) => ({ id: one.id, name: one.global_name ?? one.username })),
  };
}

/** What is not there, or not for us to see, is nothing; any other failure stays one. */
export async function absent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TryLater || error instanceof LoggedOut || !(error instanceof Refused)) throw error;
    return undefined;
  }
}
