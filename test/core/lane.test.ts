import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { Lane, type LaneContext, type Work } from "../../core/lane.ts";
import { Broken, LoggedOut, Refused, StoreFull, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { Clock } from "../../core/network.ts";
import { openStore, type SqliteStore } from "../../core/store/sqlite.ts";

/** Time that passes only when everybody waits. */
class HandClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  timer(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void this.timer(ms, resolve));
  }

  /** To the next thing that is due. */
  pass(): boolean {
    const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
    if (!next) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.run();
    return true;
  }
}

interface Scene {
  readonly store: SqliteStore;
  readonly clock: HandClock;
  readonly parked: string[];
  readonly held: string[];
  readonly freed: string[];
  lane(work: Work, inherited?: boolean): Lane;
  put(...words: string[]): Promise<number[]>;
  settle(): Promise<void>;
}

async function scene(giveUpAfter = 86_400_000): Promise<Scene> {
  const clock = new HandClock();
  const log = pino({ level: "silent" });
  const store = await openStore({ path: ":memory:", sealKey: new Uint8Array(32), clock, log });
  const parked: string[] = [];
  const held: string[] = [];
  const freed: string[] = [];
  const watch: LaneContext["watch"] = {
    held: (_lane, why) => held.push(why),
    freed: (lane) => freed.push(lane),
    parking: async (lane, row, why) => {
      parked.push(`${String(row.payload)}: ${why}`);
      return [{ lane: `say:${lane}`, payload: why, trace: "notice", at: 0, phase: 0, once: [] }];
    },
    parked: () => undefined,
  };
  const context: LaneContext = { journal: store.journal, clock, log, watch, below: async () => undefined, giveUpAfter };
  return {
    store,
    clock,
    parked,
    held,
    freed,
    lane: (work, inherited = false) => new Lane("out:1", work, context, inherited, () => undefined),
    async put(...words) {
      const rows = words.map((payload) => ({ lane: "out:1", payload, trace: payload, at: clock.now(), phase: 0, once: [] }));
      return (await store.journal.take({ rows })).filter((id) => id !== undefined);
    },
    async settle() {
      for (let quiet = 0; quiet < 20; quiet += 1) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Does what the script says for each payload, and remembers the order in which rows were done. */
function scripted(at: Scene, failures: Record<string, Error[]>): { work: Work; done: string[]; again: string[] } {
  const done: string[] = [];
  const again: string[] = [];
  const work: Work = async (row, turn) => {
    const name = String(row.payload);
    if (turn.again) again.push(name);
    const failure = failures[name]?.shift();
    if (failure !== undefined) throw failure;
    done.push(name);
    await at.store.journal.finish(row.id, {});
  };
  return { work, done, again };
}

async function runAll(at: Scene, lane: Lane): Promise<void> {
  lane.wake();
  await at.settle();
  for (let steps = 0; steps < 50 && at.clock.pass(); steps += 1) await at.settle();
}

test("rows have their turn in the order in which they came", async () => {
  const at = await scene();
  await at.put("one", "two", "three");
  const { work, done } = scripted(at, {});
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["one", "two", "three"]);
});

test("a message that must wait alone is passed over, and comes when its time does", async () => {
  const at = await scene();
  await at.put("reply", "other");
  const { work, done } = scripted(at, { reply: [new TryLater("not yet", 500, "item")] });
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["other", "reply"]);
  assert.deepEqual(at.held, []);
});

test("a channel that cannot be reached holds everything, in order, and nothing is parked", async () => {
  const at = await scene();
  await at.put("one", "two");
  const { work, done } = scripted(at, { one: [new TryLater("busy", 5_000, "channel"), new TryLater("busy", 5_000, "login")] });
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["one", "two"]);
  assert.equal(at.held.length, 2);
  assert.deepEqual(at.freed, ["out:1"]);
  assert.deepEqual(at.parked, []);
});

test("what is refused is parked alone with its reason, and the lane goes on", async () => {
  const at = await scene();
  await at.put("bad", "broken", "bug", "good");
  const { work, done } = scripted(at, {
    bad: [new Refused("too long")],
    broken: [new Broken("odd answer")],
    bug: [new TypeError("x is not a function")],
  });
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["good"]);
  assert.deepEqual(at.parked, ["bad: too long", "broken: odd answer", "bug: The bridge failed over it (the log says how)."]);
});

test("an unclear send holds the lane and comes back as one that may have been made", async () => {
  const at = await scene();
  await at.put("one", "two");
  const { work, done, again } = scripted(at, { one: [new Uncertain("no answer")] });
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["one", "two"]);
  assert.deepEqual(again, ["one"]);
});

test("after a start, the row at the head counts as one that may have been made, the others do not", async () => {
  const at = await scene();
  await at.put("one", "two");
  const { work, again } = scripted(at, {});
  await runAll(at, at.lane(work, true));
  assert.deepEqual(again, ["one"]);
});

test("a message that takes the process down each time is parked in the end", async () => {
  const at = await scene();
  const [id] = await at.put("poison", "good");
  for (let crash = 0; crash < 10; crash += 1) await at.store.journal.attempt(id as number);
  const { work, done } = scripted(at, {});
  await runAll(at, at.lane(work, true));
  assert.deepEqual(at.parked, ["poison: It stopped the bridge each time it was tried."]);
  assert.deepEqual(done, ["good"]);
});

test("a login that is logged out is waited for, until days have passed", async () => {
  const at = await scene(10_000);
  await at.put("one");
  const { work, done } = scripted(at, { one: Array.from({ length: 100 }, () => new LoggedOut("the token was revoked")) });
  await runAll(at, at.lane(work));
  assert.deepEqual(done, []);
  assert.match(at.parked.join(), /one: Given up after trying for days\. the token was revoked/);
});

test("new messages do not break a hold; the news that its reason is gone does", async () => {
  const at = await scene();
  await at.put("one");
  const { work, done } = scripted(at, { one: [new TryLater("away", 3_600_000, "login")] });
  const lane = at.lane(work);
  lane.wake();
  await at.settle();
  await at.put("two");
  lane.wake();
  await at.settle();
  assert.deepEqual(done, []);
  lane.wake(true);
  await at.settle();
  assert.deepEqual(done, ["one", "two"]);
});

test("a row that was taken away while the page was being worked through is not tried", async () => {
  const at = await scene();
  const [, second] = await at.put("one", "two", "three");
  const done: string[] = [];
  const work: Work = async (row) => {
    done.push(String(row.payload));
    if (row.payload === "one") await at.store.journal.removeUntried([second as number]);
    await at.store.journal.finish(row.id, {});
  };
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["one", "three"]);
});

test("a lane that is told to stop ends after the row in hand", async () => {
  const at = await scene();
  await at.put("one", "two");
  const done: string[] = [];
  let lane: Lane | undefined;
  const work: Work = async (row) => {
    done.push(String(row.payload));
    await at.store.journal.finish(row.id, {});
    void lane?.stop();
  };
  lane = at.lane(work);
  lane.wake();
  await at.settle();
  await lane.stop();
  assert.deepEqual(done, ["one"]);
  assert.equal((await at.store.journal.counts("out:1")).waiting, 1);
});

test("the news that the way is open again counts also when it comes in the middle of a try", async () => {
  const at = await scene();
  await at.put("one");
  const done: string[] = [];
  let tries = 0;
  let lane: Lane | undefined;
  const work: Work = async (row) => {
    tries += 1;
    if (tries === 1) {
      lane?.wake(true);
      throw new TryLater("away", 3_600_000, "login");
    }
    done.push(String(row.payload));
    await at.store.journal.finish(row.id, {});
  };
  lane = at.lane(work);
  lane.wake();
  await at.settle();
  assert.deepEqual(done, ["one"]);
});

test("what was put off before a start does not hide the message that was in hand", async () => {
  const at = await scene();
  const [first] = await at.put("put off", "in hand", "never begun");
  await at.store.journal.putOff(first as number, 0, "not yet");
  const { work, again } = scripted(at, {});
  await runAll(at, at.lane(work, true));
  assert.deepEqual(again, ["put off", "in hand"]);
});

test("a lane whose last message was taken back is held no longer", async () => {
  const at = await scene();
  const ids = await at.put("one");
  const { work } = scripted(at, { one: [new TryLater("away", 3_600_000, "login")] });
  const lane = at.lane(work);
  lane.wake();
  await at.settle();
  await at.store.journal.removeUntried(ids);
  lane.wake(true);
  await at.settle();
  assert.deepEqual(at.freed, ["out:1"]);
});

test("what is parked and what people are told of it is one write", async () => {
  const at = await scene();
  await at.put("bad");
  const { work } = scripted(at, { bad: [new Refused("too long")] });
  const { park } = at.store.journal;
  let writes = 0;
  at.store.journal.park = async (...given) => {
    writes += 1;
    await park(...given);
  };
  await runAll(at, at.lane(work));
  assert.equal(writes, 1);
  const [told] = await at.store.journal.head("say:out:1", 1);
  assert.equal(told?.payload, "too long");
});

test("a row that the process outlives is not what ended it before, however often something has", async () => {
  const { store, clock, lane, put, settle } = await scene();
  const [id] = await put("slow");
  for (let crash = 0; crash < 9; crash += 1) await store.journal.attempt(id as number);
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  const slow = lane(async (row) => {
    await over;
    await store.journal.remove([row.id]);
  }, true);
  slow.wake();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await store.journal.row(id as number))?.attempts, 10);
  clock.pass();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await store.journal.row(id as number))?.attempts, 1);
  finish();
  await settle();
});

test("no room on the disk parks nothing: the queue comes back to the row when there is some", async () => {
  const at = await scene();
  await at.put("one", "two");
  const full = () => new StoreFull("The disk is full.");
  const { work, done } = scripted(at, { one: [full(), full()] });
  await runAll(at, at.lane(work));
  assert.deepEqual(done, ["one", "two"]);
  assert.deepEqual(at.parked, []);
});

test("a queue of 100,000 rows is begun in the memory that one row takes", async () => {
  const { store, lane, put, settle } = await scene();
  for (let hundred = 0; hundred < 1_000; hundred += 1) await put(...Array.from({ length: 100 }, () => "x".repeat(500)));
  const before = process.memoryUsage().heapUsed;
  let done = 0;
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const begun = lane(async (row) => {
    done += 1;
    await store.journal.remove([row.id]);
    if (done === 50) resolve();
    if (done >= 50) await new Promise(() => undefined);
  }, true);
  begun.wake();
  await enough;
  await settle();
  assert.ok(process.memoryUsage().heapUsed - before < 8 * 1_048_576);
  assert.equal((await store.journal.counts("out:1")).waiting, 100_000 - 50);
});
