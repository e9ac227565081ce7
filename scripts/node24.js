// Plain JavaScript: any Node from 16 may come here.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The oldest Node that can run Causeway. */
export const NEEDED = 24;

const bundled = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));

/** A Node that can run us: this one, else the one that the lock file brings; undefined when neither can. */
export function findNode() {
  if (majorOf(process.versions.node) >= NEEDED) return process.execPath;
  if (!existsSync(bundled)) return undefined;
  const answer = spawnSync(bundled, ["--version"], { encoding: "utf8" });
  return answer.status === 0 && majorOf(answer.stdout.trim().slice(1)) >= NEEDED ? bundled : undefined;
}

/** As `findNode`, or ends the process with one sentence. */
export function needNode() {
  const node = findNode();
  if (node !== undefined) return node;
  console.error(`Causeway needs Node ${NEEDED} or newer, and this is ${process.versions.node}: run \`npm ci\`, which brings one along.`);
  process.exit(1);
}

function majorOf(version) {
  return Number(version.split(".")[0]);
}
