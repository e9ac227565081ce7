import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const demo = fileURLToPath(new URL("../../scripts/demo.js", import.meta.url));

test("the demo says where it is, and Ctrl+C leaves nothing behind: no process, no file", async (t) => {
  const temporary = await mkdtemp(join(tmpdir(), "causeway-demo-"));
  t.after(() => rm(temporary, { recursive: true, force: true }));
  // Of a group of its own, as a terminal makes it: Ctrl+C goes to everybody in it.
  const child = spawn(process.execPath, [demo, "0"], {
    detached: true,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.exitCode === null && process.kill(-(child.pid as number), "SIGKILL"));
  let said = "";
  let address: string | undefined;
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    said += text as string;
    address = /http:\/\/localhost:\d+/.exec(said)?.[0];
    if (address !== undefined) break;
  }
  child.stdout.resume();
  const state = (await (await fetch(`${address}/api/state`)).json()) as { bridge: { pid: number } };
  process.kill(-(child.pid as number), "SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.deepEqual(await readdir(temporary), []);
  assert.throws(() => process.kill(state.bridge.pid, 0), "the bridge has ended too");
});
