/** Slack's short names (`thumbsup::skin-tone-3`) and Unicode emoji. https://docs.slack.dev/reference/methods/reactions.add */
import { EMOJI } from "./emoji-data.ts";

interface Known {
  readonly name: string;
  readonly text: string;
  readonly tones: boolean;
}

const VARIATION = /\ufe0f/g;
/** The five Fitzpatrick modifiers, which Slack counts from 2 to 6. */
const TONE = /[\u{1f3fb}-\u{1f3ff}]/gu;
const FIRST_TONE = 0x1f3fb - 2;
const NAME = /^([a-z0-9_+'-]+)(?:::skin-tone-([2-6])(?:-[2-6])?)?$/;

let byName: Map<string, Known> | undefined;
/** Keys are without variation selectors and skin tones. */
let byText: Map<string, Known> | undefined;

/** `+1::skin-tone-3` → 👍🏼. Undefined = no emoji of Unicode's: the workspace's own, or none at all. */
export function emojiOf(shortName: string): string | undefined {
  const [, name, tone] = NAME.exec(shortName) ?? [];
  const known = name === undefined ? undefined : names().get(name);
  if (!known) return undefined;
  return tone === undefined || !known.tones ? known.text : toned(known.text, Number(tone));
}

/** 👍🏼 → `+1::skin-tone-3`. Undefined = Slack has no name for it. Of two people with different skins the name tells nothing. */
export function shortNameOf(emoji: string): string | undefined {
  const plain = emoji.replace(VARIATION, "");
  // A tone by itself is an emoji too.
  const known = texts().get(plain) ?? texts().get(plain.replace(TONE, ""));
  if (!known) return undefined;
  const tones = new Set(emoji.match(TONE));
  const [tone] = tones;
  if (tone === undefined || tones.size > 1 || !known.tones) return known.name;
  return `${known.name}::skin-tone-${(tone.codePointAt(0) ?? 0) - FIRST_TONE}`;
}

/** The tone stands behind the first code point, in place of its variation selector. */
function toned(text: string, tone: number): string {
  const [first = "", ...rest] = text;
  return first + String.fromCodePoint(FIRST_TONE + tone) + (rest[0] === "\ufe0f" ? rest.slice(1) : rest).join("");
}

function names(): Map<string, Known> {
  if (!byName) readTable();
  return byName as Map<string, Known>;
}

function texts(): Map<string, Known> {
  if (!byText) readTable();
  return byText as Map<string, Known>;
}

function readTable(): void {
  byName = new Map();
  byText = new Map();
  const spellings: [string, string][] = [];
  for (const entry of EMOJI.trim().split(/\s/)) {
    const [, list = "", sign, code = "", tones] = /^([^=~]+)([=~])([0-9a-f-]+)(\*?)$/.exec(entry) ?? [];
    const text = String.fromCodePoint(...code.split("-").map((point) => Number.parseInt(point, 16)));
    if (sign === "~") {
      spellings.push([text, list]);
      continue;
    }
    const [name = "", ...others] = list.split(",");
    const known = { name, text, tones: tones === "*" };
    for (const each of [name, ...others]) byName.set(each, known);
    byText.set(text.replace(VARIATION, ""), known);
  }
  for (const [text, name] of spellings) {
    const known = byName.get(name);
    if (known) byText.set(text, known);
  }
}
