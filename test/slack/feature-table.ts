/**
 * The tables in `bridges/slack/README.md` and `docs/slack.md`, made from the capabilities and from the scopes that are asked for.
 * `node test/slack/feature-table.ts` writes them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { BEST, OWN, RELAY } from "../../bridges/slack/capabilities.ts";
import { BOT_SCOPES, type Scope, USER_SCOPES } from "../../bridges/slack/scopes.ts";
import type { Capabilities, Degree } from "../../core/capabilities.ts";

export const README = new URL("../../bridges/slack/README.md", import.meta.url);
export const DOCS = new URL("../../docs/slack.md", import.meta.url);
const SCOPES = /(?<=<!-- scopes: begin -->\n)[^]*(?=<!-- scopes: end -->)/;
const TABLE = /(?<=<!-- features: begin -->\n)[^]*(?=<!-- features: end -->)/;

/** Every capability, in words; the type keeps the list whole. */
const WORDS: Readonly<Record<Exclude<keyof Capabilities, "formats" | "text" | "fileSize" | "editAge" | "deleteAge" | "ids">, string>> = {
  reply: "replies",
  thread: "threads",
  edit: "edits",
  delete: "deletions",
  deleteOthers: "deletions by moderators",
  react: "reactions",
  reactEach: "a reaction of each person's own",
  customEmoji: "custom emoji",
  speaker: "name and picture of people",
  files: "files",
  poll: "polls",
  pin: "pins",
  topic: "topics",
  name: "names of channels",
  typing: "typing",
  read: "read marks",
  kick: "kicks",
  ban: "bans",
  history: "what was said while the bridge was away",
};

const DEGREES: Readonly<Record<Degree, string>> = {
  full: "yes",
  partial: "in Slack's own way",
  fallback: "the next best thing",
  refused: "no",
};

export function withTable(page: string): string {
  return page.replace(TABLE, () => `\n${table()}\n\n`);
}

export function withScopes(page: string): string {
  const tables = [
    ["the app's bot", BOT_SCOPES],
    ["people who sign in", USER_SCOPES],
  ] as const;
  const text = tables.map(([who, scopes]) => [`| ${who} | for |`, "|---|---|", ...rowsOf(scopes)].join("\n")).join("\n\n");
  return page.replace(SCOPES, () => `\n${text}\n\n`);
}

/** Scopes with one reason share a row. */
function rowsOf(scopes: readonly Scope[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { name, why } of scopes) reasons.set(why, [...(reasons.get(why) ?? []), `\`${name}\``]);
  return [...reasons].map(([why, names]) => `| ${names.join(", ")} | ${why} |`);
}

function table(): string {
  const row = (words: string, of: (able: Capabilities) => string) => `| ${words} | ${of(RELAY)} | ${of(OWN)} |`;
  const rows = Object.entries(WORDS).map(([key, words]) => row(words, (able) => DEGREES[able[key as keyof typeof WORDS]]));
  const formats = Object.keys(BEST.formats).map((format) =>
    row(
      format.replaceAll(/[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`),
      (able) => DEGREES[able.formats[format as keyof Capabilities["formats"]]],
    ),
  );
  const sizes = [
    row("longest message", ({ text }) => `${text.length} characters of blocks; longer ones are split`),
    row("largest file", ({ fileSize = 0 }) => `${fileSize / 1_000_000_000} GB; larger ones as a link`),
  ];
  return ["| what | relayed by the app | with a login of one's own |", "|---|---|---|", ...rows, ...sizes, ...formats].join("\n");
}

if (import.meta.main) {
  writeFileSync(README, withTable(readFileSync(README, "utf8")));
  writeFileSync(DOCS, withScopes(readFileSync(DOCS, "utf8")));
}
