import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { diskStore, temporaryFolder } from "./temporary-store.ts";

/** Read whole, and rightly: they grow with lanes that have work and with people who signed in, not with what was said. */
const SMALL = new Set(["lane", "login"]);

/** Every statement that a store prepares when it is opened. */
async function statementsOf(path: string): Promise<string[]> {
  const statements: string[] = [];
  const prepare = Database.prototype.prepare;
  Database.prototype.prepare = function (this: Database.Database, source: string) {
    statements.push(source);
    return prepare.call(this, source);
  } as typeof prepare;
  try {
    await (await diskStore(path)).close();
  } finally {
    Database.prototype.prepare = prepare;
  }
  return statements;
}

function planOf(db: Database.Database, sql: string): string[] {
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`);
  const bound = (sql.match(/\?/g) ?? []).map(() => 1);
  const named = Object.fromEntries((sql.match(/:[a-z_]+/g) ?? []).map((name) => [name.slice(1), 1]));
  const rows = (bound.length > 0 ? plan.all(...bound) : plan.all(named)) as { detail: string }[];
  return rows.map((row) => row.detail);
}

test("every look-up goes by an index, so that its cost does not grow with what was said", async (t) => {
  const path = join(temporaryFolder(t), "causeway.db");
  const statements = (await statementsOf(path)).filter(
    (sql) => /^\s*(SELECT|UPDATE|DELETE|INSERT)/.test(sql) && !sql.includes("sqlite_schema"),
  );
  assert.ok(statements.length > 60);
  const db = new Database(path);
  const slow = statements.flatMap((sql) =>
    planOf(db, sql)
      .filter((step) => isSlow(step, sql))
      .map((step) => `${step}: ${sql}`),
  );
  db.close();
  assert.deepEqual(slow, []);
});

test("no statement is planned anew each time that it is run: where rows have an order, SQLite does that for a bare parameter", async (t) => {
  const statements = await statementsOf(join(temporaryFolder(t), "causeway.db"));
  const ordered = statements.filter((sql) => sql.includes("ORDER BY"));
  assert.ok(ordered.length > 10);
  assert.deepEqual(
    ordered.filter((sql) => /(?:[=<>]|LIMIT) \?/.test(sql)),
    [],
  );
});

/** Sorting is slow, and so is walking a table, unless it is a small one or a LIMIT ends the walk. */
function isSlow(step: string, sql: string): boolean {
  if (step.includes("USE TEMP B-TREE")) return true;
  const table = /^SCAN (\w+)/.exec(step)?.[1];
  return table !== undefined && !SMALL.has(table) && !sql.includes("LIMIT +?");
}
