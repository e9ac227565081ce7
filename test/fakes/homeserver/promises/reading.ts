import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../matrix-client.ts";
import type { MatrixRoom, RoomEvent } from "../../../matrix-room.ts";
import { at, refused, type Stage } from "./stage.ts";

const bodies = (events: readonly RoomEvent[]): string[] =>
  events.flatMap(({ content }) => (typeof content["body"] === "string" ? [content["body"]] : []));

const page = (room: MatrixRoom, query: Record<string, string | number>): Promise<Json> =>
  room.user.call("GET", at(room, "messages"), { query });
const chunkOf = (answer: Json): RoomEvent[] => answer["chunk"] as RoomEvent[];

async function say(room: MatrixRoom, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) await room.say(String(number));
}

export function readingPromises(stage: Stage): void {
  test("messages are read backwards from now, page by page, to the beginning", async () => {
    const { room } = await stage.roomOfTwo();
    await say(room, 5);
    const first = await page(room, { dir: "b", limit: 2 });
    assert.deepEqual(bodies(chunkOf(first)), ["5", "4"]);
    const second = await page(room, { dir: "b", limit: 2, from: first["end"] as string });
    assert.deepEqual(bodies(chunkOf(second)), ["3", "2"]);
    const rest = await page(room, { dir: "b", limit: 100, from: second["end"] as string });
    assert.equal(chunkOf(rest).at(-1)?.type, "m.room.create");
    const beyond = await page(room, { dir: "b", limit: 100, from: rest["end"] as string });
    assert.deepEqual([beyond["chunk"], beyond["end"]], [[], undefined]);
  });

  test("messages are read forwards from the beginning, and from where a page or a sync ended", async () => {
    const { owner, room } = await stage.roomOfTwo();
    const { next_batch: since } = await owner.call("GET", "/sync");
    await say(room, 3);
    const all = await room.timeline();
    assert.equal(all[0]?.type, "m.room.create");
    assert.deepEqual(bodies(all), ["1", "2", "3"]);
    const later = await page(room, { dir: "f", limit: 2, from: since as string });
    assert.deepEqual(bodies(chunkOf(later)), ["1", "2"]);
    const end = await page(room, { dir: "f", limit: 2, from: later["end"] as string });
    assert.deepEqual(bodies(chunkOf(end)), ["3"]);
    const back = await page(room, { dir: "b", limit: 2, from: later["end"] as string });
    assert.deepEqual(bodies(chunkOf(back)), ["2", "1"]);
  });

  test("a filter keeps what is asked for", async () => {
    const { room, there } = await stage.roomOfTwo();
    await room.say("mine");
    await there.say("theirs");
    const filter = JSON.stringify({ types: ["m.room.message"], senders: [there.user.id] });
    assert.deepEqual(bodies(chunkOf(await page(room, { dir: "b", filter }))), ["theirs"]);
    const not = JSON.stringify({ not_types: ["m.room.*"] });
    assert.deepEqual(chunkOf(await page(room, { dir: "b", filter: not })), []);
    await refused(400, "M_INVALID_PARAM", page(room, { dir: "sideways" }));
    await refused(400, "M_UNKNOWN", page(room, { dir: "b", from: "nonsense" }));
  });

  test("an event is found by its id in its own room only", async () => {
    const { owner, room } = await stage.roomOfTwo();
    const other = await owner.createRoom();
    const id = await room.say("here");
    await refused(404, "M_NOT_FOUND", other.event(id));
    await refused(404, "M_NOT_FOUND", room.event("$unknown"));
    await refused(404, "M_NOT_FOUND", room.as(await stage.person()).event(id));
  });

  test("an event's surroundings are shown with it", async () => {
    const { room } = await stage.roomOfTwo();
    await say(room, 5);
    const middle = (await room.timeline()).find(({ content }) => content["body"] === "3");
    const around = await room.user.call("GET", at(room, `context/${middle?.event_id}`), { query: { limit: 3 } });
    assert.equal((around["event"] as RoomEvent).event_id, middle?.event_id);
    assert.deepEqual(bodies(around["events_before"] as RoomEvent[]), ["2"]);
    assert.deepEqual(bodies(around["events_after"] as RoomEvent[]), ["4", "5"]);
  });

  for (const [visibility, seen] of [
    ["shared", ["before"]],
    ["joined", []],
    ["invited", []],
    ["world_readable", ["before"]],
  ] as const) {
    test(`history for ${visibility === "world_readable" ? "everyone" : `"${visibility}"`}: who comes later sees ${seen.length > 0 ? "what was said before" : "nothing of before"}`, async () => {
      const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
      const rule = { type: "m.room.history_visibility", content: { history_visibility: visibility } };
      const room = await anna.createRoom({ preset: "public_chat", initial_state: [rule] });
      await room.say("before");
      if (visibility === "world_readable") assert.deepEqual(bodies(await room.as(ben).timeline()), ["before"]);
      else await refused(403, "M_FORBIDDEN", room.as(ben).timeline());
      const there = await ben.join(room.id);
      await room.say("after");
      assert.deepEqual(bodies(await there.timeline()), [...seen, "after"]);
    });
  }

  test("who was invited while the history was for the invited sees it from there", async () => {
    const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
    const rule = { type: "m.room.history_visibility", content: { history_visibility: "invited" } };
    const room = await anna.createRoom({ initial_state: [rule] });
    await room.say("before");
    await room.invite(ben.id);
    await room.say("meanwhile");
    const there = await room.as(ben).join();
    assert.deepEqual(bodies(await there.timeline()), ["meanwhile"]);
  });

  test("who has left sees what there was until then", async () => {
    const { room, there } = await stage.roomOfTwo();
    await room.say("before");
    await there.leave();
    await room.say("after");
    await room.setState("m.room.name", { name: "Later" });
    const { chunk } = await page(there, { dir: "b", limit: 100 });
    assert.deepEqual(bodies(chunk as RoomEvent[]), ["before"]);
    await refused(404, "M_NOT_FOUND", there.state("m.room.name"));
  });
}
