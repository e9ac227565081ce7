/**
 * A text too long for one message becomes several. Shared by the networks: each brings its own measure.
 *
 * The text is looked at as one flat string (what is not text counts as one character), so that places to cut are offsets, and a part
 * is a slice of the tree between two of them: whatever formatting reaches across a cut is closed before it and opened again after it.
 */
import { type Flat, flatten } from "./flat.ts";
import { codePointStart, graphemeStart, toPlain } from "./plain.ts";
import { plainText, type RichText } from "./richtext.ts";
import { shallow } from "./walk.ts";

/** The size of a text in its wire form, in the network's unit. Must not shrink when the text grows. */
export type Measure = (body: RichText) => number;

/**
 * Parts that each measure at most `limit`, in order: cut between blocks, else lines, else sentences, else words, else characters.
 * White space at a cut is dropped. Only a single character can exceed the limit, when it alone does.
 * A text that is empty gives one part.
 */
export function split(body: RichText, limit: number, measure: Measure): RichText[] {
  if (measure(body) <= limit) return [body];
  return parts(flatten(shallow(body)), limit, measure);
}

function parts(flat: Flat, limit: number, measure: Measure): RichText[] {
  const out: RichText[] = [];
  let from = skipSpace(flat, 0);
  let guess = limit;
  while (from < flat.length) {
    const fits = furthest(flat, from, limit, measure, guess);
    const isShort = fits === from || (fits < flat.length && fits - from < limit / 2);
    if (isShort && isCostly(flat, from, limit, measure)) {
      const end = flat.blockEnds[lastAtMost(flat.blockEnds, from) + 1] ?? flat.length;
      out.push(...split(plainText(toPlain(flat.slice(from, end))), limit, measure));
      from = skipSpace(flat, end);
      continue;
    }
    const reach = Math.max(fits, from + 1);
    const to =
      reach >= flat.length ? reach : bestCut(flat, from, reach, (a, b) => b - a <= limit * 2 && measure(flat.slice(a, b)) <= limit);
    out.push(flat.slice(from, trimmed(flat, to)));
    guess = Math.max(1, to - from);
    from = skipSpace(flat, to);
  }
  return out.length === 0 ? [[]] : out;
}

/** The next offset that is no white space; in a code block white space counts. */
function skipSpace(flat: Flat, from: number): number {
  let at = from;
  while (at < flat.length && isSpace(flat.text, at) && !flat.isCode(at)) at++;
  return at;
}

/** Where a part that is cut at `to` ends: before the white space there. Of a code block only the one line break goes. */
function trimmed(flat: Flat, to: number): number {
  if (to > 0 && flat.isCode(to - 1)) return flat.text[to - 1] === "\n" && flat.isCode(to) ? to - 1 : to;
  let at = to;
  while (at > 0 && isSpace(flat.text, at - 1) && !flat.isCode(at - 1)) at--;
  return at;
}

/**
 * Whether what has to be repeated in each part (an address, opened formatting) takes more than half of it. Such a block goes on as
 * plain text: else one long address around a long text would be sent a thousand times.
 */
function isCostly(flat: Flat, from: number, limit: number, measure: Measure): boolean {
  return flat.isFormatted(from) && measure(flat.slice(from, from + 1)) > limit / 2;
}

/**
 * An offset up to which the text from `from` fits (`from` itself when not even one character does): the last such, or one that leaves less than a
 * hundredth of the part empty. Guesses by proportion first, then halves.
 */
function furthest(flat: Flat, from: number, limit: number, measure: Measure, guess: number): number {
  let fits = from;
  let tooFar = flat.length + 1;
  let next = Math.min(flat.length, from + guess);
  for (let round = 0; fits + 1 < tooFar; round++) {
    const size = measure(flat.slice(from, next));
    if (size > limit) tooFar = next;
    else fits = next;
    if (fits === flat.length || (fits === next && size > limit * 0.99 && flat.length - fits > limit / 50)) break;
    const proportional = from + Math.floor(((next - from) * limit) / Math.max(1, size));
    const middle = tooFar > flat.length ? from + (next - from) * 2 : (fits + tooFar) >> 1;
    next = Math.min(flat.length, tooFar - 1, Math.max(fits + 1, round < 3 ? proportional : middle));
  }
  return fits;
}

/**
 * The best place to cut in (from, reach]. A boundary counts when it leaves a part that is not tiny, or when it keeps the unit after it
 * whole in the next part.
 */
function bestCut(flat: Flat, from: number, reach: number, fits: (from: number, to: number) => boolean): number {
  for (const ends of [flat.blockEnds, flat.lineEnds]) {
    const index = lastAtMost(ends, reach);
    const cut = ends[index] ?? 0;
    if (cut > from && (cut - from > (reach - from) / 4 || fits(cut, ends[index + 1] ?? flat.length))) return cut;
  }
  return sentenceEnd(flat, from, reach) ?? wordEnd(flat, from, reach, fits) ?? characterEnd(flat, from, reach);
}

const SENTENCE = /[.!?…]["'”’)\]]*\s|[。！？]/g;

/** Only one that leaves at least half of the part filled. */
function sentenceEnd(flat: Flat, from: number, reach: number): number | undefined {
  const start = from + ((reach - from) >> 1);
  let last: number | undefined;
  for (const match of flat.text.slice(start, reach + 1).matchAll(SENTENCE)) {
    const end = start + match.index + match[0].length;
    if (end <= reach) last = end;
  }
  return last;
}

function wordEnd(flat: Flat, from: number, reach: number, fits: (from: number, to: number) => boolean): number | undefined {
  let cut = reach;
  while (cut > from && !isSpace(flat.text, cut) && !isSpace(flat.text, cut - 1)) cut--;
  if (cut === from) return undefined;
  if (cut - from > (reach - from) / 4) return cut;
  let next = cut + 1;
  while (next < flat.length && next - cut <= (reach - from) * 2 && !isSpace(flat.text, next)) next++;
  return fits(cut, next) ? cut : undefined;
}

function isSpace(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 32 || (unit >= 9 && unit <= 13) || unit === 0x3000;
}

function characterEnd(flat: Flat, from: number, reach: number): number {
  const start = graphemeStart(flat.text, reach);
  if (start > from) return start;
  const half = codePointStart(flat.text, reach);
  return half > from ? half : reach + 1;
}

/** The index of the last of the ascending numbers that is at most `value`; -1 when none is. */
function lastAtMost(numbers: readonly number[], value: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
