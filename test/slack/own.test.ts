/** A person's own login: the same connection with other rights. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelId, messageId } from "../../bridges/slack/ids.ts";
import { LoggedOut, Refused } from "../../core/model/errors.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { Part, SayPart } from "../../core/model/effects.ts";
import { ANNA, bothWays, eventually, file, idOf, listed, live, personId, progress, saying } from "./stage.ts";

const OWN = { own: true } as const;
const speaker = { ...ANNA, own: true };

bothWays(
  "what they write goes out as themselves, with its key, and comes back as their own",
  async (alive) => {
    const { stage } = alive;
    const sent = await alive.say("from Matrix");
    const message = stage.channel.messages.at(-1);
    assert.deepEqual([message?.user, message?.username, message?.ts], [stage.mira.user.id, undefined, sent.id]);
    const echo = await alive.event("message", (event) => event.message === sent.id && event.echo !== undefined);
    assert.equal(echo.sender, personId(stage.team.id, stage.mira.user.id));
  },
  OWN,
);

bothWays(
  "what they write on Slack itself is no echo, nor is an edit there of what came from here",
  async (alive) => {
    const { stage } = alive;
    const native = stage.mira.say(stage.channel, "from Slack");
    assert.equal((await alive.said("from Slack")).echo, undefined);
    stage.mira.edit(stage.channel, native.ts, "from Slack, edited");
    assert.equal((await alive.event("edit", ({ message }) => message === native.ts)).echo, undefined);
    const sent = await alive.say("from Matrix");
    stage.mira.edit(stage.channel, sent.id ?? "", "mended on Slack");
    const edit = await alive.event("edit", ({ message }) => message === sent.id);
    assert.equal(edit.echo, undefined);
  },
  OWN,
);

test("their own edits, reactions, pins and deletions come back as ours", async (t) => {
  const alive = await live(t, OWN);
  const { stage, place: channel } = alive;
  const sent = await alive.say("first");
  const message = sent.id ?? messageId("");
  const theirs = stage.alice.say(stage.channel, "theirs");
  const [part] = alive.parts({ body: saying("second") });
  await alive.do({ kind: "edit", channel, message, speaker, wire: part?.wire, text: "second" });
  await alive.do({ kind: "react", channel, message: idOf(theirs), speaker, key: { kind: "unicode", text: "🎉" } });
  await alive.do({ kind: "pin", channel, message: idOf(theirs), speaker });
  await alive.do({ kind: "delete", channel, message, speaker, own: true });
  for (const kind of ["edit", "react", "pin", "delete"] as const) assert.ok((await alive.event(kind)).echo, kind);
  assert.deepEqual(theirs.reactions, [{ name: "tada", users: [stage.mira.user.id] }]);
});

test("a reaction that they set on Slack is theirs, and no echo", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  const message = stage.alice.say(stage.channel, "done");
  stage.mira.react(stage.channel, message.ts, "🎉");
  const react = await alive.event("react");
  assert.deepEqual([react.sender, react.echo], [personId(stage.team.id, stage.mira.user.id), undefined]);
});

test("their reply is shown in the channel too", async (t) => {
  const alive = await live(t, OWN);
  const root = alive.stage.alice.say(alive.stage.channel, "who has oil?");
  await alive.say("I have", { reply: { message: idOf(root), authorName: "Alice", excerpt: "", latest: true } });
  const reply = alive.stage.channel.messages.at(-1);
  assert.deepEqual([reply?.thread_ts, reply?.subtype], [root.ts, "thread_broadcast"]);
});

test("their files come from themselves, and go with their message", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  const [part] = alive.parts({ file: file("lamp.txt", "light"), body: saying("look") });
  const sent = await alive.connection.send(part as SayPart, "k", progress());
  const message = stage.channel.messages.at(-1);
  assert.deepEqual([message?.user, message?.text, message?.files?.length], [stage.mira.user.id, "look", 1]);
  await alive.do({ kind: "delete", channel: alive.place, message: sent.id ?? messageId(""), speaker, own: true });
  assert.equal(stage.channel.messages.length, 0);
});

test("what they may delete of others is Slack's to say", async (t) => {
  const alive = await live(t, OWN);
  const { stage, place: channel } = alive;
  const theirs = stage.alice.say(stage.channel, "theirs");
  const erase: Part = { kind: "delete", channel, message: idOf(theirs), speaker, own: false };
  await assert.rejects(alive.do(erase), Refused);
  stage.mira.user.admin = true;
  await alive.do(erase);
  assert.deepEqual(alive.standing(), []);
});

test("what they have read on Matrix is read on Slack", async (t) => {
  const alive = await live(t, OWN);
  const { stage, place: channel } = alive;
  const message = stage.alice.say(stage.channel, "read me");
  await alive.connection.hint({ kind: "read", channel, message: idOf(message), speaker });
  assert.deepEqual(stage.fake.faults.calls.findLast(({ method }) => method === "conversations.mark")?.args.ts, message.ts);
});

bothWays(
  "private conversations come as such: one person, and several",
  async (alive) => {
    const { stage, core } = alive;
    for (const people of [
      [stage.mira, stage.alice],
      [stage.mira, stage.alice, stage.bob],
    ]) {
      const talk = stage.fake.direct(stage.team, people);
      const id = channelId(stage.team.id, talk.id);
      core.linked.add(id);
      stage.alice.say(talk, `psst, ${people.length}`);
      const said = await alive.said(`psst, ${people.length}`);
      assert.ok(said.direct && said.channel === id);
      const seen = await alive.connection.channel(id);
      assert.equal(seen?.kind, people.length === 2 ? "direct" : "group");
      assert.equal(seen?.visibility, "private");
      const before = talk.messages.length;
      await alive.do({ ...(alive.parts({ body: saying("psst") })[0] as SayPart), channel: id }, `k${people.length}`);
      assert.equal(talk.messages.length, before + 1);
      const { people: members } = await alive.connection.members(id);
      assert.equal(members.length, people.length);
    }
  },
  OWN,
);

test("the history of a private conversation is private as well", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  const talk = stage.fake.direct(stage.team, [stage.mira, stage.alice]);
  stage.alice.say(talk, "psst");
  const page = await alive.connection.history?.(channelId(stage.team.id, talk.id), "0000000000.000000");
  assert.ok(page?.events[0]?.kind === "message" && page.events[0].direct);
});

test("their conversations are listed: channels, groups and people", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  stage.fake.direct(stage.team, [stage.mira, stage.alice]);
  stage.fake.direct(stage.team, [stage.mira, stage.alice, stage.bob]);
  stage.fake.channel(stage.team, "not-theirs", [stage.alice]);
  const seen = await listed(alive.connection.channels());
  assert.deepEqual(
    seen.map(({ name, kind }) => `${kind} ${name}`).sort(),
    ["channel market", "channel plaza", "direct Alice", "group mira_l, alice, bob"].sort(),
  );
});

test("a conversation with a person is opened", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  await alive.connection.act({ kind: "direct", person: personId(stage.team.id, stage.bob.user.id) });
  assert.ok([...stage.team.channels.values()].some(({ kind, members }) => kind === "im" && members.has(stage.bob.user.id)));
});

test("a conversation with people is found or opened, and said nothing in", async (t) => {
  const alive = await live(t, OWN);
  const { stage, connection } = alive;
  const [alice, bob] = [stage.alice, stage.bob].map(({ user }) => personId(stage.team.id, user.id)) as [never, never];
  const two = await connection.talk?.([alice]);
  assert.equal(await connection.talk?.([alice]), two);
  const three = await connection.talk?.([alice, bob]);
  assert.notEqual(three, two);
  assert.equal((await connection.channel(three as never))?.kind, "group");
  await assert.rejects(connection.talk?.([personId(stage.team.id, "B0WEBHOOK")]) as Promise<never>, Refused);
  const bots = await live(t);
  await assert.rejects(bots.connection.talk?.([alice]) as Promise<never>, Refused);
});

test("private conversations that began while the bridge was away come afterwards, in order and once", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  await alive.settled();
  const heard = await eventually(() => alive.disk.keep.get("heard"), "the beginning is known");
  await alive.close();
  const talk = stage.fake.direct(stage.team, [stage.mira, stage.alice]);
  const group = stage.fake.direct(stage.team, [stage.mira, stage.alice, stage.bob]);
  stage.alice.say(talk, "psst");
  stage.alice.say(talk, "psst again");
  stage.bob.say(group, "all of you");
  await alive.connect();
  const offered = () => alive.core.offered.flatMap((event) => (event.kind === "message" && event.direct ? [event] : []));
  await eventually(() => offered().length === 3, "all three");
  assert.deepEqual(
    offered().map(({ body, via }) => [toPlain(body), via]),
    ["psst", "psst again", "all of you"].map((text) => [text, "history"]),
  );
  assert.notEqual(await eventually(() => alive.disk.keep.get("heard"), "kept"), heard);
});

test("whoever has just signed in gets no rooms for what lies behind them", async (t) => {
  const alive = await live(t, {
    ...OWN,
    before: ({ fake, team, mira, alice }) => void alice.say(fake.direct(team, [mira, alice]), "long ago"),
  });
  await alive.settled();
  await eventually(() => alive.disk.keep.get("heard"), "the beginning is known");
  assert.ok(alive.core.offered.every(({ direct }) => direct !== true));
});

test("where they are not, nothing is said for them, and nobody waits for it", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  const closed = stage.fake.channel(stage.team, "keepers-only", [stage.alice], true);
  const [part] = alive.parts({ body: saying("hello") });
  const sending = alive.do({ ...(part as SayPart), channel: channelId(stage.team.id, closed.id) });
  await assert.rejects(sending, { name: "Refused", message: /You are not in that channel/ });
});

test("signed out on Slack: their login ends, and says so; the bot's does not", async (t) => {
  const alive = await live(t, OWN);
  alive.stage.fake.revoke(alive.stage.miras);
  assert.match((await alive.state("logged-out")).why ?? "", /revoked on Slack\.$/);
  await assert.rejects(alive.say("too late"), LoggedOut);
  const bots = await live(t);
  bots.stage.fake.revoke(bots.stage.miras);
  await bots.settled();
  assert.ok(bots.core.states.every(({ is }) => is !== "logged-out"));
});

test("their login does no business of the bot's: no commands, no profiles, no alarms", async (t) => {
  const alive = await live(t, OWN);
  const { stage } = alive;
  stage.alice.say(stage.channel, "!optout");
  stage.alice.rename("Alice of the Harbour");
  stage.fake.slash(stage.app, stage.alice, stage.channel, "status");
  await alive.settled();
  assert.equal(alive.count("command") + alive.count("person-changed") + alive.count("notice"), 0);
  await eventually(() => stage.fake.faults.count("conversations.join") === 0, "and it enters no channel");
});
