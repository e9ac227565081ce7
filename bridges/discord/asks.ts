/** What is asked of Discord, besides method and path. */
import { Refused, TryLater } from "../../core/model/errors.ts";
import type { OutFile } from "../../core/model/message.ts";
import { type Upload, uploadOf } from "./multipart.ts";

export interface Ask {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  /** For Discord's audit log. */
  readonly reason?: string;
  /** A webhook's or an interaction's own token stands in the path; the bot's is not sent. */
  readonly anonymous?: boolean;
  readonly file?: { readonly file: OutFile; readonly name: string };
  /** See `Route.sub`. */
  readonly sub?: string;
}

export function queryOf(query: NonNullable<Ask["query"]>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) params.set(key, String(value));
  return params;
}

export async function openUpload(payload: unknown, { file, name }: NonNullable<Ask["file"]>): Promise<Upload> {
  try {
    return await uploadOf(payload, file, name);
  } catch (error) {
    if (error instanceof Refused || error instanceof TryLater) throw error;
    throw new TryLater("The file could not be fetched from the Matrix side.", 5_000, "item");
  }
}
