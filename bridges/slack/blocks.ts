/**
 * Block Kit as RichText: what a message's blocks say, in reading order. https://docs.slack.dev/reference/block-kit/blocks
 * What can be pressed or filled in on Slack is shown by its label; a block that nobody has seen yet by the texts in it.
 */
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import * as make from "./inline.ts";
import type { Known } from "./known.ts";
import { readInlineMrkdwn, readMrkdwn, readPlain } from "./mrkdwn.ts";
import { readRichText } from "./rich-text.ts";
import { filled, type Json, list, number, record, records, string, strings } from "./wire.ts";

/** Containers hold blocks that hold blocks; Slack allows one level. */
const DEEPEST = 4;

export function readBlocks(blocks: unknown, known: Known, level = 0): RichText {
  if (level > DEEPEST) return [];
  return records(blocks).flatMap((block) => readBlock(block, known, level));
}

function readBlock(block: Json, known: Known, level: number): RichText {
  switch (block.type) {
    case "rich_text":
      return readRichText(block, known);
    case "section":
      return readSection(block, known);
    case "header":
      return [{ type: "heading", level: 3, content: readPlain(string(record(block.text).text), known) }];
    case "divider":
      return [{ type: "divider" }];
    case "context":
      return line(records(block.elements).map((element) => readElement(element, known)));
    case "image":
      return readImage(block, known);
    case "actions":
    case "context_actions":
      return line(records(block.elements).map((element) => readElement(element, known)));
    case "markdown":
      return readMarkdown(string(block.text));
    case "table":
    case "data_table":
      return readTable(block, known);
    case "video":
      return readVideo(block, known);
    case "input":
      return readInput(block, known);
    case "file":
      // The file itself comes beside the blocks.
      return [];
    case "call":
      return readCall(block);
    default:
      return readRare(block, known, level);
  }
}

function readRare(block: Json, known: Known, level: number): RichText {
  switch (block.type) {
    case "alert":
      return readTextObject(block.text, known);
    case "card":
      return readCard(block, known);
    case "carousel":
      return readBlocks(block.elements, known, level + 1);
    case "container":
      return [...readContainerTitle(block, known), ...readBlocks(block.child_blocks, known, level + 1)];
    case "task_card":
      return readTask(block, known);
    case "data_visualization":
      return readChart(block);
    case "plan":
      return [heading(string(block.title)), ...records(block.tasks).flatMap((task) => readTask(task, known))];
    default:
      return readUnknown(block, known);
  }
}

/** `mrkdwn` or `plain_text`. */
export function readTextObject(value: unknown, known: Known): RichText {
  const object = record(value);
  const text = string(object.text);
  if (object.type === "mrkdwn") return readMrkdwn(text, known);
  return make.paragraphs(readPlain(text, known)).map((content) => ({ type: "paragraph", content }));
}

function readInlineObject(value: unknown, known: Known): Inline[] {
  const object = record(value);
  const text = string(object.text);
  return object.type === "mrkdwn" ? readInlineMrkdwn(text, known) : readPlain(text, known);
}

function readSection(block: Json, known: Known): RichText {
  const fields = records(block.fields).flatMap((field) => readTextObject(field, known));
  const accessory = block.accessory === undefined ? [] : line([readElement(record(block.accessory), known)]);
  return [...readTextObject(block.text, known), ...fields, ...accessory];
}

function readImage(block: Json, known: Known): RichText {
  const title = readPlain(string(record(block.title).text), known);
  const picture = imageLink(block);
  return line(title.length > 0 ? [title, picture] : [picture]);
}

/** A picture of the web is linked by its description: what it shows is not ours to fetch. */
function imageLink(element: Json): Inline[] {
  const description = filled(element.alt_text) ?? "image";
  const url = filled(element.image_url) ?? filled(record(element.slack_file).url);
  const text: Inline[] = [{ type: "text", text: description }];
  return url === undefined ? text : make.link(url, text);
}

/** What stands in a row: texts and pictures in a context, buttons and menus in actions. */
function readElement(element: Json, known: Known): Inline[] {
  switch (element.type) {
    case "mrkdwn":
    case "plain_text":
      return readInlineObject(element, known);
    case "image":
      return imageLink(element);
    case "button":
    case "workflow_button":
    case "icon_button":
      return button(element, known);
    case "feedback_buttons":
      return joined([record(element.positive_button), record(element.negative_button)].map((each) => button(each, known)));
    case "overflow":
    case "radio_buttons":
    case "checkboxes":
      return joined(records(element.options).map((option) => button(option, known)));
    default:
      return pressable(filled(record(element.placeholder).text) ?? "");
  }
}

function button(element: Json, known: Known): Inline[] {
  const label = readInlineObject(element.text, known);
  const url = filled(element.url);
  return url === undefined ? pressable(label) : make.link(url, label);
}

/** Something that can be pressed on Slack and nowhere else. */
function pressable(label: string | readonly Inline[]): Inline[] {
  const content: readonly Inline[] = typeof label === "string" ? (label === "" ? [] : [{ type: "text", text: label }]) : label;
  return content.length === 0 ? [] : [{ type: "text", text: "[" }, ...content, { type: "text", text: "]" }];
}

function joined(parts: readonly (readonly Inline[])[]): Inline[] {
  return parts
    .filter((part) => part.length > 0)
    .flatMap((part, index) => (index === 0 ? part : [{ type: "text" as const, text: " " }, ...part]));
}

function line(parts: readonly (readonly Inline[])[]): Block[] {
  const content = make.merged(joined(parts));
  return content.length === 0 ? [] : [{ type: "paragraph", content }];
}

function heading(text: string): Block {
  return { type: "heading", level: 3, content: [{ type: "text", text }] };
}

/** Markdown of an app's: Slack shows it formatted, and sends it so only before it has been posted. Its words are kept. */
function readMarkdown(text: string): RichText {
  return make.paragraphs(make.styledText(text, {})).map((content) => ({ type: "paragraph", content }));
}

function readTable(block: Json, known: Known): RichText {
  const rows = list(block.rows).map((row) => records(row).map((cell) => readCell(cell, known)));
  const caption = filled(block.caption);
  const table: Block[] = rows.length === 0 ? [] : [{ type: "table", heading: true, rows }];
  return caption === undefined ? table : [heading(caption), ...table];
}

function readCell(cell: Json, known: Known): Inline[] {
  if (cell.type !== "rich_text") return [{ type: "text", text: filled(cell.text) ?? String(number(cell.value) ?? "") }];
  return readRichText(cell, known).flatMap((block, index) => {
    const content: readonly Inline[] =
      block.type === "paragraph" ? block.content : block.type === "code" ? [{ type: "code", text: block.text }] : [];
    return index === 0 ? content : [{ type: "text" as const, text: " " }, ...content];
  });
}

/** A chart is shown by what it is drawn from: segments of a pie, or a column for each series. */
function readChart(block: Json): RichText {
  const chart = record(block.chart);
  const axes = record(chart.axis_config);
  const series = records(chart.series).map((each) => ({ name: string(each.name), values: new Map(pointsOf(each.data)) }));
  const segments = pointsOf(chart.segments);
  const labels = strings(axes.categories);
  const of = labels.length > 0 ? labels : [...new Set(series.flatMap(({ values }) => [...values.keys()]))];
  const rows =
    series.length === 0
      ? segments
      : [
          [string(axes.x_label), ...series.map(({ name }) => name)],
          ...of.map((label) => [label, ...series.map(({ values }) => values.get(label) ?? "")]),
        ];
  const cells = rows.map((row) => row.map((text): Inline[] => [{ type: "text", text }]));
  return [
    ...(filled(block.title) === undefined ? [] : [heading(string(block.title))]),
    ...(cells.length === 0 ? [] : [{ type: "table" as const, heading: series.length > 0, rows: cells }]),
  ];
}

function pointsOf(points: unknown): [string, string][] {
  return records(points).map((point) => [string(point.label), String(number(point.value) ?? "")]);
}

function readVideo(block: Json, known: Known): RichText {
  const title: Inline[] = [{ type: "bold", content: readPlain(filled(record(block.title).text) ?? string(block.alt_text), known) }];
  const source = [filled(block.author_name), filled(block.provider_name)].filter((part) => part !== undefined).join(", ");
  return [
    ...line([make.link(filled(block.title_url) ?? string(block.video_url), title)]),
    ...readTextObject(block.description, known),
    ...(source === "" ? [] : line([[{ type: "text", text: source }]])),
  ];
}

function readInput(block: Json, known: Known): RichText {
  const label: Inline[] = [{ type: "bold", content: readPlain(string(record(block.label).text), known) }];
  const hint = readPlain(string(record(block.hint).text), known);
  return line([label, readElement(record(block.element), known), hint]);
}

/** A call or a huddle, as the block of its own that Slack makes. */
function readCall(block: Json): RichText {
  const call = record(record(block.call).v1);
  const name = filled(call.name) ?? "A call";
  return line([make.link(string(call.join_url), [{ type: "text", text: name }])]);
}

function readCard(block: Json, known: Known): RichText {
  const image = block.hero_image === undefined ? [] : line([imageLink(record(block.hero_image))]);
  const title: Inline[] = readInlineObject(block.title, known);
  return [
    ...image,
    ...(title.length === 0 ? [] : line([[{ type: "bold", content: title }]])),
    ...readTextObject(block.subtitle, known),
    ...readTextObject(block.body, known),
    ...line(records(block.actions).map((action) => readElement(action, known))),
  ];
}

function readContainerTitle(block: Json, known: Known): RichText {
  const rich = readRichText(record(block.rich_text_title), known);
  const title: RichText = rich.length > 0 ? rich : filled(record(block.title).text) ? [heading(string(record(block.title).text))] : [];
  return [...title, ...readTextObject(block.subtitle, known)];
}

const MARKS: Readonly<Record<string, string>> = { complete: "✅", in_progress: "⏳", error: "⚠️", pending: "▫️" };

function readTask(block: Json, known: Known): RichText {
  const mark = MARKS[string(block.status)];
  const sources = records(block.sources).map((source) => make.link(string(source.url), [{ type: "text", text: string(source.text) }]));
  return [
    ...line([[{ type: "text", text: `${mark === undefined ? "" : `${mark} `}${string(block.title)}` }]]),
    ...readRichText(record(block.details), known),
    ...readRichText(record(block.output), known),
    ...line(sources),
  ];
}

/** Slack adds blocks every year: whatever stands in an unknown one as text is shown. */
function readUnknown(block: Json, known: Known): RichText {
  if (typeof block.text === "object") return readTextObject(block.text, known);
  const text = filled(block.text) ?? filled(record(block.title).text) ?? filled(block.title);
  return text === undefined ? readRichText(block, known) : line([[{ type: "text", text }]]);
}
