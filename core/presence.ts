/**
 * Whether people of the networks are there, shown as their ghosts' presence. A homeserver takes whoever does not sync for gone after half a
 * minute, so it is told again and again about those who are there: at a pace that it stands, and about so many at most.
 */
import type { Logger } from "pino";
import type { Ghosts } from "./ghost.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { Presence, RemotePresence } from "./model/events.ts";
import type { Mxid, NetworkId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import { type OptOuts, personKey } from "./opt-out.ts";
import type { UserStore } from "./store/store.ts";

export interface PresenceContext {
  readonly client: MatrixClient;
  readonly users: UserStore;
  readonly ghosts: Ghosts;
  readonly optOuts: OptOuts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Whether the network is connected: of one that is not, nothing is known, and its people fade away by themselves. */
  isConnected(network: NetworkId): boolean;
}

interface Standing {
  readonly network: NetworkId;
  readonly is: Presence;
  readonly says: string | undefined;
  /** When the homeserver was told last; 0 = never. */
  told: number;
}

/** Within this a homeserver has to hear again of somebody who is there. */
const AGAIN = 25_000;
const TICK = 1_000;
/** How many are told in one tick: 250 ghosts stay up at this pace. */
const EACH_TICK = 10;
/** Of more people the ones who were heard of longest ago are let go. */
const MOST = 5_000;
const LONGEST_WORDS = 200;
const STATES = { here: "online", away: "unavailable", gone: "offline" } as const;

export class Presences {
  readonly #context: PresenceContext;
  /** Those who are there, and those of whom the homeserver has yet to hear that they are gone; heard of longest ago first. */
  readonly #standing = new Map<Mxid, Standing>();
  #ticking = false;

  constructor(context: PresenceContext) {
    this.#context = context;
  }

  /** Takes what a network told. The homeserver hears of it in turn. */
  async told(network: NetworkId, { people }: Pick<RemotePresence, "people">): Promise<void> {
    const { ghosts, users, optOuts } = this.#context;
    for (const { person, is, says } of people) {
      const ghost = ghosts.mxidOf(network, person);
      const before = this.#standing.get(ghost);
      if (!before && is === "gone") continue;
      if (!(await users.ghost(ghost))?.registered || (await optOuts.isOut(personKey(network, person)))) continue;
      const words = says === undefined || says === "" ? undefined : says.slice(0, LONGEST_WORDS);
      if (before?.is === is && before.says === words) continue;
      this.#standing.delete(ghost);
      this.#standing.set(ghost, { network, is, says: words, told: 0 });
      if (this.#standing.size > MOST) this.#standing.delete(this.#standing.keys().next().value as Mxid);
    }
    this.#tickSoon();
  }

  #tickSoon(): void {
    const { clock, signal, log } = this.#context;
    if (this.#ticking || this.#standing.size === 0 || signal.aborted) return;
    this.#ticking = true;
    const cancel = clock.timer(TICK, () => {
      signal.removeEventListener("abort", cancel);
      this.#tick()
        .catch((error: unknown) => log.debug({ err: error }, "Presence was not told"))
        .finally(() => {
          this.#ticking = false;
          this.#tickSoon();
        });
    });
    signal.addEventListener("abort", cancel, { once: true });
  }

  /** News first, then those of whom it is longest ago that the homeserver heard. */
  async #tick(): Promise<void> {
    const { clock, isConnected } = this.#context;
    const due = clock.now() - AGAIN;
    const isDue = (one: Standing) => one.told <= due && (one.is === "gone" || isConnected(one.network));
    const waiting = [...this.#standing].filter(([, one]) => isDue(one)).toSorted(([, one], [, other]) => one.told - other.told);
    await Promise.all(waiting.slice(0, EACH_TICK).map(([ghost, standing]) => this.#tell(ghost, standing)));
  }

  async #tell(ghost: Mxid, standing: Standing): Promise<void> {
    const { client, clock, log } = this.#context;
    standing.told = clock.now();
    try {
      await client.presence(ghost, STATES[standing.is], standing.says);
    } catch (error) {
      log.debug({ err: error }, "The homeserver did not take somebody's presence");
    }
    // Changed meanwhile: that is told next.
    if (standing.is === "gone" && this.#standing.get(ghost) === standing) this.#standing.delete(ghost);
  }
}
