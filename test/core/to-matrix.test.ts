import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type InRefs,
  noticeContent,
  pollEndContent,
  reactionContent,
  reactionText,
  toMatrix,
  toMatrixEdit,
  voteContent,
} from "../../core/matrix/to-matrix.ts";
import type { RemoteEdit, RemoteMessage } from "../../core/model/events.ts";
import { eventId, mxcUri, mxid, remoteChannelId, remoteMessageId, remoteThreadId, remoteUserId, roomId } from "../../core/model/ids.ts";
import type { RemoteFile } from "../../core/model/message.ts";
import { type Inline, plainText, type RichText } from "../../core/model/richtext.ts";

const channel = remoteChannelId("toy/general");
const bob = remoteUserId("toy/bob");
const general: RemoteMessage = {
  kind: "message",
  channel,
  message: remoteMessageId("1"),
  sender: remoteUserId("toy/alice"),
  at: 1000,
  via: "live",
  style: "text",
  body: plainText("hello"),
};
const none: InRefs = { people: new Map(), channels: new Map(), messages: new Map(), emoji: new Map(), files: [], late: false };
const withBob: InRefs = { ...none, people: new Map([[bob, { mxid: mxid("@_toy_bob:example.org"), name: "Bob" }]]) };
const cat: RemoteFile = { kind: "image", id: "F1", ref: {}, name: "cat.png", mimetype: "image/png", size: 1200, width: 3, height: 4 };
const mxc = mxcUri("mxc://example.org/cat");

const text = (words: string): Inline => ({ type: "text", text: words });
const one = (...content: Inline[]): RichText => [{ type: "paragraph", content }];
const contents = (message: Partial<RemoteMessage>, refs: Partial<InRefs> = {}) =>
  toMatrix({ ...general, ...message }, { ...none, ...refs }).map((part) => part.content);

test("plain text is a text message that rings nobody, and says so", () => {
  assert.deepEqual(toMatrix(general, none), [{ type: "m.room.message", content: { msgtype: "m.text", body: "hello", "m.mentions": {} } }]);
});

test("what people do and what bots say are of a kind of their own", () => {
  assert.equal(contents({ style: "emote" })[0]?.["msgtype"], "m.emote");
  assert.equal(contents({ style: "notice" })[0]?.["msgtype"], "m.notice");
});

test("formatted text has HTML beside the plain text", () => {
  const body = one({ type: "bold", content: [text("a < b")] });
  assert.deepEqual(contents({ body })[0], {
    msgtype: "m.text",
    body: "a < b",
    format: "org.matrix.custom.html",
    formatted_body: "<strong>a &lt; b</strong>",
    "m.mentions": {},
  });
});

test("a mentioned person is linked, named as here, and rung; one whom nobody knows keeps the name that was written", () => {
  const mention = (remote: typeof bob): Inline => ({ type: "mention", target: { kind: "person", remote }, text: "bobby" });
  const [content] = contents({ body: one(mention(bob), text(", "), mention(remoteUserId("toy/eve"))) }, withBob);
  assert.deepEqual(content, {
    msgtype: "m.text",
    body: "Bob, bobby",
    format: "org.matrix.custom.html",
    formatted_body: '<a href="https://matrix.to/#/@_toy_bob:example.org">Bob</a>, bobby',
    "m.mentions": { user_ids: ["@_toy_bob:example.org"] },
  });
});

test("everybody is rung only where that is allowed", () => {
  const everyone = (allowed: boolean) => one({ type: "mention", target: { kind: "everyone", allowed }, text: "everyone" }, text(" look"));
  assert.deepEqual(contents({ body: everyone(true) })[0], { msgtype: "m.text", body: "@room look", "m.mentions": { room: true } });
  assert.deepEqual(contents({ body: everyone(false) })[0], { msgtype: "m.text", body: "everyone look", "m.mentions": {} });
});

test("a late message rings nobody, whoever is mentioned or answered", () => {
  const body = one({ type: "mention", target: { kind: "person", remote: bob }, text: "bob" });
  const reply = { event: eventId("$target"), sender: mxid("@matrix:example.org") };
  const [content] = contents({ body, replyTo: { message: remoteMessageId("0") } }, { ...withBob, reply, late: true });
  assert.deepEqual(content?.["m.mentions"], {});
});

test("links to channels and messages lead to the rooms and events that they are here", () => {
  const room = roomId("!room");
  const url = "https://toy.example/general/7";
  const body = one({ type: "mention", target: { kind: "channel", remote: remoteChannelId("toy/other") }, text: "#other" }, text(" "), {
    type: "mention",
    target: { kind: "message", channel, remote: remoteMessageId("7"), url },
    text: url,
  });
  const via = ["example.org"];
  const channels = new Map([[remoteChannelId("toy/other"), { room, name: "other", via }]]);
  const messages = new Map([[url, { room, event: eventId("$seven"), via }]]);
  assert.equal(
    contents({ body }, { channels, messages })[0]?.["formatted_body"],
    '<a href="https://matrix.to/#/!room?via=example.org">#other</a> <a href="https://matrix.to/#/!room/$seven?via=example.org">a message</a>',
  );
  assert.equal(contents({ body })[0]?.["formatted_body"], `#other <a href="${url}">${url}</a>`);
});

test("a custom emoji is a picture where the bridge has it, else its name", () => {
  const body = one({ type: "emoji", name: "party", source: { kind: "remote", id: "E1" } });
  assert.match(contents({ body }, { emoji: new Map([["E1", mxc]]) })[0]?.["formatted_body"] as string, /^<img data-mx-emoticon src="mxc:/);
  assert.deepEqual(contents({ body })[0], { msgtype: "m.text", body: ":party:", "m.mentions": {} });
});

test("a reply points to its target and rings its author, unless it was silent", () => {
  const reply = { event: eventId("$target"), sender: mxid("@matrix:example.org") };
  const replyTo = { message: remoteMessageId("0") };
  assert.deepEqual(contents({ replyTo }, { reply })[0], {
    msgtype: "m.text",
    body: "hello",
    "m.mentions": { user_ids: ["@matrix:example.org"] },
    "m.relates_to": { "m.in_reply_to": { event_id: "$target" } },
  });
  assert.deepEqual(contents({ replyTo: { ...replyTo, ping: false } }, { reply })[0]?.["m.mentions"], {});
});

test("a reply to what never came here quotes its first words", () => {
  const replyTo = { message: remoteMessageId("0"), author: bob, excerpt: "lunch?" };
  assert.equal(contents({ replyTo }, withBob)[0]?.["body"], "> Bob: lunch?\nhello");
});

test("a message in a thread is also an answer for clients that show no threads; a reply within it is a real one", () => {
  const thread = { root: eventId("$root"), latest: eventId("$latest") };
  const message = { thread: { id: remoteThreadId("T") } };
  assert.deepEqual(contents(message, { thread })[0]?.["m.relates_to"], {
    rel_type: "m.thread",
    event_id: "$root",
    is_falling_back: true,
    "m.in_reply_to": { event_id: "$latest" },
  });
  const reply = { event: eventId("$target"), sender: mxid("@matrix:example.org") };
  assert.deepEqual(contents(message, { thread, reply })[0]?.["m.relates_to"], {
    rel_type: "m.thread",
    event_id: "$root",
    is_falling_back: false,
    "m.in_reply_to": { event_id: "$target" },
  });
});

test("a reply that is shown outside of its thread too stands in the timeline, as an answer to what the thread hangs from", () => {
  const thread = { root: eventId("$root"), latest: eventId("$root") };
  const message = { thread: { id: remoteThreadId("T"), broadcast: true } } as const;
  assert.deepEqual(contents(message, { thread })[0]?.["m.relates_to"], { "m.in_reply_to": { event_id: "$root" } });
  const reply = { event: eventId("$root"), sender: mxid("@matrix:example.org") };
  assert.deepEqual(contents(message, { thread, reply })[0]?.["m.relates_to"], { "m.in_reply_to": { event_id: "$root" } });
  assert.equal(contents(message)[0]?.["m.relates_to"], undefined);
});

test("a note stands small above the text, and alone where there is none", () => {
  assert.equal(contents({ note: "forwarded <from> x" })[0]?.["body"], "forwarded <from> x\nhello");
  assert.equal(contents({ note: "forwarded <from> x" })[0]?.["formatted_body"], "<p><sub>forwarded &lt;from&gt; x</sub></p>hello");
  assert.equal(contents({ note: "used /roll", body: [] })[0]?.["body"], "used /roll");
});

test("a file is an event of its own kind", () => {
  const table = { image: "m.image", video: "m.video", audio: "m.audio", file: "m.file" } as const;
  for (const kind of ["image", "video", "audio", "file"] as const) {
    assert.deepEqual(toMatrix({ ...general, body: [] }, { ...none, files: [{ file: { ...cat, kind }, mxc }] }), [
      {
        type: "m.room.message",
        content: {
          msgtype: table[kind],
          body: "cat.png",
          filename: "cat.png",
          url: mxc,
          info: { mimetype: "image/png", size: 1200, w: 3, h: 4 },
          "m.mentions": {},
        },
        file: "file:F1",
      },
    ]);
  }
});

test("text with one file is its caption; with several, or as an emote, it stands before them", () => {
  const body = one({ type: "bold", content: [text("my cat")] });
  const [caption, ...more] = contents({ body }, { files: [{ file: cat, mxc }] });
  assert.equal(more.length, 0);
  assert.deepEqual(
    [caption?.["msgtype"], caption?.["body"], caption?.["filename"], caption?.["formatted_body"]],
    ["m.image", "my cat", "cat.png", "<strong>my cat</strong>"],
  );
  const both = [
    { file: cat, mxc },
    { file: { ...cat, id: "F2" }, mxc },
  ];
  assert.deepEqual(
    contents({ body }, { files: both }).map((content) => content["msgtype"]),
    ["m.text", "m.image", "m.image"],
  );
  assert.deepEqual(
    contents({ style: "emote" }, { files: [{ file: cat, mxc }] }).map((content) => content["msgtype"]),
    ["m.emote", "m.image"],
  );
});

test("stickers, voice messages, spoilers and descriptions are kept as what they are", () => {
  const file = (more: Partial<RemoteFile>) =>
    toMatrix({ ...general, body: [] }, { ...none, files: [{ file: { ...cat, ...more }, mxc }] })[0];
  assert.equal(file({ kind: "sticker" })?.type, "m.sticker");
  assert.equal(file({ kind: "sticker" })?.content["msgtype"], undefined);
  const voice = file({ kind: "voice", duration: 2500.4, waveform: [0, 512.6, 4000, Number.NaN], mimetype: "audio/ogg" })?.content;
  assert.equal(voice?.["msgtype"], "m.audio");
  assert.deepEqual(voice?.["org.matrix.msc3245.voice"], {});
  assert.deepEqual(voice?.["org.matrix.msc1767.audio"], { duration: 2500, waveform: [0, 513, 1024, 0] });
  assert.equal(file({ spoiler: true })?.content["page.codeberg.everypizza.msc4193.spoiler"], true);
  assert.deepEqual(
    [file({ description: "a grey cat" })?.content["body"], file({ description: "a grey cat" })?.content["filename"]],
    ["a grey cat", "cat.png"],
  );
});

test("a file's name holds no path and is never empty", () => {
  const name = (text: string) => contents({ body: [] }, { files: [{ file: { ...cat, name: text }, mxc }] })[0]?.["body"];
  assert.equal(name("../../etc/passwd"), "passwd");
  assert.equal(name("C:\\secret\\cat.png"), "cat.png");
  assert.equal(name("a\nb.png"), "a b.png");
  assert.equal(name("/"), "image");
});

test("files that cannot be opened are told of under the text", () => {
  const [content] = contents(
    {},
    {
      files: [
        { file: cat, link: "https://media.example.org/x" },
        { file: { ...cat, name: "old.zip" }, unavailable: "deleted on Slack" },
      ],
    },
  );
  assert.equal(content?.["body"], "hello\n\n📎 cat.png (https://media.example.org/x) (1.2 KB)\n\n📎 old.zip (1.2 KB, deleted on Slack)");
});

test("a message without anything says so instead of vanishing", () => {
  assert.equal(contents({ body: [] })[0]?.["body"], "(empty message)");
});

test("a text that is too large for one event becomes several, none too large", () => {
  const parts = contents(
    { body: plainText("“quoted” & <tagged> words\n".repeat(6000)), thread: { id: remoteThreadId("T") } },
    { thread: { root: eventId("$r"), latest: eventId("$r") } },
  );
  assert.ok(parts.length > 2);
  for (const part of parts) {
    assert.ok(Buffer.byteLength(JSON.stringify(part)) < 60_000);
    assert.equal((part["m.relates_to"] as { rel_type: string }).rel_type, "m.thread");
  }
});

test("a poll is one that today's clients show, and that tomorrow's will", () => {
  const poll = {
    question: "Lunch?",
    answers: [
      { id: "a", text: "Soup" },
      { id: "b", text: "Pie" },
    ],
    maxSelections: 1,
    disclosed: true,
  };
  const [part] = toMatrix({ ...general, body: [], poll }, none);
  assert.equal(part?.type, "org.matrix.msc3381.poll.start");
  assert.deepEqual(part?.content, {
    body: "Lunch?\n1. Soup\n2. Pie",
    "org.matrix.msc1767.text": "Lunch?\n1. Soup\n2. Pie",
    "m.text": [{ body: "Lunch?\n1. Soup\n2. Pie" }],
    "org.matrix.msc3381.poll.start": {
      kind: "org.matrix.msc3381.poll.disclosed",
      max_selections: 1,
      question: { "org.matrix.msc1767.text": "Lunch?", body: "Lunch?", msgtype: "m.text" },
      answers: [
        { id: "a", "org.matrix.msc1767.text": "Soup" },
        { id: "b", "org.matrix.msc1767.text": "Pie" },
      ],
    },
    "m.poll": {
      kind: "m.disclosed",
      max_selections: 1,
      question: { "m.text": [{ body: "Lunch?" }] },
      answers: [
        { "m.id": "a", "m.text": [{ body: "Soup" }] },
        { "m.id": "b", "m.text": [{ body: "Pie" }] },
      ],
    },
    "m.mentions": {},
  });
});

test("votes and the end of a poll refer to it", () => {
  const relation = { "m.relates_to": { rel_type: "m.reference", event_id: "$poll" } };
  assert.deepEqual(voteContent(eventId("$poll"), ["a"]), {
    type: "org.matrix.msc3381.poll.response",
    content: { ...relation, "org.matrix.msc3381.poll.response": { answers: ["a"] }, "m.selections": ["a"] },
  });
  const end = pollEndContent(eventId("$poll"), ["Soup: 3", "Pie: 1"]);
  assert.equal(end.type, "org.matrix.msc3381.poll.end");
  assert.equal(end.content["body"], "The poll has ended.\nSoup: 3\nPie: 1");
});

const edit: RemoteEdit = { ...general, kind: "edit", version: "2", body: plainText("hello again") };

test("an edit carries the new text, and a fallback that is marked as one", () => {
  assert.deepEqual(toMatrixEdit(edit, none, eventId("$first")), {
    type: "m.room.message",
    content: {
      msgtype: "m.text",
      body: "* hello again",
      "m.mentions": {},
      "m.new_content": { msgtype: "m.text", body: "hello again", "m.mentions": {} },
      "m.relates_to": { rel_type: "m.replace", event_id: "$first" },
    },
  });
});

test("an edit rings only whom the text before did not mention", () => {
  const body = one({ type: "mention", target: { kind: "person", remote: bob }, text: "bob" });
  const rung = (original?: Record<string, unknown>) =>
    toMatrixEdit({ ...edit, body }, withBob, eventId("$first"), original).content["m.mentions"];
  assert.deepEqual(rung({ body: "x", "m.mentions": {} }), { user_ids: ["@_toy_bob:example.org"] });
  assert.deepEqual(rung({ body: "x", "m.mentions": { user_ids: ["@_toy_bob:example.org"] } }), {});
  assert.deepEqual(rung({ body: "x", "m.mentions": "broken" }), { user_ids: ["@_toy_bob:example.org"] });
  assert.deepEqual(rung(), {});
});

test("an edited caption keeps its file; a caption that is taken away leaves the file's name", () => {
  const [original] = contents({ body: plainText("my cat") }, { files: [{ file: cat, mxc }] });
  const content = { ...original, "io.causeway.origin": { mac: "x" }, "m.relates_to": { "m.in_reply_to": { event_id: "$x" } } };
  const edited = (body: RichText) => toMatrixEdit({ ...edit, body }, none, eventId("$first"), content).content;
  const fresh = edited(plainText("my new cat"))["m.new_content"] as Record<string, unknown>;
  assert.deepEqual([fresh["msgtype"], fresh["url"], fresh["body"], fresh["filename"]], ["m.image", mxc, "my new cat", "cat.png"]);
  assert.equal(JSON.stringify(edited(plainText("x"))).includes("io.causeway"), false);
  assert.equal((edited([])["m.new_content"] as Record<string, unknown>)["body"], "cat.png");
});

test("an edit that is too large for one event ends with a mark", () => {
  const { content } = toMatrixEdit({ ...edit, body: plainText("word ".repeat(20_000)) }, none, eventId("$first"));
  assert.ok((content["body"] as string).endsWith("…"));
  assert.ok(Buffer.byteLength(JSON.stringify(content)) < 60_000);
});

test("reactions are counted with those of Matrix people, who write emoji with a selector", () => {
  assert.deepEqual(reactionContent(eventId("$e"), reactionText("👍")), {
    "m.relates_to": { rel_type: "m.annotation", event_id: "$e", key: "👍\ufe0f" },
  });
  assert.deepEqual(reactionContent(eventId("$e"), mxc, "party"), {
    "m.relates_to": { rel_type: "m.annotation", event_id: "$e", key: mxc },
    shortcode: ":party:",
    "com.beeper.reaction.shortcode": ":party:",
  });
  const table: readonly (readonly [string, string])[] = [
    ["❤", "❤\ufe0f"],
    ["❤\ufe0f", "❤\ufe0f"],
    ["👍🏽", "👍🏽"],
    ["🎉", "🎉"],
    ["❤\u200d🔥", "❤\ufe0f\u200d🔥"],
    ["1\u20e3", "1\ufe0f\u20e3"],
    ["♥\ufe0e", "♥\ufe0e"],
    ["+1", "+1"],
    ["42", "42"],
    ["🇩🇪", "🇩🇪"],
    [":party:", ":party:"],
  ];
  for (const [plain, key] of table) assert.equal(reactionText(plain), key, plain);
});

test("a text that is nested without end still arrives", () => {
  const nest = Array.from({ length: 50_000 }).reduce<Inline>((inner) => ({ type: "bold", content: [inner] }), text("deep"));
  assert.equal(contents({ body: one(nest) })[0]?.["body"], "deep");
});

test("what the bridge itself says is a notice that rings nobody", () => {
  assert.deepEqual(noticeContent(plainText("the server split")), { msgtype: "m.notice", body: "the server split", "m.mentions": {} });
});
