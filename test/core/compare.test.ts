import assert from "node:assert/strict";
import { test } from "node:test";
import type { LiveLogin } from "../../core/logins.ts";
import { compareCursors, type Cursor, type RemoteEvent, type RemoteMessage } from "../../core/model/events.ts";
import { eventId, linkId, mxid, remoteChannelId, remoteMessageId, remoteThreadId, remoteUserId, roomId } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import { compare } from "../../core/portal/compare.ts";
import { QuickClock } from "../fakes/test-core.ts";
import type { JournalRow, Link, MessageRecord, MessageStore } from "../../core/store/store.ts";

const channel = remoteChannelId("town/plaza");
const link = { id: linkId(1), channel } as Link;

const said = (id: string): RemoteMessage => ({
  kind: "message",
  channel,
  message: remoteMessageId(id),
  sender: remoteUserId("town/u1"),
  at: 1,
  via: "history",
  cursor: id,
  style: "text",
  body: plainText(id),
});

const record = (remote: string, at: number): MessageRecord => ({
  link: link.id,
  room: roomId("!room"),
  event: eventId(`$${remote}`),
  remote: remoteMessageId(remote),
  part: 0,
  origin: "matrix",
  sender: mxid("@mira:example.org"),
  at,
});

/** What is concluded when the channel holds `standing` and the map `known`, newest first by the room's time. */
async function concluded(
  standing: readonly string[],
  known: readonly MessageRecord[],
  waiting: readonly RemoteMessage[] = [],
  more: object = {},
): Promise<readonly RemoteEvent[]> {
  const heard: RemoteEvent[] = [];
  const connection = {
    capabilities: () => ({ edit: "full" }),
    ...more,
    before: (_channel: unknown, message: string): Cursor => String(Number(message) - 1),
    history: async (_channel: unknown, after: Cursor) => ({
      events: standing.filter((id) => compareCursors(id, after) > 0).map(said),
      complete: true,
      threads: [remoteThreadId("read")],
    }),
  };
  const messages = { recent: async () => known, reactions: async () => [] } as unknown as MessageStore;
  const journal = { head: async () => waiting.map((payload) => ({ payload }) as JournalRow) };
  const receive = async (_live: LiveLogin, events: readonly RemoteEvent[]): Promise<void> => void heard.push(...events);
  await compare({ messages, journal, clock: new QuickClock(1), receive }, { connection } as unknown as LiveLogin, link);
  return heard;
}

test("a message that is gone from the channel's past was deleted", async () => {
  const [event] = await concluded(["101", "103"], [record("103", 3), record("102", 2), record("101", 1)]);
  assert.deepEqual(event?.kind === "delete" && event.messages, [remoteMessageId("102")]);
});

test("nothing is taken for deleted because it reached the channel in another order than the room", async () => {
  const known = [record("101", 3), record("102", 2), record("103", 1)];
  assert.deepEqual(await concluded(["101", "102", "103"], known), []);
});

test("what still waits to be brought may have been deleted or changed meanwhile too", async () => {
  const events = await concluded(["101", "103"], [record("101", 1)], [said("102"), { ...said("103"), body: plainText("before") }]);
  assert.deepEqual(
    events.map((event) => (event.kind === "delete" ? ["delete", ...event.messages] : [event.kind, "message" in event && event.message])),
    [
      ["delete", "102"],
      ["edit", "103"],
    ],
  );
});

test("on a network that forgets, what is older than all that it gives back was not deleted", async () => {
  const known = [record("103", 3), record("102", 2), record("101", 1)];
  const forgets = { forgets: true };
  assert.deepEqual(await concluded([], known, [], forgets), []);
  assert.deepEqual(await concluded(["103"], known, [], forgets), []);
  const [event, ...others] = await concluded(["101", "103"], known, [], forgets);
  assert.deepEqual(event?.kind === "delete" && event.messages, [remoteMessageId("102")]);
  assert.deepEqual(others, []);
});

test("what lay in a thread was deleted only when that thread was read too", async () => {
  const inThread = (id: string, thread: string): MessageRecord => ({ ...record(id, 2), thread: remoteThreadId(thread) });
  const events = await concluded(["101"], [record("101", 1), inThread("102", "read"), inThread("103", "left out")]);
  assert.deepEqual(
    events.map((event) => (event.kind === "delete" ? event.messages : event.kind)),
    [[remoteMessageId("102")]],
  );
});

test("on a network that forgets, reactions are as they came: what is read back of them may be a part", async () => {
  const reactions = { kind: "reactions-are", channel, at: 1, via: "history", message: remoteMessageId("102"), reactions: [] } as const;
  const history = async () => ({ events: [said("101"), said("102"), reactions], complete: true });
  assert.deepEqual(await concluded([], [record("102", 2), record("101", 1)], [], { forgets: true, history }), []);
});
