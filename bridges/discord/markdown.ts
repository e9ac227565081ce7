/**
 * Reads Discord's markdown. Linear in its input, without recursion over it, and bounded in depth.
 *
 * Formatting that Discord shows and RichText has no word for: small text (`-# `) is grey, slash commands are code.
 *
 * https://support.discord.com/hc/en-us/articles/210298617
 */
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { inlineTree, type Spoiling } from "./inline.ts";
import { type Mark, type Token, tokens } from "./lexer.ts";
import type { Names } from "./references.ts";

/** Longer than anything that Discord lets people write (4096 characters in an embed); the rest is left as it is. */
const LONGEST = 20_000;

/** How small text looks, where there is no small text. */
export const SMALL = "#808080";

export function readMarkdown(text: string, names: Names): RichText {
  const clean = text.replaceAll(/\r\n?/g, "\n").replaceAll(/[\u0000-\u0008\u000b-\u001f]/g, "");
  const read = blocksOf(linesOf(tokens(clean.slice(0, LONGEST), names)), { open: false });
  return clean.length > LONGEST ? [...read, { type: "paragraph", content: [{ type: "text", text: clean.slice(LONGEST) }] }] : read;
}

interface Line {
  readonly quoted: boolean;
  readonly mark: Exclude<Mark, { kind: "quote" }> | undefined;
  readonly fence: Extract<Token, { t: "fence" }> | undefined;
  readonly tokens: readonly Token[];
}

/** A fence in the middle of a line makes three lines of it. */
function linesOf(all: readonly Token[]): Line[] {
  const lines: Line[] = [];
  let quoted: "no" | "line" | "rest" = "no";
  let mark: Line["mark"];
  let content: Token[] = [];
  const end = (fence?: Line["fence"]): void => {
    lines.push({ quoted: quoted !== "no", mark, fence, tokens: content });
    mark = undefined;
    content = [];
  };
  let fresh = true;
  for (const token of all) {
    if (token.t === "mark") {
      if (token.mark.kind === "quote") quoted = token.mark.rest ? "rest" : "line";
      else mark = token.mark;
    } else if (token.t === "fence") {
      if (content.length > 0 || mark) end();
      end(token);
      fresh = true;
      continue;
    } else if (token.t === "newline") {
      // The line break right after a fence belongs to the fence.
      if (!fresh || lines.at(-1)?.fence === undefined || content.length > 0) end();
      if (quoted === "line") quoted = "no";
    } else content.push(token);
    fresh = false;
  }
  if (content.length > 0 || mark) end();
  return lines;
}

function blocksOf(lines: readonly Line[], spoiling: Spoiling): Block[] {
  const out: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] as Line;
    const end = runEnd(lines, at, kindOf(line));
    out.push(...blockOf(lines.slice(at, end), kindOf(line), spoiling));
    at = end;
  }
  return out;
}

type Kind = "quote" | "fence" | "heading" | "small" | "item" | "text";

function kindOf(line: Line): Kind {
  return line.quoted ? "quote" : line.fence ? "fence" : (line.mark?.kind ?? "text");
}

/** Lines of text, of a quote, and of a list stand together. */
function runEnd(lines: readonly Line[], from: number, kind: Kind): number {
  let end = from + 1;
  if (kind === "fence" || kind === "heading" || kind === "small") return end;
  while (end < lines.length && kindOf(lines[end] as Line) === kind) end++;
  return end;
}

function blockOf(lines: readonly Line[], kind: Kind, spoiling: Spoiling): Block[] {
  const [first] = lines as [Line];
  switch (kind) {
    case "quote":
      return [
        {
          type: "quote",
          content: blocksOf(
            lines.map((line) => ({ ...line, quoted: false })),
            spoiling,
          ),
        },
      ];
    case "fence":
      return [fenceBlock(first.fence as NonNullable<Line["fence"]>, spoiling)];
    case "heading": {
      const { level } = first.mark as Extract<Mark, { kind: "heading" }>;
      return [{ type: "heading", level, content: inlineTree(first.tokens, spoiling) }];
    }
    case "small":
      return [{ type: "paragraph", content: [{ type: "colour", foreground: SMALL, content: inlineTree(first.tokens, spoiling) }] }];
    case "item":
      return lists(lines, spoiling);
    case "text":
      return paragraphs(lines, spoiling);
  }
}

/** Code within a spoiler stays hidden, and so it is no block. */
function fenceBlock({ text, language }: NonNullable<Line["fence"]>, spoiling: Spoiling): Block {
  if (spoiling.open) return { type: "paragraph", content: [{ type: "spoiler", content: [{ type: "code", text }] }] };
  return { type: "code", text, ...(language === undefined ? {} : { language }) };
}

/** Formatting reaches over line breaks, so all lines are read as one; empty lines outside of formatting then part paragraphs. */
function paragraphs(lines: readonly Line[], spoiling: Spoiling): Block[] {
  const all = lines.flatMap((line, index): readonly Token[] => (index === 0 ? line.tokens : [{ t: "newline" }, ...line.tokens]));
  const out: Block[] = [];
  let content: Inline[] = [];
  const end = (): void => {
    while (content.at(-1)?.type === "break") content.pop();
    if (content.length > 0) out.push({ type: "paragraph", content });
    content = [];
  };
  for (const node of inlineTree(all, spoiling)) {
    if (node.type === "break" && content.at(-1)?.type === "break") end();
    else if (node.type !== "break" || content.length > 0) content.push(node);
  }
  end();
  return out;
}

type ListBlock = { type: "list"; start?: number; items: Block[][] };

/** An item that stands further in belongs to the item above it. */
function lists(lines: readonly Line[], spoiling: Spoiling): Block[] {
  const out: Block[] = [];
  const open: { indent: number; ordered: boolean; list: ListBlock }[] = [];
  for (const line of lines) {
    const { indent, start } = line.mark as Extract<Mark, { kind: "item" }>;
    const ordered = start !== undefined;
    while (open.length > 1 && indent < (open.at(-1)?.indent as number)) open.pop();
    const top = open.at(-1);
    const deeper = top !== undefined && indent > top.indent && open.length < DEEPEST_LIST;
    if (top === undefined || deeper || top.ordered !== ordered) {
      if (top !== undefined && !deeper) open.pop();
      const list: ListBlock = { type: "list", ...(ordered ? { start } : {}), items: [] };
      (open.at(-1)?.list.items.at(-1) ?? out).push(list as Block);
      open.push({ indent, ordered, list });
    }
    open.at(-1)?.list.items.push([{ type: "paragraph", content: inlineTree(line.tokens, spoiling) }]);
  }
  return out;
}

const DEEPEST_LIST = 10;
