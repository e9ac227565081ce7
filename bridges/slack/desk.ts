/** What every deed on Slack needs: the API under one token, who it is, and what it remembers having done. */
import type { Logger } from "pino";
import type { Clock } from "../../core/network.ts";
import type { Api } from "./api.ts";
import { Refused } from "../../core/model/errors.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Directory } from "./directory.ts";
import { codeOf } from "./failures.ts";
import { channelOf } from "./ids.ts";
import type { Known, OwnDeed, Self } from "./known.ts";
import type { Json } from "./wire.ts";

/** Deeds are remembered until Slack has told us of them, which takes seconds. */
const REMEMBERED = 5_000;

export interface DeskContext {
  readonly api: Api;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Where Slack's API is: other hosts get no token, but for Slack's own. */
  readonly apiUrl: string;
}

export class Desk {
  readonly api: Api;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly apiUrl: string;
  /** What converters may ask. */
  readonly known: Known;
  self: Self = { user: "" };
  /** `https://acme.slack.com/`. */
  workspace: string | undefined;
  /** The app may not post under other names, as it turned out. */
  nameless = false;
  /** Called when it turns out. */
  tellNameless: () => void = () => {};
  /** Files whose message has not been seen yet, and the key of their send. */
  readonly awaited = new Map<string, string>();
  readonly #done = new Set<string>();
  readonly #moved = new Map<string, string>();

  constructor({ api, directory, clock, log, signal, apiUrl }: DeskContext) {
    this.api = api;
    this.directory = directory;
    this.clock = clock;
    this.log = log;
    this.signal = signal;
    this.apiUrl = apiUrl;
    this.known = this.#asKnown();
  }

  #asKnown(): Known {
    const { directory } = this;
    const self = () => this.self;
    return {
      team: directory.team,
      get self() {
        return self();
      },
      firstId: (channel) => this.firstId(channel),
      channel: (channel) => directory.channelName(channel),
      group: (group) => directory.group(group),
      emoji: (name) => directory.emoji(name).url,
      alias: (name) => directory.emoji(name).name,
      isApp: (user) => directory.known(user)?.app,
      power: (user) => directory.known(user)?.power ?? 0,
      isOwnDeed: (deed, what) => this.did(deed, what),
    };
  }

  remember(deed: OwnDeed, what: string): void {
    this.#done.add(`${deed} ${what}`);
    if (this.#done.size > REMEMBERED) this.#done.delete(this.#done.values().next().value as string);
  }

  did(deed: OwnDeed, what: string): boolean {
    return this.#done.has(`${deed} ${what}`);
  }

  becomeNameless(): void {
    if (!this.nameless) this.tellNameless();
    this.nameless = true;
  }

  /** Slack's id of the channel as it is now. Throws `Refused` for what is none. */
  place(channel: RemoteChannelId | undefined): string {
    const place = channel === undefined ? undefined : channelOf(channel);
    if (place === undefined) throw new Refused("That is no channel of Slack's.");
    return this.#moved.get(place) ?? place;
  }

  /** Slack gave the channel another id (it is shared with another organisation now): for core it stays what it was. */
  move(from: string, to: string): void {
    for (const [old, now] of this.#moved) if (now === from) this.#moved.set(old, to);
    this.#moved.set(from, to);
  }

  get moves(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#moved);
  }

  /** The id under which core knows the channel. */
  firstId(channel: string): string {
    for (const [old, now] of this.#moved) if (now === channel) return old;
    return channel;
  }

  /** A public channel can be entered by ourselves; into a private one somebody has to invite us. */
  async enter(place: string): Promise<void> {
    await this.api.call(
      "conversations.join",
      { channel: place },
      { deed: "let the app into the channel", repeatable: true, channel: place },
    );
  }

  /** Does it; when it turns out that we are not in the channel, enters and does it again. */
  async within(place: string, deed: () => Promise<Json>): Promise<Json> {
    try {
      return await deed();
    } catch (failure) {
      if (codeOf(failure) !== "not_in_channel") throw failure;
      await this.enter(place).catch(() => {
        throw failure;
      });
      return await deed();
    }
  }
}
