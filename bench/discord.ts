/**
 * What Discord costs: CPU a message each way, memory and time to ready with one server and with 200 servers of 50 channels.
 *
 *     node bench/discord.ts [--quick]
 *
 * The bridge runs as in production, in a process of its own; homeserver and Discord are the strict fakes of the tests, in this process, so
 * rates are what those stand. CPU and memory are the bridge's alone, from `/proc/PID`.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { raise, type Stage, standing } from "../test/discord/harness.ts";
import { startHomeserver } from "../test/fakes/homeserver.ts";
import type { MatrixRoom } from "../test/matrix-room.ts";
import { openWorld, type World } from "../test/world.ts";

const isQuick = process.argv.includes("--quick");
const GUILDS = 200;
const CHANNELS = 50;
const ROOMS = 20;
const MESSAGES = isQuick ? 100 : 1_000;
/** A webhook takes five messages in two seconds: so many a second from all rooms together is what Discord lets through. */
const PER_SECOND = ROOMS * 2;
const TICKS = 100;

async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

async function residentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function open(stage: Stage): Promise<World> {
  const { fake } = stage;
  return await openWorld({
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    config: {
      discord: { token: fake.bot.token, api_url: fake.apiUrl, cdn_url: fake.cdnUrl },
      logging: { level: "warn", format: "json" },
    },
  });
}

async function settled(pid: number): Promise<void> {
  for (let before = await cpuOf(pid); ; ) {
    await pause(500);
    const now = await cpuOf(pid);
    if (now - before < 20) return;
    before = now;
  }
}

function tell(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(64)} ${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}\n`);
}

async function traffic(): Promise<void> {
  const stage = await raise(1);
  const world = await open(stage);
  try {
    await world.start();
    const ann = await world.hs.user("ann");
    const rooms: MatrixRoom[] = [];
    const channels = Array.from({ length: ROOMS }, (_, index) => stage.fake.channel(stage.guild, `busy-${index}`));
    for (const channel of channels) {
      stage.fake.gateway.dispatch("CHANNEL_CREATE", stage.fake.shape(channel), { guild: stage.guild.id });
      const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 100 } } });
      await room.invite(world.bot);
      await room.next({ sender: world.bot, body: /I am the bridge/ });
      await room.say(`!causeway link discord ${channel}`);
      await room.next({ sender: world.bot, body: /now linked/ });
      rooms.push(room);
    }
    // The first of each pays for webhooks and ghosts.
    await run(
      world,
      "",
      rooms,
      async (index) => void stage.alice.say(channels[index % ROOMS] as string, `warm ${index}`),
      ROOMS,
      () => 0,
    );
    await run(
      world,
      "",
      rooms,
      async (index) => void (await rooms[index % ROOMS]?.say(`warm out ${index}`)),
      ROOMS,
      () => 0,
    );
    await pause(3_000);
    const arrived = () =>
      channels.reduce((sum, channel) => sum + standing(stage.fake, channel).filter(({ text }) => text.startsWith("out ")).length, 0);
    const inward = async (index: number) =>
      void stage.alice.say(channels[index % ROOMS] as string, `in ${index}, with *some* **words** in it`);
    const came = async () => {
      const timelines = await Promise.all(rooms.map((room) => room.timeline()));
      return timelines.flat().filter(({ content }) => String(content["body"]).startsWith("in ")).length;
    };
    await run(world, "Discord → Matrix, steady: CPU a message", rooms, inward, MESSAGES, came);
    const outward = async (index: number) => void (await rooms[index % ROOMS]?.say(`out ${index}, with some words in it`));
    await run(world, "Matrix → Discord, steady: CPU a message", rooms, outward, MESSAGES, arrived);
    tell("resident after traffic", await residentOf(world.pid), "MB");
  } finally {
    await world.close();
    await stage.fake.stop();
  }
}

async function run(
  world: World,
  what: string,
  _rooms: readonly MatrixRoom[],
  say: (index: number) => Promise<void>,
  count: number,
  arrived: () => number | Promise<number>,
): Promise<void> {
  await settled(world.pid);
  const before = await cpuOf(world.pid);
  const begun = performance.now();
  for (let index = 0; index < count; index++) {
    await say(index);
    await pause(Math.max(0, begun + ((index + 1) * 1000) / PER_SECOND - performance.now()));
  }
  if (what === "") return;
  for (let waited = 0; (await arrived()) < count && waited < 60_000; waited += 250) await pause(250);
  await settled(world.pid);
  const lost = count - (await arrived());
  if (lost !== 0) throw new Error(`${what}: ${lost} of ${count} did not arrive`);
  tell(what, ((await cpuOf(world.pid)) - before) / count, "ms");
}

async function size(guilds: number): Promise<void> {
  const stage = await raise(1);
  const { fake } = stage;
  for (let guild = 1; guild < guilds; guild++) {
    const made = fake.guild(`Server ${guild}`);
    for (let channel = 0; channel < CHANNELS; channel++) fake.channel(made, `channel-${channel}`);
  }
  const world = await open(stage);
  try {
    const begun = performance.now();
    await world.start();
    const ready = performance.now() - begun;
    await settled(world.pid);
    const name = guilds === 1 ? "one server" : `${guilds} servers of ${CHANNELS} channels`;
    tell(`${name}: start to ready`, ready / 1000, "s");
    tell(`${name}: CPU until idle`, await cpuOf(world.pid), "ms");
    tell(`${name}: resident`, await residentOf(world.pid), "MB");
  } finally {
    await world.close();
    await fake.stop();
  }
}

await size(1);
await size(GUILDS);
await traffic();
