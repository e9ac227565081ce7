import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import Database from "better-sqlite3";
import { StoreFull } from "../../core/model/errors.ts";
import { Group } from "../../core/store/group.ts";

/** A table `t(n)`, a group over it, and the statements that SQLite was given. */
function groupOver(t: TestContext) {
  const ran: string[] = [];
  const db = new Database(":memory:", { verbose: (sql) => ran.push(String(sql)) });
  t.after(() => db.close());
  db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)");
  const group = new Group(db, "test.db");
  const insert = db.prepare<[number, string]>("INSERT INTO t (n, text) VALUES (?, ?)");
  const count = db.prepare<[], number>("SELECT count(*) FROM t").pluck();
  return {
    db,
    group,
    put: (n: number, text = "") => group.write(() => insert.run(n, text).lastInsertRowid),
    count: () => group.read(() => count.get()),
    commits: () => ran.filter((sql) => sql === "COMMIT").length,
  };
}

test("calls of one turn share one commit, and each promise settles after it", async (t) => {
  const { db, put, commits } = groupOver(t);
  const calls = [1, 2, 3].map((n) => put(n));
  assert.equal(commits(), 0);
  assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
  assert.equal(commits(), 1);
  assert.equal(db.inTransaction, false);
});

test("a call that fails is undone alone, also when it had written before it failed", async (t) => {
  const { group, db, put, count } = groupOver(t);
  const insert = db.prepare<[number]>("INSERT INTO t (n) VALUES (?)");
  const calls = [
    put(1),
    group.write(() => {
      insert.run(2);
      throw new Error("after the first half");
    }),
    put(1),
    put(3),
  ];
  const outcomes = await Promise.allSettled(calls);
  assert.deepEqual(
    outcomes.map((one) => one.status),
    ["fulfilled", "rejected", "rejected", "fulfilled"],
  );
  assert.equal(await count(), 2);
});

test("a single call that fails leaves nothing behind", async (t) => {
  const { group, db, count } = groupOver(t);
  const insert = db.prepare<[number]>("INSERT INTO t (n) VALUES (?)");
  const half = group.write(() => {
    insert.run(1);
    insert.run(1);
  });
  await assert.rejects(half, { code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
  assert.equal(await count(), 0);
});

test("a read sees the writes that were asked for before it", async (t) => {
  const { put, count } = groupOver(t);
  void put(1);
  const between = count();
  void put(2);
  assert.equal(await between, 1);
  assert.equal(await count(), 2);
});

test("a full disk: the call that needs room fails by name and whole, and no later write overtakes it", async (t) => {
  const { db, put, count } = groupOver(t);
  await put(1);
  db.pragma("max_page_count = 4");
  const before = put(3);
  const big = put(2, "x".repeat(100_000));
  const outcomes = await Promise.allSettled([before, big, put(4), count()]);
  assert.deepEqual(
    outcomes.map((one) => one.status),
    ["fulfilled", "rejected", "rejected", "fulfilled"],
  );
  await assert.rejects(big, (error: Error) => error instanceof StoreFull && error.message.includes("test.db is full"));
  assert.equal(await count(), 2);
  db.pragma("max_page_count = 1000");
  assert.equal(await put(5, "x".repeat(100_000)), 5);
});

test("a flood of calls is committed in bites, in order", async (t) => {
  const { put, commits, count } = groupOver(t);
  const calls = Array.from({ length: 1300 }, (_, n) => put(n));
  await Promise.all(calls);
  assert.equal(commits(), 3);
  assert.equal(await count(), 1300);
});

test("closing commits what waits and refuses what comes later", async (t) => {
  const { group, db, put } = groupOver(t);
  const waiting = put(1);
  group.close();
  assert.equal(db.prepare("SELECT count(*) FROM t").pluck().get(), 1);
  assert.equal(await waiting, 1);
  await assert.rejects(put(2), /has been closed/);
  await assert.rejects(
    group.read(() => 1),
    /has been closed/,
  );
});
