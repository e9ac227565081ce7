import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./temporary-store.ts";

const launcher = fileURLToPath(new URL("../../causeway.js", import.meta.url));
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** Runs the command in a folder of its own, as if this Node were of another version. */
function causeway(t: TestContext, words: readonly string[], { as, cwd = temporaryFolder(t) }: { as?: string; cwd?: string } = {}) {
  const pretend = `data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${as}" } })`;
  const flags = as === undefined ? [] : ["--import", pretend];
  const child = spawn(process.execPath, [...flags, launcher, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function outcome(child: ReturnType<typeof causeway>) {
  const texts = [child.stdout, child.stderr].map((stream) => stream.setEncoding("utf8").toArray());
  const [code] = await once(child, "close");
  const [out = "", complained = ""] = (await Promise.all(texts)).map((text) => text.join(""));
  return { code, out, complained };
}

test("the command works from any folder", async (t) => {
  assert.deepEqual(await outcome(causeway(t, ["--version"])), { code: 0, out: `${version}\n`, complained: "" });
});

test("a Node that cannot even import is told which one is needed, in one sentence", async (t) => {
  const { code, complained } = await outcome(causeway(t, ["start"], { as: "12.22.0" }));
  assert.deepEqual(
    [code, complained],
    [1, "Causeway needs Node 24 or newer, and this is 12.22.0: install a newer one, or run `npm ci` with it.\n"],
  );
});

test("a Node that is too old, but can start another, hands over to the one that the packages brought", async (t) => {
  const { code, out, complained } = await outcome(causeway(t, ["--version"], { as: "20.1.0" }));
  assert.deepEqual([code, out, complained], [0, `${version}\n`, ""]);
});

test("what goes wrong is a sentence and an exit code, never a stack", async (t) => {
  const { code, complained } = await outcome(causeway(t, ["start"]));
  assert.deepEqual([code, complained.split("\n").length], [1, 2]);
  assert.match(complained, /^config\.yaml: there is no such file/);
});

test("a running bridge is one process, refuses a second one, and ends by a signal", async (t) => {
  const cwd = temporaryFolder(t);
  writeFileSync(join(cwd, "config.yaml"), "homeserver: {url: 'http://127.0.0.1:1', domain: example.org}\nappservice: {port: 0}\n");
  await outcome(causeway(t, ["registration"], { cwd }));
  const first = causeway(t, ["start"], { cwd });
  const lines = createInterface(first.stdout);
  for await (const line of lines) if (JSON.parse(line).msg === "Listening") break;
  const second = await outcome(causeway(t, ["start"], { cwd }));
  assert.equal(second.code, 1);
  assert.match(second.complained, /is in use by another causeway process/);
  first.stdout.resume();
  // Asked twice, it ends as it would have: properly, and soon.
  const asked = Date.now();
  first.kill("SIGTERM");
  first.kill("SIGTERM");
  assert.deepEqual(await once(first, "exit"), [0, null]);
  assert.ok(Date.now() - asked < 5_000);
});
