import assert from "node:assert/strict";
import { test } from "node:test";
import type { Links } from "../../core/links.ts";
import { failureOf, MatrixError, Unreachable } from "../../core/matrix/failure.ts";
import { TryLater } from "../../core/model/errors.ts";
import type { Notices } from "../../core/notices.ts";
import type { Link } from "../../core/store/store.ts";
import { Watch, type WatchContext } from "../../core/watch.ts";
import { silent } from "./temporary-store.ts";

/** How often all rooms are looked at after a hold of one lane that had this cause and lasted so long. */
function looksAfter(error: unknown, ms: number): number {
  let now = 1_000;
  let looks = 0;
  const context: Partial<WatchContext> = {
    links: { link: async () => ({ room: "!r" }) as unknown as Link } as unknown as Links,
    notices: { say: async () => undefined } as unknown as Notices,
    clock: { now: () => now, sleep: async () => undefined, timer: () => () => undefined },
    log: silent,
    homeserverBack: () => void (looks += 1),
    held: () => undefined,
  };
  const watch = new Watch(context as WatchContext);
  watch.held("in:1", "why", "login", error);
  now += ms;
  watch.freed("in:1");
  return looks;
}

const unreachable = failureOf(new Unreachable("Sending", { sent: false, read: false, why: "refused" }));
const ill = failureOf(new MatrixError("Sending", { status: 502, errcode: "M_UNKNOWN", error: "", read: true }));
const busy = failureOf(new MatrixError("Sending", { status: 429, errcode: "M_LIMIT_EXCEEDED", error: "", read: false }));

test("after the homeserver was away, what it may not have pushed is looked for, once", () => {
  assert.deepEqual([looksAfter(unreachable, 5_000), looksAfter(ill, 5_000)], [1, 1]);
});

test("a blink is not worth the look", () => {
  assert.equal(looksAfter(unreachable, 500), 0);
});

test("a hold that has nothing to do with the homeserver's health sends nobody to look at all rooms", () => {
  for (const error of [busy, new TryLater("Paused.", 1, "channel"), new TryLater("The network is away.", 1, "login"), undefined]) {
    assert.equal(looksAfter(error, 600_000), 0);
  }
});
