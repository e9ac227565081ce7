import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import Database from "better-sqlite3";
import { StoreUnusable, toStoreError } from "../../core/store/errors.ts";
import { lockDatabase, refuseUnsafeFileSystem } from "../../core/store/lock.ts";
import { APPLICATION_ID, migrations } from "../../core/store/migrations.ts";
import { diskStore, sealKey, temporaryFolder } from "./temporary-store.ts";

const row = { lane: "in:1", payload: "x", trace: "t", at: 1, phase: 0, once: [] };
const databaseIn = (t: TestContext) => join(temporaryFolder(t), "data", "causeway.db");
const unusable = (pattern: RegExp) => (error: unknown) =>
  error instanceof StoreUnusable && pattern.test(error.message) && !error.message.includes("\n");

/** A process of its own that takes rows for as long as it lives, and tells the number of each once it is on disk. */
const WRITER = `
  import { openStore } from ${JSON.stringify(new URL("../../core/store/sqlite.ts", import.meta.url).href)};
  import { pino } from "pino";
  const [path, key] = process.argv.slice(1);
  const store = await openStore({ path, sealKey: Buffer.from(key, "hex"), clock: Date, log: pino({ level: "silent" }) });
  for (let n = 0; ; n++) {
    const rows = [{ lane: "in:1", payload: n, trace: "t", at: 1, phase: 0, once: ["k" + n] }];
    process.stdout.write((await store.journal.take({ rows }))[0] + "\\n");
  }`;

function startWriter(t: TestContext, path: string) {
  const argv = ["--input-type=module", "--eval", WRITER, path, Buffer.from(sealKey).toString("hex")];
  const writer = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => writer.kill("SIGKILL"));
  return { writer, lines: createInterface(writer.stdout) };
}

test("killed at any moment, it has everything that it said was on disk, once each, and opens again", async (t) => {
  const path = databaseIn(t);
  const { writer, lines } = startWriter(t, path);
  let told = 0;
  for await (const line of lines) {
    told = Number(line);
    if (told === 200) writer.kill("SIGKILL");
  }
  const store = await diskStore(path);
  const rows = await store.journal.head("in:1", 1_000_000);
  assert.ok(told >= 200 && rows.length >= told);
  assert.deepEqual(
    rows.map((one) => one.payload),
    rows.map((_, index) => index),
  );
  await store.close();
});

test("a second process on the same database is refused in one sentence, until the first is gone, however it went", async (t) => {
  const path = databaseIn(t);
  const { writer, lines } = startWriter(t, path);
  await once(lines, "line");
  await assert.rejects(diskStore(path), unusable(/in use by another causeway process: stop that one first\.$/));
  writer.kill("SIGKILL");
  await once(writer, "exit");
  await (await diskStore(path)).close();
});

test("the same process cannot open it twice either, and closing lets go", async (t) => {
  const path = databaseIn(t);
  const store = await diskStore(path);
  await assert.rejects(diskStore(path), unusable(/in use/));
  await store.close();
  await store.close();
  await (await diskStore(path)).close();
});

test("an attempt to open that fails lets go of the lock", async (t) => {
  const path = databaseIn(t);
  await (await diskStore(path)).close();
  await assert.rejects(diskStore(path, { sealKey: new Uint8Array(32) }), unusable(/not the one that sealed the logins/));
  lockDatabase(path)();
});

test("the database is for its owner's eyes alone, and every commit reaches the disk", async (t) => {
  const path = databaseIn(t);
  await (await diskStore(path)).close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const pragmas: string[] = [];
  const { pragma } = Database.prototype;
  Database.prototype.pragma = function (this: Database.Database, ...given: Parameters<typeof pragma>) {
    pragmas.push(given[0]);
    return pragma.apply(this, given);
  };
  t.after(() => {
    Database.prototype.pragma = pragma;
  });
  await (await diskStore(path)).close();
  assert.ok(pragmas.includes("synchronous = FULL") && pragmas.includes("journal_mode = WAL"));
});

test("a database of a newer version is refused, and left as it is", async (t) => {
  const path = databaseIn(t);
  await (await diskStore(path)).close();
  const db = new Database(path);
  db.pragma(`user_version = ${migrations.length + 1}`);
  db.close();
  const before = readFileSync(path);
  await assert.rejects(diskStore(path), unusable(/written by a newer version .*install the newer version, or put back the backup/));
  assert.deepEqual(readFileSync(path), before);
});

test("another program's database is refused", async (t) => {
  const path = join(temporaryFolder(t), "other.db");
  const db = new Database(path);
  db.exec("CREATE TABLE theirs (x)");
  db.close();
  await assert.rejects(diskStore(path), unusable(/another program's database/));
});

test("a file that is no database is refused", async (t) => {
  const path = join(temporaryFolder(t), "causeway.db");
  writeFileSync(path, "not a database at all, but some text that is long enough to be looked at as if it were one".repeat(50));
  await assert.rejects(diskStore(path), unusable(/is not a database/));
});

test("after an unclean stop a damaged database is noticed before anything is sent", async (t) => {
  const path = databaseIn(t);
  const store = await diskStore(path);
  await store.journal.take({ rows: Array.from({ length: 2000 }, () => ({ ...row, payload: "x".repeat(200) })) });
  await store.close();
  const bytes = readFileSync(path);
  bytes.fill(0xaa, bytes.length / 2, bytes.length / 2 + 8192);
  writeFileSync(path, bytes);
  await (await diskStore(path)).close();
  const db = new Database(path);
  db.exec("UPDATE meta SET value = 1 WHERE key = 'open'");
  db.close();
  await assert.rejects(diskStore(path), unusable(/is damaged/));
});

test("failures of the disk are told by what to do about them", () => {
  const sentence = (code: string) => (toStoreError(Object.assign(new Error("x"), { code }), "a.db") as Error).message;
  assert.match(sentence("ENOSPC"), /disk that holds a\.db is full: make room/);
  assert.match(sentence("EACCES"), /may not be written: check its owner/);
  assert.match(sentence("SQLITE_IOERR_FSYNC"), /does not read or write reliably \(SQLITE_IOERR_FSYNC\)/);
  assert.equal(sentence("OTHER"), "x");
});

test("a database on a network file system is refused by its name", () => {
  assert.throws(() => refuseUnsafeFileSystem("a.db", 0x6969), /would lie on NFS.*set database\.path to a local disk/);
  assert.throws(() => refuseUnsafeFileSystem("a.db", 0xff534d42 | 0), /CIFS/);
  refuseUnsafeFileSystem("a.db", 0xef53);
});

test("a backup taken while it is written to opens as a store of its own, and replaces an older one", async (t) => {
  const path = databaseIn(t);
  const copy = join(temporaryFolder(t), "copy.db");
  writeFileSync(copy, "an older copy");
  const store = await diskStore(path);
  await store.journal.take({ rows: [row] });
  const [, taken] = await Promise.all([store.backup(copy), store.journal.take({ rows: [row] })]);
  assert.deepEqual(taken, [2]);
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  const restored = await diskStore(copy);
  assert.ok((await restored.journal.counts()).waiting >= 1);
  await restored.close();
  await assert.rejects(store.backup(path), unusable(/cannot be written over the database itself/));
  await store.close();
});

/** Of each migration's SQL. Databases out there have gone through exactly this: what it lacks comes in a later number, with a line of its own here. */
const RELEASED = ["b7a43999a4701c13", "913eab3ae9fc8407", "5c1a49063b8efe6d", "65c83154ca400fbd"];

test("a migration that was released is never edited", () => {
  const digests = migrations.map(({ sql }) => createHash("sha256").update(sql).digest("hex").slice(0, 16));
  assert.deepEqual(digests, RELEASED);
});

test("every schema change has its own number, and the database says which it has", async (t) => {
  assert.deepEqual(
    migrations.map((one) => one.number),
    migrations.map((_, index) => index + 1),
  );
  const path = databaseIn(t);
  await (await diskStore(path)).close();
  const db = new Database(path, { readonly: true });
  assert.equal(db.pragma("user_version", { simple: true }), migrations.length);
  assert.equal(db.pragma("application_id", { simple: true }), APPLICATION_ID);
  db.close();
});

test("the log that SQLite writes ahead stays small, however much is written", async (t) => {
  const path = databaseIn(t);
  const store = await diskStore(path);
  for (let round = 0; round < 200; round += 1)
    await store.journal.take({ rows: Array.from({ length: 100 }, () => ({ ...row, payload: "x".repeat(1_000) })) });
  assert.ok(statSync(`${path}-wal`).size < 32 * 1_048_576, `${statSync(`${path}-wal`).size} bytes`);
  await store.close();
});
