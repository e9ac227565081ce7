/** The parts of the bench. Each opens a stage of its own, so that none lives on what another left behind. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import type { Load } from "./far-side.ts";
import { type Figures, percentile } from "./figures.ts";
import type { Limit } from "./limit.ts";
import type { Portals } from "./scene.ts";
import { openStage, type Stage } from "./stage.ts";

export interface Wishes {
  readonly figures: Figures;
  readonly runs: number;
  /** Fewer messages: to see that it works, not to be quoted. */
  readonly quick: boolean;
  readonly profileInto?: string | undefined;
}

const LIMIT = fileURLToPath(new URL("limit.ts", import.meta.url));
const STEADY = 50;
const NAMES = { in: "IRC → Matrix", out: "Matrix → IRC" } as const;
/** What is still being written when the last message has arrived counts too. The echo comes after 40 ms. */
const TAIL = 300;

/** 1: what a message costs. */
export async function traffic(wishes: Wishes): Promise<void> {
  await costAt(wishes, "traffic", 10, true);
}

/** 5: the same behind ten portals, a thousand, ten thousand; and with a thousand, 100,000, ten million rows in the map. */
export async function flat(wishes: Wishes): Promise<void> {
  for (const portals of [10, 1_000, 10_000]) await costAt(wishes, `flat, ${portals} portals`, portals, false);
  for (const rows of [1_000, 100_000, 10_000_000]) await costAt(wishes, `flat, ${rows} rows`, 10, false, rows);
}

async function costAt(wishes: Wishes, part: string, portals: Portals, all: boolean, messages = 0): Promise<void> {
  const { figures, runs, quick, profileInto } = wishes;
  const many = quick ? 2_000 : 10_000;
  const stage = await openStage({ portals, messages, profileInto });
  try {
    await stage.start();
    await stage.settle();
    // Warm, as it is after its first minutes: compiled, and with its files as large as they will be.
    for (const direction of ["in", "out"] as const) await stage.ask("load", { direction, portals, messages: many });
    for (let run = 0; run < runs; run += 1) {
      for (const direction of ["in", "out"] as const) {
        await saturated(stage, figures, part, { direction, portals, messages: many });
        if (all) await steady(stage, figures, part, { direction, portals, messages: quick ? 100 : 500, perSecond: STEADY });
      }
      if (all) figures.add(part, "resident under load", "MB", stage.usage().resident);
    }
  } finally {
    await stage.close();
  }
}

async function saturated(stage: Stage, figures: Figures, part: string, load: Load): Promise<void> {
  const { cpu, commits, seconds } = await measured(stage, load);
  const name = NAMES[load.direction];
  const limit = await limitOf(stage, load.messages, Math.max(1, Math.round(1 / commits)));
  figures.add(part, `${name}, saturated: CPU a message`, "ms", cpu, "≤ 0.35");
  figures.add(part, `${name}, saturated: writes a message`, "commits", commits);
  figures.add(part, `${name}, saturated: messages a second`, "1/s", load.messages / seconds);
  figures.add(part, `${name}, saturated: speed over the limit's`, "ratio", limit.seconds / seconds, "≥ 0.60");
  figures.add(part, `${name}, the bare limit: CPU a message`, "ms", limit.cpu / load.messages);
}

const PERCENTILES = { p50: [0.5, "≤ 3"], p99: [0.99, "≤ 15"], "p99.9": [0.999, undefined] } as const;

/** 2: latency, and what a message costs that comes alone. */
async function steady(stage: Stage, figures: Figures, part: string, load: Load): Promise<void> {
  const { cpu, commits, latencies } = await measured(stage, load);
  const limit = await limitOf(stage, load.messages, 1, STEADY);
  const name = NAMES[load.direction];
  figures.add(part, `${name}, 50/s: CPU a message`, "ms", cpu, "≤ 1");
  figures.add(part, `${name}, 50/s, the bare limit: CPU a message`, "ms", limit.cpu / load.messages);
  figures.add(part, `${name}, 50/s: writes a message`, "commits", commits);
  for (const [label, [place, goal]] of Object.entries(PERCENTILES)) {
    const added = percentile(latencies, place) - percentile(limit.latencies, place);
    figures.add(part, `${name}, 50/s: latency over the limit's, ${label}`, "ms", added, goal);
  }
}

/** A message. */
async function measured(stage: Stage, load: Load) {
  const before = stage.usage();
  const outcome = await stage.ask("load", load);
  await pause(TAIL);
  const after = stage.usage();
  const { messages } = load;
  return { ...outcome, cpu: (after.cpu - before.cpu) / messages, commits: (after.commits - before.commits) / messages };
}

async function limitOf(stage: Stage, messages: number, together: number, perSecond = 0): Promise<Limit> {
  const words = [LIMIT, stage.homeserver, ...[messages, together, perSecond].map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Limit;
}

/** 3: memory with many portals. That of two and three networks is in `town.ts`, that after a million messages in `endurance`. */
export async function memory({ figures, runs }: Wishes): Promise<void> {
  const places = [
    { name: "idle, one network", portals: 1, ghosts: 0, goal: "≤ 120" },
    { name: "1,000 portals, 10,000 ghosts", portals: 1_000, ghosts: 10_000, goal: "≤ 150" },
  ];
  for (const { name, portals, ghosts, goal } of places) {
    const stage = await openAtHome(portals, ghosts);
    for (let run = 0; run < runs; run += 1) {
      await stage.start();
      await stage.settle();
      figures.add("memory", `${name}: resident`, "MB", stage.usage().resident, goal);
      if (portals > 1) {
        for (const direction of ["in", "out"] as const) await stage.ask("load", { direction, portals, messages: 5_000 });
        await stage.settle();
        figures.add("memory", `${name}, after 10,000 messages: resident`, "MB", stage.usage().resident, goal);
      }
      await stage.stop();
    }
    await stage.close();
  }
}

/** A stage whose bridge has run before: it has seen its channels. */
async function openAtHome(portals: Portals, ghosts = 0): Promise<Stage> {
  const stage = await openStage({ portals, ghosts });
  await stage.start();
  await stage.settle();
  await stage.stop();
  return stage;
}

const TENTH = 10;

/** 3: memory after a million messages, half of them each way, and on the way there. Once, however many runs are asked for. */
export async function endurance({ figures, quick }: Wishes): Promise<void> {
  const stage = await openStage({ portals: 10 });
  const messages = (quick ? 20_000 : 1_000_000) / TENTH / 2;
  await stage.start();
  await stage.settle();
  for (let part = 1; part <= TENTH; part += 1) {
    for (const direction of ["in", "out"] as const) await stage.ask("load", { direction, portals: 10, messages });
    figures.add("endurance", `after ${part * messages * 2} messages: resident`, "MB", stage.usage().resident);
  }
  await stage.close();
}

/** 4: from the start of the process until it is ready, and until it has nothing to do any more. */
export async function start({ figures, runs }: Wishes): Promise<void> {
  for (const portals of [1, 1_000, 10_000]) {
    const stage = await openAtHome(portals);
    for (let run = 0; run < runs; run += 1) {
      const ms = await stage.start();
      figures.add("start", `${portals} portals: ready after`, "ms", ms, portals === 1_000 ? "≤ 1500" : undefined);
      await stage.settle();
      figures.add("start", `${portals} portals: CPU until all is quiet`, "ms", stage.usage().cpu);
      await stage.stop();
    }
    await stage.close();
  }
}
