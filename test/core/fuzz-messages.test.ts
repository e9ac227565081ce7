import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capabilities, Degree, Format } from "../../core/capabilities.ts";
import { correction } from "../../core/correction.ts";
import { fit } from "../../core/fit.ts";
import {
  editTarget,
  fromMatrix,
  mentionedIn,
  newContent,
  pollTarget,
  pollVote,
  reactionOf,
  replyTarget,
  threadRoot,
} from "../../core/matrix/from-matrix.ts";
import { type InRefs, toMatrix, toMatrixEdit } from "../../core/matrix/to-matrix.ts";
import type { RemoteMessage } from "../../core/model/events.ts";
import { eventId, mxcUri, mxid, remoteChannelId, remoteMessageId, remoteThreadId, remoteUserId, roomId } from "../../core/model/ids.ts";
import type { FileKind, OutMessage, RemoteFile } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { RichText } from "../../core/model/richtext.ts";
import { inlines, mentions } from "../../core/model/walk.ts";
import { html, richText, words } from "./random-text.ts";
import { type Chance, chanceOf } from "./seeded.ts";

const ROUNDS = 2000;

const KEYS = [
  ..."msgtype body format formatted_body filename url info geo_uri file m.relates_to rel_type event_id key m.in_reply_to".split(" "),
  ..."m.mentions user_ids room m.new_content m.poll question answers m.id m.text org.matrix.msc1767.text m.selections".split(" "),
  ..."org.matrix.msc3381.poll.start org.matrix.msc1767.audio waveform duration size mimetype w h is_falling_back".split(" "),
];
const STRINGS = [
  ..."m.text m.notice m.emote m.image m.audio m.file m.location org.matrix.custom.html m.thread m.replace m.annotation m.reference".split(
    " ",
  ),
  ..."$event @bob:example.org mxc://a/b geo:1,2 image/png __proto__ constructor".split(" "),
];
const TYPES = ["m.room.message", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start", "m.odd"];

function json(chance: Chance, depth: number): unknown {
  if (depth > 0 && chance.once(2)) {
    if (chance.once(4)) return chance.some(3, () => json(chance, depth - 1));
    return Object.fromEntries(chance.some(6, () => [chance.pick(KEYS), json(chance, depth - 1)]));
  }
  const text = () => (chance.once(3) ? html(chance) : chance.once(2) ? words(chance) : chance.pick(STRINGS));
  return chance.once(3) ? chance.pick([null, true, false, 0, -1, 1e300, 7.5, Number.NaN, "", [], {}]) : text();
}

function content(chance: Chance): Record<string, unknown> {
  const base = { msgtype: chance.pick(["m.text", "m.image", "m.audio", "m.odd"]), body: words(chance), format: "org.matrix.custom.html" };
  const more = Object.fromEntries(chance.some(8, () => [chance.pick(KEYS), json(chance, 3)]));
  return { ...base, formatted_body: html(chance), ...more };
}

const bob = mxid("@bob:example.org");

test("whatever an event holds, it is read: sound text, whole numbers, a name that is one", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const chance = chanceOf(seed);
    const event = content(chance);
    for (const read of [replyTarget, threadRoot, editTarget, newContent, reactionOf, pollTarget, pollVote, mentionedIn]) read(event);
    const refs = { people: new Map([[bob, { remote: remoteUserId("toy/bob"), name: "hello" }]]), everyone: chance.once(2) };
    const said = fromMatrix(chance.pick(TYPES), event, refs);
    for (const node of inlines(said.body)) {
      if (node.type === "text")
        assert.ok(node.text.isWellFormed() && !/[^\P{Cc}\t\n]/u.test(node.text), `seed ${seed}: ${JSON.stringify(node.text)}`);
      if (node.type === "link") assert.match(node.url, /^(?:https?|ftp|mailto|magnet|matrix):/i, `seed ${seed}`);
      if (node.type === "mention" && node.target.kind === "everyone") assert.equal(mentionedIn(event).everyone, true, `seed ${seed}`);
    }
    if (said.file !== undefined) {
      const {
        name,
        kind: _kind,
        mimetype: _mimetype,
        description: _description,
        spoiler: _spoiler,
        waveform = [],
        ...numbers
      } = said.file.info;
      assert.match(name, /^[^/\\\p{Cc}]{1,220}$/u, `seed ${seed}`);
      for (const value of [...Object.values(numbers), ...waveform]) assert.ok(Number.isSafeInteger(value) && value >= 0, `seed ${seed}`);
    }
  }
});

const KINDS: readonly FileKind[] = ["image", "video", "audio", "voice", "sticker", "file"];

function remoteFile(chance: Chance): RemoteFile {
  const number = () => chance.pick([0, 1, 1200, 7.5, -1, Number.NaN, 1e12]);
  return {
    id: `F${chance.whole(9)}`,
    ref: {},
    kind: chance.pick(KINDS),
    name: words(chance, 2),
    size: number(),
    width: number(),
    waveform: chance.some(3, number),
  };
}

function remoteMessage(chance: Chance): { message: RemoteMessage; refs: InRefs } {
  const files = chance.some(2, () => remoteFile(chance));
  const message: RemoteMessage = {
    kind: "message",
    channel: remoteChannelId("toy/general"),
    message: remoteMessageId("1"),
    sender: remoteUserId("toy/alice"),
    at: 0,
    via: "live",
    style: chance.pick(["text", "emote", "notice"] as const),
    body: richText(chance),
    files,
    ...(chance.once(3) ? { replyTo: { message: remoteMessageId("0"), excerpt: words(chance) } } : {}),
    ...(chance.once(3) ? { thread: { id: remoteThreadId("T") } } : {}),
    ...(chance.once(4) ? { note: words(chance) } : {}),
    ...(chance.once(5)
      ? { poll: { question: words(chance), answers: [{ id: "a", text: words(chance) }], maxSelections: chance.whole(3), disclosed: true } }
      : {}),
  };
  const refs: InRefs = {
    people: new Map([[remoteUserId("toy/bob"), { mxid: bob, name: words(chance, 2) }]]),
    channels: new Map([[remoteChannelId("toy/general"), { room: roomId("!room"), name: "general", via: ["example.org"] }]]),
    messages: new Map(),
    emoji: new Map(chance.once(2) ? [["1", mxcUri("mxc://a/b")]] : []),
    files: files.map((file) => (chance.once(3) ? { file, unavailable: "deleted" } : { file, mxc: mxcUri("mxc://a/b") })),
    late: chance.once(3),
    ...(message.replyTo && chance.once(2) ? { reply: { event: eventId("$reply"), sender: bob } } : {}),
    ...(message.thread ? { thread: { root: eventId("$root"), latest: eventId("$latest") } } : {}),
  };
  return { message, refs };
}

test("whatever is said on a network, its events are sound: a body, mentions said, numbers whole, nobody rung late", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const { message, refs } = remoteMessage(chanceOf(seed));
    const parts = toMatrix(message, refs);
    const edit = toMatrixEdit({ ...message, kind: "edit", version: "2" }, refs, eventId("$first"), parts[0]?.content);
    assert.ok(parts.length > 0);
    for (const { content: event } of [...parts, edit]) {
      assert.equal(typeof event["body"], "string", `seed ${seed}`);
      assert.ok(typeof event["m.mentions"] === "object", `seed ${seed}`);
      if (refs.late) assert.deepEqual(event["m.mentions"], {}, `seed ${seed}`);
      // Written as JSON, halves of characters and control characters would show as escapes.
      assert.doesNotMatch(JSON.stringify(event), /:(?:null|-?\d+\.\d)|\\u/, `seed ${seed}`);
    }
    const again = parts.filter((part) => part.type === "m.room.message" || part.type === "m.sticker");
    for (const part of again) fromMatrix(part.type, part.content, {});
  }
});

const DEGREES: readonly Degree[] = ["full", "partial", "fallback"];
const FORMATS = "bold italic strike underline code codeBlock spoiler colour quote list heading table link mention everyone time".split(
  " ",
) as Format[];

function capabilities(chance: Chance): Capabilities {
  const degrees = <Name extends string>(names: readonly Name[]) =>
    Object.fromEntries(names.map((name) => [name, chance.pick(DEGREES)])) as Record<Name, Degree>;
  return {
    ...degrees([
      "reply",
      "thread",
      "edit",
      "delete",
      "deleteOthers",
      "react",
      "reactEach",
      "customEmoji",
      "speaker",
      "files",
      "poll",
      "pin",
    ]),
    ...degrees(["topic", "name", "typing", "read", "kick", "ban", "history"]),
    formats: degrees(FORMATS),
    text: { length: 400, unit: "bytes" },
    ids: chance.once(2),
    ...(chance.once(2) ? { fileSize: 1000 } : {}),
  };
}

function outMessage(chance: Chance): OutMessage {
  const { message } = remoteMessage(chance);
  const excerpt = words(chance);
  const [file] = message.files ?? [];
  const open = () => Promise.reject(new Error("never opened here"));
  return {
    speaker: { mxid: mxid("@alice:example.org"), name: "Alice", own: false },
    style: message.style,
    body: message.body,
    ...(file ? { file: { ...file, open } } : {}),
    ...(message.replyTo ? { reply: { authorName: words(chance, 1), excerpt, latest: chance.once(2), message: message.message } } : {}),
    ...(message.thread ? { thread: { excerpt, ...(chance.once(2) ? { id: message.thread.id } : {}) } } : {}),
    ...(message.poll ? { poll: message.poll } : {}),
  };
}

test("whatever is said in the room, what fits a network holds only what the network can show, and says the rest", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const chance = chanceOf(seed);
    const message = outMessage(chance);
    const able = capabilities(chance);
    const fitting = fit(message, able);
    assert.ok("message" in fitting);
    const { body, reply, thread, file, poll } = fitting.message;
    for (const [kept, degree] of [
      [reply, able.reply],
      [thread, able.thread],
      [file, able.files],
      [poll, able.poll],
    ] as const) {
      assert.ok(kept === undefined || degree === "full" || degree === "partial", `seed ${seed}`);
    }
    const ringing = mentions(body).some(({ target }) => (target.kind === "everyone" || target.kind === "here") && target.allowed);
    assert.ok(!ringing || able.formats.everyone !== "fallback", `seed ${seed}`);
    const fallbacks = [message.file && !file, message.poll && !poll, message.reply && !reply, message.thread && !thread];
    if (fallbacks.some((one) => one === true)) assert.notEqual(toPlain(body), toPlain(message.body), `seed ${seed}`);
  }
});

test("whatever was edited, the same text is no correction, and another one is told in few words or whole", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const chance = chanceOf(seed);
    const before: RichText = richText(chance);
    assert.equal(correction(before, before), undefined, `seed ${seed}`);
    const after = chance.once(2) ? richText(chance) : [...before, ...richText(chance)];
    const line = correction(before, after);
    if (line !== undefined) assert.match(toPlain(line), /^(?:✎ "|\* )/, `seed ${seed}`);
  }
});
