/**
 * `npm run fuzz -- --inputs N --seed S`: rubbish of every kind into every parser, every converter and the HTTP surface. Looks for a crash,
 * an input that takes longer than 50 ms, memory that grows, and whatever breaks a promise. Says what it found by seed, and the count last.
 */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { chanceOf } from "../core/seeded.ts";
import { Broken } from "./promises.ts";
import { openSurface } from "./surface.ts";
import { type Target, targets } from "./targets.ts";

const LONGEST = 50;
/** What a program of this size may keep for good reasons: caches that have an end. */
const GROWTH = 32;
const MEGABYTE = 1_048_576;
/** One in so many inputs goes to the HTTP surface, which has to be asked over a socket. */
const OVER_HTTP = 50;

type Kind = "crash" | "hang" | "promise";

interface Finding {
  readonly kind: Kind;
  readonly target: string;
  readonly seed: number;
  readonly what: string;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed / MEGABYTE;
}

/** The same input of the same target, each time. */
function feed(target: Target, seed: number): Finding | undefined {
  const input = target.input(chanceOf(seed)) as never;
  const begun = performance.now();
  try {
    target.feed(input);
  } catch (error) {
    const kind = error instanceof Broken ? "promise" : "crash";
    return { kind, target: target.name, seed, what: error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error) };
  }
  if (performance.now() - begun <= LONGEST || !isSlow(target, input)) return undefined;
  return {
    kind: "hang",
    target: target.name,
    seed,
    what: `${Math.round(performance.now() - begun)} ms: ${JSON.stringify(input).slice(0, 200)}`,
  };
}

/** Slow each time: else it was the garbage's turn, or somebody else's. */
function isSlow(target: Target, input: never): boolean {
  for (let time = 0; time < 3; time += 1) {
    const begun = performance.now();
    target.feed(input);
    if (performance.now() - begun <= LONGEST) return false;
  }
  return true;
}

async function main(inputs: number, first: number): Promise<number> {
  say(`seed ${first}: ${inputs} inputs for ${targets.length} parsers and converters and the HTTP surface`);
  const surface = await openSurface();
  const findings: Finding[] = [];
  for (const target of targets) for (let seed = 0; seed < 200; seed += 1) feed(target, seed);
  const before = heap();
  const begun = performance.now();
  for (let count = 0; count < inputs; count += 1) {
    const seed = first * 10_000_000 + count;
    if (count % OVER_HTTP === 0) {
      const what = await surface.feed(chanceOf(seed));
      if (what !== undefined) findings.push({ kind: what.startsWith("slow") ? "hang" : "promise", target: "HTTP", seed, what });
      continue;
    }
    const found = feed(targets[count % targets.length] as Target, seed);
    if (found) findings.push(found);
    if (findings.length >= 50) break;
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  await surface.close();
  return report(findings, Math.max(0, Math.round(heap() - before)), inputs, seconds);
}

function report(findings: readonly Finding[], growth: number, inputs: number, seconds: number): number {
  for (const { kind, target, seed, what } of findings) say(`${kind}, ${target}, input ${seed}: ${what}`);
  const count = (kind: Kind): number => findings.filter((finding) => finding.kind === kind).length;
  const grown = growth > GROWTH ? 1 : 0;
  say(`${seconds} s, memory grew by ${growth} MB`);
  say(`inputs ${inputs}, crashes ${count("crash")}, hangs ${count("hang")}, promises broken ${count("promise")}, growth ${grown}`);
  return findings.length + grown > 0 ? 1 : 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const { values } = parseArgs({ options: { inputs: { type: "string", default: "50000" }, seed: { type: "string", default: "1" } } });
process.exitCode = await main(Number(values.inputs), Number(values.seed));
process.exit();
