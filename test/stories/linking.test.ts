/** How a room and a channel come to be linked, and how that ends: both sides agree, and nothing is given up unasked. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

describe("Linking", () => {
  let town: Town;
  afterEach(() => town.close());

  async function open(options: TownOptions): Promise<MatrixRoom> {
    town = await openTown({ linked: false, ...options });
    return town.room;
  }

  async function ask(room: MatrixRoom, words: string): Promise<string> {
    await room.skip();
    await room.say(words);
    const answer = await room.next({ sender: BOT, type: "m.room.message" });
    assert.equal(answer.content["msgtype"], "m.notice");
    return String(answer.content["body"]);
  }

  test("a bridge admin links a room by a command, and messages cross from then on", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    assert.match(await ask(room, "!causeway link toy town plaza"), /This room is now linked/);
    await town.toy.alice.say("hello room");
    await room.next({ body: "hello room" });
    await room.say("hello channel");
    await town.seen((all) => all.some((one) => one.text === "hello channel"), "the message");
  });

  test("commands and their answers stay in the room", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    await ask(room, "!causeway link toy town plaza");
    await ask(room, "!causeway status");
    await room.say("said");
    await town.seen((all) => all.some((one) => one.text === "said"), "the message");
    assert.deepEqual(await town.texts(), ["said"]);
  });

  test("someone who is no admin needs the yes of someone over there, given by a one-time code", async () => {
    const room = await open({ permissions: { "*": "user" } });
    const answer = await ask(room, "!causeway link toy town plaza");
    const [, code] = /!causeway confirm ([A-Z0-9]{8})/.exec(answer) ?? [];
    assert.ok(code);
    await town.toy.alice.command?.("confirm WRONGONE");
    await town.toy.alice.command?.(`confirm ${code}`);
    await room.next({ sender: BOT, body: /now linked/ });
    await town.toy.alice.say("we agree");
    await room.next({ body: "we agree" });
  });

  test("without power in the room nobody links it", async () => {
    const room = await open({ permissions: { "*": "user" } });
    const eve = await town.hs.user("eve");
    await room.invite(eve.id);
    const hers = await eve.join(room.id);
    assert.match(await ask(hers, "!causeway link toy town plaza"), /power in this room/);
  });

  test("a channel that is not there, a network that is not there, and words that name nothing are told in a sentence", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    assert.match(await ask(room, "!causeway link toy town nowhere"), /no such channel/i);
    assert.match(await ask(room, "!causeway link smoke signals"), /no network "smoke"/);
    assert.match(await ask(room, "!causeway link toy"), /Which channel/);
    assert.match(await ask(room, "!causeway dance"), /no command "dance"/);
  });

  test("an encrypted room is refused", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    await room.setState("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
    assert.match(await ask(room, "!causeway link toy town plaza"), /encrypted/);
  });

  test("unlinking says how many messages still wait, and asks", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    await ask(room, "!causeway link toy town plaza");
    await until(async () => (await town.told()).length === 1, "the channel is told of the link");
    const { down, up } = town.toy.faults;
    assert.ok(typeof down === "function" && typeof up === "function");
    await down();
    await room.say("waits");
    assert.match(await ask(room, "!causeway unlink"), /1 messages still wait/);
    assert.match(await ask(room, "!causeway unlink --yes"), /is ended/);
    await up();
    await town.toy.alice.say("nobody there hears this");
    assert.match(await ask(room, "!causeway status"), /Nothing is linked/);
  });

  test("what is held back by a pause crosses in order after it", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    await ask(room, "!causeway link toy town plaza");
    assert.match(await ask(room, "!causeway pause"), /Held back/);
    await room.say("one");
    await room.say("two");
    assert.match(await ask(room, "!causeway resume"), /Crossing again/);
    await town.seen((all) => all.length === 2, "both messages");
    assert.deepEqual(await town.texts(), ["one", "two"]);
  });

  test("people whom the permissions block are not relayed, and the room is told once", async () => {
    const room = await open({ permissions: { "*": "block", "@ann:test.local": "admin" } });
    await ask(room, "!causeway link toy town plaza");
    const eve = await town.hs.user("eve");
    await room.invite(eve.id);
    const hers = await eve.join(room.id);
    await hers.say("let me in");
    await hers.say("please");
    await room.next({ sender: BOT, body: /does not cross/ });
    await room.say("ann speaks");
    await town.seen((all) => all.some((one) => one.text === "ann speaks"), "the message");
    assert.deepEqual(await town.texts(), ["ann speaks"]);
  });

  test("in a direct chat with the bot someone signs in with a login of their own, and speaks as themselves", async () => {
    const room = await open({ permissions: { "*": "admin" } });
    await ask(room, "!causeway link toy town plaza");
    const mira = await town.hs.user("mira");
    const chat = await mira.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
    await chat.next({ sender: BOT, body: /!causeway link/ });
    assert.match(await ask(chat, "login toy"), /token/i);
    const token = String(town.toy.own?.secrets["token"]);
    assert.match(await ask(chat, token), /Signed in on Toy/);
    assert.match(await ask(chat, "logins"), /toy .*connected|toy .*connecting/);
    await room.invite(mira.id);
    const hers = await mira.join(room.id);
    await hers.say("as myself");
    await town.seen((all) => all.some((one) => one.text === "as myself" && one.name === "mira_l"), "her own message");
    assert.match(await ask(chat, "logout toy"), /Signed out/);
  });
});
