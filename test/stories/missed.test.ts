/** What was said while the bridge was away: fetched to the last word where the network keeps it, counted and told where it does not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeIrc, plain } from "../fakes/irc.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { IrcPerson } from "../irc-person.ts";
import { openWorld } from "../world.ts";
import { openTown, until } from "./town.ts";

describe("What was said while the bridge was away", () => {
  test("a watermark moves only over a gapless prefix: what was read of a history that was cut off is not taken for all of it", async (t) => {
    const town = await openTown();
    t.after(() => town.close());
    const { service, toy } = town;
    await toy.alice.say("message 0");
    await town.room.find({ body: "message 0" });
    await town.stopBridge();
    const numbers = Array.from({ length: 30 }, (_, index) => `message ${index + 1}`);
    for (const text of numbers) await toy.alice.say(text);
    assert.ok(typeof toy.faults.forget === "function");
    await toy.faults.forget();
    const call = service.call.bind(service);
    let pages = 0;
    // The second page does not come, while people go on talking.
    service.call = async (token, client, method, parameters) => {
      if (method !== "history") return await call(token, client, method, parameters);
      pages += 1;
      return pages === 1 ? await call(token, client, method, parameters) : await new Promise(() => {});
    };
    await town.startBridge();
    await until(async () => pages === 2, "the second page is asked for");
    await toy.alice.say("message 31");
    await town.room.find({ body: "message 20" });
    await town.stopBridge();
    service.call = call;
    await toy.faults.forget();
    await town.startBridge();
    await town.room.find({ body: "message 31" });
    const said = (await town.room.timeline()).filter((event) => event.sender.startsWith("@_toy_") && event.type === "m.room.message");
    assert.deepEqual(
      said.map((event) => event.content["body"]),
      ["message 0", ...numbers, "message 31"],
    );
  });

  test("where the network keeps no history, the room is told from when to when, and the metrics count it", async (t) => {
    const irc = await FakeIrc.start({ profile: plain });
    t.after(() => irc.stop());
    const place = { host: "127.0.0.1", port: irc.port };
    const dave = await (await IrcPerson.connect(place, "dave")).join("#causeway");
    t.after(() => dave.quit());
    const flood = { burst: 50, per_second: 30, most_per_second: 60 };
    const world = await openWorld({
      startHomeserver: (registration) => startHomeserver({ services: [registration] }),
      config: { irc: { networks: { one: { servers: [{ ...place, tls: false }], nick: "causeway", flood } } } },
      speed: 5,
    });
    t.after(() => world.close());
    await world.start();
    const ann = await world.hs.user("ann");
    const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
    await room.invite(world.bot);
    await room.next({ sender: world.bot, body: /I am the bridge/ });
    await room.say("!causeway link irc one #causeway");
    await room.next({ sender: world.bot, body: /now linked/ });
    dave.say("#causeway", "heard");
    await room.next({ body: "heard" });
    await world.kill();
    dave.say("#causeway", "said to nobody");
    await world.start();
    const told = await room.next({ sender: world.bot, body: /did not reach the bridge/ });
    assert.match(String(told.content["body"]), /said on IRC between \d\d:\d\d and \d\d:\d\d UTC did not reach the bridge: it was away/);
    const metrics = await (await fetch(`http://127.0.0.1:${world.port}/metrics`)).text();
    assert.match(metrics, /causeway_missed_total\{network="irc"\} [1-9]/);
  });
});
