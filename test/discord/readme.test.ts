import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { discordConfig } from "../../bridges/discord/config.ts";
import { needs, switches } from "../../bridges/discord/invite.ts";
import { README, withTable } from "./feature-table.ts";

const DOCS = new URL("../../docs/discord.md", import.meta.url);

test("the table in the README is what the capabilities say (`node test/discord/feature-table.ts` writes it)", () => {
  const page = readFileSync(README, "utf8");
  assert.ok(page.includes("| replies |"));
  assert.equal(page, withTable(page));
});

test("the page for admins names every permission, every switch and every setting", () => {
  const page = readFileSync(DOCS, "utf8");
  const config = discordConfig.parse({ token: "x", moderation: "mirrored", intents: { presences: true } });
  for (const { name } of [...needs(config), ...switches(config)]) assert.ok(page.includes(name), name);
  for (const [key, value] of Object.entries(config)) {
    assert.ok(page.includes(`\`${key}\``) || page.includes(`\`${key}.`), key);
    if (["relay", "intents", "pluralkit"].includes(key))
      for (const inner of Object.keys(value as object)) assert.ok(page.includes(`\`${key}.${inner}\``), `${key}.${inner}`);
  }
});
