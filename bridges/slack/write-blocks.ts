/** RichText as Slack's blocks: one `rich_text` block, parted by dividers. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */
import type { RichTextBlock, RichTextElement, RichTextList, RichTextSection } from "@slack/types";
import { never } from "../../core/model/events.ts";
import { toPlainInline } from "../../core/model/plain.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { formatOf } from "./dates.ts";
import { channelOf, userOf } from "./ids.ts";
import { messageLink } from "./permalinks.ts";
import type { OutBlock } from "./wire.ts";

type Style = { readonly bold?: true; readonly italic?: true; readonly strike?: true; readonly code?: true };
type Element = RichTextBlock["elements"][number];

/** Slack shows eight levels of a list and refuses deeper ones. */
const DEEPEST_LIST = 8;

export function writeBlocks(body: RichText): OutBlock[] {
  const out: OutBlock[] = [];
  let elements: Element[] = [];
  const end = (): void => {
    if (elements.length > 0) out.push({ type: "rich_text", elements });
    elements = [];
  };
  for (const block of body) {
    if (block.type === "divider") {
      end();
      out.push({ type: "divider" });
    } else elements = joined(elements, block);
  }
  end();
  return out;
}

/** Paragraphs that follow each other are one section with an empty line in it, as Slack itself writes them. */
function joined(elements: readonly Element[], block: Exclude<Block, { type: "divider" }>): Element[] {
  const before = elements.at(-1);
  if (block.type !== "paragraph" && block.type !== "heading") return [...elements, ...writeBlock(block)];
  const inlines = writeInlines(block.content, block.type === "heading" ? { bold: true } : {});
  if (inlines.length === 0) return [...elements];
  if (before?.type !== "rich_text_section") return [...elements, { type: "rich_text_section", elements: inlines }];
  const gap: RichTextElement = { type: "text", text: block.type === "heading" || isHeading(before) ? "\n" : "\n\n" };
  return [...elements.slice(0, -1), { type: "rich_text_section", elements: merged([...before.elements, gap, ...inlines]) }];
}

/** The last line of a section is bold as a whole: nothing but a heading comes out so. */
function isHeading(section: RichTextSection): boolean {
  const last = section.elements.at(-1);
  return last?.type === "text" && last.style?.bold === true && !last.text.includes("\n") && section.elements.length === 1;
}

function writeBlock(block: Exclude<Block, { type: "divider" | "paragraph" | "heading" }>): Element[] {
  switch (block.type) {
    case "quote": {
      const elements = lines(block.content, {});
      return elements.length === 0 ? [] : [{ type: "rich_text_quote", elements }];
    }
    case "code":
      return preformatted(block.text);
    case "list":
      return writeList(block, 0);
    case "table":
      return preformatted(monospaced(block));
    default:
      return never(block);
  }
}

function preformatted(value: string): Element[] {
  const shown = clean(value);
  return shown.trim() === "" ? [] : [{ type: "rich_text_preformatted", elements: [{ type: "text", text: shown }] }];
}

/** A nested list is a row of lists; the outer one goes on counting behind it. */
function writeList(list: Extract<Block, { type: "list" }>, indent: number): RichTextList[] {
  const out: RichTextList[] = [];
  const ordered = list.start !== undefined;
  const first = (list.start ?? 1) - 1;
  for (const [index, item] of list.items.entries()) {
    const elements = lines(
      item.filter((block) => block.type !== "list"),
      {},
    );
    const section: RichTextSection = {
      type: "rich_text_section",
      elements: elements.length > 0 ? elements : [{ type: "text", text: " " }],
    };
    const open = out.at(-1);
    if (open && (open.indent ?? 0) === indent) open.elements.push(section);
    else out.push(newList(ordered, indent, first + index, section));
    for (const inner of item) if (inner.type === "list") out.push(...writeList(inner, Math.min(DEEPEST_LIST, indent + 1)));
  }
  return out;
}

/** `offset`, what the counting begins behind, is documented but not in the types. */
function newList(ordered: boolean, indent: number, offset: number, section: RichTextSection): RichTextList & { offset?: number } {
  return {
    type: "rich_text_list",
    style: ordered ? "ordered" : "bullet",
    ...(indent > 0 ? { indent } : {}),
    ...(ordered && offset > 0 ? { offset } : {}),
    elements: [section],
  };
}

/** Blocks where Slack takes inline elements only: each on lines of its own, inner quotes and lists by their marks. */
function lines(body: RichText, style: Style): RichTextElement[] {
  const out: RichTextElement[] = [];
  for (const block of body) {
    if (out.length > 0) out.push({ type: "text", text: "\n" });
    out.push(...lineOf(block, style));
  }
  return merged(out);
}

function lineOf(block: Block, style: Style): RichTextElement[] {
  switch (block.type) {
    case "paragraph":
      return writeInlines(block.content, style);
    case "heading":
      return writeInlines(block.content, { ...style, bold: true });
    case "quote":
      return prefixed("> ", lines(block.content, style));
    case "code":
      return text(block.text, { ...style, code: true });
    case "list":
      return block.items.flatMap((item, index) => {
        const mark = block.start === undefined ? "• " : `${block.start + index}. `;
        const before: RichTextElement[] = text(index > 0 ? `\n${mark}` : mark, {});
        return [...before, ...lines(item, style)];
      });
    case "table":
      return text(monospaced(block), { ...style, code: true });
    case "divider":
      return text("———", {});
    default:
      return never(block);
  }
}

/** The mark stands before each line. */
function prefixed(mark: string, elements: readonly RichTextElement[]): RichTextElement[] {
  const marked = elements.map((element) =>
    element.type === "text" ? { ...element, text: element.text.replaceAll("\n", `\n${mark}`) } : element,
  );
  return [{ type: "text", text: mark }, ...marked];
}

/** Columns side by side, in a font where every letter is as wide as the other. */
function monospaced(table: Extract<Block, { type: "table" }>): string {
  const rows = table.rows.map((row) => row.map((cell) => toPlainInline(cell).replaceAll("\n", " ")));
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(" | ")
        .trimEnd(),
    )
    .join("\n");
}

export function writeInlines(content: readonly Inline[], style: Style): RichTextElement[] {
  return merged(content.flatMap((node) => writeInline(node, style)));
}

function writeInline(node: Inline, style: Style): RichTextElement[] {
  switch (node.type) {
    case "text":
      return text(node.text, style);
    case "break":
      return text("\n", {});
    case "bold":
    case "italic":
    case "strike":
      return writeInlines(node.content, { ...style, [node.type]: true });
    case "underline":
    case "colour":
      return writeInlines(node.content, style);
    case "code":
      return text(node.text, { ...style, code: true });
    case "spoiler":
      return [...text(node.reason === undefined ? "(spoiler) " : `(spoiler: ${node.reason}) `, {}), ...writeInlines(node.content, style)];
    case "link":
      return writeLink(node, style);
    case "mention":
      return [writeMention(node, style)];
    case "emoji":
      return [{ type: "emoji", name: node.name }];
    case "time":
      return [{ type: "date", timestamp: Math.floor(node.at / 1000), format: formatOf(node), fallback: node.text, ...around(style) }];
    default:
      return never(node);
  }
}

function writeLink(node: Extract<Inline, { type: "link" }>, style: Style): RichTextElement[] {
  const shown = clean(toPlainInline(node.content).replaceAll("\n", " "));
  return [{ type: "link", url: clean(node.url), ...(shown === "" || shown === node.url ? {} : { text: shown }), ...around(style) }];
}

/** Who is not on Slack stands by name: nothing that looks like a mention rings anybody in a text element. */
function writeMention(node: Extract<Inline, { type: "mention" }>, style: Style): RichTextElement {
  const { target } = node;
  const plain: RichTextElement = { type: "text", text: clean(node.text) || " ", ...styleOf(style) };
  switch (target.kind) {
    case "person": {
      const user = target.remote === undefined ? undefined : userOf(target.remote);
      return user === undefined || !/^[UW]/.test(user) ? plain : { type: "user", user_id: user, ...around(style) };
    }
    case "channel": {
      const channel = target.remote === undefined ? undefined : channelOf(target.remote);
      return channel === undefined ? plain : { type: "channel", channel_id: channel, ...around(style) };
    }
    case "message": {
      const url = target.channel && target.remote ? messageLink(undefined, target.channel, target.remote) : undefined;
      return { type: "link", url: url ?? clean(target.url), text: plain.text, ...around(style) };
    }
    case "group": {
      const group = /^[TE][A-Z0-9]+\/(S[A-Z0-9]+)$/.exec(target.remote)?.[1];
      return group === undefined ? plain : { type: "usergroup", usergroup_id: group, ...around(style) };
    }
    case "everyone":
    case "here":
      return target.allowed ? { type: "broadcast", range: target.kind === "here" ? "here" : "channel" } : plain;
    default:
      return never(target);
  }
}

function text(value: string, style: Style): RichTextElement[] {
  const shown = clean(value);
  return shown === "" ? [] : [{ type: "text", text: shown, ...styleOf(style) }];
}

/** Without what no message may hold: control characters and halves of characters. */
export function clean(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  return value
    .toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");
}

function styleOf(style: Style): { style?: Style } {
  return Object.keys(style).length === 0 ? {} : { style };
}

/** Only text can be code; emoji and broadcasts take no style at all. */
function around({ code, ...style }: Style): { style?: Style } {
  return styleOf(style);
}

/** Neighbouring texts in the same style become one. */
function merged(elements: readonly RichTextElement[]): RichTextElement[] {
  const out: RichTextElement[] = [];
  for (const element of elements) {
    const before = out.at(-1);
    if (before?.type === "text" && element.type === "text" && sameStyle(before.style, element.style))
      out[out.length - 1] = { ...before, text: before.text + element.text };
    else out.push(element);
  }
  return out;
}

function sameStyle(one: RichTextElement["style"] = {}, other: RichTextElement["style"] = {}): boolean {
  return (["bold", "italic", "strike", "code"] as const).every((key) => one[key] === other[key]);
}
