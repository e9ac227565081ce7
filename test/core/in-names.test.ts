import assert from "node:assert/strict";
import { test } from "node:test";
import { mxid } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import { mentions } from "../../core/model/walk.ts";
import { toPlain } from "../../core/model/plain.ts";
import { withNames } from "../../core/portal/in-names.ts";

const heard = [
  { mxid: mxid("@alice:example.org"), name: "Alice" },
  { mxid: mxid("@al:example.org"), name: "Al" },
  { mxid: mxid("@c:example.org"), name: "c.(d)" },
];

const rows: readonly [string, readonly string[]][] = [
  ["alice: are you there?", ["@alice:example.org"]],
  ["Alice, are you there?", ["@alice:example.org"]],
  ["well, ask @alice or @ALICE", ["@alice:example.org", "@alice:example.org"]],
  ["alice is not called here", []],
  ["mail me at bob@alice.example", []],
  ["@alicent is somebody else", []],
  ["al: too short a name", []],
  ["c.(d): odd characters are letters here", ["@c:example.org"]],
];

for (const [text, rung] of rows) {
  test(`"${text}" rings ${rung.length === 0 ? "nobody" : rung.join(" and ")}`, () => {
    const body = withNames(plainText(text), heard);
    assert.deepEqual(
      mentions(body).map(({ target }) => (target.kind === "person" ? target.mxid : "")),
      rung,
    );
    assert.equal(toPlain(body).toLowerCase().replaceAll("@", ""), text.toLowerCase().replaceAll("@", ""));
  });
}
