/** Events on their way to the journal: in order, and not given up while the disk is full. */
import type { Logger } from "pino";
import type { RemoteEvent } from "../../core/model/events.ts";
import { isFleeting } from "../../core/model/events.ts";
import type { Clock } from "../../core/network.ts";

export interface ReceptionOptions {
  receive(events: readonly RemoteEvent[]): Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const AGAIN = 1000;
/** IRC sends nothing twice, so what waits is kept in memory; beyond this the oldest is lost, which the log says. */
const MOST_WAITING = 50_000;

export class Reception {
  readonly #options: ReceptionOptions;
  #waiting: RemoteEvent[][] = [];
  #retrying = false;
  #closed = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  take(events: readonly RemoteEvent[]): void {
    if (events.length === 0 || this.#closed) return;
    if (this.#retrying) return this.#keep([...events]);
    this.#options.receive(events).catch((error: unknown) => {
      this.#options.log.error({ err: error }, "What was heard could not be written down; it is kept and tried again");
      this.#keep([...events]);
    });
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #keep(events: RemoteEvent[]): void {
    const lasting = events.filter((event) => !isFleeting(event));
    if (lasting.length === 0) return;
    this.#waiting.push(lasting);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.#options.log.error("What was heard longest ago is lost: the disk has refused it for too long");
    }
    if (!this.#retrying) void this.#retry();
  }

  async #retry(): Promise<void> {
    this.#retrying = true;
    const { clock, signal, receive } = this.#options;
    while (this.#waiting.length > 0) {
      try {
        await clock.sleep(AGAIN, signal);
        for (let next = this.#waiting[0]; next && !this.#closed; next = this.#waiting[0]) {
          await receive(next);
          this.#waiting.shift();
        }
      } catch {
        if (signal.aborted || this.#closed) break;
      }
    }
    this.#retrying = false;
  }
}
