/** How a link ends: nothing is left behind, nobody is in a hurry, and nothing ends that nobody ended. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

const PLAZA = "#_toy_town/plaza:test.local";
const STATE = "io.causeway.toy/town/plaza";

describe("Unlinking", () => {
  let town: Town;
  afterEach(() => town.close());

  async function open(options: TownOptions = {}): Promise<MatrixRoom> {
    town = await openTown({ permissions: { "*": "admin" }, ...options });
    return town.room;
  }

  async function ask(room: MatrixRoom, words: string): Promise<string> {
    await room.skip();
    await room.say(words);
    return String((await room.next({ sender: BOT, type: "m.room.message" })).content["body"]);
  }

  /** In the room and in no other. */
  const ghosts = async (room: MatrixRoom) => (await room.joined()).filter((who) => who.startsWith("@_toy_"));

  async function gone(room: MatrixRoom): Promise<void> {
    await until(async () => (await ghosts(room)).length === 0, "the ghosts have left", 20_000);
  }

  /** So many people say something, so that their ghosts are there. */
  async function crowd(size: number): Promise<void> {
    for (let number = 0; number < size; number += 1) {
      const { id } = town.service.addAccount(`Crowd ${number}`);
      town.service.channels.get("town/plaza")?.members.add(id);
      const body = [{ type: "paragraph", content: [{ type: "text", text: `I am number ${number}` }] }];
      town.service.perform(id, "toy-client", "post", { channel: "town/plaza", post: { style: "text", body } });
    }
    await until(async () => (await ghosts(town.room)).length >= size, "the crowd is there", 20_000);
  }

  async function chat(who: MatrixUser): Promise<MatrixRoom> {
    const room = await who.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
    await room.next({ sender: BOT, body: /!causeway link/ });
    return room;
  }

  async function join(alias: string): Promise<MatrixRoom> {
    await until(async () => Boolean(await town.ann.join(alias)), alias);
    return await town.ann.join(alias);
  }

  test("afterwards nothing is left: no ghosts, no alias, no space, no entry in the directory, no state, and the network is told", async () => {
    await open({ linked: false });
    await town.stopBridge();
    const links = [{ network: "toy", channel: "town plaza", readers: "open", directory: true }];
    await town.startBridge({ links });
    const room = await join(PLAZA);
    const space = await join("#_toy_town:test.local");
    await until(async () => Boolean(await room.state("uk.half-shot.bridge", STATE)), "the link");
    await until(async () => "via" in (await space.state("m.space.child", room.id)), "the space");
    const listed = async () => ((await town.ann.call("GET", "/publicRooms"))["chunk"] as unknown[]).length;
    await until(async () => (await listed()) === 1, "the directory");
    await town.toy.alice.say("here I am");
    await room.next({ body: "here I am" });
    assert.match(await ask(await chat(town.ann), "unlink toy town plaza"), /is ended/);
    await gone(room);
    await until(async () => Object.keys(await room.state("uk.half-shot.bridge", STATE)).length === 0, "the state is gone");
    await until(async () => !("via" in (await space.state("m.space.child", room.id))), "the space lets go");
    await until(async () => !("alias" in (await room.state("m.room.canonical_alias"))), "the alias is gone");
    await assert.rejects(town.ann.call("GET", `/directory/room/${encodeURIComponent(PLAZA)}`), /M_NOT_FOUND/);
    assert.equal(await listed(), 0);
    await until(async () => town.service.left.includes("town/plaza"), "the network is told");
    await until(async () => !(await space.joined()).includes(BOT), "the empty space is given up");
    await town.toy.alice.say("nobody there hears this");
    assert.match(await ask(room, "!causeway status"), /Nothing is linked/);
  });

  test("the ghosts leave a few a minute, and go on leaving after a restart", async () => {
    const room = await open({ config: { bridge: { joins_per_minute: 60 } } });
    await crowd(40);
    assert.match(await ask(room, "!causeway unlink"), /little by little/);
    await until(async () => (await ghosts(room)).length < 40, "the first have left");
    assert.ok((await ghosts(room)).length > 20);
    await town.stopBridge();
    const left = (await ghosts(room)).length;
    assert.ok(left > 0);
    await town.startBridge({ links: [], bridge: { joins_per_minute: 600 } });
    await gone(room);
  });

  test("people who are in another channel that is linked to the room stay", async () => {
    const room = await open();
    assert.match(await ask(room, "!causeway link toy town market"), /now linked/);
    town.service.perform("u2", "toy-client", "leave", { channel: "town/market" });
    await town.toy.alice.say("in both");
    await room.next({ body: "in both" });
    await town.toy.bob.say("in one");
    await room.next({ body: "in one" });
    await ask(room, "!causeway unlink toy town plaza");
    await until(async () => !(await ghosts(room)).includes("@_toy_town/u2:test.local"), "Bob leaves");
    assert.deepEqual(await ghosts(room), ["@_toy_town/u1:test.local"]);
  });

  test("an admin of the bridge ends a link from anywhere, also where nobody has power any more", async () => {
    const room = await open({ permissions: { "*": "user", "@root:test.local": "admin" } });
    await town.toy.alice.say("still here");
    await room.next({ body: "still here" });
    await room.setPower((levels) => ({ ...levels, users: {}, state_default: 100, kick: 100 }));
    const admins = await chat(await town.hs.user("root"));
    assert.match(await ask(admins, "links"), /#1: toy town\/plaza ↔ !/);
    assert.match(await ask(admins, "unlink toy town plaza --yes"), /is ended/);
    await gone(room);
    await until(async () => town.service.left.includes("town/plaza"), "the network is told");
  });

  test("nobody else ends it from elsewhere", async () => {
    await open({ permissions: { "*": "user" } });
    const eves = await chat(await town.hs.user("eve"));
    assert.match(await ask(eves, "unlink toy town plaza"), /not linked to this room|Only someone with power/);
    assert.match(await ask(eves, "links"), /Only an admin/);
    assert.match(await ask(town.room, "!causeway status"), /town\/plaza: connected/);
  });

  test("a network that is away is told when it is back", async () => {
    const room = await open();
    await town.toy.alice.say("before");
    await room.next({ body: "before" });
    const { down, up } = town.toy.faults as { down(): Promise<void>; up(): Promise<void> };
    await down();
    await ask(room, "!causeway unlink");
    await gone(room);
    assert.deepEqual(town.service.left, []);
    await up();
    await until(async () => town.service.left.includes("town/plaza"), "the network is told", 10_000);
  });

  test("linked anew while the ghosts still leave, the channel keeps its link", async () => {
    const room = await open({ config: { bridge: { joins_per_minute: 60 } } });
    await crowd(20);
    await ask(room, "!causeway unlink");
    assert.match(await ask(room, "!causeway link toy town plaza"), /now linked/);
    await until(async () => (await room.state("uk.half-shot.bridge", STATE))["channel"] !== undefined, "the state");
    await town.toy.alice.say("back again");
    await room.next({ body: "back again" });
    await room.say("so we are");
    await town.seen((all) => all.some((one) => one.text === "so we are"), "the message");
    assert.ok((await ghosts(room)).length > 0);
  });

  test("a link that is left out of the config waits and says so; put back, it goes on", async () => {
    const room = await open();
    await town.stopBridge();
    await town.startBridge({ links: [] });
    await room.next({ sender: BOT, body: /no longer in the bridge's config/ });
    assert.match(await ask(room, "!causeway status"), /no longer in the config/);
    await room.say("meanwhile");
    await town.stopBridge();
    await town.startBridge();
    await town.seen((all) => all.some((one) => one.text === "meanwhile"), "what waited");
  });

  test("a link of the config that was ended stays so, until it was taken out and put back", async () => {
    const room = await open();
    assert.match(await ask(room, "!causeway unlink"), /take it out there too/);
    await town.stopBridge();
    await town.startBridge();
    assert.match(await ask(room, "!causeway status"), /Nothing is linked/);
    await town.stopBridge();
    await town.startBridge({ links: [] });
    await ask(room, "!causeway status");
    await town.stopBridge();
    await town.startBridge();
    await until(async () => /connected/.test(await ask(room, "!causeway status")), "it is linked again");
  });

  for (const by of ["a command", "the config"]) {
    test(`a link made by ${by} waits while the bot is out of its room, the admins hear of it, and it goes on when the bot is back`, async () => {
      const room = await open({ linked: by === "the config" });
      if (by === "a command") await ask(room, "!causeway link toy town plaza");
      const admins = await chat(town.ann);
      await town.stopBridge();
      await town.startBridge({ admin_room: admins.id });
      await room.kick(BOT, "by mistake");
      await admins.find({ sender: BOT, body: /removed the bridge bot from .* nothing crosses there\. Invited again, it goes on/ });
      await until(async () => /was removed from the room/.test(await ask(admins, "links")), "the link waits");
      await town.toy.alice.say("said meanwhile");
      await room.invite(BOT);
      await room.next({ body: "said meanwhile" }, 15_000);
      // The past is read again at a start: an old kick closes nothing.
      for (const text of ["after a start", "and another"]) {
        await town.stopBridge();
        await town.startBridge();
        await town.toy.alice.say(text);
        await room.next({ body: text }, 15_000);
      }
    });
  }

  test("a link whose room does not want the bot back is ended by an admin, from anywhere", async () => {
    const room = await open({ linked: false });
    await ask(room, "!causeway link toy town plaza");
    await town.toy.alice.say("hello");
    await room.next({ body: "hello" });
    const admins = await chat(town.ann);
    await room.kick(BOT, "no more of this");
    await until(async () => /was removed from the room/.test(await ask(admins, "links")), "the link waits");
    assert.match(await ask(admins, "unlink #1 --yes"), /is ended/);
    await gone(room);
    await until(async () => town.service.left.includes("town/plaza"), "the network is told");
  });

  test("a direct chat with the bot that was left is let go, and a new one is as good", async () => {
    await open();
    const first = await chat(town.ann);
    await first.leave();
    await until(async () => town.hs.timeline(first.id).at(-1)?.sender === BOT, "the bot leaves too");
    const second = await chat(town.ann);
    assert.match(await ask(second, "links"), /#1/);
  });
});
