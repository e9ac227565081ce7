/**
 * PluralKit: people who speak as one of several. Its bot deletes what they wrote and says it again through a webhook, under the member's
 * name. So that the room sees it once, what such a person writes waits for a moment: deleted meanwhile, it was never said here.
 * Who uses PluralKit is learnt from that very pattern, or asked of its API where the config names one. Nobody else waits.
 *
 * https://pluralkit.me/api/endpoints/#get-proxied-message-information
 */
import type { RemoteEvent } from "../../core/model/events.ts";
import type { GatewayMessage } from "./from-discord.ts";
import type { Live } from "./live.ts";
import { isSnowflake } from "./ids.ts";
import { Recent } from "./recent.ts";
import { isPluralKit } from "./view.ts";

type Events = readonly RemoteEvent[];

interface Said {
  readonly author: string;
  readonly content: string;
  readonly channel: string;
  readonly at: number;
  deleted: boolean;
  proxied: boolean;
  /** Ends its wait: it was never said. */
  drop?: () => void;
}

/** So long after its original a proxied message comes at most. */
const PATTERN = 10_000;
const KEY = "pluralkit";
/** Users are remembered over restarts, the last so many. */
const USERS = 500;

export class PluralKit {
  readonly #live: Live;
  readonly #users = new Set<string>();
  /** What people said lately, for as long as a proxy may follow. */
  readonly #said = new Recent<Said>(200);

  constructor(live: Live) {
    this.#live = live;
  }

  async load(): Promise<void> {
    const kept = await this.#live.core.keep.get(KEY);
    for (const user of Array.isArray(kept) ? kept : []) if (isSnowflake(user)) this.#users.add(user);
  }

  /** Undefined = nothing to wait for; else what is to be told of the message once that is clear. */
  hold(d: GatewayMessage & { readonly guild_id?: string }, events: Events): Promise<Events> | undefined {
    if (isPluralKit(d)) {
      this.#proxied(d);
      return undefined;
    }
    if (d.guild_id === undefined || d.webhook_id !== undefined || d.author.bot === true) return undefined;
    const at = this.#live.core.clock.now();
    const said: Said = { author: d.author.id, content: d.content, channel: d.channel_id, at, deleted: false, proxied: false };
    this.#said.set(d.id, said);
    return this.#users.has(d.author.id) ? this.#wait(said, events) : undefined;
  }

  deleted(message: string): void {
    const said = this.#said.get(message);
    if (!said) return;
    said.deleted = true;
    this.#learn(said);
  }

  #wait(said: Said, events: Events): Promise<Events> {
    return new Promise((resolve) => {
      const cancel = this.#live.core.clock.timer(this.#live.config.pluralkit.wait_ms, () => {
        delete said.drop;
        resolve(events);
      });
      said.drop = () => {
        cancel();
        delete said.drop;
        resolve([]);
      };
    });
  }

  /** The proxied text is the original without the member's tags. */
  #proxied(d: GatewayMessage): void {
    const now = this.#live.core.clock.now();
    for (const said of this.#said.values()) {
      const same = said.channel === d.channel_id && now - said.at < PATTERN && d.content !== "" && said.content.includes(d.content);
      if (!same || said.proxied) continue;
      said.proxied = true;
      return this.#learn(said);
    }
    if (this.#live.config.pluralkit.api_url !== undefined) void this.#ask(d.id);
  }

  /** Deleted and said again: that is how its users are known. */
  #learn(said: Said): void {
    if (said.deleted || said.proxied) said.drop?.();
    if (said.deleted && said.proxied) this.#add(said.author);
  }

  async #ask(message: string): Promise<void> {
    try {
      const answer = await this.#live.rest.download(`${this.#live.config.pluralkit.api_url}/messages/${message}`);
      const found = (await answer.body.json()) as { sender?: unknown };
      if (answer.statusCode === 200 && isSnowflake(found.sender)) this.#add(found.sender);
    } catch {
      // Not knowing costs one message that is seen twice for a moment.
    }
  }

  #add(user: string): void {
    if (this.#users.has(user)) return;
    this.#users.add(user);
    const saving = this.#live.core.keep.set(KEY, [...this.#users].slice(-USERS));
    saving.catch((error: unknown) => this.#live.core.log.warn({ err: error }, "PluralKit's users could not be saved"));
  }
}
