/** Where a message stands as core sees it: which linked channel, which thread. */
import { ChannelType, Routes } from "discord-api-types/v10";
import type { Core } from "../../core/network.ts";
import type { DiscordConfig } from "./config.ts";
import { absent, type Guilds, isForum, isThread, type Place } from "./guilds.ts";
import { channelId, messageId, threadId, timeOf } from "./ids.ts";
import { Recent } from "./recent.ts";
import type { Rest } from "./rest.ts";
import type { Stand } from "./view.ts";

/** So much later than its own id says a thread is made only when it hangs from an older message. */
const CLEARLY_LATER = 2_000;

export class Stands {
  readonly #core: Core;
  readonly #config: DiscordConfig;
  readonly #guilds: Guilds;
  readonly #rest: Rest;
  readonly #joined = new Set<string>();
  /** Whether a thread hangs from a message, where that had to be asked. */
  readonly #hangs = new Recent<boolean>(2_000);

  constructor(core: Core, config: DiscordConfig, guilds: Guilds, rest: Rest) {
    this.#core = core;
    this.#config = config;
    this.#guilds = guilds;
    this.#rest = rest;
  }

  join(channel: string): void {
    this.#joined.add(channel);
  }

  leave(channel: string): void {
    this.#joined.delete(channel);
  }

  isHeard(channel: string): boolean {
    return this.#joined.has(channel) || this.#core.links().includes(channelId(channel));
  }

  /** Every linked channel of a guild that is known. */
  heardIn(guild: string): string[] {
    return this.heard().filter((id) => this.#guilds.place(id)?.guild === guild);
  }

  heard(): string[] {
    return [...new Set([...this.#joined, ...this.#core.links()])];
  }

  /** The linked channel that something in this place belongs to; undefined = nobody listens there, null = it has to be looked up first. */
  homeOf(id: string): string | undefined | null {
    if (this.isHeard(id)) return id;
    const place = this.#guilds.place(id);
    if (!place) return null;
    return this.#homeOfThread(place);
  }

  /** Whether a linked channel is in the guild, or may be. */
  #listensIn(guild: string): boolean {
    return this.heard().some((id) => {
      const place = this.#guilds.place(id);
      return !place || place.guild === guild;
    });
  }

  #homeOfThread(place: Place): string | undefined {
    if (!isThread(place.type) || place.parent === undefined || !this.isHeard(place.parent)) return undefined;
    // A private thread has fewer readers than its channel: what is said there is not for the channel's room.
    const shared = place.guild !== undefined && this.#config.guilds[place.guild]?.private_threads === true;
    return place.type === ChannelType.PrivateThread && !shared ? undefined : place.parent;
  }

  /**
   * Undefined = nobody listens there. A promise only where something has to be asked for; it rejects only where Discord cannot be
   * reached.
   */
  of(id: string, message: string, guild?: string): Stand | undefined | Promise<Stand | undefined> {
    const home = this.homeOf(id);
    if (home === undefined || (home === null && guild !== undefined && !this.#listensIn(guild))) return undefined;
    if (home === null) return this.#guilds.find(id).then((place) => (place ? this.of(id, message) : undefined));
    if (home === id) return { channel: channelId(id) };
    const place = this.#guilds.place(id) as Place;
    const parent = this.#guilds.place(home);
    if (!parent) return this.#guilds.find(home).then((found) => (found ? this.of(id, message) : undefined));
    if (isForum(parent.type)) return inForum(place, parent, message);
    const hangs = this.#hangsFrom(place);
    return typeof hangs === "boolean" ? inThread(place, home, hangs) : hangs.then((known) => inThread(place, home, known));
  }

  /** A thread that hangs from a message has that message's id, and is made after it. */
  #hangsFrom(place: Place): boolean | Promise<boolean> {
    const known = this.#hangs.get(place.id);
    if (known !== undefined) return known;
    if (place.made !== undefined && place.made - timeOf(place.id) > CLEARLY_LATER) return true;
    return absent(this.#rest.get(Routes.channelMessage(place.parent as string, place.id))).then((message) => {
      this.#hangs.set(place.id, message !== undefined);
      return message !== undefined;
    });
  }
}

function inThread(place: Place, home: string, hangs: boolean): Stand {
  const root = hangs ? { root: messageId(place.id) } : {};
  return { channel: channelId(home), thread: { id: threadId(place.id), ...root, name: place.name } };
}

/** A post's first message has the post's own id, and stands in the forum itself. */
function inForum(place: Place, forum: Place, message: string): Stand {
  const channel = channelId(forum.id);
  if (message !== place.id) return { channel, thread: { id: threadId(place.id), root: messageId(place.id), name: place.name } };
  const tags = place.appliedTags.flatMap((id) => forum.tags.find((tag) => tag.id === id)?.name ?? []);
  return { channel, post: { title: place.name, tags } };
}
