/** The bytes of Discord's files. Nothing but Discord's own hosts is ever asked. https://discord.com/developers/docs/reference#cdn-endpoints */
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { type APIMessage, Routes } from "discord-api-types/v10";
import { Refused, TryLater } from "../../core/model/errors.ts";
import { absent } from "./guilds.ts";
import type { FileRef } from "./files.ts";
import type { Live } from "./live.ts";
import { stillOf } from "./lottie.ts";

interface Opened {
  readonly stream: Readable;
  readonly size?: number;
  readonly mimetype?: string;
}

const CDN = "https://cdn.discordapp.com";
const MEDIA = "https://media.discordapp.net";
/** Larger drawings are no stickers. */
const LARGEST_LOTTIE = 2_000_000;

export async function open(live: Live, ref: unknown): Promise<Opened> {
  const cdn = live.config.cdn_url;
  const file = (typeof ref === "string" ? { url: ref } : (ref ?? {})) as Partial<FileRef & { kind: "attachment" }> & { url?: string };
  if (file.kind === undefined) return await fetched(live, ours(file.url ?? "", cdn));
  const known = ref as FileRef;
  switch (known.kind) {
    case "path":
      return await fetched(live, pathOn(known.media === true && cdn === CDN ? MEDIA : cdn, known.path));
    case "lottie":
      return await still(live, pathOn(cdn, known.path));
    case "attachment":
      return await attachment(live, known);
    default:
      throw new Refused("The bridge does not know where that file lies.");
  }
}

function pathOn(host: string, path: string): string {
  if (!/^\/[\w./?=&-]+$/.test(path) || path.includes("..")) throw new Refused("That is no file of Discord's.");
  return host + path;
}

/** Discord's own addresses, as the config says where they are; no others. */
function ours(url: string, cdn: string): string {
  for (const host of [cdn, CDN, MEDIA]) {
    if (url.startsWith(`${host}/`)) return cdn === CDN ? url : cdn + url.slice(host.length);
  }
  throw new Refused("That file does not lie on Discord.");
}

/** An address that has run out is asked for anew, once. */
async function attachment(live: Live, ref: Extract<FileRef, { kind: "attachment" }>): Promise<Opened> {
  try {
    return await fetched(live, ours(ref.url, live.config.cdn_url));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const fresh = await freshAddress(live, ref);
    if (fresh === undefined) throw new Refused("The file is not on Discord any more.");
    return await fetched(live, ours(fresh, live.config.cdn_url));
  }
}

async function freshAddress(live: Live, ref: Extract<FileRef, { kind: "attachment" }>): Promise<string | undefined> {
  const message = await absent(live.rest.get<APIMessage>(Routes.channelMessage(ref.channel, ref.message)));
  const all = [...(message?.attachments ?? []), ...(message?.message_snapshots ?? []).flatMap((one) => one.message.attachments)];
  return all.find(({ id }) => id === ref.id)?.url;
}

async function fetched(live: Live, url: string): Promise<Opened> {
  const answer = await live.rest.download(url);
  if (answer.statusCode !== 200) {
    answer.body.resume();
    if (answer.statusCode >= 500 || answer.statusCode === 429)
      throw new TryLater("Discord's files cannot be reached at the moment.", 5_000, "item");
    throw new Refused("The file is not on Discord any more.");
  }
  const size = Number(answer.headers["content-length"] ?? Number.NaN);
  const type = answer.headers["content-type"];
  return {
    stream: answer.body,
    ...(Number.isFinite(size) ? { size } : {}),
    ...(typeof type === "string" ? { mimetype: type.split(";")[0] as string } : {}),
  };
}

async function still(live: Live, url: string): Promise<Opened> {
  const drawing = await fetched(live, url);
  if ((drawing.size ?? 0) > LARGEST_LOTTIE) throw new Refused("The sticker is too large to draw.");
  return await stillOf(await text(drawing.stream));
}
