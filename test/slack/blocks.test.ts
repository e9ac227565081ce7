/** What Matrix says, in Slack's blocks, and back again. What other networks share stands in `test/formatting.test.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readBlocks } from "../../bridges/slack/blocks.ts";
import { channelId, personId } from "../../bridges/slack/ids.ts";
import { writeBlocks } from "../../bridges/slack/write-blocks.ts";
import { mxid } from "../../core/model/ids.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { checkBlocks } from "../fakes/slack/check-blocks.ts";
import type { Team } from "../fakes/slack/state.ts";
import { lanterns } from "./fixtures.ts";

const team = { users: new Map([["U061F7AUR", {}]]) } as unknown as Team;
const text = (value: string): Inline => ({ type: "text", text: value });
const bold = (...content: Inline[]): Inline => ({ type: "bold", content });
const line = (...content: Inline[]): Block => ({ type: "paragraph", content });
const list = (...items: RichText[]): Block => ({ type: "list", items });
const numbers = (start: number, ...items: RichText[]): Block => ({ type: "list", start, items });
const mira = personId("T024BE7LD", "U061F7AUR");
const market = channelId("T024BE7LD", "C0MARKET");

/** The elements of the only block, which is rich text. */
function elementsOf(body: RichText): unknown {
  const [block, ...more] = writeBlocks(body);
  assert.equal(more.length, 0);
  assert.equal(block?.type, "rich_text");
  return block?.type === "rich_text" ? block.elements : undefined;
}

const section = (...elements: unknown[]) => ({ type: "rich_text_section", elements });

const BOTH: readonly [what: string, body: RichText][] = [
  ["styles in styles", [line(bold(text("a "), { type: "italic", content: [text("b "), { type: "strike", content: [text("c")] }] }))]],
  ["code in bold", [line(bold({ type: "code", text: "a" }))]],
  ["lines and paragraphs", [line(text("a"), { type: "break" }, text("b")), line(text("c"))]],
  ["a quote", [{ type: "quote", content: [line(text("a"), { type: "break" }, text("b"))] }]],
  ["code, and what stands around it", [line(text("a")), { type: "code", text: "let a;\n\n  b" }, line(text("c"))]],
  ["lists in lists", [list([line(text("a")), list([line(text("b")), numbers(1, [line(text("c"))])])], [line(text("d"))])]],
  ["numbers that do not begin at one", [numbers(7, [line(text("a"))], [line(text("b"))])]],
  ["numbers that go on behind a list within", [numbers(1, [line(text("a")), list([line(text("b"))])], [line(text("c"))])]],
  ["a divider", [line(text("a")), { type: "divider" }, line(text("b"))]],
  [
    "a link, and one in bold",
    [
      line(
        { type: "link", url: "https://a.example/", content: [text("a")] },
        bold({ type: "link", url: "https://b.example/", content: [text("b")] }),
      ),
    ],
  ],
  [
    "a person, a channel and everybody",
    [
      line(
        { type: "mention", target: { kind: "person", remote: mira }, text: "U061F7AUR" },
        { type: "mention", target: { kind: "channel", remote: market }, text: "#market" },
        { type: "mention", target: { kind: "here", allowed: true }, text: "here" },
      ),
    ],
  ],
  ["a moment", [line({ type: "time", at: 1_700_000_000_000, text: "then", style: "datetime" })]],
  ["signs that mean something in mrkdwn", [line(text("*a* <!channel> &amp; :tada: `b`"))]],
];

for (const [what, body] of BOTH)
  test(`as it was when it comes back: ${what}`, () => {
    const blocks = writeBlocks(body);
    if (body.length > 0) checkBlocks(blocks, team);
    assert.deepEqual(readBlocks(blocks, lanterns), body);
  });

const WRITTEN: readonly [what: string, body: RichText, elements: unknown][] = [
  [
    "headings are bold lines",
    [{ type: "heading", level: 1, content: [text("a")] }, line(text("b"))],
    [section({ type: "text", text: "a", style: { bold: true } }, { type: "text", text: "\nb" })],
  ],
  [
    "underlined and coloured text is text",
    [line({ type: "underline", content: [text("a")] }, { type: "colour", foreground: "#ff0000", content: [text("b")] })],
    [section({ type: "text", text: "ab" })],
  ],
  [
    "a spoiler says that it is one",
    [line({ type: "spoiler", reason: "plot", content: [text("a")] })],
    [section({ type: "text", text: "(spoiler: plot) a" })],
  ],
  [
    "a table in letters of one width",
    [
      {
        type: "table",
        heading: true,
        rows: [
          [[text("a")], [text("b")]],
          [[text("long")], [text("c")]],
        ],
      },
    ],
    [{ type: "rich_text_preformatted", elements: [{ type: "text", text: "a    | b\nlong | c" }] }],
  ],
  [
    "the language of code is lost",
    [{ type: "code", text: "a", language: "rust" }],
    [{ type: "rich_text_preformatted", elements: [{ type: "text", text: "a" }] }],
  ],
  [
    "somebody of Matrix stands by name",
    [line({ type: "mention", target: { kind: "person", mxid: mxid("@anna:example.org") }, text: "Anna" })],
    [section({ type: "text", text: "Anna" })],
  ],
  [
    "an app's post under a name of its own cannot be called",
    [line({ type: "mention", target: { kind: "person", remote: personId("T024BE7LD", "B0QR12.ABCDEFGHI2") }, text: "Deploys" })],
    [section({ type: "text", text: "Deploys" })],
  ],
  [
    "everybody, by someone who may not",
    [line({ type: "mention", target: { kind: "everyone", allowed: false }, text: "@room" })],
    [section({ type: "text", text: "@room" })],
  ],
  [
    "an emoji of the workspace takes no style",
    [line(bold(text("a "), { type: "emoji", name: "lantern_lit" }))],
    [section({ type: "text", text: "a ", style: { bold: true } }, { type: "emoji", name: "lantern_lit" })],
  ],
  [
    "a quote and code in a quote",
    [
      {
        type: "quote",
        content: [
          { type: "quote", content: [line(text("a"))] },
          { type: "code", text: "b" },
        ],
      },
    ],
    [
      {
        type: "rich_text_quote",
        elements: [
          { type: "text", text: "> a\n" },
          { type: "text", text: "b", style: { code: true } },
        ],
      },
    ],
  ],
  [
    "a link that says its address",
    [line({ type: "link", url: "https://a.example/", content: [text("https://a.example/")] })],
    [section({ type: "link", url: "https://a.example/" })],
  ],
  [
    "control characters and halves of characters go",
    [line(text("a\u0000\u0007\ud800b\r\nc"))],
    [section({ type: "text", text: "a\ufffdb\nc" })],
  ],
];

for (const [what, body, elements] of WRITTEN)
  test(`written: ${what}`, () => {
    assert.deepEqual(elementsOf(body), elements);
    checkBlocks(writeBlocks(body), team);
  });

test("nothing is no block at all", () => {
  for (const body of [[], [line()], [line(text(""))], [{ type: "code", text: "" }], [{ type: "quote", content: [] }]] as RichText[])
    assert.deepEqual(writeBlocks(body), []);
});

test("a list that is deeper than Slack's lists go on at the last level", () => {
  let body: Block = list([line(text("bottom"))]);
  for (let depth = 0; depth < 30; depth++) body = list([line(text(String(depth))), body]);
  checkBlocks(writeBlocks([body]), team);
});

const HOSTILE: readonly [what: string, blocks: unknown][] = [
  ["no list", "blocks"],
  ["no objects", [null, 1, "a", []]],
  ["no types", [{}, { type: 7 }]],
  ["a block that nobody has seen", [{ type: "hologram", rays: [1, 2] }]],
  [
    "texts that are none",
    [
      { type: "section", text: 7, fields: "a", accessory: [] },
      { type: "header", text: { text: {} } },
    ],
  ],
  [
    "elements that are none",
    [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: "a" }, 7, { type: "rich_text_list", elements: {} }] }],
  ],
  [
    "lists that lead nowhere",
    [
      {
        type: "rich_text",
        elements: [
          { type: "rich_text_list", indent: 99, offset: -3, elements: [] },
          { type: "rich_text_list", indent: -1, offset: 1e99, elements: [] },
        ],
      },
    ],
  ],
  ["a table without rows", [{ type: "table", rows: [[], {}, null] }]],
  [
    "a date of no time",
    [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "date", timestamp: "soon" }] }] }],
  ],
];

for (const [what, blocks] of HOSTILE)
  test(`blocks that are none are read as nothing worse: ${what}`, () => void readBlocks(blocks, lanterns));

test("a block that nobody has seen is shown by the text in it", () => {
  assert.deepEqual(readBlocks([{ type: "hologram", text: { type: "plain_text", text: "a" } }], lanterns), [line(text("a"))]);
  assert.deepEqual(readBlocks([{ type: "hologram", title: "a" }], lanterns), [line(text("a"))]);
});

test("containers in containers end somewhere", () => {
  let block: unknown = { type: "divider" };
  for (let depth = 0; depth < 10_000; depth++) block = { type: "container", child_blocks: [block] };
  assert.deepEqual(readBlocks([block], lanterns), []);
});
