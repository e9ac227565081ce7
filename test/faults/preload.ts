/**
 * Comes with the bridge's own process and makes its machine misbehave, as a file says that is looked at again and again: another time of
 * day, time that runs faster, a disk without room. Nothing of it is in the bridge.
 */
import { readFileSync } from "node:fs";
import fsPromises from "node:fs/promises";
import { createRequire } from "node:module";
import type { Database } from "better-sqlite3";
import { liveIn, type Machine, timeOf } from "./machine.ts";

const EVERY = 20;
const { prototype } = createRequire(import.meta.url)("better-sqlite3") as { prototype: Database };
const pragma = prototype.pragma;
const databases = new Set<Database>();

/** With no page more than there are, SQLite itself says that the disk is full. */
function limit(db: Database, { full }: Machine): void {
  if (db.open) pragma.call(db, `max_page_count = ${full ? 1 : 4_294_967_294}`);
  else databases.delete(db);
}

function interfere(file: string): void {
  const read = () => JSON.parse(readFileSync(file, "utf8")) as Machine;
  let machine = read();
  const look = (): void => {
    const before = machine;
    machine = read();
    if (machine.full !== before.full) for (const db of databases) limit(db, machine);
  };
  liveIn(
    () => machine,
    (now) => timeOf(now) + now.wrong,
  );
  prototype.pragma = function (this: Database, ...given: Parameters<Database["pragma"]>) {
    if (!databases.has(this)) {
      databases.add(this);
      limit(this, machine);
    }
    return pragma.apply(this, given);
  };
  const { open } = fsPromises;
  fsPromises.open = async (...given: Parameters<typeof open>) => {
    const writes = typeof given[1] === "string" && /[wa+]/.test(given[1]);
    if (machine.full && writes) throw Object.assign(new Error("ENOSPC: no space left on device, open"), { code: "ENOSPC" });
    return await open(...given);
  };
  setInterval(look, EVERY).unref();
}

const file = process.env["CAUSEWAY_FAULTS_MACHINE"];
if (file !== undefined) interfere(file);
