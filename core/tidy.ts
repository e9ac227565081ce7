/** Housekeeping: what is older than its purpose is removed, a little at a time. */
import type { Logger } from "pino";
import type { Clock } from "./network.ts";
import type { Store } from "./store/store.ts";

const EVERY = 3_600_000;
/** Longer than a homeserver or a network repeats what it has said before. */
const KEPT = 30 * 86_400_000;

/** Runs until aborted. */
export async function keepTidy({
  store,
  clock,
  log,
  signal,
}: {
  store: Store;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}): Promise<void> {
  while (!signal.aborted) {
    for (let removed = 1; removed > 0 && !signal.aborted; ) {
      removed = await store.prune(clock.now() - KEPT);
      if (removed > 0) log.debug({ removed }, "Old keys were removed");
    }
    await clock.sleep(EVERY, signal);
  }
}
