import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, MatrixUser } from "../../../matrix-client.ts";
import type { RoomEvent } from "../../../matrix-room.ts";
import { type Stage } from "./stage.ts";

interface Joined {
  readonly timeline: { readonly events: RoomEvent[]; readonly limited: boolean; readonly prev_batch: string };
  readonly state: { readonly events: RoomEvent[] };
  readonly ephemeral: { readonly events: Json[] };
  readonly account_data: { readonly events: Json[] };
}
interface Synced {
  readonly since: string;
  readonly join: Readonly<Record<string, Joined>>;
  readonly invite: Readonly<Record<string, { readonly invite_state: { readonly events: RoomEvent[] } }>>;
  readonly leave: Readonly<Record<string, Joined>>;
  readonly whole: Json;
}

async function sync(user: MatrixUser, query: Record<string, string | number> = {}): Promise<Synced> {
  const whole = await user.call("GET", "/sync", { query });
  const rooms = (whole["rooms"] ?? {}) as Partial<Synced>;
  return { since: whole["next_batch"] as string, join: rooms.join ?? {}, invite: rooms.invite ?? {}, leave: rooms.leave ?? {}, whole };
}

const types = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type.replace("m.room.", ""));

export function syncPromises(stage: Stage): void {
  test("at first everything is there: the latest events, and the state before them", async () => {
    const { owner, room } = await stage.roomOfTwo({ name: "Room" });
    for (let number = 1; number <= 12; number++) await room.say(String(number));
    const { join } = await sync(owner);
    const part = join[room.id] as Joined;
    assert.deepEqual(
      part.timeline.events.map(({ content }) => content["body"]),
      ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"],
    );
    assert.equal(part.timeline.limited, true);
    assert.deepEqual(types(part.state.events).sort(), [
      "create",
      "history_visibility",
      "join_rules",
      "member",
      "member",
      "name",
      "power_levels",
    ]);
    assert.equal("room_id" in (part.timeline.events[0] as object), false);
  });

  test("then only what is new, in order, once", async () => {
    const { owner, room, there } = await stage.roomOfTwo();
    const { since } = await sync(owner);
    await there.say("one");
    await there.setState("m.room.member", { membership: "join", displayname: "New" }, there.user.id);
    const second = await sync(owner, { since });
    assert.deepEqual(types(second.join[room.id]?.timeline.events ?? []), ["message", "member"]);
    assert.deepEqual(second.join[room.id]?.state.events, []);
    assert.equal(second.join[room.id]?.timeline.limited, false);
    const third = await sync(owner, { since: second.since });
    assert.deepEqual(third.join, {});
    await there.say("two");
    assert.deepEqual(types((await sync(owner, { since: third.since })).join[room.id]?.timeline.events ?? []), ["message"]);
  });

  test("a gap is marked, with the state that changed in it", async () => {
    const { owner, room } = await stage.roomOfTwo();
    const { since } = await sync(owner);
    await room.setState("m.room.topic", { topic: "in the gap" });
    for (let number = 1; number <= 12; number++) await room.say(String(number));
    const part = (await sync(owner, { since })).join[room.id] as Joined;
    assert.equal(part.timeline.limited, true);
    assert.deepEqual(types(part.state.events), ["topic"]);
    const { chunk } = await owner.call("GET", `/rooms/${encodeURIComponent(room.id)}/messages`, {
      query: { dir: "b", from: part.timeline.prev_batch, limit: 3 },
    });
    assert.deepEqual(types(chunk as RoomEvent[]), ["message", "message", "topic"]);
  });

  test("who waits is answered when something happens, and after their time when nothing does", async () => {
    const { owner, room, there } = await stage.roomOfTwo();
    const { since } = await sync(owner);
    const waiting = sync(owner, { since, timeout: 20_000 });
    await there.say("wake up");
    assert.deepEqual(types((await waiting).join[room.id]?.timeline.events ?? []), ["message"]);
    const quiet = await sync(owner, { since: (await waiting).since, timeout: 10 });
    assert.deepEqual(quiet.join, {});
  });

  test("one's own message carries its transaction id", async () => {
    const { owner, room } = await stage.roomOfTwo();
    const { since } = await sync(owner);
    await room.send("m.room.message", { msgtype: "m.text", body: "mine" }, "my-own-id");
    const [event] = (await sync(owner, { since })).join[room.id]?.timeline.events ?? [];
    assert.equal(event?.unsigned?.["transaction_id"], "my-own-id");
  });

  test("an invitation shows what the room is, and goes when it is taken", async () => {
    const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
    const { since } = await sync(ben);
    const room = await anna.createRoom({ name: "Come in", invite: [ben.id] });
    const invited = await sync(ben, { since });
    const state = invited.invite[room.id]?.invite_state.events ?? [];
    assert.equal(state.find(({ type }) => type === "m.room.name")?.content["name"], "Come in");
    const own = state.find(({ state_key: key }) => key === ben.id);
    assert.deepEqual([own?.sender, own?.content["membership"]], [anna.id, "invite"]);
    await ben.join(room.id);
    const joined = await sync(ben, { since: invited.since });
    assert.deepEqual(joined.invite, {});
    const part = joined.join[room.id] as Joined;
    const all = [...part.state.events, ...part.timeline.events];
    assert.ok(
      all.some(({ type }) => type === "m.room.create"),
      "who has just joined gets the whole state",
    );
  });

  test("a room that one leaves, or is kicked from, is shown once as left", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    const { since } = await sync(guest);
    await room.say("last words");
    await room.kick(guest.id);
    await room.say("unheard");
    const left = await sync(guest, { since });
    assert.deepEqual(types(left.leave[room.id]?.timeline.events ?? []), ["message", "member"]);
    const later = await sync(guest, { since: left.since });
    assert.deepEqual(later.leave, {});
    assert.deepEqual(Object.keys((await sync(guest)).leave), []);
    const filter = JSON.stringify({ room: { include_leave: true } });
    assert.ok(room.id in (await sync(guest, { filter })).leave);
    await there.join();
  });

  test("filters choose rooms, types and how many", async () => {
    const { owner, room, there } = await stage.roomOfTwo();
    const other = await owner.createRoom();
    for (let number = 1; number <= 3; number++) await room.say(String(number));
    const filter = {
      room: { rooms: [room.id], timeline: { limit: 2, types: ["m.room.message"] }, state: { types: ["m.room.join_rules"] } },
    };
    const inline = await sync(owner, { filter: JSON.stringify(filter) });
    assert.deepEqual(Object.keys(inline.join), [room.id]);
    assert.equal(inline.join[other.id], undefined);
    assert.deepEqual(
      inline.join[room.id]?.timeline.events.map(({ content }) => content["body"]),
      ["2", "3"],
    );
    assert.deepEqual(types(inline.join[room.id]?.state.events ?? []), ["join_rules"]);
    const { filter_id: id } = await owner.call("POST", `/user/${owner.id}/filter`, { body: filter });
    const { since } = await sync(owner, { filter: id as string });
    await there.send("io.test", {});
    await there.say("4");
    const next = await sync(owner, { filter: id as string, since });
    assert.deepEqual(types(next.join[room.id]?.timeline.events ?? []), ["message"]);
  });

  test("typing and receipts come as they happen", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    const said = await room.say("read this");
    await room.find({ body: "read this" });
    await there.typing(true);
    const typing = await room.nextEphemeral(({ type }) => type === "m.typing");
    assert.deepEqual(typing["content"], { user_ids: [guest.id] });
    await there.typing(false);
    const still = await room.nextEphemeral(({ type }) => type === "m.typing");
    assert.deepEqual(still["content"], { user_ids: [] });
    await there.read(said);
    const receipt = await room.nextEphemeral(({ type }) => type === "m.receipt");
    const users = (receipt["content"] as Record<string, Record<string, Json>>)[said]?.["m.read"];
    assert.deepEqual(Object.keys(users ?? {}), [guest.id]);
  });

  test("account data is kept for the account and for a room, and told", async () => {
    const { owner, room } = await stage.roomOfTwo();
    const { since } = await sync(owner);
    await owner.call("PUT", `/user/${owner.id}/account_data/io.test`, { body: { of: "account" } });
    await owner.call("PUT", `/user/${owner.id}/rooms/${encodeURIComponent(room.id)}/account_data/io.test`, { body: { of: "room" } });
    assert.deepEqual(await owner.call("GET", `/user/${owner.id}/account_data/io.test`), { of: "account" });
    const next = await sync(owner, { since });
    assert.deepEqual((next.whole["account_data"] as { events: Json[] }).events, [{ type: "io.test", content: { of: "account" } }]);
    assert.deepEqual(next.join[room.id]?.account_data.events, [{ type: "io.test", content: { of: "room" } }]);
  });
}
