/** The bridge ends when it is told to, whatever it waits for; what it was about to do, the next start does. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import { ergo, FakeIrc } from "../fakes/irc.ts";
import { IrcPerson } from "../irc-person.ts";
import { openWorld } from "../world.ts";
import { openTown, type Town } from "./town.ts";

/** Five seconds are promised, of which the bridge may take four and a half by itself; a busy machine adds to them. Milliseconds on the wall. */
const STOP = 8_000;

describe("Stopping", () => {
  let town: Town;
  beforeEach(async () => {
    // In step with the wall: its limits are what is measured.
    town = await openTown({ speed: 1 });
  });
  afterEach(() => town.close());

  async function stopsInTime(): Promise<void> {
    const begun = performance.now();
    await town.stopBridge();
    const took = performance.now() - begun;
    assert.ok(took < STOP, `it took ${Math.round(took)} ms`);
  }

  /** Resolves once the network is asked to post something. */
  function posting(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const call = town.service.call.bind(town.service);
    town.service.call = (token, client, method, parameters) => {
      if (method === "post") {
        town.service.hangs = true;
        resolve();
      }
      return call(token, client, method, parameters);
    };
    return promise;
  }

  test("while the network does not answer a send, it ends in time; the next start finds the message there and sends no second", async () => {
    const asked = posting();
    await town.room.say("in flight");
    await asked;
    await town.room.say("behind it");
    await stopsInTime();
    town.service.hangs = false;
    delete (town.service as Partial<typeof town.service>).call;
    await town.startBridge();
    await town.seen((all) => all.some(({ text }) => text === "behind it"), "what waited");
    assert.deepEqual(await town.texts(), ["in flight", "behind it"]);
  });
});

describe("Stopping the command", () => {
  test("while the homeserver answers nothing, it ends in time; the next start brings what was said, once", async () => {
    const fake = await FakeIrc.start({ profile: ergo });
    const network = { servers: [{ host: "127.0.0.1", port: fake.port, tls: false }], nick: "causeway" };
    let hs: FakeHomeserver | undefined;
    const world = await openWorld({
      startHomeserver: async (registration) => (hs = await startHomeserver({ services: [registration] })),
      config: { irc: { networks: { net: network } } },
    });
    try {
      const dave = await (await IrcPerson.connect({ host: "127.0.0.1", port: fake.port }, "dave")).join("#quay");
      await world.start();
      assert.ok(hs);
      const ann = await hs.user("ann");
      const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await room.invite(world.bot);
      await room.next({ sender: world.bot, body: /I am the bridge/ });
      await room.say("!causeway link irc net #quay");
      await room.next({ sender: world.bot, body: /now linked/ });
      dave.say("#quay", "before");
      await room.find({ body: "before" });
      const silent = hs.faults.add({ kind: "hold", times: 0, match: { method: "PUT", path: "/send/" } });
      dave.say("#quay", "one");
      dave.say("#quay", "two");
      await silent.hit;
      const took = await world.kill("SIGTERM");
      assert.ok(took < STOP, `it took ${took} ms`);
      silent.release();
      await world.start();
      await room.find({ body: "two" });
      const said = (await room.timeline()).filter(({ type, sender }) => type === "m.room.message" && sender.includes("dave"));
      assert.deepEqual(
        said.map(({ content }) => content["body"]),
        ["before", "one", "two"],
      );
      dave.quit();
    } finally {
      await world.close();
      await fake.stop();
    }
  });
});
