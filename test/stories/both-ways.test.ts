import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openTown, type Town } from "./town.ts";

describe("Both ways", () => {
  let town: Town;
  before(async () => {
    town = await openTown();
  });
  after(() => town.close());

  test("what is said in the channel stands in the room, under the ghost of who said it", async () => {
    await town.toy.alice.say("good morning");
    const event = await town.room.next({ body: "good morning" });
    assert.equal(event.sender, "@_toy_town/u1:test.local");
    const member = await town.room.state("m.room.member", event.sender);
    assert.equal(member["displayname"], "Alice");
  });

  test("what is said in the room stands in the channel, under the name of who said it", async () => {
    await town.room.say("and to you");
    await town.seen((all) => all.some((message) => message.text === "and to you" && message.name === "ann"), "the message");
  });

  test("formatting crosses", async () => {
    await town.room.html("bold", "<strong>bold</strong> and <em>italic</em>");
    await town.seen((all) => all.some((message) => message.text.includes("bold")), "the message");
  });

  test("a reply crosses both ways, and points at the right message", async () => {
    const said = await town.toy.alice.say("who comes along?");
    const asked = await town.room.next({ body: "who comes along?" });
    await town.room.reply(asked, "I do");
    await town.seen((all) => all.some((message) => message.text === "I do" && message.replyTo === said), "the reply");
    const mine = (await town.channel()).find((message) => message.text === "I do");
    await town.toy.bob.say("me too", { replyTo: mine?.id as never });
    const back = await town.room.next({ body: /me too/ });
    const relation = back.content["m.relates_to"] as { "m.in_reply_to": { event_id: string } };
    const target = await town.room.event(relation["m.in_reply_to"].event_id);
    assert.equal(target.content["body"], "I do");
  });

  test("an edit crosses both ways", async () => {
    const mine = await town.room.say("teh cat");
    await town.seen((all) => all.some((message) => message.text === "teh cat"), "the message");
    await town.room.edit(mine, "the cat");
    await town.seen((all) => all.some((message) => message.text === "the cat" && message.edited === true), "the edit");
    const theirs = await town.toy.alice.say("teh dog");
    await town.room.next({ body: "teh dog" });
    await town.toy.alice.edit?.(theirs as never, "the dog");
    const edit = await town.room.next({ body: "the dog" });
    assert.equal((edit.content["m.relates_to"] as { rel_type: string }).rel_type, "m.replace");
  });

  test("redacting an edit brings back the text before it", async () => {
    const mine = await town.room.say("first");
    await town.seen((all) => all.some((message) => message.text === "first"), "the message");
    const edit = await town.room.edit(mine, "second");
    await town.seen((all) => all.some((message) => message.text === "second"), "the edit");
    await town.room.redact(edit);
    await town.seen((all) => all.some((message) => message.text === "first"), "the first text");
  });

  test("an edit by somebody else does not count", async () => {
    const mine = await town.room.say("mine alone");
    const eve = await town.hs.user("eve");
    await town.room.invite(eve.id);
    const hers = await eve.join(town.room.id);
    await hers.edit(mine, "hijacked");
    await town.room.say("after the edit");
    await town.seen((all) => all.some((message) => message.text === "after the edit"), "the next message");
    assert.ok((await town.texts()).includes("mine alone"));
  });

  test("a redaction crosses both ways", async () => {
    const mine = await town.room.say("a slip of the tongue");
    await town.seen((all) => all.some((message) => message.text === "a slip of the tongue"), "the message");
    await town.room.redact(mine);
    await town.seen((all) => !all.some((message) => message.text === "a slip of the tongue"), "its deletion");
    const theirs = await town.toy.alice.say("another slip");
    const event = await town.room.next({ body: "another slip" });
    await town.toy.alice.delete?.(theirs as never);
    const redaction = await town.room.next({ type: "m.room.redaction" });
    assert.equal(redaction.redacts ?? redaction.content["redacts"], event.event_id);
    assert.equal(redaction.sender, event.sender);
  });

  test("reactions cross both ways; the shared login's stands while any relayed person's does", async () => {
    const theirs = await town.toy.alice.say("like this");
    const event = await town.room.next({ body: "like this" });
    const reactions = async () => (await town.channel()).find((message) => message.id === theirs)?.reactions ?? [];
    const first = await town.room.react(event, "👍");
    await town.seen((all) => all.find((message) => message.id === theirs)?.reactions?.length === 1, "the reaction");
    const eve = await town.hs.user("eve");
    const hers = await eve.in(town.room.id).react(event, "👍");
    await town.room.redact(first);
    await town.room.say("one is left");
    await town.seen((all) => all.some((message) => message.text === "one is left"), "the next message");
    assert.equal((await reactions()).length, 1);
    await eve.in(town.room.id).redact(hers);
    await town.seen((all) => (all.find((message) => message.id === theirs)?.reactions ?? []).length === 0, "no reaction");
    await town.toy.bob.react?.(theirs as never, "🎉");
    const reaction = await town.room.next({ type: "m.reaction", sender: "@_toy_town/u2:test.local" });
    assert.equal((reaction.content["m.relates_to"] as { key: string }).key, "🎉");
  });

  test("a thread begun on either side is a thread on the other", async () => {
    const root = await town.room.say("a thread begins");
    await town.seen((all) => all.some((message) => message.text === "a thread begins"), "the root");
    await town.room.thread(root, "in the thread");
    await town.seen((all) => all.some((message) => message.text === "in the thread" && message.thread !== undefined), "the answer");
    const standing = await town.channel();
    const remoteRoot = standing.find((message) => message.text === "a thread begins");
    await town.toy.bob.say("me as well", { threadOf: remoteRoot?.id as never });
    const answer = await town.room.next({ body: "me as well" });
    const relation = answer.content["m.relates_to"] as { rel_type: string; event_id: string };
    assert.deepEqual([relation.rel_type, relation.event_id], ["m.thread", root]);
  });

  test("a long message crosses in parts and is corrected and deleted whole", async () => {
    const long = Array.from({ length: 40 }, (_, number) => `line ${number} of a long story`).join("\n");
    const mine = await town.room.say(long);
    await town.seen((all) => all.some((message) => message.text.includes("line 39")), "the last part");
    await town.room.edit(mine, long.replace("line 39", "line forty"));
    await town.seen((all) => all.some((message) => message.text.includes("line forty")), "the corrected part");
    assert.ok(!(await town.texts()).some((text) => text.includes("line 39")));
    await town.room.redact(mine);
    await town.seen((all) => !all.some((message) => message.text.includes("of a long story")), "all parts deleted");
  });

  test("files cross both ways", async () => {
    await town.toy.alice.upload?.({ name: "tea.png", mimetype: "image/png", bytes: Buffer.from("not really a picture") }, "my tea");
    const event = await town.room.next((one) => String(one.content["url"] ?? "").startsWith("mxc://"));
    const { bytes } = await town.ann.download(String(event.content["url"]));
    assert.equal(bytes.toString(), "not really a picture");
    await town.room.sendFile(Buffer.from("some bytes"), { name: "notes.txt", type: "text/plain" });
    await town.seen(
      (all) => all.some((message) => message.files?.some((file) => file.name === "notes.txt" && file.size === 10)),
      "the file",
    );
  });

  test("a changed topic is shown", async () => {
    await town.toy.alice.topic?.("All about tea");
    const event = await town.room.next({ type: "m.room.topic" });
    assert.equal(event.content["topic"], "All about tea");
  });
});
