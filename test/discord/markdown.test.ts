/** Discord's markdown, read and written. What each form is on the other networks stands in `test/formatting-rows.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readMarkdown } from "../../bridges/discord/markdown.ts";
import { escapeText, writeMarkdown } from "../../bridges/discord/write-markdown.ts";
import { toPlain } from "../../core/model/plain.ts";
import { plainText, type RichText } from "../../core/model/richtext.ts";
import { depthOf } from "../../core/model/walk.ts";
import { hostileTexts } from "../conformance/hostile-texts.ts";

const names = {
  person: (id: string) => (id === "80351110224678912" ? "Nelly" : undefined),
  role: (id: string) => (id === "41771983423143936" ? "Keepers" : undefined),
  channel: (id: string) => (id === "41771983423143937" ? "general" : undefined),
  everyone: false,
  cdn: "https://cdn.example",
};

/** A tree as one line: `b(bold)`, `i(…)`, `||…||` and so on, so that a table can be read. */
function shape(body: RichText): string {
  return JSON.stringify(body, (_key, value: unknown) => value)
    .replaceAll(/\{"type":"text","text":("(?:[^"\\]|\\.)*")\}/g, "$1")
    .replaceAll(/\{"type":"(bold|italic|strike|underline|spoiler)","content":\[([^\]]*)\]\}/g, "$1($2)");
}

const read = (text: string): string => shape(readMarkdown(text, names));
const paragraph = (...content: readonly string[]): string => `[{"type":"paragraph","content":[${content.join(",")}]}]`;

const READ: readonly (readonly [says: string, text: string, means: string])[] = [
  ["bold", "**b**", paragraph('bold("b")')],
  ["italic, both ways", "*a* _b_", paragraph('italic("a")', '" "', 'italic("b")')],
  ["underlined and struck out", "__u__ ~~s~~", paragraph('underline("u")', '" "', 'strike("s")')],
  ["bold within which a star stands alone", "**a *b** c*", paragraph('bold("a *b")', '" c*"')],
  ["words with underscores", "snake_case_name", paragraph('"snake_case_name"')],
  ["a star that hugs nothing", "2 * 3 * 4", paragraph('"2 * 3 * 4"')],
  ["a sign that is never closed", "**a ||b ~~c", paragraph('"**a ||b ~~c"')],
  ["signs with nothing between", "**** |||| ~~~~ ____", paragraph('"**** |||| ~~~~ ____"')],
  ["an escaped sign", "\\*a\\* \\\\ \\n", paragraph('"*a* \\\\ \\\\n"')],
  ["a shrug", "¯\\_(ツ)_/¯", paragraph('"¯\\\\_(ツ)_/¯"')],
  ["a spoiler over bold that is not closed within", "||**a||b**", paragraph('spoiler("**a")', '"b**"')],
  [
    "code, in which nothing else counts",
    "`**a**` ``b`c``",
    paragraph('{"type":"code","text":"**a**"}', '" "', '{"type":"code","text":"b`c"}'),
  ],
  [
    "a mention of each kind",
    "<@80351110224678912><@!80351110224678912>",
    paragraph(...[1, 2].map(() => '{"type":"mention","target":{"kind":"person","remote":"80351110224678912"},"text":"Nelly"}')),
  ],
  [
    "a role",
    "<@&41771983423143936>",
    paragraph('{"type":"mention","target":{"kind":"group","remote":"41771983423143936"},"text":"@Keepers"}'),
  ],
  ["a channel that nobody knows", "<#1>", paragraph('{"type":"mention","target":{"kind":"channel","remote":"1"},"text":"#unknown"}')],
  ["a snowflake that is none", "<@99999999999999999999> <@0>", paragraph('"<@99999999999999999999> <@0>"')],
  [
    "everyone, inert",
    "@everyone a@here.org",
    paragraph('{"type":"mention","target":{"kind":"everyone","allowed":false},"text":"everyone"}', '" a@here.org"'),
  ],
  ["a slash command", "</roll dice:816437322781949972>", paragraph('{"type":"code","text":"/roll dice"}')],
  [
    "a custom emoji that moves",
    "<a:party:12>",
    paragraph(
      '{"type":"emoji","name":"party","source":{"kind":"remote","id":"12","url":"https://cdn.example/emojis/12.gif","animated":true}}',
    ),
  ],
  ["a moment out of all time", "<t:99999999999999:R>", paragraph('"<t:99999999999999:R>"')],
  [
    "a link with brackets in its address",
    "[a](https://x.org/a_(b))",
    paragraph('{"type":"link","url":"https://x.org/a_(b)","content":["a"]}'),
  ],
  ["a link without a preview", "<https://x.org>", paragraph('{"type":"link","url":"https://x.org","content":["https://x.org"]}')],
  ["a link to nothing of the web", "[a](javascript:alert(1))", paragraph('"[a](javascript:alert(1))"')],
  [
    "an address at the end of a sentence",
    "(https://x.org/a).",
    paragraph('"("', '{"type":"link","url":"https://x.org/a","content":["https://x.org/a"]}', '")."'),
  ],
  [
    "the address of a message",
    "https://discord.com/channels/1/41771983423143937/2",
    paragraph(
      '{"type":"mention","target":{"kind":"message","channel":"41771983423143937","remote":"2","url":"https://discord.com/channels/1/41771983423143937/2"},"text":"https://discord.com/channels/1/41771983423143937/2"}',
    ),
  ],
  [
    "a heading and small text",
    "## H\n-# s",
    '[{"type":"heading","level":2,"content":["H"]},{"type":"paragraph","content":[{"type":"colour","foreground":"#808080","content":["s"]}]}]',
  ],
  ["a quote to the end", ">>> a\nb", '[{"type":"quote","content":[{"type":"paragraph","content":["a",{"type":"break"},"b"]}]}]'],
  [
    "a fence with its language, in a quote",
    "> ```js\n> a\n> ```\nb",
    '[{"type":"quote","content":[{"type":"code","text":"a","language":"js"}]},{"type":"paragraph","content":["b"]}]',
  ],
  [
    "a fence in the middle of a line",
    "a ```b``` c",
    '[{"type":"paragraph","content":["a "]},{"type":"code","text":"b"},{"type":"paragraph","content":[" c"]}]',
  ],
  ["a fence that is never closed", "```a", paragraph('"```a"')],
  [
    "a spoiler over lines and a fence",
    "||a\n```\nb\n```\nc||",
    '[{"type":"paragraph","content":[spoiler("a")]},{"type":"paragraph","content":[spoiler({"type":"code","text":"b"})]},{"type":"paragraph","content":[spoiler("c")]}]',
  ],
  [
    "two paragraphs, and bold over a line",
    "**a\nb**\n\nc",
    '[{"type":"paragraph","content":[bold("a",{"type":"break"},"b")]},{"type":"paragraph","content":["c"]}]',
  ],
];

for (const [says, text, means] of READ) test(`${says} is read`, () => assert.equal(read(text), means));

test("whatever people write on Matrix is shown on Discord as they wrote it, and nothing of it does anything", () => {
  const hard = [
    ...hostileTexts,
    "a *b* **c** _d_ __e__ ~~f~~ ||g|| `h`",
    "# x\n## y\n-# z\n> q\n>>> r\n- l\n* m\n1. n",
    "\\",
    "***",
    "``` x ```",
    "[a](https://e.org)",
    "<t:1:R></a:1><id:home>",
    "__init__.py",
  ];
  for (const text of hard) {
    const clean = text
      .replaceAll(/\r\n?/g, "\n")
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
      .toWellFormed();
    const back = readMarkdown(writeMarkdown(plainText(text)), { ...names, everyone: true });
    assert.equal(toPlain(back).replaceAll("\u200b", "").trim(), clean.replaceAll("\u200b", "").trim());
    assert.ok(!/"type":"(?:mention|emoji|spoiler|bold|italic|code|heading|quote|list)"/.test(JSON.stringify(back)), JSON.stringify(back));
  }
});

test("what was read is written again so that it is read as the same", () => {
  const texts = READ.map(([, text]) => text).filter((text) => !text.includes("@everyone"));
  for (const text of texts) {
    const once = readMarkdown(text, names);
    const again = readMarkdown(writeMarkdown(once), names);
    assert.equal(toPlain(again).replaceAll("\u200b", "").trim(), toPlain(once).trim(), text);
  }
});

test("neighbours that would be read as one run are kept apart", () => {
  const bold = (text: string) => ({ type: "bold" as const, content: [{ type: "text" as const, text }] });
  const italic = (text: string) => ({ type: "italic" as const, content: [{ type: "text" as const, text }] });
  for (const content of [
    [bold("a"), italic("b")],
    [italic("a"), bold("b")],
    [bold("a"), bold("b")],
  ]) {
    const back = readMarkdown(writeMarkdown([{ type: "paragraph", content }]), names);
    const found = back
      .flatMap((block) => ("content" in block ? (block.content as { type: string }[]) : []))
      .filter(({ type }) => type !== "text");
    assert.deepEqual(
      found.map(({ type }) => type),
      content.map(({ type }) => type),
    );
  }
});

test("three backticks within code do not end it, and a single one does not end inline code", () => {
  assert.equal(writeMarkdown([{ type: "code", text: "a ``` b" }]), "```\na `\u200b`` b\n```");
  const back = readMarkdown(writeMarkdown([{ type: "paragraph", content: [{ type: "code", text: "a`b" }] }]), names);
  assert.deepEqual(back, [{ type: "paragraph", content: [{ type: "code", text: "a`b" }] }]);
});

test("addresses are left alone, for a backslash would break them", () => {
  assert.equal(escapeText("see https://x.org/a_b_c*d and *e*"), "see https://x.org/a_b_c*d and \\*e\\*");
});

const HOSTILE: Readonly<Record<string, string>> = {
  stars: "*".repeat(4000),
  "stars apart": "* ".repeat(2000),
  "stars and letters": "*a".repeat(2000),
  "bold never closed": "**a".repeat(1300),
  "each sign in turn": "*_~~||`[<@h".repeat(360),
  nested: `${"**_~~".repeat(400)}x${"~~_**".repeat(400)}`,
  backticks: "`a``b```c````".repeat(300),
  brackets: "[".repeat(2000) + "](".repeat(1000),
  "links never closed": "](https://".repeat(400),
  "links in links": `${"[".repeat(1000)}a${"](https://x.org)".repeat(180)}`,
  addresses: "https://.".repeat(400),
  fences: "```".repeat(1300),
  "lists ever deeper": Array.from({ length: 80 }, (_, index) => `${" ".repeat(index)}- a`).join("\n"),
  spoilers: "||a".repeat(1333),
};

test("hostile text costs no more than its length, and its tree is never deep", () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    const begun = performance.now();
    const tree = readMarkdown(text, names);
    const took = performance.now() - begun;
    assert.ok(took < 150, `${name} took ${took.toFixed(0)} ms`);
    assert.ok(depthOf(tree) < 40, name);
    assert.ok(writeMarkdown(tree).length > 0, name);
  }
});

test("more than Discord lets people write is read too, its end as it is", () => {
  const text = `${"**a** ".repeat(4000)}the end`;
  assert.ok(toPlain(readMarkdown(text, names)).endsWith("the end"));
});
