import assert from "node:assert/strict";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import express from "express";
import { type AppserviceCalls, createAppservice } from "../../core/matrix/appservice.ts";
import type { MatrixEphemeral, MatrixEvent } from "../../core/matrix/event.ts";
import { mxid, roomAlias } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { clock, listen, StandingClock, until } from "./shore.ts";
import { silent } from "./temporary-store.ts";

const message = {
  type: "m.room.message",
  event_id: "$one",
  room_id: "!room:test.local",
  sender: "@alice:test.local",
  origin_server_ts: 1_700_000_000_000,
  content: { body: "hi" },
};

interface Taken {
  readonly events: MatrixEvent[];
  readonly ephemeral: MatrixEphemeral[];
}

async function service(t: TestContext, calls: Partial<AppserviceCalls> = {}, by: Clock = clock) {
  const taken: Taken = { events: [], ephemeral: [] };
  const router = createAppservice({
    hsToken: "hs-token",
    clock: by,
    log: silent,
    calls: {
      transaction: async (events, ephemeral) => {
        taken.events.push(...events);
        taken.ephemeral.push(...ephemeral);
      },
      user: async () => false,
      room: async () => false,
      ...calls,
    },
  });
  const url = await listen(t, express().use(router));
  const ask = async (method: string, path: string, body?: unknown, token: string | null = "hs-token") => {
    const response = await fetch(url + path, {
      method,
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const json = (await response.json()) as Record<string, unknown>;
    return { status: response.status, errcode: json.errcode, json };
  };
  return { taken, url, ask };
}

const PUSH = "/_matrix/app/v1/transactions/1";

test("a transaction is answered when it is on disk, and not before", async (t) => {
  const disk = Promise.withResolvers<void>();
  const { ask } = await service(t, { transaction: () => disk.promise });
  let answered = false;
  const answer = ask("PUT", PUSH, { events: [message] }).finally(() => (answered = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(answered, false);
  disk.resolve();
  assert.deepEqual((await answer).json, {});
});

test("what could not be written is asked for again", async (t) => {
  const { ask } = await service(t, { transaction: () => Promise.reject(new Error("disk full")) });
  const { status, json } = await ask("PUT", PUSH, { events: [message] });
  assert.equal(status, 500);
  assert.ok(!JSON.stringify(json).includes("disk full"));
});

test("events come in order, and one that is none holds nobody up", async (t) => {
  const { taken, ask } = await service(t);
  const events = [message, { ...message, event_id: "$no-sender", sender: undefined }, null, "text", { ...message, event_id: "$two" }];
  assert.equal((await ask("PUT", PUSH, { events })).status, 200);
  assert.deepEqual(
    taken.events.map(({ event_id }) => event_id),
    ["$one", "$two"],
  );
});

test("ephemeral events are read under their new name and their old one, never twice", async (t) => {
  const { taken, ask } = await service(t);
  const typing = { type: "m.typing", room_id: "!room:test.local", content: { user_ids: [] } };
  const old = "de.sorunome.msc2409.ephemeral";
  await ask("PUT", PUSH, { events: [], ephemeral: [typing], [old]: [typing] });
  await ask("PUT", PUSH, { events: [], [old]: [typing] });
  await ask("PUT", PUSH, { events: [], ephemeral: [typing, { type: "m.typing" }] });
  assert.equal(taken.ephemeral.length, 3);
});

test("a wrong token is refused before anything is read", async (t) => {
  const { taken, ask, url } = await service(t);
  for (const token of ["wrong", "hs-toke", "hs-token2", "HS-TOKEN"]) {
    assert.deepEqual((await ask("PUT", PUSH, { events: [message] }, token)).errcode, "M_FORBIDDEN", token);
  }
  assert.equal((await ask("PUT", `${PUSH}?access_token=wrong`, { events: [message] }, null)).status, 403);
  assert.equal((await ask("PUT", `${PUSH}?access_token=hs-token&access_token=hs-token`, { events: [] }, null)).status, 403);
  assert.equal((await ask("GET", "/_matrix/app/v1/users/@a:b", undefined, "wrong")).status, 403);
  assert.equal((await ask("PUT", PUSH, { events: [message] }, null)).status, 401);
  assert.equal(taken.events.length, 0);
  // The answer comes while the body has not even been sent, and the connection ends with it.
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`PUT ${PUSH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 1000000\r\n\r\n{"events":`);
  const answer = (await socket.toArray()).join("");
  assert.match(answer, /^HTTP\/1.1 403 /);
  assert.match(answer, /Connection: close/i);
});

test("the token may stand in the query, as old homeservers send it, and the paths may be the old ones", async (t) => {
  const { taken, ask } = await service(t, { user: async () => true, room: async () => true });
  assert.equal((await ask("PUT", "/transactions/1?access_token=hs-token", { events: [message] }, null)).status, 200);
  assert.equal((await ask("GET", "/users/@_irc_a:test.local?access_token=hs-token", undefined, null)).status, 200);
  assert.equal((await ask("GET", "/rooms/%23_irc_a:test.local?access_token=hs-token", undefined, null)).status, 200);
  assert.equal(taken.events.length, 1);
});

test("a body that is no JSON, or of another shape, gets a clear answer", async (t) => {
  const { ask } = await service(t);
  const table: [body: string, errcode: string][] = [
    ['{"events": [', "M_NOT_JSON"],
    ["", "M_NOT_JSON"],
    ["\u0000\u0001", "M_NOT_JSON"],
    ["[]", "M_BAD_JSON"],
    ["null", "M_BAD_JSON"],
    ['"text"', "M_BAD_JSON"],
    ['{"events": "none"}', "M_BAD_JSON"],
    ['{"events": {"0": {}}}', "M_BAD_JSON"],
    ['{"events": [], "ephemeral": 5}', "M_BAD_JSON"],
  ];
  for (const [body, errcode] of table) {
    const answer = await ask("PUT", PUSH, body);
    assert.deepEqual([answer.status, answer.errcode], [400, errcode], body);
  }
});

test("bytes that are no UTF-8 do not stop the homeserver's queue", async (t) => {
  const { taken, url } = await service(t);
  const [before = "", after = ""] = JSON.stringify({ events: [message] }).split('"hi"');
  const body = Buffer.concat([Buffer.from(`${before}"`), Buffer.from([0xff, 0xfe]), Buffer.from(`"${after}`)]);
  const answer = await fetch(url + PUSH, { method: "PUT", headers: { Authorization: "Bearer hs-token" }, body });
  assert.equal(answer.status, 200);
  assert.equal(taken.events[0]?.content["body"], "\ufffd\ufffd");
});

test("a transaction of many megabytes is taken, one beyond fifty is refused without being read", async (t) => {
  const { taken, ask, url } = await service(t);
  const events = Array.from({ length: 100 }, (_, index) => ({ ...message, event_id: `$${index}`, content: { body: "x".repeat(120_000) } }));
  assert.equal((await ask("PUT", PUSH, { events })).status, 200);
  assert.equal(taken.events.length, 100);
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`PUT ${PUSH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hs-token\r\nContent-Length: ${51 * 1024 * 1024}\r\n\r\n{`);
  assert.match((await socket.toArray()).join(""), /^HTTP\/1.1 413 [^]*M_TOO_LARGE/);
});

test("users and rooms are answered truly", async (t) => {
  const asked: string[] = [];
  const { ask } = await service(t, {
    user: async (whom) => asked.push(whom) > 0 && whom === mxid("@_irc_a/b:test.local"),
    room: async (alias) => asked.push(alias) > 0 && alias === roomAlias("#_irc_#c:test.local"),
  });
  assert.equal((await ask("GET", "/_matrix/app/v1/users/%40_irc_a%2Fb%3Atest.local")).status, 200);
  assert.equal((await ask("GET", "/_matrix/app/v1/users/@_irc_x:test.local")).errcode, "M_NOT_FOUND");
  assert.equal((await ask("GET", "/_matrix/app/v1/rooms/%23_irc_%23c:test.local")).status, 200);
  assert.equal((await ask("GET", "/_matrix/app/v1/rooms/%23_irc_other:test.local")).errcode, "M_NOT_FOUND");
  assert.deepEqual(asked.length, 4);
});

test("what is no user or alias is not even looked for", async (t) => {
  const { ask } = await service(t, { user: () => assert.fail("asked"), room: () => assert.fail("asked") });
  for (const odd of ["users/nobody", "users/@a%0Ab:c", `users/@${"x".repeat(300)}:c`, "rooms/!room:c", "rooms/%23a%0D%0Ab:c"]) {
    assert.equal((await ask("GET", `/_matrix/app/v1/${odd}`)).errcode, "M_NOT_FOUND", odd);
  }
  assert.equal((await ask("GET", "/_matrix/app/v1/users/%zz")).status, 400);
});

test("a query that takes longer than a second is answered with what is so far, and goes on", async (t) => {
  const by = new StandingClock();
  const made = Promise.withResolvers<boolean>();
  let there = false;
  const room = async (): Promise<boolean> => there || (there = await made.promise);
  const { ask } = await service(t, { room }, by);
  const first = ask("GET", "/_matrix/app/v1/rooms/%23_irc_c:test.local");
  await until(() => by.waiting === 1);
  by.pass(900);
  assert.equal((await first).status, 404);
  made.resolve(true);
  await until(() => there);
  assert.equal((await ask("GET", "/_matrix/app/v1/rooms/%23_irc_c:test.local")).status, 200);
});

test("a query that fails is a no, and the bridge stays up", async (t) => {
  const { ask } = await service(t, { user: () => Promise.reject(new Error("no")) });
  assert.equal((await ask("GET", "/_matrix/app/v1/users/@_irc_a:test.local")).errcode, "M_NOT_FOUND");
});

test("a ping is answered and heard", async (t) => {
  const pings: unknown[] = [];
  const { ask } = await service(t, { pinged: (txnId) => pings.push(txnId) });
  assert.equal((await ask("POST", "/_matrix/app/v1/ping", { transaction_id: "start-1" })).status, 200);
  assert.equal((await ask("POST", "/_matrix/app/unstable/fi.mau.msc2659/ping", {})).status, 200);
  assert.deepEqual(pings, ["start-1", undefined]);
});

test("third-party look-ups", async (t) => {
  const location = { alias: roomAlias("#_irc_#c:test.local"), protocol: "irc", fields: { channel: "#c" } };
  const person = { userid: mxid("@_irc_a:test.local"), protocol: "irc", fields: { nick: "a" } };
  const protocol = { user_fields: ["nick"], location_fields: ["channel"], icon: "", field_types: {}, instances: [] };
  const { ask } = await service(t, {
    thirdParty: {
      protocol: async (id) => (id === "irc" ? protocol : undefined),
      locations: async (_id, fields) => (fields["channel"] === "#c" && !("access_token" in fields) ? [location] : []),
      users: async (_id, fields) => (fields["nick"] === "a" ? [person] : []),
      locationOf: async (alias) => (alias === location.alias ? [location] : []),
      userOf: async (whom) => (whom === person.userid ? [person] : []),
    },
  });
  const base = "/_matrix/app/v1/thirdparty";
  assert.deepEqual((await ask("GET", `${base}/protocol/irc`)).json, protocol);
  assert.equal((await ask("GET", `${base}/protocol/icq`)).errcode, "M_NOT_FOUND");
  assert.deepEqual((await ask("GET", `${base}/location/irc?channel=%23c`)).json, [location]);
  assert.equal((await ask("GET", `${base}/location/irc?channel=%23d`)).errcode, "M_NOT_FOUND");
  assert.deepEqual((await ask("GET", `${base}/user/irc?nick=a`)).json, [person]);
  assert.deepEqual((await ask("GET", `${base}/location?alias=%23_irc_%23c:test.local`)).json, [location]);
  assert.deepEqual((await ask("GET", `${base}/user?userid=@_irc_a:test.local`)).json, [person]);
  assert.equal((await ask("GET", `${base}/user?userid=a&userid=b`)).errcode, "M_NOT_FOUND");
  assert.deepEqual((await ask("GET", "/_matrix/app/unstable/thirdparty/protocol/irc")).json, protocol);
  assert.equal((await ask("GET", `${base}/protocol/irc`, undefined, "wrong")).status, 403);
});

test("an endpoint that is not ours, or is used the wrong way, is told so", async (t) => {
  const { ask } = await service(t);
  assert.deepEqual([(await ask("GET", "/_matrix/app/v1/nothing")).status, (await ask("GET", PUSH)).status], [404, 405]);
  assert.equal((await ask("GET", PUSH)).errcode, "M_UNRECOGNIZED");
});
