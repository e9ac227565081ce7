import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused } from "../../core/model/errors.ts";
import { remoteMessageId } from "../../core/model/ids.ts";
import type { OutMessage } from "../../core/model/message.ts";
import { plainText, type RichText } from "../../core/model/richtext.ts";
import type { SayPart } from "../../core/model/effects.ts";
import { hostileTexts } from "./hostile-texts.ts";
import type { Harness } from "./harness.ts";
import { can, mira } from "./live.ts";

/** `toParts`: pure, the same every time, never empty, within the network's limits, and nothing of the text is lost on the way. */
export function partPromises<Config>(harness: Harness<Config>): void {
  const { network } = harness;
  const { capabilities } = network;
  const parts = (message: Partial<OutMessage>): readonly SayPart[] =>
    network.toParts(frozen({ speaker: mira, style: "text", body: [], ...message }), capabilities);

  test("the same message becomes the same parts, and is not changed by it", () => {
    for (const [name, body] of sayable) assert.deepEqual(parts({ body }), parts({ body }), name);
  });

  test("parts are plain JSON, whole texts, and at least one", () => {
    for (const [name, body] of sayable) {
      for (const style of ["text", "emote", "notice"] as const) {
        const made = parts({ body, style });
        assert.ok(made.length > 0, name);
        for (const part of made) {
          assert.deepEqual(JSON.parse(JSON.stringify(part.wire)), part.wire, name);
          for (const text of [part.text, ...texts(part.wire)]) assert.ok(text.isWellFormed(), `${name}: half a character`);
          assert.equal(part.kind, "say");
          assert.deepEqual(part.speaker, mira);
        }
      }
    }
  });

  test("a text of which nothing is left is refused in a sentence, or sent as it is", () => {
    for (const body of [[], [{ type: "paragraph" as const, content: [] }], ...hostileTexts.map(plainText)]) {
      try {
        assert.ok(parts({ body }).length > 0);
      } catch (error) {
        assert.ok(error instanceof Refused, String(error));
        assert.match(error.message, /\S+ \S+/);
      }
    }
  });

  test("no part is longer than the network takes", () => {
    for (const [name, body] of [...sayable, ...Object.entries(longBodies(capabilities))])
      for (const part of parts({ body })) assert.ok(harness.measure(part) <= capabilities.text.length, name);
  });

  test("a long text is split between words, and every word arrives in order", () => {
    const { words } = longBodies(capabilities);
    const made = parts({ body: words as RichText });
    assert.ok(made.length > 1);
    assert.deepEqual(
      made.flatMap((part) => part.text.match(/w\d{5}x/g) ?? []),
      textWords(capabilities),
    );
  });

  test("a text without a gap is split all the same, and no character is lost, doubled or cut in half", () => {
    const { unbroken, families } = longBodies(capabilities);
    const letters = parts({ body: unbroken as RichText }).map((part) => part.text.replaceAll(/[^жщ]/g, ""));
    assert.equal(letters.join(""), unbrokenText(capabilities));
    const kin = parts({ body: families as RichText }).map((part) => part.text.split("👩‍👩‍👧‍👦").length - 1);
    assert.equal(
      kin.reduce((sum, count) => sum + count),
      familyCount(capabilities),
    );
  });

  test("what a person's name looks like makes no difference to the words", () => {
    for (const name of ["x", "everyone", "clyde", "Discord", "@room", "a".repeat(300), "<b>", "[x](y)", "名無し", "👩‍👩‍👧‍👦"]) {
      const made = parts({ speaker: { ...mira, name }, body: plainText("lantern") });
      assert.ok(
        made.some((part) => part.text.includes("lantern")),
        name,
      );
      for (const part of made) assert.ok(harness.measure(part) <= capabilities.text.length, name);
    }
  });

  test("a reply, a thread and a poll are parts too where the network has them", () => {
    const excerpt = "first words";
    const reply = { message: remoteMessageId("1700000000.000100"), authorName: "Alice", excerpt, latest: false };
    const thread = { root: remoteMessageId("1700000000.000100"), excerpt };
    const poll = { question: "Tea?", answers: [{ id: "1", text: "Yes" }], maxSelections: 1, disclosed: true };
    if (can(capabilities.reply)) assert.ok(parts({ body: plainText("yes"), reply }).length > 0);
    if (can(capabilities.thread)) assert.ok(parts({ body: plainText("yes"), thread }).length > 0);
    if (can(capabilities.poll)) assert.ok(parts({ poll }).length > 0);
  });
}

const text = (value: string) => ({ type: "text" as const, text: value });
const paragraph = (value: string) => ({ type: "paragraph" as const, content: [text(value)] });

/** One of each node. */
const bodies: Readonly<Record<string, RichText>> = {
  plain: plainText("good morning"),
  "two lines": plainText("good\nmorning"),
  marks: [
    {
      type: "paragraph",
      content: (["bold", "italic", "strike", "underline"] as const).map((type) => ({ type, content: [text(type)] })),
    },
  ],
  spoiler: [{ type: "paragraph", content: [{ type: "spoiler", content: [text("he did it")], reason: "the end" }] }],
  colour: [{ type: "paragraph", content: [{ type: "colour", foreground: "#ff0000", content: [text("red")] }] }],
  link: [{ type: "paragraph", content: [{ type: "link", url: "https://example.org/a?b=c&d=(e)", content: [text("here")] }] }],
  code: [{ type: "code", text: "if (a < b) {\n  return `c`;\n}", language: "js" }],
  quote: [{ type: "quote", content: [paragraph("as they say"), { type: "quote", content: [paragraph("as who says?")] }] }],
  list: [
    { type: "list", start: 3, items: [[paragraph("three"), { type: "list", items: [[paragraph("and a half")]] }], [paragraph("four")]] },
  ],
  heading: [{ type: "heading", level: 2, content: [text("News")] }, { type: "divider" }, paragraph("none")],
  table: [
    {
      type: "table",
      heading: true,
      rows: [
        [[text("a")], [text("b")]],
        [[text("1")], [text("2")]],
      ],
    },
  ],
  mentions: [
    {
      type: "paragraph",
      content: [
        { type: "mention", target: { kind: "person" }, text: "somebody" },
        { type: "mention", target: { kind: "channel" }, text: "a room" },
        { type: "mention", target: { kind: "everyone", allowed: false }, text: "everyone" },
        { type: "mention", target: { kind: "here", allowed: false }, text: "here" },
        { type: "mention", target: { kind: "message", url: "https://example.org/m" }, text: "that message" },
      ],
    },
  ],
  time: [{ type: "paragraph", content: [{ type: "time", at: 1_700_000_000_000, text: "14 November" }] }],
  emoji: [{ type: "paragraph", content: [{ type: "emoji", name: "partyparrot" }] }],
};

const sayable: readonly (readonly [string, RichText])[] = [
  ...Object.entries(bodies),
  ...hostileTexts.map((value, index) => [`hostile text ${index}`, plainText(`before ${value} after`)] as const),
];

/** Longer than one message, and not so long that a network would rather make a page of it. */
function longBodies(capabilities: Capabilities): Readonly<Record<string, RichText>> {
  return {
    words: plainText(textWords(capabilities).join(" ")),
    unbroken: plainText(unbrokenText(capabilities)),
    families: plainText("👩‍👩‍👧‍👦".repeat(familyCount(capabilities))),
    code: [{ type: "code", text: threeLines(textWords(capabilities)), language: "txt" }],
    bold: [{ type: "paragraph", content: [{ type: "bold", content: [text(textWords(capabilities).join(" "))] }] }],
    quoted: [{ type: "quote", content: [paragraph(textWords(capabilities).join(" "))] }],
  };
}

/** One and a half messages' worth, each word different. */
function textWords({ text: { length } }: Capabilities): string[] {
  return Array.from({ length: Math.ceil((length * 1.5) / 8) }, (_, index) => `w${String(index).padStart(5, "0")}x`);
}

/** Few lines: a network that counts lines would rather make a page of many. */
function threeLines(words: readonly string[]): string {
  const third = Math.ceil(words.length / 3);
  return [0, 1, 2].map((line) => words.slice(line * third, (line + 1) * third).join(" ")).join("\n");
}

/** Two bytes a letter in UTF-8, and not periodic with any power of two. */
function unbrokenText({ text: { length, unit } }: Capabilities): string {
  return "жжщ".repeat(Math.ceil((length * 1.5) / (unit === "bytes" ? 6 : 3)));
}

function familyCount({ text: { length, unit } }: Capabilities): number {
  return Math.ceil((length * 1.5) / (unit === "bytes" ? 25 : unit === "utf16" ? 11 : 7));
}

function texts(wire: unknown): string[] {
  if (typeof wire === "string") return [wire];
  return typeof wire === "object" && wire !== null ? Object.values(wire).flatMap(texts) : [];
}

function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}
