/** RichText to the HTML that Matrix clients show. https://spec.matrix.org/v1.15/client-server-api/#mroommessage-msgtypes */
import { never } from "../model/events.ts";
import type { RoomId } from "../model/ids.ts";
import type { Block, Inline, MentionTarget, RichText } from "../model/richtext.ts";
import { blocks, inlines, shallow } from "../model/walk.ts";
import { readUrl } from "./html-values.ts";
import { writeMatrixLink } from "./uri.ts";

/** Servers through which a room can be entered, for links to it. */
export type Via = (room: RoomId) => readonly string[];

const nowhere: Via = () => [];

/** Everything that is text is escaped; nothing but what the specification allows is written. */
export function writeHtml(body: RichText, via: Via = nowhere): string {
  const safe = shallow(body);
  const [only] = safe;
  if (safe.length === 1 && only?.type === "paragraph") return writeInline(only.content, via);
  return writeBlocks(safe, via);
}

/** Whether plain text says all of it: then no HTML goes with it. */
export function isPlain(body: RichText): boolean {
  for (const block of blocks(body)) if (block.type !== "paragraph") return false;
  for (const node of inlines(body)) if (!isPlainInline(node)) return false;
  return true;
}

function isPlainInline(node: Inline): boolean {
  switch (node.type) {
    case "text":
    case "break":
    case "time":
      return true;
    case "emoji":
      return node.source?.kind !== "mxc";
    case "link":
      return node.content.length === 1 && node.content[0]?.type === "text" && node.content[0].text === node.url;
    case "mention":
      return hrefOf(node.target, nowhere) === undefined;
    default:
      return false;
  }
}

function writeBlocks(body: RichText, via: Via): string {
  return body.map((block) => writeBlock(block, via)).join("");
}

function writeBlock(block: Block, via: Via): string {
  switch (block.type) {
    case "paragraph":
      return `<p>${writeInline(block.content, via)}</p>`;
    case "heading":
      return `<h${block.level}>${writeInline(block.content, via)}</h${block.level}>`;
    case "quote":
      return `<blockquote>${writeBlocks(block.content, via)}</blockquote>`;
    case "code":
      return `<pre><code${languageClass(block.language)}>${escapeHtml(block.text)}\n</code></pre>`;
    case "list": {
      const items = block.items.map((item) => `<li>${writeItem(item, via)}</li>`).join("");
      return block.start === undefined ? `<ul>${items}</ul>` : `<ol${startOf(block.start)}>${items}</ol>`;
    }
    case "table":
      return writeTable(block, via);
    case "divider":
      return "<hr>";
    default:
      return never(block);
  }
}

function languageClass(language: string | undefined): string {
  return language !== undefined && /^[\w+#.-]{1,40}$/.test(language) ? ` class="language-${escapeHtml(language)}"` : "";
}

function startOf(start: number): string {
  return start === 1 || !Number.isSafeInteger(start) ? "" : ` start="${start}"`;
}

/** An item's first paragraph stands beside its mark. */
function writeItem(item: RichText, via: Via): string {
  const [first, ...rest] = item;
  if (first?.type !== "paragraph") return writeBlocks(item, via);
  return writeInline(first.content, via) + writeBlocks(rest, via);
}

function writeTable({ heading, rows }: Extract<Block, { type: "table" }>, via: Via): string {
  const write = (row: readonly (readonly Inline[])[], tag: string) =>
    `<tr>${row.map((cell) => `<${tag}>${writeInline(cell, via)}</${tag}>`).join("")}</tr>`;
  const [first, ...rest] = rows;
  if (!heading || first === undefined) return `<table><tbody>${rows.map((row) => write(row, "td")).join("")}</tbody></table>`;
  return `<table><thead>${write(first, "th")}</thead><tbody>${rest.map((row) => write(row, "td")).join("")}</tbody></table>`;
}

function writeInline(content: readonly Inline[], via: Via): string {
  return content.map((node) => writeNode(node, via)).join("");
}

const TAGS = { bold: "strong", italic: "em", strike: "del", underline: "u" } as const;

function writeNode(node: Inline, via: Via): string {
  switch (node.type) {
    case "text":
    case "time":
      return escapeHtml(node.text);
    case "break":
      return "<br>";
    case "bold":
    case "italic":
    case "strike":
    case "underline":
      return `<${TAGS[node.type]}>${writeInline(node.content, via)}</${TAGS[node.type]}>`;
    case "code":
      return `<code>${escapeHtml(node.text)}</code>`;
    case "spoiler":
      return `<span data-mx-spoiler${node.reason ? `="${escapeHtml(node.reason)}"` : ""}>${writeInline(node.content, via)}</span>`;
    case "colour":
      return writeColour(node, writeInline(node.content, via));
    case "link":
      return writeLink(readUrl(node.url), writeInline(node.content, via));
    case "mention":
      return writeLink(hrefOf(node.target, via), escapeHtml(node.text));
    case "emoji":
      return writeEmoji(node);
    default:
      return never(node);
  }
}

function writeLink(href: string | undefined, text: string): string {
  return href === undefined ? text : `<a href="${escapeHtml(href)}">${text || escapeHtml(href)}</a>`;
}

/** Where a mention leads on Matrix; undefined = nowhere, it is shown as its text. */
function hrefOf(target: MentionTarget, via: Via): string | undefined {
  switch (target.kind) {
    case "person":
      return target.mxid === undefined ? undefined : writeMatrixLink({ kind: "user", mxid: target.mxid });
    case "channel": {
      const room = target.room ?? target.alias;
      return room === undefined ? undefined : writeMatrixLink({ kind: "room", room }, target.room === undefined ? [] : via(target.room));
    }
    case "message":
      if (target.room === undefined || target.event === undefined) return readUrl(target.url);
      return writeMatrixLink({ kind: "event", room: target.room, event: target.event }, via(target.room));
    default:
      return undefined;
  }
}

const COLOUR = /^#[0-9a-f]{6}$/i;

function writeColour(node: Extract<Inline, { type: "colour" }>, inner: string): string {
  const foreground = COLOUR.test(node.foreground ?? "") ? ` data-mx-color="${node.foreground}"` : "";
  const background = COLOUR.test(node.background ?? "") ? ` data-mx-bg-color="${node.background}"` : "";
  return foreground + background === "" ? inner : `<span${foreground}${background}>${inner}</span>`;
}

/** A picture where the bridge has it (MSC2545), else its name between colons. */
function writeEmoji(node: Extract<Inline, { type: "emoji" }>): string {
  const name = escapeHtml(`:${node.name}:`);
  if (node.source?.kind !== "mxc") return name;
  return `<img data-mx-emoticon src="${escapeHtml(node.source.uri)}" alt="${name}" title="${name}" height="32">`;
}

const ESCAPED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPED[character] as string);
}
