/** One channel that several logins hear: what is said there comes once, whichever of them is away. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { ToyLost } from "../fakes/toy-network-wire.ts";
import { BOT, openTown, type Town } from "./town.ts";

describe("A channel that several logins hear", () => {
  let town: Town;
  afterEach(() => town.close());

  /** The link is the shared login's; Mira signs in with her own. */
  async function open(): Promise<void> {
    town = await openTown({ permissions: { "*": "user" } });
    const { id, token } = town.service.addAccount("mira_own");
    town.service.channels.get("town/plaza")?.members.add(id);
    const mira = await town.hs.user("mira");
    const chat = await mira.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
    await chat.next({ sender: BOT, body: /!causeway link/ });
    await chat.say("login toy");
    await chat.next({ sender: BOT, body: /token/i });
    await chat.say(token);
    await chat.next({ sender: BOT, body: /Signed in on Toy/ });
  }

  /** The shared login's sessions end and cannot be had again, until the returned function is called, which resolves when it is back. */
  async function dropSource(): Promise<() => Promise<void>> {
    const steward = [...town.service.accounts.values()].find(({ name }) => name === "Steward");
    const connect = town.service.connect.bind(town.service);
    const [refused, back] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isAway = true;
    town.service.connect = async (token, ...rest) => {
      if (token !== steward?.token) return await connect(token, ...rest);
      if (isAway) {
        refused.resolve();
        throw new ToyLost(false);
      }
      const socket = await connect(token, ...rest);
      // Once whoever connects has taken it.
      setImmediate(back.resolve);
      return socket;
    };
    town.service.cut();
    await refused.promise;
    return async () => {
      isAway = false;
      await back.promise;
      town.service.connect = connect;
    };
  }

  const shown = async () =>
    (await town.room.timeline())
      .filter(({ type, sender }) => type === "m.room.message" && sender.startsWith("@_toy_"))
      .map(({ content }) => content["body"]);

  async function say(...texts: readonly string[]): Promise<void> {
    for (const text of texts) await town.toy.alice.say(text);
  }

  test("while all of them listen, each message stands in the room once", async () => {
    await open();
    await say("one", "two", "three");
    await town.room.find({ body: "three" });
    await say("the end");
    await town.room.find({ body: "the end" });
    assert.deepEqual(await shown(), ["one", "two", "three", "the end"]);
  });

  test("when the link's own login drops, another takes over; when it is back, what it missed does not come again", async () => {
    await open();
    await say("before");
    await town.room.find({ body: "before" });
    for (const time of ["first", "second"]) {
      const comeBack = await dropSource();
      await say(`${time}, away`, `${time}, still away`);
      await town.room.find({ body: `${time}, still away` });
      await comeBack();
      await say(`${time}, back`);
      await town.room.find({ body: `${time}, back` });
    }
    assert.deepEqual(await shown(), [
      "before",
      ...["first", "second"].flatMap((time) => [`${time}, away`, `${time}, still away`, `${time}, back`]),
    ]);
  });

  test("when the login that stood in drops too, what is said waits and comes once with the first that is back", async () => {
    await open();
    await dropSource();
    await say("one");
    await town.room.find({ body: "one" });
    town.service.isDown = true;
    town.service.cut();
    await say("two", "three");
    town.service.isDown = false;
    await town.room.find({ body: "three" });
    assert.deepEqual(await shown(), ["one", "two", "three"]);
  });
});
