/** Socket Mode: lines that are renewed, break, fall silent or are shared. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toPlain } from "../../core/model/plain.ts";
import { eventually, live, type Live } from "./stage.ts";

/** Alice says so many things while `meanwhile` goes on. */
async function chatter(alive: Live, count: number, meanwhile: (index: number) => void): Promise<readonly string[]> {
  const { stage } = alive;
  for (let index = 0; index < count; index++) {
    stage.alice.say(stage.channel, `lamp ${index}.`);
    meanwhile(index);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return Array.from({ length: count }, (_, index) => `lamp ${index}.`);
}

async function allCame(alive: Live, said: readonly string[]): Promise<void> {
  for (const text of said) await alive.said(text);
}

for (const reason of ["warning", "refresh_requested"] as const)
  test(`Slack renews its connections ("${reason}") under load: nothing is missed, and nobody hears of a break`, async (t) => {
    const alive = await live(t);
    const { stage, core } = alive;
    const said = await chatter(alive, 90, (index) => {
      if (index === 20 || index === 50) stage.fake.sockets.refresh(reason, 10_000);
    });
    await allCame(alive, said);
    await eventually(() => stage.fake.sockets.count(stage.app) === 1, "one line is left");
    assert.ok(!core.states.some(({ is }) => is === "disconnected"));
  });

test("a line that breaks is told, and what was not acknowledged comes by the next one", async (t) => {
  const alive = await live(t);
  const { stage, core } = alive;
  const release = core.hold();
  stage.alice.say(stage.channel, "on its way");
  await core.until(() => core.offered.length > 0, "offered");
  stage.fake.sockets.cut();
  await alive.state("disconnected");
  release();
  await alive.connected(2);
  await eventually(() => stage.fake.sockets.acknowledged.length > 0, "acknowledged in the end");
  assert.ok(
    core.states.every((state) => state.is !== "connected" || !state.resumed),
    "the gap is looked at in the history",
  );
});

test("what was not on disk in time is sent again, and then the history is looked at", async (t) => {
  const alive = await live(t, { speed: 100 });
  const { stage, core } = alive;
  const release = core.hold();
  stage.alice.say(stage.channel, "slowly");
  await eventually(() => core.offered.filter(({ kind }) => kind === "message").length > 1, "sent again");
  release();
  await eventually(() => stage.fake.sockets.acknowledged.length > 0, "acknowledged");
  await alive.connected(2);
});

test("a line that says nothing for long is replaced, and the history looked at", async (t) => {
  const alive = await live(t, { speed: 400 });
  const before = alive.stage.fake.faults.count("apps.connections.open");
  await alive.connected(2);
  assert.ok(alive.stage.fake.faults.count("apps.connections.open") > before);
  alive.stage.alice.say(alive.stage.channel, "still here");
  await alive.said("still here");
});

test("another program with the same token takes a part of the events: that is told in the channel, and to the admins", async (t) => {
  const alive = await live(t, { speed: 400, before: ({ fake }) => void (fake.sockets.strangers = 1) });
  const told = await alive.notice(/Another program is connected/);
  assert.match(toPlain(told.body), /messages may be missing/);
  assert.equal(told.channel, alive.place);
  assert.match((await eventually(() => alive.core.alarms[0], "the admins are told")).text, /Another program is connected/);
});

test("Socket Mode is switched off and on again: it is told by its name, tried ever more seldom, and goes on by itself", async (t) => {
  const alive = await live(t, { speed: 100 });
  const { sockets, faults } = alive.stage.fake;
  sockets.disabled = true;
  sockets.disconnectAll("link_disabled");
  assert.match((await alive.state("disconnected")).why ?? "", /Socket Mode is switched off in the Slack app's settings/);
  const before = faults.count("apps.connections.open");
  // Half a minute by the bridge's clock.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(faults.count("apps.connections.open") - before < 8, "no storm");
  sockets.disabled = false;
  await alive.connected(2);
  await alive.settled();
});

test("our own renewed line is not taken for another program", async (t) => {
  const alive = await live(t, { speed: 100 });
  for (let count = 2; count < 5; count++) {
    alive.stage.fake.sockets.cut();
    await alive.connected(count);
  }
  await alive.settled();
  assert.equal(alive.count("notice"), 0);
});

test("an app-level token that is no longer good ends the login, and says which token it is", async (t) => {
  const alive = await live(t, { wait: false, before: ({ app }) => void (app.appTokenRevoked = true) });
  assert.match((await alive.state("logged-out")).why ?? "", /app-level token \(xapp-…\)/);
});

test("while Slack opens no connections it is tried again and again", async (t) => {
  const alive = await live(t, {
    wait: false,
    before: ({ fake }) => {
      fake.faults.plan("apps.connections.open", { kind: "status", status: 500 });
      fake.faults.plan("apps.connections.open", { kind: "limit", seconds: 2 });
      fake.faults.plan("apps.connections.open", { kind: "error", code: "internal_error" });
      fake.faults.plan("apps.connections.open", { kind: "lose-request" });
    },
  });
  await alive.state("disconnected");
  await alive.connected();
});

for (const [what, frame] of [
  ["no JSON", "hello?"],
  ["no object", "[1]"],
  ["an envelope of a type that nobody has seen", JSON.stringify({ envelope_id: "x", type: "hologram", payload: { a: 1 } })],
  ["an envelope without anything in it", JSON.stringify({ envelope_id: "x", type: "events_api" })],
  ["an envelope without an id", JSON.stringify({ type: "events_api", payload: { type: "event_callback", event: { type: "message" } } })],
  ["an event without a type", JSON.stringify({ envelope_id: "x", type: "events_api", payload: { type: "event_callback", event: 7 } })],
  ["a press of nothing", JSON.stringify({ envelope_id: "x", type: "interactive", payload: { type: "block_actions", actions: 7 } })],
  [
    "a press of a kind that nobody asked for",
    JSON.stringify({ envelope_id: "x", type: "interactive", payload: { type: "view_submission" } }),
  ],
  ["a command without words", JSON.stringify({ envelope_id: "x", type: "slash_commands", payload: { command: "/causeway" } })],
] as const)
  test(`whatever comes over the line, the next message comes too: ${what}`, async (t) => {
    const alive = await live(t);
    alive.stage.fake.sockets.whisper(frame);
    await alive.settled();
    assert.ok(alive.core.states.every(({ is }) => is !== "disconnected"));
  });

test("Slack says that it left events out: the history is looked at", async (t) => {
  const alive = await live(t, { speed: 100 });
  alive.stage.fake.sockets.whisper(
    JSON.stringify({ envelope_id: "x", type: "events_api", payload: { type: "app_rate_limited", team_id: alive.stage.team.id } }),
  );
  await alive.connected(2);
});

test("a closed connection leaves no line behind", async (t) => {
  const alive = await live(t);
  await alive.connection.close();
  await eventually(() => alive.stage.fake.sockets.count(alive.stage.app) === 0, "no line");
  alive.stage.alice.say(alive.stage.channel, "too late");
  assert.equal(alive.count("message"), 0);
});
