import assert from "node:assert/strict";
import { test } from "node:test";
import { eventId, linkId, loginId, mxid, remoteMessageId, remoteThreadId, roomId } from "../../core/model/ids.ts";
import type { Done, MessageRecord } from "../../core/store/store.ts";
import { memoryStore } from "./temporary-store.ts";

const [irc, slack] = [linkId(1), linkId(2)];
const event = eventId("$e");

const record = (more: Partial<MessageRecord> = {}): MessageRecord => ({
  link: irc,
  room: roomId("!r"),
  event,
  part: 0,
  origin: "matrix",
  sender: mxid("@a:x"),
  at: 100,
  ...more,
});

async function mapWith(t: Parameters<typeof memoryStore>[0], done: Done) {
  const store = await memoryStore(t);
  await store.journal.finish(undefined, done);
  return store;
}

test("one event that became three lines: its parts in order, each found by its own id", async (t) => {
  const parts = [2, 0, 1].map((part) =>
    record({ part, remote: remoteMessageId(`line${part}`), digest: `d${part}`, login: loginId("net") }),
  );
  const { messages } = await mapWith(t, { messages: parts });
  assert.deepEqual(
    (await messages.byEvent(event)).map((one) => one.part),
    [0, 1, 2],
  );
  assert.deepEqual(await messages.byRemote(irc, remoteMessageId("line1")), [parts[2]]);
});

test("one remote message that became a text and two files: all its events in order", async (t) => {
  const remote = remoteMessageId("m");
  const parts = [0, 1, 2].map((part) =>
    record({ event: eventId(`$${part}`), part, remote, origin: "remote", thread: remoteThreadId("th") }),
  );
  const { messages } = await mapWith(t, { messages: parts });
  assert.deepEqual(await messages.byRemote(irc, remote), parts);
});

test("one event on two networks, and lines without any id", async (t) => {
  const { messages } = await mapWith(t, {
    messages: [record(), record({ part: 1 }), record({ link: slack, remote: remoteMessageId("1.2") })],
  });
  assert.equal((await messages.byEvent(event)).length, 3);
  assert.deepEqual(await messages.byEvent(event, slack), [record({ link: slack, remote: remoteMessageId("1.2") })]);
});

test("a message recorded by its echo and then by its send keeps what either knew", async (t) => {
  const { messages, journal } = await mapWith(t, { messages: [record({ remote: remoteMessageId("m") })] });
  await journal.finish(undefined, { messages: [record({ digest: "d", login: loginId("net") })] });
  assert.deepEqual(await messages.byEvent(event), [record({ remote: remoteMessageId("m"), digest: "d", login: loginId("net") })]);
});

test("an edit that changes how a message is split forgets the old parts and records the new ones", async (t) => {
  const { messages, journal } = await mapWith(t, { messages: [record(), record({ part: 1 }), record({ link: slack })] });
  await journal.finish(undefined, { forget: [{ link: irc, event }], messages: [record({ digest: "new" })] });
  assert.deepEqual(await messages.byEvent(event, irc), [record({ digest: "new" })]);
  assert.equal((await messages.byEvent(event, slack)).length, 1);
});

test("an edit that makes a message shorter forgets the parts after it", async (t) => {
  const { messages, journal } = await mapWith(t, { messages: [0, 1, 2].map((part) => record({ part })) });
  await journal.finish(undefined, { forget: [{ link: irc, event, from: 1 }] });
  assert.deepEqual(
    (await messages.byEvent(event)).map((one) => one.part),
    [0],
  );
});

test("the latest message is the last one recorded, whatever time a stranger's clock gave it", async (t) => {
  const { messages } = await mapWith(t, { messages: [record({ at: 9e15 }), record({ event: eventId("$later"), at: 50 })] });
  assert.equal((await messages.latest(irc))?.event, "$later");
  assert.equal(await messages.latest(slack), undefined);
});

test("recent messages come newest first, within the window and the limit", async (t) => {
  const said = [10, 40, 30, 20].map((at) => record({ event: eventId(`$${at}`), at }));
  const { messages } = await mapWith(t, { messages: said });
  assert.deepEqual(
    (await messages.recent(irc, 20, 2)).map((one) => one.at),
    [40, 30],
  );
  assert.deepEqual(
    (await messages.recent(irc, 20, 9)).map((one) => one.at),
    [40, 30, 20],
  );
});

test("reactions live until they are taken back", async (t) => {
  const reaction = { link: slack, event: eventId("$r"), target: event, sender: mxid("@a:x"), key: "👍", origin: "matrix" } as const;
  const custom = { ...reaction, event: eventId("$s"), key: "mxc://x/y", remoteKey: "parrot", origin: "remote" } as const;
  const { messages, journal } = await mapWith(t, { reactions: [reaction, custom] });
  assert.deepEqual(await messages.reactions(slack, event), [reaction, custom]);
  assert.deepEqual(await messages.reactionByEvent(eventId("$s")), [custom]);
  await journal.finish(undefined, { unreact: [{ link: slack, event: eventId("$r") }] });
  assert.deepEqual(await messages.reactions(slack, event), [custom]);
});

test("edits, tombstones and threads are found again", async (t) => {
  const thread = { link: slack, thread: remoteThreadId("1.2"), root: event };
  const tombstones = [{ link: irc, message: remoteMessageId("gone"), at: 1 }];
  const { messages } = await mapWith(t, { edits: [{ edit: eventId("$edit"), target: event }], tombstones, threads: [thread] });
  assert.equal(await messages.editTarget(eventId("$edit")), event);
  assert.equal(await messages.editTarget(event), undefined);
  assert.equal(await messages.isTombstone(irc, remoteMessageId("gone")), true);
  assert.equal(await messages.isTombstone(slack, remoteMessageId("gone")), false);
  assert.deepEqual(await messages.thread(slack, remoteThreadId("1.2")), thread);
  assert.deepEqual(await messages.threadByRoot(slack, event), thread);
});
