/** Rooms that move: only the old room itself says where its links go, and the new room is judged as any other. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { BOT, openTown, type Town, until } from "./town.ts";

describe("A room that is replaced", () => {
  let town: Town;
  afterEach(() => town.close());

  const linkedRoom = async (room: string): Promise<boolean> =>
    (await town.ann.in(room).state("uk.half-shot.bridge", "io.causeway.toy/town/plaza"))["channel"] !== undefined;

  test("a stranger's room that names ours as its predecessor gets nothing of what is said, and takes nothing away", async () => {
    town = await openTown();
    const eve = await town.hs.user("eve");
    const trap = await eve.createRoom({
      preset: "private_chat",
      creation_content: { predecessor: { room_id: town.room.id, event_id: "$any" } },
    });
    await trap.invite(BOT);
    await trap.find({ sender: BOT, body: /^I am the bridge/ });
    // The link moves before the bot greets, if it moves: what comes now shows where it is.
    await town.toy.alice.say("for ours alone");
    await town.room.find({ body: "for ours alone" });
    await trap.say("from the stranger");
    await town.room.say("from ours");
    await town.seen((all) => all.some(({ text }) => text === "from ours"), "what is said in our room");
    assert.deepEqual(await town.texts(), ["for ours alone", "from ours"]);
    assert.ok(!(await trap.timeline()).some((event) => event.content["body"] === "for ours alone"));
    assert.ok(await linkedRoom(town.room.id));
  });

  test("a stranger's room stays a stranger's when our room has moved to another", async () => {
    town = await openTown();
    const eve = await town.hs.user("eve");
    const next = await town.room.upgrade("12");
    const trap = await eve.createRoom({ preset: "private_chat", creation_content: { predecessor: { room_id: town.room.id } } });
    await trap.invite(BOT);
    await trap.find({ sender: BOT, body: /^I am the bridge/ });
    await next.invite(BOT);
    await town.toy.alice.say("for the new room alone");
    await next.find({ body: "for the new room alone" });
    assert.ok(!(await trap.timeline()).some((event) => event.content["body"] === "for the new room alone"));
  });

  test("the new room of a private channel that anyone may join is closed before anything is said in it", async () => {
    town = await openTown({
      prepare: (service) => void Object.assign(service.channels.get("town/plaza")?.facts ?? {}, { visibility: "private" }),
    });
    const next = await town.room.upgrade("12");
    await next.setPower((levels) => ({ ...levels, users: { [BOT]: 100 } }));
    await next.setState("m.room.join_rules", { join_rule: "public" });
    await town.toy.alice.say("among us");
    await next.invite(BOT);
    await next.find({ body: "among us" });
    assert.equal((await next.state("m.room.join_rules"))["join_rule"], "invite");
    await next.find({
      sender: BOT,
      body: /is private, and anyone may join this room\. So from now on this room lets in only those who are invited/,
    });
    const order = (await next.timeline()).map((event) =>
      event.type === "m.room.join_rules" ? event.content["join_rule"] : event.content["body"],
    );
    assert.ok(order.lastIndexOf("invite") < order.indexOf("among us"));
  });

  test("a new room that anyone may join and that the bridge cannot close waits, and crosses once a person has closed it", async () => {
    town = await openTown({
      prepare: (service) => void Object.assign(service.channels.get("town/plaza")?.facts ?? {}, { visibility: "private" }),
    });
    const next = await town.room.upgrade("12");
    await next.setPower((levels) => ({ ...levels, events: { ...(levels["events"] as object), "m.room.join_rules": 100 } }));
    await next.setState("m.room.join_rules", { join_rule: "public" });
    await town.toy.alice.say("among us");
    await next.invite(BOT);
    await next.find({ sender: BOT, body: /is private, and anyone may join this room\. Nothing crosses until/ });
    await next.say("kept here");
    assert.ok(!(await next.timeline()).some((event) => event.content["body"] === "among us"));
    assert.deepEqual(await town.texts(), ["among us"]);
    await next.setState("m.room.join_rules", { join_rule: "invite" });
    await next.find({ body: "among us" });
    await town.seen((all) => all.some(({ text }) => text === "kept here"), "what was kept");
  });

  test("the way into a room of version 12, whose id names no server, leads over the servers of those who were in the old one", async () => {
    town = await openTown();
    await town.room.setState("m.room.join_rules", { join_rule: "public" });
    const joins = town.hs.faults.add({ kind: "reply-slow", ms: 1, match: { method: "POST", path: "via=test.local" } });
    const next = await town.room.upgrade("12");
    assert.ok(!next.id.includes(":"));
    await until(async () => (await next.joined()).includes(BOT), "the bot is in the new room, uninvited");
    assert.equal(joins.hits, 1);
    await town.toy.alice.say("in the new room");
    await next.find({ body: "in the new room" });
  });
});
