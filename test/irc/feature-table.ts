/** The table in `bridges/irc/README.md`, made from the capabilities. `node test/irc/feature-table.ts` writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { bestCapabilities, plainCapabilities } from "../../bridges/irc/capabilities.ts";
import type { Capabilities, Degree } from "../../core/capabilities.ts";

export const README = new URL("../../bridges/irc/README.md", import.meta.url);
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
  speaker: "name of relayed people",
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
  partial: "in IRC's own way",
  fallback: "the next best thing",
  refused: "no",
};

export function withTable(page: string): string {
  return page.replace(TABLE, () => `\n${table()}\n\n`);
}

function table(): string {
  const row = (words: string, of: (capabilities: Capabilities) => string) =>
    `| ${words} | ${of(bestCapabilities)} | ${of(plainCapabilities)} |`;
  const rows = Object.entries(WORDS).map(([key, words]) => row(words, (able) => DEGREES[able[key as keyof typeof WORDS]]));
  const formats = Object.keys(bestCapabilities.formats).map((format) =>
    row(
      format.replaceAll(/[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`),
      (able) => DEGREES[able.formats[format as keyof Capabilities["formats"]]],
    ),
  );
  const length = row(
    "longest message",
    ({ text }) => `about ${text.length} bytes${(text.lines ?? 1) > 1 ? ` in ${text.lines} lines` : ""}`,
  );
  return ["| what | at best (Ergo) | on a plain server |", "|---|---|---|", ...rows, length, ...formats].join("\n");
}

if (import.meta.main) writeFileSync(README, withTable(readFileSync(README, "utf8")));
