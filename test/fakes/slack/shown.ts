/** A message as its readers on Slack see it, and whom it rings: by its blocks where it has any, else by its text. */
import type { Stored } from "./state.ts";

type Json = Record<string, unknown>;

export interface Shown {
  readonly text: string;
  readonly everyone: boolean;
  readonly users: readonly string[];
}

export function shownText(message: Pick<Stored, "text" | "blocks">): Shown {
  const blocks = (message.blocks ?? []) as Json[];
  const parts = blocks.length > 0 ? blocks.flatMap(ofBlock) : ofMrkdwn(message.text);
  return {
    text: parts.map(({ text }) => text).join(""),
    everyone: parts.some(({ everyone }) => everyone === true),
    users: [...new Set(parts.flatMap(({ user }) => (user === undefined ? [] : [user])))],
  };
}

interface Part {
  readonly text: string;
  readonly everyone?: boolean;
  readonly user?: string;
}

function ofBlock(block: Json): Part[] {
  switch (block.type) {
    case "rich_text":
      return (block.elements as Json[]).flatMap((element) => [...ofRich(element), { text: "\n" }]);
    case "section":
      return [...ofObject(block.text), ...((block.fields ?? []) as Json[]).flatMap(ofObject), { text: "\n" }];
    case "header":
      return [...ofObject(block.text), { text: "\n" }];
    case "context":
      return [...(block.elements as Json[]).flatMap(ofObject), { text: "\n" }];
    default:
      return [{ text: "\n" }];
  }
}

function ofObject(value: unknown): Part[] {
  const { type, text } = (value ?? {}) as { type?: unknown; text?: unknown };
  if (typeof text !== "string") return [];
  return type === "mrkdwn" ? ofMrkdwn(text) : [{ text }];
}

function ofRich(element: Json): Part[] {
  if (element.type === "rich_text_list")
    return (element.elements as Json[]).flatMap((item) => [{ text: "• " }, ...ofRich(item), { text: "\n" }]);
  return ((element.elements ?? []) as Json[]).map((inline): Part => {
    switch (inline.type) {
      case "user":
        return { text: `@${String(inline.user_id)}`, user: String(inline.user_id) };
      case "broadcast":
        return { text: `@${String(inline.range)}`, everyone: true };
      case "channel":
        return { text: `#${String(inline.channel_id)}` };
      case "emoji":
        return { text: `:${String(inline.name)}:` };
      case "date":
        return { text: String(inline.fallback ?? "a date") };
      default:
        return { text: String(inline.text ?? inline.url ?? "") };
    }
  });
}

const ANGLE = /<([^<>\n]*)>/g;

function ofMrkdwn(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(ANGLE)) {
    parts.push({ text: decoded(text.slice(from, match.index)) }, ofAngle(match[1] as string));
    from = match.index + match[0].length;
  }
  return [...parts, { text: decoded(text.slice(from)) }];
}

function ofAngle(inner: string): Part {
  const [target = "", label] = inner.split("|");
  if (target.startsWith("@")) return { text: target, user: target.slice(1) };
  if (["!channel", "!here", "!everyone"].includes(target)) return { text: `@${target.slice(1)}`, everyone: true };
  return { text: decoded(label ?? target.replace(/^[!#]/, "")) };
}

function decoded(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
