import { closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import Database from "better-sqlite3";
import { StoreUnusable, toStoreError } from "./errors.ts";

/** In one go: between the steps of a copy made in several, another process's write would make it begin again. */
const ALL_PAGES = 2 ** 31 - 1;

/** A consistent copy of a database that may be in use, also by another process. An older copy of the same name gives way once it is whole. */
export async function backUp(db: Database.Database, path: string, to: string): Promise<void> {
  if (resolve(to) === resolve(path)) throw new StoreUnusable("A backup cannot be written over the database itself.");
  const part = `${to}.part`;
  try {
    rmSync(part, { force: true });
    closeSync(openSync(part, "wx", 0o600));
    await db.backup(part, { progress: () => ALL_PAGES });
    renameSync(part, to);
  } catch (error) {
    rmSync(part, { force: true });
    throw toStoreError(error, to);
  }
}

/** Of a database that a running bridge holds. */
export async function backUpFile(path: string, to: string): Promise<void> {
  if (!existsSync(path)) throw new StoreUnusable(`There is no database ${path} yet: the bridge makes it when it is started.`);
  const db = openReadOnly(path);
  try {
    await backUp(db, path, to);
  } finally {
    db.close();
  }
}

function openReadOnly(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, timeout: 5000 });
  } catch (error) {
    throw toStoreError(error, path);
  }
}
