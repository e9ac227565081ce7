import assert from "node:assert/strict";
import { inflateSync } from "node:zlib";
import { test } from "node:test";
import { drawStill } from "../../bridges/discord/lottie.ts";

const SIDE = 160;

/** The colour of one pixel, red green blue alpha. */
function pixel(png: Buffer, x: number, y: number): number[] {
  const at = png.indexOf("IDAT");
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  const from = y * (SIDE * 4 + 1) + 1 + x * 4;
  return [...rows.subarray(from, from + 4)];
}

const red = { ty: "fl", c: { a: 0, k: [1, 0, 0, 1] }, o: { a: 0, k: 100 } };
const still = { o: { a: 0, k: 100 }, r: { a: 0, k: 0 }, p: { a: 0, k: [0, 0] }, a: { a: 0, k: [0, 0] }, s: { a: 0, k: [100, 100] } };
const square = { ty: "rc", p: { a: 0, k: [80, 80] }, s: { a: 0, k: [80, 80] } };
const layer = (it: unknown[], more: object = {}) => ({
  ty: 4,
  ind: 1,
  ip: 0,
  op: 60,
  ks: still,
  shapes: [{ ty: "gr", it: [...it, { ty: "tr", ...still }] }],
  ...more,
});
const drawing = (...layers: unknown[]) => JSON.stringify({ v: "5.5.2", w: 160, h: 160, ip: 0, op: 60, layers });

test("a sticker that moves is drawn as it stands in the middle of its movement", () => {
  const png = drawStill(drawing(layer([square, red])));
  assert.deepEqual(pixel(png, 80, 80), [255, 0, 0, 255]);
  assert.deepEqual(pixel(png, 10, 10), [0, 0, 0, 0]);
  const moving = {
    ...still,
    p: {
      a: 1,
      k: [
        { t: 0, s: [-160, 0] },
        { t: 60, s: [160, 0] },
      ],
    },
  };
  assert.deepEqual(pixel(drawStill(drawing(layer([square, red], { ks: moving }))), 80, 80), [255, 0, 0, 255]);
});

test("curves, ellipses, strokes, parents and drawings within drawings are drawn", () => {
  const circle = { ty: "el", p: { a: 0, k: [80, 80] }, s: { a: 0, k: [100, 100] } };
  assert.deepEqual(pixel(drawStill(drawing(layer([circle, red]))), 80, 40), [255, 0, 0, 255]);
  const curve = {
    ty: "sh",
    ks: {
      a: 0,
      k: {
        v: [
          [40, 40],
          [120, 40],
          [120, 120],
          [40, 120],
        ],
        i: [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
        ],
        o: [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
        ],
        c: true,
      },
    },
  };
  assert.deepEqual(pixel(drawStill(drawing(layer([curve, red]))), 100, 100), [255, 0, 0, 255]);
  const stroke = { ty: "st", c: { a: 0, k: [0, 1, 0, 1] }, o: { a: 0, k: 100 }, w: { a: 0, k: 8 } };
  const lined = drawStill(drawing(layer([curve, stroke])));
  assert.deepEqual(
    [pixel(lined, 80, 40), pixel(lined, 80, 80)],
    [
      [0, 255, 0, 255],
      [0, 0, 0, 0],
    ],
  );
  const within = JSON.stringify({
    w: 160,
    h: 160,
    ip: 0,
    op: 60,
    layers: [{ ty: 0, refId: "a", ip: 0, op: 60, ks: still }],
    assets: [{ id: "a", layers: [layer([square, red])] }],
  });
  assert.deepEqual(pixel(drawStill(within), 80, 80), [255, 0, 0, 255]);
});

test("what is no drawing, or a hostile one, is refused in a sentence and never hangs", () => {
  const itself = JSON.stringify({
    w: 160,
    h: 160,
    ip: 0,
    op: 1,
    layers: [{ ty: 0, refId: "a", ip: 0, op: 9, ks: {} }],
    assets: [{ id: "a", layers: [{ ty: 0, refId: "a", ip: 0, op: 9, ks: {} }] }],
  });
  assert.ok(drawStill(itself).length > 0);
  const bomb = itself.replace(
    /"layers":\[(\{"ty":0,"refId":"a","ip":0,"op":9,"ks":\{\}\})\]\}\]/,
    (_all, one: string) => `"layers":[${Array.from({ length: 50 }, () => one).join()}]}]`,
  );
  assert.throws(() => drawStill(bomb), { name: "Refused" });
  assert.ok(drawStill(drawing({ ty: 4, ind: 1, parent: 1, ks: null, shapes: "?" }, null, 7)).length > 0);
  for (const text of ["", "{}", "[]", "null", '{"w":1e308,"h":-1}', "not json"])
    assert.throws(() => drawStill(text), { name: "Refused" }, text);
  const many = { ty: "sh", ks: { a: 0, k: { v: Array.from({ length: 50_000 }, () => [1, 2]), i: [], o: [], c: true } } };
  assert.throws(() => drawStill(drawing(layer([many, red]))), { name: "Refused" });
});
