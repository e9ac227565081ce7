/**
 * Long lines cut to what one IRC message holds: exact to the byte, between words where there are any, else between what readers see as
 * characters. Formats are closed at the end of each line and opened again in the next.
 *
 * A line on the wire is at most 512 bytes, its end included, and what counts is the form in which others receive it:
 * `:nick!user@host PRIVMSG #channel :text` (https://modern.ircdocs.horse/#message-format).
 */
import { codesBetween, type Look, push, type Run, writeRuns } from "./runs.ts";

export interface Mask {
  readonly nick: string;
  readonly user: string;
  readonly host: string;
}

/** What an unknown mask is taken for: the longest that common servers allow. */
export const longestMask: Mask = { nick: "n".repeat(30), user: "u".repeat(11), host: "h".repeat(63) };

/** Bytes that are left for the text of a `command` to `target`. */
export function room(mask: Mask, command: string, target: string): number {
  return 512 - 2 - Buffer.byteLength(`:${mask.nick}!${mask.user}@${mask.host} ${command} ${target} :`);
}

export interface Wrapping {
  /** Bytes of a finished line, `prefix` and format codes included. */
  readonly limit: number;
  /** Stands before each line; at most half of `limit`. */
  readonly prefix?: string;
  /** Keeps the spaces at which the line is cut, at the end of the line: for lines that are joined again. */
  readonly keepSpaces?: boolean;
}

/** Never empty. */
export function wrap(line: readonly Run[], { limit, prefix = "", keepSpaces = false }: Wrapping): string[] {
  const whole = prefix + writeRuns(line);
  // Most lines are short: a UTF-16 unit makes at most three bytes.
  if (whole.length * 3 <= limit || Buffer.byteLength(whole) <= limit) return [whole];
  const width = limit - Buffer.byteLength(prefix);
  return fill(atomsOf(line, width), width, keepSpaces).map((runs) => prefix + writeRuns(runs));
}

/** What is not cut further: a character as readers see it. */
interface Atom extends Run {
  readonly bytes: number;
  readonly space: boolean;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
function atomsOf(line: readonly Run[], width: number): Atom[] {
  return line.flatMap(({ text, look }) => {
    const codes = codesBetween({}, look, ",0").length + codesBetween(look, {}, "").length;
    return [...graphemes.segment(text)].flatMap(({ segment }) => {
      const bytes = Buffer.byteLength(segment);
      if (bytes + codes <= width) return [atom(segment, bytes, look)];
      // A letter with hundreds of accents fits into no line: it is cut between its code points.
      return [...segment].map((point) => atom(point, Buffer.byteLength(point), look));
    });
  });
}

function atom(text: string, bytes: number, look: Look): Atom {
  return { text, look, bytes, space: text === " " };
}

function fill(atoms: readonly Atom[], width: number, keepSpaces: boolean): Run[][] {
  const lines: Run[][] = [];
  for (let start = 0; start < atoms.length; ) {
    const full = reach(atoms, start, width);
    const end = full === atoms.length ? full : cutBefore(atoms, start, full, keepSpaces);
    const line = keepSpaces ? atoms.slice(start, end) : trimEnd(atoms, start, end);
    if (line.length > 0) lines.push(joined(line));
    start = end;
    while (!keepSpaces && atoms[start]?.space) start++;
  }
  return lines.length > 0 ? lines : [[]];
}

/** The first atom from `start` on that does not fit any more; at least one does. */
function reach(atoms: readonly Atom[], start: number, width: number): number {
  let bytes = 0;
  let look: Look = {};
  for (let index = start; index < atoms.length; index++) {
    const next = atoms[index] as Atom;
    // The longest form of a colour code: whether a digit follows is not known here.
    bytes += codesBetween(look, next.look, ",0").length + next.bytes;
    look = next.look;
    if (bytes + codesBetween(look, {}, "").length > width && index > start) return index;
  }
  return atoms.length;
}

/** After the last space in reach, unless the line would be all space; else right where the room ends. */
function cutBefore(atoms: readonly Atom[], start: number, full: number, keepSpaces: boolean): number {
  if (atoms[full]?.space && !keepSpaces) return full;
  for (let index = full - 1; index > start; index--) if (atoms[index]?.space) return index + 1;
  return full;
}

function trimEnd(atoms: readonly Atom[], start: number, end: number): readonly Atom[] {
  while (end > start && atoms[end - 1]?.space) end--;
  return atoms.slice(start, end);
}

function joined(atoms: readonly Atom[]): Run[] {
  const runs: Run[] = [];
  for (const { text, look } of atoms) push(runs, { text, look });
  return runs;
}

/** At most `limit` bytes of the text, cut between characters as readers see them, with `…` when something is missing. */
export function clipBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  const [first = []] = fill(atomsOf([{ text, look: {} }], limit - 3), limit - 3, true);
  return `${first
    .map((run) => run.text)
    .join("")
    .trimEnd()}…`;
}
