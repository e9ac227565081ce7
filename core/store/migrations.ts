import type { Database } from "better-sqlite3";
import { StoreUnusable } from "./errors.ts";
import { first } from "./migrations/001-first.ts";
import { attendance } from "./migrations/002-attendance.ts";
import { endingSettings } from "./migrations/003-ending-settings.ts";
import { editTimes } from "./migrations/004-edit-times.ts";

/** One step of the schema. Once released it is never edited: a later one corrects it. */
export interface Migration {
  readonly number: number;
  readonly sql: string;
}

/** In order, without a gap: the last one's number is the schema that this version knows. */
export const migrations: readonly Migration[] = [first, attendance, endingSettings, editTimes];

/** "CSWY": tells our databases from other programs'. */
export const APPLICATION_ID = 0x43535759;

/** The schema of the database as it lies there; 0 = empty. Throws when it is not ours or newer than this version. */
export function schemaOf(db: Database, path: string): number {
  const schema = Number(db.pragma("user_version", { simple: true }));
  const application = Number(db.pragma("application_id", { simple: true }));
  const tables = Number(db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get());
  if (application !== APPLICATION_ID && (application !== 0 || tables > 0)) {
    throw new StoreUnusable(`${path} is another program's database: set database.path to a file of its own.`);
  }
  if (schema > migrations.length) {
    throw new StoreUnusable(
      `The database ${path} was written by a newer version (schema ${schema}, this version knows ${migrations.length}): install the newer version, or put back the backup from before the upgrade.`,
    );
  }
  return schema;
}

/** Brings the schema up, each step in a transaction of its own, so that an interrupted upgrade goes on where it stopped. */
export function migrate(db: Database, from: number): void {
  for (const migration of migrations.slice(from)) {
    const apply = db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${migration.number}`);
    });
    apply.immediate();
  }
}
