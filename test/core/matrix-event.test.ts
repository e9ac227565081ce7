import assert from "node:assert/strict";
import { test } from "node:test";
import { readEphemeral, readEvent, readEvents, readReceipts, readTyping } from "../../core/matrix/event.ts";
import { roomId } from "../../core/model/ids.ts";

const good = {
  type: "m.room.message",
  event_id: "$one",
  room_id: "!room:test.local",
  sender: "@alice:test.local",
  origin_server_ts: 1_700_000_000_000,
  content: { msgtype: "m.text", body: "hi" },
};

test("an event is read with the parts that we know, and nothing else", () => {
  assert.deepEqual(readEvent({ ...good, user_id: "@alice:test.local", age: 5, unsigned: { age: 5 } }), { ...good, unsigned: { age: 5 } });
});

test("a room of version 12 has an id without a server", () => {
  assert.equal(readEvent({ ...good, room_id: "!J-FD0SrpdFti4z6ESp0ZVT77avx3SumKpgThP5tPnq0" })?.room_id.includes(":"), false);
});

test("what lacks a part, or has it in another type, is no event", () => {
  const broken: Record<string, unknown> = {
    "no sender": { ...good, sender: undefined },
    "a number as sender": { ...good, sender: 7 },
    "a sender without a server": { ...good, sender: "@alice" },
    "content as text": { ...good, content: "hi" },
    "content as a list": { ...good, content: [] },
    "no content": { ...good, content: null },
    "an id with a line break": { ...good, event_id: "$one\n$two" },
    "a room with a line break": { ...good, room_id: "!room\r\nX: y" },
    "a sender with a line break": { ...good, sender: "@alice\n:test.local" },
    "a sender with a space": { ...good, sender: "@ali ce:test.local" },
    "an id without a sign": { ...good, event_id: "one" },
    "a time as text": { ...good, origin_server_ts: "now" },
    "a state key as a number": { ...good, state_key: 1 },
    "a type of 256 bytes": { ...good, type: "x".repeat(256) },
    "a room of 256 bytes": { ...good, room_id: `!${"ü".repeat(128)}` },
    nothing: undefined,
    null: null,
    text: "event",
    "a list": [good],
  };
  for (const [what, json] of Object.entries(broken)) assert.equal(readEvent(json), undefined, what);
});

test("content that is nested deeper than anyone writes is refused, since it could not be stored", () => {
  const nest = (depth: number): unknown => JSON.parse('{"a":'.repeat(depth) + "1" + "}".repeat(depth));
  assert.ok(readEvent({ ...good, content: nest(50) }));
  assert.equal(readEvent({ ...good, content: nest(5_000) }), undefined);
  assert.equal(readEvent({ ...good, unsigned: nest(5_000) })?.unsigned, undefined);
});

test("a redaction says what it takes back, in old rooms and new", () => {
  const redaction = { ...good, type: "m.room.redaction" };
  assert.equal(readEvent({ ...redaction, redacts: "$old", content: {} })?.redacts, "$old");
  assert.equal(readEvent({ ...redaction, content: { redacts: "$new" } })?.redacts, "$new");
  assert.equal(readEvent({ ...redaction, content: { redacts: 5 } })?.redacts, undefined);
  assert.equal(readEvent({ ...good, redacts: "$old" })?.redacts, undefined);
});

test("an answer about one room may leave out the room, and may not slip in another's event", () => {
  const { room_id: _, ...bare } = good;
  const here = roomId("!room:test.local");
  assert.deepEqual(
    readEvents([bare, { ...good, event_id: "$two", room_id: "!other:test.local" }, null], here).map(({ event_id }) => event_id),
    ["$one"],
  );
  assert.deepEqual(readEvents("nonsense", here), []);
});

test("typing and receipts are read, and what is odd in them is left out", () => {
  const typing = readEphemeral({ type: "m.typing", room_id: "!r", content: { user_ids: ["@a:b", 5, "nobody"] } });
  assert.ok(typing);
  assert.deepEqual(readTyping(typing), ["@a:b"]);
  const content = {
    $one: { "m.read": { "@a:b": { ts: 5, thread_id: "main" }, "@c:d": null, odd: {} } },
    odd: {},
    $two: { "m.read.private": {} },
  };
  const receipts = readEphemeral({ type: "m.receipt", room_id: "!r", content });
  assert.ok(receipts);
  assert.deepEqual(readReceipts(receipts), [
    { event: "$one", user: "@a:b", thread: "main" },
    { event: "$one", user: "@c:d" },
  ]);
  assert.equal(readEphemeral({ type: "m.typing", content: {} }), undefined);
  assert.equal(readEphemeral({ type: "m.presence", content: {} }), undefined);
  assert.equal(readEphemeral({ type: "m.presence", sender: "@a:b", content: {} })?.sender, "@a:b");
});
