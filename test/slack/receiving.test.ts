/** What people on Slack do, as core hears of it, whichever way it comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelId, messageId } from "../../bridges/slack/ids.ts";
import type { SayPart } from "../../core/model/effects.ts";
import { toPlain } from "../../core/model/plain.ts";
import { ANNA, bothWays, idOf, live, personId, saying } from "./stage.ts";

bothWays("a message is on disk before Slack hears that it has arrived", async (alive) => {
  const { stage, core } = alive;
  const release = core.hold();
  stage.alice.say(stage.channel, "the third lamp is out");
  await core.until(() => core.offered.some(({ kind }) => kind === "message"), "offered");
  assert.equal(stage.fake.sockets.acknowledged.length, 0);
  release();
  const said = await alive.said("the third lamp");
  assert.equal(said.sender, personId(stage.team.id, stage.alice.user.id));
  assert.equal(said.echo, undefined);
});

bothWays("a reply lies in its thread, and one that is also sent to the channel says so", async (alive) => {
  const { stage } = alive;
  const root = stage.alice.say(stage.channel, "who has oil?");
  stage.bob.say(stage.channel, "I have", { thread: root.ts });
  stage.bob.say(stage.channel, "for everybody", { thread: root.ts, broadcast: true });
  const reply = await alive.said("I have");
  assert.deepEqual(reply.thread, { id: root.ts, root: root.ts });
  assert.equal(reply.replyTo, undefined);
  const both = await alive.said("for everybody");
  assert.deepEqual(both.thread, { id: root.ts, root: root.ts, broadcast: true });
  assert.equal(both.replyTo?.message, root.ts);
  assert.equal(alive.count("edit"), 0, "the counters of the thread's root are no edit");
});

bothWays("an edit is an edit, and a preview that Slack adds to a link is none", async (alive) => {
  const { stage } = alive;
  const message = stage.alice.say(stage.channel, "see https://example.com");
  stage.fake.unfurl(stage.team, stage.channel, message, "https://example.com");
  stage.alice.edit(stage.channel, message.ts, "see https://example.org");
  const edit = await alive.event("edit");
  assert.equal(edit.message, message.ts);
  assert.equal(toPlain(edit.body), "see https://example.org");
  await alive.settled();
  assert.equal(alive.count("edit"), 1);
});

bothWays("what is deleted is deleted, also when replies hang from it", async (alive) => {
  const { stage } = alive;
  const alone = stage.alice.say(stage.channel, "alone");
  const root = stage.alice.say(stage.channel, "root");
  stage.bob.say(stage.channel, "reply", { thread: root.ts });
  stage.alice.delete(stage.channel, alone.ts);
  stage.alice.delete(stage.channel, root.ts);
  await alive.event("delete", ({ messages }) => messages[0] === alone.ts);
  await alive.event("delete", ({ messages }) => messages[0] === root.ts);
});

bothWays(
  "reactions and pins, with skin tones and names of the workspace's own",
  async (alive) => {
    const { stage, core } = alive;
    const message = stage.alice.say(stage.channel, "done");
    for (const emoji of ["👍🏽", "lantern_lit"]) stage.bob.react(stage.channel, message.ts, emoji);
    stage.bob.react(stage.channel, message.ts, "👍🏽", false);
    stage.bob.pin(stage.channel, message.ts);
    await alive.event("unreact");
    await alive.event("pin", ({ message: pinned }) => pinned === message.ts);
    const keys = core.events.flatMap((event) => (event.kind === "react" ? [event.key] : []));
    assert.deepEqual(
      keys.map((key) => (key.kind === "unicode" ? key.text : key.name)),
      ["👍🏽", "lantern_lit"],
    );
    assert.ok(keys[1]?.kind === "custom" && keys[1].url?.startsWith("http"), "the picture can be fetched");
  },
  { before: ({ team, fake }) => void team.emoji.set("lantern_lit", `${fake.host}/picture/lamp.png`) },
);

bothWays("events that come in the wrong order all come", async (alive) => {
  const { stage } = alive;
  const release = stage.fake.delivery.hold();
  const root = stage.alice.say(stage.channel, "root");
  stage.bob.say(stage.channel, "reply", { thread: root.ts });
  stage.bob.react(stage.channel, root.ts, "🎉");
  const gone = stage.alice.say(stage.channel, "gone");
  stage.alice.delete(stage.channel, gone.ts);
  release((events) => events.reverse());
  await alive.said("root");
  assert.equal((await alive.said("reply")).thread?.root, root.ts);
  await alive.event("react");
  await alive.event("delete", ({ messages }) => messages[0] === gone.ts);
  await alive.said("gone");
});

bothWays("the same event twice has one subject", async (alive) => {
  const { stage, core } = alive;
  stage.alice.say(stage.channel, "once");
  await alive.said("once");
  stage.fake.delivery.repeat();
  await core.until(() => core.events.filter(({ kind }) => kind === "message").length === 2, "twice");
  const [one, other] = core.events.filter(({ kind }) => kind === "message");
  assert.equal(one?.subject, other?.subject);
});

bothWays("the topic, the name, archiving and privacy of a channel", async (alive) => {
  const { stage } = alive;
  stage.alice.topic(stage.channel, "Oil for <all> & everybody");
  stage.alice.renameChannel(stage.channel, "lamps");
  stage.alice.makePrivate(stage.channel);
  stage.alice.archive(stage.channel);
  for (const [key, value] of Object.entries({
    topic: "Oil for <all> & everybody",
    name: "lamps",
    visibility: "private",
    archived: true,
  })) {
    const told = await alive.event("channel-changed", ({ facts }) => (facts as Record<string, unknown>)[key] === value);
    assert.equal(told.echo, undefined);
  }
});

bothWays("coming and going", async (alive) => {
  const { stage } = alive;
  stage.bob.leave(stage.channel);
  stage.bob.join(stage.channel);
  const bob = personId(stage.team.id, stage.bob.user.id);
  await alive.event("membership", ({ person, change }) => person === bob && change === "leave");
  await alive.event("membership", ({ person, change }) => person === bob && change === "join");
});

bothWays("a new name and picture hold everywhere, a new status nowhere", async (alive) => {
  const { stage } = alive;
  stage.alice.rename("Alice of the Harbour");
  const change = await alive.event("person-changed");
  assert.equal(change.person.name, "Alice of the Harbour");
  await alive.settled();
  stage.alice.rename("Alice of the Harbour");
  await alive.settled();
  assert.equal(alive.count("person-changed"), 1);
});

test("a webhook's and a workflow's posts come from whoever they say they are", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  stage.fake.botPosts(stage.team, stage.channel, { text: "built", username: "Builds", icons: { image_48: "https://example.com/b.png" } });
  stage.fake.botPosts(stage.team, stage.channel, { text: "deployed", username: "Deploys" });
  const [built, deployed] = [await alive.said("built"), await alive.said("deployed")];
  assert.equal(built.person?.name, "Builds");
  assert.ok(built.person?.bot && built.person.avatar);
  assert.equal(built.style, "notice");
  assert.notEqual(built.sender, deployed.sender);
  assert.equal((await alive.connection.person(built.sender))?.id, built.sender);
});

test("a stranger of a shared channel is called by name and workspace", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  const partner = stage.fake.addTeam("Oil & Sons");
  const olga = stage.fake.person(stage.team, "Olga", partner);
  stage.channel.members.add(olga.user.id);
  olga.say(stage.channel, "we have oil");
  const said = await alive.said("we have oil");
  assert.equal(said.sender, personId(stage.team.id, olga.user.id));
  assert.equal((await connection.person(said.sender))?.name, "Olga (Oil & Sons)");
});

test("whoever is deleted keeps their name, and nobody is nobody", async (t) => {
  const { stage, connection } = await live(t);
  stage.alice.user.deleted = true;
  assert.equal((await connection.person(personId(stage.team.id, stage.alice.user.id)))?.name, "Alice");
  assert.equal(await connection.person(personId(stage.team.id, "U0NOBODY")), undefined);
  assert.equal(await connection.person(personId("T0OTHER", stage.alice.user.id)), undefined);
});

test("what is said in channels that nobody linked is not written down", async (t) => {
  const alive = await live(t);
  alive.stage.alice.say(alive.stage.other, "elsewhere");
  await alive.settled();
  assert.ok(!JSON.stringify(alive.core.events).includes("elsewhere"));
});

test("what only one person sees stays with them", async (t) => {
  const alive = await live(t);
  alive.stage.alice.say(alive.stage.channel, "only you", { more: { is_ephemeral: true } });
  await alive.settled();
  assert.ok(!JSON.stringify(alive.core.events).includes("only you"));
});

test("`/causeway` and `!optout` are words to the bridge, and the answer is for whoever said them", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  stage.alice.user.admin = true;
  stage.fake.slash(stage.app, stage.alice, stage.channel, "status");
  const slash = await alive.event("command", ({ words }) => words === "status");
  await connection.answer(slash.reply, "All is <well>");
  assert.equal(stage.fake.answers[0]?.text, "All is &lt;well&gt;");
  stage.bob.say(stage.channel, "!optout");
  const typed = await alive.event("command", ({ words }) => words === "optout");
  assert.equal(typed.sender, personId(stage.team.id, stage.bob.user.id));
  assert.equal(typed.power ?? 0, 0);
  await connection.answer(typed.reply, "You are left out.");
  assert.deepEqual(stage.fake.ephemerals.at(-1)?.user, stage.bob.user.id);
  stage.alice.say(stage.channel, "!causeway link");
  assert.equal((await alive.event("command", ({ words }) => words === "link")).power, 50);
});

test("blocks that come out empty leave the word to the text", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  const shapes = [{ type: "user" }, { type: "emoji" }, { type: "channel" }];
  for (const [number, element] of shapes.entries()) {
    const blocks = [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [element] }] }];
    stage.alice.say(stage.channel, `in words ${number}`, { more: { blocks } });
    await alive.said(`in words ${number}`);
  }
});

test("a message that says its channel is private, when nothing else did, is told after that", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  stage.alice.say(stage.channel, "open");
  await alive.said("open");
  stage.channel.private = true;
  stage.alice.say(stage.channel, "among us");
  stage.alice.say(stage.channel, "and more");
  await alive.said("and more");
  const kinds = alive.core.events.filter(({ kind }) => kind === "message" || kind === "channel-changed").map(({ kind }) => kind);
  assert.deepEqual(kinds, ["message", "channel-changed", "message", "message"]);
  assert.deepEqual((await alive.event("channel-changed")).facts, { visibility: "private" });
});

test("a channel that gets another id, because it is shared now, goes on under the old one", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  const before = stage.channel.id;
  stage.fake.changeId(stage.team, stage.channel);
  assert.notEqual(stage.channel.id, before);
  stage.alice.say(stage.channel, "still here");
  assert.equal((await alive.said("still here")).channel, channelId(stage.team.id, before));
  await alive.do({ ...(alive.parts({ body: saying("we too") })[0] as SayPart), channel: channelId(stage.team.id, before) });
  assert.ok(alive.standing().includes("we too"));
  await alive.close();
  await alive.connect([channelId(stage.team.id, before)]);
  await alive.connected();
  stage.alice.say(stage.channel, "after the restart");
  assert.equal((await alive.said("after the restart")).channel, channelId(stage.team.id, before));
});

test("a message of one's own bot comes back with the key of its send", async (t) => {
  const alive = await live(t);
  const sent = await alive.say("from Matrix");
  const echo = await alive.event("message", (event) => event.message === sent.id && event.echo?.key !== undefined);
  assert.equal(echo.echo?.key, "key-from Matrix");
});

test("where Slack takes our keys out of its events, the bot is still known as ours", async (t) => {
  const alive = await live(t, { before: ({ app }) => void (app.declaresMetadata = false) });
  const sent = await alive.say("from Matrix");
  const echo = await alive.event("message", (event) => event.message === sent.id && event.body.length > 0);
  assert.deepEqual(echo.echo, {});
});

test("what the bridge does itself comes back as its own: edits, deletions, reactions, pins, topics", async (t) => {
  const alive = await live(t);
  const { stage, place: channel } = alive;
  const sent = await alive.say("first");
  const message = sent.id ?? messageId("");
  const speaker = ANNA;
  const [part] = alive.parts({ body: saying("second") });
  await alive.do({ kind: "edit", channel, message, speaker, wire: part?.wire, text: "second" });
  await alive.do({ kind: "react", channel, message, speaker, key: { kind: "unicode", text: "👍" } });
  await alive.do({ kind: "pin", channel, message, speaker });
  await alive.do({ kind: "topic", channel, text: "Oil & lamps", speaker });
  await alive.do({ kind: "delete", channel, message, speaker, own: true });
  for (const kind of ["edit", "react", "pin", "channel-changed", "delete"] as const)
    assert.ok((await alive.event(kind)).echo, `${kind} is ours`);
  assert.ok(stage.channel.topic === "Oil &amp; lamps" || stage.channel.topic === "Oil & lamps");
});

test("history tells a message under the same subject as it came live", async (t) => {
  const alive = await live(t);
  const { stage, connection, place } = alive;
  const message = stage.alice.say(stage.channel, "once");
  const seen = await alive.said("once");
  const before = connection.before?.(place, idOf(message), Number(message.ts) * 1000);
  const page = await connection.history?.(place, before ?? "0000000000.000000");
  const [again] = page?.events ?? [];
  assert.ok(again?.kind === "message" && again.subject === seen.subject);
});
