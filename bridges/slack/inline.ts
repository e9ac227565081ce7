/** The inline nodes that Slack's two ways of writing share: its rich_text elements and the `<…>` of its mrkdwn. */
import { toPlainInline } from "../../core/model/plain.ts";
import type { Inline } from "../../core/model/richtext.ts";
import { emojiOf } from "./emoji.ts";
import { channelId, isChannel, messageId, personId, TIMESTAMP } from "./ids.ts";
import type { Known } from "./known.ts";
import { messageLink, readPermalink } from "./permalinks.ts";

/** Schemes that the Matrix specification allows in links. */
const SCHEME = /^(?:https?|ftp|mailto|magnet):/i;
const USER = /^(?:[UWB][A-Z0-9]+)$/;

/** Names are core's to look up: here one and the same text always reads the same, whoever is known by then. */
export function personMention(user: string, label: string | undefined, known: Known): Inline {
  const text = (label ?? user).replace(/^@/, "");
  if (!USER.test(user)) return { type: "text", text };
  return { type: "mention", target: { kind: "person", remote: personId(known.team, user) }, text };
}

export function channelMention(channel: string, label: string | undefined, known: Known): Inline {
  const text = `#${(label ?? known.channel(channel) ?? channel).replace(/^#/, "")}`;
  if (!isChannel(channel)) return { type: "text", text };
  return { type: "mention", target: { kind: "channel", remote: channelId(known.team, channel) }, text };
}

export function groupMention(group: string, label: string | undefined, known: Known): Inline {
  const text = `@${(label ?? known.group(group) ?? "group").replace(/^@/, "")}`;
  return { type: "mention", target: { kind: "group", remote: `${known.team}/${group}` }, text };
}

/** Slack's `here` rings those who are active, `channel` and `everyone` ring all. */
export function broadcast(range: string): Inline {
  const kind = range === "here" ? "here" : "everyone";
  return { type: "mention", target: { kind, allowed: true }, text: range === "channel" || range === "here" ? range : "everyone" };
}

/** The address of a message leads to that message, wherever it is read. */
export function linkTo(url: string, content: readonly Inline[], known: Known): Inline[] {
  const message = readPermalink(url);
  if (!message) return link(url, content);
  const target = { kind: "message" as const, channel: channelId(known.team, message.channel), remote: messageId(message.ts), url };
  return [{ type: "mention", target, text: toPlainInline(content) || url }];
}

/** Undefined = there is no such place on Slack. */
export function messageMention(channel: string, ts: string, label: string | undefined, known: Known): Inline | undefined {
  if (!isChannel(channel) || !TIMESTAMP.test(ts)) return undefined;
  const [place, remote] = [channelId(known.team, channel), messageId(ts)];
  const url = messageLink(undefined, place, remote) ?? "";
  return { type: "mention", target: { kind: "message", channel: place, remote, url }, text: label ?? url };
}

export function link(url: string, content: readonly Inline[]): Inline[] {
  return SCHEME.test(url) ? [{ type: "link", url, content: content.length > 0 ? content : [{ type: "text", text: url }] }] : [...content];
}

/** `code` is Slack's own spelling of the emoji (`1f44d-1f3fe`), where it gives one. */
export function emoji(shortName: string, code: string | undefined, known: Known): Inline {
  const text = code === undefined ? undefined : fromCode(code);
  const unicode = text ?? emojiOf(shortName) ?? emojiOf(known.alias(shortName) ?? "");
  if (unicode !== undefined) return { type: "text", text: unicode };
  const url = known.emoji(shortName);
  if (url === undefined) return { type: "emoji", name: shortName };
  return {
    type: "emoji",
    name: shortName,
    source: { kind: "remote", id: `${known.team}/${shortName}`, url, animated: /\.gif$/i.test(url) },
  };
}

function fromCode(code: string): string | undefined {
  if (!/^[0-9a-f]{2,6}(?:-[0-9a-f]{2,6}){0,9}$/i.test(code)) return undefined;
  const points = code.split("-").map((point) => Number.parseInt(point, 16));
  return points.every((point) => point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) ? String.fromCodePoint(...points) : undefined;
}

type Styled = "bold" | "italic" | "strike" | "underline" | "code";

/** A run of text in its styles, line by line: line breaks stand outside of them. */
export function styledText(text: string, style: Partial<Record<Styled, boolean>>): Inline[] {
  const out: Inline[] = [];
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (index > 0) out.push({ type: "break" });
    if (line !== "") out.push(styled(style.code === true ? { type: "code", text: line } : { type: "text", text: line }, style));
  }
  return out;
}

export function styled(node: Inline, style: Partial<Record<Styled, boolean>>): Inline {
  let out = node;
  for (const type of ["underline", "strike", "italic", "bold"] as const) if (style[type] === true) out = { type, content: [out] };
  return out;
}

const MERGED = new Set<Inline["type"]>(["bold", "italic", "strike", "underline"]);

/** Neighbours in the same style become one: Slack writes `a 🎉 b` in bold as three runs. */
export function merged(nodes: readonly Inline[]): Inline[] {
  const out: Inline[] = [];
  for (const node of nodes) {
    const before = out.at(-1);
    if (before?.type === "text" && node.type === "text") out[out.length - 1] = { type: "text", text: before.text + node.text };
    else if (before && MERGED.has(node.type) && before.type === node.type && "content" in before && "content" in node)
      out[out.length - 1] = { ...before, content: merged([...before.content, ...node.content]) } as Inline;
    else out.push(node);
  }
  return out;
}

/** Lines into paragraphs: an empty line parts them; breaks at either end say nothing. */
export function paragraphs(nodes: readonly Inline[]): Inline[][] {
  const out: Inline[][] = [];
  let current: Inline[] = [];
  let breaks = 0;
  for (const node of nodes) {
    if (node.type === "break") {
      breaks += 1;
      continue;
    }
    if (current.length > 0 && breaks > 1) {
      out.push(current);
      current = [];
    } else if (current.length > 0 && breaks === 1) current.push({ type: "break" });
    breaks = 0;
    current.push(node);
  }
  if (current.length > 0) out.push(current);
  return out.map(merged);
}
