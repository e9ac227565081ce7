/**
 * HTML as Matrix events carry it, to RichText. https://spec.matrix.org/v1.15/client-server-api/#mroommessage-msgtypes
 *
 * parse5 cuts the text into tags and words; what they nest is counted here instead of built as a tree of elements: HTML's own rules for
 * wrongly nested tags can make millions of elements out of 60 KB.
 */
import { type Token, Tokenizer, TokenizerMode } from "parse5";
import { mxcUri } from "../model/ids.ts";
import type { Inline, MentionTarget, RichText } from "../model/richtext.ts";
import { Blocks, type ContainerTag } from "./html-blocks.ts";
import type { Format } from "./html-run.ts";
import { CONTAINERS, DIVISIONS, HEADINGS, PARAGRAPHS, RAW, SIMPLE, SKIPPED } from "./html-tags.ts";
import { cleanText } from "./clean.ts";
import { raised, readColour, readPillText, readTarget, readUrl } from "./html-values.ts";

/** UTF-16 units; the rest is not looked at. No Matrix event is larger. */
const LONGEST = 65_536;
/** Formats that are open at once; more are ignored. */
const MOST_FORMATS = 30;

/** Never throws. Links to people, rooms and events are mentions; nothing is looked up. */
export function parseHtml(html: string): RichText {
  const reader = new Reader();
  const tokenizer = new Tokenizer({ sourceCodeLocationInfo: false }, reader);
  reader.tokenizer = tokenizer;
  tokenizer.write(html.slice(0, LONGEST), true);
  return reader.finish();
}

type Attributes = (name: string) => string | undefined;

interface Open {
  readonly tag: string;
  /** Absent = it changes nothing (bold within bold), but its closing tag closes it and not the outer one. */
  readonly format?: Format;
}

class Reader {
  tokenizer: Tokenizer | undefined;
  readonly #blocks = new Blocks();
  readonly #formats: Open[] = [];
  #path: readonly Format[] = [];
  #isCode = false;
  #isRaised = false;
  /** How many of a tag were ignored because too many were open: so many closing ones are as well. */
  readonly #ignored = new Map<string, number>();
  #skipped: { readonly tag: string; depth: number } | undefined;
  #pill: { readonly target: MentionTarget; readonly pieces: string[] } | undefined;
  #verbatim: { readonly pieces: string[]; language: string | undefined } | undefined;

  onStartTag({ tagName: tag, attrs, selfClosing }: Token.TagToken): void {
    if (this.#skipped !== undefined) {
      if (this.#skipped.tag === tag && !selfClosing) this.#skipped.depth++;
      return;
    }
    const attributes: Attributes = (name) => attrs.find((attribute) => attribute.name === name)?.value;
    if (this.#verbatim !== undefined) this.#startInVerbatim(tag, attributes);
    else if (SKIPPED.has(tag)) this.#skip(tag);
    else if (!this.#startBlock(tag, attributes)) this.#startInline(tag, attributes);
  }

  onEndTag({ tagName: tag }: Token.TagToken): void {
    if (this.#skipped !== undefined) {
      if (this.#skipped.tag === tag && --this.#skipped.depth === 0) this.#skipped = undefined;
    } else if (this.#verbatim !== undefined) {
      if (tag === "pre") this.#endVerbatim();
    } else this.#end(tag);
  }

  onCharacter(token: Token.CharacterToken): void {
    if (this.#skipped !== undefined) return;
    const chars = cleanText(token.chars);
    const gathering = this.#verbatim ?? this.#pill;
    if (gathering === undefined) this.#text(chars);
    else gathering.pieces.push(chars);
  }

  onWhitespaceCharacter(token: Token.CharacterToken): void {
    this.onCharacter(token);
  }

  // What else the tokenizer finds is not for people.
  onNullCharacter(): void {}
  onComment(): void {}
  onDoctype(): void {}
  onEof(): void {}

  finish(): RichText {
    this.#endPill();
    if (this.#verbatim !== undefined) this.#endVerbatim();
    return this.#blocks.finish();
  }

  /** False = the tag is none that ends a line. */
  #startBlock(tag: string, attributes: Attributes): boolean {
    const container = CONTAINERS.get(tag);
    const heading = HEADINGS.get(tag);
    if (container === undefined && heading === undefined && !PARAGRAPHS.has(tag) && !DIVISIONS.has(tag) && !LINES.has(tag)) return false;
    this.#endPill();
    if (container !== undefined) this.#startContainer(tag, container, attributes);
    else if (heading !== undefined) this.#blocks.paragraph(heading);
    else if (tag === "br") this.#blocks.leaf({ type: "break" }, []);
    else if (tag === "hr") this.#blocks.block({ type: "divider" });
    else if (tag === "pre") this.#startVerbatim();
    else if (PARAGRAPHS.has(tag)) this.#blocks.paragraph();
    else this.#startDivision(tag, attributes);
    if (tag === "summary") this.#open(tag, { type: "bold" });
    return true;
  }

  #startInline(tag: string, attributes: Attributes): void {
    const simple = SIMPLE.get(tag);
    if (simple !== undefined) this.#open(tag, { type: simple });
    else if (tag === "a") this.#startLink(attributes("href") ?? "");
    else if (tag === "img") this.#image(attributes);
    else if (tag === "span" || tag === "font") this.#startSpan(tag, attributes);
    else if (VERBATIM.has(tag) || tag === "sup") this.#open(tag);
  }

  #end(tag: string): void {
    const container = CONTAINERS.get(tag);
    if (container !== undefined) {
      this.#endPill();
      this.#blocks.close(container);
    } else if (HEADINGS.has(tag) || PARAGRAPHS.has(tag)) {
      this.#endPill();
      this.#blocks.paragraph();
      this.#close(tag);
    } else if (DIVISIONS.has(tag)) {
      this.#endPill();
      this.#blocks.line();
    } else if (tag === "a") {
      this.#endPill();
      this.#close(tag);
    } else this.#close(tag);
  }

  #text(chars: string): void {
    this.#blocks.text(this.#isRaised ? raised(chars) : chars, this.#path, this.#isCode ? "code" : "text");
  }

  #startContainer(tag: string, container: ContainerTag, attributes: Attributes): void {
    const start = Number.parseInt(attributes("start") ?? "", 10);
    this.#blocks.open(container, Math.abs(start) < 1e9 ? start : undefined);
    if (tag === "th") this.#blocks.headingRow();
  }

  #startDivision(tag: string, attributes: Attributes): void {
    const formula = attributes("data-mx-maths");
    if (formula === undefined) return this.#blocks.line();
    this.#blocks.block({ type: "code", language: "latex", text: cleanText(formula) });
    this.#skip(tag);
  }

  #startSpan(tag: string, attributes: Attributes): void {
    const formula = attributes("data-mx-maths");
    if (formula !== undefined) {
      this.#blocks.text(cleanText(formula), this.#path, "code");
      return this.#skip(tag);
    }
    const reason = attributes("data-mx-spoiler");
    if (reason !== undefined) return this.#open(tag, reason === "" ? { type: "spoiler" } : { type: "spoiler", reason: cleanText(reason) });
    const foreground = readColour(attributes("data-mx-color") ?? attributes("color"));
    const background = readColour(attributes("data-mx-bg-color"));
    if (foreground === undefined && background === undefined) return this.#open(tag);
    this.#open(tag, { type: "colour", ...(foreground ? { foreground } : {}), ...(background ? { background } : {}) });
  }

  /** Links do not nest: the second one ends the first. */
  #startLink(href: string): void {
    this.#endPill();
    this.#close("a");
    const target = readTarget(href);
    const url = target === undefined ? readUrl(href) : undefined;
    if (target !== undefined) this.#pill = { target, pieces: [] };
    else this.#open("a", url === undefined ? undefined : { type: "link", url });
  }

  #endPill(): void {
    if (this.#pill === undefined) return;
    const { target, pieces } = this.#pill;
    this.#pill = undefined;
    const text = pieces.join("").replace(/\s+/g, " ").trim();
    this.#blocks.leaf({ type: "mention", target, text: readPillText(text, target) }, this.#path);
  }

  #image(attributes: Attributes): void {
    if (this.#pill !== undefined) return;
    const words = cleanText(attributes("alt") ?? attributes("title") ?? "").trim();
    if (attributes("data-mx-emoticon") !== undefined) this.#blocks.leaf(toEmoji(words, attributes("src") ?? ""), this.#path);
    else if (words !== "") this.#text(`[${words}]`);
  }

  #startVerbatim(): void {
    this.#blocks.paragraph();
    this.#verbatim = { pieces: [], language: undefined };
  }

  #startInVerbatim(tag: string, attributes: Attributes): void {
    if (this.#verbatim === undefined) return;
    // The line break right after `<pre>` is not shown, right after `<pre><code>` it is.
    this.#verbatim.pieces.push(tag === "br" ? "\n" : "");
    if (tag === "code") this.#verbatim.language ??= LANGUAGE.exec(attributes("class") ?? "")?.[1];
  }

  #endVerbatim(): void {
    const { pieces, language } = this.#verbatim ?? { pieces: [] };
    this.#verbatim = undefined;
    const [first = "", ...rest] = pieces;
    const text = [first.replace(/^\n/, ""), ...rest].join("").replace(/\n$/, "");
    if (text.trim() !== "") this.#blocks.block({ type: "code", text, ...(language === undefined ? {} : { language }) });
  }

  #open(tag: string, format?: Format): void {
    if (this.#formats.length >= MOST_FORMATS) {
      this.#ignored.set(tag, (this.#ignored.get(tag) ?? 0) + 1);
      return;
    }
    const isNew = format !== undefined && !(REPEATED.has(format.type) && this.#path.some((other) => other.type === format.type));
    this.#formats.push(isNew ? { tag, format } : { tag });
    this.#changed();
  }

  /** Closes the last one of its tag, wherever it stands: those opened after it stay open. */
  #close(tag: string): void {
    const ignored = this.#ignored.get(tag) ?? 0;
    if (ignored > 0) {
      this.#ignored.set(tag, ignored - 1);
      return;
    }
    const index = this.#formats.findLastIndex((open) => open.tag === tag);
    if (index < 0) return;
    this.#formats.splice(index, 1);
    this.#changed();
  }

  #changed(): void {
    this.#path = this.#formats.flatMap((open) => open.format ?? []);
    this.#isCode = this.#formats.some((open) => VERBATIM.has(open.tag));
    this.#isRaised = this.#formats.some((open) => open.tag === "sup");
  }

  #skip(tag: string): void {
    this.#endPill();
    this.#skipped = { tag, depth: 1 };
    if (RAW.has(tag) && this.tokenizer !== undefined) this.tokenizer.state = TokenizerMode.RAWTEXT;
  }
}

const LINES: ReadonlySet<string> = new Set(["br", "hr", "pre"]);
const VERBATIM: ReadonlySet<string> = new Set(["code", "tt", "kbd", "samp"]);
/** Formats that change nothing within themselves. */
const REPEATED: ReadonlySet<string> = new Set(["bold", "italic", "strike", "underline"]);
const LANGUAGE = /(?:^|\s)language-([\w+#.-]{1,40})(?:\s|$)/;

/** A custom emoji (MSC2545). Its name is its text between colons. */
function toEmoji(words: string, source: string): Inline {
  const name =
    words
      .replace(/^:+|:+$/g, "")
      .replace(/[\s:]+/g, "_")
      .slice(0, 100)
      .toWellFormed() || "emoji";
  return { type: "emoji", name, ...(source.startsWith("mxc://") ? { source: { kind: "mxc", uri: mxcUri(source) } } : {}) };
}
