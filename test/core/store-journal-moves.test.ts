import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { openStore } from "../../core/store/sqlite.ts";
import type { NewRow } from "../../core/store/store.ts";

test("what arrived live takes its place among what history brings, when history brings it too", async () => {
  const store = await openStore({ path: ":memory:", sealKey: new Uint8Array(32), clock: { now: () => 1 }, log: pino({ level: "silent" }) });
  const row = (text: string, phase: number): NewRow => ({
    lane: "in:1",
    payload: { text },
    trace: "",
    at: 1,
    phase,
    once: [`s:${text}`],
    about: `1:${text}`,
    moves: (payload) => (payload as { text: string }).text === text,
  });
  await store.journal.take({ rows: [row("three", 5)] });
  const again = await store.journal.take({ rows: [row("two", 4), row("three", 4), row("four", 4)] });
  assert.ok(again.every((id) => id !== undefined));
  const order = async () => (await store.journal.head("in:1", 10)).map(({ payload }) => (payload as { text: string }).text);
  assert.deepEqual(await order(), ["two", "three", "four"]);
  // Known, and no longer waiting in a later phase: it stays where it is.
  assert.deepEqual(await store.journal.take({ rows: [row("two", 4)] }), [undefined]);
  assert.deepEqual(await order(), ["two", "three", "four"]);
  await store.close();
});
