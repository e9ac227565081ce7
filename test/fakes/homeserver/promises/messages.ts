import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { request } from "undici";
import type { MatrixRoom, RoomEvent } from "../../../matrix-room.ts";
import { at, refused, type Stage } from "./stage.ts";

export function messagePromises(stage: Stage): void {
  test("a message comes back as it was sent", async () => {
    const { room, there } = await stage.roomOfTwo();
    const content = { msgtype: "m.text", body: "héllo 🐈\u2028\u0001", "io.test.deep": { a: [1, null, true, { b: "" }] } };
    const event = await there.event(await room.send("m.room.message", content));
    assert.deepEqual(event.content, content);
    assert.equal(event.sender, room.user.id);
    assert.ok(Math.abs(event.origin_server_ts - Date.now()) < 10_000);
    const own = await room.event(event.event_id);
    assert.equal(typeof own.unsigned?.["transaction_id"], "string");
    assert.equal(event.unsigned?.["transaction_id"], undefined);
  });

  test("the same transaction id of the same device is the same event, whatever it says", async () => {
    const { room, there } = await stage.roomOfTwo();
    const first = await room.send("m.room.message", { msgtype: "m.text", body: "once" }, "t1");
    assert.equal(await room.send("m.room.message", { msgtype: "m.text", body: "twice" }, "t1"), first);
    assert.equal(await room.send("io.test", {}, "t1"), first);
    assert.notEqual(await there.send("m.room.message", { msgtype: "m.text", body: "other" }, "t1"), first);
  });

  test("the ghosts of a service share its transaction ids", async () => {
    const { room } = await stage.roomOfTwo();
    const [one, two] = [await stage.ghostIn(room), await stage.ghostIn(room)];
    const say = async (user: string): Promise<unknown> =>
      (await stage.asService("PUT", at(room, "send/m.room.message/shared"), { user, body: { msgtype: "m.text", body: user } }))["event_id"];
    assert.equal(await say(two), await say(one));
  });

  test("a refused message does not use up its transaction id", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    await room.kick(guest.id);
    const say = (): Promise<string> => there.send("m.room.message", { msgtype: "m.text", body: "again" }, "t2");
    await refused(403, "M_FORBIDDEN", say());
    await there.join();
    await say();
  });

  test("a service says when something happened; a person cannot", async () => {
    const { room } = await stage.roomOfTwo();
    const ghost = await stage.ghostIn(room);
    const body = { msgtype: "m.text", body: "long ago" };
    const put = (user: string, ts: string): Promise<Record<string, unknown>> =>
      stage.asService("PUT", at(room, `send/m.room.message/${randomUUID()}`), { user, body, query: { ts } });
    const { event_id: id } = await put(ghost, "1234567890123");
    assert.equal((await room.event(id as string)).origin_server_ts, 1_234_567_890_123);
    await refused(400, "M_INVALID_PARAM", put(ghost, "yesterday"));
    const mine = await room.user.call("PUT", at(room, `send/m.room.message/${randomUUID()}`), { body, query: { ts: "5" } });
    assert.notEqual((await room.event(mine["event_id"] as string)).origin_server_ts, 5);
  });

  test("a message without text, a fraction, a number too large, wrong mentions: each is refused", async () => {
    const { room } = await stage.roomOfTwo();
    await refused(400, "M_UNKNOWN", room.send("m.room.message", { msgtype: "m.text" }));
    await refused(400, "M_UNKNOWN", room.send("m.room.message", { msgtype: "m.text", body: 5 }));
    await refused(400, "M_BAD_JSON", room.send("io.test", { number: 1.5 }));
    await refused(400, "M_BAD_JSON", room.send("io.test", { number: 2 ** 53 }));
    await room.send("io.test", { number: 2 ** 53 - 1 });
    await refused(400, "M_BAD_JSON", room.send("m.room.message", { msgtype: "m.text", body: "a", "m.mentions": { user_ids: {} } }));
    await refused(400, "M_BAD_JSON", room.send("m.room.message", { msgtype: "m.text", body: "a", "m.mentions": { room: "yes" } }));
    await refused(500, "M_UNKNOWN", room.say("half a pair: \ud83d"));
    await refused(400, "M_UNKNOWN", room.send("m.room.name", { name: "no state" }));
    await refused(403, "M_FORBIDDEN", room.user.in("!unknown:test.local").say("hello"));
  });

  test("an event of more than 65536 bytes is refused, a slightly smaller one is not", async () => {
    const { room } = await stage.roomOfTwo();
    await room.say("x".repeat(64_000));
    await refused(413, "M_TOO_LARGE", room.say("x".repeat(65_536)));
    await refused(413, "M_TOO_LARGE", room.send("t".repeat(256), {}));
    await refused(413, "M_TOO_LARGE", room.setState("io.test", {}, "k".repeat(256)));
  });

  test("a body that is no JSON object is refused", async () => {
    const { room } = await stage.roomOfTwo();
    const put = async (body: string): Promise<string> => {
      const url = `${stage.hs.url}/_matrix/client/v3${at(room, `send/m.room.message/${randomUUID()}`)}`;
      const answer = await request(url, { method: "PUT", headers: { authorization: `Bearer ${room.user.token}` }, body });
      return `${answer.statusCode} ${((await answer.body.json()) as Record<string, string>)["errcode"]}`;
    };
    assert.equal(await put("{nonsense"), "400 M_NOT_JSON");
    assert.equal(await put(""), "400 M_NOT_JSON");
    assert.equal(await put("[]"), "400 M_BAD_JSON");
  });

  relationPromises(stage);
  for (const version of ["10", "11", "12"]) redactionPromises(stage, version);
}

function relationPromises(stage: Stage): void {
  test("nobody reacts twice with the same, but again after taking it back", async () => {
    const { room, there } = await stage.roomOfTwo();
    const target = await room.say("hello");
    const first = await there.react(target, "👍");
    await refused(400, "M_DUPLICATE_ANNOTATION", there.react(target, "👍"));
    await there.react(target, "🎉");
    await room.react(target, "👍");
    await there.redact(first);
    await there.react(target, "👍");
  });

  test("what relates to an event that nobody knows, or in another room, is refused", async () => {
    const { owner, room } = await stage.roomOfTwo();
    const elsewhere = await (await owner.createRoom()).say("elsewhere");
    await refused(400, "M_UNKNOWN", room.react("$unknown", "👍"));
    await refused(400, "M_UNKNOWN", room.edit("$unknown", "better"));
    await refused(400, "M_UNKNOWN", room.thread("$unknown", "in a thread"));
    await refused(400, "M_UNKNOWN", room.react(elsewhere, "👍"));
    await room.reply("$unknown", "an answer to nothing is fine");
    await refused(
      400,
      "M_UNKNOWN",
      room.send("m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: await room.say("a") } }),
    );
  });

  test("a thread begins at a message that is in no thread itself", async () => {
    const { room, there } = await stage.roomOfTwo();
    const root = await room.say("root");
    const first = await there.thread(root, "first");
    await refused(400, "M_UNKNOWN", there.thread(first, "nested"));
    await room.thread(root, "second");
    const bundled = (await room.event(root)).unsigned?.["m.relations"] as Record<string, Record<string, unknown>>;
    assert.equal(bundled["m.thread"]?.["count"], 2);
    assert.equal(bundled["m.thread"]?.["current_user_participated"], true);
    const latest = bundled["m.thread"]?.["latest_event"] as RoomEvent;
    assert.equal(latest.content["body"], "second");
  });

  test("the latest edit by the author comes along with the event, until it is redacted", async () => {
    const { room, there } = await stage.roomOfTwo();
    const id = await room.say("one");
    const second = await room.edit(id, "two");
    const third = await room.edit(id, "three");
    await there.edit(id, "not mine to edit");
    assert.deepEqual(await bundledEdit(there, id), third);
    assert.equal((await there.event(id)).content["body"], "one");
    await room.redact(third);
    assert.deepEqual(await bundledEdit(there, id), second);
    await room.redact(second);
    assert.equal(await bundledEdit(there, id), undefined);
  });

  test("relations are listed by kind and type, newest first, page by page", async () => {
    const { room, there } = await stage.roomOfTwo();
    const target = await room.say("target");
    const reactions = [await there.react(target, "1"), await there.react(target, "2"), await there.react(target, "3")];
    const reply = await there.thread(target, "threaded");
    const list = async (rest: string, query = {}): Promise<{ ids: string[]; next: unknown }> => {
      const answer = await room.user.call("GET", `/_matrix/client/v1${at(room, `relations/${target}${rest}`)}`, { query });
      return { ids: (answer["chunk"] as RoomEvent[]).map(({ event_id: id }) => id), next: answer["next_batch"] };
    };
    assert.deepEqual((await list("")).ids, [reply, ...reactions.toReversed()]);
    assert.deepEqual((await list("/m.annotation")).ids, reactions.toReversed());
    assert.deepEqual((await list("/m.annotation/m.reaction", { dir: "f" })).ids, reactions);
    assert.deepEqual((await list("/m.annotation/m.other")).ids, []);
    const page = await list("/m.annotation", { limit: 2 });
    assert.deepEqual(page.ids, [reactions[2], reactions[1]]);
    assert.deepEqual(await list("/m.annotation", { limit: 2, from: page.next as string }), { ids: [reactions[0]], next: undefined });
    await there.redact(reactions[1] as string);
    assert.deepEqual((await list("/m.annotation")).ids, [reactions[2], reactions[0]]);
    await refused(404, "M_UNKNOWN", room.user.call("GET", `/_matrix/client/v1${at(room, "relations/$unknown")}`));
  });
}

async function bundledEdit(room: MatrixRoom, id: string): Promise<unknown> {
  const relations = (await room.event(id)).unsigned?.["m.relations"] as Record<string, RoomEvent> | undefined;
  return relations?.["m.replace"]?.event_id;
}

function redactionPromises(stage: Stage, version: string): void {
  test(`version ${version}: a redaction empties its target and keeps what its body says`, async () => {
    const { room, there } = await stage.roomOfTwo({ room_version: version });
    const id = await there.say("oops");
    const redaction = await there.redact(id, "typo", { "io.test.origin": { link: 1, mac: "abc" } });
    const gone = await room.event(id);
    assert.deepEqual(gone.content, {});
    assert.equal((gone.unsigned?.["redacted_because"] as RoomEvent | undefined)?.event_id, redaction);
    const event = await room.event(redaction);
    assert.equal(event.type, "m.room.redaction");
    assert.equal(event.redacts, id);
    assert.deepEqual(event.content, { reason: "typo", "io.test.origin": { link: 1, mac: "abc" }, redacts: id });
  });

  test(`version ${version}: only moderators redact what others said, and what is not there`, async () => {
    const { owner, guest, room, there } = await stage.roomOfTwo({ room_version: version });
    const id = await room.say("mine");
    await refused(403, "M_FORBIDDEN", there.redact(id));
    await room.redact(await there.say("theirs"));
    await refused(404, "M_NOT_FOUND", there.redact("$unknown"));
    await room.redact("$unknown");
    const elsewhere = await (await owner.createRoom()).say("elsewhere");
    await refused(400, "M_UNKNOWN", room.redact(elsewhere));
    await room.setPower((levels) => ({ ...levels, events: { "m.room.redaction": 50 } }));
    await refused(403, "M_FORBIDDEN", there.redact(await there.say("my own")));
    assert.equal(guest.id, there.user.id);
  });

  test(`version ${version}: redacted state keeps what the room stands on`, async () => {
    const { guest, room, there } = await stage.roomOfTwo({ room_version: version });
    await there.setState("m.room.member", { membership: "join", displayname: "Rude name" }, guest.id);
    const own = (await room.timeline()).findLast(({ state_key: key }) => key === guest.id);
    await room.redact(own?.event_id ?? "");
    assert.deepEqual(await room.state("m.room.member", guest.id), { membership: "join" });
    await there.say("still here");
    const create = (await room.timeline())[0]?.event_id ?? "";
    await refused(403, "M_FORBIDDEN", room.redact(create));
  });
}
