import { closeSync, existsSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import type { Logger } from "pino";
import { backUp } from "./backup.ts";
import { StoreUnusable, toStoreError } from "./errors.ts";
import { Group } from "./group.ts";
import { openJournal } from "./journal.ts";
import { lockDatabase } from "./lock.ts";
import { openMessages } from "./messages.ts";
import { migrate, migrations, schemaOf } from "./migrations.ts";
import { openPortals } from "./portals.ts";
import { signingSecretIn } from "./reseal.ts";
import { Seal } from "./seal.ts";
import { openSettings } from "./settings.ts";
import type { Store } from "./store.ts";
import { openUsers } from "./users.ts";

export interface StoreOptions {
  /** A file on a local disk, made when missing; `:memory:` for a store that forgets. */
  readonly path: string;
  /** 32 bytes: see `loadSealKey`. */
  readonly sealKey: Uint8Array;
  readonly clock: { now(): number };
  readonly log: Logger;
}

export interface SqliteStore extends Store {
  /** A consistent copy of everything, made while the store is in use. An older copy of the same name gives way once it is whole. */
  backup(path: string): Promise<void>;
  /** What marks of origin and links are signed with. The same after the sealing key was replaced. */
  readonly signingSecret: Buffer;
}

/** The most rows of each kind that one `prune` removes. */
const PRUNE_LIMIT = 1000;

const IN_MEMORY = ":memory:";

/** Rejects with `StoreUnusable` or `StoreFull` when the database cannot be used; what to do stands in the message. */
export async function openStore(options: StoreOptions): Promise<SqliteStore> {
  const { path } = options;
  let unlock = () => {};
  let db: Database.Database | undefined;
  try {
    if (path !== IN_MEMORY) unlock = lockDatabase(path);
    db = openDatabase(path);
    prepareDatabase(db, options);
    return buildStore(db, options, unlock);
  } catch (error) {
    db?.close();
    unlock();
    throw toStoreError(error, path);
  }
}

function openDatabase(path: string): Database.Database {
  // What waits in the journal is people's conversation: nobody else on the machine needs to read it.
  if (path !== IN_MEMORY && !existsSync(path)) closeSync(openSync(path, "a", 0o600));
  const db = new Database(path, { timeout: 5000 });
  db.pragma("journal_mode = WAL");
  // On every open: a reopened WAL database starts at NORMAL, which may forget the last commits in a power cut.
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  db.pragma("cache_size = -8000");
  // Pages that are written again and again go into the database itself a quarter as often.
  db.pragma("wal_autocheckpoint = 4000");
  db.pragma("journal_size_limit = 67108864");
  return db;
}

function prepareDatabase(db: Database.Database, { path, sealKey, log }: StoreOptions): void {
  const schema = schemaOf(db, path);
  if (schema > 0) checkAfterUncleanStop(db, path, log);
  if (schema < migrations.length) log.info({ from: schema, to: migrations.length }, "The database schema is brought up to date");
  migrate(db, schema);
  checkSealKey(db, path, sealKey);
  putMeta(db, "open", 1);
}

function checkAfterUncleanStop(db: Database.Database, path: string, log: Logger): void {
  if (getMeta(db, "open") !== 1) return;
  log.info("The bridge was not stopped properly last time: the database is checked");
  const verdict = db.pragma("quick_check(1)", { simple: true });
  if (verdict === "ok") return;
  const details = String(verdict).replace(/\s+/g, " ");
  throw new StoreUnusable(`The database ${path} is damaged (${details}): put the last backup back.`);
}

/** A value sealed at the first start tells a wrong key now, not when someone's login is first needed. */
function checkSealKey(db: Database.Database, path: string, key: Uint8Array): void {
  const seal = new Seal(key);
  const proof = getMeta(db, "seal");
  if (proof === undefined) return putMeta(db, "seal", seal.seal("causeway", ["meta"]));
  try {
    seal.open(proof as Buffer, ["meta"]);
  } catch (cause) {
    throw new StoreUnusable(`The sealing key is not the one that sealed the logins in ${path}: put the right key back.`, { cause });
  }
}

function getMeta(db: Database.Database, key: string): unknown {
  return db.prepare("SELECT value FROM meta WHERE key = ?").pluck().get(key);
}

function putMeta(db: Database.Database, key: string, value: number | Buffer): void {
  db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
}

function buildStore(db: Database.Database, { path, sealKey, clock, log }: StoreOptions, unlock: () => void): SqliteStore {
  const group = new Group(db, path);
  const messages = openMessages(db, group);
  const portals = openPortals(db, group);
  const seal = new Seal(sealKey);
  const users = openUsers(db, group, seal);
  const journal = openJournal(db, group, { messages, portals, users, seal, clock });
  const settings = openSettings(db, group, clock);
  let closed = false;
  return {
    journal: journal.store,
    portals: portals.store,
    users: users.store,
    messages: messages.store,
    settings: settings.store,
    prune: (before) =>
      group.write(() => journal.prune(before, PRUNE_LIMIT) + messages.prune(before, PRUNE_LIMIT) + settings.prune(PRUNE_LIMIT)),
    pruneMap: (before) => group.write(() => messages.pruneMap(before, PRUNE_LIMIT)),
    backup: (to) => backUp(db, path, to),
    signingSecret: signingSecretIn(db, new Seal(sealKey)),
    async close() {
      if (closed) return;
      closed = true;
      group.close();
      try {
        putMeta(db, "open", 0);
      } catch (error) {
        // Only the mark of a proper stop is missing: the next start looks the database over.
        log.warn({ err: toStoreError(error, path) }, "The database could not be closed properly");
      }
      db.close();
      unlock();
    },
  };
}
