// `npm test`: everything that runs on the fakes. `npm run test:real`: the stories on real servers. Words after it choose files by name.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const node = needNode();
const words = process.argv.slice(2);
const real = words[0] === "real" && words.shift() === "real";

// `fs.globSync` is younger than the Node that may run this file, so the one that runs the tests also finds them.
if (node !== process.execPath) {
  const again = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(again.status ?? 1);
}

const files = fs
  .globSync("test/**/*.test.ts", { cwd: root })
  .filter((file) => file.startsWith("test/real/") === real)
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error("There is no such test.");
  process.exit(1);
}
// One process for all: node's own start-up, two dozen times over, costs more than most of the tests.
const flags = ["--test", "--test-isolation=none", `--test-timeout=${real ? 300_000 : 120_000}`];
const ran = spawnSync(node, [...flags, ...files], { cwd: root, stdio: "inherit" });
process.exit(ran.status ?? 1);
