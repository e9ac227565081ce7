/** Files that are not what they say, or not there: the message comes all the same, says what is missing, and holds nothing up. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { ToyService } from "../fakes/toy-network-service.ts";
import { BOT, openTown, type Town, until } from "./town.ts";

/** Two minutes of trying pass in less than one second. */
const SPEED = 200;
const MEGABYTE = 1_048_576;

describe("A file from the network", () => {
  let town: Town;
  const open = async (filesAre: ToyService["filesAre"]): Promise<void> => {
    town = await openTown({ speed: SPEED, config: { media: { largest_file_mb: 1 } } });
    town.service.filesAre = filesAre;
  };
  afterEach(() => town.close());

  const send = async (bytes = Buffer.from("half and half")): Promise<void> => {
    await town.toy.alice.upload?.({ name: "map.png", mimetype: "image/png", bytes }, "the way there");
  };
  for (const [filesAre, what] of [
    ["cut", "that breaks off half-way"],
    ["silent", "that falls silent half-way"],
    ["shorter", "that is shorter than was said"],
    ["longer", "that is longer than was said"],
  ] as const)
    test(`${what} each time is named, with the reason, and its words come`, async () => {
      await open(filesAre);
      await send();
      await town.toy.alice.say("and this overtakes it");
      await town.room.find({ body: "and this overtakes it" });
      const event = await town.room.find((one) => String(one.content["body"]).includes("the way there"), 20_000);
      assert.match(String(event.content["body"]), /map\.png/);
      assert.match(String(event.content["body"]), /broke off/);
    });

  test("that breaks off once comes whole at the next try", async () => {
    await open("cut");
    await send();
    await new Promise((resolve) => setTimeout(resolve, 50));
    town.service.filesAre = "whole";
    const event = await town.room.find((one) => String(one.content["url"] ?? "").startsWith("mxc://"), 20_000);
    assert.equal((await town.ann.download(String(event.content["url"]))).bytes.toString(), "half and half");
  });

  test("that never ends is read no further than what crosses", async () => {
    await open("endless");
    await send();
    const event = await town.room.find((one) => String(one.content["body"]).includes("the way there"), 20_000);
    assert.match(String(event.content["body"]), /map\.png/);
    assert.match(String(event.content["body"]), /larger/);
  });

  test("that is too large is not even asked for", async () => {
    await open("away");
    await send(Buffer.alloc(2 * MEGABYTE));
    const event = await town.room.find((one) => String(one.content["body"]).includes("the way there"));
    assert.match(String(event.content["body"]), /larger than the 1 MB that cross here/);
  });

  test("that is not given out at the moment is waited for", async () => {
    await open("away");
    await send();
    await new Promise((resolve) => setTimeout(resolve, 300));
    town.service.filesAre = "whole";
    await town.room.find((one) => String(one.content["url"] ?? "").startsWith("mxc://"), 20_000);
  });

  test("that is not given out for an hour is named, with the reason", async () => {
    town = await openTown({ speed: 2_000 });
    town.service.filesAre = "away";
    await send();
    const event = await town.room.find((one) => String(one.content["body"]).includes("the way there"), 20_000);
    assert.match(String(event.content["body"]), /map\.png.*could not be fetched/s);
  });
});

describe("A file from the room", () => {
  test("that the homeserver has no more is told to its author, and what follows goes on", async (t) => {
    const town = await openTown({ speed: SPEED });
    t.after(() => town.close());
    await town.room.send("m.room.message", { msgtype: "m.file", body: "gone.txt", url: "mxc://test.local/nothere", info: { size: 5 } });
    await town.room.say("what follows");
    await until(async () => (await town.texts()).includes("what follows"), "what follows");
    await town.room.find({ sender: BOT, body: /^This did not reach Toy: The file is not on the homeserver any more/ });
  });
});
