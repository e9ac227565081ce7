import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock } from "../../core/clock.ts";
import type { LaneContext, Work } from "../../core/lane.ts";
import { Lanes } from "../../core/lanes.ts";
import { TryLater } from "../../core/model/errors.ts";
import { until } from "./shore.ts";
import { memoryStore, silent } from "./temporary-store.ts";

test("lanes are in memory only while they have work: a thousand rooms in which nothing happens cost nothing", async (t) => {
  const { journal } = await memoryStore(t);
  const clock = createClock({ speed: 1_000, since: Date.now() });
  const watch: LaneContext["watch"] = {
    held: () => undefined,
    freed: () => undefined,
    parking: async () => [],
    parked: () => undefined,
  };
  const context: LaneContext = { journal, clock, log: silent, watch, below: async () => undefined, giveUpAfter: 86_400_000 };
  let isOpen = false;
  const work: Work = async (row) => {
    if (row.lane === "out:7" && !isOpen) throw new TryLater("The network is away.", 3_600_000, "login");
    await journal.finish(row.id, {});
  };
  const lanes = new Lanes(context, () => work, []);
  const names = Array.from({ length: 1_000 }, (_, index) => `out:${index}`);
  await journal.take({ rows: names.map((lane) => ({ lane, payload: 1, trace: "t", at: clock.now(), phase: 0, once: [] })) });
  for (const name of names) lanes.wake(name);
  assert.equal(lanes.size, 1_000);
  await until(() => lanes.size === 1);
  assert.deepEqual(lanes.names(), ["out:7"], "only the one that waits");
  isOpen = true;
  lanes.wake("out:7", true);
  await until(() => lanes.size === 0);
  await lanes.stop();
});
