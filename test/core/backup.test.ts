import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loginId, networkId } from "../../core/model/ids.ts";
import { backUpFile } from "../../core/store/backup.ts";
import { StoreUnusable } from "../../core/store/errors.ts";
import { rotateKey, settleRotation } from "../../core/store/reseal.ts";
import { loadSealKey } from "../../core/store/seal.ts";
import { openStore, type SqliteStore } from "../../core/store/sqlite.ts";
import { eventId, linkId, mxid, remoteMessageId, roomId } from "../../core/model/ids.ts";
import { memoryStore, silent, temporaryFolder } from "./temporary-store.ts";

const LAUNCHER = new URL("../../causeway.js", import.meta.url).pathname;
const toy = networkId("toy");
const bot = loginId("bot");
const row = { lane: "in:1", payload: "x", trace: "t", at: 1, phase: 0, once: [] };

interface Place {
  readonly folder: string;
  readonly database: string;
  readonly keyFile: string;
  open(): Promise<SqliteStore>;
}

function placeFor(t: TestContext): Place {
  const folder = temporaryFolder(t);
  const database = join(folder, "data", "causeway.db");
  const keyFile = join(folder, "data", "causeway.key");
  const open = () => {
    const sealKey = loadSealKey({ file: keyFile, make: !existsSync(database) });
    return openStore({ path: database, sealKey, clock: { now: () => 0 }, log: silent });
  };
  return { folder, database, keyFile, open };
}

async function secretsOf(store: SqliteStore): Promise<unknown> {
  return [(await store.users.logins()).map(({ secrets }) => secrets), await store.users.keep(toy, bot, "session")];
}

async function filled(place: Place): Promise<SqliteStore> {
  const store = await place.open();
  await store.users.putLogin({ network: toy, id: bot, name: "bot", owner: mxid("@a:b"), secrets: { token: "t" }, person: undefined });
  await store.users.putKeep(toy, bot, "session", { number: 7 });
  return store;
}

test("`causeway backup` copies the database of a running bridge, and the copy is a database to start from", async (t) => {
  const place = placeFor(t);
  writeFileSync(join(place.folder, "config.yaml"), "homeserver: {url: http://localhost:8008, domain: example.org}\n");
  const store = await filled(place);
  await store.journal.take({ rows: [row, row, row] });
  const copy = join(place.folder, "copy.db");
  const run = spawnSync(process.execPath, [LAUNCHER, "backup", "-c", "config.yaml", "--to", copy], { cwd: place.folder, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /does not hold the sealing key/);
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  await store.journal.take({ rows: [row] });
  await store.close();
  for (const more of ["-wal", "-shm"]) rmSync(`${place.database}${more}`, { force: true });
  renameSync(copy, place.database);
  const restored = await place.open();
  assert.equal((await restored.journal.counts()).waiting, 3);
  assert.deepEqual(await secretsOf(restored), [[{ token: "t" }], { number: 7 }]);
  await restored.close();
});

test("a backup of nothing, and one over the database itself, are refused in a sentence", async (t) => {
  const place = placeFor(t);
  await assert.rejects(backUpFile(place.database, join(place.folder, "copy.db")), /no database .* yet/);
  await (await place.open()).close();
  await assert.rejects(backUpFile(place.database, place.database), /over the database itself/);
});

test("with a new sealing key everything opens that was sealed with the old one, and what was signed stays good", async (t) => {
  const place = placeFor(t);
  const store = await filled(place);
  const before = [await secretsOf(store), store.signingSecret.toString("hex")];
  const key = readFileSync(place.keyFile, "utf8");
  assert.throws(
    () => rotateKey(place),
    (error: unknown) => error instanceof StoreUnusable && /in use/.test(error.message),
  );
  await store.close();
  for (let times = 0; times < 2; times += 1) rotateKey(place);
  assert.notEqual(readFileSync(place.keyFile, "utf8"), key);
  const again = await place.open();
  assert.deepEqual([await secretsOf(again), again.signingSecret.toString("hex")], before);
  await again.close();
  writeFileSync(place.keyFile, key);
  await assert.rejects(place.open(), /not the one that sealed/);
});

test("a change of the key that was cut off is finished or forgotten at the next start, whichever the database has seen", async (t) => {
  const place = placeFor(t);
  await (await filled(place)).close();
  const old = readFileSync(place.keyFile, "utf8");
  // Cut off before anything was sealed anew.
  loadSealKey({ file: `${place.keyFile}.next`, make: true });
  settleRotation(place);
  assert.ok(!existsSync(`${place.keyFile}.next`));
  await (await place.open()).close();
  // Cut off after that, before the new key lay where the old one does.
  rotateKey(place);
  renameSync(place.keyFile, `${place.keyFile}.next`);
  writeFileSync(place.keyFile, old);
  settleRotation(place);
  await (await place.open()).close();
});

test("which messages belong together is remembered for ever, or for as long as the config says", async (t) => {
  const store = await memoryStore(t);
  const message = (id: string, at: number) => ({
    link: linkId(1),
    room: roomId("!r"),
    event: eventId(`$${id}`),
    remote: remoteMessageId(id),
    part: 0,
    origin: "remote" as const,
    sender: mxid("@a:b"),
    at,
  });
  await store.journal.finish(undefined, { messages: [message("old", 10), message("new", 1_000)] });
  await store.prune(500);
  assert.equal((await store.messages.byEvent(eventId("$old"))).length, 1);
  assert.equal(await store.pruneMap(500), 1);
  assert.equal((await store.messages.byEvent(eventId("$old"))).length, 0);
  assert.equal((await store.messages.byEvent(eventId("$new"))).length, 1);
});

test("what may hold a password is sealed while it waits, and opens with another key after a rotation", async (t) => {
  const place = placeFor(t);
  const store = await place.open();
  await store.journal.take({ rows: [{ ...row, lane: "do:!chat", payload: { body: "hunter-two" }, secret: true }, row] });
  assert.deepEqual((await store.journal.next("do:!chat", 0))?.payload, { body: "hunter-two" });
  await store.close();
  assert.ok(!readFileSync(place.database).includes("hunter-two"));
  rotateKey(place);
  const again = await place.open();
  t.after(() => again.close());
  assert.deepEqual((await again.journal.next("do:!chat", 0))?.payload, { body: "hunter-two" });
  assert.equal((await again.journal.next("in:1", 0))?.payload, "x");
});
