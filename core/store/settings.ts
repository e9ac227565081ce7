import type { Database } from "better-sqlite3";
import type { Group } from "./group.ts";
import { fromJson, toWhole } from "./rows.ts";
import type { SettingStore } from "./store.ts";

export interface SettingTables {
  /** Removes at most `limit` of those whose time has ended; returns how many. */
  prune(limit: number): number;
  readonly store: SettingStore;
}

/** The bridge's own small memory: where a sync stood, when something was last done, what it is about to do. */
export function openSettings(db: Database, group: Group, clock: { now(): number }): SettingTables {
  const get = db.prepare<[string], string>("SELECT value FROM setting WHERE key = ?").pluck();
  const put = db.prepare<[string, string, number | null]>("INSERT OR REPLACE INTO setting (key, value, until) VALUES (?, ?, ?)");
  const drop = db.prepare<[string]>("DELETE FROM setting WHERE key = ?");
  const prune = db.prepare<[number, number]>("DELETE FROM setting WHERE key IN (SELECT key FROM setting WHERE until < ? LIMIT ?)");
  return {
    prune: (limit) => prune.run(toWhole(clock.now()), limit).changes,
    store: {
      get: (key) => group.read(() => fromJson(get.get(key) ?? null)),
      set: (key, value, until) =>
        group.write(() => {
          if (value === undefined) drop.run(key);
          else put.run(key, JSON.stringify(value), until === undefined ? null : toWhole(until));
        }),
    },
  };
}
