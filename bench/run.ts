/** `npm run bench`: all parts, or those named. `--quick`, `--runs N`, `--out FILE`, `--cpu-prof`, `--compare A.json B.json`. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { converters } from "./converters.ts";
import { comparisonOf, Figures, type Results, tableOf } from "./figures.ts";
import { file } from "./files.ts";
import { ircConnections } from "./irc-connections.ts";
import { endurance, flat, memory, start, traffic } from "./parts.ts";
import { topOf } from "./profile.ts";
import { flameOf } from "./flame.ts";
import { realIrc } from "./real-irc.ts";
import { fanout, networks } from "./town.ts";

const FLAME = fileURLToPath(new URL("flame.svg", import.meta.url));

const PARTS = {
  traffic,
  memory,
  networks,
  start,
  flat,
  file,
  fanout,
  converters,
  "irc-connections": ircConnections,
  endurance,
  "real-irc": realIrc,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    out: { type: "string" },
    "cpu-prof": { type: "boolean", default: false },
    compare: { type: "boolean", default: false },
  },
});

if (values.compare) {
  const [before, after] = positionals.map((file) => JSON.parse(readFileSync(file, "utf8")) as Results);
  if (!before || !after) throw new Error("Name two files: --compare A.json B.json");
  console.log(comparisonOf(before, after));
} else await bench();

async function bench(): Promise<void> {
  const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const unknown = names.find((name) => !(name in PARTS));
  if (unknown !== undefined) throw new Error(`There is no part "${unknown}"; there are ${Object.keys(PARTS).join(", ")}.`);
  const figures = new Figures();
  const profileInto = values["cpu-prof"] ? mkdtempSync(join(tmpdir(), "causeway-profile-")) : undefined;
  // What else ran: the load before anything of ours does.
  const busy = `load ${loadavg()[0]?.toFixed(1)} before`;
  const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}, ${busy}`;
  const file = fileFor(names);
  for (const name of names) {
    process.stderr.write(`${name} …\n`);
    await PARTS[name as keyof typeof PARTS]({ figures, runs: Number(values.runs), quick: values.quick, profileInto });
    // What stands is kept, should a later part fail.
    writeFileSync(file, `${JSON.stringify({ machine, figures: figures.all } satisfies Results, null, 2)}\n`);
  }
  console.log(`${machine}\n\n${tableOf(figures.all)}\n\nWritten to ${file}`);
  if (profileInto === undefined) return;
  writeFileSync(FLAME, flameOf(profileInto));
  console.log(`\n${topOf(profileInto)}\n\nA flame graph lies in ${FLAME}`);
}

function fileFor(names: readonly string[]): string {
  if (values.out !== undefined) return values.out;
  const folder = fileURLToPath(new URL("results", import.meta.url));
  mkdirSync(folder, { recursive: true });
  return join(
    folder,
    `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")} ${positionals.length > 0 ? names.join(" ") : "all"}.json`,
  );
}
