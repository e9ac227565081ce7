import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MAPPING, withTable } from "./mapping-table.ts";

test("the table in docs/mapping.md is what the formatting test holds true (`node test/mapping-table.ts` writes it)", () => {
  const page = readFileSync(MAPPING, "utf8");
  assert.ok(page.includes("| bold |"));
  assert.equal(page, withTable(page));
});
