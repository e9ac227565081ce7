import assert from "node:assert/strict";
import { test } from "node:test";
import { toHtml } from "../../core/matrix/html.ts";
import { readTyped } from "./typed.ts";

const html = (text: string) => toHtml(readTyped(text, (name) => name === "anna"));

test("what people type is formatted as in most chat programs", () => {
  assert.equal(
    html("**bold** *italic* _too_ ~~gone~~ __under__ `code`"),
    "<strong>bold</strong> <em>italic</em> <em>too</em> <del>gone</del> <u>under</u> <code>code</code>",
  );
  assert.equal(html("||who did it||"), "<span data-mx-spoiler>who did it</span>");
  assert.equal(html("[site](https://example.org/)"), '<a href="https://example.org/">site</a>');
  assert.equal(html("```js\nlet a;\n```"), '<pre><code class="language-js">let a;\n</code></pre>');
});

test("lines make quotes and lists", () => {
  assert.match(html("> so they say") ?? "", /<blockquote>/);
  assert.match(html("- one\n- two") ?? "", /<ul><li>.*one.*<\/li><li>.*two.*<\/li><\/ul>/);
});

test("a name that somebody bears is a mention, any other is text", () => {
  const mentions = (text: string) => JSON.stringify(readTyped(text, (name) => name === "anna")).includes("mention");
  assert.deepEqual([mentions("hello @anna"), mentions("hello @nobody"), mentions("mail me@anna")], [true, false, false]);
});

test("marks that are not closed, or stand within a word, are text", () => {
  for (const text of ["2 * 3 * 4", "snake_case_name", "**open", "a ` b", "5 ~~ 6"]) assert.equal(html(text), undefined, text);
});
