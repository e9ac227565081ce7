import assert from "node:assert/strict";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadSealKey, Seal } from "../../core/store/seal.ts";
import { temporaryFolder } from "./temporary-store.ts";

const key = new Uint8Array(32).fill(1);

test("what is sealed opens with the same key for the same row, and for no other", () => {
  const seal = new Seal(key);
  const sealed = seal.seal({ token: "t" }, ["login", "irc", "a"]);
  assert.deepEqual(seal.open(sealed, ["login", "irc", "a"]), { token: "t" });
  assert.throws(() => seal.open(sealed, ["login", "irc", "b"]), /does not open/);
  assert.throws(() => new Seal(new Uint8Array(32)).open(sealed, ["login", "irc", "a"]), /does not open/);
});

test("a sealed value that was changed, cut or made up does not open, and the error does not show it", () => {
  const seal = new Seal(key);
  const sealed = seal.seal("hunter-two", ["x"]);
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] as number) ^ 1;
    assert.throws(
      () => seal.open(changed, ["x"]),
      (error: Error) => !String(error.stack).includes("hunter-two"),
    );
    assert.throws(() => seal.open(sealed.subarray(0, index), ["x"]), /does not open/);
  }
});

test("the same secret is never sealed to the same bytes", () => {
  const seal = new Seal(key);
  assert.notDeepEqual(seal.seal("a", ["x"]), seal.seal("a", ["x"]));
});

test("the key file is made once, readable by its owner alone, and read at later starts", (t) => {
  const file = join(temporaryFolder(t), "keys", "causeway.key");
  const made = loadSealKey({ file, make: true });
  assert.equal(made.length, 32);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  chmodSync(file, 0o400);
  assert.deepEqual(loadSealKey({ file, make: true }), made);
});

test("a missing key file is not replaced while there is a database that it sealed", (t) => {
  const file = join(temporaryFolder(t), "causeway.key");
  assert.throws(() => loadSealKey({ file, make: false }), /is missing: put it back/);
});

test("a key from the environment wins, in base64 or hexadecimal, and a wrong one is named without being shown", (t) => {
  const file = join(temporaryFolder(t), "causeway.key");
  writeFileSync(file, "rubbish");
  const text = Buffer.from(key);
  assert.deepEqual(new Uint8Array(loadSealKey({ file, make: true, text: text.toString("hex") })), key);
  assert.deepEqual(new Uint8Array(loadSealKey({ file, make: true, text: `${text.toString("base64")}\n` })), key);
  assert.throws(
    () => loadSealKey({ file, make: true, text: "secret" }),
    /from the environment must hold 32 bytes in base64 or hexadecimal\.$/,
  );
  assert.throws(
    () => loadSealKey({ file, make: true }),
    (error: Error) => error.message.includes(file) && !error.message.includes("rubbish"),
  );
  assert.equal(readFileSync(file, "utf8"), "rubbish");
});
