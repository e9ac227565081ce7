/**
 * `kill -9` at random instants under load in both directions, with answers that are lost on the way: nothing lost, nothing twice, order
 * kept, over Socket Mode and over HTTP.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClock } from "../../core/clock.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { numbered, talk } from "../numbered-talk.ts";
import { openWorld, type World } from "../world.ts";
import { raise, type Stage, standingIn, type Way } from "./harness.ts";

const KILLS = 4;

for (const way of ["socket", "http"] as const)
  test(`${KILLS} kills under load lose nothing and double nothing (${way === "socket" ? "Socket Mode" : "HTTP"})`, {
    timeout: 300_000,
  }, async (t) => {
    const stage = await raise(createClock({ speed: 1, since: Date.now() }));
    t.after(() => stage.fake.close());
    const world = await worldWith(stage, way);
    t.after(() => world.close());
    try {
      await run(world, stage);
    } catch (error) {
      const kept = join(tmpdir(), `causeway-slack-killed-${way}.log`);
      await writeFile(kept, await world.log());
      throw new Error(`${String(error)}\nThe bridge's log is in ${kept}.`, { cause: error });
    }
  });

async function worldWith({ fake, team, bot, app }: Stage, way: Way): Promise<World> {
  const events = way === "socket" ? { app_token: app.appToken } : { signing_secret: app.signingSecret };
  const world = await openWorld({
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    config: { slack: { api_url: fake.apiUrl, workspaces: { [team.id]: { bot_token: bot.token, ...events } } } },
  });
  const at = `http://127.0.0.1:${world.port}/_causeway/slack/${team.id}`;
  if (way === "http") app.urls = { events: `${at}/events`, interactivity: `${at}/interactivity`, commands: `${at}/commands` };
  return world;
}

async function run(world: World, stage: Stage): Promise<void> {
  const { fake, team, alice, channel } = stage;
  await world.start();
  const ann = await world.hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  await room.say(`!causeway link slack ${team.id} ${channel.id}`);
  await room.next({ sender: world.bot, body: /now linked/ });

  const going = new AbortController();
  const fromSlack = talk(going.signal, 70, async (text) => void alice.say(channel, text));
  // Slack takes one message a second in a channel.
  const fromRoom = talk(going.signal, 1_050, async (text) => void (await room.say(text)));
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await pause(200 + Math.random() * 1_500);
    if (kill % 2 === 0) fake.faults.plan("chat.postMessage", { kind: "lose-reply" });
    await world.kill();
    await world.start();
  }
  await pause(1_000);
  going.abort();
  const [saidOnSlack, saidInRoom] = [await fromSlack, await fromRoom];
  alice.say(channel, "the end of it");
  await room.find({ body: "the end of it" }, 120_000);
  await room.say("the end");
  for (let waited = 0; !onSlack(stage).includes("the end") && waited < 120_000; waited += 50) await pause(50);
  const timeline = await room.timeline();
  const inRoom = timeline.filter(({ sender }) => sender.includes("_slack_")).flatMap(({ content }) => numbered(content["body"]));
  assert.deepEqual(inRoom, saidOnSlack, "what was said on Slack is in the room, once, in order");
  assert.deepEqual(onSlack(stage).flatMap(numbered), saidInRoom, "what was said in the room is on Slack, once, in order");
  const parked = timeline.flatMap(({ content }) => (/not certain|could not/.test(String(content["body"])) ? [content["body"]] : []));
  assert.deepEqual(parked, []);
}

function onSlack(stage: Stage): string[] {
  return standingIn(stage, stage.channel).flatMap(({ name, text }) => (name === "ann" ? [text.trim()] : []));
}
