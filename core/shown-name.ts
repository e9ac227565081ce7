/** Characters of a name; longer ones are cut. */
const LONGEST = 100;

/** A name from a network, safe to show: one line without control characters or direction overrides, not long, never empty. */
export function shownName(name: string, otherwise: string): string {
  const line = name
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/gu, " ")
    .toWellFormed()
    .trim();
  const text = line === "" ? otherwise : line;
  return [...text].length > LONGEST ? `${[...text].slice(0, LONGEST - 1).join("")}…` : text;
}
