/** The package as people get it: installed by npm itself into an empty folder, with what the registry has of the rest. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { pack, run } from "../packed.ts";

test("`npm install` of the package, then `npx causeway`: its version, a registration, and a start", async (t) => {
  const packed = await pack();
  const folder = await mkdtemp(join(tmpdir(), "causeway-empty-"));
  t.after(async () => {
    await packed.remove();
    await rm(folder, { recursive: true, force: true });
  });
  // Install scripts are left out: what is used brings its binaries along, and theirs would only fetch or build them again.
  await run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", packed.tarball);
  const { version } = JSON.parse(await readFile(join(folder, "node_modules/causeway/package.json"), "utf8")) as { version: string };
  assert.equal((await run(folder, "npx", "causeway", "--version")).stdout.trim(), version);
  await writeFile(join(folder, "config.yaml"), "homeserver: {url: 'http://127.0.0.1:1', domain: example.org}\nappservice: {port: 0}\n");
  await run(folder, "npx", "causeway", "registration");
  const started = spawn(join(folder, "node_modules/.bin/causeway"), ["start"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => started.kill("SIGKILL"));
  for await (const line of createInterface(started.stdout)) if ((JSON.parse(line) as { msg: string }).msg === "Listening") break;
  started.stdout.resume();
  started.kill("SIGTERM");
  assert.deepEqual(await once(started, "exit"), [0, null]);
});
