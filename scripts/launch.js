// Starts the bridge with a Node that can run it and the flags that it runs best with. Any Node from 16 may come here.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Nearly halve the memory under load, and take less work, as measured (`bench/README.md`): for a heap of some 40 MB V8's own choices are large. */
const LEAN = ["--max-semi-space-size=2", "--no-parallel-scavenge", "--heap-growing-percent=40"];
/** One heap of glibc's for all threads: what one has given back serves the others. */
const ONE_ARENA = { MALLOC_ARENA_MAX: "1" };

export function launch() {
  const node = needNode();
  if (!existsSync(`${root}node_modules`) && !root.includes("node_modules"))
    return complain("Its packages are missing: run `npm ci --ignore-scripts` first.");
  const entrance = findEntrance();
  if (entrance === undefined) return complain("It has not been built here: run `npm run build` first.");
  become(node, [...leanFlags(), entrance, ...process.argv.slice(2)]);
}

/**
 * What was compiled, where it still says what the sources say: 30 MB less, and half a second sooner. Else the sources where they lie; a
 * package and an image have none, and Node reads no TypeScript in packages.
 */
function findEntrance() {
  const compiled = `${root}dist/core/cli.js`;
  const sources = `${root}core/cli.ts`;
  const places = root.includes("node_modules") || isBuilt() ? [compiled] : [sources, compiled];
  return places.find((place) => existsSync(place));
}

const STAMP = `${root}dist/.sources`;

/** Whether `dist` was compiled, by `scripts/setup.js`, from the sources as they are. */
export function isBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, "utf8") === stampOf();
}

/** Of all sources by name, size and time: written beside what was compiled from them. */
export function stampOf() {
  const hash = createHash("sha256");
  for (const folder of ["core", "bridges"]) addFolder(hash, folder);
  return hash.digest("hex");
}

function addFolder(hash, folder) {
  if (!existsSync(root + folder)) return;
  for (const entry of readdirSync(root + folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) addFolder(hash, path);
    else if (path.endsWith(".ts")) hash.update(fileLine(path));
  }
}

function fileLine(path) {
  const { size, mtimeMs } = statSync(root + path);
  return `${path} ${size} ${mtimeMs}\n`;
}

/** The flags that this process was given, and ours unless they speak of the same. */
function leanFlags() {
  const given = `${process.execArgv.join(" ")} ${process.env.NODE_OPTIONS || ""}`;
  return [...process.execArgv, ...LEAN.filter((flag) => !given.includes(flag.replace(/^--(?:no-)?|=.*/g, "")))];
}

/** In place of this process where Node can do that, so that there is one process only; else as its child. */
function become(node, argv) {
  const env = { ...ONE_ARENA, ...process.env };
  if (process.execve) return process.execve(node, [node, ...argv], env);
  const child = spawn(node, argv, { stdio: "inherit", env });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => (signal === null ? process.exit(code) : endBy(signal)));
}

/** Ends as the child ended. */
function endBy(signal) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function complain(sentence) {
  console.error(sentence);
  process.exit(1);
}
