import assert from "node:assert/strict";
import { test } from "node:test";
import { bounceLimit, isAutomatic, mayBounce } from "../../core/matrix/automatic.ts";
import { mxid } from "../../core/model/ids.ts";

/** MSC4295, "Proposal": the valid forms, and how the others are read. */
const LIMITS: readonly (readonly [given: unknown, limit: number | undefined])[] = [
  [undefined, undefined],
  [0, undefined],
  [1, 1],
  [2, 2],
  [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  [1.5, 1],
  [-1, 1],
  ["3", 1],
  [null, 1],
  [{}, 1],
];

test("a bounce limit is read as MSC4295 says, under its stable and its unstable name", () => {
  for (const [given, limit] of LIMITS) {
    for (const key of ["m.bounce_limit", "io.github.m13253.bounce_limit"]) {
      assert.equal(bounceLimit(given === undefined ? {} : { [key]: given }), limit, JSON.stringify(given));
    }
  }
});

test("what has no bounce left is neither passed on nor answered", () => {
  assert.deepEqual(
    [undefined, 1, 2].map((limit) => mayBounce({ "m.bounce_limit": limit })),
    [true, false, true],
  );
});

test("programs are known by what they say of themselves", () => {
  const said = (content: Record<string, unknown>, sender = "@ann:x") => isAutomatic({ content, sender: mxid(sender) });
  assert.equal(said({ msgtype: "m.text" }), false);
  assert.equal(said({ msgtype: "m.notice" }), true);
  assert.equal(said({ msgtype: "m.text", "m.bounce_limit": 2 }), true);
  assert.equal(said({ msgtype: "m.text" }, "@_other_someone:x"), true);
  assert.equal(said({ msgtype: "m.text", "io.causeway.origin": {}, "m.bounce_limit": 3 }, "@_irc_alice:x"), false);
});
