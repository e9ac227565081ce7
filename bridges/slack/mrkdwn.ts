/**
 * Slack's mrkdwn, read and written. https://docs.slack.dev/messaging/formatting-message-text
 *
 * Reading takes time in proportion to the text's length, whatever stands in it: every character is looked at a fixed number of times.
 */
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { timeNode } from "./dates.ts";
import { emojiOf } from "./emoji.ts";
import * as make from "./inline.ts";
import type { Known } from "./known.ts";

const FENCE = "```";

export function readMrkdwn(text: string, known: Known): RichText {
  const out: Block[] = [];
  let from = 0;
  for (;;) {
    const open = text.indexOf(FENCE, from);
    const close = open < 0 ? -1 : text.indexOf(FENCE, open + FENCE.length);
    if (close < 0) break;
    out.push(...readLines(text.slice(from, open), known));
    const code = decoded(unlinked(text.slice(open + FENCE.length, close)));
    if (code !== "") out.push({ type: "code", text: code.replace(/^\n/, "").replace(/\n$/, "") });
    from = close + FENCE.length;
  }
  out.push(...readLines(text.slice(from), known));
  return out;
}

/** `plain_text`: emoji names are all that means something in it. */
export function readPlain(text: string, known: Known): Inline[] {
  return new Reader(text, known, false).read();
}

export function readInlineMrkdwn(text: string, known: Known): Inline[] {
  return new Reader(text, known, true).read();
}

/** Slack sends `&`, `<` and `>` escaped, and nothing else. Undone once: what a person typed as `&amp;` stays so. */
export function decoded(text: string): string {
  return text.replace(/&(lt|gt|amp);/g, (_, name: string) => (name === "lt" ? "<" : name === "gt" ? ">" : "&"));
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Within a code fence Slack still writes addresses as `<address>` or `<address|label>`. */
function unlinked(text: string): string {
  return text.replace(
    /<((?:https?|mailto|tel):[^<>|\n]{1,3000})(?:\|([^<>|\n]{0,3000}))?>/g,
    (_, url: string, label: string | undefined) => label || url,
  );
}

const QUOTE = /^(?:&gt;|>) ?/;
const QUOTE_ALL = /^(?:&gt;|>){3} ?/;

/** Lines that begin with `>` are a quote; `>>>` quotes everything after it. */
function readLines(text: string, known: Known): Block[] {
  const out: Block[] = [];
  let plain: string[] = [];
  let quoted: string[] = [];
  const end = (): void => {
    if (plain.length > 0) out.push(...paragraphs(plain, known));
    if (quoted.length > 0) out.push({ type: "quote", content: paragraphs(quoted, known) });
    plain = [];
    quoted = [];
  };
  let rest = false;
  for (const line of text.split("\n")) {
    if (!rest && QUOTE_ALL.test(line)) {
      end();
      rest = true;
      quoted.push(line.replace(QUOTE_ALL, ""));
    } else if (rest || QUOTE.test(line)) {
      if (plain.length > 0) end();
      quoted.push(rest ? line : line.replace(QUOTE, ""));
    } else {
      if (quoted.length > 0) end();
      plain.push(line);
    }
  }
  end();
  return out;
}

function paragraphs(lines: readonly string[], known: Known): Block[] {
  const nodes = readInlineMrkdwn(lines.join("\n"), known);
  return make.paragraphs(nodes).map((content) => ({ type: "paragraph", content }));
}

const STYLES = { "*": "bold", _: "italic", "~": "strike" } as const;
type Mark = keyof typeof STYLES;
const isMark = (character: string | undefined): character is Mark => character === "*" || character === "_" || character === "~";

const EMOJI = /:([a-z0-9_+'-]{1,100}(?:::skin-tone-[2-6])?):/y;
const WORD = /[\p{L}\p{N}]/u;

interface Frame {
  readonly mark: Mark | undefined;
  readonly nodes: Inline[];
}

/** One pass from left to right. At most one of each mark is open, so there are never more than four frames. */
class Reader {
  readonly #text: string;
  readonly #known: Known;
  readonly #formatted: boolean;
  readonly #frames: Frame[] = [{ mark: undefined, nodes: [] }];
  #plainFrom = 0;

  constructor(text: string, known: Known, formatted: boolean) {
    this.#text = text;
    this.#known = known;
    this.#formatted = formatted;
  }

  read(): Inline[] {
    let at = 0;
    while (at < this.#text.length) at = this.#step(at);
    this.#flush(at);
    while (this.#frames.length > 1) this.#giveUp();
    return make.merged(this.#frames[0]?.nodes ?? []);
  }

  /** Looks at one place and returns the next. */
  #step(at: number): number {
    const character = this.#text[at];
    if (character === "\n") return this.#lineEnd(at);
    if (character === ":") return this.#emoji(at);
    if (!this.#formatted) return at + 1;
    if (character === "<") return this.#angle(at);
    if (character === "`") return this.#code(at);
    return isMark(character) ? this.#mark(at, character) : at + 1;
  }

  #put(node: Inline | readonly Inline[], from: number, to: number): number {
    this.#flush(from);
    this.#frames.at(-1)?.nodes.push(...("type" in node ? [node] : node));
    this.#plainFrom = to;
    return to;
  }

  #flush(to: number): void {
    if (to > this.#plainFrom) this.#frames.at(-1)?.nodes.push({ type: "text", text: decoded(this.#text.slice(this.#plainFrom, to)) });
    this.#plainFrom = to;
  }

  /** Formatting ends with the line. */
  #lineEnd(at: number): number {
    this.#flush(at);
    while (this.#frames.length > 1) this.#giveUp();
    return this.#put({ type: "break" }, at, at + 1);
  }

  /** The innermost mark was none: it stands as it was written. */
  #giveUp(): void {
    const frame = this.#frames.pop();
    if (frame?.mark !== undefined) this.#frames.at(-1)?.nodes.push({ type: "text", text: frame.mark }, ...frame.nodes);
  }

  #emoji(at: number): number {
    EMOJI.lastIndex = at;
    const [whole, name] = EMOJI.exec(this.#text) ?? [];
    if (whole === undefined || name === undefined) return at + 1;
    if (emojiOf(name) === undefined && this.#known.emoji(name) === undefined) return at + 1;
    return this.#put(make.emoji(name, undefined, this.#known), at, at + whole.length);
  }

  #code(at: number): number {
    const close = this.#text.indexOf("`", at + 1);
    const text = close < 0 ? "" : this.#text.slice(at + 1, close);
    if (text === "" || text.includes("\n")) return at + 1;
    return this.#put({ type: "code", text: decoded(unlinked(text)) }, at, close + 1);
  }

  /** A mark opens before a word and closes after one. */
  #mark(at: number, mark: Mark): number {
    const before = this.#text[at - 1] ?? " ";
    const after = this.#text[at + 1] ?? " ";
    const open = this.#frames.findIndex((frame) => frame.mark === mark);
    if (open > 0 && before.trim() !== "" && !WORD.test(after)) return this.#close(at, open);
    if (open > 0 || after.trim() === "" || WORD.test(before) || after === mark) return at + 1;
    this.#flush(at);
    this.#frames.push({ mark, nodes: [] });
    this.#plainFrom = at + 1;
    return at + 1;
  }

  #close(at: number, open: number): number {
    this.#flush(at);
    while (this.#frames.length - 1 > open) this.#giveUp();
    const frame = this.#frames.pop();
    if (frame?.mark === undefined || frame.nodes.length === 0) return at + 1;
    return this.#put({ type: STYLES[frame.mark], content: make.merged(frame.nodes) }, at, at + 1);
  }

  /** `<…>` ends before the next `<` or line break, or it is none. */
  #angle(at: number): number {
    let end = at + 1;
    while (end < this.#text.length && !"<>\n".includes(this.#text[end] as string)) end++;
    if (this.#text[end] !== ">") return at + 1;
    return this.#put(readAngle(this.#text.slice(at + 1, end), this.#known), at, end + 1);
  }
}

function readAngle(text: string, known: Known): readonly Inline[] {
  const bar = text.indexOf("|");
  const target = bar < 0 ? text : text.slice(0, bar);
  const label = bar < 0 || bar === text.length - 1 ? undefined : decoded(text.slice(bar + 1));
  if (target.startsWith("@")) return [make.personMention(target.slice(1), label, known)];
  if (target.startsWith("#")) return [make.channelMention(target.slice(1), label, known)];
  if (target.startsWith("!")) return readSpecial(target.slice(1), label, known);
  const url = decoded(target);
  const shown = label ?? (/^(?:mailto|tel):/.test(url) ? url.replace(/^[a-z]+:/, "") : url);
  return make.linkTo(url, [{ type: "text", text: shown }], known);
}

function readSpecial(target: string, label: string | undefined, known: Known): readonly Inline[] {
  if (target === "here" || target === "channel" || target === "everyone") return [make.broadcast(target)];
  const [name, first = "", second = "", third] = target.split("^");
  if (name === "subteam") return [make.groupMention(first, label, known)];
  if (name === "date") {
    const node = timeNode(first === "" ? Number.NaN : Number(first), decoded(second), label);
    if (node) return third === undefined ? [node] : make.link(decoded(third), [node]);
  }
  return label === undefined ? [] : [{ type: "text", text: label }];
}
