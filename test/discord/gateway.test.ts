/** The gateway's sessions: kept, resumed, counted, and ended where only a person can help. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSession } from "../../bridges/discord/sequence.ts";
import { plainOf, scene } from "./stage.ts";

const kept = (disk: { readonly keep: ReadonlyMap<string, string> }) => readSession(JSON.parse(disk.keep.get("session:0") ?? "null"));

test("a restart resumes the session: what was said meanwhile comes by itself, once, in order, and nothing is identified again", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const first = await stage.start();
  alice.say(channel, "before");
  await first.heard("message", (event) => plainOf(event) === "before");
  await first.close();
  for (const text of ["one", "two", "three"]) alice.say(channel, text);
  const second = await stage.start();
  assert.deepEqual(second.core.states.at(-1), { is: "connected", resumed: true });
  await second.heard("message", (event) => plainOf(event) === "three");
  const said = second.core.events.flatMap((event) => (event.kind === "message" ? [plainOf(event)] : []));
  assert.deepEqual(said, ["before", "one", "two", "three"]);
  assert.deepEqual([fake.gateway.identifies, fake.gateway.resumes], [1, 1]);
  await second.say({ text: "the guild is known after a resume too" });
});

test("the sequence number on disk never passes what is on disk", async (t) => {
  const stage = await scene(t);
  const { alice, channel } = stage;
  const bridge = await stage.start();
  await bridge.settled();
  const release = bridge.core.hold();
  for (const text of ["a", "b", "c"]) alice.say(channel, text);
  await bridge.core.until(() => bridge.core.offered.some((event) => event.kind === "message" && plainOf(event) === "c"), "to be offered c");
  const number = (text: string): number => {
    const event = bridge.core.offered.find((one) => one.kind === "message" && plainOf(one) === text);
    return Number(event?.deliveryId?.split(":")[1]);
  };
  assert.ok((kept(bridge.disk)?.sequence ?? 0) < number("a"));
  release();
  await bridge.heard("message", (event) => plainOf(event) === "c");
  await bridge.core.until(() => kept(bridge.disk)?.sequence === number("c"), "the number to follow");
});

test("an event that could not be written is asked for again, and nothing after it is lost", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const bridge = await stage.start();
  await bridge.settled();
  bridge.core.fail(new Error("disk full"));
  alice.say(channel, "lost?");
  await bridge.core.until(
    () => bridge.core.offered.some((event) => event.kind === "message" && plainOf(event) === "lost?"),
    "to be offered it",
  );
  bridge.core.fail(undefined);
  alice.say(channel, "later");
  await bridge.heard("message", (event) => plainOf(event) === "lost?");
  await bridge.heard("message", (event) => plainOf(event) === "later");
  assert.ok(fake.gateway.resumes >= 1);
});

test("asked to reconnect, it resumes", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.fake.gateway.askToReconnect();
  await bridge.core.until(() => bridge.core.states.filter(({ is }) => is === "connected").length === 2, "to be back");
  assert.deepEqual(bridge.core.states.at(-1), { is: "connected", resumed: true });
  assert.equal(stage.fake.gateway.identifies, 1);
  await bridge.settled();
});

test("an invalid session is begun anew, and core is told that something may have been missed", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.fake.gateway.invalidate(false);
  await bridge.core.until(() => bridge.core.states.filter(({ is }) => is === "connected").length === 2, "to be back");
  assert.deepEqual(bridge.core.states.at(-1), { is: "connected", resumed: false });
  await bridge.settled();
  assert.notEqual(kept(bridge.disk), undefined);
});

test("a connection that no longer answers is noticed by its heartbeat, and resumed", async (t) => {
  const stage = await scene(t, ({ fake }) => {
    fake.gateway.options = { ...fake.gateway.options, heartbeatInterval: 60 };
  });
  const bridge = await stage.start();
  stage.fake.gateway.acknowledges = false;
  await bridge.core.until(() => stage.fake.gateway.resumes > 0 && bridge.core.states.at(-1)?.is === "connected", "to resume", 10_000);
  stage.fake.gateway.acknowledges = true;
  await bridge.settled();
});

test("a session that Discord closed for good is begun anew by itself", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  for (const [times, code] of [1000, 4000, 4007, 4009].entries()) {
    stage.fake.gateway.close(code);
    await bridge.core.until(
      () => bridge.core.states.filter(({ is }) => is === "connected").length === times + 2,
      `to be back after ${code}`,
    );
  }
  await bridge.settled();
});

for (const [code, words] of [
  [4004, /Reset Token/],
  [4010, /restart/],
  [4011, /restart/],
  [4012, /update/],
  [4013, /update/],
  [4014, /MESSAGE CONTENT INTENT and SERVER MEMBERS INTENT/],
] as const) {
  test(`close code ${code} ends it, and says what a person has to do`, async (t) => {
    const stage = await scene(t);
    const bridge = await stage.start();
    stage.fake.gateway.close(code);
    const state = await bridge.core.until(() => bridge.core.states.find(({ is }) => is === "logged-out"), "to be logged out");
    assert.match("why" in state ? state.why : "", words);
    const identifies = stage.fake.gateway.identifies;
    await bridge.core.clock.sleep(15_000);
    assert.equal(stage.fake.gateway.identifies, identifies, "it does not go on knocking");
  });
}

test("intents that are not switched on in the portal are told by name", async (t) => {
  const stage = await scene(t, ({ fake }) => {
    fake.bot.portal.messageContent = false;
  });
  const bridge = await stage.start({ connected: false });
  const state = await bridge.core.until(() => bridge.core.states.find(({ is }) => is === "logged-out"), "to be logged out");
  assert.match("why" in state ? state.why : "", /Privileged Gateway Intents/);
});

test("when few new sessions are left today, it waits and says so; a session that can be resumed goes on", async (t) => {
  const stage = await scene(t);
  const first = await stage.start();
  await first.close();
  stage.fake.gateway.identifies = 950;
  const second = await stage.start();
  assert.deepEqual(second.core.states.at(-1), { is: "connected", resumed: true });
  await second.close();
  stage.fake.gateway.forget();
  const third = await stage.start({ connected: false });
  const state = await third.core.until(() => third.core.states.find(({ is }) => is === "disconnected"), "to be told");
  assert.match("why" in state ? state.why : "", /Too many new sessions/);
  assert.equal(stage.fake.gateway.identifies, 950);
});

test("beginnings of sessions are counted on disk, over restarts", async (t) => {
  const stage = await scene(t);
  for (let times = 1; times <= 3; times++) {
    const bridge = await stage.start();
    assert.equal((JSON.parse(bridge.disk.keep.get("identifies") ?? "[]") as number[]).length, times);
    await bridge.close();
    stage.fake.gateway.forget();
  }
  const bridge = await stage.start({ connected: false });
  await bridge.core.keep.set(
    "identifies",
    Array.from({ length: 900 }, () => bridge.core.clock.now()),
  );
  await bridge.core.until(() => bridge.core.states.find(({ is }) => is === "disconnected"), "to wait");
});

test("nothing is identified before the rest of the start has succeeded", async (t) => {
  const stage = await scene(t, ({ fake }) => fake.http.fault("fail", /^GET \/applications\/@me/, 2, 503));
  const bridge = await stage.start({ connected: false });
  await bridge.core.until(() => bridge.core.states.find(({ is }) => is === "disconnected"), "the first look to fail");
  assert.equal(stage.fake.gateway.identifies, 0);
  await bridge.core.until(() => bridge.core.states.some(({ is }) => is === "connected"), "to be connected in the end");
  assert.equal(stage.fake.gateway.identifies, 1);
});

test("as many shards are opened as Discord asks for, each with a session of its own that is resumed", async (t) => {
  const stage = await scene(t, ({ fake }) => {
    fake.gateway.options = { ...fake.gateway.options, shards: 2 };
  });
  const first = await stage.start();
  await first.settled();
  assert.equal(stage.fake.gateway.sessions, 2);
  await first.close();
  const second = await stage.start();
  assert.deepEqual(second.core.states.at(-1), { is: "connected", resumed: true });
  assert.equal(stage.fake.gateway.identifies, 2);
});

test("a frame of twenty megabytes, one that is no JSON and events that nobody knows do no harm", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.fake.gateway.dispatch("SOMETHING_NEW", { padding: "x".repeat(20_000_000) });
  stage.fake.gateway.raw("{ this is no JSON");
  stage.fake.gateway.dispatch("MESSAGE_CREATE", {
    id: stage.fake.world.snowflake(),
    channel_id: stage.channel,
    guild_id: stage.guild.id,
    author: { id: stage.alice.id },
    mentions: 5,
  });
  await bridge.settled();
  assert.ok(
    bridge.core.events.some((event) => event.kind === "message" && plainOf(event).includes("could not read")),
    "a message that cannot be read leaves a word",
  );
  assert.equal(bridge.core.states.filter(({ is }) => is === "connected").length, 1);
});

test("a short break is not worth a word, a long one is told", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.fake.gateway.drop();
  await bridge.core.until(() => bridge.core.states.filter(({ is }) => is === "connected").length === 2, "to be back");
  assert.deepEqual(
    bridge.core.states.filter(({ is }) => is === "disconnected"),
    [],
  );
  stage.fake.gateway.refusing = true;
  stage.fake.gateway.drop();
  const state = await bridge.core.until(() => bridge.core.states.find(({ is }) => is === "disconnected"), "to be told");
  assert.match("why" in state ? state.why : "", /connection to Discord broke/);
  stage.fake.gateway.refusing = false;
});
