// `npm run fuzz`: rubbish of every kind into every parser. Words after `--` go to test/fuzz/run.ts.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const run = fileURLToPath(new URL("../test/fuzz/run.ts", import.meta.url));
process.exit(spawnSync(needNode(), [run, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1);
