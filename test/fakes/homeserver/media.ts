/** The media store: streamed to disk and back. https://spec.matrix.org/v1.15/client-server-api/#content-repository */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { missingParam, notFound, Refusal, tooLarge } from "./refusal.ts";

interface Medium {
  readonly path: string;
  readonly type: string;
  readonly name: string | undefined;
  readonly size: number;
}

/** Shown in the browser as they are; everything else is offered as a file. */
const inline = new Set([
  "text/css",
  "text/plain",
  "text/csv",
  "application/json",
  "application/ld+json",
  "image/jpeg",
  "image/gif",
  "image/png",
  "image/apng",
  "image/webp",
  "image/avif",
  "video/mp4",
  "video/webm",
  "video/ogg",
  "video/quicktime",
  "audio/mp4",
  "audio/webm",
  "audio/aac",
  "audio/mpeg",
  "audio/ogg",
  "audio/wave",
  "audio/wav",
  "audio/x-wav",
  "audio/x-pn-wav",
  "audio/flac",
  "audio/x-flac",
]);

const images = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

export class Media {
  /** Made for the first file. */
  #folder: Promise<string> | undefined;
  readonly #serverName: string;
  readonly #media = new Map<string, Medium>();
  /** Reserved by `POST /create`, not yet uploaded: by whom. */
  readonly #reserved = new Map<string, string>();
  /** Bytes. */
  readonly most: number;

  constructor(serverName: string, most: number) {
    this.#serverName = serverName;
    this.most = most;
  }

  reserve(user: string): string {
    const id = newId();
    this.#reserved.set(id, user);
    return this.#uri(id);
  }

  /** Takes a body to disk. Synapse wants its length beforehand. */
  async upload(request: IncomingMessage, query: URLSearchParams, id = newId()): Promise<string> {
    const length = request.headers["content-length"];
    if (length === undefined) throw new Refusal(400, "M_UNKNOWN", "Request must specify a Content-Length");
    if (Number(length) > this.most) throw tooLarge("Upload request body is too large");
    if (Number(length) === 0) throw new Refusal(400, "M_INVALID_PARAM", "Failed to upload media: no content");
    this.#folder ??= mkdtemp(join(tmpdir(), "causeway-media-"));
    const path = join(await this.#folder, id);
    try {
      await pipeline(request, createWriteStream(path));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    const { size } = await stat(path);
    const type = request.headers["content-type"] ?? "application/octet-stream";
    this.#media.set(id, { path, type, name: query.get("filename") ?? undefined, size });
    return this.#uri(id);
  }

  async uploadReserved(request: IncomingMessage, query: URLSearchParams, id: string, user: string): Promise<void> {
    if (this.#media.has(id)) throw new Refusal(409, "M_CANNOT_OVERWRITE_MEDIA", "Media ID already has content");
    const owner = this.#reserved.get(id);
    if (owner === undefined) throw notFound("Unknown media ID");
    if (owner !== user) throw new Refusal(403, "M_FORBIDDEN", "Only the creator of the media ID can upload to it");
    await this.upload(request, query, id);
    this.#reserved.delete(id);
  }

  async download(response: ServerResponse, server: string, id: string, name?: string): Promise<void> {
    const medium = this.#find(server, id);
    const shown = name ?? medium.name;
    const disposition = inline.has(medium.type.split(";")[0]?.trim().toLowerCase() ?? "") ? "inline" : "attachment";
    response.writeHead(200, {
      "content-type": medium.type,
      "content-length": medium.size,
      "content-disposition": shown === undefined ? disposition : `${disposition}; ${fileName(shown)}`,
      "content-security-policy":
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
      "cross-origin-resource-policy": "cross-origin",
    });
    await pipeline(createReadStream(medium.path), response);
  }

  async thumbnail(response: ServerResponse, server: string, id: string, query: URLSearchParams): Promise<void> {
    const medium = this.#find(server, id);
    const [width, height] = [query.get("width"), query.get("height")].map((text) => Number(text ?? Number.NaN));
    if (!Number.isInteger(width) || !Number.isInteger(height)) throw missingParam("Missing integer query parameter width or height");
    if (!images.has(medium.type)) throw notFound("Cannot find any thumbnails for the requested media: it is no image");
    const { default: sharp } = await import("sharp");
    const fit = query.get("method") === "crop" ? "cover" : "inside";
    const still = await sharp(medium.path)
      .resize({ width: Number(width), height: Number(height), fit, withoutEnlargement: true })
      .png()
      .toBuffer();
    response.writeHead(200, { "content-type": "image/png", "content-length": still.length, "content-disposition": "inline" });
    response.end(still);
  }

  async clear(): Promise<void> {
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
  }

  #find(server: string, id: string): Medium {
    const medium = server === this.#serverName ? this.#media.get(id) : undefined;
    if (medium) return medium;
    if (this.#reserved.has(id)) throw new Refusal(504, "M_NOT_YET_UPLOADED", "Media has not been uploaded yet");
    throw notFound(`Not found '/_matrix/client/v1/media/download/${server}/${id}'`);
  }

  #uri(id: string): string {
    return `mxc://${this.#serverName}/${id}`;
  }
}

const newId = (): string => randomBytes(18).toString("base64url").replace(/[-_]/g, "x");

function fileName(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) && !/[;"\\ ]/.test(name) ? `filename=${name}` : `filename*=utf-8''${encodeURIComponent(name)}`;
}
