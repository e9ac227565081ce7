/** People: those who were seen lately from memory, the others asked for one at a time. */
import {
  type APIGuildMember,
  type APIUser,
  ChannelType,
  type GatewayDispatchPayload,
  GatewayDispatchEvents as On,
  Routes,
} from "discord-api-types/v10";
import type { RemoteEvent } from "../../core/model/events.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Core } from "../../core/network.ts";
import { base } from "./events.ts";
import { absent, type Guild, type Guilds, type Place } from "./guilds.ts";
import { channelId, isSnowflake, isWebhookPerson, timeOf, userId } from "./ids.ts";
import { basePermissions, Bit, has, permissionsIn, powerOf } from "./permissions.ts";
import { personOf, type Shown } from "./people.ts";
import type { Road } from "./view.ts";
import { Recent } from "./recent.ts";
import type { Rest } from "./rest.ts";

/** A thousand is Discord's largest page. */
const PAGE = 1000;
/** More pages than anybody waits for. */
const PAGES = 50;
const POWERS = "powers";
const SAVE_AFTER = 1_000;

/** Of a message, what tells its sender's rights. */
export interface Speaking {
  readonly id: string;
  readonly guild_id?: string;
  readonly webhook_id?: string | undefined;
  readonly author: { readonly id: string };
  readonly member?: object;
}

/** By the config's table first, by name or id; else by the permissions that the roles carry. */
export function levelOf(
  guild: Guild,
  member: { readonly id: string; readonly roles: readonly string[] },
  table: Readonly<Record<string, number>>,
): number {
  const named = member.roles.flatMap((id) => table[id] ?? table[guild.roles.get(id)?.name ?? ""] ?? []);
  return named.length > 0 ? Math.max(...named) : powerOf(basePermissions(guild, member));
}

export interface Seen {
  readonly person: Person;
  /** The guild that they were seen in, and the linked channel that they spoke in. */
  readonly guild: string | undefined;
  readonly channel: string | undefined;
}

export class Members {
  readonly #rest: Rest;
  readonly #guilds: Guilds;
  readonly #hearsChanges: boolean;
  readonly #me: () => string;
  readonly #table: Readonly<Record<string, number>>;
  readonly #seen = new Recent<Seen>(5_000);
  /** What core was told last, by channel and person. */
  readonly #levels = new Recent<number>(5_000);
  #core: Core | undefined;
  #saving = false;
  /** By guild and person; `roles` absent = no member. */
  readonly #roles = new Recent<{ readonly roles: readonly string[] | undefined }>(1_000);

  /** `hearsChanges`: the gateway tells when somebody's roles change. */
  constructor(rest: Rest, guilds: Guilds, me: () => string, table: Readonly<Record<string, number>>, hearsChanges: boolean) {
    this.#hearsChanges = hearsChanges;
    this.#table = table;
    this.#rest = rest;
    this.#guilds = guilds;
    this.#me = me;
  }

  saw(person: Person, guild: string | undefined, channel?: string): void {
    const before = this.#seen.get(person.id);
    this.#seen.set(person.id, { person, guild: guild ?? before?.guild, channel: channel ?? before?.channel });
  }

  seen(id: string): Seen | undefined {
    return this.#seen.get(id);
  }

  /** Mentioned, which says no more than who they are. */
  mentioned(user: APIUser & { readonly member?: Shown }, guild: string | undefined): void {
    if (!this.#seen.has(user.id)) this.saw(personOf(user, user.member, guild, this.#me()), guild);
  }

  /** The power that a sender's roles give, when it is not what core was told last. */
  powers(d: Speaking, channel: RemoteChannelId, road: Road): RemoteEvent[] {
    const guild = d.guild_id === undefined ? undefined : this.#guilds.guild(d.guild_id);
    const roles = (d.member as { readonly roles?: readonly string[] } | undefined)?.roles;
    if (!guild || guild.unavailable || !roles || d.webhook_id !== undefined) return [];
    const level = levelOf(guild, { id: d.author.id, roles }, this.#table);
    return this.#changed(channel, d.author.id, level, road, timeOf(d.id));
  }

  /** Of those whose power was told, what their roles give now. */
  repowered(
    id: string,
    member: { readonly id: string; readonly roles: readonly string[] },
    channels: readonly string[],
    road: Road,
    at: number,
  ) {
    const guild = this.#guilds.guild(id);
    if (!guild || guild.unavailable) return [];
    const level = levelOf(guild, member, this.#table);
    return channels
      .filter((one) => this.#levels.has(`${one} ${member.id}`))
      .flatMap((one) => this.#changed(one, member.id, level, road, at));
  }

  #changed(channel: string, person: string, level: number, road: Road, at: number): RemoteEvent[] {
    const key = `${channel} ${person}`;
    if ((this.#levels.get(key) ?? 0) === level) return [];
    this.#levels.set(key, level);
    this.#saveSoon();
    const facts = { powers: { partial: true, levels: { [person]: level } } };
    return [{ ...base({ channel: channelId(channel) }, road, at), kind: "channel-changed", facts }];
  }

  /** Call once before use: whose power was told in earlier runs. */
  async load(core: Core): Promise<void> {
    this.#core = core;
    const kept = (await core.keep.get(POWERS)) as Readonly<Record<string, number>> | undefined;
    for (const [key, level] of Object.entries(kept ?? {})) this.#levels.set(key, level);
  }

  #saveSoon(): void {
    if (this.#saving || !this.#core) return;
    const { clock, keep, log, signal } = this.#core;
    this.#saving = true;
    clock.timer(SAVE_AFTER, () => {
      this.#saving = false;
      if (signal.aborted) return;
      const saved = keep.set(POWERS, Object.fromEntries([...this.#levels.entries()].filter(([, level]) => level !== 0)));
      saved.catch((error: unknown) => log.warn({ err: error }, "Who has power on Discord could not be saved"));
    });
  }

  async person(id: string): Promise<Person | undefined> {
    const seen = this.#seen.get(id);
    if (seen || isWebhookPerson(id) || !isSnowflake(id)) return seen?.person;
    const [guild, ...others] = this.#guilds.guilds();
    const member =
      guild && others.length === 0 ? await absent(this.#rest.get<APIGuildMember>(Routes.guildMember(guild.id, id))) : undefined;
    if (member && guild) return this.#take(member, guild.id);
    const user = await absent(this.#rest.get<APIUser>(Routes.user(id)));
    if (!user) return undefined;
    const person = personOf(user, undefined, undefined, this.#me());
    this.saw(person, undefined);
    return person;
  }

  /** Whether somebody may read a channel, by their roles there. Undefined = it cannot be told now. */
  async mayRead(channel: string, person: string): Promise<boolean | undefined> {
    const place = await this.#guilds.findWhole(channel);
    const guild = place?.guild === undefined ? undefined : this.#guilds.guild(place.guild);
    if (!place || !guild || guild.unavailable || !isSnowflake(person)) return undefined;
    // Who is in a private thread is not told by roles.
    if (place.type === ChannelType.PrivateThread) return undefined;
    const roles = await this.#rolesOf(guild.id, person);
    return roles !== undefined && has(permissionsIn(guild, this.#guilds.overwritesOf(place), { id: person, roles }), Bit.ViewChannel);
  }

  /** Undefined = not a member. */
  async #rolesOf(guild: string, person: string): Promise<readonly string[] | undefined> {
    const key = `${guild} ${person}`;
    const known = this.#roles.get(key);
    if (known) return known.roles;
    const member = await absent(this.#rest.get<APIGuildMember>(Routes.guildMember(guild, person)));
    if (this.#hearsChanges) this.#roles.set(key, { roles: member?.roles });
    return member?.roles;
  }

  /** What was asked of members is good until the gateway tells otherwise. */
  observe({ t, d }: GatewayDispatchPayload): void {
    if (t === On.GuildMemberUpdate || t === On.GuildMemberAdd || t === On.GuildMemberRemove)
      this.#roles.delete(`${d.guild_id} ${d.user.id}`);
    if (t === On.GuildCreate || t === On.GuildDelete) this.#roles.clear();
  }

  /** An id, a mention, or a name that exactly one member of the channel's guild has. */
  async resolve(text: string, channel: string | undefined): Promise<Person | undefined> {
    const words = text.trim().replace(/^@/, "");
    const id = /^<@!?(\d{1,20})>$/.exec(text.trim())?.[1] ?? words;
    if (isSnowflake(id)) return await this.person(id);
    const place = channel === undefined ? undefined : await this.#guilds.find(channel);
    if (words === "" || words.length > 100 || place?.guild === undefined) return undefined;
    const found = await absent(
      this.#rest.get<APIGuildMember[]>(Routes.guildMembersSearch(place.guild), { query: { query: words, limit: 20 } }),
    );
    const wanted = words.toLowerCase();
    const named = (found ?? []).filter(({ nick, user }) =>
      [nick, user.global_name, user.username].some((name) => name?.toLowerCase() === wanted),
    );
    const [only, ...more] = named;
    return only && more.length === 0 ? this.#take(only, place.guild) : undefined;
  }

  /** Everyone in the guild who may read the channel. */
  async of(channel: string): Promise<{ people: Person[]; complete: boolean }> {
    const place = await this.#guilds.findWhole(channel);
    if (!place) return { people: [], complete: false };
    const guild = place.guild === undefined ? undefined : this.#guilds.guild(place.guild);
    if (!guild) return { people: await this.#inPrivate(place), complete: true };
    const overwrites = this.#guilds.overwritesOf(place);
    const people: Person[] = [];
    let after = "0";
    for (let page = 0; page < PAGES; page++) {
      const members = await absent(this.#rest.get<APIGuildMember[]>(Routes.guildMembers(guild.id), { query: { limit: PAGE, after } }));
      // Without the members intent there is no list.
      if (!members) return { people, complete: false };
      for (const member of members) {
        const mayRead = has(permissionsIn(guild, overwrites, { id: member.user.id, roles: member.roles }), Bit.ViewChannel);
        if (mayRead) people.push(personOf(member.user, member, guild.id, this.#me()));
      }
      if (members.length < PAGE) return { people, complete: place.type !== ChannelType.PrivateThread };
      after = (members.at(-1) as APIGuildMember).user.id;
    }
    return { people, complete: false };
  }

  /** The others in a direct message; Discord leaves the bot itself out. */
  async #inPrivate({ recipients }: Place): Promise<Person[]> {
    const others = recipients.filter(({ id }) => id !== this.#me());
    return await Promise.all(others.map(async ({ id, name }) => (await this.person(id)) ?? { id: userId(id), name }));
  }

  #take(member: APIGuildMember, guild: string): Person {
    const person = personOf(member.user, member, guild, this.#me());
    this.saw(person, guild);
    return person;
  }
}
