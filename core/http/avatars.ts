/**
 * Pictures of Matrix people for networks that fetch them by address. One short address per picture, for ever the same: a network asks
 * once and keeps what it got. Always a still PNG of 256 pixels, fetched and made ready before anybody asks.
 */
import { createHmac } from "node:crypto";
import type { Logger } from "pino";
import { Lru } from "../lru.ts";
import type { MatrixClient } from "../matrix/client.ts";
import { isMxc } from "../matrix/media.ts";
import { collected, limited } from "../matrix/streams.ts";
import { Broken } from "../model/errors.ts";
import type { MxcUri } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import type { SettingStore } from "../store/store.ts";

export interface AvatarsOptions {
  readonly client: Pick<MatrixClient, "thumbnail">;
  /** Which picture an address is of. */
  readonly settings: SettingStore;
  readonly secret: Buffer;
  readonly clock: Clock;
  readonly log: Logger;
}

const SIDE = 256;
const LARGEST = 10 * 1024 * 1024;
/** A small file can unfold into any number of pixels. */
const MOST_PIXELS = 16 * 1024 * 1024;
/** SVG is left out: it is a program, not a picture. */
const FORMATS: ReadonlySet<string | undefined> = new Set(["png", "jpeg", "webp", "gif", "heif", "avif", "tiff"]);
/** Bytes of finished pictures kept in memory. */
const KEPT = 4 * 1024 * 1024;
const AGAIN = 600_000;
/** Pictures made at the same time. */
const AT_ONCE = 2;

export class Avatars {
  readonly #options: AvatarsOptions;
  readonly #ids = new Lru<MxcUri, string>(5_000);
  readonly #sources = new Lru<string, MxcUri>(5_000);
  readonly #pictures = new Map<string, Buffer>();
  #kept = 0;
  readonly #making = new Map<string, Promise<Buffer | undefined>>();
  readonly #missing = new Lru<string, number>(1_000);
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: AvatarsOptions) {
    this.#options = options;
  }

  /** The part of the address after `/_causeway/media/`. The picture is made ready meanwhile. */
  address(mxc: MxcUri): string {
    const known = this.#ids.get(mxc);
    if (known !== undefined) return pathOf(known);
    const id = createHmac("sha256", this.#options.secret).update(`avatar ${mxc}`).digest("base64url").slice(0, 22);
    this.#ids.set(mxc, id);
    this.#sources.set(id, mxc);
    void this.#prepare(id, mxc);
    return pathOf(id);
  }

  /** The PNG; undefined = no such address, or its picture cannot be had. */
  async picture(id: string): Promise<Buffer | undefined> {
    const kept = this.#pictures.get(id);
    if (kept) return kept;
    if ((this.#missing.get(id) ?? 0) > this.#options.clock.now()) return undefined;
    const mxc = this.#sources.get(id) ?? (await this.#options.settings.get(settingOf(id)));
    return isMxc(mxc) ? await this.#make(id, mxc) : undefined;
  }

  async #prepare(id: string, mxc: MxcUri): Promise<void> {
    const { settings, log } = this.#options;
    try {
      if ((await settings.get(settingOf(id))) !== mxc) await settings.set(settingOf(id), mxc);
      await this.#make(id, mxc);
    } catch (error) {
      this.#ids.delete(mxc);
      log.warn({ err: error }, "The address of a picture could not be written down");
    }
  }

  async #make(id: string, mxc: MxcUri): Promise<Buffer | undefined> {
    const going = this.#making.get(id) ?? this.#draw(id, mxc);
    this.#making.set(id, going);
    try {
      return await going;
    } finally {
      this.#making.delete(id);
    }
  }

  async #draw(id: string, mxc: MxcUri): Promise<Buffer | undefined> {
    const { client, clock, log } = this.#options;
    await this.#turn();
    try {
      const { stream } = await client.thumbnail(mxc, SIDE, SIDE);
      const picture = await toPng(await collected(limited(stream, LARGEST, "The picture is too large.")));
      this.#keep(id, picture);
      return picture;
    } catch (error) {
      log.debug({ mxc, err: error }, "A picture could not be had");
      this.#missing.set(id, clock.now() + AGAIN);
      return undefined;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
  }

  #keep(id: string, picture: Buffer): void {
    this.#pictures.set(id, picture);
    this.#kept += picture.length;
    for (const [oldest, { length }] of this.#pictures) {
      if (this.#kept <= KEPT) return;
      this.#pictures.delete(oldest);
      this.#kept -= length;
    }
  }
}

async function toPng(file: Buffer): Promise<Buffer> {
  // Loaded when the first picture is asked for: it is large, and many bridges need none.
  const { default: sharp } = await import("sharp");
  const image = sharp(file, { limitInputPixels: MOST_PIXELS, sequentialRead: true });
  const { format } = await image.metadata();
  if (!FORMATS.has(format)) throw new Broken(`A picture of a kind that is not shown: ${format}.`);
  return await image.autoOrient().resize(SIDE, SIDE, { fit: "cover" }).png({ compressionLevel: 8 }).toBuffer();
}

function pathOf(id: string): string {
  return `avatar/${id}.png`;
}

function settingOf(id: string): string {
  return `avatar:${id}`;
}
