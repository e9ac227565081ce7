/** Who is away and who is back (https://ircv3.net/specs/extensions/away-notify), gathered: in a large channel somebody always is. */
import type { RemotePresence } from "../../core/model/events.ts";
import type { RemoteChannelId, RemoteUserId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";

export interface AwayOptions {
  readonly clock: Clock;
  /** Where the config wants it told. */
  readonly enabled: boolean;
  take(event: RemotePresence): void;
}

const GATHERED_FOR = 2000;
const LONGEST_WORDS = 200;

export class Away {
  readonly #options: AwayOptions;
  readonly #people = new Map<RemoteUserId, RemotePresence["people"][number]>();
  #cancel: (() => void) | undefined;

  constructor(options: AwayOptions) {
    this.#options = options;
  }

  /** `says`: why they are away; absent = they are back. */
  is(person: RemoteUserId, channel: RemoteChannelId, says: string | undefined): void {
    const { enabled, clock } = this.#options;
    if (!enabled) return;
    const words = says === undefined || says === "" ? {} : { says: says.slice(0, LONGEST_WORDS).toWellFormed() };
    this.#people.set(person, { person, is: says === undefined ? "here" : "away", ...words });
    this.#cancel ??= clock.timer(GATHERED_FOR, () => this.#tell(channel));
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#people.clear();
  }

  #tell(channel: RemoteChannelId): void {
    const people = [...this.#people.values()];
    this.end();
    this.#options.take({ kind: "presence", channel, at: this.#options.clock.now(), via: "live", people });
  }
}
