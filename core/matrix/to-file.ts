/** A network's file as the content of a Matrix event. https://spec.matrix.org/v1.15/client-server-api/#mimage and the sections after it */
import type { MxcUri } from "../model/ids.ts";
import type { FileInfo, FileKind, RemoteFile } from "../model/message.ts";
import { oneLine, sizeText } from "../model/plain.ts";
import type { Inline } from "../model/richtext.ts";

/** A file as gather left it: uploaded, or only to be told of. With neither `mxc` nor `link`, `unavailable` says why. */
export interface InFile {
  readonly file: RemoteFile;
  readonly mxc?: MxcUri;
  /** Where a person can open it, when it is not on Matrix. */
  readonly link?: string;
  /** Why it cannot be opened, in a sentence or half of one. */
  readonly unavailable?: string;
}

export type Content = Record<string, unknown>;

const MSGTYPE: Readonly<Record<Exclude<FileKind, "sticker">, string>> = {
  image: "m.image",
  video: "m.video",
  audio: "m.audio",
  voice: "m.audio",
  file: "m.file",
};

/**
 * Without a caption. `body` and `filename` are the name; where the network has a description of a picture, it stands in `body`, which
 * clients show as the caption.
 */
export function fileContent(file: FileInfo, mxc: MxcUri): { type: "m.room.message" | "m.sticker"; content: Content } {
  const name = nameOf(file);
  const body = file.description ? oneLine(file.description) || name : name;
  const spoiler = file.spoiler ? { [SPOILER]: true } : {};
  if (file.kind === "sticker") return { type: "m.sticker", content: { body, url: mxc, info: infoOf(file), ...spoiler } };
  const voice = file.kind === "voice" ? voiceOf(file, mxc, name) : {};
  const content = { msgtype: MSGTYPE[file.kind], body, filename: name, url: mxc, info: infoOf(file), ...spoiler, ...voice };
  return { type: "m.room.message", content };
}

/** MSC4193, as clients read it today. */
export const SPOILER = "page.codeberg.everypizza.msc4193.spoiler";

/** Never empty, never a path. */
function nameOf(file: FileInfo): string {
  return oneLine(file.name.replace(/^.*[/\\]/s, "")) || (file.kind === "file" ? "file" : file.kind);
}

/** Numbers in events are whole and not negative. */
function infoOf(file: FileInfo): Content {
  const info: Content = {};
  if (file.mimetype) info["mimetype"] = file.mimetype;
  for (const [key, value] of [
    ["size", file.size],
    ["w", file.width],
    ["h", file.height],
    ["duration", file.duration],
  ] as const) {
    if (value !== undefined && Number.isFinite(value) && value >= 0) info[key] = Math.round(value);
  }
  return info;
}

/** MSC3245 on top of MSC1767: what makes clients show a voice message rather than a sound file. */
function voiceOf(file: FileInfo, mxc: MxcUri, name: string): Content {
  const { duration, mimetype, size } = infoOf(file);
  const loudness = (value: number) => Math.min(1024, Math.max(0, Math.round(value) || 0));
  const waveform = file.waveform === undefined ? {} : { waveform: file.waveform.slice(0, 256).map(loudness) };
  return {
    "org.matrix.msc1767.text": name,
    "org.matrix.msc1767.file": { url: mxc, name, ...(mimetype ? { mimetype } : {}), ...(size === undefined ? {} : { size }) },
    "org.matrix.msc1767.audio": { duration: duration ?? 0, ...waveform },
    "org.matrix.msc3245.voice": {},
  };
}

/** A file that is not on Matrix, as words: its name as a link where there is one, its size, and why. */
export function fileLine({ file, link, unavailable }: InFile): Inline[] {
  const name = nameOf(file);
  const address = link ?? file.url;
  const about = [sizeText(file.size), unavailable].filter((part) => part !== undefined).join(", ");
  const words: Inline = { type: "text", text: name };
  return [
    { type: "text", text: "📎 " },
    address === undefined ? words : { type: "link", url: address, content: [words] },
    ...(about === "" ? [] : [{ type: "text", text: ` (${about})` } as const]),
  ];
}
