/** Housekeeping: what is older than its purpose is removed, a little at a time. */
import type { Logger } from "pino";
import type { Clock } from "./network.ts";
import type { Store } from "./store/store.ts";

const EVERY = 3_600_000;
/** Longer than a homeserver or a network repeats what it has said before. */
const KEPT = 30 * 86_400_000;

export interface TidyContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Milliseconds for which it is remembered which messages belong together; absent = for ever. */
  readonly mapKept?: number;
}

/** Runs until aborted. */
export async function keepTidy({ store, clock, log, signal, mapKept }: TidyContext): Promise<void> {
  const sweep = async (what: string, remove: () => Promise<number>): Promise<void> => {
    for (let removed = 1; removed > 0 && !signal.aborted; ) {
      removed = await remove();
      if (removed > 0) log.debug({ removed }, what);
    }
  };
  while (!signal.aborted) {
    await sweep("Old keys were removed", () => store.prune(clock.now() - KEPT));
    if (mapKept !== undefined) await sweep("Old messages were forgotten", () => store.pruneMap(clock.now() - mapKept));
    await clock.sleep(EVERY, signal);
  }
}
