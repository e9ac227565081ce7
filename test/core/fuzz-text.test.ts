import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHtml } from "../../core/matrix/html-parse.ts";
import { isPlain, writeHtml } from "../../core/matrix/html-write.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { RichText } from "../../core/model/richtext.ts";
import { split } from "../../core/model/split.ts";
import { blocks, depthOf, inlines } from "../../core/model/walk.ts";
import { html, richText } from "./random-text.ts";
import { chanceOf } from "./seeded.ts";

const ROUNDS = 2000;

/** What the specification lets clients show, as the bridge writes it. */
const ALLOWED =
  /^<(?:\/?(?:strong|em|del|u|code|pre|p|blockquote|ul|ol|li|table|thead|tbody|tr|th|td|h[1-6]|span|a|sub)|br|hr|pre><code class="language-[\w+#.-]+"|code class="language-[\w+#.-]+"|ol start="-?\d+"|a href="(?:https?|ftp|mailto|magnet):[^"<>]*"|span data-mx-spoiler(?:="[^"<>]*")?|span(?: data-mx-(?:bg-)?color="#[0-9a-fA-F]{6}")+|img data-mx-emoticon src="[^"<>]*" alt="[^"<>]*" title="[^"<>]*" height="32")>$/;

function assertSafe(written: string, seed: number): void {
  for (const [tag] of written.matchAll(/<[^>]*>?/g)) assert.match(tag, ALLOWED, `seed ${seed}: ${tag}`);
}

/** Letters alone: white space may go at a cut, and marks of lists and quotes may come. */
function said(body: RichText): string {
  const texts: string[] = [];
  for (const block of blocks(body)) if (block.type === "code") texts.push(block.text);
  for (const node of inlines(body)) if (node.type === "text" || node.type === "code") texts.push(node.text);
  return [...texts.join("").replace(/\s/g, "")].sort().join("");
}

test("whatever HTML comes in, what is made of it is shallow, safe, and the same when read once more", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const source = html(chanceOf(seed));
    const body = parseHtml(source);
    const written = writeHtml(body);
    assert.ok(depthOf(body) <= 100);
    assertSafe(written, seed);
    assert.equal(writeHtml(parseHtml(written)), written, `seed ${seed}: ${source}`);
    for (const node of inlines(body)) if (node.type === "text") assert.doesNotMatch(node.text, /[^\P{Cc}\t]/u, `seed ${seed}`);
  }
});

test("whatever a network's converter gives, the HTML of it is safe and the plain text says as much", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const body = richText(chanceOf(seed));
    const written = writeHtml(body);
    assertSafe(written, seed);
    if (isPlain(body)) assert.doesNotMatch(written, /<(?!br>|\/?p>)/, `seed ${seed}`);
    const plain = toPlain(body).replace(/\s/g, "");
    for (const node of inlines(body)) if (node.type === "text") assert.ok(plain.includes(node.text.replace(/\s/g, "")), `seed ${seed}`);
  }
});

test("whatever is split fits, in order, and nothing that was said is lost", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const chance = chanceOf(seed);
    const body = richText(chance);
    const limit = 150 + chance.whole(300);
    const parts = split(body, limit, (part) => writeHtml(part).length + toPlain(part).length / 100);
    for (const part of parts) assert.ok(writeHtml(part).length <= limit, `seed ${seed}: ${writeHtml(part).length} of ${limit}`);
    const plain = split(body, 500, (part) => toPlain(part).length);
    assert.equal(said(plain.flat()), said(body), `seed ${seed}`);
  }
});
