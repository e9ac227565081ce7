/** What IRC can do: at best, and on a given server in a given channel. */
import type { Capabilities, Degree, Format } from "../../core/capabilities.ts";

/**
 * What the converter must know beyond what every network tells: it has no server to ask. Absent = a plain server of which nothing is
 * known.
 */
export interface IrcCapabilities extends Capabilities {
  readonly irc?: {
    /** Bytes of text in one line. */
    readonly line: number;
    /** Stands before each line of a relayed person; `{name}` is filled in. Empty = the name stands beside the message. */
    readonly prefix: string;
    readonly calmNames: boolean;
    /** A text of more lines becomes a page; absent = there are no pages. */
    readonly pageOver?: number;
    /** https://ircv3.net/specs/extensions/multiline */
    readonly multiline?: { readonly bytes: number; readonly lines: number };
    readonly replies: boolean;
  };
}

export interface ServerAbilities {
  /** Bytes of text in one line. */
  readonly line: number;
  readonly prefix: string;
  readonly calmNames: boolean;
  readonly pageOver?: number | undefined;
  readonly multiline?: { readonly bytes: number; readonly lines: number } | undefined;
  /** Messages have ids, ours too. */
  readonly ids: boolean;
  readonly replies: boolean;
  readonly reactions: boolean;
  readonly redaction: boolean;
  readonly typing: boolean;
  readonly history: boolean;
  /** Of a person's own connection: their other clients are told how far they have read. */
  readonly readMarks: boolean;
  /** The speaker's name stands beside the message: their own connection, or RELAYMSG. */
  readonly named: boolean;
  readonly operator: boolean;
  /** The topic may be set: we are an operator, or the channel lets everybody. */
  readonly topic: boolean;
}

const formats: Readonly<Record<Format, Degree>> = {
  bold: "full",
  italic: "full",
  strike: "full",
  underline: "full",
  code: "full",
  codeBlock: "partial",
  spoiler: "partial",
  colour: "partial",
  quote: "partial",
  list: "partial",
  heading: "partial",
  table: "partial",
  link: "partial",
  mention: "full",
  everyone: "refused",
  time: "partial",
};

export function capabilitiesOf(server: ServerAbilities): IrcCapabilities {
  const { line, prefix, calmNames, pageOver, multiline, replies } = server;
  return {
    reply: server.ids && replies ? "full" : "fallback",
    thread: "fallback",
    edit: "fallback",
    delete: server.ids && server.redaction ? "full" : "fallback",
    deleteOthers: server.ids && server.redaction && server.operator ? "full" : "refused",
    react: server.ids && server.reactions ? "full" : "fallback",
    reactEach: "fallback",
    customEmoji: "partial",
    speaker: server.named ? "partial" : "fallback",
    files: "fallback",
    poll: "fallback",
    pin: "refused",
    topic: server.topic ? "full" : "refused",
    name: "refused",
    typing: server.typing ? "full" : "refused",
    read: server.readMarks ? "full" : "refused",
    kick: server.operator ? "full" : "refused",
    ban: server.operator ? "full" : "refused",
    history: server.history ? "full" : "refused",
    formats,
    text: multiline ? { length: multiline.bytes, unit: "bytes", lines: multiline.lines } : { length: line, unit: "bytes", lines: 1 },
    ids: server.ids,
    irc: {
      line,
      prefix,
      calmNames,
      replies,
      ...(pageOver === undefined ? {} : { pageOver }),
      ...(multiline ? { multiline } : {}),
    },
  };
}

/** With every option there: a server such as Ergo, an operator's rights in the channel. */
export const bestCapabilities: IrcCapabilities = capabilitiesOf({
  line: 400,
  prefix: "<{name}> ",
  calmNames: false,
  multiline: { bytes: 4096, lines: 100 },
  ids: true,
  replies: true,
  reactions: true,
  redaction: true,
  typing: true,
  history: true,
  readMarks: true,
  named: false,
  operator: true,
  topic: true,
});

/** A server of which nothing is known yet, such as ngIRCd. */
export const plainCapabilities: IrcCapabilities = capabilitiesOf({
  line: 350,
  prefix: "<{name}> ",
  calmNames: false,
  ids: false,
  replies: false,
  reactions: false,
  redaction: false,
  typing: false,
  history: false,
  readMarks: false,
  named: false,
  operator: false,
  topic: true,
});
