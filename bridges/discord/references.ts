/**
 * What Discord writes between angle brackets (mentions, emoji, times), and bare addresses.
 *
 * https://discord.com/developers/docs/reference#message-formatting-formats
 */
import type { Inline } from "../../core/model/richtext.ts";
import { channelId, isSnowflake, messageId, userId } from "./ids.ts";

/** What a reader has to know about the message to name what it refers to. Names are shown as they are. */
export interface Names {
  person(id: string): string | undefined;
  role(id: string): string | undefined;
  channel(id: string): string | undefined;
  /** Whether `@everyone` rings everybody in this message. */
  readonly everyone: boolean;
  /** Where pictures lie, without a closing slash. */
  readonly cdn: string;
}

export interface Read {
  readonly node: Inline;
  readonly length: number;
}

const ANGLE =
  /<(?:@!?(\d{1,20})|@&(\d{1,20})|#(\d{1,20})|(a?):(\w{1,64}):(\d{1,20})|t:(-?\d{1,17})(?::([tTdDfFsSR]))?|\/([^:>\n]{1,128}):(\d{1,20})|id:([a-z-]{1,32})(?::\d{1,20})?|sound:(?:\d{1,20}):(?:\d{1,20})|(https?:\/\/[^\s<>]{1,2048}))>/y;

/** `<…>` at that place; undefined = it is text. */
export function readAngle(text: string, at: number, names: Names): Read | undefined {
  ANGLE.lastIndex = at;
  const found = ANGLE.exec(text);
  if (!found) return undefined;
  const node = nodeOf(found, names);
  return node && { node, length: found[0].length };
}

function nodeOf(found: RegExpExecArray, names: Names): Inline | undefined {
  const [, person, role, channel, animated, emoji, emojiId, seconds, style, command, commandId, place, url] = found;
  if (person !== undefined) return mention(person, names.person(person), (id) => ({ kind: "person", remote: userId(id) }));
  if (role !== undefined) return mention(role, prefixed("@", names.role(role)), (id) => ({ kind: "group", remote: id }));
  if (channel !== undefined)
    return mention(channel, prefixed("#", names.channel(channel)), (id) => ({ kind: "channel", remote: channelId(id) }));
  if (emoji !== undefined && emojiId !== undefined) return customEmoji(emoji, emojiId, animated === "a", names.cdn);
  if (seconds !== undefined) return time(Number(seconds), style);
  if (command !== undefined && commandId !== undefined) return { type: "code", text: `/${command}` };
  if (place !== undefined) return { type: "text", text: PLACES[place] ?? place };
  if (url !== undefined) return URL.canParse(url) ? { type: "link", url, content: [{ type: "text", text: url }] } : undefined;
  return { type: "text", text: "🔊" };
}

const PLACES: Readonly<Record<string, string>> = {
  customize: "Channels & Roles",
  browse: "Browse Channels",
  guide: "Server Guide",
  home: "Server Guide",
  "linked-roles": "Linked Roles",
};

type Target = Extract<Inline, { type: "mention" }>["target"];

function mention(id: string, name: string | undefined, target: (id: string) => Target): Inline | undefined {
  return isSnowflake(id) ? { type: "mention", target: target(id), text: name ?? "unknown" } : undefined;
}

function prefixed(sign: string, name: string | undefined): string {
  return sign + (name ?? "unknown");
}

export function customEmoji(name: string, id: string, animated: boolean, cdn: string): Inline | undefined {
  if (!isSnowflake(id)) return undefined;
  return { type: "emoji", name, source: { kind: "remote", id, url: emojiUrl(id, animated, cdn), ...(animated ? { animated } : {}) } };
}

export function emojiUrl(id: string, animated: boolean, cdn: string): string {
  return `${cdn}/emojis/${id}.${animated ? "gif" : "png"}`;
}

const STYLES: Readonly<Record<string, "time" | "date" | "datetime" | "relative">> = {
  t: "time",
  T: "time",
  d: "date",
  D: "date",
  R: "relative",
};

function time(seconds: number, style: string | undefined): Inline | undefined {
  const at = seconds * 1000;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return undefined;
  const [day, clock] = date.toISOString().split("T") as [string, string];
  const kind = STYLES[style ?? "f"] ?? "datetime";
  const text = kind === "date" ? day : kind === "time" ? `${clock.slice(0, 5)} UTC` : `${day} ${clock.slice(0, 5)} UTC`;
  return { type: "time", at, text, style: kind };
}

const ADDRESS = /https?:\/\/[^\s<|]{1,2048}/y;

/** An address in running text, without the marks that close the sentence or the formatting around it. */
export function readAddress(text: string, at: number, names: Names): Read | undefined {
  if (/[0-9A-Za-z]/.test(text[at - 1] ?? " ")) return undefined;
  ADDRESS.lastIndex = at;
  const url = trimmed(ADDRESS.exec(text)?.[0] ?? "");
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) return undefined;
  return { node: messageLink(url, names) ?? { type: "link", url, content: [{ type: "text", text: url }] }, length: url.length };
}

function trimmed(url: string): string {
  let end = url.length;
  let opened = 0;
  for (const unit of url) opened += unit === "(" ? 1 : unit === ")" ? -1 : 0;
  for (; end > 0; end--) {
    const unit = url[end - 1] as string;
    if (unit === ")" && opened < 0) opened++;
    else if (!/[.,:;"'\]*_~!?]/.test(unit)) break;
  }
  return url.slice(0, end);
}

const MESSAGE_LINK = /^https:\/\/(?:(?:ptb|canary)\.)?discord(?:app)?\.com\/channels\/(?:@me|\d{1,20})\/(\d{1,20})(?:\/(\d{1,20}))?$/;

function messageLink(url: string, names: Names): Inline | undefined {
  const [, channel, message] = MESSAGE_LINK.exec(url) ?? [];
  if (!isSnowflake(channel)) return undefined;
  const name = prefixed("#", names.channel(channel));
  if (message === undefined) return { type: "mention", target: { kind: "channel", remote: channelId(channel) }, text: name };
  if (!isSnowflake(message)) return undefined;
  return { type: "mention", target: { kind: "message", channel: channelId(channel), remote: messageId(message), url }, text: url };
}
