/** Events over HTTP: who may send them, and what is answered. https://docs.slack.dev/apis/events-api/using-http-request-urls */
import assert from "node:assert/strict";
import { test } from "node:test";
import { signature } from "../../bridges/slack/signature.ts";
import { eventually, live, type Live } from "./stage.ts";

interface Letter {
  readonly path?: string;
  readonly type?: string;
  readonly at?: number;
  readonly secret?: string;
  readonly sign?: (body: string) => string;
}

async function post(alive: Live, body: string, { path = "events", type = "application/json", at = Date.now(), secret, sign }: Letter = {}) {
  const seconds = String(Math.floor(at / 1000));
  return await fetch(`${alive.core.publicUrl}/${path}`, {
    method: "POST",
    body,
    headers: {
      "content-type": type,
      "x-slack-request-timestamp": seconds,
      "x-slack-signature": signature(secret ?? alive.stage.app.signingSecret, seconds, sign?.(body) ?? body),
    },
  });
}

const http = { way: "http" } as const;

function message(alive: Live, text: string): string {
  const { team, channel, alice, app } = alive.stage;
  const event = { type: "message", channel: channel.id, user: alice.user.id, text, ts: "1700000000.000100", channel_type: "channel" };
  return JSON.stringify({
    type: "event_callback",
    team_id: team.id,
    api_app_id: app.id,
    event_id: "Ev1",
    event_time: 1_700_000_000,
    event,
  });
}

test("Slack asks whether the address is ours, and gets its word back", async (t) => {
  const alive = await live(t, http);
  const answer = await post(alive, JSON.stringify({ type: "url_verification", challenge: "3eZbrw1aBm2rZgRNFdxV" }));
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "3eZbrw1aBm2rZgRNFdxV");
});

test("a signed event is taken, and answered when it is on disk", async (t) => {
  const alive = await live(t, http);
  assert.equal((await post(alive, message(alive, "signed"))).status, 200);
  await alive.said("signed");
});

for (const [what, letter] of [
  ["signed with another secret", { secret: "another" }],
  ["signed for another body", { sign: (body: string) => `${body} ` }],
  ["ten minutes old", { at: Date.now() - 600_000 }],
  ["from the future", { at: Date.now() + 600_000 }],
] as const)
  test(`an event is turned away: ${what}`, async (t) => {
    const alive = await live(t, http);
    for (const path of ["events", "interactivity", "commands"])
      assert.equal((await post(alive, message(alive, "forged"), { ...letter, path })).status, 401);
    assert.equal(
      (await post(alive, JSON.stringify({ type: "url_verification", challenge: "x" }), letter)).status,
      401,
      "the question for the address as well",
    );
    await alive.settled();
    assert.ok(!JSON.stringify(alive.core.offered).includes("forged"));
  });

test("without any signature nothing is taken", async (t) => {
  const alive = await live(t, http);
  const answer = await fetch(`${alive.core.publicUrl}/events`, { method: "POST", body: message(alive, "forged") });
  assert.equal(answer.status, 401);
});

for (const [what, body, type, status] of [
  ["no JSON", "hello?", "application/json", 400],
  ["no object", "[]", "application/json", 400],
  ["nothing", "", "application/json", 400],
  ["a form without words", "", "application/x-www-form-urlencoded", 200],
  ["a form that holds no JSON", "payload=hello", "application/x-www-form-urlencoded", 400],
  ["an event of a type that nobody has seen", JSON.stringify({ type: "hologram" }), "application/json", 200],
] as const)
  test(`whatever is sent with a good signature is answered: ${what}`, async (t) => {
    const alive = await live(t, http);
    assert.equal((await post(alive, body, { type })).status, status);
  });

test("more than Slack ever sends is not even read to its end", async (t) => {
  const alive = await live(t, http);
  const answer = await post(alive, JSON.stringify({ text: "a".repeat(5_000_000) })).catch(() => undefined);
  assert.ok(answer === undefined || answer.status === 413);
});

test("what is not on disk is not acknowledged: Slack sends it again, and then the history is looked at", async (t) => {
  const alive = await live(t, { way: "http", speed: 200 });
  const { stage, core } = alive;
  core.fail(new Error("The disk is full."));
  stage.alice.say(stage.channel, "not yet");
  await core.until(() => core.offered.filter(({ kind }) => kind === "message").length > 1, "sent again");
  core.fail(undefined);
  await alive.said("not yet");
  await alive.connected(2);
});

test("without a socket it is the Web API that says whether Slack is there", async (t) => {
  const alive = await live(t, { way: "http", speed: 100 });
  const { fake } = alive.stage;
  fake.down();
  assert.match((await alive.state("disconnected")).why ?? "", /Slack/);
  fake.up();
  await alive.connected(2);
});

test("events for another workspace are nobody's here", async (t) => {
  const alive = await live(t, http);
  const other = message(alive, "elsewhere").replace(alive.stage.team.id, "T0OTHER");
  assert.equal((await post(alive, other)).status, 200);
  await alive.settled();
  assert.ok(!JSON.stringify(alive.core.offered).includes("elsewhere"));
});

test("events go on while the names in them are slow to come", async (t) => {
  const alive = await live(t, { way: "http", speed: 20 });
  const { stage } = alive;
  stage.fake.hang();
  stage.fake.delivery.hanging = false;
  stage.alice.say(stage.channel, "see", {
    more: {
      blocks: [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "channel", channel_id: "C0UNKNOWN" }] }] }],
    },
  });
  await eventually(() => alive.count("message") === 1, "it came without the name");
  stage.fake.faults.hanging = false;
});
