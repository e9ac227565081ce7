import type { Database, Statement } from "better-sqlite3";
import { StoreFull } from "../model/errors.ts";
import { StoreUnusable, toStoreError } from "./errors.ts";

/** The most calls that share one commit, so that a flood of them cannot hold up everything else in the process. */
const GROUP_LIMIT = 512;

interface Call {
  readonly writes: boolean;
  /** Touches nothing but the database, so it may be run a second time when its group was rolled back. */
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * Group commit. Calls of one turn of the event loop share a transaction, since the disk's confirmation is what costs; each promise
 * settles after the commit. A call that fails is undone alone. Calls take effect in the order in which they were made, reads included: when
 * there is no room for one, the writes behind it are not tried either, though they may be smaller.
 */
export class Group {
  readonly #db: Database;
  readonly #path: string;
  readonly #sql: Readonly<Record<"begin" | "commit" | "rollback" | "save" | "release" | "undo", Statement<[]>>>;
  #waiting: Call[] = [];
  #scheduled = false;
  #closed = false;

  constructor(db: Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.#sql = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      rollback: db.prepare("ROLLBACK"),
      save: db.prepare("SAVEPOINT call"),
      release: db.prepare("RELEASE call"),
      undo: db.prepare("ROLLBACK TO call"),
    };
  }

  write<T>(run: () => T): Promise<T> {
    return this.#enqueue(true, run);
  }

  /** At once when nothing waits, since then it cannot overtake a write. */
  async read<T>(run: () => T): Promise<T> {
    if (this.#closed || this.#waiting.length > 0) return this.#enqueue(false, run);
    const outcome = this.#attempt(run);
    if ("error" in outcome) throw outcome.error;
    return outcome.value as T;
  }

  /** Commits what waits. Later calls are refused. */
  close(): void {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#commitNext();
  }

  #enqueue<T>(writes: boolean, run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(new StoreUnusable(`The database ${this.#path} has been closed.`));
      this.#waiting.push({ writes, run, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commitNext();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commitNext(): void {
    const calls = this.#waiting.splice(0, GROUP_LIMIT);
    const outcomes = this.#together(calls) ?? this.#oneByOne(calls);
    for (const [index, call] of calls.entries()) {
      const outcome = outcomes[index] as Outcome;
      if ("error" in outcome) call.reject(outcome.error);
      else call.resolve(outcome.value);
    }
    const full = outcomes.find(isFull);
    if (!full) return;
    const behind = this.#waiting.filter(({ writes }) => writes);
    this.#waiting = this.#waiting.filter(({ writes }) => !writes);
    for (const call of behind) call.reject(full.error);
  }

  #oneByOne(calls: readonly Call[]): Outcome[] {
    let full: Outcome | undefined;
    return calls.map((call) => {
      if (full && call.writes) return full;
      const outcome = this.#alone(call);
      if (isFull(outcome)) full = outcome;
      return outcome;
    });
  }

  /** Undefined when the transaction as a whole came to nothing, and so did every call in it. */
  #together(calls: readonly Call[]): Outcome[] | undefined {
    if (calls.length < 2) return undefined;
    try {
      this.#sql.begin.run();
      const outcomes = calls.map((call) => (call.writes ? this.#undoable(call) : this.#attempt(call.run)));
      if (outcomes.some(isFull)) throw new Error("No room: one by one, as far as it goes.");
      this.#sql.commit.run();
      return outcomes;
    } catch {
      if (this.#db.inTransaction) this.#sql.rollback.run();
      return undefined;
    }
  }

  /** Throws when SQLite has ended the transaction by itself, as it may for a full disk. */
  #undoable(call: Call): Outcome {
    this.#sql.save.run();
    const outcome = this.#attempt(call.run);
    if ("error" in outcome) this.#sql.undo.run();
    this.#sql.release.run();
    return outcome;
  }

  #alone(call: Call): Outcome {
    if (!call.writes) return this.#attempt(call.run);
    const outcome = this.#attempt(() => {
      this.#sql.begin.run();
      const value = call.run();
      this.#sql.commit.run();
      return value;
    });
    if (this.#db.inTransaction) this.#sql.rollback.run();
    return outcome;
  }

  #attempt(run: () => unknown): Outcome {
    try {
      return { value: run() };
    } catch (error) {
      return { error: toStoreError(error, this.#path) };
    }
  }
}

function isFull(outcome: Outcome): outcome is { readonly error: StoreFull } {
  return "error" in outcome && outcome.error instanceof StoreFull;
}
