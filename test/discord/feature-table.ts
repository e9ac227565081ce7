/** The table in `bridges/discord/README.md`, made from the capabilities. `node test/discord/feature-table.ts` writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { capabilities } from "../../bridges/discord/capabilities.ts";
import type { Capabilities, Degree } from "../../core/capabilities.ts";

export const README = new URL("../../bridges/discord/README.md", import.meta.url);
const TABLE = /(?<=<!-- features: begin -->\n)[^]*(?=<!-- features: end -->)/;

/** Every capability, in words; the type keeps the list whole. */
const WORDS: Readonly<Record<Exclude<keyof Capabilities, "formats" | "text" | "fileSize" | "editAge" | "deleteAge" | "ids">, string>> = {
  reply: "replies",
  thread: "threads",
  edit: "edits",
  delete: "deletions",
  deleteOthers: "deletions by moderators",
  react: "reactions",
  reactEach: "a reaction of each relayed person's own",
  customEmoji: "custom emoji",
  speaker: "name and picture of relayed people",
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
  partial: "in Discord's own way",
  fallback: "the next best thing",
  refused: "no",
};

export function withTable(page: string): string {
  return page.replace(TABLE, () => `\n${table()}\n\n`);
}

function table(): string {
  const rows = Object.entries(WORDS).map(([key, words]) => `| ${words} | ${DEGREES[capabilities[key as keyof typeof WORDS]]} |`);
  const formats = Object.entries(capabilities.formats).map(
    ([format, degree]) => `| ${format.replaceAll(/[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`)} | ${DEGREES[degree]} |`,
  );
  const { length } = capabilities.text;
  const size = Math.floor((capabilities.fileSize ?? 0) / 1_048_576);
  const numbers = [
    `| longest message | ${length} characters; longer ones are split |`,
    `| largest file | ${size} MiB; 50 and 100 on boosted servers; larger ones as a link |`,
  ];
  return ["| what | on Discord |", "|---|---|", ...rows, ...numbers, ...formats].join("\n");
}

if (import.meta.main) writeFileSync(README, withTable(readFileSync(README, "utf8")));
