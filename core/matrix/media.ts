/** Files to and from the homeserver: streamed, counted, watched for standing still. Never whole in memory. */
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { Broken, Refused } from "../model/errors.ts";
import type { MxcUri } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import { isRecord } from "./event.ts";
import { MatrixError, SourceFailed } from "./failure.ts";
import { limited, spool, watched } from "./streams.ts";
import { type Call, type Download, path, type Transport } from "./transport.ts";

/**
 * The parts of an mxc URI, or undefined when it is none that is safe to ask for. A media id holds letters, digits, `_` and `-` only
 * (client-server API, "Security considerations" of the content repository), so that nobody leaves the media folder by it.
 */
export function readMxc(mxc: string): { readonly server: string; readonly media: string } | undefined {
  const match = /^mxc:\/\/([A-Za-z0-9.:[\]-]{1,230})\/([A-Za-z0-9_-]{1,255})$/.exec(mxc);
  if (!match?.[1] || !match[2] || /^\.+$/.test(match[1])) return undefined;
  return { server: match[1], media: match[2] };
}

export function isMxc(text: unknown): text is MxcUri {
  return typeof text === "string" && readMxc(text) !== undefined;
}

/** While a file moves, how long nothing may come. */
const STALL = 60_000;
const SOURCE_STALL = 30_000;
const LIMIT_KEPT = 3_600_000;

export interface Uploaded {
  readonly name?: string;
  readonly mimetype: string;
  /** Absent = not known beforehand. */
  readonly size?: number;
  /** Bytes that are taken, besides what the homeserver takes. */
  readonly most?: number;
}

export class MediaRepository {
  readonly #http: Transport;
  readonly #clock: Clock;
  readonly #log: Logger;
  #most: { readonly bytes: number | undefined; readonly until: number } | undefined;

  constructor(http: Transport, clock: Clock, log: Logger) {
    this.#http = http;
    this.#clock = clock;
    this.#log = log;
  }

  async upload(source: Readable, { name, mimetype, size, most }: Uploaded): Promise<MxcUri> {
    const taken = Math.min(most ?? Number.POSITIVE_INFINITY, (await this.uploadLimit().catch(() => undefined)) ?? Number.POSITIVE_INFINITY);
    const tooLarge = `The file is larger than what is taken here (${taken} bytes).`;
    if (size !== undefined && size > taken) {
      source.on("error", () => undefined).destroy();
      throw new Refused(tooLarge);
    }
    // Sooner than the homeserver's answer is given up, so that it is not taken for what is away.
    const stream = watched(source, { clock: this.#clock, stall: SOURCE_STALL, doing: "Uploading a file" });
    if (size !== undefined) return await this.#send(stream, size, mimetype, name);
    const spooled = await spool(limited(stream, taken, tooLarge)).catch((error: unknown) => {
      throw error instanceof Refused ? error : new SourceFailed("Uploading a file: it broke off on its way to us.", { cause: error });
    });
    try {
      return await this.#send(spooled.open(), spooled.size, mimetype, name);
    } finally {
      await spooled.remove();
    }
  }

  async #send(stream: Readable, size: number, mimetype: string, name: string | undefined): Promise<MxcUri> {
    // What is not a media type would be refused by the homeserver, or split the header.
    const type = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(mimetype) ? mimetype : "application/octet-stream";
    const call = { doing: "Uploading a file", method: "POST", path: "/_matrix/media/v3/upload", limit: STALL } as const;
    const answer = await this.#http.upload({ ...call, query: { filename: name }, stream, size, mimetype: type });
    if (isRecord(answer) && isMxc(answer.content_uri)) return answer.content_uri;
    throw new Broken("Uploading a file: the homeserver named no address for it.");
  }

  /** Bytes; undefined = no limit. Asked once an hour. */
  async uploadLimit(): Promise<number | undefined> {
    const now = this.#clock.now();
    if (this.#most && now < this.#most.until) return this.#most.bytes;
    const bytes = await this.#askLimit();
    this.#most = { bytes, until: now + LIMIT_KEPT };
    return bytes;
  }

  async #askLimit(): Promise<number | undefined> {
    const call = { doing: "Asking for the upload limit", method: "GET" } as const;
    const answer = await this.#old(
      () => this.#http.call({ ...call, path: "/_matrix/client/v1/media/config" }),
      () => this.#http.call({ ...call, path: "/_matrix/media/v3/config" }),
    );
    const size = isRecord(answer) ? answer["m.upload.size"] : undefined;
    return typeof size === "number" && size > 0 ? size : undefined;
  }

  async download(mxc: string): Promise<Download> {
    const { server, media } = partsOf(mxc);
    return await this.#fetch(path`/download/${server}/${media}`, {});
  }

  async thumbnail(mxc: string, width: number, height: number): Promise<Download> {
    const { server, media } = partsOf(mxc);
    return await this.#fetch(path`/thumbnail/${server}/${media}`, { width, height, method: "crop", animated: false });
  }

  async #fetch(at: string, query: NonNullable<Call["query"]>): Promise<Download> {
    const call = { doing: "Fetching a file", method: "GET", query, limit: STALL } as const;
    return await this.#old(
      () => this.#http.download({ ...call, path: `/_matrix/client/v1/media${at}` }),
      () => this.#http.download({ ...call, path: `/_matrix/media/v3${at}` }),
    );
  }

  /** Before Matrix 1.11 media lay open, and elsewhere. */
  async #old<T>(ask: () => Promise<T>, askOld: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof MatrixError) || error.errcode !== "M_UNRECOGNIZED") throw error;
      this.#log.debug("The homeserver does not know authenticated media; asking in the old way");
      return await askOld();
    }
  }
}

function partsOf(mxc: string): { server: string; media: string } {
  const parts = readMxc(mxc);
  if (!parts) throw new Broken("Fetching a file: that is no mxc address.");
  return parts;
}
