/**
 * The bare limit, in a process of its own: for each message one HTTP request over eight connections and one row that is on disk, nothing
 * else. `node limit.ts URL MESSAGES TOGETHER [PER_SECOND]`, where so many rows share a transaction, as fast as it goes or so many a second.
 * Prints a `Limit` as JSON.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { Pool } from "undici";

export interface Limit {
  /** Milliseconds, in all. */
  readonly cpu: number;
  readonly seconds: number;
  /** Milliseconds from before the row to the answer, sorted. */
  readonly latencies: readonly number[];
}

const url = process.argv[2] ?? "";
const [messages = 0, together = 1, perSecond = 0] = process.argv.slice(3).map(Number);
const CONNECTIONS = 8;
const WARM = 2_000;
const folder = mkdtempSync(join(tmpdir(), "causeway-limit-"));
const db = new Database(join(folder, "limit.db"));
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
const insert = db.prepare<[string]>("INSERT INTO row (text) VALUES (?)");
const insertMany = db.transaction((count: number, text: string) => {
  for (let index = 0; index < count; index += 1) insert.run(text);
});
const pool = new Pool(url, { connections: CONNECTIONS });
const headers = { authorization: "Bearer limit", "content-type": "application/json" };
const body = JSON.stringify({ msgtype: "m.text", body: `limit ${"and so it goes on ".repeat(5)}` });
const latencies: number[] = [];

async function send(place: number): Promise<void> {
  const begun = performance.now();
  if (place % together === 0) insertMany(together, body);
  const path = `/_matrix/client/v3/rooms/!limit%3Abench.local/limit/m.room.message/${place}`;
  const answer = await pool.request({ method: "PUT", path, headers, body });
  await answer.body.json();
  latencies.push(performance.now() - begun);
}

async function saturated(count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let place = next++; place < count; place = next++) await send(place);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}

async function steadily(): Promise<void> {
  const begun = performance.now();
  for (let place = 0; place < messages; place += 1) {
    await pause(Math.max(0, (place * 1000) / perSecond - (performance.now() - begun)));
    await send(place);
  }
}

// Warm, as the bridge is.
await saturated(WARM);
latencies.length = 0;
const cpu = process.cpuUsage();
const begun = performance.now();
await (perSecond > 0 ? steadily() : saturated(messages));
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(cpu);
const limit: Limit = { cpu: (user + system) / 1000, seconds, latencies: latencies.sort((a, b) => a - b) };
console.log(JSON.stringify(limit));
await pool.close();
db.close();
rmSync(folder, { recursive: true });
