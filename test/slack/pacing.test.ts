/** Turns: many calls, but never more than Slack takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Pacing, PATIENCE } from "../../bridges/slack/pacing.ts";
import { TryLater } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";

/** Time stands still, and sleeping moves it. */
class StillClock implements Clock {
  at = 1_000_000;
  now(): number {
    return this.at;
  }
  async sleep(ms: number): Promise<void> {
    this.at += ms;
  }
  timer(): () => void {
    return () => {};
  }
}

function bench() {
  const clock = new StillClock();
  const pacing = new Pacing(clock);
  const { signal } = new AbortController();
  const turn = (method: string, channel?: string, patience = PATIENCE) => pacing.turn(method, channel, patience, signal);
  const refused = async (method: string, channel?: string, patience = PATIENCE) => {
    const failure = await turn(method, channel, patience).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(failure instanceof TryLater);
    return failure;
  };
  return { clock, pacing, turn, refused };
}

test("a few messages go at once, then one a second", async () => {
  const { clock, turn } = bench();
  const began = clock.at;
  for (let count = 0; count < 4; count++) await turn("chat.postMessage", "C1");
  assert.equal(clock.at, began);
  for (let count = 0; count < 10; count++) await turn("chat.postMessage", "C1");
  assert.ok(clock.at - began >= 9_900);
});

test("a turn that is more than two seconds off is not waited for, and costs nothing", async () => {
  const { clock, turn, refused } = bench();
  for (let count = 0; count < 4; count++) await turn("chat.postMessage", "C1", 0);
  const first = await refused("chat.postMessage", "C1", 500);
  const second = await refused("chat.postMessage", "C1", 500);
  assert.deepEqual([first.after, second.after], [1000, 1000]);
  clock.at += 1000;
  await turn("chat.postMessage", "C1", 0);
});

test("one full channel holds no other up, nor other methods", async () => {
  const { clock, turn } = bench();
  const began = clock.at;
  for (let count = 0; count < 4; count++) await turn("chat.postMessage", "C1");
  await turn("chat.postMessage", "C2", 0);
  await turn("chat.update", "C1", 0);
  await turn("reactions.add", "C1", 0);
  assert.equal(clock.at, began);
});

test("each method goes no faster than its tier", async () => {
  for (const [method, perMinute] of [
    ["pins.add", 20],
    ["chat.update", 50],
    ["users.info", 100],
  ] as const) {
    const { clock, turn } = bench();
    const began = clock.at;
    for (let count = 0; count < perMinute * 3; count++) await turn(method, undefined, 60_000);
    const minutes = (clock.at - began) / 60_000;
    assert.ok(minutes > 1.9 && minutes < 2.1, `${method}: ${minutes}`);
  }
});

test("after Slack's own word nobody asks before the time, and then one asks first", async () => {
  const { clock, pacing, turn, refused } = bench();
  pacing.limited("reactions.add", undefined, 20_000);
  assert.equal((await refused("reactions.add")).after, 20_000);
  await turn("pins.add");
  clock.at += 20_000;
  await turn("reactions.add", undefined, 0);
});

test("a pause in one channel is that channel's", async () => {
  const { pacing, turn, refused } = bench();
  pacing.limited("chat.postMessage", "C1", 30_000);
  assert.equal((await refused("chat.postMessage", "C1")).scope, "channel");
  await turn("chat.postMessage", "C2", 0);
});
