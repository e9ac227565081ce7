/**
 * Attachments: what apps wrote before there were blocks, messages that were shared, and previews of links.
 * https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
 */
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { readBlocks } from "./blocks.ts";
import * as make from "./inline.ts";
import type { Known } from "./known.ts";
import { readInlineMrkdwn, readMrkdwn, readPlain } from "./mrkdwn.ts";
import { filled, type Json, record, records, string } from "./wire.ts";

/**
 * A preview of a link that stands in the text: every client makes its own. Slack adds it after the message was posted, by an event that
 * looks like an edit.
 */
export function isPreview(attachment: Json): boolean {
  if (attachment.is_share === true) return false;
  return (
    filled(attachment.from_url) !== undefined ||
    filled(attachment.original_url) !== undefined ||
    attachment.is_app_unfurl === true ||
    attachment.is_msg_unfurl === true
  );
}

/** Everything but previews. `bare` = the message says nothing else, so that a preview of a message is what it says. */
export function readAttachments(attachments: unknown, bare: boolean, known: Known): RichText {
  return records(attachments).flatMap((attachment) => {
    if (attachment.is_share === true || (bare && attachment.is_msg_unfurl === true)) return readShared(attachment, known);
    return isPreview(attachment) ? [] : readAttachment(attachment, known);
  });
}

/** A message that someone passed on: a quote under its author's name, with the way to where it was said. */
function readShared(attachment: Json, known: Known): RichText {
  const said = readBlocks(sharedBlocks(attachment), known);
  const text = said.length > 0 ? said : readMrkdwn(string(attachment.text), known);
  const author = filled(attachment.author_name) ?? filled(attachment.author_subname) ?? "Somebody";
  const place = filled(attachment.channel_name);
  const words: Inline[] = [{ type: "text", text: place === undefined ? author : `${author} in #${place}` }];
  const head: Block = { type: "paragraph", content: [{ type: "bold", content: make.link(string(attachment.from_url), words) }] };
  return [{ type: "quote", content: [head, ...text, ...readFileLinks(attachment.files)] }];
}

function sharedBlocks(attachment: Json): unknown {
  const [first] = records(attachment.message_blocks);
  return first === undefined ? attachment.blocks : record(first.message).blocks;
}

function readFileLinks(files: unknown): Block[] {
  return records(files).map((file) => {
    const name: Inline[] = [{ type: "text", text: filled(file.title) ?? filled(file.name) ?? "file" }];
    return { type: "paragraph", content: make.link(string(file.permalink), name) };
  });
}

function readAttachment(attachment: Json, known: Known): RichText {
  const blocks = readBlocks(attachment.blocks, known);
  const body = blocks.length > 0 ? blocks : readParts(attachment, known);
  const pretext = readMrkdwn(string(attachment.pretext), known);
  if (body.length > 0) return [...pretext, { type: "quote", content: body }];
  const fallback = filled(attachment.fallback);
  return pretext.length > 0 || fallback === undefined || fallback === "[no preview available]"
    ? pretext
    : [{ type: "quote", content: readMrkdwn(fallback, known) }];
}

function readParts(attachment: Json, known: Known): RichText {
  const author = readPlain(string(attachment.author_name), known);
  const title = readInlineMrkdwn(string(attachment.title), known);
  return [
    ...paragraph(linked(attachment.author_link, author)),
    ...paragraph(title.length === 0 ? [] : [{ type: "bold", content: linked(attachment.title_link, title) }]),
    ...readMrkdwn(string(attachment.text), known),
    ...records(attachment.fields).flatMap((field) => readField(field, known)),
    ...paragraph(picture(attachment)),
    ...paragraph(records(attachment.actions).flatMap((action, index) => readAction(action, index > 0))),
    ...paragraph(readPlain(string(attachment.footer), known)),
  ];
}

function paragraph(content: readonly Inline[]): Block[] {
  return content.length === 0 ? [] : [{ type: "paragraph", content }];
}

function linked(url: unknown, content: readonly Inline[]): readonly Inline[] {
  return filled(url) === undefined || content.length === 0 ? content : make.link(string(url), content);
}

function readField(field: Json, known: Known): RichText {
  const title = filled(field.title);
  const value = readMrkdwn(string(field.value), known);
  return title === undefined ? value : [...paragraph([{ type: "bold", content: [{ type: "text", text: title }] }]), ...value];
}

function picture(attachment: Json): readonly Inline[] {
  const url = filled(attachment.image_url) ?? filled(attachment.thumb_url);
  return url === undefined ? [] : make.link(url, [{ type: "text", text: filled(attachment.fallback) ?? "image" }]);
}

function readAction(action: Json, gap: boolean): Inline[] {
  const label: Inline = { type: "text", text: string(action.text) };
  const url = filled(action.url);
  const shown: Inline[] = url === undefined ? [{ type: "text", text: `[${label.text}]` }] : make.link(url, [label]);
  return gap ? [{ type: "text", text: " " }, ...shown] : shown;
}
