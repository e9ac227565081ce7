import assert from "node:assert/strict";
import { test } from "node:test";
import { LoggedOut, TryLater } from "../../core/model/errors.ts";
import type { Cursor } from "../../core/model/events.ts";
import type { Harness } from "./harness.ts";
import { now, readPast } from "./history.ts";
import { isOneOfTheFive, type Live, mira, onStage, type Stage, textOf, whenLive, word } from "./live.ts";

/** A connection's life: it comes back by itself, tells the truth about what it may have missed, and ends when it is told to. */
export function lifePromises<Config>(harness: Harness<Config>): void {
  onDisk(harness);
  comingBack(harness);
  endings(harness);
}

const hasHistory = (live: Live): boolean => live.capabilities.history !== "refused";
const lastConnected = (live: Live) => live.core.states.findLast((state) => state.is === "connected");

/**
 * What was said reaches core in the end: by itself after a resume, from the history after another start. On a network without either
 * the connection has at least said that it was no resume, so that core can tell people what they may have missed.
 */
async function reaches(live: Live, text: string, since: Cursor | undefined): Promise<void> {
  const onDisk = (): boolean => live.core.events.some((event) => event.kind === "message" && textOf(event.body).includes(text));
  if (lastConnected(live)?.resumed) return void (await live.core.until(onDisk, `"${text}" after a resume`));
  if (since === undefined) return;
  await live.eventually(async () => {
    if (onDisk()) return true;
    const past = await readPast(live.connection, live.scene.channel, since).catch((error: unknown) => {
      assert.ok(error instanceof TryLater, String(error));
      return { events: [] };
    });
    return past.events.some((event) => event.kind === "message" && textOf(event.body).includes(text));
  }, `"${text}" to be in the history`);
}

/** Where the history stands, after something has been said in it; undefined where there is none. */
async function mark(live: Live): Promise<Cursor | undefined> {
  await live.caughtUp();
  return hasHistory(live) ? now(live) : undefined;
}

function onDisk<Config>(harness: Harness<Config>): void {
  test(
    "nothing is acknowledged before it is on disk: killed before that, it comes again",
    onStage(harness, async ({ scene, start }) => {
      const first = await start();
      const since = await mark(first);
      first.core.hold();
      const text = word("unwritten");
      await scene.alice.say(text);
      await first.core.until(
        () => first.core.offered.some((event) => event.kind === "message" && textOf(event.body).includes(text)),
        "to be offered it",
      );
      await first.kill();
      await reaches(await start(), text, since);
    }),
  );

  test(
    "a disk that is full for a while loses nothing",
    whenLive(harness, async (live, { scene, cause }) => {
      const since = await mark(live);
      live.core.fail(new Error("database or disk is full"));
      const [lost, later] = [word("full"), word("mended")];
      await scene.alice.say(lost);
      await live.core.until(
        () => live.core.offered.some((event) => event.kind === "message" && textOf(event.body).includes(lost)),
        "to be offered it",
      );
      live.core.fail(undefined);
      const times = live.core.states.filter((state) => state.is === "connected").length;
      if (live.core.states.at(-1)?.is !== "connected" || (await cause(scene.faults.cut))) await live.connected(times + 1);
      await scene.alice.say(later);
      await live.hears(later);
      await reaches(live, lost, since);
    }),
  );

  test(
    "a slow disk keeps the order and loses nothing",
    whenLive(harness, async (live, { scene }) => {
      const words = Array.from({ length: 5 }, () => word("slow"));
      const release = live.core.hold();
      for (const text of words) await scene.alice.say(text);
      await live.core.until(() => live.core.offered.length > 0, "to be offered the first");
      release();
      for (const text of words) await live.hears(text);
      const order = live.core.events.flatMap((event) => (event.kind === "message" ? [textOf(event.body).trim()] : []));
      assert.deepEqual(
        order.filter((text) => words.includes(text)),
        words,
      );
    }),
  );
}

/** The network goes away and comes back. False = it cannot be made to. */
async function throughAnOutage(live: Live, { scene, cause }: Stage): Promise<boolean> {
  const times = live.core.states.filter((state) => state.is === "connected").length;
  if (!(await cause(scene.faults.down))) return false;
  await live.core.until(() => live.core.states.at(-1)?.is !== "connected", "to notice that it is away");
  await cause(scene.faults.up);
  await live.connected(times + 1);
  return true;
}

function comingBack<Config>(harness: Harness<Config>): void {
  test(
    "connecting returns at once and tells how it fares; the first connection resumes nothing",
    onStage(harness, async ({ start }) => {
      const live = await start({ connected: false });
      assert.equal(typeof live.connection.send, "function");
      await live.connected();
      assert.deepEqual(lastConnected(live), { is: "connected", resumed: false });
      assert.ok(!live.core.states.some((state) => state.is === "logged-out"));
    }),
  );

  test(
    "a network that cannot be reached at the start is tried until it can",
    onStage(harness, async ({ scene, start, cause }) => {
      if (!(await cause(scene.faults.down))) return;
      const live = await start({ connected: false });
      const state = await live.core.until(() => live.core.states.find(({ is }) => is === "disconnected"), "to be told that it is away");
      assert.match("why" in state ? state.why : "", /\S+ \S+/, "why is a sentence");
      await cause(scene.faults.up);
      await live.connected();
    }),
  );

  test(
    "after a cut it comes back by itself and hears again",
    whenLive(harness, async (live, { scene, cause }) => {
      if (!(await cause(scene.faults.cut))) return;
      await live.connected(2);
      const text = word("back");
      await live.eventually(async () => {
        await scene.alice.say(text);
        return live.core.events.some((event) => event.kind === "message" && textOf(event.body).includes(text));
      }, "to hear again");
      await live.say(word("speaks"));
    }),
  );

  test(
    "what was said while it was away comes by itself after a resume, and from the history otherwise",
    whenLive(harness, async (live, stage) => {
      const since = await mark(live);
      const { scene, cause } = stage;
      if (!(await cause(scene.faults.down))) return;
      await live.core.until(() => live.core.states.at(-1)?.is !== "connected", "to notice that it is away");
      const text = word("meanwhile");
      await scene.alice.say(text);
      await cause(scene.faults.up);
      await live.connected(2);
      await reaches(live, text, since);
    }),
  );

  test(
    "a session that the network has forgotten is never called resumed",
    whenLive(harness, async (live, { scene, cause }) => {
      await live.caughtUp();
      if (!(await cause(scene.faults.forget)) || !(await cause(scene.faults.cut))) return;
      await live.connected(2);
      assert.deepEqual(lastConnected(live), { is: "connected", resumed: false });
    }),
  );

  test(
    "three outages, one after the other, are overcome",
    whenLive(harness, async (live, stage) => {
      for (let outage = 1; outage <= 3; outage++) {
        if (!(await throughAnOutage(live, stage))) return;
        await live.caughtUp();
      }
    }),
  );

  test(
    "hints are best effort: they never fail because the network is away",
    whenLive(harness, async (live, { scene, cause }) => {
      await cause(scene.faults.down);
      for (const on of [true, false]) await live.connection.hint({ kind: "typing", channel: scene.channel, speaker: mira, on });
    }),
  );
}

function endings<Config>(harness: Harness<Config>): void {
  test(
    "once closed, it hears nothing more, says nothing more, and may be closed again",
    whenLive(harness, async (live, { scene }) => {
      const part = live.part({ text: word("late") });
      await live.endConnection();
      const offered = live.core.offered.length;
      await scene.alice.say(word("unheard"));
      await assert.rejects(live.send(part), isOneOfTheFive);
      await live.connection.close();
      assert.equal(live.core.offered.length, offered);
    }),
  );

  test(
    "it can be closed while the network hangs, while it is away, and before it was ever connected",
    onStage(harness, async ({ scene, start, cause }) => {
      await (await start({ connected: false })).endConnection();
      const hanging = await start();
      await cause(scene.faults.hang);
      await hanging.endConnection();
      if (await cause(scene.faults.down)) await (await start({ connected: false })).endConnection();
    }),
  );

  test(
    "credentials that are no longer good log it out, in a sentence, and it does not go on knocking",
    whenLive(harness, async (live, { scene, cause }) => {
      if (!(await cause(scene.faults.revoke))) return;
      await assertLoggedOut(live);
      await assert.rejects(live.send(live.part({ text: word("revoked") })), LoggedOut);
    }),
  );

  test(
    "credentials that were never good log it out likewise",
    onStage(harness, async ({ scene, start, cause }) => {
      if (!(await cause(scene.faults.revoke))) return;
      await assertLoggedOut(await start({ connected: false }));
    }),
  );
}

async function assertLoggedOut(live: Live): Promise<void> {
  const state = await live.core.until(() => live.core.states.find(({ is }) => is === "logged-out"), "to be told of the log-out");
  assert.match("why" in state ? state.why : "", /\S+ \S+ \S+/, "what to do is said in a sentence");
  const states = live.core.states.length;
  await live.core.clock.sleep(60_000 / 20);
  assert.equal(live.core.states.length, states, "it has given up until a person acts");
}
