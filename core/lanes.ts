/** All queues that have work. */
import { Lane, type LaneContext, type Work } from "./lane.ts";
import type { LaneName } from "./store/store.ts";

export class Lanes {
  readonly #lanes = new Map<LaneName, Lane>();
  readonly #context: LaneContext;
  readonly #workOf: (name: LaneName) => Work;
  /** Lanes that had rows when we started: their heads may have been begun by the process before. */
  readonly #inherited: Set<LaneName>;
  #stopped = false;

  constructor(context: LaneContext, workOf: (name: LaneName) => Work, inherited: Iterable<LaneName>) {
    this.#context = context;
    this.#workOf = workOf;
    this.#inherited = new Set(inherited);
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** `open`: what held it is known to be gone. */
  wake(name: LaneName, open = false): void {
    if (this.#stopped) return;
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = new Lane(name, this.#workOf(name), this.#context, this.#inherited.delete(name), () => this.#lanes.delete(name));
      this.#lanes.set(name, lane);
    }
    lane.wake(open);
  }

  /** Those in memory: the ones with work. */
  names(): readonly LaneName[] {
    return [...this.#lanes.keys()];
  }

  wakeInherited(): void {
    for (const name of [...this.#inherited]) this.wake(name);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
  }
}

/**
 * `in`: towards Matrix. `out`: towards the network. `say`: the bot's own words in a room. `do`: commands given in a room. `dm`: private
 * conversations whose room is not there yet. `bye`: what is left to do for a link that was ended.
 */
export type LaneKind = "in" | "out" | "say" | "do" | "dm" | "bye";

export function readLane(name: LaneName): { kind: LaneKind; of: string } {
  const colon = name.indexOf(":");
  return { kind: name.slice(0, colon) as LaneKind, of: name.slice(colon + 1) };
}
