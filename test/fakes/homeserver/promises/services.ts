import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Json } from "../../../matrix-client.ts";
import { at, refused, type Stage } from "./stage.ts";

const contentOf = (event: Json): Json => event["content"] as Json;

export function servicePromises(stage: Stage): void {
  /** A room in which the service's bot is. */
  const withBot = async (): Promise<Awaited<ReturnType<Stage["roomOfTwo"]>>> => {
    const made = await stage.roomOfTwo();
    await stage.asService("POST", `/join/${encodeURIComponent(made.room.id)}`, { body: {} });
    return made;
  };
  const own = (): string => String(stage.service.registration["id"]);
  const ping = (id = own()): Promise<Json> =>
    stage.asService("POST", `/_matrix/client/v1/appservice/${id}/ping`, { body: { transaction_id: "p1" } });
  const pushed = (id: unknown): Promise<Json> => stage.service.event((event) => event["event_id"] === id);

  test("what is said where the service has a user is pushed to it, in order, once", async () => {
    const { room } = await withBot();
    const ids: string[] = [];
    for (let number = 0; number < 5; number++) ids.push(await room.say(String(number)));
    await pushed(ids.at(-1));
    const seen = stage.service.events.filter((event) => event["room_id"] === room.id && event["type"] === "m.room.message");
    assert.deepEqual(
      seen.map((event) => event["event_id"]),
      ids,
    );
  });

  test("a pushed event has everything that a client's has, and some of it twice", async () => {
    const { room } = await withBot();
    const event = await pushed(await room.say("hello"));
    assert.deepEqual(Object.keys(event).sort(), [
      "age",
      "content",
      "event_id",
      "origin_server_ts",
      "room_id",
      "sender",
      "type",
      "unsigned",
      "user_id",
    ]);
    assert.equal(event["user_id"], room.user.id);
    assert.deepEqual(Object.keys(event["unsigned"] as Json), ["age"]);
    const named = await pushed(await room.setState("m.room.name", { name: "One" }));
    const renamed = await pushed(await room.setState("m.room.name", { name: "Two" }));
    assert.deepEqual(renamed["prev_content"], { name: "One" });
    assert.equal(renamed["replaces_state"], named["event_id"]);
    const gone = await pushed(await room.redact(event["event_id"] as string, "oops"));
    assert.equal(gone["redacts"], event["event_id"]);
    assert.deepEqual(contentOf(gone), { reason: "oops", redacts: event["event_id"] });
  });

  test("a service hears its own ghosts too, and nothing of rooms that it is not in", async () => {
    const { room } = await withBot();
    const ghost = await stage.ghostIn(room);
    const elsewhere = await stage.roomOfTwo();
    const unheard = await elsewhere.room.say("not for you");
    const body = { msgtype: "m.text", body: "by a ghost", "io.test.origin": { link: 1 } };
    const { event_id: id } = await stage.asService("PUT", at(room, `send/m.room.message/${randomUUID()}`), { user: ghost, body });
    const event = await pushed(id);
    assert.deepEqual([event["sender"], contentOf(event)], [ghost, body]);
    assert.equal(
      stage.service.events.find((each) => each["event_id"] === unheard),
      undefined,
    );
  });

  test("an invitation of a ghost is pushed with what the room is, from then on its room is heard", async () => {
    const anna = await stage.person("anna");
    const room = await anna.createRoom({ name: "For ghosts" });
    const ghost = await stage.ghost();
    await room.say("before");
    await room.invite(ghost);
    const invite = await stage.service.event((event) => event["state_key"] === ghost && event["room_id"] === room.id);
    const state = (invite["invite_room_state"] ?? []) as Json[];
    assert.ok(state.some((event) => event["type"] === "m.room.name"));
    await stage.asService("POST", at(room, "join"), { user: ghost, body: {} });
    await pushed(await room.say("after"));
    await stage.asService("POST", at(room, "leave"), { user: ghost, body: {} });
    await stage.service.event((event) => event["state_key"] === ghost && contentOf(event)["membership"] === "leave");
  });

  test("typing and receipts are pushed under the old and the new name", async () => {
    const { guest, room, there } = await withBot();
    const said = await room.say("read this");
    await there.typing(true);
    await stage.service.ephemeral(
      (event) => event["type"] === "m.typing" && event["room_id"] === room.id && JSON.stringify(event).includes(guest.id),
    );
    await there.read(said);
    const receipt = await stage.service.ephemeral((event) => event["type"] === "m.receipt" && event["room_id"] === room.id);
    assert.deepEqual(Object.keys(receipt["content"] as Json), [said]);
    const { body } = stage.service.transactions.find(({ ephemeral }) => ephemeral.length > 0) as { body: Json };
    assert.deepEqual(body["ephemeral"], body["de.sorunome.msc2409.ephemeral"]);
  });

  test("a service's sender cannot sync, its other users can; messages are for all of them", async () => {
    const { room } = await withBot();
    await refused(500, "M_UNKNOWN", stage.asService("GET", "/sync"));
    const ghost = await stage.ghostIn(room);
    const { rooms } = await stage.asService("GET", "/sync", { user: ghost });
    assert.ok(room.id in (rooms as { join: Json }).join);
    const said = await room.say("read back");
    const { chunk } = await stage.asService("GET", at(room, "messages"), { query: { dir: "b", limit: "1" } });
    assert.equal((chunk as Json[])[0]?.["event_id"], said);
  });

  test("a ping goes there and back, for the service's own id only", async () => {
    assert.equal(typeof (await ping())["duration_ms"], "number");
    await refused(403, "M_FORBIDDEN", ping("other"));
    const anna = await stage.person("anna");
    await refused(403, "M_FORBIDDEN", anna.call("POST", `/_matrix/client/v1/appservice/${own()}/ping`, { body: {} }));
  });

  test("an unknown alias of the service is asked for, and may be made then", async () => {
    const anna = await stage.person("anna");
    const name = `_test_${randomUUID()}`;
    const alias = `#${name}:${stage.hs.serverName}`;
    await refused(404, "M_NOT_FOUND", anna.join(alias));
    assert.ok(stage.service.asked.includes(alias));
    stage.service.onAlias = async (asked) => {
      if (asked === alias) await stage.asService("POST", "/createRoom", { body: { room_alias_name: name, preset: "public_chat" } });
      return asked === alias;
    };
    const room = await anna.join(alias);
    assert.deepEqual((await room.state("m.room.canonical_alias"))["alias"], alias);
  });

  test("before an event about one of its users whom nobody has registered, the service is asked about them", async () => {
    const { room } = await withBot();
    const stranger = `@_test_${randomUUID()}:${stage.hs.serverName}`;
    await room.invite(stranger);
    await stage.service.event((event) => event["state_key"] === stranger);
    assert.ok(stage.service.asked.includes(stranger));
  });

  test("what networks there are is asked of the services", async () => {
    const anna = await stage.person("anna");
    const protocols = await anna.call("GET", "/thirdparty/protocols");
    assert.deepEqual(Object.keys(protocols), ["test"]);
    assert.deepEqual(await anna.call("GET", "/thirdparty/location/test", { query: { channel: "#a" } }), []);
  });

  test("presence is pushed to a service that shares a room, and told to people who do", async () => {
    const { owner, guest } = await withBot();
    const { next_batch: since } = await owner.call("GET", "/sync");
    await guest.call("PUT", `/presence/${guest.id}/status`, { body: { presence: "unavailable", status_msg: "at lunch" } });
    const pushedPresence = await stage.service.ephemeral(
      (event) => event["type"] === "m.presence" && event["sender"] === guest.id && JSON.stringify(event).includes("lunch"),
    );
    assert.equal(contentOf(pushedPresence)["presence"], "unavailable");
    const { presence } = await owner.call("GET", "/sync", { query: { since: since as string, timeout: 5000 } });
    const told = (presence as { events: Json[] }).events.find((event) => event["sender"] === guest.id);
    assert.equal(contentOf(told ?? {})["status_msg"], "at lunch");
    assert.equal((await owner.call("GET", `/presence/${guest.id}/status`))["presence"], "unavailable");
  });

  test("a service that fails gets the same transaction again, nothing is lost, and a ping ends the wait", async () => {
    const { room } = await withBot();
    await pushed(await room.say("all is well"));
    stage.service.status = 500;
    const first = await room.say("first");
    const failed = await stage.service.until(
      () => stage.service.tries.find((id) => !stage.service.transactions.some((each) => each.id === id)),
      "a failed try",
    );
    const second = await room.say("second");
    stage.service.status = 200;
    await ping();
    await pushed(second);
    const order = stage.service.events.map((event) => event["event_id"]).filter((id) => id === first || id === second);
    assert.deepEqual(order, [first, second]);
    assert.ok(stage.service.transactions.some(({ id }) => id === failed));
  });

  test("after a restart the transaction ids of the service begin again, both ways", async () => {
    const { room } = await withBot();
    const ghost = await stage.ghostIn(room);
    const say = async (): Promise<unknown> =>
      (
        await stage.asService("PUT", at(room, "send/m.room.message/over-a-restart"), {
          user: ghost,
          body: { msgtype: "m.text", body: "once" },
        })
      )["event_id"];
    const first = await say();
    await pushed(first);
    // The homeserver has to hear that it was taken: a transaction in flight keeps its number.
    for (let times = 0; times < 5; times++) await ping();
    await stage.hs.restart();
    const count = stage.service.transactions.length;
    const highest = Math.max(...stage.service.transactions.map(({ id }) => Number(id)));
    const again = await say();
    assert.notEqual(again, first);
    await pushed(again);
    assert.ok(Number(stage.service.transactions[count]?.id) < highest);
  });
}
