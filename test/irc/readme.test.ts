import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { wantedCaps } from "../../bridges/irc/caps.ts";
import { configSchema } from "../../bridges/irc/config.ts";
import { README, withTable } from "./feature-table.ts";

const DOCS = new URL("../../docs/irc.md", import.meta.url);

test("the table in the README is what the capabilities say (`node test/irc/feature-table.ts` writes it)", () => {
  const page = readFileSync(README, "utf8");
  assert.ok(page.includes("| replies |"));
  assert.equal(page, withTable(page));
});

test("the README names every capability of the protocol that is asked for", () => {
  const page = readFileSync(README, "utf8");
  for (const cap of wantedCaps) assert.ok(page.includes(`\`${cap}\``), cap);
});

test("the page for operators names every setting, and its examples are right", () => {
  const page = readFileSync(DOCS, "utf8");
  const config = configSchema.parse({
    networks: { one: { servers: [{ host: "irc.example.org" }], channels: { "#a": {} } } },
  });
  const network = config.networks["one"] as object;
  for (const [key, value] of Object.entries(network)) {
    assert.ok(page.includes(`\`${key}\``) || page.includes(`\`${key}.`), key);
    if (!["flood", "relay", "own"].includes(key)) continue;
    for (const inner of Object.keys(value as object)) assert.ok(page.includes(`\`${key}.${inner}\``), `${key}.${inner}`);
  }
});
