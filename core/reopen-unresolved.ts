/** Sends that a crash cut off: until they are resolved, what could be their echo waits. Call it before anything is taken. */
import { readLane } from "./lanes.ts";
import { linkId } from "./model/ids.ts";
import { openKey } from "./portal/out-effect.ts";
import type { Journal, LaneName } from "./store/store.ts";
import type { Unresolved } from "./unresolved.ts";

export async function reopenUnresolved(journal: Journal, lanes: readonly LaneName[], unresolved: Unresolved): Promise<void> {
  for (const lane of lanes) {
    const { kind, of } = readLane(lane);
    if (kind !== "out") continue;
    const [row] = await journal.head(lane, 1);
    const key = openKey(row?.step);
    if (key !== undefined) unresolved.begin(linkId(Number(of)), key);
  }
}
