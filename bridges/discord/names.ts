/** Names of Matrix people as Discord takes them for a webhook's. Pure. */
import { clip } from "../../core/model/plain.ts";

/** https://discord.com/developers/docs/resources/webhook#create-webhook */
const LONGEST_NAME = 80;

/**
 * `mark` stands after every relayed name. Discord refuses names with "clyde" or "discord" in them, and those that ring everybody;
 * a dot within makes them acceptable without making them somebody else's.
 */
export function webhookName(name: string, mark: string): string {
  const clean = name
    .toWellFormed()
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, " ")
    .replaceAll("```", "ˋˋˋ")
    .replaceAll(/\s+/g, " ")
    .trim()
    .replaceAll(/c(?=lyde)/gi, "$&·")
    .replaceAll(/dis(?=cord)/gi, "$&·")
    .replace(/^@?(everyone|here)$/i, "$1·");
  const short = clip(clean === "" ? "Matrix" : clean, LONGEST_NAME - mark.length).trimEnd();
  return short + mark;
}
