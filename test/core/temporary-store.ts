import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pino } from "pino";
import { openStore, type SqliteStore, type StoreOptions } from "../../core/store/sqlite.ts";

export const sealKey = new Uint8Array(32).fill(7);
export const silent = pino({ level: "silent" });

/** A folder that lasts as long as the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A store in memory, closed after the test. `now` is what its clock says. */
export async function memoryStore(
  t: TestContext,
  options: Partial<StoreOptions> & { readonly now?: () => number } = {},
): Promise<SqliteStore> {
  const clock = { now: options.now ?? (() => 0) };
  const store = await openStore({ path: ":memory:", sealKey, log: silent, clock, ...options });
  t.after(() => store.close());
  return store;
}

/** A store on disk; the caller closes it. */
export function diskStore(path: string, options: Partial<StoreOptions> = {}): Promise<SqliteStore> {
  return openStore({ path, sealKey, log: silent, clock: { now: () => 0 }, ...options });
}
