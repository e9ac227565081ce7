/**
 * The bare limit, in a process of its own: for each message one HTTP request over eight connections and one row that is on disk, nothing
 * else. `node limit.ts URL MESSAGES TOGETHER`, where so many rows share a transaction; prints `[CPU ms, seconds]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Pool } from "undici";

const url = process.argv[2] ?? "";
const [messages = 0, together = 1] = process.argv.slice(3).map(Number);
const CONNECTIONS = 8;
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

const cpu = process.cpuUsage();
const begun = performance.now();
let next = 0;
async function work(): Promise<void> {
  for (let place = next++; place < messages; place = next++) {
    if (place % together === 0) insertMany(Math.min(together, messages - place), body);
    const path = `/_matrix/client/v3/rooms/!limit%3Abench.local/limit/m.room.message/${place}`;
    const answer = await pool.request({ method: "PUT", path, headers, body });
    await answer.body.json();
  }
}
await Promise.all(Array.from({ length: CONNECTIONS }, work));
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify([(user + system) / 1000, (performance.now() - begun) / 1000]));
await pool.close();
db.close();
rmSync(folder, { recursive: true });
