/** Since when we were away from which channels, over restarts too: on a server without history that is what people have to be told. */
import type { Logger } from "pino";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock, Keep } from "../../core/network.ts";

export interface PresenceOptions {
  readonly clock: Clock;
  readonly keep: Keep;
  readonly log: Logger;
  inside(): readonly RemoteChannelId[];
}

interface Seen {
  /** When we were last known to be there. */
  readonly at: number;
  readonly channels: readonly string[];
}

const NOTED_EVERY = 60_000;

export class Presence {
  readonly #options: PresenceOptions;
  /** Of the connection before this one. */
  #away = new Map<string, number>();
  #cancel: (() => void) | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const seen = (await this.#options.keep.get("presence")) as Seen | undefined;
    for (const channel of seen?.channels ?? []) this.#away.set(channel, seen?.at ?? 0);
  }

  /** A connection is there: from now on it is noted where we are. */
  begin(): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.timer(NOTED_EVERY, () => {
      void this.#note();
      this.begin();
    });
  }

  /** The connection is gone, and was last heard of at this moment. Call it while the channels are still known. */
  end(at: number): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const channel of this.#options.inside()) this.#away.set(channel, at);
    void this.#note();
  }

  /** Since when we have been away from a channel that we were in before. */
  missedSince(channel: RemoteChannelId): number | undefined {
    return this.#away.get(channel);
  }

  /** We are in it: what was missed has been told. */
  saw(channel: RemoteChannelId): void {
    this.#away.delete(channel);
    void this.#note();
  }

  async close(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#note();
  }

  async #note(): Promise<void> {
    const { keep, clock, inside, log } = this.#options;
    const channels = [...new Set([...inside(), ...this.#away.keys()])];
    // One moment for all: of several absences the longest counts.
    const at = Math.min(clock.now(), ...this.#away.values());
    await keep.set("presence", { at, channels }).catch((error: unknown) => log.warn({ err: error }, "Where we were was not kept"));
  }
}
