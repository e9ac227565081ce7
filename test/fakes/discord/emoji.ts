import type { APIEmoji } from "discord-api-types/v10";

export type EmojiMap = Map<string, APIEmoji>;

/** Discord takes a Unicode emoji with or without the sign that asks for a picture; anything else is unknown. */
export function isUnicodeEmoji(text: string): boolean {
  const bare = text.replaceAll("\ufe0f", "");
  return /^\p{RGI_Emoji}$/v.test(text) || /^\p{RGI_Emoji}$/v.test(bare) || /^\p{RGI_Emoji}$/v.test(`${bare}\ufe0f`);
}
