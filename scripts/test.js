// `npm test`: everything that runs on the fakes. `npm run test:real`: the stories on real servers, after `-- --install` has fetched what
// is missing of them. Other words choose files by their names.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const node = needNode();

// `fs.globSync` is younger than the Node that may run this file, so the one that runs the tests also finds them.
if (node !== process.execPath) run(fileURLToPath(import.meta.url), ...process.argv.slice(2));

const words = process.argv.slice(2);
const real = words[0] === "real" && words.shift() === "real";
if (real && words.includes("--install")) run("test/real/install.ts");

const files = fs
  .globSync("test/**/*.test.ts", { cwd: root })
  .filter((file) => file.startsWith("test/real/") === real)
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error("There is no such test.");
  process.exit(1);
}
// One process for all: node's own start-up, two dozen times over, costs more than most of the tests. It ends with the last of them,
// whatever one may have left open.
run("--test", "--test-isolation=none", "--test-force-exit", `--test-timeout=${real ? 300_000 : 120_000}`, ...files);

/** Ends as it ends. */
function run(...words) {
  process.exit(spawnSync(node, words, { cwd: root, stdio: "inherit" }).status ?? 1);
}
