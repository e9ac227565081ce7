/**
 * `kill -9` at random instants under load in both directions, with sessions that Discord forgets and answers that are lost on the way:
 * nothing lost, nothing twice, order kept.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startHomeserver } from "../fakes/homeserver.ts";
import { setTimeout as pause } from "node:timers/promises";
import { numbered, talk } from "../numbered-talk.ts";
import { chanceOf } from "../core/seeded.ts";
import { openWorld, type World } from "../world.ts";
import { raise, type Stage, standing } from "./harness.ts";

const KILLS = 5;

for (const seed of [1]) {
  test(`${KILLS} kills under load lose nothing and double nothing, seed ${seed}`, { timeout: 300_000 }, async (t) => {
    const stage = await raise(1);
    t.after(() => stage.fake.stop());
    const { fake } = stage;
    const world = await openWorld({
      startHomeserver: (registration) => startHomeserver({ services: [registration] }),
      config: { discord: { token: fake.bot.token, api_url: fake.apiUrl, cdn_url: fake.cdnUrl } },
    });
    t.after(() => world.close());
    try {
      await run(world, stage, seed);
    } catch (error) {
      const kept = join(tmpdir(), `causeway-discord-killed-${seed}.log`);
      await writeFile(kept, await world.log());
      throw new Error(`${String(error)}\nThe bridge's log is in ${kept}.`, { cause: error });
    }
  });
}

async function run(world: World, stage: Stage, seed: number): Promise<void> {
  const { fake, alice, channel } = stage;
  const chance = chanceOf(seed);
  await world.start();
  const ann = await world.hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  await room.say(`!causeway link discord ${channel}`);
  await room.next({ sender: world.bot, body: /now linked/ });

  const going = new AbortController();
  const fromDiscord = talk(going.signal, 70, async (text) => void alice.say(channel, text));
  // Discord takes some two and a half messages a second from a webhook.
  const fromRoom = talk(going.signal, 500, async (text) => void (await room.say(text)));
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await pause(200 + chance.whole(1_200));
    if (kill % 2 === 0) fake.http.fault("lose-reply", /^POST \/webhooks\/\d+\/[^/]+$/);
    await world.kill();
    if (kill % 3 === 0) fake.gateway.forget();
    await world.start();
  }
  await pause(1_000);
  going.abort();
  const saidOnDiscord = await fromDiscord;
  const saidInRoom = await fromRoom;
  alice.say(channel, "the end of it");
  await room.find({ body: "the end of it" }, 120_000);
  await room.say("the end");
  for (let waited = 0; !onDiscord(stage).includes("the end") && waited < 120_000; waited += 50) await pause(50);
  const timeline = await room.timeline();
  const inRoom = timeline.filter(({ sender }) => sender.includes("_discord_")).flatMap(({ content }) => numbered(content["body"]));
  assert.deepEqual(inRoom, saidOnDiscord, "what was said on Discord is in the room, once, in order");
  assert.deepEqual(onDiscord(stage).flatMap(numbered), saidInRoom, "what was said in the room is on Discord, once, in order");
  const parked = timeline.flatMap(({ content }) => (/not certain|could not/.test(String(content["body"])) ? [content["body"]] : []));
  assert.deepEqual(parked, []);
}

function onDiscord({ fake, channel }: Stage): string[] {
  return standing(fake, channel).flatMap(({ name, text }) => (name === "ann" ? [text] : []));
}
