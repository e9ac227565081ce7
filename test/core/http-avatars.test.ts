import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import sharp from "sharp";
import { Avatars } from "../../core/http/avatars.ts";
import { type MxcUri, mxcUri } from "../../core/model/ids.ts";
import { StandingClock, until } from "./shore.ts";
import { memoryStore, silent } from "./temporary-store.ts";

const secret = Buffer.from("a secret of the bridge's");
const photo = (side = 600, colour = "#ff0000") => sharp({ create: { width: side, height: side / 2, channels: 3, background: colour } });
const mxc = (media: string): MxcUri => mxcUri(`mxc://test.local/${media}`);
const idOf = (address: string): string => /^avatar\/([\w-]{22})\.png$/.exec(address)?.[1] ?? assert.fail(address);

async function avatars(t: TestContext, files: Record<string, Buffer>, by = new StandingClock()) {
  const store = await memoryStore(t);
  const asked: string[] = [];
  const client = {
    thumbnail: async (address: string) => {
      asked.push(address);
      const file = files[address.slice(address.lastIndexOf("/") + 1)];
      if (!file) throw new Error("not there");
      return { stream: Readable.from([file]), size: file.length };
    },
  };
  const made = () => new Avatars({ client, settings: store.settings, secret, clock: by, log: silent });
  return { made, first: made(), asked, by };
}

test("a picture is made ready when its address is first used: still, square, 256 pixels, PNG", async (t) => {
  const { first, asked } = await avatars(t, { a: await photo().jpeg().toBuffer() });
  const id = idOf(first.address(mxc("a")));
  await until(() => asked.length === 1);
  // A network may ask at once, or much later.
  const { format, width, height } = await sharp(await first.picture(id)).metadata();
  assert.deepEqual([format, width, height], ["png", 256, 256]);
  assert.equal(asked.length, 1);
});

test("an address is of one picture for ever, over restarts too, and of no other", async (t) => {
  const { first, made, asked } = await avatars(t, { a: await photo().png().toBuffer(), b: await photo(600, "#0000ff").png().toBuffer() });
  const address = first.address(mxc("a"));
  assert.equal(first.address(mxc("a")), address);
  assert.notEqual(first.address(mxc("b")), address);
  await until(() => asked.length === 2);
  const picture = await first.picture(idOf(address));
  const later = made();
  assert.deepEqual(await later.picture(idOf(address)), picture);
  assert.equal(later.address(mxc("a")), address);
});

test("an animated picture becomes a still one", async (t) => {
  const frames = await sharp(Buffer.alloc(8 * 16 * 3, 100), { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
    .gif()
    .toBuffer();
  const { first } = await avatars(t, { a: frames });
  const { pages, height } = await sharp(await first.picture(idOf(first.address(mxc("a"))))).metadata();
  assert.deepEqual([pages ?? 1, height], [1, 256]);
});

test("what is no picture, a drawing program, or unfolds without end is not shown, nor asked for with each visit", async (t) => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>');
  const bomb = await sharp({ create: { width: 9_000, height: 9_000, channels: 3, background: "#000" } })
    .png()
    .toBuffer();
  const { first, asked, by } = await avatars(t, { svg, bomb, text: Buffer.from("<html>log in</html>") });
  const ids = ["svg", "bomb", "text", "gone"].map((media) => idOf(first.address(mxc(media))));
  await until(() => asked.length === 4);
  for (const id of [...ids, ...ids]) assert.equal(await first.picture(id), undefined);
  assert.equal(asked.length, 4);
  by.pass(600_001);
  await first.picture(ids[0] as string);
  assert.equal(asked.length, 5);
});

test("an address that we never gave is of nobody", async (t) => {
  const { first, asked } = await avatars(t, {});
  assert.equal(await first.picture("A".repeat(22)), undefined);
  assert.equal(asked.length, 0);
});

test("a thousand people cost a few megabytes; a picture that was let go is made again", async (t) => {
  const raw = { width: 256, height: 256, channels: 3 } as const;
  const noise = await sharp(randomBytes(256 * 256 * 3), { raw })
    .png()
    .toBuffer();
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`p${index}`, noise]));
  const { first, asked } = await avatars(t, files);
  const ids = Object.keys(files).map((media) => idOf(first.address(mxc(media))));
  let bytes = 0;
  for (const id of ids) bytes += (await first.picture(id))?.length ?? 0;
  assert.ok(bytes > 5 * 1024 * 1024, String(bytes));
  const before = asked.length;
  assert.ok(await first.picture(ids[0] as string));
  assert.equal(asked.length, before + 1);
});
