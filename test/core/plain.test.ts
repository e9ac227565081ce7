import assert from "node:assert/strict";
import { test } from "node:test";
import { clip, firstWords, sizeText, toPlain } from "../../core/model/plain.ts";
import { type Inline, plainText, type RichText } from "../../core/model/richtext.ts";
import { depthOf, inlines, mapInlines, shallow } from "../../core/model/walk.ts";

const text = (words: string): Inline => ({ type: "text", text: words });
const link = (url: string, words: string): RichText => [{ type: "paragraph", content: [{ type: "link", url, content: [text(words)] }] }];

test("as plain text, each block stands as people write it without markup", () => {
  const body: RichText = [
    { type: "heading", level: 1, content: [text("Shopping")] },
    ...plainText("For Sunday:"),
    ...plainText("two things"),
    {
      type: "list",
      items: [plainText("bread"), [...plainText("cheese"), { type: "list", start: 2, items: [plainText("hard"), plainText("soft")] }]],
    },
    { type: "quote", content: [...plainText("man lebt nicht\nvom Brot allein"), { type: "code", text: "x = 1\ny = 2" }] },
    {
      type: "table",
      heading: true,
      rows: [
        [[text("what")], [text("how much")]],
        [[text("bread")], [text("2")]],
      ],
    },
    { type: "divider" },
  ];
  assert.equal(
    toPlain(body),
    [
      "Shopping",
      "For Sunday:",
      "",
      "two things",
      "• bread",
      "• cheese",
      "  2. hard",
      "  3. soft",
      "> man lebt nicht",
      "> vom Brot allein",
      "> x = 1",
      "> y = 2",
      "what | how much",
      "bread | 2",
      "———",
    ].join("\n"),
  );
});

test("a link shows its address once", () => {
  assert.equal(toPlain(link("https://example.org/", "the example")), "the example (https://example.org/)");
  assert.equal(toPlain(link("https://example.org/", "example.org")), "https://example.org/");
  assert.equal(toPlain(link("mailto:a@example.org", "a@example.org")), "a@example.org");
  assert.equal(toPlain(link("https://example.org/", "")), "https://example.org/");
});

test("an excerpt is one line, ends at a word, and gives no spoiler away", () => {
  const body: RichText = [
    {
      type: "paragraph",
      content: [text("The murderer is "), { type: "spoiler", content: [text("the butler")] }, { type: "break" }, text("ha")],
    },
  ];
  assert.equal(toPlain(body), "The murderer is ||the butler||\nha");
  assert.equal(firstWords(body), "The murderer is (spoiler) ha");
  assert.equal(firstWords(plainText("one two three four five"), 16), "one two three…");
});

test("cutting a text never cuts what readers see as one character", () => {
  assert.equal(clip("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 15), "👨‍👩‍👧‍👦…");
  assert.equal(clip("🇩🇪".repeat(100), 360).length % 4, 1);
  assert.ok(clip(`a${"\u0301".repeat(9000)}`, 1000).length <= 1000);
});

test("what is nested without end becomes plain text below the hundredth level, and nothing said is lost", () => {
  const nest = Array.from({ length: 20_000 }).reduce<Inline>((inner) => ({ type: "bold", content: [inner] }), text("deep"));
  const quotes = Array.from({ length: 20_000 }).reduce<RichText>((inner) => [{ type: "quote", content: inner }], plainText("down"));
  for (const [body, words] of [
    [[{ type: "paragraph", content: [nest] }] satisfies RichText, "deep"],
    [quotes, "down"],
  ] as const) {
    assert.equal(depthOf(shallow(body)), 100);
    assert.ok(toPlain(body).endsWith(words));
    assert.equal([...inlines(body)].length > 0, true);
  }
});

test("nodes are replaced from the inside out", () => {
  const body: RichText = [{ type: "paragraph", content: [{ type: "bold", content: [text("a"), { type: "break" }, text("b")] }] }];
  const changed = mapInlines(body, (node) => (node.type === "bold" ? node.content : node.type === "break" ? [] : node));
  assert.deepEqual(changed, [{ type: "paragraph", content: [text("a"), text("b")] }]);
});

test("sizes are written as people read them", () => {
  const sizes = [undefined, 0, 1, 1023, 1024, 1_258_291, 104_857_600, 1_073_741_823, -1, Number.NaN].map(sizeText);
  assert.deepEqual(sizes, [undefined, "0 bytes", "1 byte", "1023 bytes", "1 KB", "1.2 MB", "100 MB", "1 GB", undefined, undefined]);
});
