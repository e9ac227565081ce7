/** Bytes on their way: counted, watched for standing still, spooled to disk when their length must be known first. */
import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Refused } from "../model/errors.ts";
import type { Clock } from "../network.ts";
import { chunkPassed } from "./sweep.ts";

/** Fails when the source says nothing for `stall` milliseconds. A slow reader is no reason to fail. */
export function watched(source: Readable, { clock, stall, doing }: { clock: Clock; stall: number; doing: string }): Readable {
  async function* chunks(): AsyncGenerator<Buffer> {
    const iterator = source[Symbol.asyncIterator]();
    for (;;) {
      const cancel = clock.timer(stall, () => source.destroy(new Error(`${doing}: the file stopped half-way.`)));
      const next = await iterator.next().finally(cancel);
      if (next.done) return;
      chunkPassed(next.value.length);
      yield next.value;
    }
  }
  return closing(source, chunks());
}

/** Fails with `Refused` as soon as more than `most` bytes have passed. */
export function limited(source: Readable, most: number, sentence: string): Readable {
  async function* chunks(): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of source) {
      size += (chunk as Buffer).length;
      if (size > most) throw new Refused(sentence);
      yield chunk as Buffer;
    }
  }
  return closing(source, chunks());
}

/** The bytes from `first` to `last`, both included. What comes before is read and let go; what comes after is not read. */
export function sliced(source: Readable, first: number, last: number): Readable {
  async function* chunks(): AsyncGenerator<Buffer> {
    let at = 0;
    for await (const each of source) {
      const chunk = each as Buffer;
      const piece = chunk.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at));
      at += chunk.length;
      if (piece.length > 0) yield piece;
      if (at > last) return;
    }
  }
  return closing(source, chunks());
}

/** All of it, when it is known to be small. */
export async function collected(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A stream of the generator's chunks; when it is given up, its source is too, even one that is silent. */
function closing(source: Readable, chunks: AsyncGenerator<Buffer>): Readable {
  const stream = Readable.from(chunks, { objectMode: false, highWaterMark: 64 * 1024 });
  // The reader of `stream` hears of it; without a listener here, an early error would end the process.
  source.on("error", () => undefined);
  stream.once("close", () => source.destroy());
  return stream;
}

export interface Spooled {
  readonly size: number;
  open(): Readable;
  remove(): Promise<void>;
}

/** Puts a stream of unknown length into a temporary file. The file is removed by `remove`, or at once when the stream fails. */
export async function spool(source: Readable): Promise<Spooled> {
  const file = join(tmpdir(), `causeway-${randomUUID()}`);
  const remove = (): Promise<void> => rm(file, { force: true });
  try {
    await pipeline(source, createWriteStream(file, { mode: 0o600, flags: "wx" }));
    const { size } = await stat(file);
    return { size, open: () => createReadStream(file), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
