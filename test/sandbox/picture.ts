/** A small picture to send when nobody has one at hand: a lantern's glow, as PNG. */
import { crc32, deflateSync } from "node:zlib";

const SIZE = 96;

export function lanternPicture(): Buffer {
  const rows: number[] = [];
  for (let y = 0; y < SIZE; y++) {
    rows.push(0);
    for (let x = 0; x < SIZE; x++) rows.push(...glow(Math.hypot(x - SIZE / 2, (y - SIZE * 0.45) * 0.85) / (SIZE / 2)));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIZE, 0);
  header.writeUInt32BE(SIZE, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.from(rows))), chunk("IEND", Buffer.alloc(0))]);
}

/** From warm white in the middle to night blue. */
function glow(distance: number): readonly [number, number, number] {
  const light = Math.max(0, 1 - distance) ** 1.4;
  return [Math.round(24 + 231 * light), Math.round(28 + 190 * light ** 1.3), Math.round(58 + 90 * light ** 2.2)];
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
