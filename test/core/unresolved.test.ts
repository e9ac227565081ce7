import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock } from "../../core/clock.ts";
import { eventId, linkId, remoteMessageId } from "../../core/model/ids.ts";
import { Unresolved } from "../../core/unresolved.ts";

const one = linkId(1);
const sent = { id: remoteMessageId("m1") };

test("whoever waits for a link's open sends goes on when each of them has ended, and not for those that began later", async () => {
  const unresolved = new Unresolved();
  unresolved.begin(one, "a");
  unresolved.begin(one, "b");
  let isOver = false;
  const waiting = unresolved.closed(one).then(() => {
    isOver = true;
  });
  unresolved.begin(one, "later");
  unresolved.end("a");
  await Promise.resolve();
  assert.equal(isOver, false);
  unresolved.end("b");
  await waiting;
  assert.ok(unresolved.has(one));
  unresolved.end("later");
  assert.ok(!unresolved.has(one));
});

test("an echo before the answer is kept for it; one that nobody waits for is nobody's", async () => {
  const unresolved = new Unresolved();
  assert.equal(unresolved.echo("a", sent), false);
  unresolved.begin(one, "a", eventId("$a"));
  assert.equal(unresolved.echo("a", sent), true);
  assert.deepEqual(await unresolved.awaitEcho("a", createClock({ speed: 1, since: Date.now() })), sent);
  unresolved.end("a");
  assert.equal(unresolved.echo("a", sent), false);
});
