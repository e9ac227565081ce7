/** Double puppets: what people do natively on Slack appears under their own Matrix name. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ask } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openSlackTown, relation, type SlackTown } from "./slack-town.ts";
import { until } from "./town.ts";

describe("Double puppets by the second registration", () => {
  let town: SlackTown;
  before(async () => {
    town = await openSlackTown({ doublePuppets: true });
    await town.signIn(town.ann, town.mira);
  });
  after(() => town.close());

  test("messages, edits, reactions and deletions from Slack itself stand under their own name, once, and do not go back", async () => {
    const message = town.mira.say(town.channel, "from my phone");
    const event = await town.room.next({ body: "from my phone" });
    assert.equal(event.sender, town.ann.id);
    town.mira.edit(town.channel, message.ts, "from my other phone");
    const edit = await town.room.next({ body: "from my other phone" });
    assert.deepEqual([edit.sender, relation(edit).event_id], [town.ann.id, event.event_id]);
    const theirs = town.alice.say(town.channel, "like this");
    const liked = await town.room.next({ body: "like this" });
    town.mira.react(town.channel, theirs.ts, "🎉");
    const reaction = await town.room.next({ type: "m.reaction" });
    assert.deepEqual([reaction.sender, relation(reaction).event_id], [town.ann.id, liked.event_id]);
    town.mira.react(town.channel, theirs.ts, "🎉", false);
    assert.equal((await town.room.next({ type: "m.room.redaction" })).sender, town.ann.id);
    town.mira.delete(town.channel, message.ts);
    assert.equal((await town.room.next({ type: "m.room.redaction" })).sender, town.ann.id);
    await town.room.say("the end");
    await town.shows("the end");
    for (const text of ["from my phone", "from my other phone"]) assert.ok(!town.texts().includes(text), text);
    assert.equal(theirs.reactions.length, 0, "nothing was repeated");
    assert.ok(!(await town.room.joined()).includes(town.ghost(town.mira)), "no ghost of theirs is needed");
  });

  test("both ways in one thread: what they write here and there is theirs on both sides", async () => {
    const root = town.mira.say(town.channel, "begun on Slack");
    const event = await town.room.next({ body: "begun on Slack", sender: town.ann.id });
    await town.room.thread(event, "continued on Matrix");
    const there = await town.shows("continued on Matrix");
    assert.deepEqual([there.user, there.thread_ts], [town.mira.user.id, root.ts]);
  });

  test("in their private rooms too", async () => {
    const talk = town.fake.direct(town.team, [town.mira, town.alice]);
    town.alice.say(talk, "psst");
    const room = await town.ann.join((await town.ann.invited()).id);
    await room.find({ body: "psst" });
    town.mira.say(talk, "yes, from my phone");
    assert.equal((await room.find({ body: "yes, from my phone" })).sender, town.ann.id);
  });

  test("of two who are both signed in, both are in the one room of their conversation", async () => {
    const eve = await town.hs.user("eve");
    await town.signIn(eve, town.bob);
    const talk = town.fake.direct(town.team, [town.mira, town.bob]);
    town.bob.say(talk, "between us");
    const one = await town.ann.join((await town.ann.invited()).id);
    const other = await eve.join((await eve.invited()).id);
    assert.equal(one.id, other.id);
    await one.find({ body: "between us" });
    await other.say("and from Matrix");
    assert.equal((await town.shows("and from Matrix", talk)).user, town.bob.user.id);
    town.bob.say(talk, "from my phone, Ann");
    assert.equal((await one.find({ body: "from my phone, Ann" })).sender, eve.id);
    assert.equal((await one.timeline()).filter((event) => event.content["body"] === "and from Matrix").length, 1);
  });

  test("in a room that they are not in, their ghost speaks", async () => {
    const dan = await town.hs.user("dan");
    const other = await town.link(dan, town.team, town.other);
    town.mira.say(town.other, "not my room");
    assert.equal((await other.next({ body: "not my room" })).sender, town.ghost(town.mira));
  });

  test("the registration fails: their ghost takes over, nothing is lost, and they are told once", async () => {
    const chat = await town.chat();
    const fault = town.hs.faults.add({
      kind: "status",
      status: 403,
      errcode: "M_FORBIDDEN",
      error: "Application service cannot masquerade as this user",
      times: 0,
      match: { user: town.ann.id, service: true },
    });
    const message = town.mira.say(town.channel, "masqueraded");
    assert.equal((await town.room.next({ body: "masqueraded" })).sender, town.ghost(town.mira));
    town.mira.edit(town.channel, message.ts, "masqueraded no more");
    assert.equal((await town.room.next({ body: "masqueraded no more" })).sender, town.ghost(town.mira));
    await chat.find({ sender: BOT, body: /under your ghost, not under your own name/ });
    fault.release();
  });
});

describe("Double puppets by a token of their own", () => {
  let town: SlackTown;
  let chat: MatrixRoom;
  before(async () => {
    town = await openSlackTown();
    chat = await town.signIn(town.ann, town.mira);
  });
  after(() => town.close());

  test("another's token, and no token at all, are refused, and do not stay in the chat", async () => {
    const eve = await town.hs.user("eve");
    for (const [token, answer] of [
      ["syt_nobody_knows_this", /does not know this token/],
      [eve.token, /belongs to @eve/],
    ] as const) {
      await town.asks(chat, "!causeway login matrix", /Access token\?$/);
      const said = await chat.say(token);
      await chat.next({ sender: BOT, body: answer });
      assert.deepEqual((await chat.event(said)).content, {});
    }
  });

  test("given, what they do on Slack stands under their own name, also after a restart; taken back, under their ghost", async () => {
    town.mira.say(town.channel, "before");
    assert.equal((await town.room.next({ body: "before" })).sender, town.ghost(town.mira));
    await town.asks(chat, "!causeway login matrix", /Access token\?$/);
    await chat.say(town.ann.token);
    await chat.next({ sender: BOT, body: /under your own name from now on/ });
    town.mira.say(town.channel, "given");
    assert.equal((await town.room.next({ body: "given" })).sender, town.ann.id);
    await town.stopBridge();
    await town.startBridge();
    town.mira.say(town.channel, "after a restart");
    assert.equal((await town.room.next({ body: "after a restart" })).sender, town.ann.id);
    await town.room.say("and back");
    assert.equal((await town.shows("and back")).user, town.mira.user.id);
    await town.asks(chat, "!causeway logins", /matrix @ann:test\.local: your own Matrix name, in use/);
    await town.asks(chat, "!causeway logout matrix", /is forgotten/);
    town.mira.say(town.channel, "taken back");
    assert.equal((await town.room.next({ body: "taken back" })).sender, town.ghost(town.mira));
  });

  test("a token that ends: the ghost takes over, nothing is lost, and they are told once", async () => {
    await town.asks(chat, "!causeway login matrix", /Access token\?$/);
    const second = await anotherSession(town);
    await chat.say(second);
    await chat.next({ sender: BOT, body: /under your own name from now on/ });
    const message = town.mira.say(town.channel, "while it lasts");
    const event = await town.room.next({ body: "while it lasts" });
    assert.equal(event.sender, town.ann.id);
    await logOut(town, second);
    town.mira.edit(town.channel, message.ts, "edited afterwards");
    const edit = await town.room.next({ body: /edited afterwards/ });
    assert.deepEqual([edit.sender, relation(edit)["m.in_reply_to"]?.event_id], [town.ghost(town.mira), event.event_id]);
    town.mira.say(town.channel, "one");
    town.mira.say(town.channel, "two");
    assert.equal((await town.room.next({ body: "one" })).sender, town.ghost(town.mira));
    assert.equal((await town.room.next({ body: "two" })).sender, town.ghost(town.mira));
    town.mira.delete(town.channel, message.ts);
    await town.room.next({ type: "m.room.redaction" });
    const told = await chat.next({ sender: BOT, body: /access token that you gave does not work any more/ });
    assert.match(String(told.content["body"]), /`!causeway login matrix` takes a new one/);
    await town.stopBridge();
    await town.startBridge();
    town.mira.say(town.channel, "three");
    await town.room.next({ body: "three" });
    assert.equal((await chat.timeline()).filter((one) => /does not work any more/.test(String(one.content["body"]))).length, 1);
    await until(async () => (await town.room.timeline()).filter((one) => one.content["body"] === "one").length === 1, "once");
  });
});

async function anotherSession({ hs, ann }: SlackTown): Promise<string> {
  const identifier = { type: "m.id.user", user: ann.id };
  const body = { type: "m.login.password", identifier, password: `${ann.name} has a password` };
  return String((await ask(hs.url, "POST", "/_matrix/client/v3/login", { body }))["access_token"]);
}

async function logOut({ hs }: SlackTown, token: string): Promise<void> {
  await ask(hs.url, "POST", "/_matrix/client/v3/logout", { token, body: {} });
}
