import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "./temporary-store.ts";

test("what is good for a time only is forgotten after it, and nothing else is", async (t) => {
  let now = 1_000;
  const { settings, prune } = await memoryStore(t, { now: () => now });
  await settings.set("for ever", "here");
  await settings.set("for a while", "here", 2_000);
  await settings.set("made lasting", "here", 2_000);
  await settings.set("made lasting", "here");
  assert.equal(await prune(0), 0);
  now = 2_001;
  assert.equal(await prune(0), 1);
  assert.deepEqual(await Promise.all(["for ever", "for a while", "made lasting"].map((key) => settings.get(key))), [
    "here",
    undefined,
    "here",
  ]);
});
