/** Files of a message: attachments, voice messages, stickers. Pure. */
import { type APIAttachment, type APIStickerItem, MessageFlags, StickerFormatType } from "discord-api-types/v10";
import type { FileKind, RemoteFile } from "../../core/model/message.ts";
import { isSnowflake } from "./ids.ts";

/** What `open` fetches. JSON, no secrets. */
export type FileRef =
  /** Its address runs out within a day; the message gives a new one. */
  | { readonly kind: "attachment"; readonly url: string; readonly channel: string; readonly message: string; readonly id: string }
  /** A path on the CDN; `media` = on the media proxy beside it. */
  | { readonly kind: "path"; readonly path: string; readonly media?: true }
  /** A drawing that moves, of which a still is made. */
  | { readonly kind: "lottie"; readonly path: string };

export interface Holder {
  readonly channel: string;
  readonly message: string;
  readonly flags: number;
}

/** https://discord.com/developers/docs/resources/message#attachment-object */
export function attachmentFile(attachment: APIAttachment, holder: Holder): RemoteFile {
  const voice = (holder.flags & MessageFlags.IsVoiceMessage) !== 0;
  const name = attachment.filename.replaceAll(/[\\/\u0000-\u001f]/g, "_");
  const spoiler = name.startsWith(SPOILER) || ((attachment.flags ?? 0) & 8) !== 0;
  const waveform = attachment.waveform === undefined ? undefined : loudness(attachment.waveform);
  return {
    kind: voice ? "voice" : kindOf(attachment.content_type),
    name: name.startsWith(SPOILER) && name.length > SPOILER.length ? name.slice(SPOILER.length) : name,
    id: attachment.id,
    ref: { kind: "attachment", url: attachment.url, channel: holder.channel, message: holder.message, id: attachment.id } satisfies FileRef,
    size: attachment.size,
    ...(attachment.content_type === undefined ? {} : { mimetype: attachment.content_type }),
    ...(isLength(attachment.width) ? { width: attachment.width } : {}),
    ...(isLength(attachment.height) ? { height: attachment.height } : {}),
    ...(attachment.duration_secs === undefined ? {} : { duration: Math.round(attachment.duration_secs * 1000) }),
    ...(waveform ? { waveform } : {}),
    ...(attachment.description === undefined ? {} : { description: attachment.description }),
    ...(spoiler ? { spoiler } : {}),
  };
}

/** What Discord takes for "hidden until clicked". */
export const SPOILER = "SPOILER_";

function isLength(value: number | null | undefined): value is number {
  return typeof value === "number" && value > 0;
}

export function kindOf(type: string | undefined | null): FileKind {
  const [main] = (type ?? "").split("/");
  return main === "image" || main === "video" || main === "audio" ? main : "file";
}

/** Bytes of 0 to 255 in base64, to MSC1767's 0 to 1024. */
function loudness(waveform: string): number[] | undefined {
  const bytes = Buffer.from(waveform.slice(0, 1024), "base64");
  return bytes.length === 0 ? undefined : [...bytes].map((byte) => Math.round((byte / 255) * 1024));
}

/** MSC1767's loudness, to what Discord draws: at most 256 bytes in base64. */
export function waveformOf(waveform: readonly number[]): string {
  const wanted = Math.min(256, Math.max(1, waveform.length));
  const picked = Array.from({ length: wanted }, (_, index) => waveform[Math.floor((index * waveform.length) / wanted)] ?? 0);
  return Buffer.from(picked.map((value) => Math.max(0, Math.min(255, Math.round((value / 1024) * 255))))).toString("base64");
}

/** https://discord.com/developers/docs/resources/sticker#sticker-item-object */
export function stickerFile(sticker: APIStickerItem): RemoteFile {
  const known = isSnowflake(sticker.id) ? sticker.id : undefined;
  const base = { kind: "sticker", name: sticker.name, id: `sticker:${sticker.id}`, description: sticker.name } as const;
  if (known === undefined) return { ...base, ref: null, unavailable: "Discord names it wrongly" };
  switch (sticker.format_type) {
    case StickerFormatType.PNG:
    case StickerFormatType.APNG:
      return {
        ...base,
        mimetype: "image/png",
        width: 320,
        height: 320,
        ref: { kind: "path", path: `/stickers/${known}.png` } satisfies FileRef,
      };
    case StickerFormatType.GIF:
      return {
        ...base,
        mimetype: "image/gif",
        width: 320,
        height: 320,
        ref: { kind: "path", path: `/stickers/${known}.gif`, media: true } satisfies FileRef,
      };
    case StickerFormatType.Lottie:
      return {
        ...base,
        mimetype: "image/png",
        width: 320,
        height: 320,
        ref: { kind: "lottie", path: `/stickers/${known}.json` } satisfies FileRef,
      };
    default:
      return { ...base, ref: null, unavailable: "a sticker of a kind that the bridge does not know" };
  }
}
