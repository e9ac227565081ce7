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

  async function shown(): Promise<string[]> {
    const events = (await town.room.timeline()).filter((event) => event.type === "m.room.message" && event.sender.startsWith("@_toy_"));
    return events.map((event) => String(event.content["body"]));
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
    assert.equal((await notices()).filter((text) => /did not reach/.test(text)).length, 5);
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
});
