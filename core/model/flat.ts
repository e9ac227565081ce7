/** A RichText beside the flat string of what it says, so that places in it are offsets and any stretch of it is a RichText again. */
import type { Block, Inline, RichText } from "./richtext.ts";

export interface Flat {
  /** What it says: line breaks as `\n`, and one U+FFFC for each node that cannot be cut (a mention, an emoji, a time, a divider). */
  readonly text: string;
  readonly length: number;
  /** Where the outermost blocks end, ascending. */
  readonly blockEnds: readonly number[];
  /** Where lines end within them (after the line break), ascending. */
  readonly lineEnds: readonly number[];
  /** The tree between two offsets, with all the formatting that holds there. */
  slice(from: number, to: number): RichText;
  /** Whether the character lies in anything but a plain paragraph's plain text. */
  isFormatted(at: number): boolean;
  isCode(at: number): boolean;
}

/** The tree is to be `shallow`. */
export function flatten(body: RichText): Flat {
  const draft: Draft = { text: [], length: 0, lineEnds: [], codes: [], plain: [] };
  const spans = body.map((block) => blockSpan(block, draft));
  return {
    text: draft.text.join(""),
    length: draft.length,
    blockEnds: spans.map((span) => span.end),
    lineEnds: draft.lineEnds,
    slice: (from, to) => within(spans, from, to),
    isFormatted: (at) => !lies(at, draft.plain),
    isCode: (at) => lies(at, draft.codes),
  };
}

interface Draft {
  readonly text: string[];
  length: number;
  readonly lineEnds: number[];
  /** Stretches, ascending, the end not included. */
  readonly codes: Stretch[];
  readonly plain: Stretch[];
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A node and where it stands. `cut` gives what of it lies between two offsets; it is asked only where something does. */
interface Span<T> {
  readonly start: number;
  readonly end: number;
  cut(from: number, to: number): T;
}

/** What of the spans lies in the stretch: found by halving, so that it costs what it gives. */
function within<T>(spans: readonly Span<T>[], from: number, to: number): T[] {
  const found: T[] = [];
  for (let index = firstEndingAfter(spans, from); index < spans.length; index++) {
    const span = spans[index] as Span<T>;
    if (span.start >= to) break;
    if (span.end > span.start) found.push(span.cut(from, to));
  }
  return found;
}

function firstEndingAfter(spans: readonly { readonly end: number }[], offset: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as { end: number }).end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

function lies(at: number, stretches: readonly Stretch[]): boolean {
  const found = stretches[firstEndingAfter(stretches, at)];
  return found !== undefined && found.start <= at;
}

function blockSpan(block: Block, draft: Draft): Span<Block> {
  const start = draft.length;
  switch (block.type) {
    case "paragraph":
    case "heading": {
      const children = block.content.map((node) => inlineSpan(node, draft, block.type === "paragraph"));
      return span(block, start, draft, (from, to) => ({ ...block, content: within(children, from, to) }));
    }
    case "quote": {
      const children = block.content.map((inner) => lineSpan(blockSpan(inner, draft), draft));
      return span(block, start, draft, (from, to) => ({ ...block, content: within(children, from, to) }));
    }
    case "code":
      for (const newline of block.text.matchAll(/\n/g)) draft.lineEnds.push(start + newline.index + 1);
      write(block.text, draft, draft.codes);
      return span(block, start, draft, (from, to) => ({ ...block, text: stretch(block.text, start, from, to) }));
    case "list":
      return listSpan(block, draft);
    case "table":
      return tableSpan(block, draft);
    case "divider":
      write(OBJECT, draft);
      return span(block, start, draft, () => block);
  }
}

const OBJECT = "\ufffc";

function listSpan(list: Extract<Block, { type: "list" }>, draft: Draft): Span<Block> {
  const start = draft.length;
  const items = list.items.map((item) => runOf(item, draft, (inner) => lineSpan(blockSpan(inner, draft), draft)));
  return span(list, start, draft, (from, to) => {
    const skipped = firstEndingAfter(items, from);
    return { ...list, ...(list.start === undefined ? {} : { start: list.start + skipped }), items: within(items, from, to) };
  });
}

function tableSpan(table: Extract<Block, { type: "table" }>, draft: Draft): Span<Block> {
  const start = draft.length;
  const rows = table.rows.map((row) => {
    const from = draft.length;
    const cells = row.map((cell) => runOf(cell, draft, (node) => inlineSpan(node, draft, false)));
    return lineSpan({ start: from, end: draft.length, cut: (a, b) => cells.map((cell) => cell.cut(a, b)) }, draft);
  });
  return span(table, start, draft, (from, to) => ({
    ...table,
    heading: table.heading && from < (rows[0]?.end ?? 0),
    rows: within(rows, from, to),
  }));
}

function runOf<From, To>(nodes: readonly From[], draft: Draft, make: (node: From) => Span<To>): Span<To[]> {
  const start = draft.length;
  const children = nodes.map(make);
  return { start, end: draft.length, cut: (from, to) => within(children, from, to) };
}

function inlineSpan(node: Inline, draft: Draft, plain: boolean): Span<Inline> {
  const start = draft.length;
  switch (node.type) {
    case "text":
    case "code":
      write(node.text, draft, plain && node.type === "text" ? draft.plain : undefined);
      return span(node, start, draft, (from, to) => ({ ...node, text: stretch(node.text, start, from, to) }));
    case "break":
      write("\n", draft, plain ? draft.plain : undefined);
      draft.lineEnds.push(draft.length);
      return span(node, start, draft, () => node);
    case "mention":
    case "emoji":
    case "time":
      write(OBJECT, draft);
      return span(node, start, draft, () => node);
    default: {
      const children = node.content.map((inner) => inlineSpan(inner, draft, false));
      return span(node, start, draft, (from, to) => ({ ...node, content: within(children, from, to) }));
    }
  }
}

/** A span that gives the node itself where all of it is asked for. */
function span<T>(whole: T, start: number, draft: Draft, cut: (from: number, to: number) => T): Span<T> {
  const end = draft.length;
  return { start, end, cut: (from, to) => (from <= start && end <= to ? whole : cut(from, to)) };
}

function lineSpan<T>(of: Span<T>, draft: Draft): Span<T> {
  draft.lineEnds.push(of.end);
  return of;
}

function write(text: string, draft: Draft, kind?: Stretch[]): void {
  const start = draft.length;
  draft.text.push(text);
  draft.length += text.length;
  if (kind !== undefined && text !== "") kind.push({ start, end: draft.length });
}

function stretch(text: string, start: number, from: number, to: number): string {
  return text.slice(Math.max(0, from - start), Math.max(0, to - start));
}
