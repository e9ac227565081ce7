/** Who is there, and what the room is: comings and goings where they are wanted, powers, moderation, names and pictures. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

const PLAZA = "#_toy_town/plaza:test.local";
const ALICE = "@_toy_town/u1:test.local";
const BOB = "@_toy_town/u2:test.local";

describe("Membership", () => {
  let town: Town;
  afterEach(() => town.close());

  async function open(options: TownOptions = {}): Promise<MatrixRoom> {
    const settings = { readers: "open", membership: true, ...options.settings } as const;
    town = await openTown({ permissions: { "*": "admin" }, ...options, settings });
    return town.room;
  }

  const ghosts = async () => (await town.room.joined()).filter((who) => who.startsWith("@_toy_"));
  /** Comings and goings of ghosts, as the homeserver knows them. */
  const changes = () =>
    town.hs
      .timeline(town.room.id)
      .filter(
        ({ type, state_key: who, content }) => type === "m.room.member" && who?.startsWith("@_toy_") && content["membership"] !== "invite",
      );

  function newcomers(size: number): string[] {
    return Array.from({ length: size }, (_, number) => town.service.addAccount(`Newcomer ${number}`).id);
  }

  function comes(account: string): void {
    town.service.perform("u1", "toy-client", "invite", { channel: "town/plaza", account });
  }

  function leaves(account: string): void {
    town.service.perform(account, "toy-client", "leave", { channel: "town/plaza" });
  }

  async function there(...who: string[]): Promise<void> {
    await until(
      async () => JSON.stringify((await ghosts()).toSorted()) === JSON.stringify(who.toSorted()),
      `there are ${who.join(", ")}`,
      15_000,
    );
  }

  describe("who comes and goes", () => {
    test("is not shown unless the link says so: a ghost is there when it has spoken", async () => {
      const room = await open({ settings: { membership: false } });
      await town.toy.bob.leave?.();
      await town.toy.bob.join?.();
      await town.toy.alice.say("I speak");
      await room.next({ body: "I speak" });
      assert.deepEqual(await ghosts(), [ALICE]);
      await town.toy.alice.leave?.();
      await town.toy.alice.join?.();
      await town.toy.alice.say("and again");
      await room.next({ body: "and again" });
      assert.equal(changes().length, 1);
    });

    test("is shown where it does: all who are there, then whoever comes and goes", async () => {
      await open();
      const mira = "@_toy_town/u4:test.local";
      await there(ALICE, BOB, mira);
      await town.toy.bob.leave?.();
      await there(ALICE, mira);
      await town.toy.bob.join?.();
      await there(ALICE, BOB, mira);
    });

    test("whoever goes while their coming is still under way does not stay for ever", async () => {
      await open({ config: { bridge: { joins_per_minute: 600 } } });
      await until(async () => (await ghosts()).length === 3, "all are there");
      const crowd = newcomers(30);
      const last = crowd.at(-1) as string;
      const ghost = `@_toy_town/${last}:test.local`;
      town.hs.faults.add({ kind: "reply-slow", ms: 200, times: 0, match: { user: ghost } });
      town.hs.faults.add({ kind: "push-slow", ms: 300, times: 0, match: { type: "m.room.member" } });
      for (const account of crowd) comes(account);
      await until(async () => (await ghosts()).includes(ghost), "the last of them comes");
      leaves(last);
      await until(async () => !(await ghosts()).includes(ghost), "and has gone");
    });

    test("what was missed is made good after a downtime: who left is gone, who came is there", async () => {
      await open();
      await until(async () => (await ghosts()).length === 3, "all are there");
      await town.stopBridge();
      leaves("u4");
      const [one] = newcomers(1) as [string];
      comes(one);
      town.service.forget("u3");
      await town.startBridge();
      await there(ALICE, BOB, `@_toy_town/${one}:test.local`);
    });

    test("a list that is not complete makes nobody leave", async () => {
      const room = await open();
      await until(async () => (await ghosts()).length === 3, "all are there");
      await town.stopBridge();
      leaves("u4");
      town.service.hidesMembers = true;
      town.service.forget("u3");
      await town.startBridge();
      await town.toy.alice.say("who is left?");
      await room.next({ body: "who is left?" });
      assert.equal((await ghosts()).length, 3);
    });

    test("five hundred who come at once join a few a minute, in their order with what they say", async () => {
      await open({ config: { bridge: { joins_per_minute: 60, changes_per_hour: 1000, most_members: 1000 } } });
      await until(async () => (await ghosts()).length === 3, "all are there");
      const before = changes().length;
      const crowd = newcomers(500);
      const begun = Date.now();
      for (const account of crowd) comes(account);
      const body = [{ type: "paragraph", content: [{ type: "text", text: "I cannot wait" }] }];
      const last = crowd.at(-1) as string;
      town.service.perform(last, "toy-client", "post", { channel: "town/plaza", post: { style: "text", body } });
      await town.room.next({ body: "I cannot wait" });
      // Ten at once, then one a second of the bridge's clock, which runs twenty times as fast as ours; and the one who spoke.
      const allowed = 10 + Math.ceil(((Date.now() - begun) / 1000) * 20) + 2;
      assert.ok(changes().length - before <= allowed, `${changes().length - before} of ${allowed}`);
    });

    test("a channel of two thousand shows only those who speak, and says so", async () => {
      const prepare: TownOptions["prepare"] = (service) => {
        const plaza = service.channels.get("town/plaza");
        for (let number = 0; number < 2_000; number += 1) plaza?.members.add(service.addAccount(`Crowd ${number}`).id);
      };
      const room = await open({ prepare });
      await room.next({ sender: BOT, body: /more than 300 people in the channel/ });
      await town.toy.alice.say("hello, crowd");
      await room.next({ body: "hello, crowd" });
      assert.deepEqual(await ghosts(), [ALICE]);
    });

    test("too much coming and going stops being shown, is told once, and is made good when it has calmed down", async () => {
      await open({ config: { bridge: { changes_per_hour: 10, joins_per_minute: 6000 } } });
      await until(async () => (await ghosts()).length === 3, "all are there");
      const crowd = newcomers(30);
      for (const account of crowd) comes(account);
      await town.room.next({ sender: BOT, body: /More than 10 people came and went within an hour/ });
      for (const account of crowd) leaves(account);
      await town.toy.alice.say("quiet, please");
      await town.room.next({ body: "quiet, please" });
      assert.ok(changes().length <= 3 + 10 + 10);
      const told = (await town.room.timeline()).filter((event) => /came and went/.test(String(event.content["body"])));
      assert.equal(told.length, 1);
    });

    test("somebody who is renamed is renamed", async () => {
      const room = await open();
      await until(async () => (await ghosts()).length === 3, "all are there");
      await town.toy.bob.rename?.("Robert");
      await town.toy.bob.say("call me Robert");
      await room.next({ body: "call me Robert" });
      assert.equal((await room.state("m.room.member", BOB))["displayname"], "Robert");
    });
  });

  describe("who is removed", () => {
    test("over there is removed here, with who did it and why", async () => {
      const room = await open({ settings: { membership: false } });
      await town.toy.bob.say("nuisance");
      await room.next({ body: "nuisance" });
      town.service.perform("u1", "toy-client", "kick", { channel: "town/plaza", account: "u2" });
      await until(async () => !(await ghosts()).includes(BOB), "Bob is gone");
      assert.match(String((await room.state("m.room.member", BOB))["reason"]), /^removed/);
    });

    test("here is removed over there, where the link shows who comes and goes", async () => {
      const room = await open();
      await until(async () => (await ghosts()).includes(BOB), "Bob is there");
      await room.kick(BOB, "enough");
      await until(async () => !town.service.channels.get("town/plaza")?.members.has("u2"), "Bob is out of the channel");
    });

    test("here stays over there where it does not, and the room is told", async () => {
      const room = await open({ settings: { membership: false } });
      await town.toy.bob.say("still me");
      await room.next({ body: "still me" });
      await room.kick(BOB);
      await room.next({ sender: BOT, body: /Bob is removed here only/ });
      assert.ok(town.service.channels.get("town/plaza")?.members.has("u2"));
    });

    test("here does not come back by itself after the next connection", async () => {
      const room = await open();
      await until(async () => (await ghosts()).length === 3, "all are there");
      town.service.perform("u1", "toy-client", "channel", { channel: "town/plaza", topic: "no kicking" });
      await room.next({ type: "m.room.topic" });
      await town.stopBridge();
      await room.kick(BOB);
      await town.startBridge();
      town.service.forget("u3");
      town.service.cut();
      await town.toy.alice.say("after it");
      await room.next({ body: "after it" });
      assert.ok(!(await ghosts()).includes(BOB));
    });
  });

  describe("a room that the bridge made", () => {
    async function made(options: TownOptions = {}): Promise<MatrixRoom> {
      const links = [{ network: "toy", channel: "town plaza", readers: "open" }];
      town = await openTown({ ...options, linked: false, config: { links, ...options.config } });
      await until(async () => Boolean(await town.ann.join(PLAZA)), "the room");
      const room = await town.ann.join(PLAZA);
      await until(async () => Boolean(await room.state("uk.half-shot.bridge", "io.causeway.toy/town/plaza")), "the link");
      return room;
    }

    const change = (parameters: Record<string, unknown>) =>
      town.service.perform("u1", "toy-client", "channel", { channel: "town/plaza", ...parameters });
    const users = async (room: MatrixRoom) => (await room.state("m.room.power_levels"))["users"] as Record<string, number>;

    test("gives power to those who have it over there, and takes it with it", async () => {
      const room = await made();
      change({ facts: { powers: { partial: false, levels: { "town/u1": 100, "town/u2": 50 } } } });
      await until(async () => (await users(room))[BOB] === 50 && (await users(room))[ALICE] === 100, "the powers");
      change({ facts: { powers: { partial: true, levels: { "town/u2": 0 } } } });
      await until(async () => (await users(room))[BOB] === undefined, "Bob's is taken");
      assert.equal((await users(room))[ALICE], 100);
    });

    test("lets only some speak while the channel does, whoever speaks there nevertheless is heard, and everybody again after", async () => {
      const room = await made();
      change({ facts: { moderated: true } });
      await room.next({ sender: BOT, body: /Only some may speak/ });
      await until(async () => (await room.state("m.room.power_levels"))["events_default"] === 1, "moderated");
      await assert.rejects(room.say("may I?"), /M_FORBIDDEN/);
      await town.toy.bob.say("I may");
      await room.next({ body: "I may" });
      change({ facts: { moderated: false } });
      await room.next({ sender: BOT, body: /Everybody may speak/ });
      await until(async () => (await room.state("m.room.power_levels"))["events_default"] === 0, "as before");
      await room.say("thank you");
      await town.seen((all) => all.some((one) => one.text === "thank you"), "the message");
    });

    test("has the name, the topic and the picture of its channel", async () => {
      const room = await made();
      const file = await town.service.upload(
        [...town.service.accounts.values()][0]?.token ?? "",
        { name: "tea.png", mimetype: "image/png", kind: "image" },
        Buffer.from("a picture"),
      );
      assert.ok(file.ok);
      change({ name: "The Plaza", topic: "Meet here", facts: { avatar: { id: "one", ref: { file: file.value } } } });
      await until(async () => (await room.state("m.room.name"))["name"] === "The Plaza", "the name");
      await until(async () => (await room.state("m.room.topic"))["topic"] === "Meet here", "the topic");
      await until(async () => typeof (await room.state("m.room.avatar"))["url"] === "string", "the picture");
      const { bytes } = await town.ann.download(String((await room.state("m.room.avatar"))["url"]));
      assert.equal(bytes.toString(), "a picture");
      change({ facts: { avatar: null } });
      await until(async () => (await room.state("m.room.avatar"))["url"] === undefined, "no picture");
    });

    test("looks like its channel after a downtime too", async () => {
      const room = await made();
      await town.stopBridge();
      change({ name: "Renamed meanwhile", topic: "Changed meanwhile" });
      town.service.forget("u3");
      await town.startBridge();
      await until(async () => (await room.state("m.room.name"))["name"] === "Renamed meanwhile", "the name");
      await until(async () => (await room.state("m.room.topic"))["topic"] === "Changed meanwhile", "the topic");
    });
  });

  describe("a room that people made", () => {
    test("keeps its name, its levels and the topic that it had", async () => {
      const prepare: TownOptions["prepare"] = (service) => {
        Object.assign(service.channels.get("town/plaza") ?? {}, {
          topic: "The channel's",
          facts: { powers: { partial: false, levels: { "town/u1": 100 } } },
        });
      };
      town = await openTown({ permissions: { "*": "admin" }, linked: false, prepare });
      const room = town.room;
      await room.setState("m.room.name", { name: "Ours" });
      await room.setState("m.room.topic", { topic: "Ours too" });
      await room.say("!causeway link toy town plaza");
      await room.next({ sender: BOT, body: /now linked/ });
      await town.toy.alice.say("hello");
      await room.next({ body: "hello" });
      assert.equal((await room.state("m.room.name"))["name"], "Ours");
      assert.equal((await room.state("m.room.topic"))["topic"], "Ours too");
      const { users } = (await room.state("m.room.power_levels")) as { users: Record<string, number> };
      assert.equal(users[ALICE], undefined);
    });
  });
});
