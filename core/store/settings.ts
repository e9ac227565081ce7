import type { Database } from "better-sqlite3";
import type { Group } from "./group.ts";
import { fromJson } from "./rows.ts";
import type { SettingStore } from "./store.ts";

/** The bridge's own small memory: where a sync stood, when something was last done. */
export function openSettings(db: Database, group: Group): SettingStore {
  const get = db.prepare<[string], string>("SELECT value FROM setting WHERE key = ?").pluck();
  const put = db.prepare<[string, string]>("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)");
  const drop = db.prepare<[string]>("DELETE FROM setting WHERE key = ?");
  return {
    get: (key) => group.read(() => fromJson(get.get(key) ?? null)),
    set: (key, value) => group.write(() => void (value === undefined ? drop.run(key) : put.run(key, JSON.stringify(value)))),
  };
}
