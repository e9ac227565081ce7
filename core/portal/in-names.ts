/**
 * Matrix people called by name on a network that has no accounts for them: `alice: are you there?` and `@alice` ring the Alice who was
 * heard there lately, as they would on any IRC client. Pure.
 */
import type { Mxid } from "../model/ids.ts";
import type { Inline, RichText } from "../model/richtext.ts";
import { mapInlines } from "../model/walk.ts";

export interface Named {
  readonly mxid: Mxid;
  readonly name: string;
}

/** Shorter names are ordinary words too often. */
const SHORTEST = 3;

/** `heard`: those who were relayed lately, the latest first; of two with one name the latest is meant. */
export function withNames(body: RichText, heard: readonly Named[]): RichText {
  const known = new Map<string, Named>();
  for (const one of heard) {
    const key = one.name.toLowerCase();
    if (one.name.length >= SHORTEST && !known.has(key)) known.set(key, one);
  }
  if (known.size === 0) return body;
  let first = true;
  return mapInlines(body, (node) => {
    if (node.type !== "text") return node;
    const begins = first;
    first = false;
    return called(node.text, known, begins);
  });
}

/** `name:` and `name,` count at the beginning only; `@name` at any word's edge. */
function called(text: string, known: ReadonlyMap<string, Named>, begins: boolean): Inline[] {
  for (const [key, { mxid, name }] of known) {
    const escaped = key.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const at = begins
      ? `^@?(${escaped})(?=[:,])|(?<![\\p{L}\\p{N}_@.])@(${escaped})(?![\\p{L}\\p{N}_])`
      : `(?<![\\p{L}\\p{N}_@.])@(${escaped})(?![\\p{L}\\p{N}_])`;
    const match = new RegExp(at, "iu").exec(text);
    if (!match) continue;
    const mention: Inline = { type: "mention", target: { kind: "person", mxid }, text: name };
    const before = text.slice(0, match.index);
    const after = text.slice(match.index + match[0].length);
    return [...(before ? called(before, known, begins) : []), mention, ...(after ? called(after, known, false) : [])];
  }
  return [{ type: "text", text }];
}
