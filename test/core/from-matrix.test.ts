import assert from "node:assert/strict";
import { test } from "node:test";
import {
  editTarget,
  fromMatrix,
  mentionedIn,
  newContent,
  type OutRefs,
  pollTarget,
  pollVote,
  reactionOf,
  replyTarget,
  threadRoot,
} from "../../core/matrix/from-matrix.ts";
import { mxcUri, mxid, remoteChannelId, remoteUserId } from "../../core/model/ids.ts";
import { toPlain } from "../../core/model/plain.ts";
import { type Inline, plainText, type RichText } from "../../core/model/richtext.ts";

type Content = Record<string, unknown>;

const alice = mxid("@_toy_alice:example.org");
const carol = mxid("@carol:example.org");
const refs: OutRefs = {
  people: new Map([
    [alice, { remote: remoteUserId("toy/alice"), name: "Alice" }],
    [carol, { name: "Carol" }],
  ]),
  rooms: new Map([["#toy:example.org", { remote: remoteChannelId("toy/general"), name: "general" }]]),
  events: new Map([["$known", { url: "https://toy.example/7" }]]),
  emoji: new Map([["mxc://example.org/party", { id: "E1", name: "party" }]]),
};
const text = (words: string): Inline => ({ type: "text", text: words });
const one = (...content: Inline[]): RichText => [{ type: "paragraph", content }];
const toAlice: Inline = { type: "mention", target: { kind: "person", mxid: alice, remote: remoteUserId("toy/alice") }, text: "Alice" };
const pill = (who: string, name: string): string => `<a href="https://matrix.to/#/${who}">${name}</a>`;

const said = (content: Content, more: OutRefs = refs) => fromMatrix("m.room.message", { msgtype: "m.text", ...content }, more);
const html = (formatted_body: string, more: Content = {}): Content => ({
  body: "plain",
  format: "org.matrix.custom.html",
  formatted_body,
  ...more,
});

test("text is what is formatted, else what is plain; links in plain text stay text", () => {
  assert.deepEqual(said({ body: "a\nb https://example.org/" }).body, plainText("a\nb https://example.org/"));
  assert.deepEqual(said(html("<b>x</b>")).body, one({ type: "bold", content: [text("x")] }));
  assert.deepEqual(said({ ...html("<b>x</b>"), format: "org.example.other" }).body, plainText("plain"));
});

test("what people do, and what bots say, stay what they are", () => {
  assert.equal(said({ msgtype: "m.emote", body: "waves" }).style, "emote");
  assert.equal(said({ msgtype: "m.notice", body: "beep" }).style, "notice");
});

test("a linked person is mentioned by the name that they have there; one who is not there is named", () => {
  assert.deepEqual(said(html(`${pill(alice, "al")} ${pill(carol, "@caro")} ${pill("@new:example.org", "@New")}`)).body, [
    {
      type: "paragraph",
      content: [
        toAlice,
        text(" "),
        { type: "mention", target: { kind: "person", mxid: carol }, text: "Carol" },
        text(" "),
        { type: "mention", target: { kind: "person", mxid: mxid("@new:example.org") }, text: "New" },
      ],
    },
  ]);
});

test("who is linked but not meant to be rung is only named", () => {
  assert.deepEqual(said(html(pill(alice, "Alice"), { "m.mentions": {} })).body, one(text("Alice")));
  assert.deepEqual(said(html(pill(alice, "Alice"), { "m.mentions": { user_ids: [alice] } })).body, one(toAlice));
});

test("a name that is only typed rings when the event says whom it means", () => {
  const mentions = { "m.mentions": { user_ids: [alice] } };
  assert.deepEqual(said({ body: "Alice: lunch?", ...mentions }).body, one(toAlice, text(": lunch?")));
  assert.deepEqual(said({ body: `and ${alice}`, ...mentions }).body, one(text("and "), toAlice));
  assert.deepEqual(said({ body: "ask @Alice, Alice!", ...mentions }).body, one(text("ask "), toAlice, text(", Alice!")));
  assert.deepEqual(said({ body: "Malice and Alices", ...mentions }).body, plainText("Malice and Alices"));
  assert.deepEqual(said({ body: "Alice: lunch?" }).body, plainText("Alice: lunch?"));
  assert.deepEqual(said(html("<code>Alice</code>", mentions)).body, one({ type: "code", text: "Alice" }));
});

test("@room rings everybody only when it is meant to, and when the sender may", () => {
  const room = { "m.mentions": { room: true } };
  const everyone = (allowed: boolean): RichText =>
    one({ type: "mention", target: { kind: "everyone", allowed }, text: "@room" }, text(" hi"));
  assert.deepEqual(said({ body: "@room hi", ...room }, { ...refs, everyone: true }).body, everyone(true));
  assert.deepEqual(said({ body: "@room hi", ...room }).body, everyone(false));
  assert.deepEqual(said({ body: "@room hi" }, { ...refs, everyone: true }).body, plainText("@room hi"));
  assert.deepEqual(said({ body: "@rooms hi", ...room }, { ...refs, everyone: true }).body, plainText("@rooms hi"));
});

test("links to rooms and messages lead to the network where they are there too, else to Matrix", () => {
  const [block] = said(html(`${pill("#toy:example.org", "toy")} ${pill("#else:example.org", "else")}`)).body;
  assert.deepEqual(
    block,
    one({ type: "mention", target: { kind: "channel", remote: remoteChannelId("toy/general") }, text: "#general" }, text(" "), {
      type: "link",
      url: "https://matrix.to/#/#else:example.org",
      content: [text("else")],
    })[0],
  );
  const pasted = "https://matrix.to/#/!room:example.org/$known?via=example.org";
  assert.equal(toPlain(said({ body: `see ${pasted}.` }).body), "see https://toy.example/7.");
  const other = "https://matrix.to/#/!room:example.org/$other";
  assert.equal(toPlain(said({ body: `(${other})` }).body), `(${other})`);
  const person = `https://matrix.to/#/${alice}`;
  assert.deepEqual(said({ body: person }).body, plainText(person));
});

test("a custom emoji is the network's own where it came from there", () => {
  const image = (name: string) => `<img data-mx-emoticon src="mxc://example.org/${name}" alt=":${name}:">`;
  assert.deepEqual(
    said(html(image("party") + image("cat"))).body,
    one(
      { type: "emoji", name: "party", source: { kind: "remote", id: "E1" } },
      { type: "emoji", name: "cat", source: { kind: "mxc", uri: mxcUri("mxc://example.org/cat") } },
    ),
  );
});

test("gather is told of everything that has to be looked up", () => {
  const content = html(
    `${pill(alice, "a")} ${pill("!room", "r")} ${pill("#toy:example.org", "t")} ${pill("!room/$e", "m")} <img data-mx-emoticon src="mxc://example.org/party">`,
    { "m.mentions": { user_ids: [carol, "broken", 7, carol], room: true } },
  );
  assert.deepEqual(mentionedIn(content), {
    people: [alice, carol],
    rooms: ["!room", "#toy:example.org"],
    events: [{ event: "$e", room: "!room" }],
    emoji: ["mxc://example.org/party"],
    everyone: true,
  });
  assert.deepEqual(mentionedIn({}), { people: [], rooms: [], events: [], emoji: [], everyone: false });
});

test("the quotation that older clients put above an answer is taken away", () => {
  const answer = { "m.relates_to": { "m.in_reply_to": { event_id: "$x" } } };
  assert.deepEqual(said({ body: "> <@carol:example.org> lunch?\n> now\n\nyes", ...answer }).body, plainText("yes"));
  assert.deepEqual(said({ body: "> <@carol:example.org> quoted by hand\n\nyes" }).body.length, 1);
  assert.deepEqual(said(html("<mx-reply><blockquote>lunch?</blockquote></mx-reply>yes", answer)).body, plainText("yes"));
});

test("a file has its kind, name and measures; its caption is the text", () => {
  const image = {
    msgtype: "m.image",
    body: "my <cat>",
    filename: "cat.png",
    url: "mxc://example.org/cat",
    info: { mimetype: "image/PNG; x=1", size: 1200, w: 3, h: 4 },
    "page.codeberg.everypizza.msc4193.spoiler": true,
  };
  assert.deepEqual(said(image), {
    style: "text",
    body: plainText("my <cat>"),
    file: {
      info: { kind: "image", name: "cat.png", mimetype: "image/png", size: 1200, width: 3, height: 4, spoiler: true },
      mxc: "mxc://example.org/cat",
    },
  });
  assert.deepEqual(said({ msgtype: "m.file", body: "a.zip", url: "mxc://example.org/a" }).body, []);
});

test("voice messages and stickers are told apart from sounds and pictures", () => {
  const voice = {
    msgtype: "m.audio",
    body: "Voice message",
    url: "mxc://example.org/v",
    info: { mimetype: "audio/ogg", duration: 1 },
    "org.matrix.msc3245.voice": {},
    "org.matrix.msc1767.audio": { duration: 2500, waveform: [0, 5000, "x", -1] },
  };
  assert.deepEqual(said(voice).file?.info, {
    kind: "voice",
    name: "Voice message.ogg",
    mimetype: "audio/ogg",
    duration: 2500,
    waveform: [0, 1024, 0, 0],
  });
  const sticker = fromMatrix("m.sticker", { body: "a cat", url: "mxc://example.org/s", info: { mimetype: "image/png" } }, {});
  assert.deepEqual(sticker.file?.info, { kind: "sticker", name: "a cat.png", mimetype: "image/png", description: "a cat" });
});

test("a file's name is a name: no path, no tricks with the direction of writing, never empty, never endless", () => {
  const name = (body: unknown) => said({ msgtype: "m.file", body, url: "mxc://example.org/a" }).file?.info.name;
  assert.equal(name("../../etc/passwd"), "passwd");
  assert.equal(name("photo\u202egpj.exe"), "photo gpj.exe");
  assert.equal(name("a\u0000\nb.txt"), "a b.txt");
  assert.equal(name(""), "file");
  assert.equal(name(7), "file");
  assert.equal(name(`${"x".repeat(9000)}.txt`), `${"x".repeat(200)}.txt`);
});

test("a file that cannot be had is told of", () => {
  assert.equal(
    toPlain(said({ msgtype: "m.image", body: "cat.png", file: { url: "mxc://example.org/x", key: {} } }).body),
    "📎 cat.png (encrypted, so it cannot be relayed)",
  );
  for (const url of [undefined, 7, "https://example.org/cat", "mxc://", "mxc://example.org/../x", "mxc://example.org/a?b"]) {
    assert.equal(toPlain(said({ msgtype: "m.image", body: "cat.png", url }).body), "📎 cat.png (without an address)");
  }
});

test("polls are read under each of their names", () => {
  const poll = {
    question: "Lunch?",
    answers: [
      { id: "a", text: "Soup" },
      { id: "b", text: "Pie" },
    ],
    maxSelections: 2,
    disclosed: true,
  };
  const stable = {
    "m.poll": {
      kind: "m.disclosed",
      max_selections: 9,
      question: { "m.text": [{ mimetype: "text/html", body: "<b>no</b>" }, { body: "Lunch?" }] },
      answers: [{ "m.id": "a", "m.text": [{ body: "Soup" }] }, { "m.id": "b", "m.text": "Pie" }, { "m.text": "no id" }, null],
    },
  };
  const unstable = {
    "org.matrix.msc3381.poll.start": {
      kind: "org.matrix.msc3381.poll.disclosed",
      max_selections: 2,
      question: { "org.matrix.msc1767.text": "Lunch?" },
      answers: [
        { id: "a", "org.matrix.msc1767.text": "Soup" },
        { id: "b", body: "Pie" },
      ],
    },
  };
  assert.deepEqual(fromMatrix("m.poll.start", stable, {}).poll, poll);
  assert.deepEqual(fromMatrix("org.matrix.msc3381.poll.start", unstable, {}).poll, poll);
  assert.deepEqual(fromMatrix("m.poll.start", { "m.poll": { answers: [{ id: "a" }] } }, {}).poll, {
    question: "?",
    answers: [{ id: "a", text: "a" }],
    maxSelections: 1,
    disclosed: false,
  });
  assert.equal(toPlain(fromMatrix("m.poll.start", { body: "a poll" }, {}).body), "[m.poll.start] a poll");
});

test("a place is a link to a map", () => {
  const place = said({ msgtype: "m.location", body: "The pub", geo_uri: "geo:51.5008,-0.1247;u=35" });
  assert.equal(toPlain(place.body), "📍 The pub (https://www.openstreetmap.org/?mlat=51.5008&mlon=-0.1247)");
  assert.equal(toPlain(said({ msgtype: "m.location", body: "The pub", geo_uri: "geo:javascript" }).body), "📍 The pub");
  assert.equal(toPlain(said({ msgtype: "m.location" }).body), "📍 A place");
});

test("what nobody knows is still text, with its kind named", () => {
  assert.equal(toPlain(said({ msgtype: "org.example.dance", body: "twirls" }).body), "[org.example.dance] twirls");
  assert.equal(toPlain(said({ msgtype: "org.example.dance" }).body), "[org.example.dance]");
  assert.equal(said({ msgtype: "m.key.verification.request", body: "verify?" }).style, "notice");
});

test("control characters and halves of characters do not get in, by any way", () => {
  assert.deepEqual(said({ body: "a\u0002b\u0000\r\nc\ud800" }).body, plainText("ab\nc\ufffd"));
  assert.deepEqual(said(html("a&#2;b\u0003c<pre>d&#4;\te</pre>")).body, [...plainText("abc"), { type: "code", text: "d\te" }]);
});

test("relations are read as the specification has them", () => {
  const thread = (is_falling_back: unknown) => ({
    "m.relates_to": { rel_type: "m.thread", event_id: "$root", is_falling_back, "m.in_reply_to": { event_id: "$x" } },
  });
  assert.equal(replyTarget({ "m.relates_to": { "m.in_reply_to": { event_id: "$x" } } }), "$x");
  assert.equal(threadRoot(thread(true)), "$root");
  assert.equal(replyTarget(thread(true)), undefined);
  assert.equal(replyTarget(thread(false)), "$x");
  const edit = { "m.relates_to": { rel_type: "m.replace", event_id: "$x" }, "m.new_content": { body: "b" } };
  assert.equal(editTarget(edit), "$x");
  assert.deepEqual(newContent(edit), { body: "b" });
  const reaction = { "m.relates_to": { rel_type: "m.annotation", event_id: "$x", key: "👍" }, shortcode: ":a b:" };
  assert.deepEqual(reactionOf(reaction), { target: "$x", key: "👍", shortcode: "ab" });
  const vote = {
    "m.relates_to": { rel_type: "m.reference", event_id: "$poll" },
    "org.matrix.msc3381.poll.response": { answers: ["a", 7, "a"] },
  };
  assert.equal(pollTarget(vote), "$poll");
  assert.deepEqual(pollVote(vote), ["a"]);
  assert.deepEqual(pollVote({ "m.selections": [] }), []);
});

test("content of any shape is read without an error", () => {
  const shapes: unknown[] = [
    undefined,
    null,
    7,
    "x",
    true,
    [],
    {},
    [[]],
    { event_id: 7 },
    { "m.in_reply_to": null },
    { user_ids: {} },
    Number.NaN,
  ];
  const keys = [
    "msgtype",
    "body",
    "format",
    "formatted_body",
    "url",
    "info",
    "filename",
    "geo_uri",
    "m.relates_to",
    "m.mentions",
    "m.new_content",
  ];
  const kinds = ["m.text", "m.image", "m.audio", "m.location", "m.unknown", undefined];
  for (const shape of shapes) {
    for (const key of [...keys, "m.poll", "org.matrix.msc1767.audio", "m.selections", "file"]) {
      for (const msgtype of kinds) {
        const content: Content = { msgtype, body: "x", "org.matrix.msc3245.voice": {}, [key]: shape };
        for (const type of ["m.room.message", "m.sticker", "m.poll.start"]) fromMatrix(type, content, refs);
        mentionedIn(content);
        for (const read of [replyTarget, threadRoot, editTarget, newContent, reactionOf, pollTarget, pollVote]) read(content);
      }
    }
  }
});
