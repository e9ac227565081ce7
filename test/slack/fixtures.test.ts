/** Everything that Slack's documentation and types tell of has a payload here, and becomes what it should. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fixture, type Kind, KINDS, made, names } from "./fixtures.ts";

const types = join(dirname(createRequire(import.meta.url).resolve("@slack/types")));
const read = (path: string): string => readFileSync(join(types, path), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
const eventFiles = readdirSync(join(types, "events")).filter((file) => file.endsWith(".d.ts"));

/** Each interface of a file, with what stands between its outer brackets. */
function interfaces(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/(?:interface|type) (\w+)(?: extends [^{]*)?(?: =)? \{\n([\s\S]*?)\n\}/g)].map(([, name = "", body = ""]) => [
      name,
      body,
    ]),
  );
}

const typeIn = (body: string): string | undefined => /^ {4}type: '([a-z_]+)'/m.exec(body)?.[1];

function typesIn(...files: readonly string[]): ReadonlySet<string> {
  return new Set(files.flatMap((file) => [...read(file).matchAll(/^ {4}type: '([a-z_]+)'/gm)].map(([, type = ""]) => type)));
}

/** Subtypes that the documentation lists and the types do not. https://docs.slack.dev/reference/events/message#subtypes */
const LISTED = [
  "assistant_app_thread",
  "channel_convert_to_private",
  "channel_convert_to_public",
  "document_mention",
  "file_comment",
  "file_mention",
  "group_archive",
  "group_join",
  "group_leave",
  "group_name",
  "group_purpose",
  "group_topic",
  "group_unarchive",
  "pinned_item",
  "reminder_add",
  "reply_broadcast",
  "unpinned_item",
];

/** Elements and blocks that the documentation lists and the types do not. https://docs.slack.dev/reference/block-kit */
const LISTED_RICH = [
  "attachment_mention",
  "canvas",
  "canvas_message_unfurl",
  "canvas_user_mention",
  "citation",
  "file",
  "list_record",
  "message_mention",
  "salesforce_data_field",
  "tag",
  "work_object_mention",
  "workflow_mention",
];
const LISTED_BLOCKS = ["data_visualization", "image"];

const wanted: Readonly<Record<Kind, () => ReadonlySet<string>>> = {
  events: () => typesIn(...eventFiles.map((file) => `events/${file}`)),
  messages: () =>
    new Set([...read("events/message.d.ts").matchAll(/subtype: '([a-z_]+)'/g)].map(([, subtype = ""]) => subtype).concat(LISTED)),
  cases: () => new Set(),
  blocks: () => new Set([...typesIn("block-kit/blocks.d.ts"), ...LISTED_BLOCKS]),
  elements: () => new Set([...typesIn("block-kit/block-elements.d.ts"), "image"].filter((type) => !isRich(type))),
  "rich-text": () => new Set([...typesIn("block-kit/block-elements.d.ts"), ...LISTED_RICH].filter(isRich)),
};

const RICH = new Set(["broadcast", "channel", "color", "date", "emoji", "link", "team", "text", "user", "usergroup", ...LISTED_RICH]);
function isRich(type: string): boolean {
  return RICH.has(type) || /^rich_text_(?:section|list|quote|preformatted)$/.test(type);
}

for (const kind of KINDS) {
  if (kind !== "cases")
    test(`there is a payload of each of Slack's ${kind}`, () => {
      const here = new Set(names(kind));
      assert.deepEqual(
        [...wanted[kind]()].filter((name) => !here.has(name)),
        [],
      );
      assert.ok(wanted[kind]().size > 9, "the types were read");
    });

  for (const name of names(kind)) {
    const given = fixture(kind, name);
    test(`${kind}, ${name}: ${given.shows}`, () => {
      assert.match(given.page, /^https:\/\/(?:docs\.slack\.dev|slack\.com)\//, "it names the page that tells of it");
      assert.deepEqual(made(given), given.becomes);
    });
  }
}

test("the payloads of events have whatever Slack's types call required", () => {
  for (const file of eventFiles) {
    for (const [name, body] of interfaces(read(`events/${file}`))) {
      const type = typeIn(body);
      if (type === undefined || type === "message" || !name.endsWith("Event")) continue;
      const event = fixture("events", type).event ?? {};
      for (const [, key = ""] of body.matchAll(/^ {4}(\w+):/gm)) assert.ok(key in event, `${type} has no ${key}`);
    }
  }
});

test("the payloads of messages have whatever Slack's types call required", () => {
  for (const body of interfaces(read("events/message.d.ts")).values()) {
    const subtype = /subtype: '([a-z_]+)'/.exec(body)?.[1];
    if (subtype === undefined) continue;
    const event = fixture("messages", subtype).event ?? {};
    for (const [, key = ""] of body.matchAll(/^ {4}(\w+):/gm)) assert.ok(key in event, `${subtype} has no ${key}`);
  }
});
