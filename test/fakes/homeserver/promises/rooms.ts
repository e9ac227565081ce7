import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { RoomEvent, RoomOptions } from "../../../matrix-room.ts";
import { at, refused, type Stage } from "./stage.ts";

const typesOf = (events: readonly RoomEvent[]): string[] => events.map(({ type }) => type.replace("m.room.", ""));

export function roomPromises(stage: Stage): void {
  test("a room is of version 12 unless asked otherwise, and its id names no server", async () => {
    const anna = await stage.person("anna");
    const room = await anna.createRoom();
    assert.match(room.id, /^![A-Za-z0-9_-]{43}$/);
    assert.equal((await room.state("m.room.create"))["room_version"], "12");
    assert.equal((await room.timeline())[0]?.event_id, `$${room.id.slice(1)}`);
    for (const version of ["10", "11"]) {
      const old = await anna.createRoom({ room_version: version });
      assert.match(old.id, /^![A-Za-z0-9_-]+:test\.local$/);
      assert.equal((await old.state("m.room.create"))["room_version"], version);
    }
    await refused(400, "M_UNSUPPORTED_ROOM_VERSION", anna.createRoom({ room_version: "nonsense" }));
  });

  test("a room begins with the same events in the same order", async () => {
    const anna = await stage.person("anna");
    const begins = async (options: RoomOptions): Promise<string[]> => typesOf(await (await anna.createRoom(options)).timeline());
    const usual = ["create", "member", "power_levels", "join_rules", "history_visibility", "guest_access"];
    assert.deepEqual(await begins({}), usual);
    assert.deepEqual(await begins({ preset: "public_chat" }), usual.slice(0, -1));
    const named = {
      name: "A room",
      topic: "Talk",
      initial_state: [{ type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    };
    assert.deepEqual(await begins(named), [...usual, "encryption", "name", "topic"]);
    const alias = `alias-${randomUUID()}`;
    assert.deepEqual(await begins({ room_alias_name: alias }), [...usual.slice(0, 3), "canonical_alias", ...usual.slice(3)]);
    const rule = { type: "m.room.join_rules", content: { join_rule: "public" } };
    assert.deepEqual(await begins({ initial_state: [rule] }), [
      "create",
      "member",
      "power_levels",
      "history_visibility",
      "guest_access",
      "join_rules",
    ]);
  });

  test("creators stand above power levels in version 12, and in them before", async () => {
    const anna = await stage.person("anna");
    const room = await anna.createRoom();
    const levels = await room.state("m.room.power_levels");
    assert.deepEqual(levels["users"], {});
    assert.equal((levels["events"] as Record<string, number>)["m.room.tombstone"], 150);
    await refused(400, "M_UNKNOWN", room.setState("m.room.power_levels", { ...levels, users: { [anna.id]: 100 } }));
    const old = await anna.createRoom({ room_version: "11" });
    assert.deepEqual((await old.state("m.room.power_levels"))["users"], { [anna.id]: 100 });
  });

  test("whoever is invited to a trusted private chat has its creator's power", async () => {
    const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
    const room = await anna.createRoom({ preset: "trusted_private_chat", invite: [ben.id], is_direct: true });
    assert.deepEqual((await room.state("m.room.create"))["additional_creators"], [ben.id]);
    assert.equal((await room.state("m.room.member", ben.id))["is_direct"], true);
    const there = await ben.join(room.id);
    await there.setState("m.room.name", { name: "Ours" });
    const old = await anna.createRoom({ preset: "trusted_private_chat", invite: [ben.id], room_version: "10" });
    assert.deepEqual((await old.state("m.room.power_levels"))["users"], { [anna.id]: 100, [ben.id]: 100 });
  });

  test("state needs power: names are for moderators, messages for everyone", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    await there.say("hello");
    await refused(403, "M_FORBIDDEN", there.setState("m.room.name", { name: "Mine" }));
    await refused(403, "M_FORBIDDEN", there.setState("io.test.state", { any: true }));
    await room.setPower((levels) => ({ ...levels, users: { [guest.id]: 50 } }));
    await there.setState("m.room.name", { name: "Mine" });
    assert.deepEqual(await room.state("m.room.name"), { name: "Mine" });
    await refused(
      403,
      "M_FORBIDDEN",
      there.setPower((levels) => ({ ...levels, users: { [guest.id]: 60 } })),
    );
    await refused(403, "M_FORBIDDEN", there.setState("io.test.other", {}, "@someone:test.local"));
  });

  test("a muted room refuses those below its level", async () => {
    const { room, there } = await stage.roomOfTwo();
    await room.setPower((levels) => ({ ...levels, events_default: 50 }));
    await refused(403, "M_FORBIDDEN", there.say("hello"));
    await room.say("only I");
  });

  test("power levels are whole numbers, and nobody raises anyone above themselves", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    await room.setPower((levels) => ({ ...levels, users: { [guest.id]: 100 } }));
    await refused(
      400,
      "M_BAD_JSON",
      room.setPower((levels) => ({ ...levels, users: { [guest.id]: "100" } })),
    );
    await refused(
      400,
      "M_BAD_JSON",
      room.setPower((levels) => ({ ...levels, ban: 1.5 })),
    );
    await refused(
      403,
      "M_FORBIDDEN",
      there.setPower((levels) => ({ ...levels, users: { [guest.id]: 101 } })),
    );
    const other = await stage.person();
    await there.setPower((levels) => ({ ...levels, users: { [guest.id]: 100, [other.id]: 100 } }));
    await refused(
      403,
      "M_FORBIDDEN",
      there.setPower((levels) => ({ ...levels, users: { [guest.id]: 100, [other.id]: 50 } })),
    );
  });

  test("state that says what is already so makes no second event", async () => {
    const anna = await stage.person("anna");
    const room = await anna.createRoom();
    const first = await room.setState("io.test.state", { a: 1, b: [true] });
    assert.equal(await room.setState("io.test.state", { b: [true], a: 1 }), first);
    assert.notEqual(await room.setState("io.test.state", { a: 2 }), first);
  });

  test("state is read by type and key, as content or whole, and missing state is not found", async () => {
    const { room } = await stage.roomOfTwo();
    const other = await stage.person();
    await room.setState("io.test.state", { of: "key" }, "a/key");
    assert.deepEqual(await room.state("io.test.state", "a/key"), { of: "key" });
    await refused(404, "M_NOT_FOUND", room.state("io.test.state"));
    await refused(403, "M_FORBIDDEN", room.as(other).state("io.test.state", "a/key"));
    const whole = await room.user.call("GET", at(room, "state/io.test.state/a%2Fkey"), { query: { format: "event" } });
    assert.equal(whole["sender"], room.user.id);
    const all = (await room.user.call("GET", at(room, "state"))) as unknown as RoomEvent[];
    assert.ok(all.some(({ type, state_key: key }) => type === "io.test.state" && key === "a/key"));
    const unknown = room.user.in("!unknown:test.local");
    await refused(403, "M_FORBIDDEN", unknown.state("m.room.name"));
  });

  test("an alias names a room, once, and only its maker or a moderator takes it away", async () => {
    const { owner, guest, room } = await stage.roomOfTwo();
    const alias = encodeURIComponent(`#room-${randomUUID()}:test.local`);
    const put = (who: typeof owner): Promise<unknown> => who.call("PUT", `/directory/room/${alias}`, { body: { room_id: room.id } });
    await refused(404, "M_NOT_FOUND", guest.call("GET", `/directory/room/${alias}`));
    await put(owner);
    await refused(409, "M_UNKNOWN", put(owner));
    const found = await guest.call("GET", `/directory/room/${alias}`);
    assert.deepEqual(found, { room_id: room.id, servers: ["test.local"] });
    assert.deepEqual(await owner.call("GET", at(room, "aliases")), { aliases: [decodeURIComponent(alias)] });
    await refused(403, "M_FORBIDDEN", guest.call("DELETE", `/directory/room/${alias}`));
    await owner.call("DELETE", `/directory/room/${alias}`);
    await refused(404, "M_NOT_FOUND", guest.call("GET", `/directory/room/${alias}`));
    await refused(400, "M_INVALID_PARAM", guest.call("GET", "/directory/room/nonsense"));
  });

  test("a service's aliases are its own", async () => {
    const anna = await stage.person("anna");
    const name = `_test_${randomUUID()}`;
    await refused(400, "M_EXCLUSIVE", anna.createRoom({ room_alias_name: name }));
    const made = await stage.asService("POST", "/createRoom", { body: { room_alias_name: name, preset: "public_chat" } });
    const again = stage.asService("POST", "/createRoom", { body: { room_alias_name: name } });
    await refused(400, "M_ROOM_IN_USE", again);
    const joined = await anna.join(`#${name}:test.local`);
    assert.equal(joined.id, made["room_id"]);
  });

  test("the directory lists what its moderators publish", async () => {
    const { owner, guest, room } = await stage.roomOfTwo({ name: `Listed ${randomUUID()}` });
    const where = `/directory/list/room/${encodeURIComponent(room.id)}`;
    assert.deepEqual(await owner.call("GET", where), { visibility: "private" });
    await refused(403, "M_FORBIDDEN", guest.call("PUT", where, { body: { visibility: "public" } }));
    await owner.call("PUT", where, { body: { visibility: "public" } });
    assert.deepEqual(await owner.call("GET", where), { visibility: "public" });
    const { chunk } = await guest.call("POST", "/publicRooms", { body: { filter: { generic_search_term: "Listed" } } });
    const listed = (chunk as Record<string, unknown>[]).find((each) => each["room_id"] === room.id);
    assert.equal(listed?.["num_joined_members"], 2);
    assert.equal(listed?.["join_rule"], "public");
  });

  for (const [from, to] of [
    ["11", "12"],
    ["12", "12"],
    ["12", "11"],
  ] as const) {
    test(`a room of version ${from} moves to version ${to}: tombstone, predecessor, name, aliases and bans`, async () => {
      const alias = `moving-${randomUUID()}`;
      const { owner, guest, room } = await stage.roomOfTwo({ room_version: from, name: "Moving", room_alias_name: alias });
      const banned = await stage.person();
      await room.ban(banned.id);
      await refused(403, "M_FORBIDDEN", room.as(guest).upgrade(to));
      const moved = await room.upgrade(to);
      assert.equal((await room.state("m.room.tombstone"))["replacement_room"], moved.id);
      const create = await moved.state("m.room.create");
      assert.equal((create["predecessor"] as Record<string, unknown>)["room_id"], room.id);
      assert.equal(create["room_version"], to);
      assert.deepEqual(await moved.state("m.room.name"), { name: "Moving" });
      assert.equal((await moved.state("m.room.member", banned.id))["membership"], "ban");
      assert.deepEqual(await moved.state("m.room.canonical_alias"), { alias: `#${alias}:test.local` });
      assert.equal((await owner.call("GET", `/directory/room/%23${alias}:test.local`))["room_id"], moved.id);
      assert.deepEqual((await moved.state("m.room.power_levels"))["users"], from === "12" || to === "12" ? {} : { [owner.id]: 100 });
      assert.equal((await room.state("m.room.power_levels"))["events_default"], 50);
      await refused(403, "M_FORBIDDEN", room.as(guest).say("too late"));
    });
  }
}
