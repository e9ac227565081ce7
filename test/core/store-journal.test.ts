import assert from "node:assert/strict";
import { test } from "node:test";
import { eventId, linkId, loginId, mxid, networkId, remoteChannelId, remoteMessageId, roomId } from "../../core/model/ids.ts";
import type { MessageRecord, NewRow, Store } from "../../core/store/store.ts";
import { memoryStore } from "./temporary-store.ts";

const row = (payload: unknown, more: Partial<NewRow> = {}): NewRow => ({
  lane: "in:1",
  payload,
  trace: "t",
  at: 1000,
  phase: 0,
  once: [],
  ...more,
});

const record: MessageRecord = {
  link: linkId(1),
  room: roomId("!r"),
  event: eventId("$e"),
  remote: remoteMessageId("m1"),
  part: 0,
  origin: "remote",
  sender: mxid("@_irc_net_a:x"),
  at: 5,
};

async function payloads(store: Store, lane = "in:1", below?: number): Promise<unknown[]> {
  return (await store.journal.head(lane, 100, below)).map((one) => one.payload);
}

test("what is taken stands in its lane in the order of the calls", async (t) => {
  const store = await memoryStore(t);
  const taken = ["a", "b", "c"].map((payload) => store.journal.take({ rows: [row(payload)] }));
  assert.deepEqual((await Promise.all(taken)).flat(), [1, 2, 3]);
  assert.deepEqual(await payloads(store), ["a", "b", "c"]);
  assert.deepEqual(await store.journal.lanes(), ["in:1"]);
});

test("history passes what arrived live meanwhile, and what was there before passes both", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("before", { phase: 1 }), row("live", { phase: 3 }), row("history", { phase: 2 })] });
  assert.deepEqual(await payloads(store), ["before", "history", "live"]);
  assert.deepEqual(await payloads(store, "in:1", 3), ["before", "history"]);
});

test("a row with a key that was seen is not written, even after the first is finished or while it is parked", async (t) => {
  const store = await memoryStore(t);
  const [first] = await store.journal.take({ rows: [row(1, { once: ["delivery", "subject"] })] });
  await store.journal.park(first as number, "no right", 2000);
  assert.deepEqual(await store.journal.take({ rows: [row(2, { once: ["other", "subject"] })] }), [undefined]);
  await store.journal.finish(first, {});
  assert.deepEqual(await store.journal.take({ rows: [row(3, { once: ["subject"] }), row(4, { once: ["new"] })] }), [undefined, 2]);
  assert.deepEqual(await store.journal.seen(["delivery", "other", "new"]), new Set(["delivery", "new"]));
});

test("two rows of one intake with the same key: the first counts", async (t) => {
  const store = await memoryStore(t);
  assert.deepEqual(await store.journal.take({ rows: [row("a", { once: ["k"] }), row("b", { once: ["k"] })], seen: ["k", "l"] }), [
    1,
    undefined,
  ]);
  assert.deepEqual(await payloads(store), ["a"]);
});

test("an intake writes rows, keys, echoes, a session and watermarks in one", async (t) => {
  const store = await memoryStore(t);
  const [network, login] = [networkId("irc"), loginId("net")];
  const channel = { network, login, channel: remoteChannelId("#a"), room: roomId("!r"), by: "config" as const };
  const { id } = await store.portals.addLink({ ...channel, settings: {}, watermark: "9", at: 1 });
  const keep = { network, login, values: { session: "s", seq: 4 } };
  const at = (cursor: string) => [{ link: id, cursor }];
  await store.journal.take({ rows: [row("a")], seen: ["$x"], records: [record], keep, watermarks: at("10") });
  assert.deepEqual(await payloads(store), ["a"]);
  assert.deepEqual(await store.journal.seen(["$x"]), new Set(["$x"]));
  assert.equal((await store.messages.byEvent(record.event)).length, 1);
  assert.equal(await store.users.keep(network, login, "seq"), 4);
  assert.equal((await store.portals.link(id))?.watermark, "10");
  await store.journal.take({ rows: [], watermarks: at("9") });
  assert.equal((await store.portals.link(id))?.watermark, "10", "a watermark never goes back");
});

test("attempts are counted, what is saved on the way is kept, and being put off sets them back", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("a")] });
  await store.journal.attempt(1, { part: 0 });
  await store.journal.attempt(1);
  const tried = await store.journal.row(1);
  assert.deepEqual([tried?.attempts, tried?.step], [2, { part: 0 }]);
  await store.journal.save(1, { part: 1 });
  await store.journal.putOff(1, 9000, "The server is away.");
  const waiting = await store.journal.row(1);
  assert.deepEqual([waiting?.attempts, waiting?.step, waiting?.notBefore], [0, { part: 1 }, 9000]);
  assert.equal(waiting?.reason, "The server is away.");
});

test("a parked row leaves its lane and comes back to its old place", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("a"), row("b"), row("c", { lane: "out:1" })] });
  await store.journal.attempt(1);
  await store.journal.park(1, "You may not speak there.", 7000);
  await store.journal.park(3, "Too long.", 8000);
  assert.deepEqual(await payloads(store), ["b"]);
  assert.deepEqual(await store.journal.counts("in:1"), { waiting: 1, parked: 1 });
  assert.deepEqual(await store.journal.counts(), { waiting: 1, parked: 2 });
  assert.deepEqual(
    (await store.journal.parked({ limit: 10 })).map((one) => one.id),
    [1, 3],
  );
  assert.deepEqual(
    (await store.journal.parked({ lane: "in:1", limit: 10 })).map((one) => [one.reason, one.parkedAt]),
    [["You may not speak there.", 7000]],
  );
  await store.journal.retry([1, 3]);
  assert.deepEqual(await payloads(store), ["a", "b"]);
  const back = await store.journal.row(1);
  assert.deepEqual([back?.attempts, back?.reason, back?.parkedAt], [0, undefined, undefined]);
});

test("finishing records what was done and follows with new rows; done rows do not pile up", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("a")] });
  await store.journal.finish(1, { messages: [record], rows: [row("notice", { lane: "say:!r", once: ["told:1"] })] });
  assert.equal(await store.journal.row(1), undefined);
  assert.deepEqual(await store.journal.lanes(), ["say:!r"]);
  assert.deepEqual(await store.messages.byRemote(record.link, remoteMessageId("m1")), [record]);
  await store.journal.finish(undefined, { rows: [row("again", { lane: "say:!r", once: ["told:1"] })] });
  assert.deepEqual(await payloads(store, "say:!r"), ["notice"], "told once");
});

test("a redaction finds everything that waits about its target and takes the content out", async (t) => {
  const store = await memoryStore(t);
  const about = "$target";
  await store.journal.take({ rows: [row("x"), row("secret", { about }), row("secret", { lane: "out:2", about })] });
  await store.journal.park(3, "full", 1);
  assert.deepEqual(
    (await store.journal.about(about)).map((one) => one.id),
    [2, 3],
  );
  await store.journal.rewrite(2, null);
  await store.journal.remove([3]);
  assert.deepEqual(
    (await store.journal.about(about)).map((one) => one.payload),
    [null],
  );
  assert.deepEqual(await store.journal.counts(), { waiting: 2, parked: 0 });
});

test("a number is never given to a second row", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("a")] });
  await store.journal.remove([1]);
  assert.deepEqual(await store.journal.take({ rows: [row("b")] }), [2]);
});

test("the turn is the first row's that is not put off, else the one's that is due soonest", async (t) => {
  const { journal } = await memoryStore(t);
  await journal.take({ rows: [row("a", { phase: 1 }), row("b", { phase: 1 }), row("c")] });
  const turn = async (now: number, below?: number) => (await journal.next("in:1", now, below))?.payload;
  assert.equal(await turn(10), "c");
  await journal.putOff(3, 50, "later");
  assert.equal(await turn(10), "a");
  assert.equal(await turn(10, 1), "c");
  await journal.putOff(1, 30, "later");
  await journal.putOff(2, 20, "later");
  assert.equal(await turn(10), "b");
  assert.equal(await turn(60), "c");
  await journal.remove([1, 2, 3]);
  assert.equal(await turn(60), undefined);
});

test("times that a stranger's clock made up do not stop the intake", async (t) => {
  const store = await memoryStore(t);
  const times = [1.5, Number.NaN, 1e300, -1e300, Number.POSITIVE_INFINITY];
  await store.journal.take({ rows: times.map((at) => row(at, { at })), records: times.map((at, part) => ({ ...record, part, at })) });
  const heads = await store.journal.head("in:1", 10);
  assert.deepEqual(
    heads.map((one) => one.at),
    [1, 0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  );
});

test("text comes back as it went in, whatever is in it", async (t) => {
  const store = await memoryStore(t);
  const payload = { text: "a\u0000b'\"\\\ud800 \u{1f980}\u202e\r\n", ["__proto__"]: 1, nested: [[], {}, null, -0.5] };
  await store.journal.take({ rows: [row(payload, { trace: "a\u0000b", once: ["k\u0000a"] })] });
  const [back] = await store.journal.head("in:1", 1);
  assert.equal(JSON.stringify(back?.payload), JSON.stringify(payload));
  assert.equal(back?.trace, "a\u0000b");
  assert.deepEqual(await store.journal.seen(["k\u0000b", "k"]), new Set());
});

test("old keys and tombstones are removed in bounded bites, younger ones stay", async (t) => {
  let now = 0;
  const store = await memoryStore(t, { now: () => now });
  const keys = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`);
  await store.journal.take({ rows: [], seen: keys(1500, "old") });
  const tombstones = [10, 90].map((at) => ({ link: linkId(1), message: remoteMessageId(`m${at}`), at }));
  await store.journal.finish(undefined, { tombstones });
  now = 100;
  await store.journal.take({ rows: [], seen: keys(10, "new") });
  assert.deepEqual([await store.prune(50), await store.prune(50), await store.prune(50)], [1001, 500, 0]);
  assert.equal((await store.journal.seen(keys(10, "new"))).size, 10);
  assert.equal(await store.messages.isTombstone(linkId(1), remoteMessageId("m10")), false);
  assert.equal(await store.messages.isTombstone(linkId(1), remoteMessageId("m90")), true);
});

test("an attempt on a row that a redaction took away says so", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("a")] });
  assert.equal(await store.journal.attempt(1), true);
  await store.journal.remove([1]);
  assert.equal(await store.journal.attempt(1), false);
});

test("what was never tried, or is parked, can be taken away; what is being tried has to be resolved first", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("untried"), row("tried"), row("parked")] });
  await store.journal.attempt(2);
  await store.journal.attempt(3);
  await store.journal.park(3, "Too long.", 1);
  assert.deepEqual(await store.journal.removeUntried([1, 2, 3]), [2]);
  assert.deepEqual(await payloads(store), ["tried"]);
});

test("a retry begins as if it had never been tried", async (t) => {
  const store = await memoryStore(t);
  await store.journal.take({ rows: [row("a")] });
  await store.journal.attempt(1, { part: 3 });
  await store.journal.park(1, "unknown", 1);
  await store.journal.retry([1]);
  assert.equal((await store.journal.row(1))?.step, undefined);
});
