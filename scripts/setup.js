// Before everything that `npm` runs here: brings node_modules to what the lock file says. Runs on any Node from 20.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(`Setting up needs Node 20 or newer, and this is ${process.versions.node}.`);
  process.exit(1);
}
if (!isInstalled()) install();
if (existsSync(`${root}core/cli.ts`)) await compile();

/** Whether everything that the lock file asks for is there, in that version. What is optional may be missing. */
function isInstalled() {
  const wanted = readPackages("package-lock.json");
  const there = readPackages("node_modules/.package-lock.json");
  if (wanted === undefined || there === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional, link }]) => {
    const found = there[path];
    if (path === "" || link || !path.startsWith("node_modules/")) return true;
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(`${root}${file}`, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function install() {
  console.log("Installing what the lock file asks for …");
  // Install scripts are left out: every package that we use brings its binaries along, and theirs would only try to build them again.
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const strict = spawnSync("npm", ["ci", ...flags], { cwd: root, encoding: "utf8" });
  // Newer ones of npm refuse a lock file without other systems' optional packages, which not every registry carries. What the lock file
  // does name is installed as it says all the same.
  const done = strict.status === 0 ? strict : spawnSync("npm", ["install", "--no-save", ...flags], { cwd: root, stdio: "inherit" });
  if (done.status === 0 && isInstalled()) return;
  console.error("Installing failed: see what npm said above.");
  process.exit(1);
}

/** Compiles the sources where that has not been done yet: what is compiled starts faster and is smaller. Where it cannot be, they run. */
async function compile() {
  const { isBuilt, stampOf } = await import("./launch.js");
  const { findNode } = await import("./node24.js");
  const node = findNode();
  const compiler = `${root}node_modules/typescript/bin/tsc`;
  if (isBuilt() || node === undefined || !existsSync(compiler)) return;
  const stamp = stampOf();
  // Made beside it and put in its place whole: somebody may be starting from it.
  const made = `${root}node_modules/.compiled-${process.pid}`;
  const done = spawnSync(node, [compiler, "-p", "tsconfig.build.json", "--outDir", made], { cwd: root });
  if (done.status === 0) {
    writeFileSync(`${made}/.sources`, stamp);
    rmSync(`${root}dist`, { recursive: true, force: true });
    renameSync(made, `${root}dist`);
  }
  rmSync(made, { recursive: true, force: true });
}
