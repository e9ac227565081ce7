import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ask, type Json, type MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { at, refused } from "./homeserver/promises/stage.ts";
import { clockAt } from "./homeserver/clock.ts";
import { homeserverPromises } from "./homeserver-promises.ts";
import { type FakeHomeserver, startHomeserver } from "./homeserver.ts";
import { type ListeningService, startListeningService } from "./listening-service.ts";

homeserverPromises("The fake homeserver", async () => {
  const service = await startListeningService();
  const hs = await startHomeserver({ services: [service.registration] });
  return { hs, service };
});

describe("Troubles of the fake homeserver", () => {
  let service: ListeningService;
  let hs: FakeHomeserver;
  let anna: MatrixUser;
  let room: MatrixRoom;
  const ghost = "@_test_ghost:test.local";

  beforeEach(async () => {
    service = await startListeningService();
    // A hundred seconds pass in one.
    hs = await startHomeserver({ services: [service.registration], clock: clockAt(100), longestUpload: 1000 });
    anna = await hs.user("anna");
    room = await anna.createRoom({ preset: "public_chat" });
    const body = { type: "m.login.application_service", username: "_test_ghost", inhibit_login: true };
    await service.call(hs.url, "POST", "/register", { body });
    await service.call(hs.url, "POST", at(room, "join"), { user: ghost, body: {} });
    await service.event((event) => event["state_key"] === ghost);
  });
  afterEach(async () => {
    await hs.stop();
    await service.stop();
  });

  const say = (txn: string, body = txn): Promise<Json> =>
    service.call(hs.url, "PUT", at(room, `send/m.room.message/${txn}`), { user: ghost, body: { msgtype: "m.text", body } });
  const texts = (): string[] =>
    hs.timeline(room.id).flatMap(({ content }) => (typeof content["body"] === "string" ? [content["body"]] : []));
  const pushedTexts = (): string[] =>
    service.events.flatMap((event) =>
      typeof (event["content"] as Json)["body"] === "string" ? [String((event["content"] as Json)["body"])] : [],
    );

  test("an error of the server, once, for the requests that fit", async () => {
    hs.faults.add({ kind: "status", status: 502, match: { path: "/send/", user: ghost } });
    await room.say("others are not concerned");
    await refused(502, "M_UNKNOWN", say("one"));
    await say("one");
    assert.deepEqual(texts(), ["others are not concerned", "one"]);
  });

  test("too many requests, with the time to wait, as often as asked for", async () => {
    hs.faults.add({ kind: "status", status: 429, retry_after_ms: 1500, times: 2, after: 1 });
    await say("one");
    const body = await refused(429, "M_LIMIT_EXCEEDED", say("two"));
    assert.equal(body["retry_after_ms"], 1500);
    await refused(429, "M_LIMIT_EXCEEDED", say("two"));
    await say("two");
  });

  test("a connection that ends before the effect, and one that ends after it", async () => {
    hs.faults.add({ kind: "connection-lost" });
    await assert.rejects(say("never arrived"));
    assert.deepEqual(texts(), []);
    hs.faults.add({ kind: "reply-lost" });
    await assert.rejects(say("arrived"));
    assert.deepEqual(texts(), ["arrived"]);
    await say("arrived");
    assert.deepEqual(texts(), ["arrived"], "the transaction id is known");
  });

  test("slow before the effect, slow after it, and held until let go", async () => {
    hs.faults.add({ kind: "slow", ms: 1000 });
    const late = say("late");
    await pause(2);
    assert.deepEqual(texts(), []);
    await late;
    const held = hs.faults.add({ kind: "hold" });
    const waiting = say("held");
    await held.hit;
    assert.deepEqual(texts(), ["late", "held"]);
    held.release();
    await waiting;
    hs.faults.add({ kind: "reply-slow", ms: 500 });
    await say("slow answer");
  });

  test("so many requests a second and no more", async () => {
    hs.faults.add({ kind: "paced", perSecond: 1, match: { path: "/send/" } });
    const start = performance.now();
    await Promise.all(["1", "2", "3", "4", "5"].map((txn) => say(txn)));
    assert.ok(performance.now() - start > 35, "five sends take more than four seconds, which are 40 ms here");
  });

  test("a ghost that may not join", async () => {
    const other = await anna.createRoom({ preset: "public_chat" });
    hs.faults.add({ kind: "join-refused", match: { user: ghost } });
    await refused(403, "M_FORBIDDEN", service.call(hs.url, "POST", at(other, "join"), { user: ghost, body: {} }));
    await service.call(hs.url, "POST", at(other, "join"), { user: ghost, body: {} });
  });

  test("a transaction that comes again under a new id", async () => {
    hs.faults.add({ kind: "push-repeated", match: { user: anna.id } });
    await room.say("twice");
    await service.until(() => (pushedTexts().length === 2 ? true : undefined), "the second copy");
    const ids = service.transactions.filter(({ events }) => events.some(({ sender }) => sender === anna.id)).map(({ id }) => id);
    assert.equal(new Set(ids.slice(-2)).size, 2);
  });

  test("an event that is never pushed, and pushes that stop altogether until they go on", async () => {
    hs.faults.add({ kind: "push-lost", match: { type: "m.room.message" } });
    await room.say("lost");
    await room.say("heard");
    await service.until(() => (pushedTexts().includes("heard") ? true : undefined), "the second message");
    const stopped = hs.faults.add({ kind: "push-stopped" });
    await room.say("waits");
    await room.say("waits too");
    await stopped.hit;
    assert.equal(hs.unpushed, 2);
    stopped.release();
    await service.until(() => (pushedTexts().includes("waits too") ? true : undefined), "the rest");
    assert.deepEqual(pushedTexts(), ["heard", "waits", "waits too"]);
  });

  test("a service that is down is tried again after 2, 4, 8 … seconds, and gets everything in order", async () => {
    service.status = 503;
    const start = performance.now();
    for (let number = 1; number <= 150; number++) await room.say(String(number));
    await service.until(() => (service.tries.length >= service.transactions.length + 4 ? true : undefined), "four failed tries");
    assert.ok(performance.now() - start >= 130, "2 + 4 + 8 seconds are 140 ms here");
    service.status = 200;
    await service.until(() => (pushedTexts().length === 150 ? true : undefined), "all messages");
    assert.deepEqual(
      pushedTexts(),
      Array.from({ length: 150 }, (_, index) => String(index + 1)),
    );
  });

  test("typing is forgotten while the service is down", async () => {
    service.status = 503;
    await room.say("one");
    await service.until(() => (service.tries.length > service.transactions.length ? true : undefined), "a failed try");
    await room.typing(true);
    service.status = 200;
    await service.until(() => (pushedTexts().includes("one") ? true : undefined), "the message");
    await room.say("two");
    await service.until(() => (pushedTexts().includes("two") ? true : undefined), "the next message");
    assert.equal(
      service.transactions.some(({ ephemeral }) => ephemeral.some(({ type }) => type === "m.typing")),
      false,
    );
  });

  test("a power cut forgets the service's transaction ids, and the queue behind a push in flight", async () => {
    await say("once");
    const slow = hs.faults.add({ kind: "push-slow", ms: 60_000 });
    await room.say("in flight");
    await slow.hit;
    await room.say("in memory only");
    await hs.restart();
    await say("once");
    assert.deepEqual(texts(), ["once", "in flight", "in memory only", "once"]);
    await service.until(() => (pushedTexts().length === 2 ? true : undefined), "what is said later");
    assert.deepEqual(pushedTexts(), ["once", "once"], "what was in flight waits for the next failure, as with Synapse");
  });

  test("a person's transaction ids outlive a restart", async () => {
    const first = await room.send("m.room.message", { msgtype: "m.text", body: "mine" }, "own");
    await hs.restart();
    assert.equal(await room.send("m.room.message", { msgtype: "m.text", body: "mine" }, "own"), first);
  });

  test("ghosts are registered with inhibit_login, and have no logins: there may be an authentication service", async () => {
    const body = { type: "m.login.application_service", username: "_test_other" };
    await refused(400, "M_APPSERVICE_LOGIN_UNSUPPORTED", service.call(hs.url, "POST", "/register", { body }));
    const login = { type: "m.login.application_service", identifier: { type: "m.id.user", user: ghost } };
    await refused(400, "M_APPSERVICE_LOGIN_UNSUPPORTED", service.call(hs.url, "POST", "/login", { body: login }));
    const capital = { type: "m.login.application_service", username: "_test_UPPER", inhibit_login: true };
    await refused(400, "M_INVALID_USERNAME", service.call(hs.url, "POST", "/register", { body: capital }));
  });

  test("a file over the limit is refused", async () => {
    await anna.upload(Buffer.alloc(1000, "x"), { type: "text/plain" });
    await refused(413, "M_TOO_LARGE", anna.upload(Buffer.alloc(1001, "x"), { type: "text/plain" }));
  });

  test("troubles can be ordered from another process", async () => {
    const order = (method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Json> =>
      ask(hs.url, method, `/_fake/${path}`, body === undefined ? {} : { body });
    const { id } = await order("POST", "faults", { kind: "status", status: 503, times: 0, match: { path: "/send/" } });
    await refused(503, "M_UNKNOWN", say("one"));
    await refused(503, "M_UNKNOWN", say("one"));
    assert.deepEqual(
      ((await order("GET", "faults"))["faults"] as Json[]).map(({ hits }) => hits),
      [2],
    );
    await order("DELETE", `faults/${String(id)}`);
    const before = await say("one");
    await order("POST", "restart");
    await pause(20);
    assert.notDeepEqual(await say("one"), before);
    await refused(404, "M_NOT_FOUND", order("DELETE", "faults/99"));
    await refused(400, "M_BAD_JSON", order("POST", "faults", {}));
  });
});
