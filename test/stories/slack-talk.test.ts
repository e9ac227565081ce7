/** What people say to each other over the bridge, on Slack and on Matrix: threads, replies, edits, deletions, files, polls. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openSlackTown, relation, type SlackTown } from "./slack-town.ts";
import { until } from "./town.ts";

for (const way of ["socket", "http"] as const)
  describe(`Slack over ${way === "socket" ? "Socket Mode" : "HTTP"}`, () => {
    let town: SlackTown;
    before(async () => {
      town = await openSlackTown({ way });
    });
    after(() => town.close());

    test("what is said in the channel stands in the room under a ghost, and the other way round under name and picture", async () => {
      town.alice.say(town.channel, "good morning");
      const event = await town.room.next({ body: "good morning" });
      assert.equal(event.sender, town.ghost(town.alice));
      assert.equal((await town.room.state("m.room.member", event.sender))["displayname"], "Alice");
      await town.room.say("and to you");
      const there = await town.shows("and to you");
      assert.deepEqual([there.username, there.bot_id], ["ann", town.bot.bot]);
      assert.equal(town.texts().filter((text) => text === "and to you").length, 1);
    });

    test("a thread goes on both ways, whoever began it", async () => {
      const root = town.alice.say(town.channel, "who has oil?");
      const asked = await town.room.next({ body: "who has oil?" });
      town.bob.say(town.channel, "I have", { thread: root.ts });
      const answer = await town.room.next({ body: "I have" });
      assert.deepEqual([relation(answer).rel_type, relation(answer).event_id], ["m.thread", asked.event_id]);
      await town.room.thread(asked, "bring it along");
      assert.equal((await town.shows("bring it along")).thread_ts, root.ts);
      const mine = await town.room.say("another question");
      const there = await town.shows("another question");
      await town.room.thread(mine, "asked in a thread");
      assert.equal((await town.shows("asked in a thread")).thread_ts, there.ts);
      town.bob.say(town.channel, "answered in the thread", { thread: there.ts });
      assert.equal(relation(await town.room.next({ body: "answered in the thread" })).event_id, mine);
    });

    test("a reply that was also sent to the channel stands in the timeline, as an answer to what the thread hangs from", async () => {
      const root = town.alice.say(town.channel, "the ferry leaves");
      const event = await town.room.next({ body: "the ferry leaves" });
      town.bob.say(town.channel, "for everybody to see", { thread: root.ts, broadcast: true });
      const seen = await town.room.next({ body: "for everybody to see" });
      assert.deepEqual(relation(seen), { "m.in_reply_to": { event_id: event.event_id } });
      await town.room.thread(event, "back in the thread");
      assert.equal((await town.shows("back in the thread")).thread_ts, root.ts);
    });

    test("a relayed reply goes into the thread of what it answers, and is not shown outside of it", async () => {
      const root = town.alice.say(town.channel, "tea or coffee?");
      const event = await town.room.next({ body: "tea or coffee?" });
      await town.room.reply(event, "tea");
      const reply = await town.shows("tea");
      assert.deepEqual([reply.thread_ts, reply.subtype, reply.username], [root.ts, "bot_message", "ann"]);
    });

    test("a reply that comes before its thread, a reaction, an edit and a deletion that come before their message", async () => {
      const release = town.fake.delivery.hold();
      const root = town.alice.say(town.channel, "the root");
      town.bob.say(town.channel, "the early answer", { thread: root.ts });
      const slip = town.alice.say(town.channel, "a slip of the tongue");
      town.alice.delete(town.channel, slip.ts);
      town.bob.react(town.channel, root.ts, "🎉");
      const typo = town.alice.say(town.channel, "teh typo");
      town.alice.edit(town.channel, typo.ts, "the typo, mended");
      release((events) => {
        const late = events.filter(({ body }) => {
          const event = (body as { event?: { subtype?: string; text?: string } }).event;
          return event?.subtype === undefined && ["the root", "a slip of the tongue", "teh typo"].includes(event?.text ?? "");
        });
        return [...events.filter((event) => !late.includes(event)), ...late];
      });
      const rootSeen = await town.room.find({ body: "the root" });
      const answer = await town.room.find({ body: "the early answer" });
      assert.equal(relation(answer).event_id, rootSeen.event_id);
      const reaction = await town.room.find({ type: "m.reaction", sender: town.ghost(town.bob) });
      assert.equal(relation(reaction).event_id, rootSeen.event_id);
      await town.room.find({ body: "the typo, mended" });
      town.alice.say(town.channel, "afterwards");
      await town.room.find({ body: "afterwards" });
      for (const text of ["a slip of the tongue", "teh typo"])
        assert.equal((await town.room.timeline()).filter((event) => event.content["body"] === text).length, 0, text);
    });

    test("our own post that comes back before its answer is not seen twice", async () => {
      town.fake.faults.slowness = 60;
      await town.room.say("quicker than its answer");
      await town.shows("quicker than its answer");
      town.fake.faults.slowness = 0;
      town.alice.say(town.channel, "after the echo");
      await town.room.next({ body: "after the echo" });
      assert.equal((await town.room.timeline()).filter((event) => event.content["body"] === "quicker than its answer").length, 1);
      assert.equal(town.texts().filter((text) => text === "quicker than its answer").length, 1);
    });

    test("an edit crosses both ways; the comment of a file is edited, and the file stays", async () => {
      const mine = await town.room.say("teh cat");
      const there = await town.shows("teh cat");
      await town.room.edit(mine, "the cat");
      assert.equal((await town.shows("the cat")).ts, there.ts);
      const shared = town.alice.upload(town.channel, { name: "tea.png", mimetype: "image/png", bytes: Buffer.from("tea") }, "my tee");
      const file = await town.room.next((event) => String(event.content["url"] ?? "").startsWith("mxc://"));
      assert.equal(file.content["body"], "my tee");
      town.alice.edit(town.channel, shared.ts, "my tea");
      const edit = await town.room.next({ body: "my tea" });
      assert.equal(relation(edit).event_id, file.event_id);
      const fresh = edit.content["m.new_content"] as { url?: string; filename?: string };
      assert.deepEqual([fresh.url, fresh.filename], [file.content["url"], "tea.png"]);
    });

    test("the comment of a file that was sent from Matrix is edited from Matrix", async () => {
      const id = await town.room.sendFile(Buffer.from("some bytes"), { name: "notes.txt", type: "text/plain", caption: "teh notes" });
      await until(async () => town.channel.messages.some(({ files }) => files?.[0]?.name === "notes.txt"), "the file");
      const message = town.channel.messages.find(({ files }) => files?.[0]?.name === "notes.txt");
      assert.equal(message?.text, "*ann*: teh notes");
      const original = await town.room.event(id);
      const fresh = { ...original.content, body: "the notes" };
      await town.room.send("m.room.message", { ...fresh, "m.new_content": fresh, "m.relates_to": { rel_type: "m.replace", event_id: id } });
      await until(async () => message?.text === "*ann*: the notes", "the edit");
    });

    test("deletions cross both ways; a root takes its text away and leaves its replies", async () => {
      const root = town.alice.say(town.channel, "a root with replies");
      const event = await town.room.next({ body: "a root with replies" });
      town.bob.say(town.channel, "which stay", { thread: root.ts });
      const stays = await town.room.next({ body: "which stay" });
      town.alice.delete(town.channel, root.ts);
      const redaction = await town.room.next({ type: "m.room.redaction" });
      assert.equal(redaction.redacts ?? redaction.content["redacts"], event.event_id);
      assert.equal((await town.room.event(stays.event_id)).content["body"], "which stay");
      const mine = await town.room.say("not for long");
      await town.shows("not for long");
      await town.room.redact(mine);
      await until(async () => !town.texts().includes("not for long"), "its deletion");
    });

    test("reactions: each of Slack's people for themselves, the app once while anyone on Matrix does", async () => {
      const message = town.alice.say(town.channel, "like this");
      const event = await town.room.next({ body: "like this" });
      town.bob.react(town.channel, message.ts, "+1::skin-tone-3");
      const reaction = await town.room.next({ type: "m.reaction", sender: town.ghost(town.bob) });
      assert.equal((reaction.content["m.relates_to"] as { key: string }).key, "👍🏼");
      const eve = await town.hs.user(`eve${way}`);
      await town.room.invite(eve.id);
      const hers = await eve.join(town.room.id);
      const first = await town.room.react(event, "🎉");
      const second = await hers.react(event, "🎉");
      const tada = () => message.reactions.find(({ name }) => name === "tada")?.users ?? [];
      await until(async () => tada().length === 1, "one reaction by the app");
      await town.room.redact(first);
      await town.room.say("one is left");
      await town.shows("one is left");
      assert.deepEqual(tada(), [town.bot.user.id]);
      await hers.redact(second);
      await until(async () => tada().length === 0, "none");
    });

    test("a poll of Matrix stands there with buttons; votes of both sides are counted together", async () => {
      const answers = ["tea", "coffee"].map((text) => ({ id: text, "org.matrix.msc1767.text": text }));
      const poll = await town.room.send("org.matrix.msc3381.poll.start", {
        "org.matrix.msc1767.text": "tea or coffee",
        "org.matrix.msc3381.poll.start": {
          kind: "org.matrix.msc3381.poll.disclosed",
          max_selections: 1,
          question: { "org.matrix.msc1767.text": "What will it be?" },
          answers,
        },
      });
      const message = await town.shows(/What will it be/);
      town.fake.press(town.alice, town.channel, message.ts, "causeway_vote", 1);
      const vote = await town.room.next({ type: "org.matrix.msc3381.poll.response", sender: town.ghost(town.alice) });
      assert.deepEqual((vote.content["org.matrix.msc3381.poll.response"] as { answers: string[] }).answers, ["coffee"]);
      await town.room.send("org.matrix.msc3381.poll.response", {
        "org.matrix.msc3381.poll.response": { answers: ["coffee"] },
        "m.relates_to": { rel_type: "m.reference", event_id: poll },
      });
      await until(async () => JSON.stringify(message.blocks).includes("coffee — *2*"), "both votes").catch((error: Error) => {
        throw new Error(`${error.message}; ${JSON.stringify(message.blocks)}`);
      });
    });

    test("names, topics and pins follow; what Slack says by itself is told", async () => {
      town.alice.topic(town.channel, "All about <tea> & more");
      assert.equal((await town.room.next({ type: "m.room.topic" })).content["topic"], "All about <tea> & more");
      const message = town.alice.say(town.channel, "to be pinned");
      const event = await town.room.next({ body: "to be pinned" });
      town.alice.pin(town.channel, message.ts);
      const pinned = await town.room.next({ type: "m.room.pinned_events" });
      assert.deepEqual(pinned.content["pinned"], [event.event_id]);
    });
  });
