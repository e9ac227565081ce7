import assert from "node:assert/strict";
import { test } from "node:test";
import { fallbackDecoder } from "../../bridges/irc/encoding.ts";

const decode = fallbackDecoder("utf-8");

test("a line is read as UTF-8, and as windows-1252 where it is none", () => {
  assert.equal(decode(Buffer.from("naïve – 木")), "naïve – 木");
  assert.equal(decode(Buffer.from("na\u00efve caf\u00e9", "latin1")), "naïve café");
});

test("a line that the server has cut within a character loses that character only", () => {
  const line = Buffer.from("fog over the жжж 👩‍👩‍👧‍👦");
  for (let end = line.length - 1; end > line.length - 24; end--) {
    const text = decode(line.subarray(0, end));
    assert.ok(text.startsWith("fog over the жж") && !text.includes("Ð"), text);
  }
});

test("a last letter of an older encoding is not taken for half a character", () => {
  assert.equal(decode(Buffer.from("caf\u00e9", "latin1")), "café");
});
