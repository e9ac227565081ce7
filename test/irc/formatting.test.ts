/** IRC's formats as RichText and back, side by side. Each line: what stands on IRC, and the model. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fromFormatting, toLines } from "../../bridges/irc/formatting.ts";
import { writeRuns } from "../../bridges/irc/runs.ts";
import { remoteChannelId, remoteUserId } from "../../core/model/ids.ts";
import type { Inline, RichText } from "../../core/model/richtext.ts";

const text = (words: string): Inline => ({ type: "text", text: words });
const mark = (type: "bold" | "italic" | "strike" | "underline", ...content: Inline[]): Inline => ({ type, content });
const paragraph = (...content: Inline[]): RichText => [{ type: "paragraph", content }];
const toFormatting = (body: RichText): string => toLines(body).map(writeRuns).join("\n");

interface Row {
  readonly shows: string;
  readonly irc: string;
  readonly model: readonly Inline[];
}

/** Read and written alike. */
const bothWays: readonly Row[] = [
  { shows: "plain words", irc: "good morning", model: [text("good morning")] },
  { shows: "bold", irc: "so \x02very\x02 good", model: [text("so "), mark("bold", text("very")), text(" good")] },
  { shows: "bold to the end is closed", irc: "so \x02good\x02", model: [text("so "), mark("bold", text("good"))] },
  { shows: "italic", irc: "\x1dwell\x1d", model: [mark("italic", text("well"))] },
  { shows: "underline", irc: "\x1fwell\x1f", model: [mark("underline", text("well"))] },
  { shows: "strike", irc: "\x1ewell\x1e", model: [mark("strike", text("well"))] },
  { shows: "code", irc: "\x11x = 1\x11", model: [{ type: "code", text: "x = 1" }] },
  {
    shows: "bold within italic",
    irc: "\x1da \x02b\x02 c\x1d",
    model: [mark("italic", text("a ")), mark("bold", mark("italic", text("b"))), mark("italic", text(" c"))],
  },
  { shows: "a colour", irc: "\x0304red\x0f end", model: [{ type: "colour", foreground: "#ff0000", content: [text("red")] }, text(" end")] },
  {
    shows: "a colour on another",
    irc: "\x0300,02sky\x0f",
    model: [{ type: "colour", foreground: "#ffffff", background: "#00007f", content: [text("sky")] }],
  },
  { shows: "a ground alone", irc: "\x0399,08x\x0f", model: [{ type: "colour", background: "#ffff00", content: [text("x")] }] },
  { shows: "black on black hides an ending", irc: "\x0301,01he did it\x0f", model: [{ type: "spoiler", content: [text("he did it")] }] },
  {
    shows: "digits behind a colour are words",
    irc: "\x03045\x0f6",
    model: [{ type: "colour", foreground: "#ff0000", content: [text("5")] }, text("6")],
  },
  {
    shows: "a comma and a digit behind a colour are words",
    irc: "\x0304,99,5\x0f",
    model: [{ type: "colour", foreground: "#ff0000", content: [text(",5")] }],
  },
  {
    shows: "bold goes on when a colour ends",
    irc: "\x02\x0304a\x0f\x02b\x02",
    model: [{ type: "colour", foreground: "#ff0000", content: [mark("bold", text("a"))] }, mark("bold", text("b"))],
  },
];

suite("formats cross both ways", () => {
  for (const { shows, irc, model } of bothWays) {
    test(shows, () => {
      assert.deepEqual(fromFormatting(irc), paragraph(...model));
      assert.equal(toFormatting(paragraph(...model)), irc);
    });
  }
});

/** Read only: other clients write it so. */
const readOnly: readonly Row[] = [
  { shows: "a format that nobody closes ends with the line", irc: "\x02a", model: [mark("bold", text("a"))] },
  { shows: "a colour by one digit", irc: "\x034red", model: [{ type: "colour", foreground: "#ff0000", content: [text("red")] }] },
  { shows: "colour 16 and above", irc: "\x0352red", model: [{ type: "colour", foreground: "#ff0000", content: [text("red")] }] },
  { shows: "99 is the reader's own", irc: "\x0399x", model: [text("x")] },
  {
    shows: "a bare code ends the colour",
    irc: "\x0304a\x03b",
    model: [{ type: "colour", foreground: "#ff0000", content: [text("a")] }, text("b")],
  },
  {
    shows: "a comma without a digit is a comma",
    irc: "\x0304,a",
    model: [{ type: "colour", foreground: "#ff0000", content: [text(",a")] }],
  },
  {
    shows: "a colour by its hexadecimal value",
    irc: "\x04A1b2C3x",
    model: [{ type: "colour", foreground: "#a1b2c3", content: [text("x")] }],
  },
  {
    shows: "both colours by their values",
    irc: "\x04a1b2c3,000001x\x04y",
    model: [{ type: "colour", foreground: "#a1b2c3", background: "#000001", content: [text("x")] }, text("y")],
  },
  {
    shows: "reverse",
    irc: "\x16x\x16y",
    model: [{ type: "colour", foreground: "#ffffff", background: "#000000", content: [text("x")] }, text("y")],
  },
  {
    shows: "reverse of a colour",
    irc: "\x0304,08\x16x",
    model: [{ type: "colour", foreground: "#ffff00", background: "#ff0000", content: [text("x")] }],
  },
  {
    shows: "reset ends everything",
    irc: "\x02\x1d\x0304a\x0fb",
    model: [{ type: "colour", foreground: "#ff0000", content: [mark("bold", mark("italic", text("a")))] }, text("b")],
  },
  { shows: "white on white hides too", irc: "\x0300,00x", model: [{ type: "spoiler", content: [text("x")] }] },
  { shows: "control characters that format nothing are left out", irc: "a\x07b\x1bc\td", model: [text("abc d")] },
  { shows: "nothing but codes is nothing", irc: "\x02\x02\x0304\x03", model: [] },
];

suite("formats of other clients are read", () => {
  for (const { shows, irc, model } of readOnly) test(shows, () => assert.deepEqual(fromFormatting(irc), paragraph(...model)));
});

suite("what IRC has no format for is written as text", () => {
  const rows: readonly (readonly [shows: string, model: RichText, irc: string])[] = [
    ["a link", paragraph({ type: "link", url: "https://example.org/a", content: [text("here")] }), "here (https://example.org/a)"],
    [
      "a link that is its own text stands once",
      paragraph({ type: "link", url: "https://example.org/", content: [text("example.org")] }),
      "https://example.org/",
    ],
    ["a spoiler with a reason", paragraph({ type: "spoiler", reason: "the end", content: [text("x")] }), "(the end) \x0301,01x\x0f"],
    ["an emoji of another network", paragraph({ type: "emoji", name: "parrot" }), ":parrot:"],
    ["a moment", paragraph({ type: "time", at: 1_700_000_000_000, text: "soon" }), "2023-11-14 22:13 UTC"],
    [
      "everybody, who are not rung",
      paragraph({ type: "mention", target: { kind: "everyone", allowed: true }, text: "everyone" }),
      "everyone",
    ],
    [
      "a person, by nick",
      paragraph({ type: "mention", target: { kind: "person", remote: remoteUserId("libera/dave") }, text: "Dave" }, text(": hi")),
      "Dave: hi",
    ],
    [
      "a person whose name here is another",
      paragraph({ type: "mention", target: { kind: "person", remote: remoteUserId("libera/dave") }, text: "David (IRC)" }),
      "dave",
    ],
    [
      "a person right behind a letter, who would not be rung",
      paragraph(text("hey"), { type: "mention", target: { kind: "person", remote: remoteUserId("libera/dave") }, text: "dave" }),
      "hey dave",
    ],
    [
      "a channel",
      paragraph({ type: "mention", target: { kind: "channel", remote: remoteChannelId("libera/#help") }, text: "Help" }),
      "#help",
    ],
    ["a heading", [{ type: "heading", level: 2, content: [text("News")] }], "\x02News\x02"],
    ["a quote", [{ type: "quote", content: [...paragraph(text("a"), { type: "break" }, text("b"))] }], "> a\n> b"],
    ["code, line by line", [{ type: "code", text: "a\n  b", language: "js" }], "\x11a\x11\n\x11  b\x11"],
    [
      "a list in a list",
      [
        {
          type: "list",
          items: [[...paragraph(text("a")), { type: "list", start: 3, items: [paragraph(text("b"))] }], paragraph(text("c"))],
        },
      ],
      "• a\n  3. b\n• c",
    ],
    [
      "a table",
      [
        {
          type: "table",
          heading: true,
          rows: [
            [[text("a")], [text("b")]],
            [[text("1")], [text("2")]],
          ],
        },
      ],
      "\x02a\x02 | \x02b\x02\n1 | 2",
    ],
    ["a divider", [{ type: "divider" }], "———"],
  ];
  for (const [shows, model, irc] of rows) test(shows, () => assert.equal(toFormatting(model), irc));

  test("control characters in people's words are no formats", () => {
    assert.equal(toFormatting(paragraph(text("a\x02b\x03 04\x01c\x00d\ue000"))), "ab 04cd\ue000");
  });

  test("a line break in a text is a line of its own, and half a character is none", () => {
    assert.equal(toFormatting(paragraph(text("a\r\nb\rc\u2028d \ud83d"))), "a\nb\nc d \ufffd");
  });
});

suite("words that name people and channels", () => {
  const names = {
    person: (nick: string) => {
      const known = new Map([
        ["dave", "Dave"],
        ["[m]", "[m]"],
        ["will", "Will"],
      ]);
      const name = known.get(nick.toLowerCase());
      return name === undefined ? undefined : { id: remoteUserId(`libera/${nick.toLowerCase()}`), name };
    },
    channel: (name: string) => (name === "#help" ? remoteChannelId("libera/#help") : undefined),
  };
  const person = (nick: string, words = nick): Inline => ({
    type: "mention",
    target: { kind: "person", remote: remoteUserId(`libera/${nick.toLowerCase()}`) },
    text: words,
  });
  const rows: readonly (readonly [string, readonly Inline[]])[] = [
    ["Dave: hi", [person("Dave"), text(": hi")]],
    ["dave, hi", [person("dave"), text(", hi")]],
    ["ask @dave about it", [text("ask "), person("dave"), text(" about it")]],
    ["ask Dave.", [text("ask "), person("Dave"), text(".")]],
    ["davenport and Dave-o", [text("davenport and Dave-o")]],
    ["I will ask Will", [text("I will ask "), person("Will")]],
    ["the [m] nick", [text("the "), person("[m]"), text(" nick")]],
    [
      "see #help, not #helpless or a#help",
      [
        text("see "),
        { type: "mention", target: { kind: "channel", remote: remoteChannelId("libera/#help") }, text: "#help" },
        text(", not #helpless or a#help"),
      ],
    ],
    ["\x02Dave\x02", [mark("bold", person("Dave"))]],
    ["\x11Dave\x11", [{ type: "code", text: "Dave" }]],
  ];
  for (const [line, model] of rows) test(line, () => assert.deepEqual(fromFormatting(line, names), paragraph(...model)));
});

suite("hostile lines", () => {
  test("a colour code at every byte is read in linear time, and keeps every letter", () => {
    const line = Array.from({ length: 20_000 }, (_, index) => `\x03${index % 99},${(index * 7) % 99}x`).join("");
    const began = performance.now();
    const body = fromFormatting(line);
    assert.ok(performance.now() - began < 10_000);
    assert.equal(
      JSON.stringify(body)
        .match(/"text":"x+"/g)
        ?.join("")
        .match(/x(?=x|")/g)?.length,
      20_000,
    );
  });

  test("toggles without end and without text are nothing", () => {
    assert.deepEqual(fromFormatting("\x02\x1d\x1f\x1e\x11\x16".repeat(10_000)), paragraph());
  });
});
