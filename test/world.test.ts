import assert from "node:assert/strict";
import { test } from "node:test";
import { openWorld } from "./world.ts";

for (const process of ["own", "this"] as const) {
  const where = process === "own" ? "a process of its own" : "this process";
  test(`a bridge in ${where} is ready, answers, stops quickly, and comes back with what it knew`, async () => {
    const world = await openWorld({ startHomeserver: "fake", config: {}, process });
    try {
      await world.start();
      const ann = await world.hs.user("ann");
      const room = await ann.createRoom({ invite: [world.bot] });
      await room.next((event) => event.state_key === world.bot && event.content["membership"] === "join");
      assert.ok((await world.kill("SIGTERM")) < 5000);
      await world.start();
      await room.say("!causeway help");
      await room.next({ sender: world.bot, body: /link/ });
    } finally {
      await world.close();
    }
  });
}

test("a power cut ends bridge and homeserver together, and both come back", async () => {
  const world = await openWorld({ startHomeserver: "fake", config: {} });
  try {
    await world.start();
    const ann = await world.hs.user("ann");
    const room = await ann.createRoom({ invite: [world.bot] });
    await room.next((event) => event.state_key === world.bot && event.content["membership"] === "join");
    await world.powerCut();
    await room.say("!causeway help");
    await room.next({ sender: world.bot, body: /link/ });
    assert.match(await world.log(), /Listening/);
  } finally {
    await world.close();
  }
});
