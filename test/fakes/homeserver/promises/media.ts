import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import sharp from "sharp";

import { refused, type Stage } from "./stage.ts";

export function mediaPromises(stage: Stage): void {
  test("a file comes back byte for byte, with its type and its name", async () => {
    const anna = await stage.person("anna");
    const bytes = randomBytes(300_000);
    const mxc = await anna.upload(bytes, { type: "application/x-thing", name: "a thing.bin" });
    assert.match(mxc, /^mxc:\/\/test\.local\/[A-Za-z0-9_-]+$/);
    const back = await anna.download(mxc);
    assert.ok(back.bytes.equals(bytes));
    assert.equal(back.type, "application/x-thing");
    assert.match(back.disposition, /^attachment; filename\*=utf-8''a%20thing\.bin$/);
    const text = await anna.upload(Buffer.from("text"), { type: "text/plain", name: "text.txt" });
    assert.equal((await anna.download(text)).disposition, "inline; filename=text.txt");
    const html = await anna.upload(Buffer.from("<b>hi</b>"), { type: "text/html" });
    assert.equal((await anna.download(html)).disposition, "attachment");
  });

  test("media are behind authentication, at their new address", async () => {
    const anna = await stage.person("anna");
    const where = (await anna.upload(Buffer.from("secret"), { type: "text/plain" })).replace("mxc://", "");
    await refused(401, "M_MISSING_TOKEN", stage.nobody("GET", `/_matrix/client/v1/media/download/${where}`));
    await refused(404, "M_NOT_FOUND", anna.call("GET", `/_matrix/media/v3/download/${where}`));
    await refused(404, "M_NOT_FOUND", anna.download("mxc://test.local/unknown"));
    await refused(401, "M_MISSING_TOKEN", stage.nobody("POST", "/_matrix/media/v3/upload"));
  });

  test("an upload says how long it is", async () => {
    const anna = await stage.person("anna");
    const { "m.upload.size": most } = await anna.call("GET", "/_matrix/client/v1/media/config");
    assert.equal(most, 120 * 1024 * 1024);
    const body = Readable.from([Buffer.from("how long is this?")]);
    await refused(400, "M_UNKNOWN", anna.upload(body, { type: "text/plain" }));
  });

  test("pictures have thumbnails, no larger than asked for", async () => {
    const anna = await stage.person("anna");
    const picture = await sharp({ create: { width: 400, height: 200, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const mxc = await anna.upload(picture, { type: "image/png" });
    const small = await anna.download(mxc, "thumbnail", "?width=32&height=32&method=crop");
    const { width, height } = await sharp(small.bytes).metadata();
    assert.deepEqual([width, height], [32, 32]);
    await refused(400, "M_MISSING_PARAM", anna.download(mxc, "thumbnail"));
  });

  test("an address can be had before the file", async () => {
    const anna = await stage.person("anna");
    const { content_uri: uri } = await anna.call("POST", "/_matrix/media/v1/create");
    const where = String(uri).replace("mxc://", "");
    await refused(504, "M_NOT_YET_UPLOADED", anna.call("GET", `/_matrix/client/v1/media/download/${where}?timeout_ms=1`));
    await anna.call("PUT", `/_matrix/media/v3/upload/${where}`, { body: { some: "json" } });
    assert.equal((await anna.download(String(uri))).bytes.toString(), '{"some":"json"}');
    await refused(409, "M_CANNOT_OVERWRITE_MEDIA", anna.call("PUT", `/_matrix/media/v3/upload/${where}`, { body: {} }));
  });
}
