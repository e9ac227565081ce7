/** What goes wrong, and what people see of it: nothing lost, nothing twice, everything in order, or a sentence that says what happened. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type Fault as ToyFault } from "../conformance/harness.ts";
import { BOT, openTown, type Town, until } from "./town.ts";

describe("Troubles", () => {
  let town: Town;
  beforeEach(async () => {
    town = await openTown();
  });
  afterEach(() => town.close());

  async function cause(fault: ToyFault | undefined): Promise<void> {
    assert.ok(typeof fault === "function");
    await fault();
  }

  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`);

  async function sayInRoom(texts: readonly string[]): Promise<void> {
    for (const text of texts) await town.room.say(text);
  }

  async function sayInChannel(texts: readonly string[]): Promise<void> {
    for (const text of texts) await town.toy.alice.say(text);
  }

  async function inRoom(): Promise<string[]> {
    const events = (await town.room.timeline()).filter((event) => event.type === "m.room.message" && event.sender.startsWith("@_toy_"));
    return events.map((event) => String(event.content["body"]));
  }

  async function roomShows(texts: readonly string[]): Promise<void> {
    await until(async () => (await inRoom()).length >= texts.length, `the room shows ${texts.length} messages`, 15_000);
    assert.deepEqual(await inRoom(), texts);
  }

  async function channelShows(texts: readonly string[]): Promise<void> {
    await town.seen((all) => all.filter((one) => one.name === "ann").length >= texts.length, `the channel shows ${texts.length} messages`);
    assert.deepEqual(
      (await town.channel()).filter((one) => one.name === "ann").map((one) => one.text),
      texts,
    );
  }

  test("the network is down for a while: what is written waits, arrives once, in order", async () => {
    await cause(town.toy.faults.down as ToyFault);
    await sayInRoom(numbers(1, 5));
    await cause(town.toy.faults.up as ToyFault);
    await channelShows(numbers(1, 5));
  });

  test("the homeserver is down for a while: what is said in the channel waits, arrives once, in order", async () => {
    const down = town.hs.faults.add({ kind: "status", status: 503, times: 0, match: { path: "/_matrix/client" } });
    await sayInChannel(numbers(1, 5));
    await new Promise((resolve) => setTimeout(resolve, 200));
    down.release();
    await roomShows(numbers(1, 5));
  });

  test("the network took a message and its answer was lost: it stands there once", async () => {
    await cause(town.toy.faults.loseReply as ToyFault);
    await sayInRoom(numbers(1, 3));
    await channelShows(numbers(1, 3));
  });

  test("a message was lost on the way to the network: it is sent again", async () => {
    await cause(town.toy.faults.loseSend as ToyFault);
    await sayInRoom(numbers(1, 3));
    await channelShows(numbers(1, 3));
  });

  test("the homeserver took a ghost's message and its answer was lost: it stands there once", async () => {
    town.hs.faults.add({ kind: "reply-lost", match: { method: "PUT", path: "/send/m.room.message" } });
    await sayInChannel(numbers(1, 3));
    await roomShows(numbers(1, 3));
  });

  test("the answer is lost and the homeserver restarts, forgetting transaction ids: the message still stands there once", async () => {
    const lost = town.hs.faults.add({ kind: "reply-lost", match: { method: "PUT", path: "/send/m.room.message" } });
    await sayInChannel(numbers(1, 3));
    await lost.hit;
    await town.hs.restart();
    await roomShows(numbers(1, 3));
  });

  test("a transaction comes again under another id: what is in it crosses once", async () => {
    town.hs.faults.add({ kind: "push-repeated", times: 0 });
    await sayInRoom(numbers(1, 3));
    await channelShows(numbers(1, 3));
    await sayInRoom(["message 4"]);
    await channelShows(numbers(1, 4));
  });

  test("an event that the homeserver never pushed is found after the next start", async () => {
    await sayInRoom(["message 1"]);
    await channelShows(["message 1"]);
    town.hs.faults.add({ kind: "push-lost", match: { type: "m.room.message" } });
    await sayInRoom(["message 2"]);
    await town.stopBridge();
    await town.startBridge();
    await channelShows(numbers(1, 2));
  });

  test("the bridge is stopped while both sides talk: all of it crosses once, in order, with its own time", async () => {
    await sayInRoom(["message 1"]);
    await channelShows(["message 1"]);
    await town.stopBridge();
    await sayInRoom(numbers(2, 6));
    await sayInChannel(numbers(1, 5));
    const before = Date.now();
    await town.startBridge();
    await channelShows(numbers(1, 6));
    await roomShows(numbers(1, 5));
    const events = (await town.room.timeline()).filter((event) => event.sender.startsWith("@_toy_") && event.type === "m.room.message");
    assert.ok(events.every((event) => event.origin_server_ts <= before + 5_000));
  });

  test("edits, deletions and reactions that were missed are made good after a downtime", async () => {
    const ids = [];
    for (const text of ["stays", "is edited", "is deleted", "is liked"]) ids.push(await town.toy.alice.say(text));
    await roomShows(["stays", "is edited", "is deleted", "is liked"]);
    await town.stopBridge();
    await town.toy.alice.edit?.(ids[1] as never, "was edited");
    await town.toy.alice.delete?.(ids[2] as never);
    await town.toy.bob.react?.(ids[3] as never, "👍");
    await cause(town.toy.faults.forget as ToyFault);
    await town.startBridge();
    await town.room.find({ body: "was edited" });
    await town.room.find({ type: "m.reaction" });
    const redaction = await town.room.find({ type: "m.room.redaction" });
    const target = await town.room.event(String(redaction.redacts ?? redaction.content["redacts"]));
    assert.deepEqual(target.content["body"], undefined);
  });

  test("a delivery that comes twice has one effect", async () => {
    await town.toy.alice.say("once");
    await roomShows(["once"]);
    await cause(town.toy.faults.redeliver as ToyFault);
    await town.toy.alice.say("and then");
    await roomShows(["once", "and then"]);
  });

  test("what is redacted while it waits never leaves", async () => {
    await cause(town.toy.faults.down as ToyFault);
    await town.room.say("message 1");
    const slip = await town.room.say("a slip");
    await town.room.say("message 2");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await town.room.redact(slip);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await cause(town.toy.faults.up as ToyFault);
    await channelShows(["message 1", "message 2"]);
  });

  test("a slip that is taken back in the transaction that brings it never leaves", async () => {
    const said = { room_id: town.room.id, sender: town.ann.id, origin_server_ts: Date.now() };
    const slip = { ...said, type: "m.room.message", event_id: "$slip", content: { msgtype: "m.text", body: "a slip" } };
    const taken = { ...said, type: "m.room.redaction", event_id: "$taken", redacts: "$slip", content: { redacts: "$slip" } };
    await town.pushed(JSON.stringify({ events: [slip, taken] }));
    await town.pushed(JSON.stringify({ events: [slip] }));
    await town.room.say("after");
    await channelShows(["after"]);
    // The network gave the first number to what came first.
    assert.ok(!JSON.stringify([...town.service.channels]).includes("a slip"));
  });

  test("what cannot be delivered is told in the room once, and tried again by 🔁", async () => {
    await cause(town.toy.faults.mute as ToyFault);
    const mine = await town.room.say("nobody lets me speak");
    const notice = await town.room.next({ sender: BOT, body: /did not reach Toy/ });
    assert.equal((notice.content["m.relates_to"] as { "m.in_reply_to": { event_id: string } })["m.in_reply_to"].event_id, mine);
    assert.equal(notice.content["msgtype"], "m.notice");
    await town.room.react(notice, "🔁");
    await town.room.next({ sender: BOT, body: /did not reach Toy/ });
    const notices = (await town.room.timeline()).filter(
      (event) => event.sender === BOT && /did not reach/.test(String(event.content["body"])),
    );
    assert.equal(notices.length, 2);
  });

  test("somebody else's mark on a message does not pass for ours", async () => {
    await town.toy.alice.say("marked");
    const marked = await town.room.next({ body: "marked" });
    const mark = marked.content["io.causeway.origin"];
    await town.room.say("copied mark", { "io.causeway.origin": mark });
    await town.seen((all) => all.some((one) => one.text === "copied mark"), "the message with the copied mark");
  });

  test("a room that becomes encrypted is closed, and says so", async () => {
    await town.room.setState("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
    await town.room.next({ sender: BOT, body: /encrypted/ });
    await town.room.say("in clear by mistake");
    await town.toy.alice.say("not to be shown");
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(!(await town.texts()).includes("in clear by mistake"));
    assert.deepEqual(await inRoom(), []);
  });

  test("a channel that becomes secret closes a room that anyone may enter, each time; both are told, and what waited crosses when it opens", async () => {
    const turns = (unlisted: boolean) =>
      town.service.perform("u1", "toy-client", "channel", { channel: "town/plaza", facts: { unlisted } });
    // Left to the bridge, the room would be made invite-only.
    const powers = await town.room.state("m.room.power_levels");
    await town.room.setState("m.room.power_levels", { ...powers, events: { "m.room.join_rules": 100 } });
    await town.room.setState("m.room.join_rules", { join_rule: "public" });
    for (const time of ["first", "second"]) {
      turns(true);
      await town.room.next({ sender: BOT, body: /secret, and anyone may join this room\. Nothing crosses until this room lets in only/ });
      await town.room.say(`kept ${time}`);
      await town.toy.alice.say(`hidden ${time}`);
      turns(false);
      await town.room.next({ sender: BOT, body: /what waited crosses now/ });
      await town.room.next({ body: `hidden ${time}` });
      await town.seen((all) => all.some(({ text }) => text === `kept ${time}`), `what was kept the ${time} time`);
    }
  });

  test("an upgraded room is followed", async () => {
    await town.room.say("before");
    await channelShows(["before"]);
    const next = await town.room.upgrade("12");
    await next.invite(BOT);
    await until(async () => (await next.joined()).includes(BOT), "the bot is in the new room");
    await town.toy.alice.say("in the new room");
    await next.next({ body: "in the new room" });
    await next.say("after");
    await channelShows(["before", "after"]);
  });

  test("one who is opted out is not relayed, and is again after opting in", async () => {
    await town.room.say("!causeway optout");
    await town.room.next({ sender: BOT, body: /nothing that you write is relayed/ });
    await town.room.say("private");
    await town.room.say("!causeway optin");
    await town.room.next({ sender: BOT, body: /relayed again/ });
    await town.room.say("public");
    await channelShows(["public"]);
  });

  test("a ghost that was removed while nobody listened joins again when it speaks", async () => {
    await town.toy.alice.say("before");
    await roomShows(["before"]);
    await town.stopBridge();
    town.hs.faults.add({ kind: "push-lost", times: 0, match: { type: "m.room.member" } });
    await town.room.kick("@_toy_town/u1:test.local");
    await town.startBridge();
    await town.toy.alice.say("after");
    await roomShows(["before", "after"]);
  });

  test("a ghost that was banned stays out, and the room is told", async () => {
    await town.toy.alice.say("before");
    await roomShows(["before"]);
    await town.room.ban("@_toy_town/u1:test.local");
    await town.toy.alice.say("after");
    await town.toy.bob.say("others go on");
    await roomShows(["before", "others go on"]);
    await town.room.next({ sender: BOT, body: /could not be shown here/ });
  });
});
