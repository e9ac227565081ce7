/** Another sealing key for what is sealed: all of it in one transaction, the new key on disk before that, so that no instant loses both. */
import { existsSync, renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { StoreUnusable, toStoreError } from "./errors.ts";
import { lockDatabase } from "./lock.ts";
import { loadSealKey, Seal } from "./seal.ts";
import { payloadIn, SEALED, sealedText } from "./sealed-rows.ts";

export interface ResealPaths {
  readonly database: string;
  readonly keyFile: string;
}

const nextOf = (keyFile: string): string => `${keyFile}.next`;

/** The bridge must be stopped. Rejects with `StoreUnusable`. */
export function rotateKey({ database, keyFile }: ResealPaths): void {
  if (!existsSync(database)) throw new StoreUnusable(`There is no database ${database} yet, so nothing is sealed.`);
  const unlock = lockDatabase(database);
  try {
    settleRotation({ database, keyFile });
    const old = new Seal(loadSealKey({ file: keyFile, make: false }));
    rmSync(nextOf(keyFile), { force: true });
    const fresh = new Seal(loadSealKey({ file: nextOf(keyFile), make: true }));
    reseal(database, old, fresh);
    renameSync(nextOf(keyFile), keyFile);
  } finally {
    unlock();
  }
}

/** A rotation that was cut off is finished, or forgotten where it had not come to the database. Call it with the lock held or before it. */
export function settleRotation({ database, keyFile }: ResealPaths): void {
  const next = nextOf(keyFile);
  if (!existsSync(next) || !existsSync(database)) return;
  if (opens(database, new Seal(loadSealKey({ file: next, make: false })))) renameSync(next, keyFile);
  else rmSync(next);
}

function opens(path: string, seal: Seal): boolean {
  const db = new Database(path, { readonly: true });
  try {
    seal.open(proofIn(db), ["meta"]);
    return true;
  } catch {
    return false;
  } finally {
    db.close();
  }
}

function proofIn(db: Database.Database): Buffer {
  return db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'seal'").pluck().get() ?? Buffer.alloc(0);
}

interface Kept {
  readonly network: string;
  readonly login: string;
  readonly key: string;
  readonly value: Buffer;
}

function reseal(path: string, old: Seal, fresh: Seal): void {
  const db = new Database(path, { timeout: 5000 });
  const again = (sealed: Buffer, context: readonly string[]): Buffer => fresh.seal(old.open(sealed, context), context);
  try {
    db.pragma("synchronous = FULL");
    const all = db.transaction(() => {
      const kept = db.prepare<[], Kept>("SELECT * FROM keep").all();
      const putKept = db.prepare<[Buffer, string, string, string]>("UPDATE keep SET value = ? WHERE network = ? AND login = ? AND key = ?");
      for (const { network, login, key, value } of kept) putKept.run(again(value, ["keep", network, login, key]), network, login, key);
      const logins = db.prepare<[], { network: string; id: string; secrets: Buffer }>("SELECT network, id, secrets FROM login").all();
      const putLogin = db.prepare<[Buffer, string, string]>("UPDATE login SET secrets = ? WHERE network = ? AND id = ?");
      for (const { network, id, secrets } of logins) putLogin.run(again(secrets, ["login", network, id]), network, id);
      const rows = db.prepare<[], { id: number; payload: string }>(`SELECT id, payload FROM journal WHERE payload LIKE '${SEALED}%'`).all();
      const putRow = db.prepare<[string, number]>("UPDATE journal SET payload = ? WHERE id = ?");
      for (const { id, payload } of rows) putRow.run(sealedText(fresh, payloadIn(old, payload)), id);
      const meta = db.prepare<[Buffer, string]>("INSERT OR REPLACE INTO meta (value, key) VALUES (?, ?)");
      meta.run(again(proofIn(db), ["meta"]), "seal");
      // What was signed with a secret made from the first key (marks of origin, links to files) stays good.
      meta.run(fresh.seal(signingSecretIn(db, old).toString("base64"), ["signing"]), "signing");
    });
    all.immediate();
  } catch (error) {
    throw toStoreError(error, path);
  } finally {
    db.close();
  }
}

/** What marks of origin and links are signed with: made from the key of the first day, and kept when that is replaced. */
export function signingSecretIn(db: Database.Database, seal: Seal): Buffer {
  const kept = db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'signing'").pluck().get();
  return kept === undefined ? seal.derive("io.causeway.origin") : Buffer.from(String(seal.open(kept, ["signing"])), "base64");
}
