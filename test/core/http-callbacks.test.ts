/** Browsers that come back from signing in elsewhere. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import express from "express";
import { CALLBACK_PATH, Callbacks } from "../../core/http/callbacks.ts";

async function raise(t: TestContext) {
  let now = 0;
  const clock = { now: () => now, sleep: async () => {}, timer: () => () => {} };
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const callbacks = new Callbacks(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, clock);
  app.use(CALLBACK_PATH, callbacks.router);
  return { callbacks, wait: (ms: number) => void (now += ms) };
}

const MINUTE = 60_000;

test("a browser that comes back brings its question's answer, once, and is shown for whom it was", async (t) => {
  const { callbacks } = await raise(t);
  const ann = callbacks.open("@ann:test.local");
  const bob = callbacks.open("@<b>ob:test.local");
  assert.equal(ann.url, bob.url, "one address for all, so that it can be registered");
  assert.notEqual(ann.state, bob.state);
  const page = await fetch(`${bob.url}?code=for-bob&state=${bob.state}`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /@&lt;b&gt;ob:test\.local/);
  assert.equal((await bob.query).get("code"), "for-bob");
  assert.equal((await fetch(`${bob.url}?code=again&state=${bob.state}`)).status, 400);
  assert.equal((await fetch(`${ann.url}?error=access_denied&state=${ann.state}`)).status, 200);
  assert.equal((await ann.query).get("error"), "access_denied");
});

test("a forged state, none at all, and one that took too long are turned away", async (t) => {
  const { callbacks, wait } = await raise(t);
  const ann = callbacks.open("@ann:test.local");
  assert.equal((await fetch(`${ann.url}?code=x&state=guessed`)).status, 400);
  assert.equal((await fetch(`${ann.url}?code=x`)).status, 400);
  wait(16 * MINUTE);
  assert.equal((await fetch(`${ann.url}?code=x&state=${ann.state}`)).status, 400);
  const late = callbacks.open("@late:test.local");
  wait(16 * MINUTE);
  callbacks.open("@next:test.local");
  await assert.rejects(late.query, /took too long/);
});
