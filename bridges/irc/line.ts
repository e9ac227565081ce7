/** One line of the protocol, read and written (https://modern.ircdocs.horse/#message-format, https://ircv3.net/specs/extensions/message-tags). */
import { createRequire } from "node:module";
import type { ParsedLine } from "irc-framework/src/irclineparser.js";

// CommonJS modules whose export is one function, or named ones that cannot be seen from outside.
const require = createRequire(import.meta.url);
const parse = require("irc-framework/src/irclineparser.js") as (line: string) => ParsedLine;
const { encode } = require("irc-framework/src/messagetags.js") as { encode(tags: Tags): string };

export type Tags = Readonly<Record<string, string>>;

export interface Line {
  readonly tags: Tags;
  /** Who it comes from, as it stands: `nick!user@host` or a server's name; empty = the server that we speak with. */
  readonly prefix: string;
  /** Empty when a server speaks. */
  readonly nick: string;
  readonly user: string;
  readonly host: string;
  /** Upper case, or three digits. */
  readonly command: string;
  readonly params: readonly string[];
}

/** Never fails: what is no line has an empty command. */
export function readLine(text: string): Line {
  const { tags, prefix, nick, ident, hostname, command, params } = parse(text);
  // A bare word with a dot is taken for a server by the parser; where it has a user part it is a person all the same.
  return { tags, prefix, nick, user: ident, host: hostname, command, params };
}

/** The parameter, or the empty string: servers leave out what they should send. */
export function param(line: Line, index: number): string {
  return line.params[index] ?? "";
}

export function lastParam(line: Line): string {
  return line.params.at(-1) ?? "";
}

/** Milliseconds; absent where the server tells no time, or nonsense. Reads `time` as IRCv3 has it and as old bouncers have it. */
export function timeOf(line: Line): number | undefined {
  const text = line.tags["time"];
  if (!text) return undefined;
  const at = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : Date.parse(text);
  return Number.isNaN(at) || at < 0 || at > 8e15 ? undefined : at;
}

/** The last parameter may be anything without a line break; the others must be single words, which is the caller's to see to. */
export function writeLine(command: string, params: readonly string[], tags: Tags = {}): string {
  const words = params.map((word, index) => (index === params.length - 1 && needsColon(word) ? `:${word}` : word));
  const tagged = encode(tags);
  return `${tagged === "" ? "" : `@${tagged} `}${[command, ...words].join(" ")}`;
}

const needsColon = (word: string): boolean => word === "" || word.startsWith(":") || word.includes(" ");
