import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { StoreUnusable, toStoreError } from "./errors.ts";

/** File systems that answer "locked" or "written" without keeping to it, by `statfs` type: NFS, SMB, CIFS, SMB2. */
const UNSAFE_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
]);

/**
 * Holds a database for this process alone, until the returned function is called or the process ends, however it ends: the lock is
 * the operating system's, on a file beside the database, so that tools may still read or back up the database itself.
 */
export function lockDatabase(path: string): () => void {
  const folder = dirname(path);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseUnsafeFileSystem(path, statfsSync(folder).type);
  const lock = openLock(path);
  return () => lock.close();
}

export function refuseUnsafeFileSystem(path: string, type: number): void {
  const name = UNSAFE_FILE_SYSTEMS.get(type >>> 0);
  if (name === undefined) return;
  throw new StoreUnusable(
    `The database ${path} would lie on ${name}, where SQLite databases get damaged: set database.path to a local disk.`,
  );
}

function openLock(path: string): Database.Database {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(`${path}-lock`, { timeout: 0 });
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    const inUse = error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
    if (!inUse) throw toStoreError(error, `${path}-lock`);
    throw new StoreUnusable(`The database ${path} is in use by another causeway process: stop that one first.`);
  }
}
