/** From the model to IRC's lines. Pure: what depends on the server stands in the capabilities (`IrcCapabilities`). */
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused } from "../../core/model/errors.ts";
import type { RemoteMessageId } from "../../core/model/ids.ts";
import type { OutMessage, Speaker } from "../../core/model/message.ts";
import { firstWords, toPlain } from "../../core/model/plain.ts";
import type { SayPart } from "../../core/model/effects.ts";
import { type IrcCapabilities, plainCapabilities } from "./capabilities.ts";
import { clean, toLines } from "./formatting.ts";
import { isMsgid } from "./ids.ts";
import { clipBytes, wrap } from "./lines.ts";
import { type Run, readRuns } from "./runs.ts";

export interface IrcWire {
  readonly command: "PRIVMSG" | "NOTICE";
  /** More than one = a multiline batch. `joined` = goes on the line before without a break. */
  readonly lines: readonly { readonly text: string; readonly joined?: true }[];
  readonly action?: true;
  readonly reply?: RemoteMessageId;
  /** The text becomes a page; its address is written after the line. */
  readonly page?: { readonly text: string; readonly title: string };
}

/** `\x01ACTION ` and `\x01` */
const ACTION_BYTES = 9;
/** The shortest room for text that is worth a line: with less, names are cut. */
const LEAST_ROOM = 64;
const LONGEST_NAME = 48;
const MOST_LINES = 200;
/** Room for ` … (12 lines: ADDRESS)`. */
export const PAGE_LINK_BYTES = 160;

export function toParts(message: OutMessage, capabilities: Capabilities): readonly SayPart[] {
  const known = (capabilities as IrcCapabilities).irc ?? plainCapabilities.irc;
  if (!known) throw new TypeError("IRC's own capabilities are missing");
  const prefix = message.speaker.own ? "" : prefixOf(message.speaker, known);
  const lines = toLines(message.body).filter((line) => line.some((run) => /[^\s•]/u.test(run.text)));
  if (lines.length === 0) throw new Refused("There is nothing in this message that IRC could show.");
  const addressed = known.replies ? address(lines, message) : lines;
  const reply = known.replies && message.reply?.message && isMsgid(message.reply.message) ? { reply: message.reply.message } : {};
  const wires = message.style === "emote" ? emote(addressed, message, prefix, known) : texts(addressed, message, prefix, known);
  return wires.map((wire, index) => toPart(index === 0 ? { ...wire, ...reply } : wire, message.speaker));
}

type Known = NonNullable<IrcCapabilities["irc"]>;

function toPart(wire: IrcWire, speaker: Speaker): SayPart {
  const text = wire.lines.map((line, index) => (line.joined || index === 0 ? "" : "\n") + plain(line.text)).join("");
  return { kind: "say", speaker, wire, text };
}

const plain = (line: string): string =>
  readRuns(line)
    .map((run) => run.text)
    .join("");

function prefixOf(speaker: Speaker, { prefix, calmNames, line }: Known): string {
  const name = clipBytes(clean(speaker.name).trim() || "somebody", Math.min(LONGEST_NAME, Math.max(line - LEAST_ROOM, 8)));
  const [first = ""] = name;
  return prefix.replaceAll("{name}", () => (calmNames ? `${first}\u200b${name.slice(first.length)}` : name));
}

/** Readers whose client shows no replies still see whom it is for, and that person is rung. */
function address(lines: Run[][], { reply, style, body }: OutMessage): Run[][] {
  const name = reply?.author === undefined ? "" : clean(reply.authorName).trim();
  if (name === "" || /\s/.test(name) || style !== "text" || firstWords(body).toLowerCase().startsWith(name.toLowerCase())) return lines;
  const [first = [], ...rest] = lines;
  return [[{ text: `${name}: `, look: {} }, ...first], ...rest];
}

/** `/me` in its first line; a second line is said. */
function emote([first = [], ...rest]: Run[][], message: OutMessage, prefix: string, known: Known): IrcWire[] {
  const name = prefix === "" ? "" : `${clipBytes(clean(message.speaker.name).trim() || "somebody", LONGEST_NAME)} `;
  const acted = wrap(first, { limit: known.line - ACTION_BYTES, prefix: name });
  const wires: IrcWire[] = acted.map((text) => ({ command: "PRIVMSG", lines: [{ text }], action: true }));
  return rest.length === 0 ? wires : [...wires, ...texts(rest, message, prefix, known)];
}

function texts(lines: Run[][], message: OutMessage, prefix: string, known: Known): IrcWire[] {
  const command = message.style === "notice" ? "NOTICE" : "PRIVMSG";
  const multiline = command === "PRIVMSG" ? known.multiline : undefined;
  const wrapped = lines.map((line) => wrap(line, { limit: known.line, prefix, keepSpaces: multiline !== undefined }));
  const count = wrapped.reduce((sum, line) => sum + line.length, 0);
  if (known.pageOver !== undefined && count > known.pageOver) return [page(message, command, prefix, known, count)];
  // Minutes of a channel's time; without a public address there is no page to put it on.
  if (count > MOST_LINES) throw new Refused(`On IRC this would be ${count} lines; ${MOST_LINES} is the most that is sent.`);
  if (!multiline) return wrapped.flat().map((text) => ({ command, lines: [{ text }] }));
  return batches(rejoin(lines, prefix, known), multiline).map((batch) => ({ command, lines: batch }));
}

interface WireLine {
  readonly text: string;
  readonly joined?: true;
}

/** A line that is cut goes on in the next one, where the name need not stand again. */
function rejoin(lines: readonly Run[][], prefix: string, known: Known): WireLine[] {
  const marked = prefix === "" ? lines : lines.map((line) => [{ text: prefix, look: {} }, ...line]);
  return marked.flatMap((line) =>
    wrap(line, { limit: known.line, keepSpaces: true }).map((text, index): WireLine => (index === 0 ? { text } : { text, joined: true })),
  );
}

/** As few batches as the server's limits allow. */
function batches(lines: readonly WireLine[], most: { readonly bytes: number; readonly lines: number }): WireLine[][] {
  const all: WireLine[][] = [];
  let bytes = 0;
  for (const line of lines) {
    const length = Buffer.byteLength(line.text) + (line.joined ? 0 : 1);
    const last = all.at(-1);
    if (last && last.length < most.lines && bytes + length <= most.bytes) {
      last.push(line);
      bytes += length;
    } else {
      // What begins a batch joins nothing.
      all.push([{ text: line.text }]);
      bytes = length;
    }
  }
  return all;
}

function page(message: OutMessage, command: IrcWire["command"], prefix: string, known: Known, count: number): IrcWire {
  const text = toPlain(message.body);
  const room = Math.max(known.line - PAGE_LINK_BYTES, LEAST_ROOM);
  const line = clipBytes(`${prefix}${firstWords(message.body, 200)}`, room);
  return { command, lines: [{ text: line }], page: { text, title: `${message.speaker.name}, ${count} lines` } };
}
