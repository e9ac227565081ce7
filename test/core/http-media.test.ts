import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import express from "express";
import { readLink, safeName, writeLink } from "../../core/http/links.ts";
import { createPublicMedia, MEDIA_PATH, readRange } from "../../core/http/media.ts";
import { MatrixError, Unreachable } from "../../core/matrix/client.ts";
import type { Download } from "../../core/matrix/transport.ts";
import { type EventId, eventId, mxcUri } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { clock, listen, StandingClock, until } from "./shore.ts";
import { memoryStore, silent } from "./temporary-store.ts";

const secret = Buffer.from("a secret of the bridge's");
const mxc = mxcUri("mxc://test.local/Abc_-1");
const event = eventId("$one");
const text = "0123456789";

interface File {
  readonly body: string | Readable;
  readonly size?: number;
  readonly mimetype?: string;
}

interface Wishes {
  readonly by?: Clock;
  readonly expiresAfter?: number;
  readonly largest?: number;
}

async function proxy(t: TestContext, file: File | Error, { by = clock, expiresAfter = 0, largest = 1_000_000 }: Wishes = {}) {
  const dead = new Set<EventId>();
  const opened: Readable[] = [];
  const store = await memoryStore(t);
  let asked = 0;
  const download = async (): Promise<Download> => {
    asked += 1;
    if (file instanceof Error) throw file;
    const stream = typeof file.body === "string" ? Readable.from([Buffer.from(file.body)]) : file.body;
    opened.push(stream);
    const size = "size" in file ? file.size : typeof file.body === "string" ? file.body.length : undefined;
    return { stream, ...(size === undefined ? {} : { size }), ...(file.mimetype ? { mimetype: file.mimetype } : {}) };
  };
  const { router, links } = createPublicMedia({
    publicUrl: "",
    client: { download, thumbnail: download },
    settings: store.settings,
    secret,
    alive: async (each) => !dead.has(each),
    ...(expiresAfter ? { expiresAfter } : {}),
    largest,
    clock: by,
    log: silent,
  });
  const base = await listen(t, express().use(MEDIA_PATH, router));
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(base + path, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const link = (name = "photo.png") => links.file({ mxc, name, event }) ?? assert.fail("no link");
  return { links, link, get, base, dead, opened, store, calls: () => asked };
}

test("a signed link gives the file, with its type, its name and its length", async (t) => {
  const { link, get } = await proxy(t, { body: text, mimetype: "image/png" });
  const { status, text: body, headers } = await get(link('Straße "1".png'));
  assert.deepEqual([status, body], [200, text]);
  assert.equal(headers.get("content-type"), "image/png");
  assert.equal(headers.get("content-length"), "10");
  assert.equal(headers.get("content-disposition"), `inline; filename="Stra_e _1_.png"; filename*=UTF-8''Stra%C3%9Fe%20%221%22.png`);
});

test("nothing that could run in a browser is shown inline", async (t) => {
  for (const mimetype of [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "application/xhtml+xml",
    "application/javascript",
    "text/xml",
    "text/css",
    "",
    "image/png/../html",
  ]) {
    const { link, get } = await proxy(t, { body: "<script>", mimetype });
    const { headers } = await get(link("photo.png"));
    assert.equal(headers.get("content-type"), "application/octet-stream", mimetype);
    assert.match(headers.get("content-disposition") ?? "", /^attachment;/);
  }
  const { link, get } = await proxy(t, { body: "%PDF", mimetype: "application/pdf" });
  const { headers } = await get(link());
  assert.equal(headers.get("content-type"), "application/pdf");
  assert.match(headers.get("content-disposition") ?? "", /^attachment;/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.match(headers.get("content-security-policy") ?? "", /^sandbox; default-src 'none'/);
});

test("a link that was forged, changed, or made for another file is refused, and nothing is fetched", async (t) => {
  const { link, get, calls } = await proxy(t, { body: text });
  const good = link("photo.png");
  const [, , , , server, media, signed, seal, name] = good.split("/");
  const at = (...parts: (string | undefined)[]) => `${MEDIA_PATH}/file/${parts.join("/")}`;
  const forged = [
    at(server, media, signed, seal, "other.png"),
    at(server, media, "two", seal, name),
    at(server, "Other", signed, seal, name),
    at("evil.example", media, signed, seal, name),
    at(server, media, signed, `${seal}.zzzz`, name),
    at(server, media, signed, "A".repeat(22), name),
    at(server, media, signed, "", name),
    at(server, media, signed, seal?.slice(0, 21), name),
    at(server, "..%2F..%2Fkeys", signed, seal, name),
    at("..", media, signed, seal, name),
    at(server, media, signed, seal, "..%2Fphoto.png"),
    at(server, media, signed, seal, "photo.png%0d%0aX-Evil:%201"),
    at(server, media, signed, `${seal}%00`, name),
  ];
  for (const path of forged) assert.ok([403, 404].includes((await get(path)).status), path);
  assert.equal(calls(), 0);
  assert.equal((await get(good)).status, 200);
});

test("a link dies with its message", async (t) => {
  const { link, get, dead, calls } = await proxy(t, { body: text });
  assert.equal((await get(link())).status, 200);
  dead.add(event);
  const { status, text: said, headers } = await get(link());
  assert.deepEqual([status, said], [410, "This file has been deleted.\n"]);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(calls(), 1);
});

test("a link expires where the config says so, and cannot be prolonged", async (t) => {
  const by = new StandingClock();
  const { link, get } = await proxy(t, { body: text }, { by, expiresAfter: 60_000 });
  const path = link();
  assert.equal((await get(path)).status, 200);
  by.pass(61_000);
  assert.equal((await get(path)).status, 410);
  assert.equal((await get(path.replace(/\.[0-9a-z]+\/photo/, ".zzzzzz/photo"))).status, 403);
  assert.equal((await get(path.replace(/\.[0-9a-z]+\/photo/, "/photo"))).status, 403);
});

test("a part of a file is given to whoever asks for one", async (t) => {
  const { link, get } = await proxy(t, { body: text, mimetype: "video/mp4" });
  const part = async (range: string) => {
    const { status, text: body, headers } = await get(link(), { headers: { Range: range } });
    return [status, body, headers.get("content-range")];
  };
  assert.deepEqual(await part("bytes=2-4"), [206, "234", "bytes 2-4/10"]);
  assert.deepEqual(await part("bytes=7-"), [206, "789", "bytes 7-9/10"]);
  assert.deepEqual(await part("bytes=-3"), [206, "789", "bytes 7-9/10"]);
  assert.deepEqual(await part("bytes=0-999"), [206, text, "bytes 0-9/10"]);
  assert.deepEqual(await part("bytes=10-"), [416, "", "bytes */10"]);
  for (const whole of ["bytes=1-2,4-5", "lines=1-2", "bytes=5-2", "bytes=-", "bytes=a-b"])
    assert.deepEqual((await part(whole)).slice(0, 2), [200, text]);
});

test("ranges of bytes, one by one", () => {
  assert.equal(readRange(undefined, 10), undefined);
  assert.equal(readRange("bytes=0-1", undefined), undefined);
  assert.equal(readRange("bytes=-0", 10), "none");
  assert.equal(readRange("bytes=0-", 0), "none");
  assert.deepEqual(readRange("bytes=-99", 10), { first: 0, last: 9 });
});

test("a browser that kept the file asks whether it is still there", async (t) => {
  const { link, get, dead, opened } = await proxy(t, { body: text });
  const tag = (await get(link())).headers.get("etag") ?? "";
  assert.equal((await get(link(), { headers: { "If-None-Match": tag } })).status, 304);
  assert.equal((await get(link(), { headers: { "If-Range": tag, Range: "bytes=0-0" } })).text, "0");
  assert.equal((await get(link(), { headers: { "If-Range": '"other"', Range: "bytes=0-0" } })).text, text);
  assert.equal((await get(link(), { method: "HEAD" })).headers.get("content-length"), "10");
  await until(() => opened.every(({ destroyed }) => destroyed));
  dead.add(event);
  assert.equal((await get(link(), { headers: { "If-None-Match": tag } })).status, 410);
});

test("a file that is too large, known or not, is not passed on whole", async (t) => {
  const known = await proxy(t, { body: text, size: 5_000 }, { largest: 1_000 });
  assert.equal((await known.get(known.link())).status, 413);
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(100));
    },
  });
  const unknown = await proxy(t, { body: endless }, { largest: 1_000 });
  await assert.rejects(unknown.get(unknown.link()));
  await until(() => endless.destroyed);
});

test("a file that stops half-way is seen to be cut; a reader who leaves lets it go", async (t) => {
  const broken = new Readable({ read() {} });
  const cut = await proxy(t, { body: broken, size: 10 });
  const reading = cut.get(cut.link());
  broken.push("012");
  setTimeout(() => broken.destroy(new Error("cut")), 5);
  await assert.rejects(reading);
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(1024));
    },
  });
  const left = await proxy(t, { body: endless }, { largest: Number.MAX_SAFE_INTEGER });
  const leave = new AbortController();
  const response = await fetch(left.base + left.link(), { signal: leave.signal });
  assert.equal(response.status, 200);
  leave.abort();
  await until(() => endless.destroyed);
});

test("what the homeserver says becomes an answer that people understand", async (t) => {
  const gone = new MatrixError("x", { status: 404, errcode: "M_NOT_FOUND", error: "", read: true });
  const away = new Unreachable("x", { sent: true, read: true, why: "ECONNREFUSED" });
  const no = new MatrixError("x", { status: 403, errcode: "M_FORBIDDEN", error: "", read: true });
  for (const [error, status] of [
    [gone, 404],
    [away, 503],
    [no, 502],
  ] as const) {
    const { link, get } = await proxy(t, error);
    assert.equal((await get(link())).status, status);
  }
});

test("no more of a large file is read than its reader takes", async (t) => {
  const chunk = Buffer.alloc(64 * 1024);
  let given = 0;
  const endless = new Readable({
    read() {
      given += chunk.length;
      this.push(chunk);
    },
  });
  const { link, base } = await proxy(t, { body: endless, size: 10 ** 9 }, { largest: 10 ** 10 });
  const leave = new AbortController();
  await fetch(base + link(), { signal: leave.signal });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(given < 16 * 1024 * 1024, `${given} bytes were read ahead of a reader who reads nothing`);
  leave.abort();
  await until(() => endless.destroyed);
});

test("a long text is a page of plain text that nobody can guess", async (t) => {
  const { links, get, dead, store } = await proxy(t, { body: "" });
  const long = `<script>alert(1)</script>\n${"ä".repeat(1_000)}`;
  const path = await links.paste(long, "Long/text", event);
  const { text: body, headers } = await get(path);
  assert.equal(body, long);
  assert.equal(headers.get("content-type"), "text/plain; charset=utf-8");
  assert.match(headers.get("content-disposition") ?? "", /^inline; filename="Long_text.txt"/);
  assert.match(path, /\/paste\/[\w-]{22}$/);
  for (const other of ["x", "A".repeat(22), "..%2F..%2Fx"]) assert.equal((await get(`${MEDIA_PATH}/paste/${other}`)).status, 404);
  dead.add(event);
  assert.equal((await get(path)).status, 410);
  assert.equal(await store.settings.get(`paste:${path.slice(-22)}`), undefined);
  await assert.rejects(links.paste("x".repeat(2_000_000), "huge"), /too long/);
});

test("a page expires where the config says so", async (t) => {
  const by = new StandingClock();
  const { links, get } = await proxy(t, { body: "" }, { by, expiresAfter: 60_000 });
  const path = await links.paste("text", "title");
  assert.equal((await get(path)).status, 200);
  by.pass(60_001);
  assert.equal((await get(path)).status, 410);
});

test("names of files, made fit for a path and a header", () => {
  const table: [name: string, safe: string][] = [
    ["photo.png", "photo.png"],
    ["../../etc/passwd", "_.._etc_passwd"],
    ["..\\..\\boot.ini", "_.._boot.ini"],
    ["a\r\nSet-Cookie: x", "a_Set-Cookie: x"],
    ["\u202egnp.exe", "_gnp.exe"],
    [".htaccess", "htaccess"],
    ["", "file"],
    ["...", "file"],
    ["half\ud800", "half\ufffd"],
    [`${"x".repeat(300)}.png`, `${"x".repeat(96)}.png`],
  ];
  for (const [name, safe] of table) assert.equal(safeName(name), safe, name);
});

test("a link's parts and its signature survive any name and any event id", () => {
  for (const [id, name] of [
    ["$abc:old.server", "a b"],
    ["$a/b+c", "100%.png"],
    ["$x", "日本語.txt"],
    ["$y", "#?&=.txt"],
  ] as const) {
    const path = writeLink(secret, { mxc, event: eventId(id), name }) ?? assert.fail("no link");
    const [, server = "", media = "", signed = "", seal = "", last = ""] = path.split("/").map(decodeURIComponent);
    assert.equal(path.split("/").length, 6);
    assert.deepEqual(readLink(secret, { server, media, event: signed, seal, name: last }, 0), {
      is: "good",
      link: { mxc, event: id, name },
    });
  }
  assert.equal(writeLink(secret, { mxc: mxcUri("https://evil"), event, name: "x" }), undefined);
});
