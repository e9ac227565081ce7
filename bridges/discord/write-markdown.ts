/**
 * Writes Discord's markdown, so that Discord shows the tree and nothing else: whatever in the text looks like formatting is escaped, and
 * nothing rings anybody but the mentions that are nodes of the tree.
 *
 * Grey paragraphs are Discord's small text. Lost: other colours, the levels of headings below the third, quotes within quotes. https://support.discord.com/hc/en-us/articles/210298617
 */
import { never } from "../../core/model/events.ts";
import { oneLine, toPlainInline } from "../../core/model/plain.ts";
import type { Block, Inline, MentionTarget, RichText } from "../../core/model/richtext.ts";
import { isSnowflake } from "./ids.ts";
import { SMALL } from "./markdown.ts";

export function writeMarkdown(body: RichText): string {
  return writeBlocks(body, false);
}

function writeBlocks(body: RichText, quoted: boolean): string {
  let out = "";
  for (const [index, block] of body.entries()) {
    const before = body[index - 1];
    if (before) out += needsGap(before, block) ? "\n\n" : "\n";
    out += writeBlock(block, quoted);
  }
  return out;
}

/** Without an empty line between them, two of a kind would run together. */
function needsGap(before: Block, block: Block): boolean {
  if (smallText(before) || smallText(block)) return false;
  return before.type === block.type && (block.type === "paragraph" || block.type === "quote" || block.type === "list");
}

function writeBlock(block: Block, quoted: boolean): string {
  switch (block.type) {
    case "paragraph":
      return writeParagraph(block);
    case "heading":
      return writeHeading(block.level, block.content);
    case "quote":
      return quoted ? writeBlocks(block.content, true) : prefixed(writeBlocks(block.content, true), "> ", "> ");
    case "code":
      return fence(block.text, block.language);
    case "list":
      return block.items
        .map((item, index) => writeItem(item, block.start === undefined ? "- " : `${block.start + index}. `, quoted))
        .join("\n");
    case "table":
      return fence(writeTable(block.rows, block.heading), undefined);
    case "divider":
      return "─".repeat(20);
    default:
      return never(block);
  }
}

function prefixed(text: string, first: string, rest: string): string {
  return first + text.replaceAll("\n", `\n${rest}`);
}

function writeHeading(level: number, content: readonly Inline[]): string {
  const line = oneLineOf(content);
  if (line === "") return "";
  return level <= 3 ? `${"#".repeat(level)} ${line}` : emphasis("**", line);
}

function oneLineOf(content: readonly Inline[]): string {
  return writeInline(content)
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}

/** Discord's lists nest by two spaces. */
function writeItem(item: RichText, mark: string, quoted: boolean): string {
  return prefixed(writeBlocks(item, quoted), mark, "  ");
}

/** Three backticks within the code would end it. */
function fence(text: string, language: string | undefined): string {
  const inside = text.replaceAll("```", "`\u200b``");
  const known = language !== undefined && /^[A-Za-z0-9_+\-.#]{1,32}$/.test(language) ? language : "";
  return `\`\`\`${known}\n${inside}\n\`\`\``;
}

function writeTable(rows: readonly (readonly (readonly Inline[])[])[], heading: boolean): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(toPlainInline(cell))));
  const widths = (cells[0] ?? []).map((_, column) => Math.min(40, Math.max(...cells.map((row) => row[column]?.length ?? 0))));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(" | ")
      .trimEnd(),
  );
  if (heading && lines.length > 1) lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("-|-"));
  return lines.join("\n");
}

function smallText(block: Block): readonly Inline[] | undefined {
  const [only, ...more] = block.type === "paragraph" ? block.content : [];
  return only?.type === "colour" && only.foreground === SMALL && more.length === 0 ? only.content : undefined;
}

function writeParagraph(block: Extract<Block, { type: "paragraph" }>): string {
  const small = smallText(block);
  if (!small) return writeLines(block.content);
  const line = oneLineOf(small);
  return line === "" ? "" : `-# ${line}`;
}

/** What at the beginning of a line would make it a heading, a quote or a list is escaped. */
function writeLines(content: readonly Inline[]): string {
  return writeInline(content)
    .split("\n")
    .map((line) => line.replace(/^(\s*)(#{1,3} |-# |>{1,3} |[-*] |\d{1,9}\. )/, escapedMark))
    .join("\n");
}

function escapedMark(_whole: string, space: string, mark: string): string {
  return /^\d/.test(mark) ? `${space}${mark.replace(". ", "\\. ")}` : `${space}\\${mark}`;
}

export function writeInline(content: readonly Inline[]): string {
  let out = "";
  for (const node of content) {
    const written = writeNode(node);
    // Two runs of the same sign would be read as one longer run.
    const meets = /[*_~|`]$/.test(out) && written[0] === out.at(-1) && node.type !== "text";
    out += meets ? `\u200b${written}` : written;
  }
  return out;
}

function writeNode(node: Inline): string {
  switch (node.type) {
    case "text":
      return escapeText(node.text);
    case "break":
      return "\n";
    case "bold":
      return emphasis("**", writeInline(node.content));
    case "italic":
      return emphasis("*", writeInline(node.content));
    case "underline":
      return emphasis("__", writeInline(node.content));
    case "strike":
      return emphasis("~~", writeInline(node.content));
    case "spoiler":
      return (node.reason ? `(${escapeText(node.reason)}) ` : "") + emphasis("||", writeInline(node.content).replaceAll("||", "|\u200b|"));
    case "code":
      return inlineCode(node.text);
    case "colour":
      return writeInline(node.content);
    case "link":
      return writeLink(node.url, node.content);
    case "mention":
      return writeMention(node.target, node.text);
    case "emoji":
      return writeEmoji(node);
    case "time":
      return `<t:${Math.floor(node.at / 1000)}:${TIME_STYLES[node.style ?? "datetime"]}>`;
    default:
      return never(node);
  }
}

const TIME_STYLES = { time: "t", date: "D", datetime: "f", relative: "R" } as const;

/** The signs stand close to the words: white space at the edges goes outside, and nothing is formatted as nothing. */
function emphasis(sign: string, inside: string): string {
  const [, before = "", words = "", after = ""] = /^(\s*)([^]*?)(\s*)$/.exec(inside) ?? [];
  if (words === "") return inside;
  const guard = words.endsWith("\\") ? "\u200b" : "";
  return `${before}${sign}${words}${guard}${sign}${after}`;
}

function inlineCode(text: string): string {
  const line = text.replaceAll("\n", " ");
  if (line === "") return "";
  if (!line.includes("`")) return `\`${line}\``;
  // A longer run of backticks around it than any within.
  const longest = Math.max(...(line.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = longest === 1 ? "``" : "`";
  const inside = longest === 1 ? line : line.replaceAll("`", "ˋ");
  return `${ticks}${inside.startsWith("`") ? " " : ""}${inside}${inside.endsWith("`") ? " " : ""}${ticks}`;
}

/** Discord links to addresses of the web only; any other address stands beside its text. */
function writeLink(url: string, content: readonly Inline[]): string {
  const words = toPlainInline(content).trim();
  const shown = writeInline(withoutLinks(content)).trim();
  if (!/^https?:\/\//.test(url) || /[\s<>]/.test(url))
    return words === "" || words === url ? escapeText(url) : `${shown} (${escapeText(url)})`;
  if (words === "" || words === url || words === url.replace(/\/$/, "")) return url;
  // Text that is an address itself would not be shown as a link to another one.
  if (/https?:\/\//.test(words)) return `${shown} (${url})`;
  const address = isBalanced(url) ? url : url.replaceAll("(", "%28").replaceAll(")", "%29");
  return `[${shown.replaceAll("]", "\\]")}](${address})`;
}

/** A bracket that closes nothing would end the address. */
function isBalanced(url: string): boolean {
  let open = 0;
  for (const unit of url) {
    if (unit === "(") open++;
    if (unit === ")" && open-- === 0) return false;
  }
  return open === 0;
}

function withoutLinks(content: readonly Inline[]): Inline[] {
  return content.flatMap((node) => (node.type === "link" ? node.content : [node]));
}

function writeMention(target: MentionTarget, text: string): string {
  switch (target.kind) {
    case "person":
      return isSnowflake(target.remote) ? `<@${target.remote}>` : `@${escapeText(text.replace(/^@/, ""))}`;
    case "channel":
      return isSnowflake(target.remote) ? `<#${target.remote}>` : escapeText(text);
    case "group":
      return isSnowflake(target.remote) ? `<@&${target.remote}>` : escapeText(text);
    case "message":
      return /^https?:\/\/[^\s<>]+$/.test(target.url) ? target.url : escapeText(text);
    case "everyone":
    case "here":
      return target.allowed ? `@${target.kind}` : `@\u200b${target.kind}`;
    default:
      return never(target);
  }
}

function writeEmoji({ name, source }: Extract<Inline, { type: "emoji" }>): string {
  const known = source?.kind === "remote" && isSnowflake(source.id) && /^\w{1,32}$/.test(name);
  return known ? `<${source.animated === true ? "a" : ""}:${name}:${source.id}>` : `:${escapeText(name)}:`;
}

const ADDRESSES = /(?<![0-9A-Za-z])https?:\/\/[^\s<>|]+/g;

/** Text as it is, whatever is in it. Addresses are left alone: a backslash within one would break it. */
export function escapeText(text: string): string {
  const clean = text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
    .toWellFormed();
  let out = "";
  let at = 0;
  for (const { 0: address, index } of clean.matchAll(ADDRESSES)) {
    out += escapeSigns(clean.slice(at, index)) + address;
    at = index + address.length;
  }
  return out + escapeSigns(clean.slice(at));
}

function escapeSigns(text: string): string {
  return text
    .replaceAll(/[\\*`]|~(?=~)|(?<=~)~|\|(?=\|)|(?<=\|)\||(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])/g, "\\$&")
    .replaceAll(/<(?=@|#|a?:\w|t:|\/|id:|sound:|https?:)/g, "\\<")
    .replaceAll("](", "]\\(")
    .replaceAll(/(?<![0-9A-Za-z])@(?=(?:everyone|here)(?![0-9A-Za-z]))/g, "@\u200b");
}
