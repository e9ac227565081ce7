/** Who reads along: told when the link is made, or named one by one before anything is shown; and who does not want to be relayed. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

describe("Readers", () => {
  let town: Town;
  afterEach(() => town.close());

  async function open(options: TownOptions = {}): Promise<MatrixRoom> {
    town = await openTown({ permissions: { "*": "admin" }, ...options });
    return town.room;
  }

  /** The bot may decide who reads what. */
  async function openVisible(options: TownOptions = {}): Promise<MatrixRoom> {
    const room = await open({ linked: false, ...options });
    await letBotDecide();
    await town.stopBridge();
    await town.startBridge({ links: [{ network: "toy", channel: "town plaza", room: room.id, readers: "visible" }] });
    await says(/^Everyone|reading along in Matrix: ann\./i);
    return room;
  }

  async function letBotDecide(): Promise<void> {
    await town.room.setPower((levels) => ({
      ...levels,
      events: { ...(levels["events"] as object), "m.room.history_visibility": 50 },
    }));
  }

  const told = () => town.told();

  /** The bridge says it in the channel. */
  async function says(text: RegExp): Promise<void> {
    await until(async () => (await told()).some((one) => text.test(one)), `the bridge says ${text}`).catch(async (error: Error) => {
      throw new Error(`${error.message}; it says ${JSON.stringify(await told())}`);
    });
  }

  async function inRoom(): Promise<string[]> {
    const events = (await town.room.timeline()).filter((event) => event.type === "m.room.message" && event.sender.startsWith("@_toy_"));
    return events.map((event) => String(event.content["body"]));
  }

  async function bring(name: string): Promise<MatrixUser> {
    const user = await town.hs.user(name);
    await town.room.invite(user.id);
    await user.join(town.room.id);
    return user;
  }

  async function link(room: MatrixRoom): Promise<void> {
    await room.skip();
    await room.say("!causeway link toy town plaza");
    await room.next({ sender: BOT, body: /now linked/ });
  }

  describe("announced, as it is unless somebody says otherwise", () => {
    test("the channel is told once, when the link is made, and the room does not hear it back", async () => {
      const room = await open({ linked: false });
      await link(room);
      await says(/^This channel is bridged to Matrix: what is said here can be read there\..*!causeway optout/);
      await town.stopBridge();
      town.service.forget("u3");
      await town.startBridge();
      await town.toy.alice.say("so I see");
      await room.next({ body: "so I see" });
      assert.equal((await told()).length, 1);
      assert.deepEqual(await inRoom(), ["so I see"]);
    });

    test("nothing is said where the link is open", async () => {
      const room = await open();
      await town.toy.alice.say("anybody?");
      await room.next({ body: "anybody?" });
      assert.deepEqual(await told(), []);
    });

    test("the answer to it is lost: it stands there once", async () => {
      const room = await open({ linked: false });
      await (town.toy.faults.loseReply as () => Promise<void>)();
      await link(room);
      await says(/^This channel is bridged/);
      await room.say("after it");
      await town.seen((all) => all.some((one) => one.text === "after it"), "the message");
      assert.equal((await told()).length, 1);
    });

    test("a channel that cannot be told: the room hears of it, and can tell it itself", async () => {
      const room = await open({ linked: false });
      await (town.toy.faults.mute as () => Promise<void>)();
      await link(room);
      await room.find({ sender: BOT, body: /could not be told that it is read here/ });
    });

    test("a link of the config that is to be announced from now on is announced", async () => {
      await open();
      await town.stopBridge();
      await town.startBridge({ links: [{ network: "toy", channel: "town plaza", room: town.room.id, readers: "announced" }] });
      await says(/^This channel is bridged/);
    });
  });

  describe("visible", () => {
    test("everyone in the room is named in the channel before anything is shown, and newcomers before the next", async () => {
      const room = await openVisible();
      await says(/Everyone who reads along there is named here/);
      await town.toy.alice.say("hello ann");
      await room.next({ body: "hello ann" });
      const eve = await bring("eve");
      await says(/^Reading along in Matrix: eve\.$/);
      await town.toy.alice.say("hello eve");
      await room.next({ body: "hello eve" });
      await eve.in(room.id).leave();
      await says(/^No longer reading along: eve\.$/);
    });

    test("nothing is shown while the channel cannot be told who came", async () => {
      const room = await openVisible();
      const { down, up } = town.toy.faults as { down(): Promise<void>; up(): Promise<void> };
      await town.toy.alice.say("before");
      await room.next({ body: "before" });
      town.service.muted.add("u3 town/plaza");
      await bring("eve");
      await until(async () => Boolean(await room.find({ sender: BOT, body: /could not be told/ })), "the room is told");
      await town.toy.alice.say("not for her yet");
      await down();
      await up();
      assert.deepEqual(await inRoom(), ["before"]);
      town.service.muted.clear();
      await room.next({ body: "not for her yet" }, 20_000);
      await says(/^Reading along in Matrix: eve\.$/);
    });

    test("whoever cannot be named is left out, and nobody else is held up", async () => {
      const room = await openVisible();
      const eve = await town.hs.user("eve");
      const chat = await eve.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
      await chat.next({ sender: BOT, body: /!causeway link/ });
      await chat.say("optout");
      await chat.next({ sender: BOT, body: /nothing that you write/ });
      await room.invite(eve.id);
      await eve.join(room.id);
      await town.toy.alice.say("who is there?");
      await room.next({ body: "who is there?" });
      assert.ok(!(await room.joined()).includes(eve.id));
      const removal = await room.find((event) => event.state_key === eve.id && event.content["membership"] === "leave");
      assert.match(String(removal.content["reason"]), /read along unseen/);
      assert.ok(!(await told()).some((one) => one.includes("eve")));
    });

    test("where the bot may not leave anybody out, nothing is shown until they are gone, and the room is told who it is", async () => {
      const room = await openVisible({ permissions: { "*": "admin", "@eve:test.local": "block" } });
      await room.setPower((levels) => ({ ...levels, kick: 100 }));
      const eve = await bring("eve");
      await town.toy.alice.say("held back");
      await room.next({ sender: BOT, body: /cannot be shown who this is: @eve:test\.local/ });
      assert.deepEqual(await inRoom(), []);
      await eve.in(room.id).leave();
      await room.next({ body: "held back" });
    });

    test("what was said before they came is not for them", async () => {
      const room = await openVisible();
      await town.toy.alice.say("early");
      await room.next({ body: "early" });
      assert.equal((await room.state("m.room.history_visibility"))["history_visibility"], "joined");
      const eve = await bring("eve");
      await town.toy.alice.say("late");
      await eve.in(room.id).find({ body: "late" });
      assert.ok(!(await eve.in(room.id).timeline()).some((event) => event.content["body"] === "early"));
    });

    test("where the bot may not set the room's history so, the room is told, and nothing is shown until somebody does", async () => {
      const room = await open({ settings: { readers: "visible" } });
      await town.toy.alice.say("patience");
      await room.next({ sender: BOT, body: /history must be for members only/ });
      assert.deepEqual(await inRoom(), []);
      await room.setState("m.room.history_visibility", { history_visibility: "joined" });
      await room.next({ body: "patience" });
    });

    test("someone who is in the channel by a login of their own is seen there, and not named", async () => {
      const room = await openVisible();
      const mira = await town.hs.user("mira");
      const chat = await mira.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
      await chat.next({ sender: BOT, body: /!causeway link/ });
      await chat.say("login toy");
      await chat.next({ sender: BOT, body: /token/ });
      await chat.say(String(town.toy.own?.secrets["token"]));
      await chat.next({ sender: BOT, body: /Signed in/ });
      await bring("mira");
      await town.toy.alice.say("hello mira");
      await room.next({ body: "hello mira" });
      await bring("eve");
      await says(/eve\.$/);
      assert.ok(!(await told()).some((one) => one.includes("mira")));
    });

    test("nobody is named twice, not even after a restart", async () => {
      const room = await openVisible();
      await bring("eve");
      await says(/eve/);
      await town.stopBridge();
      town.service.forget("u3");
      await town.startBridge({ links: [{ network: "toy", channel: "town plaza", room: room.id, readers: "visible" }] });
      await town.toy.alice.say("still the same");
      await room.next({ body: "still the same" });
      assert.equal((await told()).length, 3);
    });

    test("a room with a second channel, whose readers nobody knows, is shown nothing", async () => {
      const room = await openVisible();
      await room.say("!causeway link toy town market");
      await room.next({ sender: BOT, body: /now linked/ });
      await town.toy.alice.say("between us");
      await room.next({ sender: BOT, body: /who reads in the channel on Toy is not known/ });
      assert.deepEqual(await inRoom(), []);
      await room.say("still works this way");
      await town.seen((all) => all.some((one) => one.text === "still works this way"), "the message");
    });
  });

  describe("opting out", () => {
    const commands = async (words: string, answer: RegExp) => {
      await town.toy.alice.command?.(words);
      await until(async () => answer.test((await town.toy.answers?.())?.at(-1) ?? ""), "the answer");
    };

    test("someone on the network who does not want to be relayed is not, nor are their reactions; what was said is taken back all the same", async () => {
      const room = await open();
      const early = await town.toy.alice.say("said before");
      const event = await room.next({ body: "said before" });
      const bobs = await town.toy.bob.say("bob speaks");
      await room.next({ body: "bob speaks" });
      await commands("optout", /nothing that you write/);
      await town.toy.alice.say("private");
      await town.toy.alice.react?.(bobs as never, "👍");
      await town.toy.alice.edit?.(early as never, "changed after");
      await town.toy.alice.delete?.(early as never);
      const redaction = await room.next({ type: "m.room.redaction" });
      assert.equal(redaction.redacts ?? redaction.content["redacts"], event.event_id);
      await commands("optin", /relayed again/);
      await town.toy.alice.say("public");
      await room.next({ body: "public" });
      const events = await room.timeline();
      assert.ok(!events.some((one) => one.type === "m.reaction" || /private|changed after/.test(String(one.content["body"]))));
    });

    test("an answer to someone who opted out does not carry their words or their name", async () => {
      const room = await open();
      await room.say("!causeway optout");
      await room.next({ sender: BOT, body: /nothing that you write/ });
      const secret = await room.say("my secret");
      const eve = await bring("eve");
      await eve.in(room.id).reply(secret, "I know");
      await town.seen((all) => all.some((one) => one.text.includes("I know")), "the answer");
      assert.ok(!(await town.texts()).some((text) => /my secret|ann/.test(text)));
    });

    test("where the config says so, they are heard under a name that tells nobody who they are, on both sides", async () => {
      const room = await open({ config: { bridge: { optout: "hashed" } } });
      await room.say("!causeway optout");
      await room.next({ sender: BOT, body: /under the name someone-[0-9a-f]{6}, and nothing else/ });
      const mine = await room.say("guess who");
      await until(
        async () => (await town.toy.standing(town.toy.channel)).some((one) => /^someone-[0-9a-f]{6}: guess who$/.test(one.text)),
        "it",
      );
      await room.edit(mine, "guess again");
      await until(
        async () => (await town.toy.standing(town.toy.channel)).some((one) => /^someone-[0-9a-f]{6}: guess again$/.test(one.text)),
        "it",
      );
      await commands("optout", /under the name someone-/);
      const hers = await town.toy.alice.say("a voice");
      const event = await room.next({ body: /^someone-[0-9a-f]{6}: a voice$/ });
      assert.equal(event.sender, BOT);
      await town.toy.alice.edit?.(hers as never, "a whisper");
      const edit = await room.next({ body: /^someone-[0-9a-f]{6}: a whisper$/ });
      assert.equal(edit.sender, BOT);
      await town.toy.alice.delete?.(hers as never);
      await room.next({ type: "m.room.redaction" });
      assert.ok(!(await room.joined()).includes("@_toy_town/u1:test.local"));
    });
  });
});
