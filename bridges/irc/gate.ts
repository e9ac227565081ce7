/** People's own connections to one network: not too many at once, and new ones spread over time, so that a restart does not look like an attack. */
import type { Clock } from "../../core/network.ts";

export interface GateOptions {
  readonly most: number;
  readonly perMinute: number;
}

interface Waiting {
  readonly go: () => void;
  /** Its person has something to say. */
  isUrgent(): boolean;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #inside = new Set<symbol>();
  /** In the order of coming. */
  readonly #queue = new Set<Waiting>();
  #cancel: (() => void) | undefined;
  /** When the last one was let through. */
  #last = Number.NEGATIVE_INFINITY;
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

  /** Resolves when it is this connection's turn to begin. Those whose person waits go before those who are merely coming back. */
  async turn(clock: Clock, signal: AbortSignal, isUrgent: () => boolean = () => false): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { go: resolve, isUrgent };
    this.#queue.add(waiting);
    const aborted = (): void => {
      this.#queue.delete(waiting);
      if (this.#queue.size === 0) this.#stop();
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", aborted, { once: true });
    if (this.#cancel === undefined) this.#next(clock, true);
    await promise.finally(() => signal.removeEventListener("abort", aborted));
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #next(clock: Clock, isFirst: boolean): void {
    // Not in step: half a pause more or less.
    const pause = (60_000 / this.#options.perMinute) * (0.5 + Math.random());
    const now = clock.now();
    // A timer that was late is made up for by the next, and by no more than that; after an idle while nothing is to be made up for.
    const due = Math.max(isFirst ? now : now - pause, this.#last + pause);
    if (due <= now) return this.#let(clock, due);
    this.#cancel = clock.timer(due - now, () => this.#let(clock, due));
  }

  /** `due`: when it should have been; a timer that is late puts off nobody else. */
  #let(clock: Clock, due: number): void {
    this.#cancel = undefined;
    const all = [...this.#queue];
    const one = all.find((waiting) => waiting.isUrgent()) ?? all[0];
    if (!one) return;
    this.#queue.delete(one);
    this.#last = due;
    one.go();
    if (this.#queue.size > 0) this.#next(clock, false);
  }
}
