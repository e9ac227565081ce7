/** People's own connections to one network: not too many at once, and new ones spread over time, so that a restart does not look like an attack. */
import type { Clock } from "../../core/network.ts";

export interface GateOptions {
  readonly most: number;
  readonly perMinute: number;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #inside = new Set<symbol>();
  /** When the last one that was let through may go. */
  #last = 0;
  /** Why nobody is let through: the network has banned our address. */
  barred: string | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get inside(): number {
    return this.#inside.size;
  }

  /** Takes one of the places; undefined when none is left. Keep what it returns for `leave`. */
  enter(): symbol | undefined {
    if (this.#inside.size >= this.#options.most) return undefined;
    const place = Symbol("place");
    this.#inside.add(place);
    return place;
  }

  leave(place: symbol | undefined): void {
    if (place !== undefined) this.#inside.delete(place);
  }

  /** Resolves when it is this connection's turn to begin. */
  async turn(clock: Clock, signal: AbortSignal): Promise<void> {
    const now = clock.now();
    const pause = 60_000 / this.#options.perMinute;
    // Not in step: half a pause more or less.
    this.#last = Math.max(now, this.#last + pause * (0.5 + Math.random()));
    if (this.#last > now) await clock.sleep(this.#last - now, signal);
  }
}
