/** The database as the version before this one would have left it: its schema, and as much of what is there as that schema can hold. */
import { renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { APPLICATION_ID, migrations } from "../../core/store/migrations.ts";

export function makeOlder(path: string): void {
  const older = `${path}.older`;
  rmSync(older, { force: true });
  const db = new Database(older);
  for (const { sql } of migrations.slice(0, -1)) db.exec(sql);
  const triggers = db.prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER "${name}"`);
  db.prepare("ATTACH ? AS present").run(path);
  const tables = db
    .prepare<[], string>("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all();
  for (const table of tables) copy(db, table);
  copySequences(db);
  db.exec("DETACH present");
  for (const { sql } of triggers) db.exec(sql);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${migrations.length - 1}`);
  db.close();
  for (const more of ["-wal", "-shm"]) rmSync(`${path}${more}`, { force: true });
  renameSync(older, path);
}

function copy(db: Database.Database, table: string): void {
  const columnsIn = (schema: string) =>
    db.prepare<[string, string], string>("SELECT name FROM pragma_table_info(?, ?)").pluck().all(table, schema);
  const there = new Set(columnsIn("present"));
  const columns = columnsIn("main").filter((name) => there.has(name));
  const list = columns.map((name) => `"${name}"`).join(", ");
  db.exec(`DELETE FROM main."${table}"`);
  if (columns.length > 0) db.exec(`INSERT INTO main."${table}" (${list}) SELECT ${list} FROM present."${table}"`);
}

function copySequences(db: Database.Database): void {
  const has = db.prepare("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'").get();
  if (!has) return;
  db.exec("DELETE FROM main.sqlite_sequence");
  db.exec("INSERT INTO main.sqlite_sequence SELECT * FROM present.sqlite_sequence WHERE name IN (SELECT name FROM main.sqlite_schema)");
}
