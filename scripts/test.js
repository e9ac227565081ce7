// `npm test`: everything that runs on the fakes. `npm run test:real`: the stories on real servers, after `-- --install` has fetched what
// is missing of them. Other words choose files by their names.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
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
// What only waits, for servers that let a line a second pass, does so beside everything else.
const waits = real && words.length === 0 ? files.filter((file) => file.includes("irc-many")) : [];
const beside = waits.length > 0 ? startBeside(waits) : undefined;
// One process for all: node's own start-up, two dozen times over, costs more than most of the tests. It ends with the last of them,
// whatever one may have left open.
const status = runTests(files.filter((file) => !waits.includes(file)));
process.exit(beside ? (await beside()) || status : status);

function runTests(some) {
  return spawnSync(node, testWords(some), { cwd: root, stdio: "inherit" }).status ?? 1;
}

function testWords(some) {
  return ["--test", "--test-isolation=none", "--test-force-exit", `--test-timeout=${real ? 300_000 : 120_000}`, ...some];
}

/** Its words come when it has ended. */
function startBeside(some) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "causeway-test-")), "out");
  const out = fs.openSync(file, "w");
  const child = spawn(node, testWords(some), { cwd: root, stdio: ["ignore", out, out] });
  const ended = new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
  return async () => {
    const code = await ended;
    process.stdout.write(fs.readFileSync(file));
    fs.rmSync(path.dirname(file), { recursive: true });
    return code;
  };
}

/** Ends as it ends. */
function run(...words) {
  process.exit(spawnSync(node, words, { cwd: root, stdio: "inherit" }).status ?? 1);
}
