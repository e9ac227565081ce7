/** Polls that are too large for one of Discord's own: a message with buttons, and a line under it that says how it stands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelId } from "../../bridges/discord/ids.ts";
import type { VotePart } from "../../core/model/effects.ts";
import { standing } from "./harness.ts";
import { asked, type Bridge, mira, type Scene, scene } from "./stage.ts";

const LONG = "an answer that is longer than the fifty-five characters that Discord takes";
const ANSWERS = [LONG, "short", "other"];

async function askedWithButtons(bridge: Bridge): Promise<string> {
  const answers = ANSWERS.map((text, index) => ({ id: `a${index}`, text }));
  const [sent] = await bridge.say({ poll: { question: "Which?", answers, maxSelections: 1, disclosed: true } });
  return String(sent?.id);
}

function told({ channel }: Scene, poll: string, votes: readonly number[], closed = false): VotePart {
  const tally = ANSWERS.map((text, index) => ({ text, votes: votes[index] ?? 0 }));
  return { kind: "poll", channel: channelId(channel), message: poll as never, tally, closed, speaker: mira };
}

function linesUnder(stage: Scene, poll: string): string[] {
  return standing(stage.fake, stage.channel)
    .filter(({ replyTo }) => replyTo === poll)
    .map(({ text }) => text);
}

function line(heading: string, votes: readonly number[]): string {
  return [`-# ${heading}`, ...ANSWERS.map((text, index) => `${text}: **${votes[index] ?? 0}**`)].join("\n");
}

async function shows(stage: Scene, bridge: Bridge, poll: string, text: string): Promise<void> {
  await bridge.core.until(() => linesUnder(stage, poll).at(-1) === text, `the line to read ${text}`);
  assert.deepEqual(linesUnder(stage, poll), [text]);
}

function answersTo({ fake }: Scene, token: string): string[] {
  return (fake.world.interactions.get(token)?.answers ?? []).map(({ content }) => content);
}

test("what is pressed on Discord and what is voted on Matrix stand together in the line under the poll", async (t) => {
  const stage = await scene(t);
  const { fake, alice, bob, channel } = stage;
  const bridge = await stage.start();
  const poll = await askedWithButtons(bridge);
  fake.pressUnder(alice, channel, poll, "vote:2");
  await shows(stage, bridge, poll, line("Votes", [0, 1, 0]));
  assert.deepEqual((await bridge.heard("vote")).answers, ["2"]);
  await bridge.send(told(stage, poll, [1, 1, 0]));
  await shows(stage, bridge, poll, line("Votes", [1, 2, 0]));
  fake.pressUnder(bob, channel, poll, "vote:3");
  await shows(stage, bridge, poll, line("Votes", [1, 2, 1]));
  fake.pressUnder(alice, channel, poll, "vote:2");
  await shows(stage, bridge, poll, line("Votes", [1, 1, 1]));
});

test("a press that Discord tells twice is one press", async (t) => {
  const stage = await scene(t);
  const { fake, alice, bob, channel } = stage;
  const bridge = await stage.start();
  const poll = await askedWithButtons(bridge);
  fake.pressUnder(alice, channel, poll, "vote:2", 2);
  fake.pressUnder(bob, channel, poll, "vote:3");
  await shows(stage, bridge, poll, line("Votes", [0, 1, 1]));
});

test("many presses at once: one edit at a time, and the last of them is shown, rate limit or not", async (t) => {
  const stage = await scene(t);
  const { fake, channel, guild } = stage;
  const bridge = await stage.start();
  const poll = await askedWithButtons(bridge);
  await bridge.send(told(stage, poll, [0, 0, 0]));
  const crowd = Array.from({ length: 12 }, (_, index) => fake.person(`Voter ${index}`, guild));
  fake.http.limits.force((bucket) => bucket.startsWith("PATCH /channels/:c/messages/:m"), 5, 2);
  for (const [index, one] of crowd.entries()) fake.pressUnder(one, channel, poll, `vote:${(index % 2) + 2}`);
  await shows(stage, bridge, poll, line("Votes", [0, 6, 6]));
  assert.ok(asked(stage, /^PATCH .*\/messages\/\d+$/).length < 2 + crowd.length, "edits are gathered");
});

test("what could not be written any more before a restart is written after it", async (t) => {
  const stage = await scene(t);
  const { fake, alice, channel } = stage;
  const first = await stage.start();
  const poll = await askedWithButtons(first);
  await first.send(told(stage, poll, [2, 0, 0]));
  fake.http.limits.force((bucket) => bucket.startsWith("PATCH /channels/:c/messages/:m"), 600);
  fake.pressUnder(alice, channel, poll, "vote:1");
  await first.heard("vote");
  await first.kill();
  fake.http.limits.reset();
  const second = await stage.start();
  await shows(stage, second, poll, line("Votes", [3, 0, 0]));
});

test("the end takes the buttons away, also after a restart; what is pressed afterwards is told so and counts no more", async (t) => {
  const stage = await scene(t);
  const { fake, alice, bob, channel } = stage;
  const first = await stage.start();
  const poll = await askedWithButtons(first);
  fake.pressUnder(alice, channel, poll, "vote:1");
  await shows(stage, first, poll, line("Votes", [1, 0, 0]));
  await first.close();
  const bridge = await stage.start();
  await bridge.send(told(stage, poll, [0, 1, 0], true));
  await shows(stage, bridge, poll, line("Final votes", [1, 1, 0]));
  assert.deepEqual(fake.world.stored(channel, poll)?.message.components, []);
  assert.match(fake.world.stored(channel, poll)?.message.content ?? "", /Which\?/);
  assert.deepEqual(asked(stage, /\/expire$/), []);
  const late = fake.pressUnder(bob, channel, poll, "vote:3");
  await bridge.core.until(() => answersTo(stage, late).length > 0, "the answer");
  assert.deepEqual(answersTo(stage, late), ["The poll has ended."]);
  assert.equal(fake.world.interactions.get(late)?.ephemeral, true);
  await shows(stage, bridge, poll, line("Final votes", [1, 1, 0]));
});

test("a poll that nothing is kept of is asked for: with buttons they go, and Discord's own would be ended", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const poll = await askedWithButtons(bridge);
  await bridge.core.keep.set(`poll:${poll}`, undefined);
  await bridge.send(told(stage, poll, [0, 0, 1], true));
  await shows(stage, bridge, poll, line("Final votes", [0, 0, 1]));
  assert.deepEqual(stage.fake.world.stored(stage.channel, poll)?.message.components, []);
});

test("a line that Discord lets be edited no more is said anew", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const poll = await askedWithButtons(bridge);
  await bridge.send(told(stage, poll, [1, 0, 0]));
  const kept = standing(stage.fake, stage.channel).find(({ replyTo }) => replyTo === poll);
  const old = stage.fake.world.stored(stage.channel, String(kept?.id));
  Object.assign(old ?? {}, { edits: 5 });
  Object.assign(old?.message ?? {}, { timestamp: stage.fake.world.iso(stage.fake.world.now() - 7_200_000) });
  await bridge.send(told(stage, poll, [2, 0, 0]));
  await shows(stage, bridge, poll, line("Votes", [2, 0, 0]));
});
