/** `rich_text` blocks as RichText. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { timeNode } from "./dates.ts";
import * as make from "./inline.ts";
import type { Known } from "./known.ts";
import { filled, type Json, number, record, records, string } from "./wire.ts";

/** Slack indents up to eight levels; what claims more is no list of Slack's. */
const DEEPEST_LIST = 8;

export function readRichText(block: Json, known: Known): RichText {
  const out: Block[] = [];
  const elements = records(block.elements);
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index] as Json;
    if (element.type === "rich_text_list") {
      const from = index;
      while (elements[index + 1]?.type === "rich_text_list") index++;
      out.push(...readLists(elements.slice(from, index + 1), known));
    } else out.push(...readElement(element, known));
  }
  return out;
}

function readElement(element: Json, known: Known): Block[] {
  switch (element.type) {
    case "rich_text_quote": {
      const content = paragraphs(readInlines(element.elements, known));
      return content.length > 0 ? [{ type: "quote", content }] : [];
    }
    case "rich_text_preformatted": {
      const language = filled(element.language);
      const text = records(element.elements).map(plainOf).join("").replace(/\n$/, "");
      return [{ type: "code", text, ...(language === undefined ? {} : { language }) }];
    }
    default:
      // A section, or something that Slack has added since: what stands in it is shown.
      return paragraphs(readInlines(element.elements, known));
  }
}

function paragraphs(nodes: readonly Inline[]): Block[] {
  return make.paragraphs(nodes).map((content) => ({ type: "paragraph", content }));
}

function plainOf(element: Json): string {
  return filled(element.text) ?? string(element.url);
}

interface OpenList {
  readonly indent: number;
  readonly style: unknown;
  readonly items: RichText[];
}

/** Slack writes a nested list as a row of lists, each with its indent; a list that goes on after an inner one counts on by `offset`. */
function readLists(lists: readonly Json[], known: Known): Block[] {
  const out: Block[] = [];
  const open: OpenList[] = [];
  for (const list of lists) {
    const indent = Math.min(DEEPEST_LIST, Math.max(0, Math.floor(number(list.indent) ?? 0)));
    const items = records(list.elements).map((item) => paragraphs(readInlines(item.elements ?? [item], known)));
    const offset = Math.max(0, Math.floor(number(list.offset) ?? 0));
    while ((open.at(-1)?.indent ?? -1) > indent) open.pop();
    const top = open.at(-1);
    if (top?.indent === indent && top.style === list.style && (offset === 0 || offset === top.items.length)) {
      top.items.push(...items);
      continue;
    }
    if (top?.indent === indent) open.pop();
    const block: Block = { type: "list", items, ...(list.style === "ordered" ? { start: offset + 1 } : {}) };
    const within = open.at(-1)?.items;
    if (within && within.length > 0) within[within.length - 1] = [...(within.at(-1) ?? []), block];
    else out.push(block);
    open.push({ indent, style: list.style, items });
  }
  return out;
}

/** The elements of a section, a quote or a list's item. */
export function readInlines(elements: unknown, known: Known): Inline[] {
  return records(elements).flatMap((element) => readInline(element, known));
}

function readInline(element: Json, known: Known): Inline[] {
  const style = record(element.style);
  const node = readStyled(element, known);
  return "plain" in node ? make.styledText(node.plain, style) : node.nodes.map((each) => make.styled(each, { ...style, code: false }));
}

/** Text takes `code` as a style and may hold line breaks; everything else is a node by itself. */
function readStyled(element: Json, known: Known): { readonly plain: string } | { readonly nodes: readonly Inline[] } {
  switch (element.type) {
    case "text":
      return { plain: string(element.text) };
    case "link":
      return {
        nodes: make.linkTo(string(element.url), make.styledText(filled(element.text) ?? string(element.url), linkStyle(element)), known),
      };
    case "user":
      return { nodes: [make.personMention(string(element.user_id), undefined, known)] };
    case "channel":
      return { nodes: filled(element.channel_id) === undefined ? [] : [make.channelMention(string(element.channel_id), undefined, known)] };
    case "usergroup":
      return { nodes: [make.groupMention(string(element.usergroup_id), undefined, known)] };
    case "team":
      return { plain: `@${string(element.team_id)}` };
    case "broadcast":
      return { nodes: [make.broadcast(string(element.range))] };
    case "emoji":
      return { nodes: filled(element.name) === undefined ? [] : [make.emoji(emojiName(element), filled(element.unicode), known)] };
    case "date":
      return readDate(element);
    case "color":
      return { nodes: [swatch(string(element.value))] };
    default:
      return readRare(element, known);
  }
}

/** What only Slack's own people and newer apps write. https://docs.slack.dev/reference/block-kit/block-elements */
function readRare(element: Json, known: Known): ReturnType<typeof readStyled> {
  switch (element.type) {
    case "canvas_user_mention":
      return { nodes: [make.personMention(string(element.user_id), undefined, known)] };
    case "message_mention":
      return messageMention(element.channel_id, element.message_ts, element, known);
    case "canvas_message_unfurl":
      return messageMention(element.root_message_channel, element.root_message_ts, element, known);
    default:
      return linkedLabel(element, known);
  }
}

function messageMention(channel: unknown, ts: unknown, element: Json, known: Known): ReturnType<typeof readStyled> {
  const node = make.messageMention(string(channel), string(ts), filled(element.text), known);
  return node ? { nodes: [node] } : linkedLabel(element, known);
}

/** A canvas, a file, a citation, a tag: whatever it is, it is called something, and may lead somewhere. */
function linkedLabel(element: Json, known: Known): ReturnType<typeof readStyled> {
  const url = filled(element.url);
  const label = [element.text, element.label, element.fallback, element.salesforce_field_label, url].map(filled).find(Boolean) ?? "";
  return url === undefined ? { plain: label } : { nodes: make.linkTo(url, make.styledText(label, {}), known) };
}

/** Only the code style goes into the link's text; the others stand around the link. */
function linkStyle(element: Json): { readonly code?: boolean } {
  return record(element.style).code === true ? { code: true } : {};
}

function emojiName(element: Json): string {
  const tone = number(element.skin_tone);
  return tone === undefined ? string(element.name) : `${string(element.name)}::skin-tone-${tone}`;
}

function readDate(element: Json): ReturnType<typeof readStyled> {
  const fallback = filled(element.fallback);
  const node = timeNode(number(element.timestamp) ?? Number.NaN, string(element.format), fallback);
  if (!node) return { plain: fallback ?? "" };
  const url = filled(element.url);
  return { nodes: url === undefined ? [node] : make.link(url, [node]) };
}

function swatch(value: string): Inline {
  const [, hex = ""] = /^#([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(value) ?? [];
  if (hex === "") return { type: "text", text: value };
  const six = hex.length === 3 ? hex.replace(/./g, "$&$&") : hex;
  return { type: "colour", foreground: `#${six.toLowerCase()}`, content: [{ type: "text", text: value }] };
}
