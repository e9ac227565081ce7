/** The parts of the bench. Each opens a stage of its own, so that none lives on what another left behind. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import type { Load } from "./far-side.ts";
import { type Figures, percentile } from "./figures.ts";
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

/** 5: the same behind ten portals, a thousand, ten thousand. */
export async function flat(wishes: Wishes): Promise<void> {
  for (const portals of [10, 1_000, 10_000]) await costAt(wishes, `flat, ${portals} portals`, portals, false);
}

async function costAt({ figures, runs, quick, profileInto }: Wishes, part: string, portals: Portals, all: boolean): Promise<void> {
  const many = quick ? 2_000 : 10_000;
  const stage = await openStage({ portals, profileInto });
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
  const [limitCpu, limitSeconds] = await limitOf(stage, load.messages, Math.max(1, Math.round(1 / commits)));
  figures.add(part, `${name}, saturated: CPU a message`, "ms", cpu, "≤ 0.35");
  figures.add(part, `${name}, saturated: writes a message`, "commits", commits);
  figures.add(part, `${name}, saturated: messages a second`, "1/s", load.messages / seconds);
  figures.add(part, `${name}, saturated: speed over the limit's`, "ratio", limitSeconds / seconds, "≥ 0.60");
  figures.add(part, `${name}, the bare limit: CPU a message`, "ms", limitCpu / load.messages);
}

async function steady(stage: Stage, figures: Figures, part: string, load: Load): Promise<void> {
  const { cpu, commits, latencies } = await measured(stage, load);
  const name = NAMES[load.direction];
  figures.add(part, `${name}, 50/s: CPU a message`, "ms", cpu, "≤ 1");
  figures.add(part, `${name}, 50/s: writes a message`, "commits", commits);
  figures.add(part, `${name}, 50/s: latency p50`, "ms", percentile(latencies, 0.5));
  figures.add(part, `${name}, 50/s: latency p99`, "ms", percentile(latencies, 0.99));
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

async function limitOf(stage: Stage, messages: number, together: number): Promise<[cpu: number, seconds: number]> {
  const { stdout } = await promisify(execFile)(process.execPath, [LIMIT, stage.homeserver, String(messages), String(together)]);
  return JSON.parse(stdout) as [number, number];
}

/** 3: memory. */
export async function memory(wishes: Wishes): Promise<void> {
  const places = [
    { name: "idle, one network", portals: 1, ghosts: 0, goal: "≤ 120" },
    { name: "1,000 portals, 10,000 ghosts", portals: 1_000, ghosts: 10_000, goal: "≤ 150" },
  ];
  for (const { name, portals, ghosts, goal } of places) {
    for (let run = 0; run < wishes.runs; run += 1) {
      const stage = await openStage({ portals, ghosts });
      await stage.start();
      await stage.settle();
      wishes.figures.add("memory", `${name}: resident`, "MB", stage.usage().resident, goal);
      if (portals > 1) {
        for (const direction of ["in", "out"] as const) await stage.ask("load", { direction, portals, messages: 5_000 });
        await stage.settle();
        wishes.figures.add("memory", `${name}, after 10,000 messages: resident`, "MB", stage.usage().resident, goal);
      }
      await stage.close();
    }
  }
}

/** 4: from the start of the process until it is ready, and until it has nothing to do any more. */
export async function start(wishes: Wishes): Promise<void> {
  for (const portals of [1, 1_000, 10_000]) {
    const stage = await openStage({ portals });
    for (let run = 0; run < wishes.runs; run += 1) {
      const ms = await stage.start();
      const goal = portals === 1_000 ? "≤ 1500" : undefined;
      wishes.figures.add("start", `${portals} portals: ready after`, "ms", ms, goal);
      await stage.settle();
      wishes.figures.add("start", `${portals} portals: CPU until all is quiet`, "ms", stage.usage().cpu);
      await stage.stop();
    }
    await stage.close();
  }
}
