/** People who sign in on Slack from Matrix: what goes out as themselves, their private conversations, and how it ends. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openSlackTown, relation, type SlackTown } from "./slack-town.ts";
import { until } from "./town.ts";

for (const way of ["socket", "http"] as const)
  describe(`Signed in on Slack, over ${way === "socket" ? "Socket Mode" : "HTTP"}`, () => {
    let town: SlackTown;
    let chat: MatrixRoom;
    before(async () => {
      town = await openSlackTown({ way });
      chat = await town.signIn(town.ann, town.mira);
    });
    after(() => town.close());

    test("signed in by the browser, what they write goes out as themselves", async () => {
      await town.room.say("in my own name");
      const message = await town.shows("in my own name");
      assert.deepEqual([message.user, message.username], [town.mira.user.id, undefined]);
      assert.match(String((await town.asks(chat, "!causeway logins", /^slack T/)).content["body"]), /connected$/);
    });

    test("their reply to something outside of any thread is shown in the channel too", async () => {
      const root = town.alice.say(town.channel, "who comes along?");
      const event = await town.room.next({ body: "who comes along?" });
      await town.room.reply(event, "I do");
      const reply = await town.shows("I do");
      assert.deepEqual([reply.thread_ts, reply.subtype, reply.user], [root.ts, "thread_broadcast", town.mira.user.id]);
    });

    test("edits, deletions, reactions, files and what they have read are theirs too", async () => {
      const mine = await town.room.say("teh lamp");
      const there = await town.shows("teh lamp");
      await town.room.edit(mine, "the lamp");
      await town.shows("the lamp");
      assert.equal(there.edited?.user ?? town.mira.user.id, town.mira.user.id);
      await town.room.redact(mine);
      await until(async () => !town.texts().includes("the lamp"), "the deletion");
      const theirs = town.alice.say(town.channel, "read this");
      const event = await town.room.next({ body: "read this" });
      const reaction = await town.room.react(event, "🎉");
      await until(async () => theirs.reactions[0]?.users[0] === town.mira.user.id, "their own reaction");
      await town.room.redact(reaction);
      await until(async () => theirs.reactions.length === 0, "taken back");
      await town.room.read(event);
      await until(
        async () => town.fake.faults.calls.some(({ method, args }) => method === "conversations.mark" && args.ts === theirs.ts),
        "read",
      );
      await town.room.sendFile(Buffer.from("oil"), { name: "oil.txt", type: "text/plain" });
      await until(
        async () => town.channel.messages.some(({ files, user }) => files?.[0]?.name === "oil.txt" && user === town.mira.user.id),
        "file",
      );
    });

    test("what they do on Slack itself is seen once, under their ghost; what came from Matrix never comes back", async () => {
      town.mira.say(town.channel, "typed on Slack");
      assert.equal((await town.room.next({ body: "typed on Slack" })).sender, town.ghost(town.mira));
      await town.room.say("typed on Matrix");
      await town.shows("typed on Matrix");
      town.alice.say(town.channel, "after both");
      await town.room.next({ body: "after both" });
      for (const text of ["typed on Slack", "typed on Matrix"]) {
        assert.equal((await town.room.timeline()).filter((event) => event.content["body"] === text).length, 1, text);
        assert.equal(town.texts().filter((shown) => shown === text).length, 1, text);
      }
    });

    test("somebody who is signed in and somebody who is relayed talk in one thread", async () => {
      const eve = await town.hs.user("eve");
      await town.room.invite(eve.id);
      const hers = await eve.join(town.room.id);
      const root = town.alice.say(town.channel, "the thread of all three");
      const event = await town.room.next({ body: "the thread of all three" });
      await town.room.thread(event, "says Ann");
      await town.shows("says Ann");
      await hers.thread(event, "says Eve");
      const [one, other] = [await town.shows("says Ann"), await town.shows("says Eve")];
      assert.deepEqual([one.user, one.thread_ts, other.username, other.thread_ts], [town.mira.user.id, root.ts, "eve", root.ts]);
      town.bob.say(town.channel, "says Bob", { thread: root.ts });
      assert.equal(relation(await town.room.next({ body: "says Bob" })).event_id, event.event_id);
    });

    test("a conversation with one person becomes a room, both ways", async () => {
      const talk = town.fake.direct(town.team, [town.mira, town.alice]);
      town.alice.say(talk, "psst");
      const room = await accepted(town.ann);
      assert.equal((await room.find({ body: "psst" })).sender, town.ghost(town.alice));
      await room.say("yes?");
      assert.equal((await town.shows("yes?", talk)).user, town.mira.user.id);
      town.mira.say(talk, "from my phone");
      await room.find({ body: "from my phone" });
      assert.equal(town.texts().includes("yes?"), false, "nothing of it stands in the channel");
      const eve = await town.hs.user("eve");
      await room.invite(eve.id);
      await (await eve.join(room.id)).say("put into Ann's mouth");
      await room.find({ sender: BOT, body: /did not reach Slack/ });
      assert.ok(!town.texts(talk).some((text) => text.includes("mouth")));
    });

    test("a conversation with several becomes a room, both ways", async () => {
      const talk = town.fake.direct(town.team, [town.mira, town.alice, town.bob]);
      town.bob.say(talk, "all of you");
      const room = await accepted(town.ann);
      assert.equal((await room.find({ body: "all of you" })).sender, town.ghost(town.bob));
      await room.say("here");
      assert.equal((await town.shows("here", talk)).user, town.mira.user.id);
      assert.ok((await room.joined()).includes(town.ghost(town.alice)));
    });

    test("a conversation begins on Matrix: a ghost is invited to a direct chat", async () => {
      const carol = town.fake.person(town.team, "Carol");
      const room = await town.ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [town.ghost(carol)] });
      await room.find({ type: "m.room.member", state_key: BOT });
      await until(async () => (await room.joined()).includes(BOT), "the bot is in the room");
      await room.say("hello Carol");
      const talk = await found(() =>
        [...town.team.channels.values()].find(({ kind, members }) => kind === "im" && members.has(carol.user.id)),
      );
      assert.equal((await town.shows("hello Carol", talk)).user, town.mira.user.id);
      carol.say(talk, "hello Ann");
      await room.find({ body: "hello Ann", sender: town.ghost(carol) });
      const second = await town.ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [town.ghost(carol)] });
      await until(
        async () => !(await second.joined()).includes(town.ghost(carol)) && (await left(second, town.ghost(carol))),
        "one room is enough",
      );
    });

    test("a conversation begins on Matrix: with several, by command", async () => {
      const dora = town.fake.person(town.team, "Dora");
      await town.asks(chat, "!causeway talk slack Dora nobody-at-all", /"nobody-at-all" is nobody/);
      await town.asks(chat, `!causeway talk slack Dora ${town.ghost(town.bob)}`, /You are invited to the room/);
      const room = await accepted(town.ann);
      await room.say("a word with you both");
      const talk = await found(() => [...town.team.channels.values()].find(({ members }) => members.has(dora.user.id)));
      assert.equal(talk.members.size, 3);
      await town.shows("a word with you both", talk);
    });

    test("private conversations that began while the bridge was away are there afterwards", async () => {
      await town.stopBridge();
      const erik = town.fake.person(town.team, "Erik");
      const talk = town.fake.direct(town.team, [town.mira, erik]);
      erik.say(talk, "nobody home?");
      erik.say(talk, "later then");
      await town.startBridge();
      const room = await accepted(town.ann);
      const [first, second] = [await room.find({ body: "nobody home?" }), await room.find({ body: "later then" })];
      assert.ok(first.origin_server_ts <= second.origin_server_ts);
    });

    test("signed out, they are relayed, and their private rooms wait for the next login", async () => {
      const talk = town.fake.direct(town.team, [town.mira, town.bob]);
      town.bob.say(talk, "before");
      const room = await accepted(town.ann);
      await room.find({ body: "before" });
      await town.asks(chat, "!causeway logout slack", /^Signed out/);
      await town.room.say("relayed again");
      assert.equal((await town.shows("relayed again")).username, "ann");
      await room.say("kept for later");
      await town.asks(chat, "!causeway logins", /no login of your own/);
      assert.ok(!town.texts(talk).includes("kept for later"));
      const asked = await town.asks(chat, "!causeway login slack token", /Token\?$/);
      const secret = await chat.say(town.fake.signIn(town.app, town.mira).token);
      await chat.next({ sender: BOT, body: /^Signed in on Slack/ });
      assert.deepEqual((await chat.event(secret)).content, {}, "the token does not stay in the chat");
      assert.ok(asked);
      assert.equal((await town.shows("kept for later", talk)).user, town.mira.user.id);
    });

    test("a token that is revoked in the middle of sending: told once with what to do, and relayed meanwhile", async () => {
      const own = [...town.fake.state.grants.values()].filter(({ user, revoked }) => user === town.mira.user && !revoked);
      for (const grant of own) grant.revoked = true;
      await town.room.say("did this arrive?");
      assert.equal((await town.shows("did this arrive?")).username, "ann");
      const told = await chat.next({ sender: BOT, body: /has ended: .*revoked/ });
      assert.match(String(told.content["body"]), /`!causeway login slack` signs you in again/);
      await town.stopBridge();
      await town.startBridge();
      await town.room.say("and after a restart");
      await town.shows("and after a restart");
      const all = (await chat.timeline()).filter((event) => /has ended/.test(String(event.content["body"])));
      assert.equal(all.length, 1);
      assert.equal(town.texts().filter((text) => text === "did this arrive?").length, 1);
      await town.asks(chat, "!causeway logins", /logged-out/);
    });
  });

describe("Signing in on Slack goes wrong", () => {
  let town: SlackTown;
  let chat: MatrixRoom;
  before(async () => {
    town = await openSlackTown();
    chat = await town.chat();
  });
  after(() => town.close());

  test("where others can read it, nobody signs in", async () => {
    await town.asks(town.room, "!causeway login slack token", /Not here, where others can read it/);
  });

  test("a browser that brings a forged state is turned away, and so is the same one twice", async () => {
    town.fake.browser = town.mira;
    const asked = await town.asks(chat, "!causeway login slack slack", /authorize/);
    const url = new URL(String(asked.content["body"]).split("\n").at(-1) as string);
    const back = `${town.address}/_causeway/sign-in`;
    assert.equal(url.searchParams.get("redirect_uri"), back);
    assert.equal((await fetch(`${back}?code=x&state=guessed`)).status, 400);
    const good = town.fake.authorize(url);
    assert.equal((await fetch(good)).status, 200);
    await chat.next({ sender: BOT, body: /^Signed in on Slack/ });
    assert.equal((await fetch(good)).status, 400);
  });

  test("whoever says no is told so, and a bot's token is nobody's own", async () => {
    const asked = await town.asks(chat, "!causeway login slack slack", /authorize/);
    const url = new URL(String(asked.content["body"]).split("\n").at(-1) as string);
    await fetch(`${town.address}/_causeway/sign-in?error=access_denied&state=${url.searchParams.get("state")}`);
    await chat.next({ sender: BOT, body: /told not to allow it/ });
    await town.asks(chat, "!causeway login slack token", /Token\?$/);
    const secret = await chat.say(town.bot.token);
    await chat.next({ sender: BOT, body: /bot's token/ });
    assert.deepEqual((await chat.event(secret)).content, {});
  });

  test("what was relayed before they signed in is still theirs to edit, to delete and to take back", async () => {
    const eve = await town.hs.user("evelyn");
    await town.room.invite(eve.id);
    const hers = await eve.join(town.room.id);
    const theirs = town.alice.say(town.channel, "react to this");
    const event = await town.room.find({ body: "react to this" });
    const reaction = await hers.react(event, "🎉");
    await until(async () => theirs.reactions.length === 1, "relayed");
    const [first, second] = [await hers.say("teh first"), await hers.say("teh second")];
    await town.shows("teh second");
    await town.signIn(eve, town.bob);
    await hers.edit(first, "the first");
    assert.equal((await town.shows("the first")).username, "evelyn");
    await hers.redact(second);
    await until(async () => !town.texts().includes("teh second"), "the deletion");
    await hers.redact(reaction);
    await until(async () => theirs.reactions.length === 0, "the reaction");
  });

  test("an account that somebody is signed in with is not taken from them", async () => {
    const eve = await town.hs.user("eve");
    const hers = await town.chat(eve);
    await town.asks(hers, "!causeway login slack token", /Token\?$/);
    await hers.say(town.miras.token);
    await hers.next({ sender: BOT, body: /Somebody else here is signed in with that account/ });
  });
});

async function accepted(user: MatrixUser): Promise<MatrixRoom> {
  const room = await user.invited();
  return await user.join(room.id);
}

async function left(room: MatrixRoom, ghost: string): Promise<boolean> {
  return (await room.state("m.room.member", ghost).catch(() => ({ membership: "" })))["membership"] === "leave";
}

async function found<Value>(look: () => Value | undefined): Promise<Value> {
  await until(async () => look() !== undefined, "there it is");
  return look() as Value;
}
