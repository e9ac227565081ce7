/** What a file costs on its way through: the most memory over what the bridge had before, each way, and the time. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { createClock } from "../core/clock.ts";
import { raise as raiseDiscord } from "../test/discord/harness.ts";
import { startHomeserver } from "../test/fakes/homeserver.ts";
import { FakeIrc, inspircd } from "../test/fakes/irc.ts";
import { IrcPerson } from "../test/irc-person.ts";
import type { MatrixRoom } from "../test/matrix-room.ts";
import { raise as raiseSlack } from "../test/slack/harness.ts";
import { openWorld, type World } from "../test/world.ts";
import type { Wishes } from "./parts.ts";

const MEGABYTE = 1_000_000;
const LARGE = 100 * MEGABYTE;
/** Discord takes requests of 25 MiB at most; what is larger goes there as a link. */
const DISCORD = 24 * MEGABYTE;
const GOAL = "≤ 16";
const SMALL = 100_000;
const CHANNEL = "#files";
const SAMPLE_EVERY = 5;
/** Until what a transfer has left behind is swept away, milliseconds. */
const REST = 1_500;

/** 6: files. */
export async function file({ figures, runs, quick }: Wishes): Promise<void> {
  const ways = await openWays();
  const large = quick ? LARGE / 4 : LARGE;
  try {
    for (let run = 0; run < runs; run += 1) {
      for (const [name, { pass, most = LARGE }] of Object.entries(ways.ways)) {
        // What a process has once had it keeps, so each file meets a fresh one; a small file first, so that the code is there.
        await ways.world.restart("SIGTERM");
        const fileName = `${name.replaceAll(/\W+/g, "-")}-${run}`;
        await pass(`${fileName}-small.bin`, SMALL);
        const { over, seconds } = await peakOf(ways.world, () => pass(`${fileName}.bin`, Math.min(large, most)));
        figures.add("file", `${name}: resident over idle`, "MB", over, GOAL);
        figures.add("file", `${name}: time`, "s", seconds);
      }
    }
  } finally {
    await ways.close();
  }
}

async function peakOf(world: World, pass: () => Promise<void>): Promise<{ over: number; seconds: number }> {
  await pause(REST);
  const before = memory(world.pid, "VmRSS");
  // The kernel's own mark of the most that was resident begins anew: proc(5), clear_refs.
  writeFileSync(`/proc/${world.pid}/clear_refs`, "5");
  const begun = performance.now();
  await pass();
  return { over: memory(world.pid, "VmHWM") - before, seconds: (performance.now() - begun) / 1000 };
}

/** Megabytes. */
function memory(pid: number, name: "VmRSS" | "VmHWM"): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kilobytes) / 1024;
}

interface Way {
  readonly most?: number;
  pass(name: string, size: number): Promise<void>;
}

async function openWays(): Promise<{ readonly world: World; readonly ways: Readonly<Record<string, Way>>; close(): Promise<void> }> {
  const irc = await FakeIrc.start({ profile: inspircd });
  const slack = await raiseSlack(createClock({ speed: 1, since: Date.now() }));
  const discord = await raiseDiscord(1);
  discord.guild.premium_tier = 3;
  const dave = await (await IrcPerson.connect({ host: "127.0.0.1", port: irc.port }, "dave")).join(CHANNEL);
  const world = await openWorld({
    startHomeserver: (registration) => startHomeserver({ services: [registration], longestUpload: 2 * LARGE }),
    open: true,
    config: {
      logging: { level: "info", format: "json" },
      irc: { networks: { one: { servers: [{ host: "127.0.0.1", port: irc.port, tls: false }] } } },
      slack: { api_url: slack.fake.apiUrl, workspaces: { [slack.team.id]: { bot_token: slack.bot.token, app_token: slack.app.appToken } } },
      discord: { token: discord.fake.bot.token, api_url: discord.fake.apiUrl, cdn_url: discord.fake.cdnUrl },
    },
  });
  await world.start();
  const ann = await world.hs.user("ann");
  const linked = async (channel: string): Promise<MatrixRoom> => {
    const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
    await room.invite(world.bot);
    await room.next({ sender: world.bot, body: /I am the bridge/ });
    await room.say(`!causeway link ${channel}`);
    await room.next({ sender: world.bot, body: /now linked/ });
    return room;
  };
  const onIrc = await linked(`irc one ${CHANNEL}`);
  const onSlack = await linked(`slack ${slack.team.id} ${slack.channel.id}`);
  const onDiscord = await linked(`discord ${discord.channel}`);
  const all = randomBytes(LARGE);
  const type = "application/octet-stream";
  return {
    world,
    ways: {
      "Matrix → IRC, by link": {
        async pass(name, size) {
          await onIrc.sendFile(all.subarray(0, size), { name, type });
          const { text } = await dave.hear(CHANNEL, new RegExp(name));
          await drained(/https?:\/\/\S+/.exec(text)?.[0] as string, size);
        },
      },
      "Matrix → Slack": {
        async pass(name, size) {
          await onSlack.sendFile(all.subarray(0, size), { name, type });
          await until(() => [...slack.team.files.values()].some((one) => one.name === name && one.shares.length > 0));
        },
      },
      "Matrix → Discord, 24 MB": {
        most: DISCORD,
        async pass(name, size) {
          await onDiscord.sendFile(all.subarray(0, size), { name, type });
          await until(() => [...discord.fake.world.files.keys()].some((path) => path.endsWith(name)));
        },
      },
      "Slack → Matrix": {
        async pass(name, size) {
          slack.alice.upload(slack.channel, { name, mimetype: type, bytes: all.subarray(0, size) });
          await onSlack.find({ body: name }, 120_000);
        },
      },
      "Discord → Matrix": {
        async pass(name, size) {
          discord.alice.say(discord.channel, "", { files: [{ name, type, bytes: all.subarray(0, size) }] });
          await onDiscord.find({ body: name }, 120_000);
        },
      },
    },
    async close() {
      dave.quit();
      await world.close();
      await irc.stop();
      await slack.fake.close();
      await discord.fake.stop();
    },
  };
}

async function drained(url: string, size: number): Promise<void> {
  const [answer] = (await once(get(url), "response")) as [import("node:http").IncomingMessage];
  let taken = 0;
  for await (const chunk of answer) taken += (chunk as Buffer).length;
  if (answer.statusCode !== 200 || taken !== size) throw new Error(`The link gave ${taken} bytes and status ${answer.statusCode}.`);
}

async function until(look: () => boolean): Promise<void> {
  for (const end = Date.now() + 120_000; !look(); await pause(SAMPLE_EVERY))
    if (Date.now() > end) throw new Error("The file did not arrive.");
}
