// `npm run check`: types, floating promises and their like, format, and who imports whom. All of it, even when one fails.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const node = needNode();

const checks = [
  ["types", "node_modules/.bin/tsc", "-p", "."],
  ["lint", "node_modules/.bin/oxlint", "--type-aware", "--deny-warnings"],
  ["format", "node_modules/.bin/biome", "format", "--colors=off", "--reporter=summary"],
  ["imports", "scripts/test.js", "imports"],
];

const failed = checks.filter(([name, ...command]) => {
  const ran = spawnSync(node, command, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const well = ran.status === 0;
  console.log(`${well ? "✔" : "✖"} ${name}`);
  if (!well) process.stdout.write(`${ran.stdout}${ran.stderr}`);
  return !well;
});
process.exit(failed.length === 0 ? 0 : 1);
