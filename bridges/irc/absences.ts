/**
 * Coming back into a channel of a server without a history to ask. What was said meanwhile is missed, unless the server tells it by itself:
 * InspIRCd's +H and bouncers send the last lines to whoever joins.
 */
import type { RemoteEvent } from "../../core/model/events.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { type Batch, type Item, isBatch } from "./batches.ts";
import { eventsOf } from "./history.ts";
import { timeOf } from "./line.ts";
import { Places } from "./places.ts";
import type { View } from "./view.ts";

export interface AbsencesOptions {
  readonly clock: Clock;
  take(events: readonly RemoteEvent[]): void;
  view(places: Places): View;
  channelId(name: string): RemoteChannelId;
}

interface Absence {
  readonly since: number;
  readonly cancel: () => void;
}

/** By then a server has sent what it sends by itself. */
const TOLD_WITHIN = 3000;
const CLOCKS_DIFFER = 10_000;

export class Absences {
  readonly #options: AbsencesOptions;
  readonly #open = new Map<RemoteChannelId, Absence>();
  /** The time of the last message of each channel, by the server's clock. */
  readonly #last = new Map<RemoteChannelId, number>();

  constructor(options: AbsencesOptions) {
    this.#options = options;
  }

  /** What is heard while we are there. */
  heard(events: readonly RemoteEvent[]): void {
    for (const event of events) {
      if (event.kind === "message" && event.via === "live")
        this.#last.set(event.channel, Math.max(event.at, this.#last.get(event.channel) ?? 0));
    }
  }

  /** We are back in a channel that we were last in at `since`. */
  ended(channel: RemoteChannelId, since: number): void {
    const { clock, take } = this.#options;
    this.#open.get(channel)?.cancel();
    const cancel = clock.timer(TOLD_WITHIN, () => {
      this.#open.delete(channel);
      take([{ kind: "missed", channel, at: clock.now(), via: "live", since }]);
    });
    this.#open.set(channel, { since, cancel });
  }

  /** Lines of the past that nobody asked for. */
  replayed(batch: Batch): void {
    const channel = this.#options.channelId(batch.params[0] ?? "");
    const absence = this.#open.get(channel);
    const times = batch.items.flatMap((item) => timeIn(item) ?? []);
    if (!absence || times.length === 0) return;
    // The server's clock against itself where we can; else ours, with what is known already told apart by its id.
    const since = this.#last.get(channel) ?? absence.since - CLOCKS_DIFFER;
    const view = this.#options.view(new Places());
    const events = batch.items.flatMap((item) => eventsOf(item, view)).filter((event) => event.channel === channel);
    this.#options.take(events.filter(({ at, subject }) => at > since || (at === since && subject !== undefined)));
    // It reaches back to what we have heard ourselves: nothing is missing.
    if (Math.min(...times) > since) return;
    absence.cancel();
    this.#open.delete(channel);
  }

  reset(): void {
    for (const { cancel } of this.#open.values()) cancel();
    this.#open.clear();
  }
}

function timeIn(item: Item): number | undefined {
  return timeOf(isBatch(item) ? item.opening : item);
}
