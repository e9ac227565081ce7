import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capabilities, Degree, Format } from "../../core/capabilities.ts";
import { correction } from "../../core/correction.ts";
import { fit, reactionLine } from "../../core/fit.ts";
import { parseHtml } from "../../core/matrix/html-parse.ts";
import { mxid, remoteMessageId, remoteThreadId, remoteUserId } from "../../core/model/ids.ts";
import type { OutFile, OutMessage, Poll, ReplyTarget } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import { plainText, type RichText } from "../../core/model/richtext.ts";
import { mentions } from "../../core/model/walk.ts";

const FORMATS: readonly Format[] = [
  "bold",
  "italic",
  "strike",
  "underline",
  "code",
  "codeBlock",
  "spoiler",
  "colour",
  "quote",
  "list",
  "heading",
  "table",
  "link",
  "mention",
  "everyone",
  "time",
];

function capable(degree: Degree, more: Partial<Capabilities> = {}): Capabilities {
  const formats = Object.fromEntries(FORMATS.map((format) => [format, degree])) as Record<Format, Degree>;
  const all = { reply: degree, thread: degree, edit: degree, delete: degree, deleteOthers: degree, react: degree, reactEach: degree };
  const things = { customEmoji: degree, speaker: degree, files: degree, poll: degree, pin: degree, topic: degree, name: degree };
  const rest = { typing: degree, read: degree, kick: degree, ban: degree, history: degree };
  const text = { length: 2000, unit: "utf16" } as const;
  return { ...all, ...things, ...rest, formats, text, fileSize: 1_000_000, ids: true, ...more };
}

const hello: OutMessage = {
  speaker: { mxid: mxid("@alice:example.org"), name: "Alice", own: false },
  style: "text",
  body: plainText("hello"),
};
const target: ReplyTarget = {
  message: remoteMessageId("7"),
  author: remoteUserId("toy/bob"),
  authorName: "bob",
  excerpt: "shall we have lunch?",
  latest: false,
};
const open = () => Promise.reject(new Error("never opened here"));
const cat: OutFile = { kind: "image", name: "cat.png", mimetype: "image/png", size: 1_258_291, open, link: "https://media.example.org/a" };
const poll: Poll = {
  question: "Lunch?",
  answers: [
    { id: "a", text: "Soup" },
    { id: "b", text: "Pie" },
  ],
  maxSelections: 1,
  disclosed: true,
};

function fitted(message: Partial<OutMessage>, capabilities: Capabilities): OutMessage {
  const fitting = fit({ ...hello, ...message }, capabilities);
  if ("refused" in fitting) throw new Error(fitting.refused);
  return fitting.message;
}
const words = (message: Partial<OutMessage>, capabilities: Capabilities): string => toPlain(fitted(message, capabilities).body);

test("what a network can show goes over as it is", () => {
  const whole: OutMessage = {
    ...hello,
    file: { ...cat, size: 1000 },
    reply: target,
    thread: { id: remoteThreadId("T"), excerpt: "x" },
    poll,
  };
  for (const degree of ["full", "partial"] as const) assert.deepEqual(fitted(whole, capable(degree)), whole);
});

test("a reply says whom it answers, and what, when that was not said just now", () => {
  assert.equal(words({ reply: target }, capable("fallback")), '[re bob: "shall we have lunch?"] hello');
  assert.equal(words({ reply: { ...target, latest: true } }, capable("fallback")), "bob: hello");
  assert.equal(words({ reply: { ...target, excerpt: "" } }, capable("fallback")), "[re bob] hello");
  assert.equal(fitted({ reply: target }, capable("fallback")).reply, undefined);
  const [mention] = mentions(fitted({ reply: target }, capable("fallback")).body);
  assert.deepEqual(mention?.target, { kind: "person", remote: "toy/bob" });
});

test("a long excerpt is cut at a word", () => {
  const excerpt = "the quick brown fox jumps over the lazy dog and then it has a very long rest";
  assert.equal(
    words({ reply: { ...target, excerpt } }, capable("fallback")),
    '[re bob: "the quick brown fox jumps over the lazy dog and then it has…"] hello',
  );
});

test("a reply to what never reached the network is told in words, whatever the network can do", () => {
  const { message: _, ...unknown } = target;
  assert.equal(words({ reply: unknown }, capable("full")), '[re bob: "shall we have lunch?"] hello');
  assert.equal(words({ reply: target }, capable("full", { ids: false })), '[re bob: "shall we have lunch?"] hello');
});

test("a message in a thread begins with the thread's first words", () => {
  assert.equal(words({ thread: { id: remoteThreadId("T"), excerpt: "where to eat" } }, capable("fallback")), "[↳ where to eat] hello");
  assert.equal(words({ thread: { excerpt: "where to eat" } }, capable("full")), "[↳ where to eat] hello");
  assert.equal(words({ thread: { excerpt: "" } }, capable("full")), "[↳ thread] hello");
  assert.equal(
    words({ thread: { excerpt: "where to eat" }, reply: { ...target, latest: true } }, capable("fallback")),
    "[↳ where to eat] bob: hello",
  );
});

test("a file that the network does not take is a link with its name, size and kind", () => {
  const link = "cat.png (1.2 MB, image/png): https://media.example.org/a";
  assert.equal(words({ file: cat, body: [] }, capable("fallback")), link);
  assert.equal(words({ file: cat }, capable("full")), `hello\n\n${link}`);
  const { fileSize: _, ...withoutSize } = capable("full");
  assert.equal(words({ file: { ...cat, size: 1 }, body: [] }, withoutSize), "cat.png (1 byte, image/png): https://media.example.org/a");
  assert.equal(
    words({ file: { ...cat, spoiler: true, description: "a grey\ncat" }, body: [] }, capable("fallback")),
    `(spoiler) cat.png (1.2 MB, image/png) “a grey cat”: https://media.example.org/a`,
  );
});

test("without a public address a file is still told of", () => {
  const { link: _, ...unlinked } = cat;
  assert.equal(words({ file: unlinked, body: [] }, capable("fallback")), "cat.png (1.2 MB, image/png), which can be opened on Matrix only");
});

test("a poll is a numbered text that says where votes are given", () => {
  assert.equal(words({ poll, body: [] }, capable("fallback")), "📊 Lunch?\n1. Soup\n2. Pie\nVote by writing !vote and the number.");
});

test("what does not cross at all is refused in a sentence", () => {
  assert.deepEqual(fit({ ...hello, file: cat }, capable("refused")), { refused: "Files do not cross to this network." });
  assert.deepEqual(fit({ ...hello, poll }, capable("refused")), { refused: "Polls do not cross to this network." });
  assert.ok("message" in fit(hello, capable("refused")));
});

test("everybody is rung only where the network and its link let that happen", () => {
  const body: RichText = [
    { type: "paragraph", content: [{ type: "mention", target: { kind: "everyone", allowed: true }, text: "@room" }] },
  ];
  const target = (degree: Degree) => mentions(fitted({ body }, capable(degree)).body)[0]?.target;
  assert.deepEqual(target("full"), { kind: "everyone", allowed: true });
  assert.deepEqual(target("fallback"), { kind: "everyone", allowed: false });
});

const corrected = (before: string, after: string): string | undefined => {
  const line = correction(parseHtml(before), parseHtml(after));
  return line && toPlain(line);
};

test("a correction says only what changed, with a word on each side", () => {
  assert.equal(
    corrected("we meet at noon in the park near the lake", "we meet at one in the park near the lake"),
    '✎ "at noon in" → "at one in"',
  );
  assert.equal(corrected("the cat sat on the mat", "the black cat sat on the mat"), '✎ "the cat" → "the black cat"');
  assert.equal(
    corrected("one two three four five six seven eight nine ten", "one 2 three four five six seven eight 9 ten"),
    '✎ "one two three" → "one 2 three", "eight nine ten" → "eight 9 ten"',
  );
});

test("where most of a text changed, the new one stands after a star, formatted", () => {
  assert.equal(corrected("hello", "goodbye"), "* goodbye");
  assert.equal(corrected("", "now there is something"), "* now there is something");
  assert.deepEqual(correction(plainText("a"), parseHtml("<b>b</b>")), [
    {
      type: "paragraph",
      content: [
        { type: "text", text: "* " },
        { type: "bold", content: [{ type: "text", text: "b" }] },
      ],
    },
  ]);
  assert.equal(corrected("x", "<pre>code</pre>"), "* \ncode");
});

test("white space, case and punctuation alone are no correction; a number's point or a name's dot is", () => {
  for (const [before, after] of [
    ["hello world", "Hello,  world!"],
    ["its fine", "it's fine"],
    ["really?", "really"],
    ["so <b>bold</b>", "so bold"],
  ] as const) {
    assert.equal(corrected(before, after), undefined, after);
  }
  assert.equal(corrected("it is at 1.5 now, I believe so", "it is at 15 now, I believe so"), '✎ "at 1.5 now," → "at 15 now,"');
  assert.equal(corrected("see you at 10:30", "see you at 1030"), '✎ "at 10:30" → "at 1030"');
  assert.equal(corrected("please go to exampleorg", "please go to example.org"), '✎ "to exampleorg" → "to example.org"');
});

test("a link that leads elsewhere is a correction", () => {
  assert.equal(
    corrected('all of it is <a href="https://a.example/">here</a> to read', 'all of it is <a href="https://b.example/">here</a> to read'),
    '✎ "here (https://a.example/) to" → "here (https://b.example/) to"',
  );
});

test("texts of 60 KB are compared without a hang", () => {
  const long = "lorem ipsum ".repeat(5000);
  const start = performance.now();
  assert.match(corrected(long, `${long} more`) ?? "", /^✎ "ipsum" → "ipsum more"$/);
  assert.match(corrected(long, long.replaceAll("ipsum", "dolor")) ?? "", /^\* lorem dolor/);
  assert.ok(performance.now() - start < 3000);
});

test("reactions are told in one line", () => {
  const line = (...args: Parameters<typeof reactionLine>) => toPlain(reactionLine(...args));
  assert.equal(line("Alice", "👍"), "Alice reacted with 👍");
  assert.equal(line(["Alice", "Bob"], "👍", target), 'Alice and Bob reacted with 👍 to bob: "shall we have lunch?"');
  assert.equal(line(["a", "b", "c", "d", "e", "f", "g"], "mxc://example.org/x"), "a, b, c, d, e and 2 more reacted with a picture");
});
