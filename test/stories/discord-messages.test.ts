/** Between a room and a Discord channel: what takes both ends to see. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Bit } from "../fakes/discord/rights.ts";
import type { RoomEvent } from "../matrix-room.ts";
import { type DiscordTown, openDiscordTown } from "./discord-town.ts";
import { until } from "./town.ts";

describe("Discord, told from both ends", () => {
  let town: DiscordTown;
  beforeEach(async () => {
    town = await openDiscordTown();
  });
  afterEach(() => town.close());

  const poll = (ids: readonly string[]) => ({
    "m.text": [{ body: "Colour?" }],
    "m.poll": {
      question: { "m.text": [{ body: "Colour?" }] },
      kind: "m.disclosed",
      max_selections: 1,
      answers: ids.map((id) => ({ "m.id": id, "m.text": [{ body: `Answer ${id}` }] })),
    },
  });

  async function vote(): Promise<RoomEvent> {
    const found = async () => (await town.room.timeline()).find((event) => event.type.endsWith("poll.response"));
    await until(async () => (await found()) !== undefined, "the vote");
    return (await found()) as RoomEvent;
  }

  test("a vote on Discord in a poll that began in the room names the room's own answer, whatever its id", async () => {
    const { fake, channel, bob, room } = town;
    const mine = await room.send("m.poll.start", poll(["2", "blue", "1"]));
    const standing = () => [...(fake.world.messages.get(channel)?.values() ?? [])].find(({ message }) => message.poll);
    await until(async () => standing() !== undefined, "the poll on Discord");
    bob.vote(channel, String(standing()?.message.id), 2);
    const { content } = await vote();
    assert.deepEqual(content["m.selections"], ["blue"]);
    assert.equal((content["m.relates_to"] as { event_id: string }).event_id, mine);
  });

  test("a poll with buttons: both sides' votes stand under it, and its end in the room takes the buttons away", async () => {
    const { fake, channel, alice, bob, room } = town;
    const mine = await room.send("m.poll.start", poll(Array.from({ length: 11 }, (_, index) => `${index + 1}`)));
    const standing = () => [...(fake.world.messages.get(channel)?.values() ?? [])].find(({ message }) => message.components?.length);
    await until(async () => standing() !== undefined, "the poll on Discord");
    const id = String(standing()?.message.id);
    const counts = (third: number, fifth: number) =>
      new RegExp(`votes\\n[^]*Answer 3: \\*\\*${third}\\*\\*\\n[^]*Answer 5: \\*\\*${fifth}\\*\\*\\n`, "i");
    fake.pressUnder(alice, channel, id, "vote:3");
    assert.deepEqual((await vote()).content["m.selections"], ["3"]);
    await town.shows(counts(1, 0));
    const about = { "m.relates_to": { rel_type: "m.reference", event_id: mine } };
    await room.send("m.poll.response", { ...about, "m.selections": ["3"] });
    await town.shows(counts(2, 0));
    fake.pressUnder(bob, channel, id, "vote:5");
    await town.shows(counts(2, 1));
    await room.send("m.poll.end", { ...about, "m.text": [{ body: "Done" }] });
    await town.shows(/^-# Final votes\n[^]*Answer 3: \*\*2\*\*\n[^]*Answer 5: \*\*1\*\*\n/);
    await until(async () => fake.world.stored(channel, id)?.message.components?.length === 0, "the buttons to go");
    const late = fake.pressUnder(alice, channel, id, "vote:5");
    const answers = () => fake.world.interactions.get(late)?.answers.map(({ content }) => content) ?? [];
    await until(async () => answers().length > 0, "the answer");
    assert.deepEqual(answers(), ["The poll has ended."]);
  });

  test("a file that says it is small and is not becomes a link, with its caption", async () => {
    const { ann, room } = town;
    const bytes = Buffer.alloc(11 * 1024 * 1024, 1);
    const url = await ann.upload(bytes, { type: "application/octet-stream", name: "large.bin" });
    const info = { size: 1000, mimetype: "application/octet-stream" };
    await room.send("m.room.message", { msgtype: "m.file", body: "have a look", filename: "large.bin", url, info });
    await room.say("and on it goes");
    await town.shows(/have a look[\s\S]*large\.bin/);
    await town.shows("and on it goes");
  });

  test("a channel that the bot may not see for a while: the room is told, and nothing that either side says meanwhile is lost", async () => {
    const { fake, alice, channel, room } = town;
    const place = fake.channelOf(channel);
    alice.say(channel, "before");
    await room.next({ body: "before" });
    const deny = String(Bit.ViewChannel);
    fake.acts.updateChannel(place, { overwrites: [{ id: fake.bot.user.id, type: 1, allow: "0", deny }] });
    await room.next({ body: /may not see that channel on Discord/ });
    await room.say("from the room");
    alice.say(channel, "unheard");
    fake.acts.updateChannel(place, { overwrites: [] });
    alice.say(channel, "heard again");
    await room.next({ body: "unheard" });
    await room.next({ body: "heard again" });
    await town.shows("from the room");
    await room.find({ body: /within reach again/ });
  });

  test("a renamed channel renames its room; a room of several channels is told", async () => {
    const { fake, channel, other, room, world } = town;
    await room.setState("m.room.name", { name: "Our corner" });
    fake.acts.updateChannel(fake.channelOf(channel), { name: "forum-romanum" });
    await until(async () => (await room.state("m.room.name"))["name"] === "forum-romanum", "the room's new name");
    await room.say(`!causeway link discord ${other}`);
    await room.next({ sender: world.bot, body: /now linked to market/ });
    fake.acts.updateChannel(fake.channelOf(other), { name: "bazaar" });
    await room.next({ body: "The Discord channel market is called bazaar now." });
    assert.equal((await room.state("m.room.name"))["name"], "forum-romanum");
  });
});
