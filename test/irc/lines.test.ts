/** Long texts as lines: exact to the byte, between words, never within a character. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { clipBytes, room, wrap } from "../../bridges/irc/lines.ts";
import { type Run, readRuns } from "../../bridges/irc/runs.ts";

const plain = (text: string): Run[] => [{ text, look: {} }];
const bytes = (text: string): number => Buffer.byteLength(text);
const stripped = (line: string): string =>
  readRuns(line)
    .map((run) => run.text)
    .join("");

suite("the room for words", () => {
  test("is what 512 bytes leave beside the mask, the command, the target and the line's end", () => {
    const mask = { nick: "causeway", user: "~bridge", host: "example.org" };
    const line = `:causeway!~bridge@example.org PRIVMSG #causeway :${"x".repeat(room(mask, "PRIVMSG", "#causeway"))}\r\n`;
    assert.equal(bytes(line), 512);
  });

  test("counts bytes, not letters", () => {
    const mask = { nick: "n", user: "u", host: "h" };
    assert.equal(room(mask, "PRIVMSG", "#ünï"), room(mask, "PRIVMSG", "#unii!"));
  });
});

suite("wrapping", () => {
  const rows: readonly (readonly [shows: string, text: string, limit: number, lines: readonly string[]])[] = [
    ["what fits stays whole", "good morning", 12, ["good morning"]],
    ["one byte too many moves the last word", "good morning", 11, ["good", "morning"]],
    ["spaces at the cut are left out", "good     morning", 8, ["good", "morning"]],
    ["a word longer than a line is cut", "aaaaaaaaaa bb", 4, ["aaaa", "aaaa", "aa", "bb"]],
    ["two bytes a letter", "жжжж", 5, ["жж", "жж"]],
    ["a family stays together", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 30, ["👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"]],
    ["a flag stays together", "a🇩🇪🇫🇷", 9, ["a🇩🇪", "🇫🇷"]],
    ["nothing is one empty line", "", 5, [""]],
  ];
  for (const [shows, text, limit, lines] of rows) test(shows, () => assert.deepEqual(wrap(plain(text), { limit }), lines));

  test("the name stands before each line and counts", () => {
    assert.deepEqual(wrap(plain("one two three"), { limit: 10, prefix: "<a> " }), ["<a> one", "<a> two", "<a> three"]);
  });

  test("a format is closed at the end of each line and opened again in the next", () => {
    const lines = wrap([{ text: "one two three", look: { bold: true } }], { limit: 9 });
    assert.deepEqual(lines, ["\x02one two\x02", "\x02three\x02"]);
  });

  test("lines that are joined again keep their spaces", () => {
    const text = "the quick  brown fox jumps";
    assert.equal(wrap(plain(text), { limit: 9, keepSpaces: true }).join(""), text);
  });

  test("a letter with a thousand accents is cut between its code points rather than never", () => {
    const lines = wrap(plain(`a${"\u0301".repeat(1000)}b`), { limit: 100 });
    assert.equal(lines.join(""), `a${"\u0301".repeat(1000)}b`);
    for (const line of lines) assert.ok(bytes(line) <= 100);
  });

  test("whatever the text and the formats, no line is too long, no letter is lost, and none is cut in half", () => {
    const alphabet = ["a", "ж", "語", "👩‍👩‍👧‍👦", "é", " ", "  ", "word ", "🇩🇪", ",5", "9", "e\u0301"];
    const looks = [
      {},
      { bold: true as const },
      { foreground: "#ff0000" },
      { spoiler: true as const },
      { italic: true as const, background: "#00ff00" },
    ];
    let seed = 7;
    const random = (most: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % most;
    for (let round = 0; round < 300; round++) {
      const runs = Array.from({ length: 1 + random(6) }, (): Run => {
        const text = Array.from({ length: 1 + random(30) }, () => alphabet[random(alphabet.length)]).join("");
        return { text, look: looks[random(looks.length)] as Run["look"] };
      });
      const limit = 45 + random(100);
      const lines = wrap(runs, { limit, prefix: "<n> " });
      const all = runs.map((run) => run.text).join("");
      for (const line of lines) {
        assert.ok(bytes(line) <= limit, `${bytes(line)} of ${limit}: ${JSON.stringify(line)}`);
        assert.ok(line.isWellFormed() && line.startsWith("<n> "));
      }
      const letters = (words: string): string => words.replaceAll(" ", "");
      assert.equal(letters(lines.map((line) => stripped(line).slice(4)).join("")), letters(all));
    }
  });
});

suite("clipping", () => {
  test("keeps whole characters and says that something is missing", () => {
    assert.equal(clipBytes("good", 4), "good");
    assert.equal(clipBytes("good morning", 8), "good…");
    assert.equal(clipBytes("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 40), "👩‍👩‍👧‍👦…");
    for (let limit = 8; limit < 40; limit++) assert.ok(bytes(clipBytes("жщ語👩‍👩‍👧‍👦 und", limit)) <= limit, String(limit));
  });
});
