/** Files as Matrix events carry them. https://spec.matrix.org/v1.15/client-server-api/#mimage and the sections after it */
import { type MxcUri, mxcUri } from "../model/ids.ts";
import type { FileInfo, FileKind } from "../model/message.ts";
import { clip, oneLine } from "../model/plain.ts";
import { cleanText } from "./clean.ts";
import { type AnyContent, isRecord } from "./relations.ts";
import { SPOILER } from "./to-file.ts";

export interface MatrixFile {
  readonly info: FileInfo;
  readonly mxc: MxcUri;
}

const KINDS: ReadonlyMap<unknown, FileKind> = new Map<unknown, FileKind>([
  ["m.image", "image"],
  ["m.video", "video"],
  ["m.audio", "audio"],
  ["m.file", "file"],
]);

/** Undefined = the event is none that carries a file. */
export function fileKind(type: string, content: AnyContent): FileKind | undefined {
  if (type === "m.sticker") return "sticker";
  const kind = KINDS.get(content["msgtype"]);
  return kind === "audio" && content["org.matrix.msc3245.voice"] !== undefined ? "voice" : kind;
}

/** Undefined = its bytes cannot be had: no address, or an encrypted file. */
export function fileOf(kind: FileKind, content: AnyContent): MatrixFile | undefined {
  const url = content["url"];
  return isMxc(url) ? { info: infoOf(kind, content), mxc: mxcUri(url) } : undefined;
}

export function isMxc(value: unknown): value is string {
  return typeof value === "string" && value.length <= 512 && /^mxc:\/\/[\w.:[\]-]+\/[\w-]+$/.test(value);
}

export function fileName(kind: FileKind, content: AnyContent): string {
  return infoOf(kind, content).name;
}

/** Whether the event's text is a caption beside the file (MSC2530), and not just its name. */
export function hasCaption(content: AnyContent): boolean {
  const { filename, body } = content;
  return typeof filename === "string" && typeof body === "string" && body !== "" && body !== filename;
}

function infoOf(kind: FileKind, content: AnyContent): FileInfo {
  const info = isRecord(content["info"]) ? content["info"] : {};
  const mimetype = mimetypeOf(info["mimetype"]);
  const name = nameOf(kind, content["filename"] ?? content["body"], mimetype);
  const size = whole(info["size"]);
  const width = whole(info["w"]);
  const height = whole(info["h"]);
  const { duration, waveform } = soundOf(content, info);
  const description = kind === "sticker" && typeof content["body"] === "string" ? clip(oneLine(cleanText(content["body"])), 1000) : "";
  return {
    kind,
    name,
    ...(mimetype === undefined ? {} : { mimetype }),
    ...(size === undefined ? {} : { size }),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(duration === undefined ? {} : { duration }),
    ...(waveform === undefined ? {} : { waveform }),
    ...(description === "" ? {} : { description }),
    ...(content[SPOILER] === true ? { spoiler: true } : {}),
  };
}

function whole(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0
    ? Math.min(Math.round(value), Number.MAX_SAFE_INTEGER)
    : undefined;
}

/** `type/subtype` alone, lower case. */
function mimetypeOf(value: unknown): string | undefined {
  const found = typeof value === "string" ? /^[\w.+-]{1,60}\/[\w.+-]{1,100}(?=\s*(?:;|$))/.exec(value.trim())?.[0] : undefined;
  return found?.toLowerCase();
}

/** MSC1767's length goes before the info's: only voice messages have it. */
function soundOf(content: AnyContent, info: AnyContent): { duration: number | undefined; waveform: number[] | undefined } {
  const audio = content["org.matrix.msc1767.audio"];
  const details = isRecord(audio) ? audio : {};
  const { waveform } = details;
  const loudness = Array.isArray(waveform) ? waveform.slice(0, 256).map((value) => Math.min(1024, whole(value) ?? 0)) : undefined;
  return { duration: whole(details["duration"]) ?? whole(info["duration"]), waveform: loudness };
}

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["image/png", ".png"],
  ["image/apng", ".png"],
  ["image/jpeg", ".jpg"],
  ["image/gif", ".gif"],
  ["image/webp", ".webp"],
  ["video/mp4", ".mp4"],
  ["video/webm", ".webm"],
  ["audio/ogg", ".ogg"],
  ["audio/mpeg", ".mp3"],
  ["audio/mp4", ".m4a"],
]);
const LONGEST_NAME = 200;

/** No path, no control characters, nothing that turns the direction of writing (`gpj.exe`); with an ending, so that others can open it. */
function nameOf(kind: FileKind, written: unknown, mimetype: string | undefined): string {
  const name = typeof written === "string" ? written : "";
  const safe = oneLine(
    name
      .toWellFormed()
      .replace(/^.*[/\\]/s, "")
      .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " "),
  );
  const ending = /\.\w{1,10}$/.exec(safe)?.[0] ?? EXTENSIONS.get(mimetype ?? "") ?? "";
  const stem = (safe.endsWith(ending) ? safe.slice(0, safe.length - ending.length) : safe) || (kind === "file" ? "file" : kind);
  return stem.slice(0, LONGEST_NAME).toWellFormed() + ending;
}
