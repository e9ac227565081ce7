/** An edit where messages cannot be changed: one line that says what did. */
import { oneLine, toPlain } from "./model/plain.ts";
import { plainText, type RichText } from "./model/richtext.ts";
import { prefixed } from "./model/walk.ts";

/** More words than this are not compared one by one: what is between the first and the last change counts as changed. */
const MOST_COMPARED = 250;
/** Above this share of changed words, the new text is easier to read than a list of changes. */
const MOST_CHANGED = 0.5;
const MOST_CHANGES = 3;
const LONGEST = 200;

/**
 * `✎ "old words" → "new words"`, a word of context on each side; the whole new text after `* ` when most of it changed. Undefined = only
 * white space, case or punctuation did: not worth a line on everybody's screen.
 */
export function correction(before: RichText, after: RichText): RichText | undefined {
  const old = oneLine(toPlain(before));
  const fresh = oneLine(toPlain(after));
  if (gist(old) === gist(fresh)) return undefined;
  return changesLine(wordsOf(old), wordsOf(fresh)) ?? prefixed(after, [{ type: "text", text: "* " }]);
}

/** What is left of a text without white space, case, and the punctuation that stands at the edges of words. */
function gist(text: string): string {
  return text
    .toLowerCase()
    .replace(/['"“”‘’„«»`]/g, "")
    .replace(/[.,;:!?…()¿¡。、，！？]+(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])[.,;:!?…()¿¡。、，！？]+/gu, "")
    .replace(/\s+/g, "");
}

function wordsOf(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}

/** A stretch of words that became another: from (included) and to (not included) in both texts. */
interface Change {
  readonly old: readonly [from: number, to: number];
  readonly fresh: readonly [from: number, to: number];
}

function changesLine(old: readonly string[], fresh: readonly string[]): RichText | undefined {
  const changes = joined(changesBetween(old, fresh));
  const changed = changes.reduce((sum, { old: [a, b], fresh: [c, d] }) => sum + Math.max(b - a, d - c), 0);
  if (changes.length > MOST_CHANGES || changed > Math.max(old.length, fresh.length) * MOST_CHANGED) return undefined;
  const shown = changes.map((change) => `"${around(old, change.old)}" → "${around(fresh, change.fresh)}"`).join(", ");
  return shown.length > LONGEST ? undefined : plainText(`✎ ${shown}`);
}

function around(words: readonly string[], [from, to]: Change["old"]): string {
  return words.slice(Math.max(0, from - 1), to + 1).join(" ");
}

/** Changes that would share their context are told as one. */
function joined(changes: readonly Change[]): Change[] {
  const out: Change[] = [];
  for (const change of changes) {
    const last = out.at(-1);
    if (last === undefined || change.old[0] - last.old[1] > 2) out.push(change);
    else out[out.length - 1] = { old: [last.old[0], change.old[1]], fresh: [last.fresh[0], change.fresh[1]] };
  }
  return out;
}

function changesBetween(old: readonly string[], fresh: readonly string[]): Change[] {
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let end = 0;
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end++;
  const middle: Change = { old: [start, old.length - end], fresh: [start, fresh.length - end] };
  const isLarge = middle.old[1] - start > MOST_COMPARED || middle.fresh[1] - start > MOST_COMPARED;
  return isLarge ? [middle] : compared(old, fresh, middle);
}

/** The fewest words that have to go and come: the longest common subsequence of both stretches. */
function compared(old: readonly string[], fresh: readonly string[], within: Change): Change[] {
  const a = old.slice(...within.old);
  const b = fresh.slice(...within.fresh);
  const common = commonLengths(a, b);
  const changes: Change[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [fromOld, fromFresh] = [i, j];
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i] === b[j])) {
      if (j >= b.length || (i < a.length && at(common, i + 1, j) >= at(common, i, j + 1))) i++;
      else j++;
    }
    const [x, y] = [within.old[0], within.fresh[0]];
    if (i > fromOld || j > fromFresh) changes.push({ old: [x + fromOld, x + i], fresh: [y + fromFresh, y + j] });
    while (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    }
  }
  return changes;
}

/** For each pair of places, how many words both rests have in common, in order. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint16Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      (rows[i] as Uint16Array)[j] = a[i] === b[j] ? at(rows, i + 1, j + 1) + 1 : Math.max(at(rows, i + 1, j), at(rows, i, j + 1));
    }
  }
  return rows;
}

function at(rows: readonly Uint16Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}
