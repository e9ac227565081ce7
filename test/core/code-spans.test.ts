import assert from "node:assert/strict";
import { test } from "node:test";
import { codeSpans } from "../../core/matrix/code-spans.ts";

test("what the bridge asks people to type is shown as such", () => {
  assert.equal(
    codeSpans("I am the bridge. `!causeway help` says more.").formatted_body,
    "I am the bridge. <code>!causeway help</code> says more.",
  );
  assert.equal(codeSpans("`!a`\n`!b <x>`").formatted_body, "<code>!a</code><br><code>!b &lt;x&gt;</code>");
  for (const plain of ["nothing to type", "a lone ` here", "`over\ntwo lines`", "``"]) assert.deepEqual(codeSpans(plain), {});
});
