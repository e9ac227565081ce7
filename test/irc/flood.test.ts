/** The pace at which lines leave. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Flood } from "../../bridges/irc/flood.ts";
import { Outbox } from "../../bridges/irc/outbox.ts";
import { TryLater } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";
import { QuickClock } from "../fakes/test-core.ts";

const config = { burst: 5, per_second: 0.5, most_per_second: 2, learn: true };

/** Time that stands until it is moved. */
function stillClock(): Clock & { pass(ms: number): void } {
  let now = 1_000_000;
  return {
    now: () => now,
    pass: (ms) => void (now += ms),
    sleep: async (ms) => void (now += ms),
    timer: () => () => undefined,
  };
}

suite("the bucket", () => {
  test("lets a burst out at once, then one line each two seconds", () => {
    const clock = stillClock();
    const flood = new Flood(config, clock);
    for (let line = 1; line <= 5; line++) {
      assert.equal(flood.wait(), 0, `line ${line}`);
      flood.take(1);
    }
    assert.equal(flood.wait(), 2000);
    clock.pass(2000);
    assert.equal(flood.wait(), 0);
  });

  test("is full again after a pause, and no fuller", () => {
    const clock = stillClock();
    const flood = new Flood(config, clock);
    flood.take(5);
    clock.pass(60 * 60_000);
    flood.take(5);
    assert.equal(flood.wait(), 2000);
  });

  test("counts long lines for more", () => {
    const flood = new Flood(config, stillClock());
    flood.take(4, 450);
    assert.ok(flood.wait() > 0);
  });

  test("grows faster while the server answers at once and we are at the limit, up to the most that is allowed", () => {
    const clock = stillClock();
    const flood = new Flood(config, clock);
    for (let line = 0; line < 200; line++) {
      clock.pass(flood.wait());
      flood.take(1);
      flood.answered(30);
    }
    assert.equal(flood.pace.perSecond, 2);
  });

  test("learns nothing from answers while there was room", () => {
    const clock = stillClock();
    const flood = new Flood(config, clock);
    for (let line = 0; line < 50; line++) {
      clock.pass(60_000);
      flood.take(1);
      flood.answered(30);
    }
    assert.equal(flood.pace.perSecond, 0.5);
  });

  test("slows down when answers come late, and no further than to a tenth", () => {
    const flood = new Flood(config, stillClock());
    flood.answered(4000);
    assert.equal(flood.pace.perSecond, 0.4);
    for (let line = 0; line < 100; line++) flood.answered(4000);
    assert.equal(flood.pace.perSecond, 0.05);
  });

  test("halves when the server has cut us off, and remembers it over a restart", () => {
    const clock = stillClock();
    const flood = new Flood(config, clock);
    flood.punished();
    assert.deepEqual(flood.pace, { burst: 2, perSecond: 0.25 });
    const again = new Flood(config, clock);
    again.remember(JSON.parse(JSON.stringify(flood.pace)));
    again.take(2);
    assert.equal(again.wait(), 4000);
  });

  test("keeps to the config where it may not learn", () => {
    const flood = new Flood({ ...config, learn: false }, stillClock());
    for (let line = 0; line < 20; line++) flood.answered(9000);
    flood.remember({ burst: 1, perSecond: 0.05 });
    assert.deepEqual(flood.pace, { burst: 5, perSecond: 0.5 });
  });
});

suite("turns", () => {
  const signal = new AbortController().signal;

  test("come in the order in which they were asked for", async () => {
    const clock = new QuickClock(200);
    const outbox = new Outbox(new Flood({ ...config, per_second: 10, most_per_second: 10 }, clock), clock);
    const order: number[] = [];
    await Promise.all(Array.from({ length: 12 }, (_, number) => outbox.sureTurn(1, 0, signal).then(() => order.push(number))));
    assert.deepEqual(
      order,
      Array.from({ length: 12 }, (_, number) => number),
    );
  });

  test("further away than two seconds are refused with the time to wait, and use nothing up", async () => {
    const clock = stillClock();
    const flood = new Flood(config, clock);
    const outbox = new Outbox(flood, clock);
    flood.take(8);
    await assert.rejects(outbox.turn(1, 0), (error: unknown) => error instanceof TryLater && error.after > 5000 && error.scope === "login");
    assert.equal(flood.wait(), 8000);
  });

  test("of what can wait come when nobody else wants to speak", async () => {
    const clock = new QuickClock(200);
    const outbox = new Outbox(new Flood({ ...config, burst: 1, per_second: 5, most_per_second: 5 }, clock), clock);
    const order: string[] = [];
    const idle = [1, 2].map((number) => outbox.idleTurn(1, 0, signal).then(() => order.push(`idle ${number}`)));
    const sure = [1, 2, 3].map((number) => outbox.sureTurn(1, 0, signal).then(() => order.push(`sure ${number}`)));
    await Promise.all([...idle, ...sure]);
    assert.deepEqual(
      order.filter((name) => name.startsWith("sure")),
      ["sure 1", "sure 2", "sure 3"],
    );
    assert.equal(order.at(-1), "idle 2");
  });
});
