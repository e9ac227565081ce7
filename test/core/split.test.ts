import assert from "node:assert/strict";
import { test } from "node:test";
import { remoteUserId } from "../../core/model/ids.ts";
import { toPlain } from "../../core/model/plain.ts";
import { type Block, type Inline, plainText, type RichText } from "../../core/model/richtext.ts";
import { split } from "../../core/model/split.ts";

const text = (words: string): Inline => ({ type: "text", text: words });
const paragraph = (...content: Inline[]): Block => ({ type: "paragraph", content });
const length = (body: RichText): number => toPlain(body).length;
const words = (body: RichText, limit: number): string[] => split(body, limit, length).map((part) => toPlain(part));

test("a text that fits stays as it is", () => {
  const body = plainText("hello");
  assert.deepEqual(split(body, 5, length), [body]);
  assert.deepEqual(split([], 5, length), [[]]);
});

test("a long text is cut between paragraphs first", () => {
  assert.deepEqual(words([...plainText("one two three"), ...plainText("four five six")], 20), ["one two three", "four five six"]);
});

test("else between lines, sentences, words, and characters as readers see them", () => {
  assert.deepEqual(words(plainText("one two three\nfour five six"), 20), ["one two three", "four five six"]);
  assert.deepEqual(words(plainText("It rains again. Take a coat with you."), 20), ["It rains again.", "Take a coat with", "you."]);
  assert.deepEqual(words(plainText("one two three four five six"), 16), ["one two three", "four five six"]);
  assert.deepEqual(words(plainText("abcdefghijklmnopqrstuvwxyz"), 10), ["abcdefghij", "klmnopqrst", "uvwxyz"]);
  assert.deepEqual(words(plainText("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦"), 25), ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]);
});

test("a short paragraph goes alone when that keeps the long one after it whole", () => {
  const long = "x ".repeat(45).trim();
  assert.deepEqual(words([...plainText("Look:"), ...plainText(long)], 90), ["Look:", long]);
});

test("an address that fits into the next part is not broken", () => {
  assert.deepEqual(words(plainText("see https://example.org/a/very/long/path"), 36), ["see", "https://example.org/a/very/long/path"]);
});

test("formatting that reaches over a cut is closed before it and opened again after it", () => {
  const body = [paragraph({ type: "bold", content: [text("one two "), { type: "italic", content: [text("three four")] }] })];
  assert.deepEqual(split(body, 14, length), [
    [paragraph({ type: "bold", content: [text("one two "), { type: "italic", content: [text("three")] }] })],
    [paragraph({ type: "bold", content: [{ type: "italic", content: [text("four")] }] })],
  ]);
});

test("a code block is cut at its lines, keeps its indentation, and each part is a code block of its language", () => {
  const body: RichText = [{ type: "code", language: "py", text: "def one():\n    return 1\ndef two():\n    return 2" }];
  assert.deepEqual(split(body, 26, length), [
    [{ type: "code", language: "py", text: "def one():\n    return 1" }],
    [{ type: "code", language: "py", text: "def two():\n    return 2" }],
  ]);
  assert.deepEqual(split([{ type: "code", text: "a\n  b" }], 3, length), [[{ type: "code", text: "a" }], [{ type: "code", text: "  b" }]]);
});

test("a numbered list goes on counting, a table keeps its columns", () => {
  const list: RichText = [{ type: "list", start: 1, items: [plainText("alpha"), plainText("beta"), plainText("gamma")] }];
  assert.deepEqual(words(list, 18), ["1. alpha\n2. beta", "3. gamma"]);
  const table: RichText = [
    {
      type: "table",
      heading: true,
      rows: [
        [[text("n")], [text("m")]],
        [[text("1")], []],
        [[], [text("4")]],
      ],
    },
  ];
  assert.deepEqual(split(table, 11, length), [
    [
      {
        type: "table",
        heading: true,
        rows: [
          [[text("n")], [text("m")]],
          [[text("1")], []],
        ],
      },
    ],
    [{ type: "table", heading: false, rows: [[[], [text("4")]]] }],
  ]);
});

test("what cannot be cut (a mention, an emoji) goes over whole", () => {
  const mention: Inline = {
    type: "mention",
    target: { kind: "person", remote: remoteUserId("libera/alice") },
    text: "alice in wonderland",
  };
  assert.deepEqual(split([paragraph(text("for "), mention)], 20, length), [[paragraph(text("for"))], [paragraph(mention)]]);
});

test("one long address around a long text is not sent again with every part", () => {
  const url = `https://example.org/${"a".repeat(1500)}`;
  const parts = split([paragraph({ type: "link", url, content: [text("word ".repeat(2000))] })], 2000, length);
  assert.ok(parts.length < 10, `${parts.length} parts`);
  assert.equal(
    parts
      .map((part) => toPlain(part))
      .join("")
      .split(url).length - 1,
    1,
  );
});

test("a single character with a thousand accents is cut rather than sent too long, and never between halves", () => {
  const parts = split(plainText(`a${"\u0301".repeat(5000)}`), 1000, length);
  assert.ok(parts.every((part) => length(part) <= 1000));
  for (const part of split(plainText("😀\u200d".repeat(1000)), 101, length)) assert.ok(toPlain(part).isWellFormed());
});

test("64 KB of the worst kinds are split without a hang, nothing lost", () => {
  const kinds: Record<string, RichText> = {
    words: plainText("lorem ipsum ".repeat(5461)),
    letters: plainText("x".repeat(65_536)),
    lines: plainText("a\n".repeat(32_768)),
    paragraphs: Array.from({ length: 16_384 }, () => paragraph(text("word"))),
    bolds: [paragraph(...Array.from({ length: 8192 }, (): Inline => ({ type: "bold", content: [text("bold ")] })))],
    code: [{ type: "code", text: "    if (x) {\n".repeat(5000) }],
    deep: [
      paragraph(
        Array.from({ length: 4000 }).reduce<Inline>((inner) => ({ type: "bold", content: [inner, text("x")] }), text("y".repeat(9999))),
      ),
    ],
  };
  for (const [name, body] of Object.entries(kinds)) {
    const start = performance.now();
    const parts = split(body, 2000, length);

    const took = performance.now() - start;
    assert.ok(took < 3000, `${name}: ${took} ms`);
    assert.ok(parts.every((part) => length(part) <= 2000));
    const said = (texts: RichText[]): string =>
      texts
        .map((part) => toPlain(part))
        .join("")
        .replace(/\s/g, "");
    assert.equal(said(parts), said([body]), name);
  }
});
