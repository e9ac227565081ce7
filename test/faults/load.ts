/**
 * `npm run faults -- load`: far more comes from the networks than the homeserver takes. Everything lies on disk at once, memory stays where
 * it was, and in the end the room has all of it, in order.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FakeDiscord } from "../fakes/discord.ts";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import { ergo, FakeIrc } from "../fakes/irc.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openWorld, type World } from "../world.ts";

const CHANNEL = "#load";
const TICK = 50;
const MEGABYTE = 1_048_576;

interface Source {
  readonly name: string;
  readonly room: MatrixRoom;
  say(text: string): void;
}

/** Of the bridge's process, as it says itself. */
async function memory(world: World): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${world.port}/metrics`)).text();
  return Number(/^causeway_process_resident_memory_bytes (\S+)$/m.exec(text)?.[1] ?? 0) / MEGABYTE;
}

async function link(world: World, channel: string): Promise<MatrixRoom> {
  const ann = await world.hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  await room.say(`!causeway link ${channel}`);
  await room.next({ sender: world.bot, body: /now linked/ });
  return room;
}

interface Wishes {
  /** Messages a second, from all sides together. */
  readonly rate: number;
  readonly seconds: number;
  /** What the homeserver takes in a second. */
  readonly taken: number;
}

/** Resolves with the exit code. */
export async function load(words: readonly string[], say: (text: string) => void): Promise<number> {
  const number = { type: "string" } as const;
  const { values } = parseArgs({ args: [...words], options: { rate: number, seconds: number, taken: number } });
  const wishes = { rate: Number(values.rate ?? 2_000), seconds: Number(values.seconds ?? 60), taken: Number(values.taken ?? 200) };
  const irc = await FakeIrc.start({ profile: ergo });
  const discord = await FakeDiscord.start();
  let hs!: FakeHomeserver;
  const world = await openWorld({
    startHomeserver: async (registration) => {
      hs = await startHomeserver({ services: [registration] });
      return hs;
    },
    config: {
      irc: { networks: { one: { servers: [{ host: "127.0.0.1", port: irc.port, tls: false }] } } },
      discord: { token: discord.bot.token, api_url: discord.apiUrl, cdn_url: discord.cdnUrl },
      logging: { level: "info", format: "json" },
    },
  });
  try {
    await world.start();
    const guild = discord.guild("Keepers");
    const channel = discord.channel(guild, "plaza");
    const [dana, ida] = [discord.person("Dana", guild), irc.person("ida").join(CHANNEL)];
    discord.gateway.greetGuild(guild);
    const sources: Source[] = [
      { name: "IRC", room: await link(world, `irc one ${CHANNEL}`), say: (text) => void ida.say(CHANNEL, text) },
      { name: "Discord", room: await link(world, `discord ${channel}`), say: (text) => void dana.say(channel, text) },
    ];
    return await flood({ world, hs, sources, wishes, say });
  } finally {
    await world.close();
    await Promise.all([irc.stop(), discord.stop()]);
  }
}

interface Flood {
  readonly world: World;
  readonly hs: FakeHomeserver;
  readonly sources: readonly Source[];
  readonly wishes: Wishes;
  readonly say: (text: string) => void;
}

async function flood({ world, hs, sources, wishes, say }: Flood): Promise<number> {
  for (const { say: speak } of sources) speak("n 0");
  await pause(3_000);
  const idle = await memory(world);
  const limit = hs.faults.add({
    kind: "paced",
    match: { method: "PUT", path: "/send/m.room.message", service: true },
    perSecond: wishes.taken,
  });
  let most = idle;
  const begun = performance.now();
  let said = 0;
  const total = Math.floor((wishes.rate * wishes.seconds) / sources.length);
  while (said < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * (wishes.rate / sources.length)));
    for (; said < due; said += 1) for (const { say: speak } of sources) speak(`n ${said + 1}`);
    await pause(TICK);
    if (said % 10 === 0) most = Math.max(most, await memory(world));
  }
  const spoken = (performance.now() - begun) / 1_000;
  say(`said ${total * sources.length} in ${spoken.toFixed(0)} s, memory ${most.toFixed(0)} MB, ${idle.toFixed(0)} MB idle`);
  const numbers = (source: Source): number[] =>
    hs
      .timeline(source.room.id)
      .flatMap(({ content }) => (/^n \d+$/.test(String(content["body"])) ? [Number(String(content["body"]).slice(2))] : []));
  const end = performance.now() + ((total * sources.length) / wishes.taken) * 2_000 + 60_000;
  while (performance.now() < end && sources.some((source) => numbers(source).length <= total)) {
    await pause(1_000);
    most = Math.max(most, await memory(world));
  }
  limit.release();
  const drained = (performance.now() - begun) / 1_000;
  const found = sources.map(numbers);
  const lost = found.reduce((sum, all) => sum + (total + 1 - new Set(all).size), 0);
  const doubled = found.reduce((sum, all) => sum + (all.length - new Set(all).size), 0);
  const disordered = found.reduce((sum, all) => sum + all.filter((n, at) => at > 0 && n < (all[at - 1] as number)).length, 0);
  const over = Math.round(most - idle);
  say(
    `said ${total * sources.length} in ${spoken.toFixed(0)} s, drained after ${drained.toFixed(0)} s, ${over} MB over idle, lost ${lost}, doubled ${doubled}, out of order ${disordered}`,
  );
  return lost + doubled + disordered > 0 || over > 80 ? 1 : 0;
}
