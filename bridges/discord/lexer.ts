/**
 * Discord's markdown, cut into tokens in one pass from left to right: every look ahead is either bounded or remembered, so that
 * hostile text costs no more than its length.
 *
 * https://discord.com/developers/docs/reference#message-formatting
 */
import type { Inline } from "../../core/model/richtext.ts";
import { readAngle, readAddress, type Names } from "./references.ts";

export type Token =
  | { readonly t: "text"; readonly text: string }
  | { readonly t: "newline" }
  | { readonly t: "fence"; readonly text: string; readonly language?: string }
  | { readonly t: "node"; readonly node: Inline }
  /** A run of one sign that may open or close formatting. */
  | { readonly t: "run"; readonly sign: "*" | "_" | "~"; readonly count: number; readonly opens: boolean; readonly closes: boolean }
  | { readonly t: "spoiler" }
  | { readonly t: "bracket" }
  /** `](https://…)`. */
  | { readonly t: "address"; readonly url: string; readonly raw: string }
  | { readonly t: "mark"; readonly mark: Mark };

/** What stands at the beginning of a line and makes it more than a line of a paragraph. */
export type Mark =
  | { readonly kind: "quote"; readonly rest: boolean }
  | { readonly kind: "heading"; readonly level: 1 | 2 | 3 }
  | { readonly kind: "small" }
  | { readonly kind: "item"; readonly indent: number; readonly start?: number };

const LINE_MARK = /(>>> )|(> )|(#{1,3}) +(?=\S)|(-# +)(?=\S)|( *)(?:[-*]|(\d{1,9})\.) +(?=\S)/y;
const ORDINARY = /[^\\`*_~|[\]<@h\n¯]+/y;
const FENCE = "```";

interface Scan {
  readonly text: string;
  readonly names: Names;
  readonly out: Token[];
  readonly ticks: Ticks;
  at: number;
  lineStart: boolean;
  quoted: "no" | "line" | "rest";
  /** Set when no further fence closes: nobody looks again. */
  noFence: boolean;
}

export function tokens(text: string, names: Names): Token[] {
  const scan: Scan = { text, names, out: [], ticks: ticksOf(text), at: 0, lineStart: true, quoted: "no", noFence: false };
  while (scan.at < text.length) {
    if (scan.lineStart && mark(scan)) continue;
    scan.lineStart = false;
    next(scan);
  }
  return withPairedSpoilers(scan.out);
}

/** A spoiler may reach over several blocks. The last of an odd number of signs hides nothing. */
function withPairedSpoilers(all: Token[]): Token[] {
  const count = all.reduce((sum, token) => sum + (token.t === "spoiler" ? 1 : 0), 0);
  if (count % 2 === 1) all[all.findLastIndex((token) => token.t === "spoiler")] = { t: "text", text: "||" };
  return all;
}

function mark(scan: Scan): boolean {
  LINE_MARK.lastIndex = scan.at;
  const found = LINE_MARK.exec(scan.text);
  if (!found) return false;
  const [whole, rest, line, hashes, small, indent = "", start] = found;
  if ((rest !== undefined || line !== undefined) && scan.quoted !== "no") return false;
  scan.at += whole.length;
  if (rest !== undefined || line !== undefined) {
    scan.quoted = rest === undefined ? "line" : "rest";
    scan.out.push({ t: "mark", mark: { kind: "quote", rest: rest !== undefined } });
    return true;
  }
  scan.lineStart = false;
  if (hashes !== undefined) scan.out.push({ t: "mark", mark: { kind: "heading", level: hashes.length as 1 | 2 | 3 } });
  else if (small !== undefined) scan.out.push({ t: "mark", mark: { kind: "small" } });
  else
    scan.out.push({ t: "mark", mark: { kind: "item", indent: indent.length, ...(start === undefined ? {} : { start: Number(start) }) } });
  return true;
}

function next(scan: Scan): void {
  const { text, out } = scan;
  switch (text[scan.at]) {
    case "\n":
      scan.at += 1;
      scan.lineStart = true;
      if (scan.quoted === "line") scan.quoted = "no";
      out.push({ t: "newline" });
      return;
    case "\\":
      return escaped(scan);
    case "`":
      return code(scan);
    case "*":
    case "_":
    case "~":
      return run(scan, text[scan.at] as "*" | "_" | "~");
    case "|":
      return pipes(scan);
    case "[":
      return push(scan, { t: "bracket" }, 1);
    case "]":
      return address(scan);
    case "<":
      return reference(scan, readAngle(text, scan.at, scan.names));
    case "@":
      return everyone(scan);
    case "h":
      return reference(scan, readAddress(text, scan.at, scan.names));
    case "¯":
      return text.startsWith("¯\\_(ツ)_/¯", scan.at)
        ? push(scan, { t: "text", text: "¯\\_(ツ)_/¯" }, 9)
        : push(scan, { t: "text", text: "¯" }, 1);
    default:
      return ordinary(scan);
  }
}

function push(scan: Scan, token: Token, length: number): void {
  scan.out.push(token);
  scan.at += length;
}

function ordinary(scan: Scan): void {
  ORDINARY.lastIndex = scan.at;
  const found = ORDINARY.exec(scan.text)?.[0] ?? (scan.text[scan.at] as string);
  push(scan, { t: "text", text: found }, found.length);
}

function escaped(scan: Scan): void {
  const after = scan.text[scan.at + 1];
  if (after === undefined || /[0-9A-Za-z\s]/.test(after)) return push(scan, { t: "text", text: "\\" }, 1);
  const whole = String.fromCodePoint(scan.text.codePointAt(scan.at + 1) as number);
  push(scan, { t: "text", text: whole }, 1 + whole.length);
}

function run(scan: Scan, sign: "*" | "_" | "~"): void {
  const { text, at } = scan;
  let end = at;
  while (text[end] === sign) end++;
  const count = end - at;
  const before = text[at - 1] ?? " ";
  const after = text[end] ?? " ";
  const [opens, closes] = flanks(sign, count, before, after);
  const known = sign === "~" ? count === 2 : count <= 3;
  if (known && (opens || closes)) push(scan, { t: "run", sign, count, opens, closes }, count);
  else push(scan, { t: "text", text: text.slice(at, end) }, count);
}

/** Two signs format whatever stands between them; one alone must hug its words, and an underscore must not stand within one. */
function flanks(sign: "*" | "_" | "~", count: number, before: string, after: string): [opens: boolean, closes: boolean] {
  if (count >= 2 && sign !== "~") return [true, true];
  const [opens, closes] = [!/\s/.test(after), !/\s/.test(before)];
  return sign === "_" ? [!isWord(before), !isWord(after)] : [opens, closes];
}

function isWord(unit: string): boolean {
  return /[0-9A-Za-z]/.test(unit);
}

function pipes(scan: Scan): void {
  let end = scan.at;
  while (scan.text[end] === "|") end++;
  const count = end - scan.at;
  // Four and more hide nothing between them.
  if (count === 1 || count > 3) return push(scan, { t: "text", text: "|".repeat(count) }, count);
  push(scan, { t: "spoiler" }, 2);
}

function code(scan: Scan): void {
  const { text, at } = scan;
  if (text.startsWith(FENCE, at) && fence(scan)) return;
  const length = scan.ticks.lengthAt(at);
  const end = scan.ticks.next(length, at);
  if (end === undefined) return push(scan, { t: "text", text: text.slice(at, at + length) }, length);
  const inside = text.slice(at + length, end).replace(/^ (?=`)|(?<=`) $/g, "");
  push(scan, { t: "node", node: { type: "code", text: inside } }, end + length - at);
}

const LANGUAGE = /([A-Za-z0-9_+\-.#]+)\n/y;

function fence(scan: Scan): boolean {
  if (scan.noFence) return false;
  const { text, at, quoted } = scan;
  LANGUAGE.lastIndex = at + 3;
  const language = LANGUAGE.exec(text)?.[1];
  const from = at + 3 + (language === undefined ? 0 : language.length + 1);
  const to = text.indexOf(FENCE, from);
  if (to < 0) {
    scan.noFence = text.indexOf(FENCE, at + 3) < 0;
    return false;
  }
  let inside = text.slice(from, to);
  if (quoted === "line") inside = inside.replaceAll(/\n> ?/g, "\n").replace(/^> ?/, "");
  inside = inside.replace(/^\n+/, "").replace(/\n+$/, "");
  if (inside === "") return false;
  push(scan, { t: "fence", text: inside, ...(language === undefined ? {} : { language }) }, to + 3 - at);
  return true;
}

function reference(scan: Scan, found: { readonly node: Inline; readonly length: number } | undefined): void {
  if (found) return push(scan, { t: "node", node: found.node }, found.length);
  push(scan, { t: "text", text: scan.text[scan.at] as string }, 1);
}

function everyone(scan: Scan): void {
  const kind = /^@(everyone|here)(?![0-9A-Za-z])/.exec(scan.text.slice(scan.at, scan.at + 10))?.[1] as "everyone" | "here" | undefined;
  const before = scan.text[scan.at - 1] ?? " ";
  if (kind === undefined || isWord(before)) return push(scan, { t: "text", text: "@" }, 1);
  const node: Inline = { type: "mention", target: { kind, allowed: scan.names.everyone }, text: kind };
  push(scan, { t: "node", node }, 1 + kind.length);
}

/** Discord shows no longer address, and so no look ahead is longer. */
const LONGEST_ADDRESS = 2048;

/** `](https://…)` or `](<https://…> "title")`, brackets in the address balanced. */
function address(scan: Scan): void {
  const head = /^\]\(\s{0,4}(<?)(?=https?:\/\/)/.exec(scan.text.slice(scan.at, scan.at + 16));
  if (!head) return push(scan, { t: "text", text: "]" }, 1);
  const from = scan.at + head[0].length;
  const window = scan.text.slice(from, from + LONGEST_ADDRESS);
  const length = addressLength(window, head[1] === "<");
  const tail = length === undefined ? undefined : /^>?(?:\s+"[^"\n]{0,200}")?\s{0,4}\)/.exec(window.slice(length))?.[0];
  const url = window.slice(0, length);
  if (length === undefined || tail === undefined || tail.startsWith(">") !== (head[1] === "<") || !URL.canParse(url)) {
    return push(scan, { t: "text", text: "]" }, 1);
  }
  const raw = head[0] + url + tail;
  push(scan, { t: "address", url, raw }, raw.length);
}

function addressLength(window: string, angled: boolean): number | undefined {
  let depth = 0;
  for (let at = 0; at < window.length; at++) {
    const unit = window[at] as string;
    if (angled ? unit === ">" : /\s/.test(unit)) return at;
    if (/[\s<]/.test(unit) || (unit === "]" && window[at + 1] === "(")) return undefined;
    if (unit === "(") depth++;
    if (unit === ")" && !angled && depth-- === 0) return at;
  }
  return undefined;
}

/** Where runs of backticks stand, so that the one that closes is found without looking through the text again. */
interface Ticks {
  lengthAt(at: number): number;
  /** The first run of exactly that length after `at` (which is asked for in ascending order). */
  next(length: number, at: number): number | undefined;
}

function ticksOf(text: string): Ticks {
  const lengths = new Map<number, number>();
  const starts = new Map<number, number[]>();
  for (const { 0: ticks, index } of text.matchAll(/`+/g)) {
    lengths.set(index, ticks.length);
    const same = starts.get(ticks.length);
    if (same) same.push(index);
    else starts.set(ticks.length, [index]);
  }
  const passed = new Map<number, number>();
  return {
    lengthAt: (at) => lengths.get(at) ?? (/^`+/.exec(text.slice(at, at + 8))?.[0].length as number),
    next(length, at) {
      const same = starts.get(length);
      if (!same) return undefined;
      let index = passed.get(length) ?? 0;
      while (index < same.length && (same[index] as number) <= at) index++;
      passed.set(length, index);
      return same[index];
    },
  };
}
