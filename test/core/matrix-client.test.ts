import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test, type TestContext } from "node:test";
import { failureOf, type MatrixClient, MatrixError, Unreachable } from "../../core/matrix/client.ts";
import { Broken, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { eventId, mxid, type RoomId, roomAlias, roomId } from "../../core/model/ids.ts";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import { bot, clientOf, listen, StandingClock, until } from "./shore.ts";

const ghost = mxid("@_irc_alice:test.local");
const registration = {
  id: "causeway",
  url: null,
  as_token: "as-token",
  hs_token: "hs-token",
  sender_localpart: "causeway",
  namespaces: {
    users: [
      { regex: "^@_irc_.*:test\\.local$", exclusive: true },
      { regex: "^@causeway:test\\.local$", exclusive: true },
    ],
    aliases: [{ regex: "^#_irc_.*:test\\.local$", exclusive: true }],
    rooms: [],
  },
};

async function homeserver(t: TestContext): Promise<{ fake: FakeHomeserver; client: MatrixClient; room: RoomId }> {
  const fake = await startHomeserver({ services: [registration] });
  t.after(() => fake.stop());
  const client = clientOf(t, fake.url);
  await client.register("causeway");
  const room = await client.createRoom({ preset: "public_chat" });
  return { fake, client, room };
}

/** A homeserver of one answer. */
async function answering(t: TestContext, status: number, body: unknown, headers: Record<string, string> = {}): Promise<MatrixClient> {
  const url = await listen(t, (_request, response) => {
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  return clientOf(t, url);
}

const send = (client: MatrixClient) => client.send(roomId("!r"), "m.room.message", { body: "hi" }, { txnId: "1" });
const failed = (call: Promise<unknown>) => call.then(() => assert.fail("It did not fail."), failureOf);

test("the same transaction id is the same event", async (t) => {
  const { client, room } = await homeserver(t);
  const one = await client.send(room, "m.room.message", { msgtype: "m.text", body: "hi" }, { txnId: "a/b?c", ts: 1_700_000_000_000 });
  const two = await client.send(room, "m.room.message", { msgtype: "m.text", body: "hi" }, { txnId: "a/b?c", ts: 1_700_000_000_000 });
  assert.equal(one, two);
  const event = await client.event(room, one);
  assert.equal(event?.origin_server_ts, 1_700_000_000_000);
  assert.equal(event?.sender, bot);
});

test("a ghost is registered, joins, speaks, reacts, and takes it back with our mark", async (t) => {
  const { client, room } = await homeserver(t);
  assert.equal(await client.register("_irc_alice"), true);
  assert.equal(await client.register("_irc_alice"), false);
  await client.join(room, { as: ghost, via: ["test.local"] });
  const said = await client.send(room, "m.room.message", { msgtype: "m.text", body: "hi" }, { as: ghost, txnId: "1" });
  const relation = { "m.relates_to": { rel_type: "m.annotation", event_id: said, key: "👍" } };
  const reaction = await client.send(room, "m.reaction", relation, { as: ghost, txnId: "2" });
  assert.deepEqual(
    (await client.relations(room, said, "m.annotation", { eventType: "m.reaction" })).map((each) => each.event_id),
    [reaction],
  );
  await client.redact(room, said, { as: ghost, txnId: "3", reason: "typo", extra: { "io.causeway.origin": { link: 1 } } });
  const last = (await client.messages(room, { dir: "b", limit: 1 })).events[0];
  assert.equal(last?.redacts, said);
  assert.deepEqual(last?.content["io.causeway.origin"], { link: 1 });
  assert.equal(last?.content["reason"], "typo");
});

test("membership, profile and state are written and read", async (t) => {
  const { client, room } = await homeserver(t);
  await client.register("_irc_alice");
  await client.setName(ghost, "Alice");
  assert.deepEqual(await client.profile(ghost), { displayname: "Alice" });
  assert.equal(await client.profile(mxid("@_irc_nobody:test.local")), undefined);
  await client.invite(room, ghost, { extra: { "io.causeway.origin": { link: 1 } } });
  await client.member(room, ghost, { membership: "join", displayname: "Alice (IRC)" }, { as: ghost });
  assert.deepEqual([...(await client.members(room)).entries()].find(([who]) => who === ghost)?.[1], { displayname: "Alice (IRC)" });
  assert.deepEqual(await client.joinedRooms(ghost), [room]);
  await client.setState(room, "m.room.topic", "", { topic: "Tea" });
  assert.equal((await client.stateEvent(room, "m.room.topic", ""))?.["topic"], "Tea");
  assert.equal(await client.stateEvent(room, "m.room.avatar", ""), undefined);
  assert.ok((await client.state(room)).some(({ type }) => type === "m.room.create"));
  await client.kick(room, ghost, "bye");
  await client.ban(room, ghost);
  await client.unban(room, ghost);
  await client.invite(room, ghost, { reason: "come back" });
  await client.join(room, { as: ghost });
  await client.leave(room, { as: ghost, reason: "tired" });
  assert.deepEqual(await client.joinedRooms(ghost), []);
});

test("aliases and the room list", async (t) => {
  const { client, room } = await homeserver(t);
  const alias = roomAlias("#_irc_libera_#chan:test.local");
  assert.equal(await client.resolveAlias(alias), undefined);
  await client.putAlias(alias, room);
  assert.equal((await client.resolveAlias(alias))?.room, room);
  await client.removeAlias(alias);
  await client.removeAlias(alias);
  assert.equal(await client.published(room), false);
  await client.directory(room, "public");
  assert.equal(await client.published(room), true);
});

test("typing and receipts are sent as the ghost; the bot asks who it is", async (t) => {
  const { client, room } = await homeserver(t);
  await client.register("_irc_alice");
  await client.join(room, { as: ghost });
  const said = await client.send(room, "m.room.message", { msgtype: "m.text", body: "hi" }, { txnId: "1" });
  await client.typing(room, ghost, true, 5_000);
  await client.receipt(room, said, ghost, { thread: "main" });
  await client.typing(room, ghost, false);
  assert.equal(await client.whoami(), bot);
  assert.ok((await client.versions()).versions.includes("v1.11"));
});

test("the bot acts in its own name, without a user_id; a ghost's is encoded", async (t) => {
  const urls: string[] = [];
  const url = await listen(t, (request, response) => {
    urls.push(request.url ?? "");
    response.end('{"event_id":"$e","joined_rooms":[]}');
  });
  const client = clientOf(t, `${url}/behind/a/proxy/`);
  await client.joinedRooms(bot);
  await client.joinedRooms(mxid("@_irc_a/b&c=3d:test.local"));
  await client.send(roomId("!a/b:c"), "m.room.message", {}, { txnId: "#1" });
  await client.setState(roomId("!r"), "m.space.child", "!half\ud800:x", {}, {});
  assert.deepEqual(urls, [
    "/behind/a/proxy/_matrix/client/v3/joined_rooms",
    "/behind/a/proxy/_matrix/client/v3/joined_rooms?user_id=%40_irc_a%2Fb%26c%3D3d%3Atest.local",
    "/behind/a/proxy/_matrix/client/v3/rooms/!a%2Fb%3Ac/send/m.room.message/%231",
    "/behind/a/proxy/_matrix/client/v3/rooms/!r/state/m.space.child/!half%EF%BF%BD%3Ax",
  ]);
});

test("a part that would climb out of the path is not sent at all", async (t) => {
  let asked = 0;
  const client = clientOf(t, await listen(t, (_request, response) => (asked++, response.end("{}"))));
  await assert.rejects(client.stateEvent(roomId("!r"), "m.room.member", ".."), TypeError);
  await assert.rejects(client.event(roomId("."), eventId("$e")), TypeError);
  assert.equal(asked, 0);
});

test("half a character, which no homeserver can store, is replaced; a backslash that looks like one is not", async (t) => {
  let body = "";
  const url = await listen(t, (request, response) => {
    request.on("data", (chunk: Buffer) => (body += chunk));
    request.on("end", () => response.end('{"event_id":"$e"}'));
  });
  await clientOf(t, url).send(roomId("!r"), "m.room.message", { body: "a\ud800b 🌉 \\ud800 \\\udfff" }, { txnId: "1" });
  assert.equal(JSON.parse(body).body, "a\ufffdb 🌉 \\ud800 \\\ufffd");
});

test("what each refusal means for the message", async (t) => {
  const table: [status: number, body: unknown, kind: unknown, words: RegExp][] = [
    [429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 1234 }, TryLater, /429/],
    [503, "busy", TryLater, /503/],
    [502, "<html>bad gateway</html>", Uncertain, /502/],
    [504, "", Uncertain, /504/],
    [500, { errcode: "M_UNKNOWN", error: "oops" }, Uncertain, /oops/],
    [403, { errcode: "M_FORBIDDEN", error: "You are not welcome\nhere" }, Refused, /You are not welcome here/],
    [413, { errcode: "M_TOO_LARGE", error: "too big" }, Refused, /too big/],
    [400, { errcode: "M_TOO_LARGE" }, Refused, /M_TOO_LARGE/],
    [401, { errcode: "M_UNKNOWN_TOKEN" }, TryLater, /registration file/],
    [400, { errcode: "M_BAD_JSON", error: "no" }, Broken, /M_BAD_JSON/],
    [404, { errcode: "M_NOT_FOUND" }, Broken, /404/],
    [418, ["odd"], Broken, /M_UNKNOWN/],
    [200, "not json", Broken, /no JSON/],
    [200, {}, Broken, /did not say its id/],
  ];
  for (const [status, body, kind, words] of table) {
    const failure = await failed(send(await answering(t, status, body)));
    assert.equal(failure.constructor, kind, `${status} ${JSON.stringify(body)}: ${failure}`);
    assert.match(failure.message, words);
  }
});

test("how long to wait is read from the body, which is exact, else from the header", async (t) => {
  const wait = async (body: object) => {
    const failure = await failed(send(await answering(t, 429, { errcode: "M_LIMIT_EXCEEDED", ...body }, { "Retry-After": "7" })));
    assert.ok(failure instanceof TryLater && failure.scope === "login");
    return failure.after;
  };
  assert.equal(await wait({ retry_after_ms: 1234 }), 1234);
  assert.equal(await wait({}), 7_000);
  assert.equal(await wait({ retry_after_ms: "soon" }), 7_000);
});

test("asking for something is never uncertain", async (t) => {
  const client = await answering(t, 502, "bad gateway");
  assert.equal((await failed(client.joinedRooms())).constructor, TryLater);
});

test("nobody listening: nothing was sent", async (t) => {
  const url = await listen(t, () => undefined);
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  const error = await send(clientOf(t, url.replace(/\d+$/, String(port)))).catch((each: unknown) => each);
  assert.ok(error instanceof Unreachable);
  assert.equal(error.sent, false);
  assert.equal(failureOf(error).constructor, TryLater);
});

test("a connection that ends before the answer: it may have arrived", async (t) => {
  const { fake, client, room } = await homeserver(t);
  fake.faults.add({ kind: "reply-lost", match: { path: "/send/" } });
  const call = () => client.send(room, "m.room.message", { msgtype: "m.text", body: "hi" }, { txnId: "1" });
  const error = await call().catch((each: unknown) => each);
  assert.ok(error instanceof Unreachable && error.sent);
  assert.equal(failureOf(error).constructor, Uncertain);
  await call();
  assert.equal(fake.timeline(room).filter(({ type }) => type === "m.room.message").length, 1);
});

test("an answer that breaks off half-way: it may have arrived", async (t) => {
  const url = await listen(t, (_request, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write('{"event_');
    setImmediate(() => response.destroy());
  });
  assert.equal((await failed(send(clientOf(t, url)))).constructor, Uncertain);
});

test("no answer for thirty seconds is as good as none, and nothing is asked twice", async (t) => {
  const by = new StandingClock();
  let asked = 0;
  const url = await listen(t, () => void asked++);
  const call = send(clientOf(t, url, { by })).catch((each: unknown) => each);
  await until(() => asked === 1);
  by.pass(29_000);
  assert.equal(by.waiting, 1);
  by.pass(1_001);
  const error = await call;
  assert.ok(error instanceof Unreachable && error.sent);
  assert.equal(asked, 1);
});

test("a call that found no free connection in time was never sent", async (t) => {
  const by = new StandingClock();
  let asked = 0;
  const url = await listen(t, () => void asked++);
  const client = clientOf(t, url, { by });
  const calls = Array.from({ length: 9 }, () => send(client).catch((each: unknown) => each as Unreachable));
  await until(() => asked === 8);
  by.pass(30_001);
  const errors = await Promise.all(calls);
  assert.ok(errors.every((error) => error instanceof Unreachable));
  assert.equal(errors.filter(({ sent }) => sent).length, 8);
});

test("no error tells the token", async (t) => {
  const token = "a-very-secret-token";
  const url = await listen(t, (_request, response) => response.writeHead(500).end(`{"errcode":"M_UNKNOWN","error":"no"}`));
  const errors = [await send(clientOf(t, url, { asToken: token })).catch((each: unknown) => each)];
  errors.push(await send(clientOf(t, "http://127.0.0.1:1", { asToken: token })).catch((each: unknown) => each));
  for (const error of errors) {
    assert.ok(error instanceof MatrixError || error instanceof Unreachable);
    assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes(token));
    assert.ok(!String(error.stack).includes(token));
  }
});

test("the homeserver can be asked to call us", async (t) => {
  const pinged: string[] = [];
  const url = await listen(t, (request, response) => {
    pinged.push(request.url ?? "");
    response.writeHead(502).end('{"errcode":"M_CONNECTION_FAILED","error":"refused"}');
  });
  await assert.rejects(
    clientOf(t, url).ping("cause/way", "1"),
    (error: unknown) => error instanceof MatrixError && error.errcode === "M_CONNECTION_FAILED",
  );
  assert.deepEqual(pinged, ["/_matrix/client/v1/appservice/cause%2Fway/ping"]);
});
