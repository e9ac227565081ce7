/** Text of every kind by chance: for tests that ask what holds for all of it. */
import { eventId, mxcUri, mxid, remoteChannelId, remoteUserId, roomId } from "../../core/model/ids.ts";
import type { Block, Inline, MentionTarget, RichText } from "../../core/model/richtext.ts";
import type { Chance } from "./seeded.ts";

const WORDS = [
  "hello",
  "a",
  "<b>",
  "&amp;",
  "@room",
  "@everyone",
  "*x*",
  "_y_",
  "`z`",
  "||w||",
  "> q",
  "- i",
  "1. n",
  "```",
  "https://example.org/a_b?c=d&e=f",
  "👨‍👩‍👧‍👦",
  "é",
  "漢字",
  "\u202egnp",
  "\u0002",
  "\ud800",
  "'\"",
  "\\",
  "x".repeat(70),
  "a\u0301\u0301",
  "🇩🇪🇫🇷",
];

export function words(chance: Chance, most = 8): string {
  return chance.some(most, () => chance.pick(WORDS)).join(chance.pick([" ", "", "  ", " "]));
}

const TARGETS: readonly MentionTarget[] = [
  { kind: "person", remote: remoteUserId("toy/bob") },
  { kind: "person", mxid: mxid("@bob:example.org") },
  { kind: "person" },
  { kind: "channel", remote: remoteChannelId("toy/general") },
  { kind: "channel", room: roomId("!room") },
  { kind: "message", url: "https://example.org/m" },
  { kind: "message", url: "javascript:alert(1)", room: roomId("!room"), event: eventId("$event") },
  { kind: "group", remote: "G1" },
  { kind: "everyone", allowed: true },
  { kind: "here", allowed: false },
];

export function inlineText(chance: Chance, depth: number): Inline {
  const inner = (): Inline[] => chance.some(3, () => inlineText(chance, depth - 1));
  if (depth <= 0 || chance.once(2)) return { type: "text", text: words(chance) };
  const kind = chance.pick([
    "bold",
    "italic",
    "strike",
    "underline",
    "code",
    "spoiler",
    "colour",
    "link",
    "mention",
    "emoji",
    "time",
    "break",
  ] as const);
  switch (kind) {
    case "break":
      return { type: "break" };
    case "code":
      return { type: kind, text: words(chance) };
    case "spoiler":
      return { type: kind, content: inner(), ...(chance.once(2) ? { reason: words(chance, 2) } : {}) };
    case "colour":
      return { type: kind, content: inner(), foreground: chance.pick(["#ff0000", "#00ff7f", "red"]) };
    case "link":
      return { type: kind, url: chance.pick(["https://example.org/", "javascript:x", "https://example.org/)|>"]), content: inner() };
    case "mention":
      return { type: kind, target: chance.pick(TARGETS), text: words(chance, 2) };
    case "emoji":
      return {
        type: kind,
        name: words(chance, 1),
        source: chance.pick([
          { kind: "remote", id: "1" },
          { kind: "mxc", uri: mxcUri("mxc://a/b") },
        ] as const),
      };
    case "time":
      return { type: kind, at: chance.whole(2 ** 41), text: words(chance, 2) };
    default:
      return { type: kind, content: inner() };
  }
}

export function blockOf(chance: Chance, depth: number): Block {
  const line = (): Inline[] => chance.some(4, () => inlineText(chance, 3));
  const inner = (): RichText => chance.some(3, () => blockOf(chance, depth - 1));
  const kinds = ["paragraph", "heading", "code", "divider", "table", "quote", "list"] as const;
  const kind = depth <= 0 || chance.once(2) ? "paragraph" : chance.pick(kinds);
  switch (kind) {
    case "paragraph":
      return { type: kind, content: line() };
    case "heading":
      return { type: kind, level: chance.pick([1, 2, 3, 4, 5, 6] as const), content: line() };
    case "code":
      return {
        type: kind,
        text: chance.some(5, () => words(chance)).join("\n"),
        ...(chance.once(2) ? { language: words(chance, 1) } : {}),
      };
    case "divider":
      return { type: kind };
    case "table":
      return { type: kind, heading: chance.once(2), rows: chance.some(3, () => [line(), line()]) };
    case "quote":
      return { type: kind, content: inner() };
    case "list":
      return { type: kind, items: chance.some(3, inner), ...(chance.once(2) ? { start: chance.whole(20) } : {}) };
  }
}

export function richText(chance: Chance): RichText {
  return chance.some(5, () => blockOf(chance, 3));
}

const TAGS = [
  ..."b i u s del strong em code pre p div br hr blockquote ul ol li table thead tr th td caption a span font img h1 h6".split(" "),
  ..."details summary sup sub mx-reply script style title x-unknown".split(" "),
];
const ATTRIBUTES = [
  'href="https://example.org/"',
  'href="javascript:alert(1)"',
  'href="https://matrix.to/#/@bob:example.org"',
  "href='https://matrix.to/#/!room/$event?via=x'",
  "data-mx-spoiler",
  'data-mx-spoiler="<why>"',
  'data-mx-color="#ff0000"',
  "color=red",
  'data-mx-emoticon src="mxc://a/b" alt=":x:"',
  'class="language-js"',
  "start=3",
  'onclick="x()"',
  'style="',
  "=",
  "data-mx-maths='x^2'",
];

/** HTML as no client would write it. */
export function html(chance: Chance): string {
  const piece = (): string => {
    switch (chance.whole(6)) {
      case 0:
        return `</${chance.pick(TAGS)}>`;
      case 1:
      case 2:
        return `<${[chance.pick(TAGS), ...chance.some(2, () => chance.pick(ATTRIBUTES))].join(" ")}${chance.pick([">", ">", ">", "/>", ""])}`;
      case 3:
        return chance.pick(["&amp;", "&lt;script&gt;", "&#2;", "&#xd800;", "&", "<", "<!--", "-->", "<![CDATA[", "\u0000", "\n", "  "]);
      default:
        return words(chance, 3);
    }
  };
  return chance.some(40, piece).join("");
}
