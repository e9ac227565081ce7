// `npm run bench`: what the bridge costs, on the Node that can run it. Words after `--` go to bench/run.ts.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const bench = fileURLToPath(new URL("../bench/run.ts", import.meta.url));
process.exit(spawnSync(needNode(), [bench, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1);
