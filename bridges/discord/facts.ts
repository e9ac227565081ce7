/**
 * What core was told last of each linked channel, over restarts: a resumed session says nothing of what changed before it was lost, and
 * who may read a channel has to be known before anything more is relayed from it.
 */
import { isDeepStrictEqual } from "node:util";
import { type APIChannel, Routes } from "discord-api-types/v10";
import type { ChannelFacts, RemoteEvent } from "../../core/model/events.ts";
import { base, factsOf } from "./events.ts";
import { Denied } from "./failures.ts";
import { isThread } from "./guilds.ts";
import { channelId, isSnowflake } from "./ids.ts";
import type { Live } from "./live.ts";
import type { Stands } from "./stands.ts";
import type { Road } from "./view.ts";

const KEY = "told";
const SAVE_AFTER = 1_000;
const GONE = "gone";
const UNSEEN = "The bot may not see that channel on Discord: it needs the permission View Channel there.";

export class Facts {
  readonly #live: Live;
  readonly #stands: Stands;
  readonly #told = new Map<string, ChannelFacts | typeof GONE>();
  #saving = false;

  constructor(live: Live, stands: Stands) {
    this.#live = live;
    this.#stands = stands;
  }

  async load(): Promise<void> {
    const kept = await this.#live.core.keep.get(KEY);
    if (typeof kept !== "object" || kept === null) return;
    for (const [id, facts] of Object.entries(kept)) if (!this.#told.has(id)) this.#told.set(id, facts as ChannelFacts);
  }

  /** Core has just been told by other means (it asked). */
  remember(id: string): void {
    const facts = this.#now(id);
    if (facts) this.#put(id, facts);
  }

  /** What has changed in a guild's linked channels. */
  changesIn(guild: string, road: Road): RemoteEvent[] {
    return this.#stands.heardIn(guild).flatMap((id) => this.#change(id, road));
  }

  /** What has changed about one channel, and about the threads in it that are linked by themselves. */
  changesOf(id: string, road: Road): RemoteEvent[] {
    const within = this.#stands.heard().filter((other) => other === id || this.#live.guilds.place(other)?.parent === id);
    return within.flatMap((one) => this.#change(one, road));
  }

  /** What has changed in all linked channels, the lost ones looked for. Throws where Discord cannot be asked. */
  async changes(): Promise<RemoteEvent[]> {
    const events: RemoteEvent[] = [];
    for (const id of this.#stands.heard()) {
      const place = await this.#live.guilds.findWhole(id);
      events.push(...(place ? this.#change(id, { via: "live" }) : await this.#lost(id)));
    }
    return events;
  }

  gone(id: string, why: string, road: Road): RemoteEvent {
    this.#put(id, GONE);
    return { ...base({ channel: channelId(id) }, road, this.#live.core.clock.now()), kind: "channel-gone", why };
  }

  forget(id: string): void {
    if (this.#told.delete(id)) this.#saveSoon();
  }

  #change(id: string, road: Road): RemoteEvent[] {
    const facts = this.#now(id);
    const before = this.#told.get(id);
    if (facts && !this.#live.guilds.isSeen(id)) return before === GONE ? [] : [this.gone(id, UNSEEN, road)];
    if (!facts || isDeepStrictEqual(facts, before)) return [];
    if (before === GONE) this.#live.core.opened?.(channelId(id), true);
    this.#put(id, facts);
    const happened = base({ channel: channelId(id) }, road, this.#live.core.clock.now());
    if (before === undefined || before === GONE) return [{ ...happened, kind: "channel-changed", facts }];
    return [{ ...happened, kind: "channel-changed", facts: differing(before, facts), ...this.#ownEcho(id, before, facts) }];
  }

  /** Asked for once more by itself: what Discord does not show may only be away. */
  async #lost(id: string): Promise<RemoteEvent[]> {
    if (this.#told.get(id) === GONE || !isSnowflake(id)) return [];
    try {
      this.#live.guilds.put(await this.#live.rest.get<APIChannel>(Routes.channel(id)), undefined);
      return [];
    } catch (error) {
      if (error instanceof Denied) return [this.gone(id, error.message, { via: "live" })];
      throw error;
    }
  }

  #now(id: string): ChannelFacts | undefined {
    const { guilds } = this.#live;
    const place = guilds.place(id);
    const guild = place?.guild === undefined ? undefined : guilds.guild(place.guild);
    // Half a picture is none: while a guild is away nothing of it has changed.
    if (!place || (place.guild !== undefined && (!guild || guild.unavailable))) return undefined;
    const parent = isThread(place.type) && place.parent !== undefined ? guilds.place(place.parent) : undefined;
    return factsOf(place, parent, guild);
  }

  /** A topic or name that we set ourselves a moment ago, and nothing else besides. */
  #ownEcho(id: string, before: ChannelFacts, now: ChannelFacts): { echo?: object } {
    const { setByUs } = this.#live;
    const changed = Object.keys(differing(before, now));
    const ours = changed.every((key) => (key === "topic" || key === "name") && setByUs.get(`${key}:${id}`) === now[key]);
    if (!ours) return {};
    for (const key of changed) setByUs.delete(`${key}:${id}`);
    return { echo: {} };
  }

  #put(id: string, facts: ChannelFacts | typeof GONE): void {
    if (isDeepStrictEqual(this.#told.get(id), facts)) return;
    this.#told.set(id, facts);
    this.#saveSoon();
  }

  #saveSoon(): void {
    if (this.#saving) return;
    this.#saving = true;
    this.#live.core.clock.timer(SAVE_AFTER, () => {
      this.#saving = false;
      if (this.#live.core.signal.aborted) return;
      const saved = this.#live.core.keep.set(KEY, Object.fromEntries(this.#told));
      saved.catch((error: unknown) => this.#live.core.log.warn({ err: error }, "The channels' facts could not be saved"));
    });
  }
}

function differing(before: ChannelFacts, now: ChannelFacts): ChannelFacts {
  const changed = Object.entries(now).filter(([key, value]) => !isDeepStrictEqual(value, before[key as keyof ChannelFacts]));
  return Object.fromEntries(changed);
}
