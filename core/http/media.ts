/**
 * What is open to the public: files behind signed links, long texts, pictures of people. Files are streamed through, never kept, and
 * never shown as anything that could run in a browser.
 */
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Request, type Response, Router } from "express";
import type { Logger } from "pino";
import { failureOf, MatrixError, type MatrixClient } from "../matrix/client.ts";
import type { Download } from "../matrix/transport.ts";
import { limited, sliced } from "../matrix/streams.ts";
import { TryLater } from "../model/errors.ts";
import type { EventId, MxcUri } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import type { SettingStore } from "../store/store.ts";
import { Avatars } from "./avatars.ts";
import { type FileLink, readLink, safeName, writeLink } from "./links.ts";
import { findPaste, removePaste, savePaste } from "./pastes.ts";

export interface PublicMediaOptions {
  /** Where people reach us from outside, without a slash at the end. */
  readonly publicUrl: string;
  readonly client: Pick<MatrixClient, "download" | "thumbnail">;
  readonly settings: SettingStore;
  readonly secret: Buffer;
  /** False once the message has been redacted: its links then answer 410. */
  alive(event: EventId): Promise<boolean>;
  /** Milliseconds that links and pages live; absent = as long as the message. */
  readonly expiresAfter?: number;
  /** Bytes; larger files are not passed on. */
  readonly largest: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Makes public addresses. */
export interface MediaLinks {
  /** Undefined = the mxc address is none. */
  file(link: FileLink): string | undefined;
  /** Resolves when the page is there. With `event`, it ends when that message is redacted. */
  paste(text: string, title: string, event?: EventId): Promise<string>;
  avatar(mxc: MxcUri): string;
}

export interface PublicMedia {
  /** To be mounted at `MEDIA_PATH`. */
  readonly router: Router;
  readonly links: MediaLinks;
}

export const MEDIA_PATH = "/_causeway/media";

/** A reader who takes nothing for so long is gone, milliseconds. */
const READER_LIMIT = 120_000;

export function createPublicMedia(options: PublicMediaOptions): PublicMedia {
  const { publicUrl, settings, secret, expiresAfter, clock } = options;
  const base = `${publicUrl}${MEDIA_PATH}`;
  const avatars = new Avatars(options);
  const router = Router({ caseSensitive: true, strict: true });
  router.use((_request, response, next) => {
    response.set(SAFE_HEADERS);
    next();
  });
  router.get("/file/:server/:media/:event/:seal/:name", (request, response) => serveFile(options, request, response));
  router.get("/paste/:id", (request, response) => servePaste(options, request.params.id, response));
  router.get("/avatar/:name", (request, response) => serveAvatar(avatars, request.params.name, response));
  const links: MediaLinks = {
    file(link) {
      const path = writeLink(secret, link, expiresAfter === undefined ? undefined : clock.now() + expiresAfter);
      return path === undefined ? undefined : `${base}/${path}`;
    },
    async paste(text, title, event) {
      const id = await savePaste(settings, { text, title, at: clock.now(), ...(event === undefined ? {} : { event }) });
      return `${base}/paste/${id}`;
    },
    avatar: (mxc) => `${base}/${avatars.address(mxc)}`,
  };
  return { router, links };
}

const SAFE_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "sandbox; default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'",
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Referrer-Policy": "no-referrer",
  "X-Robots-Tag": "noindex",
};

async function serveFile(options: PublicMediaOptions, request: Request, response: Response): Promise<void> {
  const { server, media, event, seal, name } = request.params as Record<string, string>;
  const parts = { server: server ?? "", media: media ?? "", event: event ?? "", seal: seal ?? "", name: name ?? "" };
  const read = readLink(options.secret, parts, options.clock.now());
  if (read.is === "forged") return say(response, 403, "This link is not one of ours.");
  if (read.is === "expired") return say(response, 410, "This link has expired.");
  if (!(await options.alive(read.link.event))) return say(response, 410, "This file has been deleted.");
  const file = await fetchFile(options, read.link, response);
  if (!file) return;
  if (file.size !== undefined && file.size > options.largest) {
    file.stream.destroy();
    return say(response, 413, "This file is too large to be passed on.");
  }
  await sendFile(file, read.link, options.largest, request, response);
}

async function fetchFile({ client, log }: PublicMediaOptions, { mxc }: FileLink, response: Response): Promise<Download | undefined> {
  try {
    return await client.download(mxc);
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404) say(response, 404, "This file is no longer there.");
    else {
      log.warn({ mxc, err: error }, "A file could not be passed on");
      const later = failureOf(error) instanceof TryLater;
      say(response, later ? 503 : 502, later ? "The file cannot be reached at the moment." : "The file cannot be had.");
    }
    return undefined;
  }
}

async function sendFile(file: Download, link: FileLink, largest: number, request: Request, response: Response): Promise<void> {
  const tag = `"${link.mxc.slice(link.mxc.lastIndexOf("/") + 1)}"`;
  response.set({ ...headersFor(file, link), ETag: tag });
  const range = askedRange(request, tag, file.size);
  const known = request.headers["if-none-match"] === tag;
  if (known || range === "none") {
    file.stream.destroy();
    if (!known) response.set("Content-Range", `bytes */${file.size}`);
    response.status(known ? 304 : 416).end();
    return;
  }
  if (range) response.status(206).set("Content-Range", `bytes ${range.first}-${range.last}/${file.size}`);
  const length = range ? range.last - range.first + 1 : file.size;
  if (length !== undefined) response.set("Content-Length", String(length));
  const body = range ? sliced(file.stream, range.first, range.last) : limited(file.stream, largest, "The file does not end.");
  await pour(body, request, response);
}

function headersFor({ mimetype, size }: Download, { name }: FileLink): Record<string, string> {
  const { type, inline } = shownAs(mimetype);
  return {
    "Content-Type": type,
    "Content-Disposition": disposition(inline ? "inline" : "attachment", name),
    // A browser may keep it, and asks each time whether it is still there.
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": size === undefined ? "none" : "bytes",
  };
}

/** A range that is asked for on condition of another version is not given. */
function askedRange(request: Request, tag: string, size: number | undefined): ReturnType<typeof readRange> {
  const condition = request.headers["if-range"];
  return condition === undefined || condition === tag ? readRange(request.headers.range, size) : undefined;
}

/** When either end breaks off, both are let go; a reader who was promised a length sees that it is not the whole file. */
async function pour(body: Readable, request: Request, response: Response): Promise<void> {
  if (request.method === "HEAD") {
    body.destroy();
    response.end();
    return;
  }
  response.setTimeout(READER_LIMIT, () => response.destroy());
  await pipeline(body, response).catch(() => response.destroy());
}

async function servePaste(options: PublicMediaOptions, id: string, response: Response): Promise<void> {
  const paste = await findPaste(options.settings, id);
  if (!paste) return say(response, 404, "There is no such page.");
  const { settings, expiresAfter, clock } = options;
  const expired = expiresAfter !== undefined && paste.at + expiresAfter < clock.now();
  if (expired || (paste.event && !(await options.alive(paste.event)))) {
    await removePaste(settings, id);
    return say(response, 410, expired ? "This page has expired." : "This text has been deleted.");
  }
  response.set({
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Disposition": disposition("inline", `${safeName(paste.title)}.txt`),
    "Cache-Control": "private, no-cache",
  });
  response.end(paste.text);
}

async function serveAvatar(avatars: Avatars, name: string, response: Response): Promise<void> {
  const id = /^([A-Za-z0-9_-]{22})\.png$/.exec(name)?.[1];
  const picture = id === undefined ? undefined : await avatars.picture(id);
  if (!picture) return say(response, 404, "There is no such picture.");
  response.set({
    "Content-Type": "image/png",
    "Content-Length": String(picture.length),
    "Cache-Control": "public, max-age=31536000, immutable",
  });
  response.end(picture);
}

function say(response: Response, status: number, sentence: string): void {
  response.status(status).set({ "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" }).end(`${sentence}\n`);
}

/** Client-server API, "Serving inline content": types that cannot run anything. */
const INLINE: ReadonlySet<string> = new Set([
  ...["text/plain", "image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif"],
  ...["video/mp4", "video/webm", "video/ogg", "video/quicktime"],
  ...["audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav", "audio/x-wav", "audio/x-pn-wav"],
  ...["audio/flac", "audio/x-flac"],
]);

/** What the uploader says a file is, as far as it can be let stand. */
function shownAs(mimetype: string | undefined): { type: string; inline: boolean } {
  const [type = ""] = (mimetype ?? "")
    .toLowerCase()
    .split(";", 1)
    .map((part) => part.trim());
  if (INLINE.has(type)) return { type: type === "text/plain" ? "text/plain; charset=utf-8" : type, inline: true };
  const harmless = /^(?:audio|video|image|application)\/[a-z0-9.+-]{1,80}$/.test(type) && !/html|xml|svg|script/.test(type);
  return { type: harmless ? type : "application/octet-stream", inline: false };
}

/** RFC 6266: a plain form for old readers, and the true one. */
function disposition(kind: "inline" | "attachment", name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const whole = encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `${kind}; filename="${plain}"; filename*=UTF-8''${whole}`;
}

/** One range of bytes (RFC 9110, 14.1.2). Undefined = the whole file; `none` = outside of it. */
export function readRange(header: string | undefined, size: number | undefined): { first: number; last: number } | "none" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (!match || size === undefined || (match[1] === "" && match[2] === "")) return undefined;
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? "none" : { first: size - length, last: size - 1 };
  }
  const first = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (first >= size) return "none";
  return last < first ? undefined : { first, last };
}
