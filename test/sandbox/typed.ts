/** What a person types into the sandbox, on any side: a little Markdown, as most chat programs take it. */
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";

/** `@name` becomes a mention where `knows` says that there is such a person. */
export function readTyped(text: string, knows: (name: string) => boolean): RichText {
  const blocks: Block[] = [];
  for (const [index, piece] of text.replaceAll("\r\n", "\n").split("```").entries()) {
    if (index % 2 === 1) blocks.push(codeBlock(piece));
    else blocks.push(...readLines(piece, knows));
  }
  return blocks;
}

function codeBlock(piece: string): Block {
  const [, language, code = piece] = /^([a-z0-9+-]*)\n([^]*)$/i.exec(piece) ?? [];
  return { type: "code", text: code.replace(/\n$/, ""), ...(language && { language }) };
}

const KINDS = { quote: /^> ?/, list: /^[-*] / } as const;

function readLines(text: string, knows: (name: string) => boolean): Block[] {
  const blocks: Block[] = [];
  let run: { kind: "quote" | "list" | "plain"; lines: string[] } | undefined;
  const close = (): void => {
    if (run) blocks.push(...toBlock(run.kind, run.lines, knows));
    run = undefined;
  };
  for (const line of text.split("\n")) {
    const kind = KINDS.quote.test(line) ? "quote" : KINDS.list.test(line) ? "list" : "plain";
    if (run?.kind !== kind) close();
    run ??= { kind, lines: [] };
    run.lines.push(kind === "plain" ? line : line.replace(KINDS[kind], ""));
  }
  close();
  return blocks;
}

function toBlock(kind: "quote" | "list" | "plain", lines: readonly string[], knows: (name: string) => boolean): Block[] {
  const paragraph = (text: string): Block => ({ type: "paragraph", content: readInline(text, knows) });
  switch (kind) {
    case "quote":
      return [{ type: "quote", content: [paragraph(lines.join("\n"))] }];
    case "list":
      return [{ type: "list", items: lines.map((line) => [paragraph(line)]) }];
    case "plain":
      return lines
        .join("\n")
        .split(/\n\n+/)
        .filter((text) => text.trim() !== "")
        .map((text) => paragraph(text.replace(/^\n|\n$/g, "")));
  }
}

type Wrap = "bold" | "italic" | "strike" | "underline" | "spoiler";
const MARKS: readonly (readonly [RegExp, Wrap])[] = [
  [/^\*\*(?=\S)([^]+?)(?<=\S)\*\*/, "bold"],
  [/^__(?=\S)([^]+?)(?<=\S)__/, "underline"],
  [/^~~(?=\S)([^]+?)(?<=\S)~~/, "strike"],
  [/^\|\|(?=\S)([^]+?)(?<=\S)\|\|/, "spoiler"],
  [/^\*(?=\S)([^*]+?)(?<=\S)\*/, "italic"],
  [/^_(?=\S)([^_]+?)(?<=\S)_(?!\w)/, "italic"],
];

function readInline(text: string, knows: (name: string) => boolean): Inline[] {
  const out: Inline[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") out.push({ type: "text", text: plain });
    plain = "";
  };
  for (let at = 0; at < text.length; ) {
    const found = readMark(text.slice(at), text[at - 1], knows);
    if (!found) {
      plain += text[at++];
      continue;
    }
    flush();
    out.push(found.node);
    at += found.length;
  }
  flush();
  return out;
}

function readMark(
  rest: string,
  before: string | undefined,
  knows: (name: string) => boolean,
): { node: Inline; length: number } | undefined {
  if (rest[0] === "\n") return { node: { type: "break" }, length: 1 };
  const code = /^`([^`\n]+)`/.exec(rest);
  if (code?.[1] !== undefined) return { node: { type: "code", text: code[1] }, length: code[0].length };
  const link = /^\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/.exec(rest);
  if (link?.[1] !== undefined && link[2] !== undefined)
    return { node: { type: "link", url: link[2], content: [{ type: "text", text: link[1] }] }, length: link[0].length };
  const name = /^@([\p{L}\p{N}_-]+)/u.exec(rest);
  if (name?.[1] !== undefined && !/\w/.test(before ?? "") && knows(name[1]))
    return { node: { type: "mention", target: { kind: "person" }, text: name[1] }, length: name[0].length };
  if (/\w/.test(before ?? "") && rest[0] === "_") return undefined;
  for (const [pattern, type] of MARKS) {
    const match = pattern.exec(rest);
    if (match?.[1] !== undefined) return { node: { type, content: readInline(match[1], knows) }, length: match[0].length };
  }
  return undefined;
}
