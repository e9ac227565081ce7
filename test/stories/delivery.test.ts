/** Whatever happens on the way, a message arrives whole and once, or a sentence says why not. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { Fault as ToyFault } from "../conformance/harness.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

describe("Delivery", () => {
  let town: Town;
  afterEach(() => town.close());

  async function open(options: TownOptions = {}): Promise<Town> {
    town = await openTown(options);
    return town;
  }

  async function cause(fault: ToyFault | undefined): Promise<void> {
    assert.ok(typeof fault === "function");
    await fault();
  }

  async function notices(): Promise<string[]> {
    const events = (await town.room.timeline()).filter((event) => event.type === "m.room.message" && event.sender === BOT);
    return events.map((event) => String(event.content["body"]));
  }

  test("a homeserver that is away when a room is first looked at parks nothing", async () => {
    const { hs, room, toy } = await open();
    await town.stopBridge();
    await town.startBridge();
    const down = hs.faults.add({ kind: "status", status: 502, times: 0, match: { path: "/state/" } });
    await toy.alice.say("said in a bad moment");
    await room.say("written in a bad moment");
    await Promise.race([down.hit, new Promise((resolve) => setTimeout(resolve, 2_000))]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    down.release();
    await town.seen((all) => all.some((one) => one.text === "written in a bad moment"), "the message");
    await room.find({ body: "said in a bad moment" });
    assert.ok(!(await notices()).some((text) => /did not reach|could not be shown/.test(text)));
  });

  test("the text before an edit is not guessed at while the homeserver is away", async () => {
    const { hs, room } = await open();
    const mine = await room.say("first");
    await town.seen((all) => all.some((one) => one.text === "first"), "the message");
    const edit = await room.edit(mine, "second");
    await town.seen((all) => all.some((one) => one.text === "second"), "the edit");
    const down = hs.faults.add({ kind: "status", status: 502, times: 0, match: { path: "/event/" } });
    const blind = hs.faults.add({ kind: "status", status: 502, times: 0, match: { path: "/relations/" } });
    await room.redact(edit);
    await Promise.race([down.hit, new Promise((resolve) => setTimeout(resolve, 2_000))]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual((await town.texts()).at(-1), "second");
    down.release();
    blind.release();
    await town.seen((all) => all.some((one) => one.text === "first"), "the first text");
  });

  test("a message of several events, cut off after the first, is completed and not doubled", async () => {
    const { hs, room, toy } = await open();
    const cut = hs.faults.add({ kind: "status", status: 503, after: 1, times: 3, match: { method: "PUT", path: "/send/m.room.message" } });
    const bytes = Buffer.from("tea");
    await toy.alice.upload?.({ name: "tea.png", mimetype: "image/png", bytes }, "x".repeat(90_000));
    await room.find((event) => String(event.content["url"] ?? "").startsWith("mxc://"));
    assert.ok(cut.hits > 0);
    const events = (await room.timeline()).filter((event) => event.sender.startsWith("@_toy_") && event.type === "m.room.message");
    const marks = events.map((event) => (event.content["io.causeway.origin"] as { part: number }).part);
    assert.ok(marks.length > 1);
    assert.deepEqual(marks, [...marks.keys()]);
  });

  test("what another bridge repeats of our bot's words is no command", async () => {
    const { room } = await open();
    const before = (await notices()).length;
    await room.send("m.room.message", { msgtype: "m.notice", body: "!causeway status" });
    await room.say("said");
    await town.seen((all) => all.some((one) => one.text === "said"), "the message");
    assert.equal((await notices()).length, before);
  });

  test("what has no bounce left crosses nowhere and is not answered; what the bridge says itself has none", async () => {
    const { room, toy } = await open();
    const limit = (left: number) => ({ "io.github.m13253.bounce_limit": left });
    await room.say("!causeway status", limit(1));
    await room.say("a bot's last word", limit(1));
    await room.say("a bot's first word", limit(2));
    await town.seen((all) => all.some((one) => one.text === "a bot's first word"), "the message that may bounce");
    assert.deepEqual(await town.texts(), ["a bot's first word"]);
    await room.say("!causeway status");
    const answers = async () => (await room.timeline()).filter((event) => /0 not deliverable/.test(String(event.content["body"])));
    await until(async () => (await answers()).length === 1, "one answer");
    assert.equal((await answers())[0]?.content["io.github.m13253.bounce_limit"], 1);
    await toy.alice.say("said by a person");
    assert.equal((await room.find({ body: "said by a person" })).content["io.github.m13253.bounce_limit"], 3);
  });

  test("what could not be delivered is listed, one by one, and given up by a person only", async () => {
    const { room, toy } = await open();
    await cause(toy.faults.mute as ToyFault);
    await room.say("never to arrive");
    const told = async (words: string, answer: RegExp) => {
      await until(async () => {
        await room.say(words);
        return (await notices()).some((text) => answer.test(text));
      }, words);
      return (await notices()).findLast((text) => answer.test(text)) ?? "";
    };
    const [, number] = /^(\d+): message to toy, \d+ min ago: .+/.exec(await told("!causeway parked", /^\d+: message to toy/)) ?? [];
    await told("!causeway drop 999999", /There is no such thing here/);
    await told(`!causeway drop ${number}`, /^Given up\.$/);
    await told("!causeway parked", /Everything has been delivered/);
  });

  test("nobody complains about what a program said", async () => {
    const { room, toy } = await open();
    await cause(toy.faults.mute as ToyFault);
    await room.send("m.room.message", { msgtype: "m.notice", body: "a notice" });
    await room.say("a bot's words", { "io.github.m13253.bounce_limit": 2 });
    await until(async () => {
      await room.say("!causeway status");
      return /2 not deliverable/.test((await notices()).at(-1) ?? "");
    }, "both are parked");
    assert.ok(!(await notices()).some((text) => /did not reach/.test(text)));
  });

  test("a changed poll is not posted a second time, and its author is told", async () => {
    const { room } = await open();
    const poll = (question: string) => ({
      "m.text": [{ body: question }],
      "m.poll": {
        question: { "m.text": [{ body: question }] },
        kind: "m.disclosed",
        max_selections: 1,
        answers: ["Soup", "Pie"].map((text) => ({ "m.id": text, "m.text": [{ body: text }] })),
      },
    });
    const mine = await room.send("m.poll.start", poll("Lunch?"));
    await town.seen((all) => all.some((one) => one.poll === true), "the poll");
    const change = { "m.new_content": poll("Dinner?"), "m.relates_to": { rel_type: "m.replace", event_id: mine } };
    await room.send("m.poll.start", { ...poll("Dinner?"), ...change });
    await room.find({ sender: BOT, body: /A poll cannot be changed/ });
    assert.equal((await town.channel()).filter((one) => one.poll).length, 1);
  });

  test("a channel that lets nobody speak fills the room with a few sentences, not with one for each message; notices get none", async () => {
    const { room, toy } = await open();
    await cause(toy.faults.mute as ToyFault);
    await room.send("m.room.message", { msgtype: "m.notice", body: "a bot's words" });
    for (let number = 1; number <= 9; number += 1) await room.say(`message ${number}`);
    await room.find({ sender: BOT, body: /More could not be delivered/ });
    assert.equal((await notices()).filter((text) => /did not reach/.test(text)).length, 1);
    await room.say("!causeway status");
    await room.find({ sender: BOT, body: /not deliverable/ });
  });

  test("a network that is away is told of once, and once that it is back", async () => {
    const { room, toy } = await open();
    await cause(toy.faults.down as ToyFault);
    await room.say("waits");
    await room.find({ sender: BOT, body: /waits and is kept in order/ });
    await room.say("waits too");
    await cause(toy.faults.up as ToyFault);
    await room.find({ sender: BOT, body: /Delivered again/ });
    const told = (await notices()).filter((text) => /kept in order|Delivered again/.test(text));
    assert.equal(told.length, 2);
  });

  test("two channels of one network in one room: each hears the other, and nothing comes back to where it was said", async () => {
    town = await openTown({ linked: false, permissions: { "*": "admin" } });
    const { room, toy } = town;
    for (const channel of ["plaza", "market"]) {
      await room.say(`!causeway link toy town ${channel}`);
      await room.next({ sender: BOT, body: /now linked/ });
    }
    await toy.alice.say("from the plaza");
    await toy.alice.say("from the market", { channel: toy.other });
    await room.say("from the room");
    const texts = async (channel: typeof toy.channel) => {
      const said = (await toy.standing(channel)).map((one) => one.text.replace(/^\w+: /, ""));
      return said.filter((text) => text.startsWith("from")).toSorted();
    };
    const all = ["from the market", "from the plaza", "from the room"];
    await until(async () => (await texts(toy.channel)).length >= 3 && (await texts(toy.other)).length >= 3, "everything everywhere");
    assert.deepEqual([await texts(toy.channel), await texts(toy.other)], [all, all]);
  });

  test("what a room cannot be told, the admin room hears", async () => {
    town = await openTown();
    const admins = await town.ann.createRoom({ preset: "private_chat", invite: [BOT] });
    await admins.find({ sender: BOT, body: /I am the bridge/ });
    await town.stopBridge();
    await town.startBridge({ admin_room: admins.id });
    await cause(town.toy.faults.mute as ToyFault);
    await town.room.setPower((levels) => ({ ...levels, events: { ...(levels["events"] as object), "m.room.message": 60 } }));
    await town.room.say("nobody lets me speak");
    await admins.find({ sender: BOT, body: /could not be told: This did not reach Toy/ });
  });

  test("what could not be delivered for days is given up, and its author told", async () => {
    const { room, toy } = await open({ config: { bridge: { give_up_days: 0.0001 } } });
    await cause(toy.faults.down as ToyFault);
    await room.say("waits for days");
    await room.find({ sender: BOT, body: /Given up after trying for days/ });
  });

  test("a link that ends while a message is on its way leaves nothing behind", async () => {
    const { room, toy } = await open({ permissions: { "*": "admin" } });
    assert.ok(typeof toy.faults.slow === "function");
    await toy.faults.slow(300);
    await room.say("on its way");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await room.say("!causeway unlink toy town plaza --yes");
    await room.find({ sender: BOT, body: /is ended/ });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok(!(await notices()).some((text) => /did not reach/.test(text)));
    await room.say("!causeway status");
    await room.find({ sender: BOT, body: /Nothing is linked/ });
  });
});
