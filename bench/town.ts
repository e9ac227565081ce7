/** The bridge between a strict homeserver and strict networks of `test/fakes`, which speak from this process: for what the lean ones do not. */
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
import { usageOf } from "./stage.ts";

export const NETWORKS = ["irc", "slack", "discord"] as const;
export type NetworkName = (typeof NETWORKS)[number];

interface Side {
  /** Its section of the config. */
  readonly config: object;
  /** As in `!causeway link …`. */
  readonly channel: string;
  say(text: string): void;
  /** How many messages stand in the channel. */
  count(): number;
  close(): Promise<unknown>;
}

interface Town {
  readonly world: World;
  readonly sides: Readonly<Record<NetworkName, Side>>;
  /** A room that is linked to a channel of each of the town's networks. */
  linked(): Promise<MatrixRoom>;
  close(): Promise<void>;
}

/** The bridge's and the networks' clock runs faster than the wall, so that their limits (a message a second on Slack) do not set the pace. */
const SPEED = 20;
const CHANNEL = "#square";
const REST = 2_000;

async function raiseIrc(): Promise<Side> {
  const fake = await FakeIrc.start({ profile: inspircd });
  const dave = await (await IrcPerson.connect({ host: "127.0.0.1", port: fake.port }, "dave")).join(CHANNEL);
  const flood = { burst: 1000, per_second: 1000, most_per_second: 1000, learn: false };
  return {
    config: { networks: { one: { servers: [{ host: "127.0.0.1", port: fake.port, tls: false }], flood } } },
    channel: `irc one ${CHANNEL}`,
    say: (text) => dave.say(CHANNEL, text),
    count: () => dave.said(CHANNEL).length,
    async close() {
      dave.quit();
      await fake.stop();
    },
  };
}

async function raiseSlackSide(): Promise<Side> {
  const { fake, team, app, bot, alice, channel } = await raiseSlack(createClock({ speed: SPEED, since: Date.now() }));
  return {
    config: { api_url: fake.apiUrl, workspaces: { [team.id]: { bot_token: bot.token, app_token: app.appToken } } },
    channel: `slack ${team.id} ${channel.id}`,
    say: (text) => void alice.say(channel, text),
    count: () => channel.messages.length,
    close: () => fake.close(),
  };
}

async function raiseDiscordSide(): Promise<Side> {
  const { fake, alice, channel } = await raiseDiscord(SPEED);
  return {
    config: { token: fake.bot.token, api_url: fake.apiUrl, cdn_url: fake.cdnUrl },
    channel: `discord ${channel}`,
    say: (text) => void alice.say(channel, text),
    count: () => fake.world.messages.get(channel)?.size ?? 0,
    close: () => fake.stop(),
  };
}

async function openTown(networks: readonly NetworkName[]): Promise<Town> {
  const sides = { irc: await raiseIrc(), slack: await raiseSlackSide(), discord: await raiseDiscordSide() };
  const world = await openWorld({
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    speed: SPEED,
    config: {
      logging: { level: "info", format: "json" },
      database: { path: "causeway.db", key_file: "causeway.key" },
      ...Object.fromEntries(networks.map((name) => [name, sides[name].config])),
    },
  });
  await world.start();
  return {
    world,
    sides,
    async linked() {
      const ann = await world.hs.user("ann");
      const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await room.invite(world.bot);
      await room.next({ sender: world.bot, body: /I am the bridge/ });
      for (const name of networks) {
        await room.say(`!causeway link ${sides[name].channel}`);
        await room.next({ sender: world.bot, body: /now linked/ });
      }
      return room;
    },
    async close() {
      await world.close();
      await Promise.all(Object.values(sides).map((side) => side.close()));
    },
  };
}

/** 3: memory with one, two and three networks. */
export async function networks({ figures, runs }: Wishes): Promise<void> {
  for (const count of [1, 2, 3]) {
    const town = await openTown(NETWORKS.slice(0, count));
    await town.linked();
    for (let run = 0; run < runs; run += 1) {
      await town.world.restart("SIGTERM");
      await pause(REST);
      const goal = count === NETWORKS.length ? "≤ 120" : undefined;
      const name = `idle, ${NETWORKS.slice(0, count).join(" + ")}: resident`;
      figures.add("networks", name, "MB", usage(town.world).resident, goal);
    }
    await town.close();
  }
}

/** 7: one room on three networks, so that a message from one of them makes three copies. */
export async function fanout({ figures, runs, quick }: Wishes): Promise<void> {
  const town = await openTown(NETWORKS);
  const room = await town.linked();
  const messages = quick ? 50 : 300;
  const { sides } = town;
  for (let run = -1; run < runs; run += 1) {
    for (const from of ["matrix", ...NETWORKS] as const) {
      const to = NETWORKS.filter((name) => name !== from);
      const before = to.map((name) => sides[name].count());
      const begun = usage(town.world);
      for (let number = 0; number < messages; number += 1) {
        const text = `n${number} of run ${run} from ${from}`;
        await (from === "matrix" ? room.say(text) : sides[from].say(text));
      }
      if (from !== "matrix") await room.find({ body: `n${messages - 1} of run ${run} from ${from}` }, 120_000);
      await until(() => to.every((name, index) => sides[name].count() - (before[index] as number) >= messages));
      const { cpu, commits } = usage(town.world);
      // The first time warms up.
      if (run < 0) continue;
      const copies = messages * NETWORKS.length;
      figures.add("fanout", `from ${from}: CPU a copy`, "ms", (cpu - begun.cpu) / copies);
      figures.add("fanout", `from ${from}: writes a copy`, "commits", (commits - begun.commits) / copies);
    }
  }
  await town.close();
}

function usage({ pid, folder }: World) {
  return usageOf(pid, `${folder}/causeway.db-shm`);
}

async function until(look: () => boolean): Promise<void> {
  for (const end = Date.now() + 120_000; !look(); await pause(5)) if (Date.now() > end) throw new Error("Not everything arrived.");
}
