/** What goes to Slack, and what is done where Slack does not take it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageId } from "../../bridges/slack/ids.ts";
import { readBlocks } from "../../bridges/slack/blocks.ts";
import { LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { Part, SayPart } from "../../core/model/effects.ts";
import { remoteThreadId } from "../../core/model/ids.ts";
import type { Stored } from "../fakes/slack/state.ts";
import { lanterns } from "./fixtures.ts";
import { ANNA, eventually, idOf, live, type Live, progress, saying } from "./stage.ts";

const last = ({ stage }: Live): Stored => stage.channel.messages.at(-1) as Stored;
const shown = (message: Stored): string => toPlain(readBlocks(message.blocks, lanterns));

async function refusal(deed: Promise<unknown>): Promise<Error> {
  return await deed.then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error as Error,
  );
}

test("a message stands in the channel under the speaker's name and picture, with its key beside it", async (t) => {
  const alive = await live(t);
  const sent = await alive.say("the lamps are lit");
  const message = last(alive);
  assert.equal(message.ts, sent.id);
  assert.deepEqual([message.username, message.text], ["Anna", "the lamps are lit"]);
  assert.deepEqual(message.metadata?.event_payload, { key: "key-the lamps are lit" });
});

test("an app that may not use names is told once what it lacks, and the name stands before the text", async (t) => {
  const alive = await live(t, { before: ({ bot }) => void bot.scopes.delete("chat:write.customize") });
  await alive.notice(/lacks the permission "chat:write.customize"/);
  assert.equal(alive.connection.capabilities(alive.place).speaker, "fallback");
  await alive.say("hello");
  assert.equal(last(alive).username, undefined);
  assert.equal(shown(last(alive)), "Anna: hello");
});

test("the permission is lost between making a message and sending it: it goes all the same, with the name in it", async (t) => {
  const alive = await live(t);
  const [part] = alive.parts({ body: saying("hello") });
  alive.stage.bot.scopes.delete("chat:write.customize");
  await alive.do(part as SayPart, "k");
  assert.match(last(alive).text, /^\*Anna\*: hello$/);
  assert.match(shown(last(alive)), /^Anna\s+hello$/);
  await alive.notice(/chat:write.customize/);
});

test("blocks that Slack does not take go as text", async (t) => {
  const alive = await live(t);
  alive.stage.fake.faults.plan("chat.postMessage", { kind: "error", code: "invalid_blocks" });
  await alive.say("a <b>");
  assert.equal(last(alive).text, "a &lt;b&gt;");
  assert.equal(alive.stage.fake.faults.count("chat.postMessage"), 2);
});

test("a thread that is gone: the message stands in the channel", async (t) => {
  const alive = await live(t);
  const sent = await alive.say("hello?", { thread: { id: remoteThreadId("1600000000.000100"), excerpt: "" } });
  assert.equal(last(alive).thread_ts, undefined);
  assert.equal(sent.thread, undefined);
});

test("a reply goes into the thread and says so", async (t) => {
  const alive = await live(t);
  const root = alive.stage.alice.say(alive.stage.channel, "who has oil?");
  const sent = await alive.say("I have", { reply: { message: idOf(root), authorName: "Alice", excerpt: "", latest: false } });
  assert.deepEqual([last(alive).thread_ts, sent.thread], [root.ts, root.ts]);
});

test("where the config wants quotes, a relayed reply stands in the channel with a quote that leads to what it answers", async (t) => {
  const alive = await live(t, { workspace: { replies: "quote", files: "link" } });
  const { reply, files } = alive.connection.capabilities(alive.place);
  assert.deepEqual([reply, files], ["partial", "fallback"]);
  const asked = idOf(alive.stage.alice.say(alive.stage.channel, "who has oil?"));
  const url = alive.connection.permalink(alive.place, asked) ?? "";
  await alive.say("I have", { reply: { message: asked, authorName: "Alice", excerpt: "who has oil?", latest: false, url } });
  assert.equal(last(alive).thread_ts, undefined);
  assert.match(last(alive).text, /^> <https?:[^|]+\|Alice>: who has oil\?\nI have$/);
});

test("put out of a public channel, the bot enters it again; a private one it waits for", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  stage.fake.expel(stage.bot, stage.channel, false);
  await alive.say("back");
  assert.equal(last(alive).text, "back");
  stage.channel.private = true;
  stage.fake.expel(stage.bot, stage.channel, false);
  const failure = await refusal(alive.say("gone"));
  assert.ok(failure instanceof TryLater || failure instanceof Refused);
  assert.match(failure.message, /\/invite/);
  await alive.event("channel-gone");
});

for (const [code, kind, sentence] of [
  ["is_archived", TryLater, /archived/],
  ["restricted_action", Refused, /admins/],
  ["msg_too_long", Refused, /too long/],
  ["moon_phase_wrong", Error, /moon_phase_wrong/],
] as const)
  test(`Slack says ${code}: that is a sentence, and the next message goes`, async (t) => {
    const alive = await live(t);
    alive.stage.fake.faults.plan("chat.postMessage", { kind: "error", code });
    const failure = await refusal(alive.say("one"));
    assert.ok(failure instanceof kind);
    assert.match(failure.message, sentence);
    await alive.say("two");
    assert.deepEqual(alive.standing(), ["two"]);
  });

test("a token that is revoked while something is sent ends the login, which says what to do", async (t) => {
  const alive = await live(t);
  alive.stage.bot.revoked = true;
  const failure = await refusal(alive.say("one"));
  assert.ok(failure instanceof LoggedOut);
  assert.match((await alive.state("logged-out")).why ?? "", /token|install/i);
  assert.equal((await refusal(alive.say("two"))).name, "LoggedOut");
});

test("a lost answer: it is found by its key, in the channel and in threads, and never sent twice", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  const root = stage.alice.say(stage.channel, "root");
  for (const [text, more] of [
    ["in the channel", {}],
    ["in the thread", { thread: { id: remoteThreadId(root.ts), excerpt: "" } }],
  ] as const) {
    stage.fake.faults.plan("chat.postMessage", { kind: "lose-reply" });
    assert.ok((await refusal(alive.say(text, more))) instanceof Uncertain);
    const [part] = alive.parts({ body: saying(text), ...more });
    const found = await connection.find(part as SayPart, `key-${text}`, progress());
    assert.ok(found.is === "arrived" && found.sent.id === last(alive).ts);
    assert.deepEqual(await connection.find(part as SayPart, "another key", progress()), { is: "not-arrived" });
  }
});

test("a lost request has not arrived", async (t) => {
  const alive = await live(t);
  alive.stage.fake.faults.plan("chat.postMessage", { kind: "lose-request" });
  assert.ok((await refusal(alive.say("lost"))) instanceof Uncertain);
  const [part] = alive.parts({ body: saying("lost") });
  assert.deepEqual(await alive.connection.find(part as SayPart, "key-lost", progress()), { is: "not-arrived" });
});

test("of a message among very many others nobody guesses whether it arrived", async (t) => {
  const alive = await live(t, { speed: 2 });
  alive.stage.fake.limits.enforced = false;
  const { channel, alice } = alive.stage;
  alive.stage.fake.delivery.down = true;
  for (let index = 0; index < 4100; index++) alice.say(channel, "x");
  const [part] = alive.parts({ body: saying("lost") });
  const found = await alive.connection.find(part as SayPart, "key-lost", progress());
  assert.equal(found.is, "unknown");
});

test("edits and deletions of ours, and none of what others wrote", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  const sent = await alive.say("first");
  const message = sent.id ?? messageId("");
  const [part] = alive.parts({ body: saying("second") });
  const edit: Part = { kind: "edit", channel, message, speaker: ANNA, wire: part?.wire, text: "second" };
  await alive.do(edit);
  assert.equal(last(alive).text, "second");
  assert.equal((await alive.connection.find(edit, "k", progress())).is, "arrived");
  const theirs = stage.alice.say(stage.channel, "mine");
  assert.ok((await refusal(alive.do({ ...edit, message: idOf(theirs) }))) instanceof Refused);
  assert.ok((await refusal(alive.do({ kind: "delete", channel, message: idOf(theirs), speaker: ANNA, own: false }))) instanceof Refused);
  const erase: Part = { kind: "delete", channel, message, speaker: ANNA, own: true };
  await alive.do(erase);
  await alive.do(erase);
  assert.equal((await alive.connection.find(erase, "k", progress())).is, "arrived");
  assert.deepEqual(alive.standing(), ["mine"]);
});

test("an edit of blocks that Slack does not take is an edit of the text", async (t) => {
  const alive = await live(t);
  const sent = await alive.say("first");
  alive.stage.fake.faults.plan("chat.update", { kind: "error", code: "invalid_blocks" });
  const [part] = alive.parts({ body: saying("second") });
  await alive.do({
    kind: "edit",
    channel: alive.place,
    message: sent.id ?? messageId(""),
    speaker: ANNA,
    wire: part?.wire,
    text: "second",
  });
  assert.equal(last(alive).text, "second");
});

test("done already is done: reactions, pins", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  const message = idOf(stage.alice.say(stage.channel, "done"));
  const thumb = { kind: "unicode", text: "👍🏽" } as const;
  const deeds: Part[] = [
    { kind: "react", channel, message, key: thumb, speaker: ANNA },
    { kind: "pin", channel, message, speaker: ANNA },
    { kind: "unreact", channel, message, key: thumb, speaker: ANNA },
    { kind: "unpin", channel, message, speaker: ANNA },
  ];
  for (const deed of deeds) {
    await alive.do(deed);
    await alive.do(deed);
    assert.equal((await alive.connection.find(deed, "k", progress())).is, "arrived");
  }
  assert.deepEqual([stage.channel.messages[0]?.reactions, stage.channel.messages[0]?.pinned], [[], false]);
});

test("an emoji that the workspace does not have cannot be reacted with, and is words in a text", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  const message = idOf(stage.alice.say(stage.channel, "done"));
  const failure = await refusal(alive.do({ kind: "react", channel, message, key: { kind: "custom", name: "parrot" }, speaker: ANNA }));
  assert.match(failure.message, /no emoji :parrot:/);
  await alive.say("", { body: [{ type: "paragraph", content: [{ type: "emoji", name: "parrot" }] }] }, "k");
  assert.equal(shown(last(alive)), ":parrot:");
});

test("links to messages lead to this workspace's own address", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  const message = idOf(stage.alice.say(stage.channel, "this"));
  const target = { kind: "message" as const, channel, remote: message, url: "https://matrix.to/#/x" };
  await alive.say("", { body: [{ type: "paragraph", content: [{ type: "mention", target, text: "this" }] }] }, "k");
  const address = alive.connection.permalink(channel, message) ?? "";
  assert.match(address, /^https?:\/\/[^/]+\/archives\/C\w+\/p\d{16}$/);
  assert.ok(JSON.stringify(last(alive).blocks).includes(address));
});

test("a topic is one line, and a name has letters that Slack takes", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  await alive.do({ kind: "topic", channel, text: "oil\nand lamps", speaker: ANNA });
  await alive.do({ kind: "name", channel, text: "The Lamps & Oil!", speaker: ANNA });
  assert.deepEqual([stage.channel.topic, stage.channel.name], ["oil and lamps", "the-lamps-oil"]);
  assert.ok((await refusal(alive.do({ kind: "name", channel, text: "!!!", speaker: ANNA }))) instanceof Refused);
});

test("when Slack wants a pause in one channel, the others go on", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  stage.fake.faults.plan("chat.postMessage", { kind: "limit", seconds: 30 }, stage.channel.id);
  const failure = await refusal(alive.say("one"));
  assert.ok(failure instanceof TryLater && failure.after > 29_000 && failure.scope === "channel");
  const before = stage.fake.faults.count("chat.postMessage");
  assert.ok((await refusal(alive.say("one"))) instanceof TryLater);
  assert.equal(stage.fake.faults.count("chat.postMessage"), before, "nobody asks before the time");
  const elsewhere = {
    ...(alive.parts({ body: saying("here") })[0] as SayPart),
    channel: (await import("../../bridges/slack/ids.ts")).channelId(stage.team.id, stage.other.id),
  };
  await alive.do(elsewhere, "k");
  assert.deepEqual(alive.standing(stage.other), ["here"]);
});

test("many at once keep Slack's pace, and none is refused by Slack", async (t) => {
  const alive = await live(t, { speed: 4 });
  const { stage } = alive;
  await Promise.allSettled(Array.from({ length: 12 }, (_, index) => alive.say(`lamp ${index}`)));
  const answers = stage.channel.messages.length;
  assert.ok(answers >= 4 && answers < 12);
  assert.equal(stage.fake.faults.count("chat.postMessage"), answers, "what was sent was taken");
});

test("a poll is voted on by buttons, both sides count, and in the end it is closed", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  const poll = {
    question: "Which oil?",
    answers: [
      { id: "w", text: "whale" },
      { id: "o", text: "olive" },
    ],
    maxSelections: 1,
    disclosed: true,
  };
  const sent = await alive.do(alive.parts({ poll })[0] as SayPart, "poll");
  const message = sent.id ?? messageId("");
  stage.fake.press(stage.alice, stage.channel, message, "causeway_vote", 1);
  assert.deepEqual((await alive.event("vote")).answers, ["o"]);
  await eventually(() => shown(last(alive)).includes("olive — 1"), "shown");
  const tally = [
    { text: "whale", votes: 2 },
    { text: "olive", votes: 0 },
  ];
  await alive.do({ kind: "poll", channel, message, tally, closed: false, speaker: ANNA });
  assert.match(shown(last(alive)), /whale — 2[^]*olive — 1[^]*3 votes/);
  await alive.close();
  await alive.connect();
  await alive.connected();
  stage.fake.press(stage.alice, stage.channel, message, "causeway_vote", 0);
  await alive.event("vote", ({ answers }) => answers[0] === "w");
  await eventually(() => shown(last(alive)).includes("whale — 3"), "counted over the restart");
  await alive.do({ kind: "poll", channel, message, tally, closed: true, speaker: ANNA });
  assert.match(shown(last(alive)), /The poll is closed: 3 votes/);
  assert.ok(!JSON.stringify(last(alive).blocks).includes("causeway_vote"));
  assert.ok(!alive.core.events.some(({ kind, ...event }) => kind === "edit" && !("echo" in event)), "results are no edits of anybody's");
});
