/**
 * Embeds as readable text. A preview of a link that stands in the message is left out: whoever reads it has a preview of their own.
 *
 * https://discord.com/developers/docs/resources/message#embed-object
 */
import { type APIEmbed, EmbedType } from "discord-api-types/v10";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { readMarkdown, SMALL } from "./markdown.ts";
import type { Names } from "./references.ts";

export function embedBlocks(embeds: readonly APIEmbed[], content: string, names: Names): RichText {
  return embeds.flatMap((embed) => (isPreview(embed, content) ? [] : embedBlock(embed, names)));
}

function isPreview(embed: APIEmbed, content: string): boolean {
  return embed.url !== undefined && content.includes(embed.url);
}

function embedBlock(embed: APIEmbed, names: Names): Block[] {
  // `poll_result` and AutoMod's are told by the message that carries them.
  if (embed.type === EmbedType.PollResult) return [];
  const content = [...head(embed), ...body(embed, names), ...media(embed), ...foot(embed)];
  return content.length === 0 ? [] : [{ type: "quote", content }];
}

function head({ provider, author, title, url }: APIEmbed): Block[] {
  const above = [provider?.name, author?.name].filter((name) => name !== undefined && name !== "").join(" · ");
  const lines: Inline[] =
    above === "" ? [] : [{ type: "colour", foreground: SMALL, content: [linked(above, author?.url ?? provider?.url)] }];
  if (title !== undefined && title !== "") {
    if (lines.length > 0) lines.push({ type: "break" });
    lines.push({ type: "bold", content: [linked(title, url)] });
  }
  return lines.length === 0 ? [] : [paragraph(...lines)];
}

function body({ description, fields }: APIEmbed, names: Names): Block[] {
  const blocks: Block[] = description === undefined ? [] : [...readMarkdown(description, names)];
  for (const { name, value } of fields ?? []) {
    const head: Inline = { type: "bold", content: [{ type: "text", text: name }] };
    const [first, ...more] = readMarkdown(value, names);
    if (first?.type === "paragraph") blocks.push(paragraph(head, { type: "break" }, ...first.content), ...more);
    else blocks.push(paragraph(head), ...(first ? [first] : []), ...more);
  }
  return blocks;
}

function media({ image, thumbnail, video, url, type }: APIEmbed): Block[] {
  const links: Inline[] = [];
  const add = (text: string, address: string | undefined): void => {
    if (address === undefined || !isWeb(address)) return;
    if (links.length > 0) links.push({ type: "text", text: " · " });
    links.push(linked(text, address));
  };
  if (type !== undefined && type !== EmbedType.Rich && url !== undefined) add(url, url);
  add("image", image?.url);
  if (image === undefined) add("picture", thumbnail?.url);
  add("video", video?.url);
  return links.length === 0 ? [] : [{ type: "paragraph", content: links }];
}

function foot({ footer, timestamp }: APIEmbed): Block[] {
  const at = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  const content: Inline[] = footer?.text ? [{ type: "text", text: footer.text }] : [];
  if (!Number.isNaN(at)) {
    if (content.length > 0) content.push({ type: "text", text: " · " });
    content.push({ type: "time", at, text: new Date(at).toISOString().slice(0, 16).replace("T", " "), style: "datetime" });
  }
  return content.length === 0 ? [] : [paragraph({ type: "colour", foreground: SMALL, content })];
}

export function paragraph(...content: readonly Inline[]): Block {
  return { type: "paragraph", content };
}

export function isWeb(url: string): boolean {
  return /^https?:\/\//.test(url) && URL.canParse(url);
}

export function linked(text: string, url: string | undefined): Inline {
  const words: Inline = { type: "text", text };
  return url !== undefined && isWeb(url) ? { type: "link", url, content: [words] } : words;
}
