// Plain JavaScript: any Node from 16 may come here.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The oldest Node that can run Causeway. */
export const NEEDED = 24;

/** Where the one that the lock file brings lies: in our own packages, or beside us where we are somebody's package. */
const BUNDLED = ["../node_modules/.bin/node", "../../.bin/node"].map((place) => fileURLToPath(new URL(place, import.meta.url)));

/** A Node that can run us: this one, else the one that came along; undefined when neither can. */
export function findNode() {
  return [process.execPath, ...BUNDLED].find((node) => existsSync(node) && isNewEnough(node));
}

function isNewEnough(node) {
  if (node === process.execPath) return majorOf(process.versions.node) >= NEEDED;
  const answer = spawnSync(node, ["--version"], { encoding: "utf8" });
  return answer.status === 0 && majorOf(answer.stdout.trim().slice(1)) >= NEEDED;
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
