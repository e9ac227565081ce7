/**
 * 9: a real Synapse and a real InspIRCd: five people on each side, ten messages a second, 600 each way; then 330 towards IRC, and in the midst
 * of them `kill -9` and three seconds down.
 */
import { setTimeout as pause } from "node:timers/promises";
import { IrcPerson } from "../test/irc-person.ts";
import type { MatrixRoom } from "../test/matrix-room.ts";
import { inspircdMissing, startInspircd } from "../test/real/irc-servers-inspircd.ts";
import { synapseMissing } from "../test/real/synapse.ts";
import { openWorld, type World } from "../test/world.ts";
import type { Figures } from "./figures.ts";
import type { Wishes } from "./parts.ts";
import { usageOf } from "./stage.ts";

const PEOPLE = 5;
const PER_SECOND = 10;
const MESSAGES = 600;
const KILLED = 330;
const DOWN = 3_000;
const CHANNEL = "#real";
/** Until nothing more comes. */
const QUIET = 8_000;
const PATIENCE = 120_000;

interface Scene {
  readonly world: World;
  /** The same room, as each of the people on Matrix. */
  readonly rooms: readonly MatrixRoom[];
  readonly irc: readonly IrcPerson[];
}

export async function realIrc({ figures, runs, quick }: Wishes): Promise<void> {
  for (const missing of [await synapseMissing(), await inspircdMissing()]) if (missing !== undefined) throw new Error(missing);
  const server = await startInspircd();
  const flood = { burst: 1000, per_second: 1000, most_per_second: 1000, learn: false };
  const one = { servers: [{ host: server.host, port: server.port, tls: false }], flood };
  const world = await openWorld({
    startHomeserver: "synapse",
    config: {
      logging: { level: "info", format: "json" },
      database: { path: "causeway.db", key_file: "causeway.key" },
      irc: { networks: { one } },
    },
  });
  try {
    await world.start();
    const nicks = Array.from({ length: PEOPLE }, (_, index) => `dora${index}`);
    const irc = await Promise.all(nicks.map(async (nick) => await (await IrcPerson.connect(server, nick)).join(CHANNEL)));
    const scene = { world, rooms: await linkedRooms(world), irc };
    const share = quick ? 10 : 1;
    await flow(scene, "in", 50, "warm");
    await flow(scene, "out", 50, "warm");
    for (let run = 0; run < runs; run += 1) {
      for (const direction of ["in", "out"] as const) await measured(figures, scene, direction, MESSAGES / share, `${direction}${run}`);
      figures.add("real-irc", "resident", "MB", usage(world).resident);
      await killed(figures, scene, KILLED / share, `kill${run}`);
    }
    for (const person of irc) person.quit();
  } finally {
    await world.close();
    await server.stop();
  }
}

async function linkedRooms(world: World): Promise<MatrixRoom[]> {
  const users = await Promise.all(Array.from({ length: PEOPLE }, (_, index) => world.hs.user(`ann${index}`)));
  const [first, ...others] = users;
  if (!first) throw new Error("Nobody is there.");
  const room = await first.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  await room.say(`!causeway link irc one ${CHANNEL}`);
  await room.next({ sender: world.bot, body: /now linked/ });
  return [room, ...(await Promise.all(others.map((user) => room.as(user).join())))];
}

async function measured(figures: Figures, scene: Scene, direction: "in" | "out", messages: number, mark: string): Promise<void> {
  const before = usage(scene.world);
  await flow(scene, direction, messages, mark);
  const after = usage(scene.world);
  const [name, goal] = direction === "in" ? ["IRC → Matrix", "≤ 1.1"] : ["Matrix → IRC", "≤ 0.9"];
  figures.add("real-irc", `${name}, 10/s: CPU a message`, "ms", (after.cpu - before.cpu) / messages, goal);
  figures.add("real-irc", `${name}, 10/s: writes a message`, "commits", (after.commits - before.commits) / messages);
}

/** Says so many, and waits for the last. */
async function flow(scene: Scene, direction: "in" | "out", messages: number, mark: string): Promise<void> {
  await say(scene, direction, messages, mark);
  const last = `${mark} ${messages - 1}.`;
  if (direction === "in") await scene.rooms[0]?.find({ body: last }, PATIENCE);
  else await scene.irc[0]?.hear(CHANNEL, new RegExp(last.replace(".", "\\.")), PATIENCE);
}

async function say({ rooms, irc }: Scene, direction: "in" | "out", messages: number, mark: string): Promise<void> {
  const begun = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let number = 0; number < messages; number += 1) {
    const text = `${mark} ${number}.`;
    if (direction === "in") irc[number % PEOPLE]?.say(CHANNEL, text);
    else sent.push(rooms[number % PEOPLE]?.say(text) ?? Promise.resolve());
    await pause(Math.max(0, begun + ((number + 1) * 1000) / PER_SECOND - performance.now()));
  }
  await Promise.all(sent);
}

/** How long from the start of the process until it bridges, and what became of the messages. */
async function killed(figures: Figures, scene: Scene, messages: number, mark: string): Promise<void> {
  const { world, irc } = scene;
  const saying = say(scene, "out", messages, mark);
  await pause((messages / PER_SECOND / 2) * 1000);
  await world.kill("SIGKILL");
  await pause(DOWN);
  const heard = () => (irc[0]?.said(CHANNEL) ?? []).filter((text) => text.includes(mark));
  const before = heard().length;
  const begun = performance.now();
  await world.start("health");
  while (heard().length === before) await pause(5);
  figures.add("real-irc", "after kill -9: start of the process until it bridges", "s", (performance.now() - begun) / 1000, "≤ 1.0");
  await saying;
  for (let known = -1; known !== heard().length; await pause(QUIET)) known = heard().length;
  const numbers = heard().map((text) => Number(/ (\d+)\./.exec(text)?.[1]));
  const different = new Set(numbers);
  const backwards = [...different].filter((number, place, all) => place > 0 && number < (all[place - 1] as number));
  figures.add("real-irc", `after kill -9: lost of ${messages}`, "messages", messages - different.size, "0");
  figures.add("real-irc", `after kill -9: twice of ${messages}`, "messages", numbers.length - different.size, "0");
  figures.add("real-irc", `after kill -9: out of order of ${messages}`, "messages", backwards.length, "0");
}

function usage({ pid, folder }: World) {
  return usageOf(pid, `${folder}/causeway.db-shm`);
}
