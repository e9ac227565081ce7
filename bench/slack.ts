/**
 * What Slack costs: CPU a message each way, by the app and by somebody's own login, memory, and time to ready with a small workspace and
 * with one of 20,000 people and 2,000 channels.
 *
 *     node bench/slack.ts [--quick]
 *
 * The bridge runs as in production, in a process of its own; homeserver and Slack are the strict fakes of the tests, in this process, so
 * rates are what those stand. CPU and memory are the bridge's alone, from `/proc/PID`.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { createClock } from "../core/clock.ts";
import { startHomeserver } from "../test/fakes/homeserver.ts";
import type { Channel } from "../test/fakes/slack/state.ts";
import type { MatrixUser } from "../test/matrix-client.ts";
import type { MatrixRoom } from "../test/matrix-room.ts";
import { raise, type Stage, standingIn, type Way } from "../test/slack/harness.ts";
import { freePort } from "../test/real/setup.ts";
import { openWorld, type World } from "../test/world.ts";

const isQuick = process.argv.includes("--quick");
const PEOPLE = 20_000;
const CHANNELS = 2_000;
const ROOMS = 20;
const MESSAGES = isQuick ? 60 : 300;
/** Slack takes about one message a second in a channel. */
const PER_SECOND = ROOMS * 0.75;
const TICKS = 100;
const SETTLED = 20;

async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

async function residentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function open({ fake, app, team, bot }: Stage, way: Way): Promise<World> {
  const port = await freePort();
  const at = `http://127.0.0.1:${port}/_causeway/slack/${team.id}`;
  if (way === "http") app.urls = { events: `${at}/events`, interactivity: `${at}/interactivity`, commands: `${at}/commands` };
  const events = way === "socket" ? { app_token: app.appToken } : { signing_secret: app.signingSecret };
  return await openWorld({
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    port,
    config: {
      slack: { api_url: fake.apiUrl, workspaces: { [team.id]: { bot_token: bot.token, ...events } } },
      logging: { level: "warn", format: "json" },
    },
  });
}

async function settled(pid: number): Promise<void> {
  for (let before = await cpuOf(pid); ; ) {
    await pause(500);
    const now = await cpuOf(pid);
    if (now - before < SETTLED) return;
    before = now;
  }
}

function tell(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(64)} ${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}\n`);
}

interface Town {
  readonly world: World;
  readonly ann: MatrixUser;
  readonly rooms: readonly MatrixRoom[];
  readonly channels: readonly Channel[];
}

async function link(stage: Stage, world: World): Promise<Town> {
  const ann = await world.hs.user("ann");
  const channels = Array.from({ length: ROOMS }, (_, index) =>
    stage.fake.channel(stage.team, `busy-${index}`, [stage.alice, stage.mira, stage.bot]),
  );
  const rooms: MatrixRoom[] = [];
  for (const channel of channels) {
    const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 100 } } });
    await room.invite(world.bot);
    await room.next({ sender: world.bot, body: /I am the bridge/ });
    await room.say(`!causeway link slack ${stage.team.id} ${channel.id}`);
    await room.next({ sender: world.bot, body: /now linked/ });
    rooms.push(room);
  }
  return { world, ann, rooms, channels };
}

/** Milliseconds a message, once everything has arrived. */
async function costOf(pid: number, count: number, say: (index: number) => unknown, arrived: () => Promise<number>): Promise<number> {
  await settled(pid);
  const [before, begun, there] = [await cpuOf(pid), performance.now(), await arrived()];
  for (let index = 0; index < count; index++) {
    await say(index);
    await pause(Math.max(0, begun + ((index + 1) * 1000) / PER_SECOND - performance.now()));
  }
  for (let waited = 0; (await arrived()) - there < count && waited < 60_000; waited += 250) await pause(250);
  await settled(pid);
  const lost = count - ((await arrived()) - there);
  if (lost !== 0) throw new Error(`${lost} of ${count} did not arrive`);
  return ((await cpuOf(pid)) - before) / count;
}

async function traffic(way: Way): Promise<void> {
  const stage = await raise(createClock({ speed: 1, since: Date.now() }));
  const world = await open(stage, way);
  const over = way === "socket" ? "Socket Mode" : "HTTP";
  try {
    await world.start();
    const { ann, rooms, channels } = await link(stage, world);
    const out = async () =>
      channels.reduce((sum, channel) => sum + standingIn(stage, channel).filter(({ text }) => text.startsWith("out ")).length, 0);
    const came = async () => {
      const timelines = await Promise.all(rooms.map((room) => room.timeline()));
      return timelines.flat().filter(({ content }) => String(content["body"]).startsWith("in ")).length;
    };
    const inward = (index: number) =>
      stage.alice.say(channels[index % ROOMS] as Channel, `in ${index}, with *some* words and a :lamp: in it`);
    const outward = (index: number) => rooms[index % ROOMS]?.say(`out ${index}, with some words in it`);
    // The first of each pays for ghosts, and for code that is compiled once.
    for (const [say, seen] of [
      [inward, came],
      [outward, out],
    ] as const)
      await costOf(world.pid, ROOMS * 3, say, seen);
    tell(`Slack → Matrix, ${over}: CPU a message`, await costOf(world.pid, MESSAGES, inward, came), "ms");
    tell(`Matrix → Slack, relayed, ${over}: CPU a message`, await costOf(world.pid, MESSAGES, outward, out), "ms");
    const chat = await ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [world.bot] });
    await chat.next({ sender: world.bot, body: /!causeway link/ });
    await chat.say("!causeway login slack token");
    await chat.next({ sender: world.bot, body: /Token\?$/ });
    await chat.say(stage.miras.token);
    await chat.next({ sender: world.bot, body: /^Signed in/ });
    await costOf(world.pid, ROOMS, outward, out);
    tell(`Matrix → Slack, by their own login, ${over}: CPU a message`, await costOf(world.pid, MESSAGES, outward, out), "ms");
    tell(`resident after traffic, ${over}`, await residentOf(world.pid), "MB");
  } finally {
    await world.close();
    await stage.fake.close();
  }
}

async function size(people: number, channels: number): Promise<void> {
  const stage = await raise(createClock({ speed: 1, since: Date.now() }));
  const { fake, team } = stage;
  for (let person = 0; person < people; person++) fake.person(team, `keeper ${person}`);
  for (let channel = 0; channel < channels; channel++) fake.channel(team, `hall-${channel}`, []);
  const world = await open(stage, "socket");
  try {
    const begun = performance.now();
    await world.start();
    const ready = performance.now() - begun;
    await settled(world.pid);
    const name = people === 0 ? "a small workspace" : `${people} people, ${channels} channels`;
    tell(`${name}: start to ready`, ready / 1000, "s");
    tell(`${name}: CPU until idle`, await cpuOf(world.pid), "ms");
    tell(`${name}: resident`, await residentOf(world.pid), "MB");
  } finally {
    await world.close();
    await fake.close();
  }
}

await size(0, 0);
await size(PEOPLE, CHANNELS);
await traffic("socket");
await traffic("http");
