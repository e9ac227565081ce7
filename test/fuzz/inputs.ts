/** What is thrown at the parsers: by grammar (marks of every network strewn about), by mutation of real payloads, and by bytes. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hostileTexts } from "../conformance/hostile-texts.ts";
import { html, words } from "../core/random-text.ts";
import type { Chance } from "../core/seeded.ts";

const MARKS = [
  ..."* ** _ __ ~ ~~ ` `` ``` | || > >>> # ## - 1. ( ) [ ] < > <@ <# <! <: : :: & ; @ / \\ ! ^ $ %".split(" "),
  ..."<!channel> <@U024BE7LD> <@&1> <@80351110224678912> <#C024BE7LR|x> <!subteam^S1|@y> <!date^1^{date}^l|f> <https://e.org|x>".split(" "),
  ..."<:a:1> <a:b:2> <t:1:R> </x:1> <id:browse> :smile: :a::skin-tone-2: @everyone @here https://e.org/(a)_b mailto:a@b www.e.org".split(
    " ",
  ),
  ..."\x02 \x03 \x0304,12 \x04ff00ff \x0f \x11 \x16 \x1d \x1e \x1f \x01 \x00 \r \n \t \x7f \u202e \u2028 \ufeff \u200b \ud83d \udc4d".split(
    " ",
  ),
  "\x01ACTION ",
  "    ",
  "\n\n",
];

/** Text with the marks of every network in it, balanced or not. */
export function markup(chance: Chance): string {
  const piece = (): string => {
    switch (chance.whole(8)) {
      case 0:
        return words(chance, 3);
      case 1:
        return chance.pick(hostileTexts);
      case 2:
        return chance.pick(MARKS).repeat(1 + chance.whole(chance.once(40) ? 2_000 : 6));
      case 3:
        return String.fromCharCode(chance.whole(chance.once(2) ? 0x80 : 0x1_0000));
      default:
        return chance.pick(MARKS);
    }
  };
  return chance.some(30, piece).join(chance.pick(["", "", " "]));
}

/** Bytes as they come, read as whoever is careless reads them. */
export function bytes(chance: Chance, most = 600): string {
  const buffer = Buffer.from(chance.some(most, () => chance.whole(256)));
  return buffer.toString(chance.once(2) ? "latin1" : "utf8");
}

export function anyText(chance: Chance): string {
  return chance.pick([markup, markup, html, bytes])(chance);
}

const ODD: readonly unknown[] = [null, true, false, 0, -1, 7.5, 1e300, 2 ** 53, "", " ", "0", "__proto__", [], {}, [[]], { a: {} }];

/** The value with a few things in it changed, dropped, doubled, or swapped with others; most of it as it was. */
export function mutated(chance: Chance, value: unknown, donor: unknown = value): unknown {
  const all = places(value);
  const copy = structuredClone(value);
  for (let times = 1 + chance.whole(4); times > 0; times -= 1) change(chance, copy, chance.pick(all), donor);
  // As it comes over a wire: an array has no holes there.
  return JSON.parse(JSON.stringify(copy));
}

type Place = readonly (string | number)[];

function places(value: unknown): Place[] {
  const found: Place[] = [];
  const waiting: { at: Place; value: unknown }[] = [{ at: [], value }];
  for (let next = waiting.pop(); next && found.length < 500; next = waiting.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    for (const [key, inner] of Object.entries(next.value)) {
      const at = [...next.at, Array.isArray(next.value) ? Number(key) : key];
      found.push(at);
      waiting.push({ at, value: inner });
    }
  }
  return found.length > 0 ? found : [[]];
}

function at(value: unknown, place: Place): unknown {
  let here = value;
  for (const key of place) here = typeof here === "object" && here !== null ? (here as Record<string | number, unknown>)[key] : undefined;
  return here;
}

function change(chance: Chance, root: unknown, place: Place, donor: unknown): void {
  const holder = at(root, place.slice(0, -1));
  const key = place.at(-1);
  if (typeof holder !== "object" || holder === null || key === undefined) return;
  const box = holder as Record<string | number, unknown>;
  const before = box[key];
  switch (chance.whole(6)) {
    case 0:
      delete box[key];
      return;
    case 1:
      box[key] = structuredClone(chance.pick(ODD));
      return;
    case 2:
      box[key] = structuredClone(at(donor, chance.pick(places(donor))));
      return;
    case 3:
      box[key] = Array.isArray(before) ? [...before, ...structuredClone(before), structuredClone(chance.pick(ODD))] : [before];
      return;
    case 4:
      box[key] = deep(chance, before);
      return;
    default:
      box[key] = typeof before === "number" ? chance.pick([before + 1, -before, before * 1e9]) : anyText(chance);
  }
}

/** In itself, again and again. */
function deep(chance: Chance, inner: unknown): unknown {
  let value = inner;
  for (let depth = chance.whole(chance.once(10) ? 400 : 8); depth > 0; depth -= 1)
    value = chance.pick([[value], { elements: [value], text: "x" }, { type: "rich_text_quote", content: value }]);
  return value;
}

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** Payloads as the networks really send them: whatever lies under `key` in the fixtures that match. */
export function payloads(pattern: string, key: string): readonly unknown[] {
  return globSync(pattern, { cwd: FIXTURES }).flatMap((file) => {
    const value = (JSON.parse(readFileSync(`${FIXTURES}${file}`, "utf8")) as Record<string, unknown>)[key];
    return value === undefined ? [] : [value];
  });
}

export function linesIn(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: FIXTURES }).flatMap((file) =>
    readFileSync(`${FIXTURES}${file}`, "utf8")
      .split("\n")
      .filter((line) => line !== ""),
  );
}

/** A line with some of its bytes changed. */
export function scratched(chance: Chance, line: string): string {
  const buffer = Buffer.from(line);
  for (let times = chance.whole(6); times > 0 && buffer.length > 0; times -= 1) buffer[chance.whole(buffer.length)] = chance.whole(256);
  const cut = chance.once(4) ? chance.whole(buffer.length + 1) : buffer.length;
  return buffer.subarray(0, cut).toString(chance.once(2) ? "latin1" : "utf8") + (chance.once(4) ? markup(chance) : "");
}
