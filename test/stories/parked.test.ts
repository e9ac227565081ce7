/** What could not be delivered lies parked: it follows what is done to it meanwhile, and is tried again when somebody asks. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Fault as ToyFault } from "../conformance/harness.ts";
import type { RoomEvent } from "../matrix-room.ts";
import { BOT, openTown, type Town, until } from "./town.ts";

const ALICE = "@_toy_town/u1:test.local";

describe("What is parked", () => {
  let town: Town;
  beforeEach(async () => {
    town = await openTown({ permissions: { "*": "admin" } });
  });
  afterEach(() => town.close());

  async function cause(fault: ToyFault): Promise<void> {
    assert.ok(typeof fault === "function");
    await fault();
  }

  const mayWeSpeak = (may: boolean) => (may ? town.service.muted.clear() : void cause(town.toy.faults.mute));
  const notices = async () => (await town.room.timeline()).filter((event) => event.type === "m.room.message" && event.sender === BOT);

  async function parked(words: string): Promise<{ event: string; notice: RoomEvent }> {
    mayWeSpeak(false);
    const event = await town.room.say(words);
    const notice = await town.room.find((one) => (one.content["io.causeway.about"] as string | undefined) === event);
    return { event, notice };
  }

  /** Asks until it is so. */
  async function status(pattern: RegExp): Promise<void> {
    const asked = async () => {
      const before = (await notices()).length;
      await town.room.say("!causeway status");
      await until(async () => (await notices()).length > before, "an answer");
      return pattern.test(String((await notices()).at(-1)?.content["body"]));
    };
    await until(asked, String(pattern));
  }

  test("an edit of a parked message applies to it where it lies", async () => {
    const { event, notice } = await parked("teh cat");
    await town.room.edit(event, "the cat");
    await status(/1 not deliverable/);
    mayWeSpeak(true);
    await town.room.react(notice, "🔁");
    await town.seen((all) => all.some((one) => one.text === "the cat"), "the message as it reads now");
    assert.deepEqual(await town.texts(), ["the cat"]);
  });

  test("a redaction of a parked message removes it", async () => {
    const { event, notice } = await parked("a slip");
    await status(/1 not deliverable/);
    await town.room.redact(event);
    await status(/0 not deliverable/);
    mayWeSpeak(true);
    await town.room.react(notice, "🔁");
    await town.room.say("and on");
    await town.seen((all) => all.some((one) => one.text === "and on"), "the next message");
    assert.deepEqual(await town.texts(), ["and on"]);
  });

  test("a reply to one goes at once, without its reference", async () => {
    const { event } = await parked("nobody hears this");
    mayWeSpeak(true);
    await town.room.reply(event, "yes they do");
    await town.seen((all) => all.some((one) => one.text.endsWith("yes they do")), "the reply");
    assert.equal((await town.channel()).find((one) => one.text.endsWith("yes they do"))?.replyTo, undefined);
  });

  test("a reaction to one goes nowhere, and nothing waits for it", async () => {
    const { event } = await parked("nobody hears this");
    mayWeSpeak(true);
    await town.room.react(event, "👍");
    await town.room.say("and on");
    await town.seen((all) => all.some((one) => one.text === "and on"), "the next message");
    await status(/0 waiting to come in, 0 to go out, 1 not deliverable/);
  });

  test("somebody else's 🔁 tries nothing again; the author's does, on their message as on the notice", async () => {
    const { event, notice } = await parked("said by ann");
    const ben = await town.hs.user("ben");
    await town.room.invite(ben.id);
    await ben.in(town.room.id).join();
    mayWeSpeak(true);
    await town.stopBridge();
    await town.startBridge({ permissions: { "*": "user" } });
    await town.room.as(ben).react(notice, "🔁");
    await town.room.as(ben).say("and on");
    await town.seen((all) => all.some((one) => one.text === "and on"), "the next message");
    assert.ok(!(await town.texts()).includes("said by ann"));
    await town.room.react(event, "🔁");
    await town.seen((all) => all.some((one) => one.text === "said by ann"), "the message");
  });

  /** The ghost was banned, and is let in again. */
  async function notShown(words: string): Promise<RoomEvent> {
    await town.toy.alice.say("before");
    await town.room.find({ body: "before" });
    await town.room.ban(ALICE);
    await town.toy.alice.say(words);
    const notice = await town.room.find({ sender: BOT, body: /could not be shown here/ });
    await town.room.unban(ALICE);
    return notice;
  }

  test("what could not be shown here is tried again by a moderator's 🔁 on the notice, and by nobody else's", async () => {
    const notice = await notShown("after");
    const ben = await town.hs.user("ben");
    await town.room.invite(ben.id);
    await ben.in(town.room.id).join();
    await town.stopBridge();
    await town.startBridge({ permissions: { "*": "user" } });
    await town.room.as(ben).react(notice, "🔁");
    await town.toy.bob.say("and on");
    await town.room.find({ body: "and on" });
    await status(/1 not deliverable/);
    await town.room.react(notice, "🔁");
    await town.room.find({ sender: ALICE, body: "after" });
    await status(/0 not deliverable/);
  });

  test("and by `!causeway retry`", async () => {
    await notShown("after");
    await town.room.say("!causeway retry");
    await town.room.find({ sender: BOT, body: "Trying 1 again." });
    await town.room.find({ sender: ALICE, body: "after" });
  });

  test("in the channel, an edit of what could not be shown applies to it where it lies, and a deletion removes it", async () => {
    await town.toy.alice.say("before");
    await town.room.find({ body: "before" });
    await town.room.ban(ALICE);
    const [edited, deleted] = [await town.toy.alice.say("teh cat"), await town.toy.alice.say("a slip")];
    await status(/2 not deliverable/);
    await town.toy.alice.edit?.(edited as never, "the cat");
    await town.toy.alice.delete?.(deleted as never);
    await status(/1 not deliverable/);
    await town.room.unban(ALICE);
    await town.room.say("!causeway retry");
    await town.room.find({ sender: ALICE, body: "the cat" });
    const bodies = (await town.room.timeline()).map((event) => event.content["body"]);
    assert.ok(!bodies.includes("teh cat") && !bodies.includes("a slip"));
  });

  /** The answer was lost, and what was said cannot be looked through. */
  async function unclear(words: string, fault: ToyFault): Promise<{ event: string; notice: RoomEvent }> {
    town.service.cannotSearch = true;
    await cause(fault);
    const event = await town.room.say(words);
    const notice = await town.room.find({ sender: BOT, body: /It is not certain whether this arrived/ });
    return { event, notice };
  }

  test("what nobody knows to have arrived is parked, asked about, and not sent again by itself", async () => {
    const { notice } = await unclear("did it arrive?", town.toy.faults.loseReply);
    await town.room.say("and on");
    await town.seen((all) => all.some((one) => one.text === "and on"), "the next message");
    assert.deepEqual(await town.texts(), ["did it arrive?", "and on"]);
    assert.match(String(notice.content["body"]), /React with 🔁 to send it again/);
  });

  test("taken back, it is looked for once more, and deleted where it arrived", async () => {
    const { event } = await unclear("did it arrive?", town.toy.faults.loseReply);
    town.service.cannotSearch = false;
    await town.room.redact(event);
    await town.seen((all) => !all.some((one) => one.text === "did it arrive?"), "the message gone");
    await status(/0 not deliverable/);
  });

  test("taken back while it still cannot be looked for, its author is told to look themselves", async () => {
    const { event } = await unclear("did it arrive?", town.toy.faults.loseReply);
    await town.room.redact(event);
    const told = await town.room.find({ sender: BOT, body: /somebody has to delete it/ });
    assert.equal(told.content["io.causeway.about"], event);
    await status(/0 not deliverable/);
  });

  test("one cause is told once to each author, then once that there is more; what is tried again and fails again is told again", async () => {
    const { notice } = await parked("message 1");
    for (const words of ["message 2", "message 3"]) await town.room.say(words);
    await town.room.find({ sender: BOT, body: /More could not be delivered/ });
    await status(/3 not deliverable/);
    await town.room.react(notice, "🔁");
    await until(
      async () => (await notices()).filter((one) => /did not reach/.test(String(one.content["body"]))).length === 2,
      "told again",
    );
    assert.equal((await notices()).filter((one) => /More could not/.test(String(one.content["body"]))).length, 1);
  });
});
