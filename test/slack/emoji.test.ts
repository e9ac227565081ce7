import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { emojiOf, shortNameOf } from "../../bridges/slack/emoji.ts";
import { emojiModule } from "./emoji-table.ts";

interface Source {
  readonly unified: string;
  readonly short_names: readonly string[];
  readonly skin_variations?: Readonly<Record<string, { readonly unified: string }>>;
}

const sources = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("emoji-datasource/emoji.json"), "utf8")) as Source[];
const textOf = (code: string): string => String.fromCodePoint(...code.split("-").map((point) => Number.parseInt(point, 16)));

test("the table of emoji is what its script makes (`node test/slack/emoji-table.ts` writes it)", () => {
  assert.equal(readFileSync(new URL("../../bridges/slack/emoji-data.ts", import.meta.url), "utf8"), emojiModule());
});

test("every emoji goes to Slack and comes back as itself, by each of its names", () => {
  for (const { unified, short_names } of sources) {
    const text = textOf(unified);
    for (const name of short_names) assert.equal(emojiOf(name), text, name);
    assert.equal(emojiOf(shortNameOf(text) ?? ""), text, short_names[0]);
  }
});

test("every emoji in one skin tone goes to Slack and comes back in it", () => {
  const tones = ["1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"];
  for (const { skin_variations = {}, short_names } of sources)
    for (const [index, tone] of tones.entries()) {
      const variation = skin_variations[tone];
      if (!variation) continue;
      const text = textOf(variation.unified);
      assert.match(shortNameOf(text) ?? "", new RegExp(`::skin-tone-${index + 2}$`), short_names[0]);
      assert.equal(emojiOf(shortNameOf(text) ?? ""), text, short_names[0]);
    }
});

test("two people in skins of their own become the emoji without any: Slack has no name for them", () => {
  assert.equal(shortNameOf("👩🏻‍🤝‍👩🏿"), shortNameOf("👩‍🤝‍👩"));
  assert.equal(shortNameOf("🧑🏻‍🤝‍🧑🏻"), "people_holding_hands::skin-tone-2");
});

for (const [what, emoji, name] of [
  ["with the sign that makes it a picture", "❤️", "heart"],
  ["without that sign", "❤", "heart"],
  ["a flag", "🇪🇺", "flag-eu"],
  ["a key of a telephone", "#️⃣", "hash"],
  ["a thumb", "👍", "+1"],
  ["a thumb in a skin tone", "👍🏾", "+1::skin-tone-5"],
] as const)
  test(`an emoji's name on Slack: ${what}`, () => assert.equal(shortNameOf(emoji), name));

for (const [what, name] of [
  ["a name that only this workspace knows", "lantern_lit"],
  ["a skin tone that there is none of", "+1::skin-tone-9"],
  ["nothing", ""],
  ["a name of an object's own", "constructor"],
  ["a name with spaces", "thumbs up"],
] as const)
  test(`no emoji of Unicode's: ${what}`, () => assert.equal(emojiOf(name), undefined));

test("letters, and emoji that nobody knows, have no name", () => {
  for (const text of ["a", "", "1", "👍👍", "\ufe0f", "a🏻"]) assert.equal(shortNameOf(text), undefined, text);
});
