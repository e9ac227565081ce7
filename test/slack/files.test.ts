/** Files, up and down. https://docs.slack.dev/messaging/working-with-files */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { OutFile } from "../../core/model/message.ts";
import type { SayPart } from "../../core/model/effects.ts";
import { remoteThreadId } from "../../core/model/ids.ts";
import { publicOnly } from "../../bridges/slack/pictures.ts";
import { bothWays, file, live, type Live, progress, saying } from "./stage.ts";

const part = (alive: Live, sent: OutFile, more: object = {}): SayPart =>
  alive.parts({ file: sent, body: saying("look"), ...more })[0] as SayPart;

const refusal = async (deed: Promise<unknown>): Promise<Error> =>
  await deed.then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error as Error,
  );

test("a file is shared with its words and the speaker's name, and its message is known", async (t) => {
  const alive = await live(t);
  const sent = await alive.do(part(alive, file("lamp.txt", "light")), "k");
  const [message] = alive.stage.channel.messages;
  assert.equal(sent.id, message?.ts);
  assert.equal(message?.text, "*Anna*: look");
  assert.deepEqual([message?.files?.[0]?.name, String(message?.files?.[0]?.bytes)], ["lamp.txt", "light"]);
});

test("a file goes into a thread", async (t) => {
  const alive = await live(t);
  const root = alive.stage.alice.say(alive.stage.channel, "root");
  const sent = await alive.do(part(alive, file("lamp.txt", "light"), { thread: { id: remoteThreadId(root.ts), excerpt: "" } }), "k");
  assert.equal(sent.thread, root.ts);
  assert.equal(alive.stage.channel.messages.at(-1)?.thread_ts, root.ts);
});

test("a file whose size nobody knows is measured first", async (t) => {
  const alive = await live(t, { speed: 2 });
  const bytes = Buffer.alloc(3_000_000, "oil");
  const unknown = {
    ...file("oil.bin", bytes),
    size: undefined,
    open: async () => ({ stream: (await file("oil.bin", bytes).open()).stream }),
  };
  await alive.do(part(alive, unknown as unknown as OutFile), "k");
  assert.equal(alive.stage.channel.messages[0]?.files?.[0]?.size, bytes.length);
});

test("an empty file is refused in a sentence, and one that cannot be read waits by itself", async (t) => {
  const alive = await live(t);
  assert.ok((await refusal(alive.do(part(alive, file("nothing", "")), "k"))) instanceof Refused);
  const away = { ...file("lamp.txt", "light"), open: () => Promise.reject(new Error("the homeserver is away")) };
  const failure = await refusal(alive.do(part(alive, away), "k"));
  assert.ok(failure instanceof TryLater && failure.scope === "item");
});

test("Slack tells the message of a file only a little later: then it comes with its event", async (t) => {
  const alive = await live(t, { before: ({ fake }) => void (fake.sharesLag = 60_000) });
  const sent = await alive.do(part(alive, file("lamp.txt", "light")), "the key");
  assert.equal(sent.pending, true);
  const echo = await alive.event("message", (event) => event.echo?.key === "the key");
  assert.equal(echo.message, alive.stage.channel.messages[0]?.ts);
});

test("the answer to the sharing is lost: the file is found by its id, and is not shared twice", async (t) => {
  const alive = await live(t);
  const own = progress();
  alive.stage.fake.faults.plan("files.completeUploadExternal", { kind: "lose-reply" });
  const sending = part(alive, file("lamp.txt", "light"));
  assert.ok((await refusal(alive.connection.send(sending, "k", own))) instanceof Uncertain);
  const found = await alive.connection.find(sending, "k", progress(own.saved));
  assert.ok(found.is === "arrived" && found.sent.id === alive.stage.channel.messages[0]?.ts);
  const again = await alive.connection.send(sending, "k", progress(own.saved));
  assert.equal(again.id, alive.stage.channel.messages[0]?.ts);
  assert.equal(alive.stage.channel.messages.length, 1);
});

test("the sharing never reached Slack: it has not arrived, and goes once more", async (t) => {
  const alive = await live(t);
  const own = progress();
  alive.stage.fake.faults.plan("files.completeUploadExternal", { kind: "lose-request" });
  const sending = part(alive, file("lamp.txt", "light"));
  await refusal(alive.connection.send(sending, "k", own));
  assert.equal((await alive.connection.find(sending, "k", progress(own.saved))).is, "not-arrived");
  await alive.connection.send(sending, "k", progress(own.saved));
  assert.equal(alive.stage.channel.messages.length, 1);
});

test("before a file is shared nothing of it can have arrived", async (t) => {
  const alive = await live(t);
  assert.deepEqual(await alive.connection.find(part(alive, file("lamp.txt", "light")), "k", progress()), { is: "not-arrived" });
});

const BELOW = { workspace: { files: "thread" } } as const;

test("by setting the text stands under the person's own name, and the file in its thread", async (t) => {
  const alive = await live(t, BELOW);
  const sent = await alive.do(part(alive, file("lamp.txt", "light")), "k");
  const [said, below] = alive.stage.channel.messages;
  assert.deepEqual([said?.ts, said?.username, said?.text], [sent.id, "Anna", "look"]);
  assert.deepEqual([below?.thread_ts, below?.files?.[0]?.name, below?.text], [said?.ts, "lamp.txt", ""]);
  assert.equal((await alive.event("message", (event) => event.message === sent.id && event.echo?.key !== undefined)).echo?.key, "k");
  assert.deepEqual((await alive.event("message", (event) => event.message === below?.ts)).echo, {});
  await alive.do({ kind: "delete", channel: alive.place, message: sent.id as never, speaker: {} as never, own: true });
  assert.ok(
    [...alive.stage.team.files.values()].every(({ mode }) => mode === "tombstone"),
    "the file goes with its text",
  );
});

test("by setting, a file without a text is named under the person's own name", async (t) => {
  const alive = await live(t, BELOW);
  await alive.do(part(alive, file("lamp.txt", "light"), { body: [] }), "k");
  assert.deepEqual([alive.stage.channel.messages[0]?.username, alive.stage.channel.messages[0]?.text], ["Anna", "lamp.txt"]);
});

for (const [what, method, kind] of [
  ["the text's answer", "chat.postMessage", "lose-reply"],
  ["the text", "chat.postMessage", "lose-request"],
  ["the sharing's answer", "files.completeUploadExternal", "lose-reply"],
  ["the sharing", "files.completeUploadExternal", "lose-request"],
] as const)
  test(`a text with its file in the thread, and ${what} is lost: in the end both stand there once`, async (t) => {
    const alive = await live(t, BELOW);
    const sending = part(alive, file("lamp.txt", "light"));
    const own = progress();
    alive.stage.fake.faults.plan(method, { kind });
    assert.ok((await refusal(alive.connection.send(sending, "k", own))) instanceof Uncertain);
    const again = progress(own.saved);
    const found = await alive.connection.find(sending, "k", again);
    const sent = found.is === "arrived" ? found.sent : await alive.connection.send(sending, "k", again);
    const [said, below, ...more] = alive.stage.channel.messages;
    assert.deepEqual(more, []);
    assert.deepEqual([sent.id, below?.thread_ts, below?.files?.length], [said?.ts, said?.ts, 1]);
  });

for (const code of ["file_uploads_disabled", "blocked_file_type", "storage_limit_reached"])
  test(`Slack takes no such file (${code}): that is a sentence`, async (t) => {
    const alive = await live(t);
    alive.stage.fake.faults.plan("files.getUploadURLExternal", { kind: "error", code });
    const failure = await refusal(alive.do(part(alive, file("lamp.txt", "light")), "k"));
    assert.ok(failure instanceof Refused);
    assert.match(failure.message, /^Slack did not take the file: /);
  });

test("without the permission for files, files are links", async (t) => {
  const alive = await live(t, { before: ({ bot }) => void bot.scopes.delete("files:write") });
  assert.equal(alive.connection.capabilities(alive.place).files, "fallback");
});

test("when a message is deleted, the file that came with it goes from the workspace", async (t) => {
  const alive = await live(t);
  const sent = await alive.do(part(alive, file("lamp.txt", "light")), "k");
  const [held] = alive.stage.team.files.values();
  await alive.do({ kind: "delete", channel: alive.place, message: sent.id as never, speaker: {} as never, own: true });
  assert.ok(held?.mode === "tombstone" || !alive.stage.team.files.has(held?.id ?? ""));
});

bothWays("a file of Slack's is fetched with the token", async (alive) => {
  const { stage, connection } = alive;
  stage.alice.upload(stage.channel, { name: "map.png", mimetype: "image/png", bytes: Buffer.from("a map") }, "look");
  const said = await alive.said("look");
  const [sent] = said.files ?? [];
  assert.deepEqual([sent?.name, sent?.kind, sent?.size], ["map.png", "image", 5]);
  const opened = await connection.open(sent?.ref);
  assert.deepEqual([await text(opened.stream), opened.mimetype, opened.size], ["a map", "image/png", 5]);
});

test("a file that was deleted meanwhile is told of", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  stage.alice.upload(stage.channel, { name: "map.png", mimetype: "image/png", bytes: Buffer.from("a map") }, "look");
  const { files } = await alive.event("message");
  stage.alice.eraseFile(files?.[0]?.id ?? "");
  assert.match((await refusal(connection.open(files?.[0]?.ref))).message, /deleted/);
  const edit = await alive.event("edit");
  assert.deepEqual(edit.files, []);
});

test("Slack's login page is not taken for the file", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  stage.alice.upload(stage.channel, { name: "map.png", mimetype: "image/png", bytes: Buffer.from("a map") });
  const { files } = await alive.event("message");
  stage.bot.scopes.delete("files:read");
  const failure = await refusal(connection.open(files?.[0]?.ref));
  assert.ok(failure instanceof Refused);
  assert.match(failure.message, /files:read/);
});

test("a page of HTML that is really the file is the file", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  stage.alice.upload(stage.channel, { name: "page.html", mimetype: "text/html", bytes: Buffer.from("<p>oil") });
  const { files } = await alive.event("message");
  assert.equal(await text((await connection.open(files?.[0]?.ref)).stream), "<p>oil");
});

test("the token goes to Slack alone, whatever address a file claims", async (t) => {
  const alive = await live(t);
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end("mine");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.2", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.2:${(server.address() as AddressInfo).port}/x`;
  for (const ref of [{ file: "F0NOWHERE", url }, { url }, { file: "F0NOWHERE", url: "https://slack.com.example.org/x" }, {}, 7, null])
    await refusal(alive.connection.open(ref));
  assert.deepEqual(seen, []);
});

test("pictures of people and emoji are fetched without the token", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  const alice = await connection.resolve("Alice");
  const opened = await connection.open(alice?.avatar?.ref);
  assert.equal((await buffer(opened.stream)).toString(), "picture");
  for (const url of ["http://localhost/x", "https://10.0.0.1/x", "https://[::1]/x", "https://router.local/x", "file:///etc/passwd"])
    assert.ok((await refusal(connection.open({ url }))) instanceof Refused, url);
  assert.ok(stage.team);
});

test("a picture's address that leads within our own walls is not followed, and one that leads elsewhere is", async (t) => {
  const alive = await live(t);
  const asked: string[] = [];
  const serve = async (host: string, to: (url: string) => string | undefined): Promise<string> => {
    const server = createServer((request, response) => {
      asked.push(`http://${request.headers.host}`);
      const target = to(request.url ?? "");
      if (target === undefined) response.writeHead(200, { "content-type": "image/png" }).end("seen");
      else response.writeHead(302, { location: target }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    t.after(() => server.close());
    return `http://${host}:${(server.address() as AddressInfo).port}`;
  };
  const inside = await serve("127.0.0.3", () => undefined);
  const slack = await serve("127.0.0.1", (url) => ({ "/in": `${inside}/x`, "/on": "/there", "/round": "/round" })[url]);
  for (const path of ["/in", "/round"]) assert.ok((await refusal(alive.connection.open({ url: slack + path }))) instanceof Refused, path);
  assert.equal((await buffer((await alive.connection.open({ url: `${slack}/on` })).stream)).toString(), "seen");
  assert.ok(!asked.includes(inside));
  const neighbour = await serve("127.0.0.1", () => undefined);
  const file = await serve("127.0.0.1", () => `${neighbour}/x`);
  for (const ref of [{ url: `${file}/x` }, { file: "F0NOWHERE", url: `${file}/x` }]) await refusal(alive.connection.open(ref));
  assert.ok(!asked.includes(neighbour));
});

test("a name that resolves to a private address is not connected to", async () => {
  const answers = (...addresses: string[]) =>
    publicOnly((_name, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      ),
    );
  const found = (look: ReturnType<typeof publicOnly>) =>
    new Promise<unknown>((resolve) => look("pictures.example.org", { all: true }, (error, all) => resolve(error ? error.message : all)));
  for (const address of [
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
  ])
    assert.equal(await found(answers(address)), "pictures.example.org is no public address", address);
  assert.deepEqual(await found(answers("10.0.0.1", "93.184.215.14")), [{ address: "93.184.215.14", family: 4 }]);
});

test("a token that ends in the middle of an upload ends the login", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  const slow = { ...file("lamp.txt", "light"), open: async () => ((stage.bot.revoked = true), await file("lamp.txt", "light").open()) };
  assert.ok((await refusal(alive.do(part(alive, slow), "k"))) instanceof LoggedOut);
  await alive.state("logged-out");
});

test("a file that is still being uploaded is waited for, by itself; one that never came is told of", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  const message = stage.alice.upload(stage.channel, {
    name: "slow.bin",
    mimetype: "application/octet-stream",
    bytes: Buffer.from("x"),
    more: { url_private: undefined, url_private_download: undefined, created: Math.floor(Date.now() / 1000) },
  });
  const said = await alive.event("message", ({ message: id }) => id === message.ts);
  const ref = said.files?.[0]?.ref;
  await assert.rejects(alive.connection.open(ref), { name: "TryLater", message: /still being uploaded/ });
  Object.assign(message.files?.[0]?.more ?? {}, { created: 1_600_000_000 });
  await assert.rejects(alive.connection.open(ref), { name: "Refused" });
});
