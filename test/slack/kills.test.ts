/**
 * `kill -9` at random instants under load in both directions, with answers that are lost on the way: nothing lost, nothing twice, order
 * kept, over Socket Mode and over HTTP, relayed and by a login of one's own.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClock } from "../../core/clock.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import type { MatrixUser } from "../matrix-client.ts";
import { numbered, talk } from "../numbered-talk.ts";
import { openWorld, type World } from "../world.ts";
import { raise, type Stage, standingIn, type Way } from "./harness.ts";

for (const [way, own, kills, name] of [
  ["socket", false, 4, "Socket Mode"],
  ["http", false, 4, "HTTP"],
  ["socket", true, 2, "by a login of one's own, seen under one's own Matrix name"],
] as const)
  test(`${kills} kills under load lose nothing and double nothing (${name})`, {
    timeout: 300_000,
  }, async (t) => {
    const stage = await raise(createClock({ speed: 1, since: Date.now() }));
    t.after(() => stage.fake.close());
    const world = await worldWith(stage, way);
    t.after(() => world.close());
    try {
      await run(world, stage, own, kills);
    } catch (error) {
      const kept = join(tmpdir(), `causeway-slack-killed-${way}${own ? "-own" : ""}.log`);
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

/** Ann signs in as Mira on Slack, and lets the bridge speak as herself on Matrix. */
async function signIn(world: World, ann: MatrixUser, token: string): Promise<void> {
  const chat = await ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [world.bot] });
  await chat.next({ sender: world.bot, body: /!causeway link/ });
  await chat.say("!causeway login slack token");
  await chat.next({ sender: world.bot, body: /Token\?$/ });
  await chat.say(token);
  await chat.next({ sender: world.bot, body: /^Signed in/ });
  await chat.say("!causeway login matrix");
  await chat.next({ sender: world.bot, body: /Access token\?$/ });
  await chat.say(ann.token);
  await chat.next({ sender: world.bot, body: /own name from now on/ });
}

async function run(world: World, stage: Stage, own: boolean, kills: number): Promise<void> {
  const { fake, team, channel } = stage;
  const alice = own ? stage.mira : stage.alice;
  await world.start();
  const ann = await world.hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  await room.say(`!causeway link slack ${team.id} ${channel.id}`);
  await room.next({ sender: world.bot, body: /now linked/ });

  if (own) await signIn(world, ann, stage.miras.token);

  const going = new AbortController();
  const fromSlack = talk(going.signal, 70, async (text) => void alice.say(channel, text));
  // Slack takes one message a second in a channel.
  const fromRoom = talk(going.signal, 1_050, async (text) => void (await room.say(text)));
  for (let kill = 1; kill <= kills; kill += 1) {
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
  const onSlack = () =>
    standingIn(stage, channel).flatMap(({ id, name, text }) => ((own ? sent(stage, id) : name === "ann") ? [text.trim()] : []));
  for (let waited = 0; !onSlack().includes("the end") && waited < 120_000; waited += 50) await pause(50);
  const timeline = await room.timeline();
  const fromThere = timeline.filter(({ sender, content }) =>
    own ? content["io.causeway.origin"] !== undefined : sender.includes("_slack_"),
  );
  if (own)
    assert.ok(
      fromThere.every(({ sender }) => sender === ann.id),
      "under her own name throughout",
    );
  const inRoom = fromThere.flatMap(({ content }) => numbered(content["body"]));
  assert.deepEqual(inRoom, saidOnSlack, "what was said on Slack is in the room, once, in order");
  assert.deepEqual(onSlack().flatMap(numbered), saidInRoom, "what was said in the room is on Slack, once, in order");
  const parked = timeline.flatMap(({ content }) => (/not certain|could not/.test(String(content["body"])) ? [content["body"]] : []));
  assert.deepEqual(parked, []);
}

/** Whether the app has posted it, on somebody's behalf. */
function sent({ channel }: Stage, id: unknown): boolean {
  return channel.messages.find(({ ts }) => ts === id)?.app_id !== undefined;
}
