/**
 * Files both ways, streamed. Up: an address is asked for, the bytes go there, and only the last call shows the file; its id is on disk
 * before that. Down: with the token, and never a login page in place of the file. https://docs.slack.dev/messaging/working-with-files
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Dispatcher, request } from "undici";
import { Broken, LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { OutFile } from "../../core/model/message.ts";
import type { Found, Progress, SayPart, Sent } from "../../core/model/effects.ts";
import { remoteThreadId } from "../../core/model/ids.ts";
import type { Desk } from "./desk.ts";
import { codeOf, isUnsent } from "./failures.ts";
import { isSlacks, staysWithSlack } from "./hosts.ts";
import { messageId } from "./ids.ts";
import { post } from "./post.ts";
import { fileBelow, filled, type FileWire, type Json, number, record, records, string } from "./wire.ts";

/** Slack tells a little later where a file was shared: how long it is asked. */
const FOR_SHARES = 2_000;
const ASK_AGAIN = 250;
/** How long a file may take from its first byte to its address, seconds; and how often it is looked for. */
const FRESH = 600;
const UPLOADING = 3_000;
/** An upload or download that stands still. */
const STILL = 60_000;

interface Saved {
  readonly file?: string;
  /** The caption that stands in the channel already. */
  readonly caption?: string;
}

/** What a look through a channel has found. */
export type Looked = Json | "too much" | undefined;
export const TOO_MUCH = "So much has been said on Slack since that it cannot be looked through.";

export async function sendFile(desk: Desk, part: SayPart, wire: FileWire, key: string, progress: Progress): Promise<Sent> {
  const place = desk.place(part.channel);
  if (!part.file) throw new Refused("The file is not there any more.");
  let saved = record(progress.saved) as Saved;
  const there = saved.file === undefined ? undefined : await sharedAt(desk, saved.file, place);
  if (there !== undefined) return sentAs(desk, saved.caption ?? there, wire);
  const save = async (more: Saved) => {
    saved = { ...saved, ...more };
    await progress.save(saved);
  };
  // What hangs from a caption is named in it, so it is uploaded once.
  const file = saved.caption === undefined || saved.file === undefined ? await upload(desk, part.file, wire) : saved.file;
  await save({ file });
  if (!wire.caption) return await share(desk, place, wire, file, wire.thread, key);
  if (saved.caption === undefined) await save({ caption: string((await post(desk, part, wire.caption, key, file)).id) });
  const caption = string(saved.caption);
  await share(desk, place, wire, file, wire.caption.thread ?? caption, undefined);
  return sentAs(desk, caption, wire);
}

/** `key`: of the send whose message this is. */
async function share(
  desk: Desk,
  place: string,
  wire: FileWire,
  file: string,
  thread: string | undefined,
  key: string | undefined,
): Promise<Sent> {
  if (key !== undefined) desk.awaited.set(file, key);
  const args = {
    files: [{ id: file, title: wire.name }],
    channel_id: place,
    ...(wire.comment === "" ? {} : { initial_comment: wire.comment }),
    ...(thread === undefined ? {} : { thread_ts: thread }),
  };
  const call = { deed: "share the file", repeatable: false, channel: place };
  const answer = await desk.within(place, () => desk.api.call("files.completeUploadExternal", args, call));
  const shared = shareIn(records(answer.files)[0] ?? {}, place) ?? (key === undefined ? undefined : await waitForShare(desk, file, place));
  return shared === undefined ? { pending: true } : sentAs(desk, shared, wire);
}

function sentAs(desk: Desk, ts: string, { caption, ...wire }: FileWire): Sent {
  const { thread } = caption ?? wire;
  desk.remember("post", ts);
  return { id: messageId(ts), ...(thread === undefined ? {} : { thread: remoteThreadId(thread) }) };
}

/** `root` looks for the caption, where there is one. */
export async function findFile(
  desk: Desk,
  place: string,
  wire: FileWire,
  progress: Progress,
  root: (() => Promise<Looked>) | undefined,
): Promise<Found> {
  let { file, caption } = record(progress.saved) as Saved;
  if (root && caption === undefined) {
    const found = await root();
    if (found === "too much") return { is: "unknown", why: TOO_MUCH };
    if (found === undefined) return { is: "not-arrived" };
    file = fileBelow(found) ?? file;
    caption = string(found.ts);
    // It is said; the file is all that is left to do.
    await progress.save({ caption, ...(file === undefined ? {} : { file }) } satisfies Saved);
  }
  if (file === undefined) return { is: "not-arrived" };
  const ts = await waitForShare(desk, file, place);
  return ts === undefined ? { is: "not-arrived" } : { is: "arrived", sent: sentAs(desk, caption ?? ts, wire) };
}

async function waitForShare(desk: Desk, file: string, place: string): Promise<string | undefined> {
  for (const end = desk.clock.now() + FOR_SHARES; ; ) {
    const ts = await sharedAt(desk, file, place);
    if (ts !== undefined || desk.clock.now() >= end) return ts;
    await desk.clock.sleep(ASK_AGAIN, desk.signal).catch(() => undefined);
  }
}

async function sharedAt(desk: Desk, file: string, place: string): Promise<string | undefined> {
  const info = await infoOf(desk, file);
  return info && shareIn(info, place);
}

async function infoOf(desk: Desk, file: string): Promise<Json | undefined> {
  const call = { deed: "look a file up", repeatable: true };
  const answer = await desk.api.call("files.info", { file }, call).catch((error: unknown) => {
    if (codeOf(error) === "file_not_found" || codeOf(error) === "file_deleted") return undefined;
    throw error;
  });
  return answer && record(answer.file);
}

/** The message that shows the file in the channel. */
function shareIn(file: Json, place: string): string | undefined {
  for (const kind of ["public", "private"]) {
    const ts = filled(records(record(record(file.shares)[kind])[place])[0]?.ts);
    if (ts !== undefined) return ts;
  }
  return undefined;
}

/** Nobody sees anything of it yet. Returns the file's id. */
async function upload(desk: Desk, file: OutFile, wire: FileWire): Promise<string> {
  const opened = await file.open().catch((error: unknown) => {
    throw isOurs(error) ? error : new TryLater("The file cannot be read on Matrix at the moment.", STILL, "item", { cause: error });
  });
  const source = await measured(opened.stream as Readable, opened.size ?? file.size);
  try {
    if (source.size === 0) throw new Refused("Slack takes no empty files.");
    const args = { filename: wire.name, length: source.size, ...(wire.description === undefined ? {} : { alt_txt: wire.description }) };
    const answer = await desk.api.call("files.getUploadURLExternal", args, { deed: "take the file", repeatable: true });
    await put(desk, string(answer.upload_url), source.stream, source.size);
    return string(answer.file_id);
  } finally {
    source.stream.destroy();
    await source.done();
  }
}

function isOurs(error: unknown): boolean {
  return [Refused, TryLater, Uncertain, LoggedOut, Broken].some((kind) => error instanceof kind);
}

interface Source {
  readonly stream: Readable;
  readonly size: number;
  done(): Promise<void>;
}

/** Slack wants the size beforehand: what does not say it goes by way of the disk. */
async function measured(stream: Readable, size: number | undefined): Promise<Source> {
  if (size !== undefined) return { stream, size, done: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), "causeway-"));
  const path = join(folder, "upload");
  const done = () => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(stream, createWriteStream(path));
    return { stream: createReadStream(path), size: (await stat(path)).size, done };
  } catch (error) {
    await done();
    throw new TryLater("The file could not be read to its end.", STILL, "item", { cause: error });
  }
}

async function put(desk: Desk, url: string, stream: Readable, size: number): Promise<void> {
  if (!isSlacks(desk.apiUrl, url)) throw new Broken("Slack named an address for uploads that is not its own.");
  try {
    const { statusCode, body } = await request(url, {
      method: "POST",
      headers: { "content-type": "application/octet-stream", "content-length": String(size) },
      body: stream,
      signal: desk.signal,
      headersTimeout: STILL,
      bodyTimeout: STILL,
    });
    await body.dump();
    if (statusCode !== 200) throw new TryLater(`Slack did not take the file: status ${statusCode}.`, 10_000, "item");
  } catch (error) {
    if (error instanceof TryLater) throw error;
    throw new TryLater("The file did not reach Slack.", 10_000, isUnsent(error) ? "login" : "item", { cause: error });
  }
}

export interface Opened {
  readonly stream: Readable;
  readonly size?: number;
  readonly mimetype?: string;
}

/** A file's bytes, by its id. Where it lies is asked anew when the address that came with the message does not serve any more. */
export async function openFile(desk: Desk, token: string, file: string, url: string | undefined): Promise<Opened> {
  const first = url !== undefined && isSlacks(desk.apiUrl, url) ? await download(desk, token, url, false) : undefined;
  if (first) return first;
  const info = await infoOf(desk, file);
  if (!info || info.mode === "tombstone") throw new Refused("The file was deleted on Slack.");
  const fresh = filled(info.url_private_download) ?? filled(info.url_private);
  if (fresh === undefined && isFresh(info)) throw new TryLater("The file is still being uploaded on Slack.", UPLOADING, "item");
  if (fresh === undefined || !isSlacks(desk.apiUrl, fresh)) throw new Refused("The file does not lie on Slack.");
  const again = await download(desk, token, fresh, info.mimetype === "text/html");
  if (again) return again;
  throw new Refused('Slack does not give the file out: the app may lack the permission "files:read".');
}

/** Made so lately that it may not be there as a whole yet. */
function isFresh(info: Json): boolean {
  const made = number(info.created) ?? number(info.timestamp);
  return info.is_external !== true && made !== undefined && Date.now() / 1000 - made < FRESH;
}

const MOST_REDIRECTS = 5;

/** Undefined = it is not to be had at this address: a login page, or nothing. */
async function download(desk: Desk, token: string, url: string, page: boolean): Promise<Opened | undefined> {
  let at = url;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const headers = isSlacks(desk.apiUrl, at) ? { authorization: `Bearer ${token}` } : {};
    const { statusCode, headers: answered, body } = await fetched(desk, at, headers);
    const type = string(answered["content-type"]).split(";")[0]?.trim() ?? "";
    if (statusCode === 200 && (page || type !== "text/html")) return opened(body, answered, type);
    await body.dump();
    const next = string(answered.location);
    if (statusCode < 300 || statusCode >= 400 || !URL.canParse(next, at)) return later(statusCode);
    const to = new URL(next, at).href;
    if (!staysWithSlack(desk.apiUrl, at, to)) return undefined;
    at = to;
  }
  return undefined;
}

export function later(status: number): undefined {
  if (status === 429 || status >= 500)
    throw new TryLater(`Slack does not give the file out at the moment: status ${status}.`, 10_000, "item");
  return undefined;
}

type Response = Awaited<ReturnType<typeof request>>;

/** `dispatcher`: other than the usual one. */
export async function fetched(desk: Desk, url: string, headers: Record<string, string>, dispatcher?: Dispatcher): Promise<Response> {
  const how = { headers, signal: desk.signal, headersTimeout: STILL, bodyTimeout: STILL };
  try {
    return await request(url, dispatcher === undefined ? how : { ...how, dispatcher });
  } catch (error) {
    throw new TryLater("A file cannot be fetched at the moment.", 10_000, "item", {
      cause: new Error(error instanceof Error ? error.message : ""),
    });
  }
}

export function opened(body: Response["body"], headers: Response["headers"], type: string): Opened {
  const size = Number(headers["content-length"] ?? Number.NaN);
  return { stream: body, ...(Number.isSafeInteger(size) ? { size } : {}), ...(type === "" ? {} : { mimetype: type }) };
}
