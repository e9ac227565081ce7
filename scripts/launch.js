// Starts the bridge with a Node that can run it and the flags that it runs best with. Any Node from 16 may come here.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Nearly halves the memory under load, at the same speed. */
const LEAN = "--max-semi-space-size=2";

export function launch() {
  const node = needNode();
  if (!existsSync(`${root}node_modules`) && !root.includes("node_modules"))
    return complain("Its packages are missing: run `npm ci --ignore-scripts` first.");
  const entrance = findEntrance();
  if (entrance === undefined) return complain("It has not been built here: run `npm run build` first.");
  become(node, [...leanFlags(), entrance, ...process.argv.slice(2)]);
}

/** The sources where they lie; what was compiled from them in a package or an image, where Node reads no TypeScript. */
function findEntrance() {
  const places = root.includes("node_modules") ? ["dist/core/cli.js"] : ["core/cli.ts", "dist/core/cli.js"];
  return places.map((place) => `${root}${place}`).find((place) => existsSync(place));
}

/** The flags that this process was given, and ours unless they speak of the same. */
function leanFlags() {
  const given = `${process.execArgv.join(" ")} ${process.env.NODE_OPTIONS || ""}`;
  return given.includes("--max-semi-space-size") ? process.execArgv : [...process.execArgv, LEAN];
}

/** In place of this process where Node can do that, so that there is one process only; else as its child. */
function become(node, argv) {
  if (process.execve) return process.execve(node, [node, ...argv], process.env);
  const child = spawn(node, argv, { stdio: "inherit" });
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
