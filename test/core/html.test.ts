import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHtml, toHtml } from "../../core/matrix/html.ts";
import { parseHtml } from "../../core/matrix/html-parse.ts";
import { writeHtml } from "../../core/matrix/html-write.ts";
import { readMatrixLink, writeMatrixLink } from "../../core/matrix/uri.ts";
import { eventId, mxid, roomAlias, roomId } from "../../core/model/ids.ts";
import { toPlain } from "../../core/model/plain.ts";
import { type Block, type Inline, plainText, type RichText } from "../../core/model/richtext.ts";
import { depthOf } from "../../core/model/walk.ts";

const text = (words: string): Inline => ({ type: "text", text: words });
const one = (...content: Inline[]): RichText => [{ type: "paragraph", content }];
/** What the bridge makes of HTML, as the HTML that it would write itself. */
const again = (html: string): string => writeHtml(parseHtml(html));

/** HTML as clients write it, and as it comes out again: what both sides of the arrow show the same. */
const STEADY = [
  "plain words",
  "<strong>bold</strong> <em>italic</em> <del>strike</del> <u>underline</u> <code>code</code>",
  "<strong>a <em>b</em></strong><em> c</em>",
  "one<br>two",
  "<p>one</p><p>two</p>",
  "<h1>a</h1><h6>b</h6>",
  "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>",
  '<pre><code class="language-rust">fn main() {\n    let a = &amp;b;\n}\n</code></pre>',
  "<ul><li>a<ul><li>b</li></ul></li><li>c<p>d</p></li></ul>",
  '<ol start="3"><li>x</li><li>y</li></ol>',
  "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
  "<p>above</p><hr><p>below</p>",
  '<span data-mx-spoiler>butler</span> <span data-mx-spoiler="the end">gardener</span>',
  '<span data-mx-color="#ff0000">red</span> <span data-mx-color="#ffffff" data-mx-bg-color="#000000">night</span>',
  '<a href="https://example.org/?a=1&amp;b=2">a <strong>link</strong></a>',
  '<a href="https://matrix.to/#/@alice:example.org">Alice</a> <a href="https://matrix.to/#/#room:example.org">the room</a>',
  '<img data-mx-emoticon src="mxc://example.org/a" alt=":party:" title=":party:" height="32">',
  "1 &lt; 2 &amp;&amp; &quot;3&quot; &gt; &#39;2&#39;",
];

test("what is written as HTML is read as the same", () => {
  for (const html of STEADY) assert.equal(again(html), html);
});

test("HTML that clients and people write in other ways is understood", () => {
  const table: readonly (readonly [string, string])[] = [
    ["<b>a</b> <i>b</i> <s>c</s> <strike>d</strike> <tt>e</tt>", "<strong>a</strong> <em>b</em> <del>c</del> <del>d</del> <code>e</code>"],
    ["<b>a</b><b>b</b>", "<strong>ab</strong>"],
    ["<b>a<b>b</b>c</b>", "<strong>abc</strong>"],
    ["<p>a   b\n c</p>\n\n<p> d </p>", "<p>a b c</p><p>d</p>"],
    ["a<br/>\nb<br>", "a<br>b"],
    ["<div>a</div><div>b</div>c", "a<br>b<br>c"],
    ["<b><p>a</p><p>b</p></b>", "<p><strong>a</strong></p><p><strong>b</strong></p>"],
    ["<p>a <ul><li>b</li></ul> c</p>", "<p>a</p><ul><li>b</li></ul><p>c</p>"],
    ["<ol><li>a<li>b</ol>", "<ol><li>a</li><li>b</li></ol>"],
    ["<pre>a\n  b</pre>", "<pre><code>a\n  b\n</code></pre>"],
    [
      "<font color=red>a</font> <font color='#ABC'>b</font>",
      '<span data-mx-color="#ff0000">a</span> <span data-mx-color="#aabbcc">b</span>',
    ],
    ["<details><summary>More</summary>hidden</details>", "<blockquote><p><strong>More</strong></p><p>hidden</p></blockquote>"],
    [
      "<table><caption>C</caption><tr><th>a<th>b<tr><td>1</table>",
      "<p>C</p><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td></td></tr></tbody></table>",
    ],
    ["10<sup>2</sup> H<sub>2</sub>O", "10² H2O"],
    ['<span data-mx-maths="x^2"><code>x squared</code></span> is', "<code>x^2</code> is"],
    ['<img src="mxc://example.org/cat" alt="a cat">', "[a cat]"],
    ["<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"],
    ["<center>kept</center>", "kept"],
    ["&eacute;&#233;&#xe9; &nbsp;|", "ééé \u00a0|"],
  ];
  for (const [html, expected] of table) assert.equal(again(html), expected, html);
});

test("tags that are closed in the wrong order, or never, format what they look as if they did", () => {
  assert.equal(again("<b>1<i>2</b>3</i>4"), "<strong>1<em>2</em></strong><em>3</em>4");
  assert.equal(again("<b>never closed"), "<strong>never closed</strong>");
  assert.equal(again("closed</b> but never opened</p></table>"), "closed but never opened");
  assert.equal(again("<td>a cell</td> alone"), "<p>alone</p><table><tbody><tr><td>a cell</td></tr></tbody></table>");
});

test("links to people, rooms and events are mentions, in both notations", () => {
  const body = parseHtml(
    '<a href="matrix:u/alice:example.org">@Alice</a> <a href="https://matrix.to/#/%23room%3Aexample.org">#room</a> ' +
      '<a href="https://matrix.to/#/!abc:example.org?via=example.org">here</a> <a href="matrix:roomid/abc/e/def?via=x">this</a>',
  );
  const space = text(" ");
  assert.deepEqual(
    body,
    one(
      { type: "mention", target: { kind: "person", mxid: mxid("@alice:example.org") }, text: "Alice" },
      space,
      { type: "mention", target: { kind: "channel", alias: roomAlias("#room:example.org") }, text: "#room" },
      space,
      { type: "mention", target: { kind: "channel", room: roomId("!abc:example.org") }, text: "here" },
      space,
      {
        type: "mention",
        target: { kind: "message", room: roomId("!abc"), event: eventId("$def"), url: "matrix:roomid/abc/e/def?via=x" },
        text: "this",
      },
    ),
  );
});

test("a mention's text never carries an effect of its own", () => {
  assert.equal(toPlain(parseHtml('<a href="https://matrix.to/#/@evil:example.org">@everyone</a>')), "everyone");
  assert.equal(toPlain(parseHtml('<a href="https://matrix.to/#/@evil:example.org"></a>')), "@evil:example.org");
});

test("Matrix links are read and written; what only looks like one is none", () => {
  const link = { kind: "event", room: roomId("!a/b:example.org"), event: eventId("$c+d") } as const;
  assert.equal(
    writeMatrixLink(link, ["example.org", "x:8448"]),
    "https://matrix.to/#/!a%2Fb:example.org/$c%2Bd?via=example.org&via=x%3A8448",
  );
  const user = { kind: "user", mxid: mxid("@_irc_libera_#a/b:example.org") } as const;
  assert.deepEqual(readMatrixLink(writeMatrixLink(user)), user);
  for (const other of [
    "https://matrix.to/",
    "https://matrix.to/#/",
    "https://matrix.to/#/@alice",
    "https://matrix.to/#/%",
    "https://matrix.to.evil.org/#/@alice:example.org",
    "https://matrix.to/#/!room/$event/more",
    "matrix:x/alice:example.org",
    "matrix:u",
    `https://matrix.to/#/@${"a".repeat(300)}:example.org`,
  ]) {
    assert.equal(readMatrixLink(other), undefined, other);
  }
});

test("nothing dangerous comes through: scripts, other schemes, attributes, tags in text", () => {
  assert.equal(again("<script>alert('<b>')</script>a<style>b{}</style>"), "a");
  assert.equal(
    again('<a href="javascript:alert(1)">x</a><a href="JAVA\nSCRIPT:x">y</a><a href="/path">z</a><a href="data:text/html,x">w</a>'),
    "xyzw",
  );
  assert.equal(again('<p onclick="x()" style="position:fixed">a</p>'), "a");
  assert.equal(again('<img src=x onerror="alert(1)">'), "");
  const hostile = '"><script>alert(1)</script>';
  const body: RichText = [
    {
      type: "paragraph",
      content: [
        text(hostile),
        { type: "link", url: `https://example.org/${hostile}`, content: [text(hostile)] },
        { type: "link", url: "javascript:alert(1)", content: [text("x")] },
        { type: "spoiler", reason: hostile, content: [text("x")] },
        { type: "colour", foreground: hostile, content: [text("x")] },
        { type: "emoji", name: hostile },
        { type: "mention", target: { kind: "message", url: "javascript:alert(1)" }, text: hostile },
      ],
    },
    { type: "code", language: hostile, text: hostile },
  ];
  const html = writeHtml(body);
  assert.doesNotMatch(html, /<script|javascript:|"[^ =>/]*<|language-/);
  assert.equal(toPlain(parseHtml(html)).includes("<script>"), true);
});

test("text without formatting has no HTML", () => {
  const url = "https://example.org/";
  assert.equal(toHtml(plainText("a\nb < c")), undefined);
  assert.equal(toHtml([...plainText("a"), ...plainText("b")]), undefined);
  assert.equal(toHtml(one({ type: "link", url, content: [text(url)] })), undefined);
  assert.equal(toHtml(one({ type: "emoji", name: "party", source: { kind: "remote", id: "1" } })), undefined);
  assert.equal(toHtml(one({ type: "mention", target: { kind: "everyone", allowed: true }, text: "@room" })), undefined);
  assert.equal(toHtml(one({ type: "link", url, content: [text("there")] })), `<a href="${url}">there</a>`);
  assert.equal(toHtml(one({ type: "bold", content: [text("a")] })), "<strong>a</strong>");
});

test("HTML that says nothing gives way to the plain text beside it", () => {
  assert.deepEqual(fromHtml("", "body"), plainText("body"));
  assert.deepEqual(fromHtml("<mx-reply>never closed", "body"), plainText("body"));
  assert.deepEqual(fromHtml("<p> </p>", ""), []);
});

test("60 KB of the worst kinds neither hang the reader nor make a deep tree", () => {
  const fill = (piece: string, size = 65_000): string => piece.repeat(Math.floor(size / piece.length));
  const numbered = (piece: (index: number) => string, count: number): string =>
    Array.from({ length: count }, (_, index) => piece(index)).join("");
  const kinds: Record<string, string> = {
    "a nest of divisions": fill("<div>"),
    "a nest of quotes": `${fill("<blockquote>", 60_000)}x`,
    "a nest of lists": fill("<ul><li>a"),
    "4000 bolds": `${"<b>".repeat(4000)}x${"</b>".repeat(4000)}`,
    "formats closed in the wrong order": fill("<b>x<i>y</b>z</i>"),
    "4000 open colours, then paragraphs":
      numbered((index) => `<font color="#${(index + 0x100000).toString(16)}">`, 2000) + fill("<p>x", 15_000),
    "spoilers in spoilers": fill("<span data-mx-spoiler>a"),
    "cells without tables": fill("<td>a"),
    "rows of cells": `<table>${"<td>".repeat(6000)}${"<tr><td>".repeat(4000)}`,
    "10000 attributes": `<a ${numbered((index) => `a${index.toString(36)}=1 `, 9000)}>x</a>`,
    "one huge attribute": `<a href="https://example.org/${"x".repeat(64_000)}">text</a>`,
    entities: fill("&amp;&#x110000;&notit;"),
    "broken tags": fill("</<!--><"),
    words: fill("a "),
    "line breaks": fill("x<br>"),
    "replies in replies": fill("<mx-reply>"),
  };
  for (const [name, html] of Object.entries(kinds)) {
    const start = performance.now();
    const body = parseHtml(html);
    writeHtml(body);
    const took = performance.now() - start;
    // A few milliseconds each; only what grows with the square of the text takes this long.
    assert.ok(took < 3000, `${name}: ${took} ms`);
    assert.ok(depthOf(body) <= 100, name);
  }
  assert.equal(toPlain(parseHtml(kinds["4000 bolds"] as string)), "x");
  assert.equal(toPlain(parseHtml(kinds["one huge attribute"] as string)), "text");
});

test("a tree that is not from HTML is written however deep it is", () => {
  const nest = Array.from({ length: 50_000 }).reduce<Block>(
    (inner) => ({ type: "quote", content: [inner] }),
    plainText("deep")[0] as Block,
  );
  assert.ok(writeHtml([nest]).includes("deep"));
});
