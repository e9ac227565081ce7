/** Files of a message: what can be fetched, what can only be told of, and what is a page rather than a file. */
import type { FileInfo, FileKind, RemoteFile } from "../../core/model/message.ts";
import type { Block, Inline } from "../../core/model/richtext.ts";
import * as make from "./inline.ts";
import { filled, type Json, list, number, records, string } from "./wire.ts";

/** What `open` needs: the file's id, and where it was said to lie. */
export interface FileRef {
  readonly file: string;
  readonly url?: string;
}

/** Slack's pages: canvases, lists, posts, and snippets of code. Each is a link with its title; a snippet shows its first lines too. */
const PAGES = new Set(["canvas", "quip", "list", "space", "docs", "post", "snippet"]);

export function isPage(file: Json): boolean {
  return PAGES.has(string(file.mode)) || PAGES.has(string(file.filetype));
}

/** Deleted in the channel since: the message stays, with this in place of the file. */
export function isTombstone(file: Json): boolean {
  return file.mode === "tombstone";
}

export function readFiles(files: unknown): RemoteFile[] {
  return records(files)
    .filter((file) => filled(file.id) !== undefined && !isPage(file))
    .map(readFile);
}

function readFile(file: Json): RemoteFile {
  const id = string(file.id);
  const url = filled(file.url_private_download) ?? filled(file.url_private);
  const page = filled(file.permalink);
  const unavailable = whyNot(file);
  const ref: FileRef = { file: id, ...(url === undefined ? {} : { url }) };
  return {
    id,
    ref,
    ...readInfo(file),
    ...(unavailable === undefined ? {} : { unavailable }),
    ...(page === undefined ? {} : { url: page }),
  };
}

/** `check_file_info` files (from other organisations) tell nothing but their id; they are looked up when they are opened. */
function whyNot(file: Json): string | undefined {
  if (isTombstone(file)) return "The file was deleted on Slack.";
  if (file.mode === "hidden_by_limit") return "The file is hidden: the workspace's plan keeps only newer ones.";
  if (file.file_access === "file_not_found") return "The file is not there any more.";
  if (file.file_access === "access_denied") return "The file is not for this app to see.";
  if (file.is_external === true || file.mode === "external") return `The file lies elsewhere (${externalName(file)}).`;
  return undefined;
}

function externalName(file: Json): string {
  const names: Readonly<Record<string, string>> = { gdrive: "Google Drive", dropbox: "Dropbox", box: "Box", onedrive: "OneDrive" };
  const type = string(file.external_type);
  return names[type] ?? (type || "another service");
}

/** What lies elsewhere goes by its title; its name is made up of it. */
function nameOf(file: Json): string {
  const [name, title] = [filled(file.name), filled(file.title)];
  return (file.is_external === true ? (title ?? name) : (name ?? title)) ?? "file";
}

export function readInfo(file: Json): FileInfo {
  const mimetype = filled(file.mimetype);
  const width = number(file.original_w);
  const height = number(file.original_h);
  const duration = number(file.duration_ms);
  const samples = list(file.audio_wave_samples).filter((sample) => typeof sample === "number");
  const size = number(file.size);
  const description = filled(file.alt_txt);
  return {
    kind: kindOf(file, mimetype),
    name: nameOf(file).replaceAll(/[/\\]/g, "_"),
    ...(mimetype === undefined ? {} : { mimetype }),
    ...(size === undefined || size === 0 ? {} : { size }),
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(duration === undefined ? {} : { duration }),
    ...(samples.length === 0 ? {} : { waveform: samples.map(loudness) }),
    ...(description === undefined ? {} : { description }),
  };
}

function kindOf(file: Json, mimetype: string | undefined): FileKind {
  if (file.subtype === "slack_audio") return "voice";
  const family = mimetype?.split("/")[0];
  return family === "image" || family === "video" || family === "audio" ? family : "file";
}

/** Slack measures from 0 to 100, Matrix from 0 to 1024. */
function loudness(sample: number): number {
  return Math.round((Math.min(100, Math.max(0, sample)) * 1024) / 100);
}

/** The pages among the files, as text. */
export function readPages(files: unknown): Block[] {
  return records(files).filter(isPage).flatMap(readPage);
}

function readPage(file: Json): Block[] {
  const title: Inline[] = [{ type: "text", text: filled(file.title) ?? filled(file.name) ?? "Untitled" }];
  const link: Block = { type: "paragraph", content: make.link(filled(file.permalink) ?? string(file.url_private), title) };
  const preview = string(file.mode) === "snippet" ? filled(file.preview) : undefined;
  if (preview === undefined) return [link];
  const language = filled(file.filetype);
  const text = file.preview_is_truncated === true ? `${preview}\n…` : preview;
  return [link, { type: "code", text, ...(language === undefined || language === "text" ? {} : { language }) }];
}
