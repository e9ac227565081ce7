// `npm run faults`: what can go wrong does, and nothing may be lost for it. Words after `--` go to test/faults/run.ts.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const run = fileURLToPath(new URL("../test/faults/run.ts", import.meta.url));
process.exit(spawnSync(needNode(), [run, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1);
