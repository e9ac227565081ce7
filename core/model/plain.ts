/** RichText as readable plain text: for `body` beside `formatted_body`, excerpts, logs and comparisons. */
import { never } from "./events.ts";
import type { Block, Inline, RichText } from "./richtext.ts";
import { shallow } from "./walk.ts";

export interface PlainOptions {
  /** Where others look over the reader's shoulder (excerpts, notices): spoilers as `(spoiler)`. Default: `||as Discord writes them||`. */
  readonly hideSpoilers?: boolean;
}

/**
 * Paragraphs are parted by an empty line, other blocks by a line break; `> ` before quotes, `• ` or `1. ` before list items,
 * ` | ` between the cells of a table, an address in brackets after the text of a link. Bold and its kin leave no trace.
 */
export function toPlain(body: RichText, options: PlainOptions = {}): string {
  return plainBlocks(shallow(body), options).join("\n");
}

/** As `toPlain`, over a run of inline nodes. */
export function toPlainInline(content: readonly Inline[], options: PlainOptions = {}): string {
  return content.map((node) => plainInline(node, options)).join("");
}

/** The first words on one line, spoilers hidden, cut at a word with `…` to at most `length` UTF-16 units. */
export function firstWords(body: RichText, length = 60): string {
  return clip(oneLine(toPlain(body, { hideSpoilers: true })), length);
}

/** Line breaks and runs of white space become one space each. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** At most `length` UTF-16 units, `…` included: cut after a word when one ends in the second half, else between what readers see as characters. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = text.slice(0, graphemeStart(text, length - 1));
  if (/^\s/.test(text.slice(head.length))) return `${head.trimEnd()}…`;
  const word = head.search(/\s\S*$/);
  return `${(word > length / 2 ? head.slice(0, word) : head).trimEnd()}…`;
}

/**
 * The last place at or before `at` that does not lie inside a character as readers see it. A "character" of more than some hundred units
 * is an attack and may be cut between its code points.
 */
export function graphemeStart(text: string, at: number): number {
  if (at <= 0 || at >= text.length) return Math.max(0, Math.min(at, text.length));
  const from = Math.max(0, at - WINDOW);
  const start = from + (graphemes.segment(text.slice(from, at + WINDOW)).containing(at - from)?.index ?? at - from);
  return start > from || from === 0 ? start : codePointStart(text, at);
}

const WINDOW = 256;

/** The last place at or before `at` that does not lie between the two halves of a code point. */
export function codePointStart(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}

function plainBlocks(body: RichText, options: PlainOptions): string[] {
  const lines: string[] = [];
  for (const [index, block] of body.entries()) {
    if (block.type === "paragraph" && body[index - 1]?.type === "paragraph") lines.push("");
    lines.push(...plainBlock(block, options));
  }
  return lines;
}

function plainBlock(block: Block, options: PlainOptions): string[] {
  switch (block.type) {
    case "paragraph":
    case "heading":
      return toPlainInline(block.content, options).split("\n");
    case "quote":
      return plainBlocks(block.content, options).map((line) => `> ${line}`);
    case "code":
      return block.text.split("\n");
    case "list":
      return block.items.flatMap((item, index) => plainItem(item, marker(block.start, index), options));
    case "table":
      return block.rows.map((row) => row.map((cell) => oneLine(toPlainInline(cell, options))).join(" | "));
    case "divider":
      return ["———"];
    default:
      return never(block);
  }
}

function marker(start: number | undefined, index: number): string {
  return start === undefined ? "• " : `${start + index}. `;
}

function plainItem(item: RichText, mark: string, options: PlainOptions): string[] {
  const [first = "", ...rest] = plainBlocks(item, options);
  return [mark + first, ...rest.map((line) => " ".repeat(mark.length) + line)];
}

function plainInline(node: Inline, options: PlainOptions): string {
  switch (node.type) {
    case "text":
    case "code":
    case "mention":
    case "time":
      return node.text;
    case "break":
      return "\n";
    case "bold":
    case "italic":
    case "strike":
    case "underline":
    case "colour":
      return toPlainInline(node.content, options);
    case "spoiler":
      return options.hideSpoilers === true ? "(spoiler)" : `||${toPlainInline(node.content, options)}||`;
    case "link":
      return plainLink(node.url, toPlainInline(node.content, options));
    case "emoji":
      return `:${node.name}:`;
    default:
      return never(node);
  }
}

/** `text (address)`, and the address alone where the text says nothing else. */
function plainLink(url: string, text: string): string {
  if (text === "" || text === url || url === `mailto:${text}`) return text === "" ? url : text;
  return withoutScheme(text) === withoutScheme(url) ? url : `${text} (${url})`;
}

function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** `1.2 MB`. Thousands are 1024, as people read them off their files. */
export function sizeText(size: number | undefined): string | undefined {
  if (size === undefined || !Number.isFinite(size) || size < 0) return undefined;
  let value = size;
  let unit = 0;
  for (; value >= 1023.95 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, "")} ${size === 1 ? "byte" : UNITS[unit]}`;
}
