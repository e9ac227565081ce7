/** What becomes of a Matrix message on its way to Slack. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BEST, BLOCKS_LENGTH, OWN, RELAY, TEXT_LENGTH } from "../../bridges/slack/capabilities.ts";
import { messageId } from "../../bridges/slack/ids.ts";
import { chosen, readPressed, tallied } from "../../bridges/slack/polls.ts";
import { blocksLength, toParts } from "../../bridges/slack/to-slack.ts";
import { readBlocks } from "../../bridges/slack/blocks.ts";
import type { FileWire, PostWire } from "../../bridges/slack/wire.ts";
import { Refused } from "../../core/model/errors.ts";
import { mxid, remoteThreadId } from "../../core/model/ids.ts";
import type { OutFile, OutMessage, Poll, Speaker } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { RichText } from "../../core/model/richtext.ts";
import { checkBlocks } from "../fakes/slack/check-blocks.ts";
import type { Team } from "../fakes/slack/state.ts";
import { lanterns } from "./fixtures.ts";

const anna: Speaker = { mxid: mxid("@anna:example.org"), name: "Anna", avatarUrl: "https://example.org/a/1", own: false };
const team = { users: new Map() } as unknown as Team;

const saying = (text: string): RichText => [{ type: "paragraph", content: [{ type: "text", text }] }];
const out = (more: Partial<OutMessage>): OutMessage => ({ speaker: anna, style: "text", body: saying("hello"), ...more });
const wires = (message: OutMessage, capabilities = RELAY): PostWire[] => toParts(message, capabilities).map(({ wire }) => wire as PostWire);
const wire = (message: OutMessage, capabilities = RELAY): PostWire => {
  const [only, ...more] = wires(message, capabilities);
  assert.equal(more.length, 0);
  return only as PostWire;
};
const shown = (post: PostWire): string => toPlain(readBlocks(post.blocks, lanterns));

test("a text goes under the speaker's name and picture, as blocks, and as text for notifications", () => {
  assert.deepEqual(wire(out({})), {
    kind: "post",
    text: "hello",
    blocks: [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "hello" }] }] }],
    username: "Anna",
    icon: "https://example.org/a/1",
  });
});

test("what people say through their own login has no name put on it", () => {
  const own = wire(out({ speaker: { ...anna, own: true } }), OWN);
  assert.deepEqual([own.username, own.icon], [undefined, undefined]);
});

test("an app that may not use other names puts them before the text", () => {
  const post = wire(out({}), { ...RELAY, speaker: "fallback" });
  assert.equal(post.username, undefined);
  assert.equal(post.text, "*Anna*: hello");
  assert.equal(shown(post), "Anna: hello");
  const code = wire(out({ body: [{ type: "code", text: "a" }] }), { ...RELAY, speaker: "fallback" });
  assert.match(shown(code), /^Anna: /);
});

test("a name is one line of at most eighty characters, and never empty", () => {
  assert.equal(wire(out({ speaker: { ...anna, name: "Anna\n  of\tthe lamps" } })).username, "Anna of the lamps");
  assert.equal(wire(out({ speaker: { ...anna, name: "\u0007" } })).username, "@anna:example.org");
  const long = wire(out({ speaker: { ...anna, name: "😀".repeat(100) } })).username ?? "";
  assert.ok(long.length <= 80 && long.isWellFormed() && long !== "");
});

test("an emote is italic, because /me can carry no name", () => {
  assert.equal(wire(out({ style: "emote", body: saying("waves") })).text, "_waves_");
});

test("an empty message is still a message", () => {
  for (const body of [[], saying(""), saying("\u0000")]) assert.equal(shown(wire(out({ body }))), "(empty message)");
});

const root = messageId("1700000000.000100");
const reply = { message: root, authorName: "mira", excerpt: "did you oil it?", latest: false };
const thread = remoteThreadId(root);

for (const [what, message, expected] of [
  ["a message in a thread", out({ thread: { id: thread, excerpt: "" } }), { thread }],
  ["a message in a thread that begins with it", out({ thread: { root, excerpt: "" } }), { thread }],
  ["a relayed reply goes into the thread alone", out({ reply }), { thread }],
  [
    "a relayed reply within a thread stays in it",
    out({ reply: { ...reply, message: messageId("1700000001.000100"), thread } }),
    { thread },
  ],
  ["somebody's own reply is shown in the channel too", out({ reply, speaker: { ...anna, own: true } }), { thread, broadcast: true }],
  ["somebody's own reply within a thread stays there", out({ reply: { ...reply, thread }, speaker: { ...anna, own: true } }), { thread }],
  ["a reply to what never came to Slack stands in the channel", out({ reply: { ...reply, message: undefined } as never }), {}],
] as const)
  test(what, () => {
    const post = wire(message as OutMessage);
    const place = { ...(post.thread ? { thread: post.thread } : {}), ...(post.broadcast ? { broadcast: true } : {}) };
    assert.deepEqual(place, expected);
  });

const LONG: readonly [what: string, body: RichText][] = [
  ["words", saying("lamp ".repeat(9000))],
  ["one word", saying("a".repeat(40_000))],
  ["characters that JSON escapes", saying('"\\\n'.repeat(10_000))],
  ["pictures of people", saying("👩🏽‍🚀".repeat(3000))],
  ["bold", [{ type: "paragraph", content: [{ type: "bold", content: [{ type: "text", text: "lamp ".repeat(9000) }] }] }]],
  ["code", [{ type: "code", text: "let lamp;\n".repeat(4000) }]],
  ["lines", Array.from({ length: 3000 }, (_, index) => saying(String(index))[0] as RichText[number])],
  ["dividers", Array.from({ length: 300 }, () => ({ type: "divider" as const }))],
  ["a list", [{ type: "list", items: Array.from({ length: 2000 }, (_, index) => saying(`lamp ${index}`)) }]],
  [
    "a table",
    [
      {
        type: "table",
        heading: true,
        rows: Array.from({ length: 900 }, (_, row) => [
          [{ type: "text" as const, text: `row ${row}` }],
          [{ type: "text" as const, text: "oil" }],
        ]),
      },
    ],
  ],
];

for (const [what, body] of LONG)
  test(`a message too long for Slack goes in parts that it takes, and nothing is lost: ${what}`, () => {
    const posts = wires(out({ body }));
    assert.ok(posts.length > 1);
    for (const post of posts) {
      assert.ok(blocksLength(post.blocks) <= BLOCKS_LENGTH && post.blocks.length <= 50, `${blocksLength(post.blocks)}`);
      assert.ok(post.text.length <= TEXT_LENGTH && post.text.length > 0);
      checkBlocks(post.blocks, team);
    }
    const letters = (text: string): string => text.replaceAll(/[\s|—•-]|\d+\. /g, "");
    assert.equal(letters(posts.map(shown).join("")), letters(toPlain(body)));
  });

test("the parts of a long message go to the same thread under the same name", () => {
  for (const post of wires(out({ body: saying("lamp ".repeat(9000)), thread: { id: thread, excerpt: "" } })))
    assert.deepEqual([post.thread, post.username], [thread, "Anna"]);
});

const photo: OutFile = {
  kind: "image",
  name: "lamp.png",
  mimetype: "image/png",
  size: 3,
  description: "a lamp",
  open: async () => Readable.from(["abc"]),
} as unknown as OutFile;
const fileWire = (message: OutMessage): FileWire => toParts(message, RELAY).at(-1)?.wire as FileWire;

test("a relayed file comes from the app, so the speaker's name stands in its comment", () => {
  assert.deepEqual(fileWire(out({ file: photo, body: saying("look & see") })), {
    kind: "file",
    name: "lamp.png",
    comment: "*Anna*: look &amp; see",
    description: "a lamp",
  });
  assert.equal(fileWire(out({ file: photo, body: [] })).comment, "*Anna*");
});

test("somebody's own file needs no name", () => {
  assert.equal(fileWire(out({ file: photo, body: [], speaker: { ...anna, own: true } })).comment, "");
});

test("a file goes into the thread of what it answers", () => {
  assert.equal(fileWire(out({ file: photo, reply })).thread, thread);
});

test("a long text goes before its file", () => {
  const parts = toParts(out({ file: photo, body: saying("lamp ".repeat(9000)) }), RELAY);
  assert.ok(parts.length > 2);
  assert.deepEqual(
    parts.map((part) => (part.wire as PostWire | FileWire).kind),
    [...parts.slice(1).map(() => "post"), "file"],
  );
});

const poll: Poll = {
  question: "Which <oil>?",
  answers: [
    { id: "w", text: "whale" },
    { id: "o", text: "olive & co" },
  ],
  maxSelections: 1,
  disclosed: true,
};

test("a poll has a button for each answer, and says how many one may choose", () => {
  const post = wire(out({ poll }));
  assert.equal(post.username, "Anna");
  assert.equal(post.text, "Which &lt;oil&gt;?\n1. whale\n2. olive &amp; co");
  assert.equal(shown(post), "Which <oil>?\n\nwhale\n\n[Vote]\n\nolive & co\n\n[Vote]\n\nOne answer each.");
  checkBlocks(post.blocks, team);
});

test("a poll of long answers is cut until Slack takes it", () => {
  const answers = Array.from({ length: 48 }, (_, index) => ({ id: `a${index}`, text: "&<>".repeat(2000) }));
  const post = wire(out({ poll: { ...poll, question: "?".repeat(9000), answers } }));
  assert.ok(JSON.stringify(post.blocks).length <= BLOCKS_LENGTH);
  checkBlocks(post.blocks, team);
  checkBlocks(tallied(post.blocks, { tally: answers.map(({ text }) => ({ text, votes: 9 })), closed: false }), team);
});

test("a poll with more answers than a message holds is refused in a sentence", () => {
  const answers = Array.from({ length: 49 }, (_, index) => ({ id: `a${index}`, text: "lamp" }));
  assert.throws(() => toParts(out({ poll: { ...poll, answers } }), BEST), { name: Refused.name, message: /at most 48 answers/ });
});

test("results stand beside the answers, and in the end without buttons", () => {
  const { blocks } = wire(out({ poll }));
  const tally = [
    { text: "whale", votes: 1 },
    { text: "olive & co", votes: 2 },
  ];
  const open = tallied(blocks, { tally, closed: false });
  assert.equal(toPlain(readBlocks(open, lanterns)), "Which <oil>?\n\nwhale — 1\n\n[Vote]\n\nolive & co — 2\n\n[Vote]\n\n3 votes.");
  const closed = tallied(open, { tally, closed: true });
  assert.equal(toPlain(readBlocks(closed, lanterns)), "Which <oil>?\n\nwhale — 1\n\nolive & co — 2\n\nThe poll is closed: 3 votes.");
  for (const each of [open, closed]) checkBlocks(each, team);
});

test("results that are to stay hidden are shown at the end alone", () => {
  const { blocks } = wire(out({ poll: { ...poll, disclosed: false } }));
  const tally = [
    { text: "whale", votes: 1 },
    { text: "olive & co", votes: 0 },
  ];
  assert.doesNotMatch(JSON.stringify(tallied(blocks, { tally, closed: false })), /whale —/);
  assert.match(JSON.stringify(tallied(blocks, { tally, closed: true })), /whale — \*1\*/);
});

test("blocks of others have no results", () => assert.equal(tallied([{ type: "divider" }, 7], { tally: [], closed: true }), undefined));

for (const [what, before, pressed, most, after] of [
  ["a first answer", [], "a", 1, ["a"]],
  ["another one instead", ["a"], "b", 1, ["b"]],
  ["the same again takes it back", ["a"], "a", 1, []],
  ["a second one, where two are allowed", ["a"], "b", 2, ["a", "b"]],
  ["a third one, where two are allowed, in place of the first", ["a", "b"], "c", 2, ["b", "c"]],
] as const)
  test(`pressing a button: ${what}`, () => assert.deepEqual(chosen(before, pressed, most), after));

test("buttons of others, and presses without a message, are no votes", () => {
  const press = { actions: [{ action_id: "causeway_vote", value: "w" }], channel: { id: "C1" }, message: { ts: root }, user: { id: "U1" } };
  assert.deepEqual(readPressed(press), { channel: "C1", message: root, user: "U1", answer: "w", maxSelections: 1 });
  for (const broken of [{}, { ...press, actions: [{ action_id: "other" }] }, { ...press, message: null }, { ...press, user: 7 }])
    assert.equal(readPressed(broken), undefined);
});

test("the same message always becomes the same parts", () => {
  const message = out({ body: saying("lamp ".repeat(9000)) });
  assert.deepEqual(toParts(message, RELAY), toParts(message, RELAY));
});
