import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { createClock, readClockSpeed } from "../../core/clock.ts";

test("without a wish, the clock is the real one", () => {
  const clock = createClock(readClockSpeed(undefined, 5));
  assert.ok(Math.abs(clock.now() - Date.now()) < 100);
});

test("an hour passes in a minute, and what is due by the clock is due when a sleep ends", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  const clock = createClock(readClockSpeed("60", Date.now()));
  let woken = 0;
  const slept = clock.sleep(3_600_000).then(() => {
    woken = clock.now();
  });
  t.mock.timers.tick(59_999);
  await turn();
  assert.equal(woken, 0);
  t.mock.timers.tick(1);
  await slept;
  assert.equal(woken, 1_000_000 + 3_600_000);
});

test("a process that is started anew goes on where the one before it stood", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 2_000 });
  assert.equal(createClock(readClockSpeed("10@1000", 2_000)).now(), 11_000);
});

test("a sleep that is given up rejects with the reason, at once when it was given up before", async () => {
  const clock = createClock({ speed: 1, since: 0 });
  const abort = new AbortController();
  const slept = clock.sleep(1e9, abort.signal);
  abort.abort(new Error("stopped"));
  await assert.rejects(slept, /stopped/);
  await assert.rejects(clock.sleep(1, abort.signal), /stopped/);
});

test("a timer can be cancelled, and one of sixty days does not fire at once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = createClock({ speed: 1, since: 0 });
  const fired: string[] = [];
  clock.timer(10, () => fired.push("cancelled"))();
  clock.timer(60 * 86_400_000, () => fired.push("late"));
  const cancelLater = clock.timer(60 * 86_400_000, () => fired.push("cancelled late"));
  const passDays = (days: number) => {
    for (let day = 0; day < days; day++) t.mock.timers.tick(86_400_000);
  };
  passDays(59);
  assert.deepEqual(fired, []);
  cancelLater();
  passDays(2);
  assert.deepEqual(fired, ["late"]);
});

test("a speed that is none is named", () => {
  for (const text of ["0", "-1", "fast", "", "1@x"])
    assert.throws(() => readClockSpeed(text, 0), /CAUSEWAY_CLOCK_SPEED must be a number above 0/);
});
