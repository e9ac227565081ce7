/** Who and what there is in a workspace: asked for when it is needed, remembered, and kept right by events. */
import { Refused } from "../../core/model/errors.ts";
import type { RemotePersonChanged } from "../../core/model/events.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Clock } from "../../core/network.ts";
import type { Api } from "./api.ts";
import type { Self } from "./known.ts";
import { personOf, type Profile, readBot, readProfile } from "./profile.ts";
import { filled, type Json, record, records, string, strings } from "./wire.ts";

/** People, and channels, that are remembered at a time. */
const MOST = 20_000;
/** How long a message waits for names before it is journaled: Slack wants its answer within three seconds. */
const FOR_NAMES = 1_500;
/** Names that one message may make us ask for. */
const MOST_NAMES = 20;
/** Of names for names of emoji. */
const MOST_ALIASES = 5;
/** How long it is believed that somebody does not exist. */
const ABSENT_FOR = 60_000;

class Memory<Value> extends Map<string, Value> {
  /** The oldest makes room. */
  override set(key: string, value: Value): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > MOST) this.delete(this.keys().next().value as string);
    return this;
  }
}

export class Directory {
  readonly #api: Api;
  readonly #clock: Clock;
  readonly team: string;
  readonly #people = new Memory<Profile>();
  readonly #absent = new Memory<number>();
  readonly #channels = new Memory<Json>();
  readonly #teams = new Memory<string>();
  readonly #groups = new Map<string, string>();
  readonly #emoji = new Map<string, string>();
  readonly #asked = new Map<string, Promise<unknown>>();
  #listed: Promise<unknown> = Promise.resolve();

  constructor(team: string, api: Api, clock: Clock) {
    this.team = team;
    this.#api = api;
    this.#clock = clock;
  }

  /** Fetches the workspace's own emoji and its user groups. Without the scopes for them it does without. */
  load(): void {
    const emoji = this.#api.call("emoji.list", {}, { deed: "list the emoji", repeatable: true, patience: 60_000 }).then((answer) => {
      this.#emoji.clear();
      for (const [name, value] of Object.entries(record(answer.emoji))) if (typeof value === "string") this.#emoji.set(name, value);
    });
    const groups = this.#api
      .call("usergroups.list", {}, { deed: "list the user groups", repeatable: true, patience: 60_000 })
      .then((answer) => {
        for (const group of records(answer.usergroups)) this.#groups.set(string(group.id), filled(group.handle) ?? string(group.name));
      });
    this.#listed = Promise.allSettled([emoji, groups]);
  }

  /** After a time of silence what was known may be wrong. */
  forget(): void {
    this.#people.clear();
    this.#absent.clear();
    this.#channels.clear();
  }

  known(user: string): Profile | undefined {
    return this.#people.get(user);
  }

  channelName(channel: string): string | undefined {
    return filled(this.#channels.get(channel)?.name);
  }

  /** A conversation with one person or several, as far as it is known. */
  isPrivateTalk(channel: string): boolean {
    const known = this.#channels.get(channel);
    return channel.startsWith("D") || known?.is_mpim === true || known?.is_im === true;
  }

  group(id: string): string | undefined {
    return this.#groups.get(id);
  }

  /** The picture of one of the workspace's own emoji; or, where it is another name for one of Slack's, that. */
  emoji(name: string): { readonly url?: string; readonly name?: string } {
    let at = name;
    for (let hops = 0; hops < MOST_ALIASES; hops++) {
      const value = this.#emoji.get(at);
      if (value === undefined) return at === name ? {} : { name: at };
      if (!value.startsWith("alias:")) return { url: value };
      at = value.slice("alias:".length);
    }
    return {};
  }

  /** Whether a short name stands for an emoji of the workspace's own. */
  hasEmoji(name: string): boolean {
    return this.#emoji.has(name);
  }

  /** Undefined = there is no such account. */
  async profile(user: string): Promise<Profile | undefined> {
    const known = this.#people.get(user);
    if (known) return known;
    if ((this.#absent.get(user) ?? 0) > this.#clock.now()) return undefined;
    return await this.#once(`person ${user}`, () => this.#fetchProfile(user));
  }

  async #fetchProfile(user: string): Promise<Profile | undefined> {
    const call = { deed: "look a person up", repeatable: true };
    try {
      const found = user.startsWith("B")
        ? readBot(record((await this.#api.call("bots.info", { bot: user }, call)).bot))
        : readProfile(record((await this.#api.call("users.info", { user }, call)).user), this.team);
      this.#people.set(user, found);
      return found;
    } catch (error) {
      if (!(error instanceof Refused) && !isAbsent(error)) throw error;
      this.#absent.set(user, this.#clock.now() + ABSENT_FOR);
      return undefined;
    }
  }

  async person(user: string, self: Self): Promise<Person | undefined> {
    const profile = await this.profile(user);
    if (!profile) return undefined;
    const home = profile.stranger === undefined ? undefined : await this.#teamName(profile.stranger);
    return personOf(profile, this.team, user === self.user || user === self.bot, home);
  }

  async #teamName(team: string): Promise<string | undefined> {
    const known = this.#teams.get(team);
    if (known !== undefined) return known;
    const call = { deed: "look a workspace up", repeatable: true };
    const answer = await this.#api.call("team.info", { team }, call).catch(() => undefined);
    const name = filled(record(answer?.team).name);
    if (name !== undefined) this.#teams.set(team, name);
    return name;
  }

  /** Slack's own description. Undefined = there is none that this login can see. */
  async channel(channel: string): Promise<Json | undefined> {
    return await this.#once(`channel ${channel}`, async () => {
      const call = { deed: "look a channel up", repeatable: true };
      const answer = await this.#api.call("conversations.info", { channel }, call).catch((error: unknown) => {
        if (error instanceof Refused) return undefined;
        throw error;
      });
      const found = answer === undefined ? undefined : record(answer.channel);
      if (found) this.#channels.set(channel, found);
      return found;
    });
  }

  note(profile: Profile): void {
    this.#people.set(profile.user, profile);
  }

  noteChannel(channel: Json): void {
    this.#channels.set(string(channel.id), channel);
  }

  /** Waits, but not for long, until the names that a message mentions are known: so that it reads the same live and in the history. */
  async ready(payload: Json, signal: AbortSignal): Promise<void> {
    const wanted = namesIn(payload);
    const asks: Promise<unknown>[] = [this.#listed];
    for (const user of wanted.people) if (!this.#people.has(user)) asks.push(this.profile(user));
    for (const channel of wanted.channels) if (!this.#channels.has(channel)) asks.push(this.channel(channel));
    const enough = new AbortController();
    const late = this.#clock.sleep(FOR_NAMES, AbortSignal.any([signal, enough.signal])).catch(() => undefined);
    await Promise.race([Promise.allSettled(asks), late]);
    enough.abort();
  }

  #once<Value>(key: string, ask: () => Promise<Value>): Promise<Value> {
    const under = this.#asked.get(key);
    if (under) return under as Promise<Value>;
    const asked = ask().finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }

  /** Keeps what is known right. */
  learn(event: Json): void {
    switch (event.type) {
      case "user_change":
      case "team_join":
      case "user_profile_changed":
      case "user_status_changed":
        this.note(readProfile(record(event.user), this.team));
        return;
      case "emoji_changed":
        return this.#learnEmoji(event);
      case "subteam_created":
      case "subteam_updated": {
        const group = record(event.subteam);
        this.#groups.set(string(group.id), filled(group.handle) ?? string(group.name));
        return;
      }
      case "channel_rename":
      case "group_rename":
      case "channel_archive":
      case "channel_unarchive":
      case "group_archive":
      case "group_unarchive":
        this.#channels.delete(filled(event.channel) ?? string(record(event.channel).id));
        return;
    }
  }

  #learnEmoji(event: Json): void {
    if (event.subtype === "add") this.#emoji.set(string(event.name), string(event.value));
    else if (event.subtype === "rename") {
      this.#emoji.delete(string(event.old_name));
      this.#emoji.set(string(event.new_name), string(event.value));
    } else for (const name of strings(event.names)) this.#emoji.delete(name);
  }

  /** A profile that is not as it was. Slack also says so when a status changed, of everybody in the workspace. */
  changeIn(event: Json, self: Self, channel: RemoteChannelId): RemotePersonChanged | undefined {
    if (event.type !== "user_change" && event.type !== "user_profile_changed") return undefined;
    const profile = readProfile(record(event.user), this.team);
    const before = this.#people.get(profile.user);
    if (profile.user === "" || (before && before.name === profile.name && before.avatar?.id === profile.avatar?.id)) return undefined;
    const home = profile.stranger === undefined ? undefined : this.#teams.get(profile.stranger);
    const person = personOf(profile, this.team, profile.user === self.user, home);
    return { kind: "person-changed", channel, at: Date.now(), via: "live", person };
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && /"(?:bot_not_found|user_not_visible|users_not_found|invalid_arguments)"/.test(error.message);
}

const CHANNEL = /"channel_id":"([CG][A-Z0-9]{1,20})"|<#([CG][A-Z0-9]{1,20})(?:\||)>/g;

/**
 * The channels that are mentioned without a name, and the accounts of which more than their id has to be known: those that post through
 * an app (are they people?) and those that command (may they?).
 */
function namesIn(payload: Json): { readonly people: readonly string[]; readonly channels: readonly string[] } {
  const channels = new Set<string>();
  for (const [, one, other] of JSON.stringify(payload).matchAll(CHANNEL)) channels.add((one ?? other) as string);
  const messages = [payload, record(payload.event), record(record(payload.event).message), ...records(payload.messages)];
  const people = messages.flatMap((message) => {
    const asked = filled(message.bot_id) !== undefined || message.command !== undefined || string(message.text).startsWith("!");
    const user = filled(message.user) ?? filled(message.user_id);
    return asked && user !== undefined ? [user] : [];
  });
  return { people: [...new Set(people)].slice(0, MOST_NAMES), channels: [...channels].slice(0, MOST_NAMES) };
}
