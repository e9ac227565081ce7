/** mrkdwn read as Slack shows it, and written so that it reads the same. https://docs.slack.dev/messaging/formatting-message-text */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readMrkdwn } from "../../bridges/slack/mrkdwn.ts";
import { writeClipped, writeMrkdwn } from "../../bridges/slack/write-mrkdwn.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { channelId, personId } from "../../bridges/slack/ids.ts";
import { mxid } from "../../core/model/ids.ts";
import { toPlain } from "../../core/model/plain.ts";
import { lanterns } from "./fixtures.ts";

const text = (value: string): Inline => ({ type: "text", text: value });
const code = (value: string): Inline => ({ type: "code", text: value });
const bold = (...content: Inline[]): Inline => ({ type: "bold", content });
const italic = (...content: Inline[]): Inline => ({ type: "italic", content });
const strike = (...content: Inline[]): Inline => ({ type: "strike", content });
const link = (url: string, label = url): Inline => ({ type: "link", url, content: [text(label)] });
const lineBreak: Inline = { type: "break" };
const line = (...content: Inline[]): Block => ({ type: "paragraph", content });
const quote = (...content: Block[]): Block => ({ type: "quote", content });
const mira = personId("T024BE7LD", "U061F7AUR");
const market = channelId("T024BE7LD", "C0MARKET");

const read = (mrkdwn: string): RichText => readMrkdwn(mrkdwn, lanterns);

const BOTH: readonly [what: string, mrkdwn: string, body: RichText][] = [
  ["bold, italic and struck", "*a* _b_ ~c~", [line(bold(text("a")), text(" "), italic(text("b")), text(" "), strike(text("c")))]],
  ["one in the other", "*a _b_*", [line(bold(text("a "), italic(text("b"))))]],
  ["code, in which nothing means anything", "`*a* <b>`".replace("<b>", "&lt;b&gt;"), [line(code("*a* <b>"))]],
  ["lines", "a\nb", [line(text("a"), lineBreak, text("b"))]],
  ["a quote", "> a\n> b", [quote(line(text("a"), lineBreak, text("b")))]],
  ["a block of code", "```\nlet a;\n  b &amp;&amp; c\n```", [{ type: "code", text: "let a;\n  b && c" }]],
  ["an address", "<https://example.com/?a=1&amp;b=2>", [line(link("https://example.com/?a=1&b=2"))]],
  ["an address with words", "<https://example.com|the page>", [line(link("https://example.com", "the page"))]],
  ["signs that mean something elsewhere", "a &lt;b&gt; &amp;amp; &amp;lt;", [line(text("a <b> &amp; &lt;"))]],
  ["everybody here", "<!here>", [line({ type: "mention", target: { kind: "here", allowed: true }, text: "here" })]],
];

for (const [what, mrkdwn, body] of BOTH)
  test(`both ways: ${what}`, () => {
    assert.deepEqual(read(mrkdwn), body);
    assert.equal(writeMrkdwn(body), mrkdwn);
  });

const READ: readonly [what: string, mrkdwn: string, body: RichText][] = [
  ["a mark within a word is none", "snake_case_name 2*3*4", [line(text("snake_case_name 2*3*4"))]],
  ["marks with nothing between them", "** __ ~~", [line(text("** __ ~~"))]],
  ["a mark before a space", "* a*", [line(text("* a*"))]],
  ["marks that cross", "*a _b* c_", [line(bold(text("a _b")), text(" c_"))]],
  ["formatting ends with the line", "*a\nb*", [line(text("*a"), lineBreak, text("b*"))]],
  ["a backtick that is never closed", "`a", [line(text("`a"))]],
  ["a block of code in the middle of a line", "a ```b``` c", [line(text("a ")), { type: "code", text: "b" }, line(text(" c"))]],
  ["an address within code is the text that was typed", "`<https://example.com|example.com>`", [line(code("example.com"))]],
  ["three signs quote all that follows", "&gt;&gt;&gt;a\nb\n\nc", [quote(line(text("a"), lineBreak, text("b")), line(text("c")))]],
  ["a quote and what is said to it", "&gt; a\nb", [quote(line(text("a"))), line(text("b"))]],
  ["an emoji by its name", "a :+1::skin-tone-3: b", [line(text("a 👍🏼 b"))]],
  ["the time of day, which is no emoji", "at 12:30:45", [line(text("at 12:30:45"))]],
  ["a name that is no emoji", ":nothing_of_the_sort:", [line(text(":nothing_of_the_sort:"))]],
  ["a mail address", "<mailto:mira@example.com|mira@example.com>", [line(link("mailto:mira@example.com", "mira@example.com"))]],
  ["a telephone number, which Matrix does not link", "<tel:+123|+123>", [line(text("+123"))]],
  ["an address of a kind that is dangerous", "<javascript:alert(1)|click>", [line(text("click"))]],
  ["an angle that is never closed", "a <https://example.com", [line(text("a <https://example.com"))]],
  [
    "an angle in an angle",
    "<<@U061F7AUR>>",
    [line(text("<"), { type: "mention", target: { kind: "person", remote: mira }, text: "U061F7AUR" }, text(">"))],
  ],
  ["a person", "<@U061F7AUR|mira>", [line({ type: "mention", target: { kind: "person", remote: mira }, text: "mira" })]],
  ["somebody whose id is none", "<@nobody>", [line(text("nobody"))]],
  [
    "a channel that is known by name",
    "<#C0MARKET>",
    [line({ type: "mention", target: { kind: "channel", remote: market }, text: "#market" })],
  ],
  [
    "a channel with its name",
    "<#C0MARKET|square>",
    [line({ type: "mention", target: { kind: "channel", remote: market }, text: "#square" })],
  ],
  [
    "a user group",
    "<!subteam^S0615G0KT>",
    [line({ type: "mention", target: { kind: "group", remote: "T024BE7LD/S0615G0KT" }, text: "@keepers" })],
  ],
  ["something that Slack has added since", "<!new^thing|words> <!new^thing>", [line(text("words "))]],
  ["a moment", "<!date^1700000000^{date_num}|14 Nov>", [line({ type: "time", at: 1_700_000_000_000, text: "14 Nov", style: "date" })]],
  ["a moment that is none", "<!date^never^{date_num}|once>", [line(text("once"))]],
  ["a moment beyond all time", "<!date^99999999999999^{date_num}|once>", [line(text("once"))]],
  ["an escape is undone once", "&amp;lt;b&amp;gt; &amp;amp;amp;", [line(text("&lt;b&gt; &amp;amp;"))]],
  ["nothing", "", []],
  ["nothing but lines", "\n\n\n", []],
];

for (const [what, mrkdwn, body] of READ) test(`read: ${what}`, () => assert.deepEqual(read(mrkdwn), body));

const WRITTEN: readonly [what: string, body: RichText, mrkdwn: string][] = [
  ["a heading is a bold line", [{ type: "heading", level: 2, content: [text("a")] }, line(text("b"))], "*a*\nb"],
  ["marks stand inside of spaces and lines", [line(bold(text(" a "), lineBreak, text("b")))], " *a* \n*b*"],
  ["a spoiler", [line({ type: "spoiler", content: [text("a")] })], "(spoiler) a"],
  ["a spoiler with a reason", [line({ type: "spoiler", reason: "plot", content: [text("a")] })], "(spoiler: plot) a"],
  ["a bar in the words of a link", [line(link("https://example.com/a|b c", "d|e"))], "<https://example.com/a%7Cb%20c|d¦e>"],
  ["everybody, by someone who may not", [line({ type: "mention", target: { kind: "everyone", allowed: false }, text: "@room" })], "@room"],
  ["everybody, by someone who may", [line({ type: "mention", target: { kind: "everyone", allowed: true }, text: "@room" })], "<!channel>"],
  ["everybody, typed", [line(text("<!channel> <@U061F7AUR>"))], "&lt;!channel&gt; &lt;@U061F7AUR&gt;"],
  ["somebody of Matrix", [line({ type: "mention", target: { kind: "person", mxid: mxid("@a:b") }, text: "Anna <3" })], "Anna &lt;3"],
  ["somebody of Slack", [line({ type: "mention", target: { kind: "person", remote: mira }, text: "mira" })], "<@U061F7AUR>"],
  ["a channel of Slack's", [line({ type: "mention", target: { kind: "channel", remote: market }, text: "#market" })], "<#C0MARKET>"],
  [
    "a list in a list",
    [{ type: "list", start: 3, items: [[line(text("a")), { type: "list", items: [[line(text("b"))]] }], [line(text("c"))]] }],
    "3. a\n   • b\n4. c",
  ],
  [
    "a table",
    [
      {
        type: "table",
        heading: true,
        rows: [
          [[text("a")], [text("b")]],
          [[text("c")], [bold(text("d"))]],
        ],
      },
    ],
    "a | b\nc | *d*",
  ],
];

for (const [what, body, mrkdwn] of WRITTEN) test(`written: ${what}`, () => assert.equal(writeMrkdwn(body), mrkdwn));

test("a text that is cut holds no open mark and no half of a character", () => {
  const body = [line(bold(text(`${"a".repeat(50)}😀&${"b".repeat(50)}`)))];
  for (let length = 40; length < 70; length++) {
    const cut = writeClipped(body, length, toPlain(body));
    assert.ok(cut.length <= length && cut.isWellFormed() && !cut.includes("*"), cut);
  }
});

for (const [what, hostile] of [
  ["stars", "*"],
  ["stars before letters", "*a "],
  ["stars behind letters", "a* "],
  ["marks in turn", "*_~"],
  ["open marks", " *a _b ~c"],
  ["open angles", "<"],
  ["open addresses", "<https://example.com|"],
  ["backticks", "`"],
  ["backticks apart", "` "],
  ["fences", "```"],
  ["colons", ":a"],
  ["long names of emoji", ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
  ["escapes", "&amp;"],
  ["quotes", "&gt;"],
  ["quoted lines", "&gt; \n"],
  ["lines", "\n"],
  ["open moments", "<!date^"],
] as const)
  test(`a message of nothing but ${what} is read at once, however long it is`, () => {
    const began = performance.now();
    read(hostile.repeat(Math.ceil(300_000 / hostile.length)));
    assert.ok(performance.now() - began < 3000, "eight times as long as Slack's longest: what grows faster than it takes minutes");
  });
