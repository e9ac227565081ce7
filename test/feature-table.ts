/** The tables of features in the networks' READMEs, made from their capabilities. */
import type { Capabilities, Degree } from "../core/capabilities.ts";

type Feature = Exclude<keyof Capabilities, "formats" | "text" | "fileSize" | "editAge" | "deleteAge" | "ids">;

export interface Features {
  /** "Discord": whose own way `partial` is. */
  readonly network: string;
  /** Title of each column, and what it shows. */
  readonly columns: readonly (readonly [title: string, able: Capabilities])[];
  /** Sizes and the like, in the network's words. */
  readonly numbers: readonly (readonly [words: string, of: (able: Capabilities) => string])[];
  /** Where the common words would promise too much, or too little. */
  readonly words?: Partial<Readonly<Record<Feature, string>>>;
}

/** Every capability, in words; the type keeps the list whole. */
const WORDS: Readonly<Record<Feature, string>> = {
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

const TABLE = /(?<=<!-- features: begin -->\n)[^]*(?=<!-- features: end -->)/;

/** The page with the table as it is now. */
export function withFeatures(page: string, features: Features): string {
  return page.replace(TABLE, () => `\n${table(features)}\n\n`);
}

function table({ network, columns, numbers, words }: Features): string {
  const degrees: Readonly<Record<Degree, string>> = {
    full: "yes",
    partial: `in ${network}'s own way`,
    fallback: "the next best thing",
    refused: "no",
  };
  const row = (what: string, of: (able: Capabilities) => string) => `| ${[what, ...columns.map(([, able]) => of(able))].join(" | ")} |`;
  const names = Object.keys(WORDS) as Feature[];
  const formats = Object.keys(columns[0]?.[1].formats ?? {}) as (keyof Capabilities["formats"])[];
  return [
    `| ${["what", ...columns.map(([title]) => title)].join(" | ")} |`,
    `|${"---|".repeat(columns.length + 1)}`,
    ...names.map((name) => row(words?.[name] ?? WORDS[name], (able) => degrees[able[name]])),
    ...numbers.map(([what, of]) => row(what, of)),
    ...formats.map((format) =>
      row(
        format.replaceAll(/[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`),
        (able) => degrees[able.formats[format]],
      ),
    ),
  ].join("\n");
}
