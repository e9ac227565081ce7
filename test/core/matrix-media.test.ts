import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { failureOf } from "../../core/matrix/client.ts";
import { SourceFailed } from "../../core/matrix/failure.ts";
import { readMxc } from "../../core/matrix/media.ts";
import { collected, sliced, watched } from "../../core/matrix/streams.ts";
import { Refused, TryLater } from "../../core/model/errors.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { clientOf, listen, StandingClock, until } from "./shore.ts";

const registration = { id: "causeway", url: null, as_token: "as-token", hs_token: "hs", sender_localpart: "causeway", namespaces: {} };
const spoolFiles = (): string[] => readdirSync(tmpdir()).filter((name) => /^causeway-[0-9a-f]{8}-[0-9a-f]{4}-/.test(name));

async function homeserver(t: TestContext, longestUpload?: number) {
  const fake = await startHomeserver({ services: [registration], ...(longestUpload === undefined ? {} : { longestUpload }) });
  t.after(() => fake.stop());
  return clientOf(t, fake.url);
}

test("only an address of the homeserver's media is asked for", () => {
  assert.deepEqual(readMxc("mxc://test.local:8448/Abc_-1"), { server: "test.local:8448", media: "Abc_-1" });
  for (const odd of [
    "mxc://test.local/../x",
    "mxc://test.local/a%2Fb",
    "mxc://../x",
    "mxc://a/b/c",
    "https://a/b",
    "mxc://a/",
    "mxc:///b",
    "mxc://a/b\n",
    "",
  ]) {
    assert.equal(readMxc(odd), undefined, odd);
  }
});

test("a file goes up and comes down as it was, its length known or not", async (t) => {
  const client = await homeserver(t);
  const before = spoolFiles();
  for (const size of [3, undefined]) {
    const mxc = await client.upload(Readable.from([Buffer.from("a"), Buffer.from("bc")]), {
      name: "abc.txt",
      mimetype: "text/plain",
      ...(size && { size }),
    });
    const { stream, size: got, mimetype } = await client.download(mxc);
    assert.equal((await collected(stream)).toString(), "abc");
    assert.equal(got, 3);
    assert.match(mimetype ?? "", /^text\/plain/);
  }
  assert.deepEqual(spoolFiles(), before);
});

test("a large file passes without being held in memory", async (t) => {
  let passed = 0;
  let most = 0;
  const url = await listen(t, (request, response) => {
    if (request.method === "GET") return response.writeHead(404).end('{"errcode":"M_NOT_FOUND"}');
    request.on("data", (chunk: Buffer) => {
      passed += chunk.length;
      most = Math.max(most, given - passed);
    });
    return request.on("end", () => response.end('{"content_uri":"mxc://test.local/abc"}'));
  });
  const chunk = Buffer.alloc(64 * 1024);
  let given = 0;
  const size = 64 * 1024 * 1024;
  const source = new Readable({
    read() {
      given += chunk.length;
      this.push(given > size ? null : chunk);
    },
  });
  await clientOf(t, url).upload(source, { mimetype: "video/mp4", size });
  assert.equal(passed, size);
  assert.ok(most < 8 * 1024 * 1024, `${most} bytes were on their way at once`);
});

test("a file larger than the homeserver takes is refused before it is sent, or as soon as it is seen", async (t) => {
  const client = await homeserver(t, 1_000);
  const before = spoolFiles();
  const known = Readable.from([Buffer.alloc(2_000)]);
  await assert.rejects(client.upload(known, { mimetype: "image/png", size: 2_000 }), Refused);
  assert.ok(known.destroyed);
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(100));
    },
  });
  await assert.rejects(client.upload(endless, { mimetype: "image/png" }), Refused);
  assert.deepEqual(spoolFiles(), before);
});

test("a file that breaks off, or lies about its length, is no fault of the homeserver's", async (t) => {
  const client = await homeserver(t);
  const breaking = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from("a");
        throw new Error("cut");
      })(),
    );
  for (const size of [100, undefined]) {
    const error = await client.upload(breaking(), { mimetype: "image/png", ...(size && { size }) }).catch((each: unknown) => each);
    assert.ok(error instanceof SourceFailed, String(error));
    const failure = failureOf(error);
    assert.ok(failure instanceof TryLater && failure.scope === "item");
  }
  for (const size of [2, 200]) {
    await assert.rejects(client.upload(Readable.from([Buffer.from("abc")]), { mimetype: "image/png", size }), SourceFailed);
  }
});

test("a type that is none does not reach the header", async (t) => {
  const types: unknown[] = [];
  const url = await listen(t, (request, response) => {
    if (request.method === "POST") types.push(request.headers["content-type"]);
    request.resume().on("end", () => response.end('{"content_uri":"mxc://test.local/abc"}'));
  });
  const client = clientOf(t, url);
  for (const mimetype of ["text/html\r\nX-Evil: 1", "", "image/png; name=x"])
    await client.upload(Readable.from([Buffer.from("a")]), { mimetype, size: 1 });
  assert.deepEqual(types, Array(3).fill("application/octet-stream"));
});

test("media that have moved are followed without our token", async (t) => {
  const seen: (string | undefined)[] = [];
  const elsewhere = await listen(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { "Content-Type": "image/png" }).end("moved");
  });
  const url = await listen(t, (_request, response) => response.writeHead(307, { Location: `${elsewhere}/bucket/x` }).end());
  const { stream } = await clientOf(t, url).download("mxc://test.local/abc");
  assert.equal((await collected(stream)).toString(), "moved");
  assert.deepEqual(seen, [undefined]);
});

test("a redirect that goes round, to a file on our disk or to somebody else within our walls, is not followed", async (t) => {
  const round: string = await listen(t, (_request, response) => response.writeHead(302, { Location: `${round}/again` }).end());
  await assert.rejects(clientOf(t, round).download("mxc://test.local/abc"), /leads nowhere/);
  for (const location of ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://localhost/"]) {
    const local = await listen(t, (_request, response) => response.writeHead(302, { Location: location }).end());
    await assert.rejects(clientOf(t, local).download("mxc://test.local/abc"), /leads nowhere/, location);
  }
});

test("a homeserver without authenticated media is asked in the old way", async (t) => {
  const url = await listen(t, (request, response) => {
    if (request.url?.startsWith("/_matrix/media/v3/download/test.local/abc")) return response.end("old");
    return response.writeHead(404).end('{"errcode":"M_UNRECOGNIZED"}');
  });
  const { stream } = await clientOf(t, url).download("mxc://test.local/abc");
  assert.equal((await collected(stream)).toString(), "old");
});

test("a file that stops half-way ends in an error", async (t) => {
  const by = new StandingClock();
  const url = await listen(t, (_request, response) => {
    response.writeHead(200, { "Content-Length": "10" });
    response.write("12345");
  });
  const { stream } = await clientOf(t, url, { by }).download("mxc://test.local/abc");
  const chunks = stream[Symbol.asyncIterator]();
  assert.equal(String((await chunks.next()).value), "12345");
  const rest = chunks.next().catch((each: unknown) => each);
  await until(() => by.waiting === 1);
  by.pass(60_001);
  assert.match(String(await rest), /stopped half-way/);
});

test("a reader who takes their time gets the whole file", async (t) => {
  const by = new StandingClock();
  const url = await listen(t, (_request, response) => response.end(Buffer.alloc(1024 * 1024)));
  const { stream } = await clientOf(t, url, { by }).download("mxc://test.local/abc");
  stream.read(0);
  await until(() => stream.readableLength > 0 && by.waiting === 0);
  by.pass(10 * 60_000);
  assert.equal((await collected(stream)).length, 1024 * 1024);
});

test("a file that nobody wants after all is let go", async (t) => {
  let closed = false;
  const url = await listen(t, (_request, response) => {
    response.once("close", () => (closed = true));
    response.writeHead(200).write("start");
  });
  const { stream } = await clientOf(t, url).download("mxc://test.local/abc");
  stream.destroy();
  await until(() => closed);
});

test("a slice is taken out of any chunks", async () => {
  const source = () => Readable.from([Buffer.from("012"), Buffer.from("3"), Buffer.from("456789")]);
  for (const [first, last, text] of [
    [0, 9, "0123456789"],
    [2, 4, "234"],
    [3, 3, "3"],
    [9, 9, "9"],
    [5, 100, "56789"],
  ] as const) {
    assert.equal((await collected(sliced(source(), first, last))).toString(), text);
  }
});

test("a large file leaves next to nothing behind while it passes", async () => {
  const source = Readable.from(
    (function* () {
      for (let sent = 0; sent < 1_000; sent += 1) yield Buffer.alloc(64 * 1024, sent);
    })(),
  );
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for await (const _chunk of watched(source, { clock: new StandingClock(), stall: 1_000, doing: "Passing" }))
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  assert.ok(most < 8 * 1024 * 1024, `${most} bytes were held`);
});
