/**
 * Whether Slack would take these blocks. As strict as the documentation: https://docs.slack.dev/reference/block-kit/blocks
 * What it refuses is told as Slack tells it: `invalid_blocks`, with the place in `response_metadata`.
 */
import { SlackError, type Team } from "./state.ts";

type Json = Record<string, unknown>;

const MOST_BLOCKS = 50;
/** Seen, not documented: in all, some 13,200 characters. */
const MOST_CHARACTERS = 13_200;

export function checkBlocks(value: unknown, team: Team): unknown[] {
  const blocks = typeof value === "string" ? parse(value) : value;
  if (!Array.isArray(blocks)) throw new SlackError("invalid_blocks_format");
  if (blocks.length > MOST_BLOCKS) refuse("no more than 50 items allowed", "/blocks");
  if (JSON.stringify(blocks).length > MOST_CHARACTERS) throw new SlackError("msg_blocks_too_long");
  const ids = new Set<string>();
  return blocks.map((block, index) => {
    const place = `/blocks/${index}`;
    const object = objectAt(block, place);
    const id = object.block_id;
    if (id !== undefined && (typeof id !== "string" || id === "" || id.length > 255))
      refuse("must be less than 256 characters", `${place}/block_id`);
    if (typeof id === "string" && ids.has(id)) refuse("`block_id` already exists", `${place}/block_id`);
    if (typeof id === "string") ids.add(id);
    checkBlock(object, place, team);
    return { ...object, block_id: id ?? `b${index}x` };
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SlackError("invalid_blocks_format");
  }
}

function refuse(what: string, place: string): never {
  throw new SlackError("invalid_blocks", {
    errors: [`${what} [json-pointer:${place}]`],
    response_metadata: { messages: [`[ERROR] ${what} [json-pointer:${place}]`] },
  });
}

function objectAt(value: unknown, place: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("must provide an object", place);
  return value as Json;
}

function listAt(value: unknown, place: string, most: number): Json[] {
  if (!Array.isArray(value) || value.length === 0) refuse("must provide a non-empty array", place);
  if ((value as unknown[]).length > most) refuse(`no more than ${most} items allowed`, place);
  return (value as unknown[]).map((item, index) => objectAt(item, `${place}/${index}`));
}

function textAt(value: unknown, place: string, most: number): string {
  if (typeof value !== "string" || value.length === 0) refuse("must be more than 0 characters", place);
  if ((value as string).length > most) refuse(`must be less than ${most + 1} characters`, place);
  return value as string;
}

function known(object: Json, place: string, ...keys: readonly string[]): void {
  for (const key of Object.keys(object))
    if (key !== "type" && key !== "block_id" && !keys.includes(key)) refuse(`additional property: ${key}`, place);
}

function checkText(value: unknown, place: string, most: number, types = ["plain_text", "mrkdwn"]): void {
  const object = objectAt(value, place);
  if (!types.includes(String(object.type))) refuse("unsupported type", `${place}/type`);
  known(object, place, "text", "emoji", "verbatim");
  textAt(object.text, `${place}/text`, most);
}

function checkBlock(block: Json, place: string, team: Team): void {
  switch (block.type) {
    case "section":
      known(block, place, "text", "fields", "accessory", "expand");
      if (block.text === undefined && block.fields === undefined) refuse("must define either text or fields", place);
      if (block.text !== undefined) checkText(block.text, `${place}/text`, 3000);
      if (block.fields !== undefined)
        for (const [i, field] of listAt(block.fields, `${place}/fields`, 10).entries()) checkText(field, `${place}/fields/${i}`, 2000);
      if (block.accessory !== undefined) checkElement(objectAt(block.accessory, `${place}/accessory`), `${place}/accessory`);
      return;
    case "header":
      known(block, place, "text", "level");
      return checkText(block.text, `${place}/text`, 150, ["plain_text"]);
    case "divider":
      return known(block, place);
    case "context":
      known(block, place, "elements");
      for (const [i, element] of listAt(block.elements, `${place}/elements`, 10).entries())
        if (element.type === "image") checkImage(element, `${place}/elements/${i}`);
        else checkText(element, `${place}/elements/${i}`, 2000);
      return;
    case "image":
      return checkImage(block, place);
    case "actions":
      known(block, place, "elements");
      for (const [i, element] of listAt(block.elements, `${place}/elements`, 25).entries()) checkElement(element, `${place}/elements/${i}`);
      return;
    case "rich_text":
      known(block, place, "elements");
      for (const [i, element] of listAt(block.elements, `${place}/elements`, 1000).entries())
        checkRich(element, `${place}/elements/${i}`, team);
      return;
    default:
      refuse("unsupported type", `${place}/type`);
  }
}

function checkImage(image: Json, place: string): void {
  known(image, place, "image_url", "slack_file", "alt_text", "title");
  textAt(image.alt_text, `${place}/alt_text`, 2000);
  if (image.slack_file === undefined && !URL.canParse(textAt(image.image_url, `${place}/image_url`, 3000)))
    refuse("invalid url", `${place}/image_url`);
}

function checkElement(element: Json, place: string): void {
  if (element.type === "image") return checkImage(element, place);
  if (element.type !== "button") refuse("unsupported type", `${place}/type`);
  known(element, place, "text", "action_id", "url", "value", "style", "confirm", "accessibility_label");
  checkText(element.text, `${place}/text`, 75, ["plain_text"]);
  if (element.action_id !== undefined) textAt(element.action_id, `${place}/action_id`, 255);
  if (element.value !== undefined) textAt(element.value, `${place}/value`, 2000);
}

function checkRich(element: Json, place: string, team: Team): void {
  switch (element.type) {
    case "rich_text_section":
      known(element, place, "elements");
      break;
    case "rich_text_quote":
      known(element, place, "elements", "border");
      break;
    case "rich_text_preformatted":
      known(element, place, "elements", "border", "language");
      for (const [i, inner] of listAt(element.elements, `${place}/elements`, 1000).entries())
        if (inner.type !== "text" && inner.type !== "link") refuse("unsupported type", `${place}/elements/${i}`);
      break;
    case "rich_text_list":
      known(element, place, "elements", "style", "indent", "offset", "border");
      if (element.style !== "bullet" && element.style !== "ordered") refuse("invalid style", `${place}/style`);
      wholeAt(element.indent, `${place}/indent`, 8);
      wholeAt(element.offset, `${place}/offset`, 1_000_000);
      for (const [i, item] of listAt(element.elements, `${place}/elements`, 1000).entries()) {
        if (item.type !== "rich_text_section") refuse("unsupported type", `${place}/elements/${i}`);
        checkRich(item, `${place}/elements/${i}`, team);
      }
      return;
    default:
      refuse("unsupported type", `${place}/type`);
  }
  for (const [i, inner] of listAt(element.elements, `${place}/elements`, 2000).entries())
    checkInline(inner, `${place}/elements/${i}`, team);
}

function wholeAt(value: unknown, place: string, most: number): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > most) refuse("invalid number", place);
}

function checkInline(inline: Json, place: string, team: Team): void {
  checkStyle(inline.style, `${place}/style`, inline.type === "text" ? [...STYLES, "code"] : STYLES);
  switch (inline.type) {
    case "text":
      known(inline, place, "text", "style");
      return void textAt(inline.text, `${place}/text`, 12_000);
    case "link":
      known(inline, place, "url", "text", "style", "unsafe");
      if (inline.text !== undefined) textAt(inline.text, `${place}/text`, 12_000);
      return void textAt(inline.url, `${place}/url`, 12_000);
    case "user":
      known(inline, place, "user_id", "style");
      if (!team.users.has(textAt(inline.user_id, `${place}/user_id`, 30))) refuse("invalid user", `${place}/user_id`);
      return;
    case "channel":
      known(inline, place, "channel_id", "style");
      return void textAt(inline.channel_id, `${place}/channel_id`, 30);
    case "usergroup":
      known(inline, place, "usergroup_id", "style");
      return void textAt(inline.usergroup_id, `${place}/usergroup_id`, 30);
    case "broadcast":
      known(inline, place, "range");
      if (!["here", "channel", "everyone"].includes(String(inline.range))) refuse("invalid range", `${place}/range`);
      return;
    case "emoji":
      known(inline, place, "name", "unicode");
      return void textAt(inline.name, `${place}/name`, 200);
    case "date":
      known(inline, place, "timestamp", "format", "url", "fallback", "style");
      if (!Number.isInteger(inline.timestamp)) refuse("invalid timestamp", `${place}/timestamp`);
      return void textAt(inline.format, `${place}/format`, 500);
    default:
      refuse("unsupported type", `${place}/type`);
  }
}

/** `underline` is documented, and shown by some clients only. */
const STYLES = ["bold", "italic", "strike"];

function checkStyle(style: unknown, place: string, allowed: readonly string[]): void {
  if (style === undefined) return;
  for (const [key, value] of Object.entries(objectAt(style, place)))
    if (!allowed.includes(key) || typeof value !== "boolean") refuse(`additional property: ${key}`, place);
}
