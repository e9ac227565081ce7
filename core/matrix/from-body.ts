/** The text of an event, as it stands there: HTML where it has any, else the plain text. */
import { type Inline, plainText, type RichText } from "../model/richtext.ts";
import { mapTexts } from "../model/walk.ts";
import { fromHtml } from "./html.ts";
import { cleanText } from "./clean.ts";
import { readTarget } from "./html-values.ts";
import { type AnyContent, replyTarget } from "./relations.ts";

/** Read once for gather and once for convert: the second time costs nothing. */
const known = new WeakMap<AnyContent, RichText>();

/** Links to people, rooms and events are mentions of them, as yet without names. Empty when there is no text. */
export function bodyOf(content: AnyContent): RichText {
  const before = known.get(content);
  if (before !== undefined) return before;
  const body = mapTexts(read(content), linkPermalinks);
  known.set(content, body);
  return body;
}

function read(content: AnyContent): RichText {
  const { body, format, formatted_body: html } = content;
  const plain = typeof body === "string" ? withoutQuotation(cleanText(body), content).trim() : "";
  if (format === "org.matrix.custom.html" && typeof html === "string") return fromHtml(html, plain);
  return plain === "" ? [] : plainText(plain);
}

/** Older clients put the message that they answer above their own, in the plain text too. */
function withoutQuotation(body: string, content: AnyContent): string {
  if (!/^> (?:\* )?<@/.test(body) || replyTarget(content) === undefined) return body;
  const lines = body.split("\n");
  const end = lines.findIndex((line) => !line.startsWith(">"));
  return lines.slice(end).join("\n");
}

const PERMALINK = /https:\/\/matrix\.to\/#\/[!#][^\s<>"]*[^\s<>".,;:!?)\]]/g;

/** People share rooms and messages by pasting their address. A person's address stays what it is: it rings nobody. */
function linkPermalinks(text: string): Inline[] | undefined {
  if (!text.includes("https://matrix.to/#/")) return undefined;
  const nodes: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(PERMALINK)) {
    const [url] = match;
    const target = readTarget(url);
    if (target === undefined) continue;
    if (match.index > end) nodes.push({ type: "text", text: text.slice(end, match.index) });
    nodes.push({ type: "mention", target, text: url });
    end = match.index + url.length;
  }
  if (end < text.length) nodes.push({ type: "text", text: text.slice(end) });
  return nodes;
}
