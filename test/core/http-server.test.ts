import assert from "node:assert/strict";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { Router } from "express";
import { createMetrics } from "../../core/http/metrics.ts";
import { HttpServer } from "../../core/http/server.ts";
import { loginId, networkId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { clock, StandingClock, until } from "./shore.ts";
import { silent } from "./temporary-store.ts";

const metrics = () =>
  createMetrics({
    journal: async () => ({ waiting: 3, parked: 1 }),
    lanes: () => ({ awake: 2, held: 1 }),
    connections: () => [
      { network: "irc", state: "connected" },
      { network: "irc", state: "connected" },
      { network: "slack", state: "logged-out" },
    ],
  });

interface Wishes {
  readonly ready?: readonly string[];
  readonly by?: Clock;
  readonly log?: typeof silent;
  prepare?(server: HttpServer): void;
}

async function serving(t: TestContext, { ready = [], by = clock, log = silent, prepare }: Wishes = {}) {
  const counts = metrics();
  const appservice = Router().get("/_matrix/app/v1/here", (_request, response) => void response.json({ here: true }));
  const options = { bind: "127.0.0.1", port: 0, appservice, ready: () => ready, metrics: counts.registry, clock: by, log };
  const server = new HttpServer(options);
  prepare?.(server);
  const { port } = await server.listen();
  t.after(() => server.close());
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { server, port, get, counts };
}

test("health says that the process is up, ready says what stands in the way", async (t) => {
  const ready: string[] = [];
  const { get } = await serving(t, { ready });
  assert.deepEqual([(await get("/health")).status, (await get("/ready")).status], [200, 200]);
  ready.push("The homeserver does not answer.");
  const { status, text } = await get("/ready");
  assert.equal(status, 503);
  assert.deepEqual(JSON.parse(text), { ready: false, why: ["The homeserver does not answer."] });
  assert.equal((await get("/health")).status, 200);
});

test("TLS spoken to the plain port is told in a sentence, once, and the caller is answered", async (t) => {
  const told: string[] = [];
  const log = { ...silent, warn: (text: string) => void told.push(text) } as unknown as typeof silent;
  const { port } = await serving(t, { log });
  const hello = Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00]);
  const answers = [];
  for (const bytes of [hello, hello, Buffer.from("no HTTP at all\r\n\r\n")]) {
    const socket = connect(port, "127.0.0.1");
    socket.end(bytes);
    answers.push((await socket.toArray()).join(""));
  }
  assert.ok(answers.every((answer) => answer.startsWith("HTTP/1.1 400 ")));
  assert.deepEqual(
    told.map((text) => /speaks TLS \(https:\/\/\) to the bridge's port, which speaks plain HTTP/.test(text)),
    [true],
  );
});

test("metrics count messages, delays, lanes, parked and missed, and connections by state", async (t) => {
  const { get, counts } = await serving(t);
  counts.delivered({ network: "irc", direction: "in", kind: "message", since: 1_000, now: 1_040 });
  counts.delivered({ network: "irc", direction: "out", kind: "edit", since: 2_000, now: 1_000 });
  counts.missed("irc", 12);
  counts.parked("slack", "out");
  counts.echo(250);
  const { text, headers } = await get("/metrics");
  assert.match(headers.get("content-type") ?? "", /^text\/plain/);
  for (const line of [
    'causeway_messages_total{network="irc",direction="in",kind="message"} 1',
    'causeway_delay_seconds_bucket{le="0.05",network="irc",direction="in"} 1',
    'causeway_delay_seconds_sum{network="irc",direction="out"} 0',
    'causeway_missed_total{network="irc"} 12',
    'causeway_parked_total{network="slack",direction="out"} 1',
    "causeway_homeserver_echo_seconds 0.25",
    'causeway_journal_rows{state="waiting"} 3',
    'causeway_journal_rows{state="parked"} 1',
    'causeway_lanes{state="held"} 1',
    'causeway_connections{network="irc",state="connected"} 2',
    'causeway_connections{network="slack",state="logged-out"} 1',
  ]) {
    assert.ok(text.includes(line), line);
  }
  counts.echo(undefined);
  assert.ok((await get("/metrics")).text.includes("causeway_homeserver_echo_seconds -1"));
});

test("the homeserver's endpoints and other parts are served side by side; the rest is not there", async (t) => {
  const part = Router().get("/hello", (_request, response) => void response.send("hello"));
  const { get } = await serving(t, { prepare: (server) => server.mount("/_causeway/part", part) });
  assert.equal((await get("/_matrix/app/v1/here")).text, '{"here":true}');
  assert.equal((await get("/_causeway/part/hello")).text, "hello");
  for (const path of ["/", "/favicon.ico", "/_causeway", "/_causeway/irc", "/../etc/passwd", "/_causeway/part/%2e%2e/x"]) {
    assert.equal((await get(path)).status, 404, path);
  }
});

test("a network's login has paths of its own, until it is gone", async (t) => {
  const { server, get } = await serving(t);
  const [slack, login] = [networkId("slack"), loginId("T1/U 2")];
  const gone = server.route(slack, login, "events", async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    response.end(`${request.method} ${request.url} ${body}`);
  });
  const path = `/_causeway/slack/${encodeURIComponent(login)}/events`;
  assert.equal((await get(`${path}?x=1`, { method: "POST", body: "raw" })).text, "POST /events?x=1 raw");
  assert.equal((await get("/_causeway/slack/other/events")).status, 404);
  assert.equal((await get(`${path}/more`)).status, 404);
  assert.equal((await get(`/_causeway/slack/T1%2FU%202%22%2C%22/events`)).status, 404);
  gone();
  assert.equal((await get(path)).status, 404);
});

test("a route that fails answers 500 without telling why", async (t) => {
  const { server, get } = await serving(t);
  server.route(networkId("slack"), loginId("T1"), "/bad", () => Promise.reject(new Error("secret detail")));
  const { status, text } = await get("/_causeway/slack/T1/bad");
  assert.equal(status, 500);
  assert.ok(!text.includes("secret detail"));
});

test("broken requests get an answer, and the server stays up", async (t) => {
  const { port, get } = await serving(t);
  const odd = [
    "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /_causeway/%c3/x/y HTTP/1.1\r\nHost: x\r\n\r\n",
    "\u0016\u0003\u0001",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`,
  ];
  for (const bytes of odd) {
    const socket = connect(port, "127.0.0.1");
    socket.end(bytes);
    assert.match((await socket.toArray()).join(""), /^HTTP\/1.1 4\d\d /);
  }
  assert.equal((await get("/health")).status, 200);
});

test("a port that is taken is told as an error", async (t) => {
  const { port } = await serving(t);
  const options = { bind: "127.0.0.1", port, appservice: Router(), ready: () => [], metrics: metrics().registry, clock, log: silent };
  await assert.rejects(new HttpServer(options).listen(), /EADDRINUSE/);
});

test("on closing, what runs is finished; what does not end is cut after two seconds", async (t) => {
  const by = new StandingClock();
  const { server, get } = await serving(t, { by });
  const slow = Promise.withResolvers<void>();
  const begun: string[] = [];
  server.route(networkId("irc"), loginId("a"), "/slow", async (_request, response) => {
    begun.push("slow");
    await slow.promise;
    response.end("done");
  });
  server.route(networkId("irc"), loginId("a"), "/never", async () => void begun.push("never"));
  const finished = get("/_causeway/irc/a/slow");
  const never = get("/_causeway/irc/a/never").catch(() => "cut");
  await until(() => begun.length === 2);
  const closed = server.close();
  slow.resolve();
  assert.equal((await finished).text, "done");
  by.pass(2_001);
  await closed;
  assert.equal(await never, "cut");
  await server.close();
});
