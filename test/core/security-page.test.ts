/** The table of docs/security.md: each defence has its test. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/security.md", root), "utf8");
const rows = [...page.matchAll(/^\| .* \| `(\S+\.test\.ts)`: (.+) \|$/gm)].map(([, file = "", title = ""]) => ({ file, title }));

test("each line of the table of threats names a test that is there", () => {
  assert.ok(rows.length > 20, `${rows.length} lines`);
  const lacking = rows.filter(({ file, title }) => {
    const path = new URL(`test/${file}`, root);
    return !existsSync(path) || !readFileSync(path, "utf8").includes(title);
  });
  assert.deepEqual(lacking, []);
});

test("no line of the table of threats lacks a test", () => {
  const table = page.slice(page.indexOf("| threat | defence | test |")).split("\n\n")[0]?.split("\n").slice(2) ?? [];
  assert.equal(table.length, rows.length);
});
