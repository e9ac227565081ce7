/** What is taken back on one side, or pinned, on all others, whatever the homeserver keeps of it. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { BOT, openTown, type Town, until } from "./town.ts";

describe("Redactions and pins", () => {
  let town: Town;
  afterEach(() => town.close());

  /** One room, two channels. */
  async function openTwo(): Promise<void> {
    town = await openTown({ linked: false, permissions: { "*": "admin" } });
    for (const channel of ["plaza", "market"]) {
      await town.room.say(`!causeway link toy town ${channel}`);
      await town.room.next({ sender: BOT, body: /now linked/ });
    }
  }

  const market = async () => (await town.toy.standing(town.toy.other)).filter((one) => !one.text.startsWith("This channel is bridged"));

  test("where the homeserver drops our mark, a deletion in one channel still reaches the other, and its own not again", async () => {
    await openTwo();
    town.hs.keepsRedactionKeys = false;
    const slip = await town.toy.alice.say("a slip");
    await until(async () => (await market()).some((one) => one.text.endsWith("a slip")), "the message in the other channel");
    let deletions = 0;
    const { service, toy } = town;
    const perform = service.perform.bind(service);
    service.perform = (account, client, method, parameters) => {
      if (method === "delete" && parameters["channel"] === toy.channel.split("/")[1]) deletions += 1;
      return perform(account, client, method, parameters);
    };
    await toy.alice.delete?.(slip as never);
    await until(async () => !(await market()).some((one) => one.text.endsWith("a slip")), "the deletion in the other channel");
    const redaction = await town.room.find({ type: "m.room.redaction" });
    assert.equal(redaction.content["io.causeway.origin"], undefined);
    await town.room.say("and on");
    await until(async () => (await market()).some((one) => one.text.endsWith("and on")), "the next message");
    assert.equal(deletions, 0, "the channel that it came from was told nothing");
  });

  test("a reaction that is taken away in one channel is taken away in the other, with or without our mark", async () => {
    await openTwo();
    for (const keeps of [true, false]) {
      town.hs.keepsRedactionKeys = keeps;
      const words = `liked ${keeps}`;
      const message = await town.toy.alice.say(words);
      const copy = async () => (await market()).find((one) => one.text.endsWith(words));
      await until(async () => (await copy()) !== undefined, "the message in the other channel");
      await town.toy.bob.react?.(message as never, "👍");
      await until(async () => (await copy())?.reactions?.length === 1, "the reaction in the other channel");
      await town.toy.bob.unreact?.(message as never, "👍");
      await until(async () => (await copy())?.reactions?.length === 0, "no reaction in the other channel");
    }
  });

  test("what is pinned in one channel is pinned in the other, and comes back to neither", async () => {
    await openTwo();
    const message = await town.toy.alice.say("the rules");
    await until(async () => (await market()).some((one) => one.text.endsWith("the rules")), "the message in the other channel");
    await town.toy.alice.pin?.(message as never);
    await until(async () => (await market()).some((one) => one.text.endsWith("the rules") && one.pinned === true), "the pin over there");
    const pins = (await town.room.timeline()).filter((event) => event.type === "m.room.pinned_events");
    assert.equal(pins.length, 1);
  });
});
