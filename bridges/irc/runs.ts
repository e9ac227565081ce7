/**
 * A line of IRC as runs of text that look alike, read from and written to the control codes of
 * https://modern.ircdocs.horse/formatting.
 */
import { BLACK, colourOf, DEFAULT_COLOUR, nearestColour } from "./colours.ts";

/** Absent = not so. Colours are `#rrggbb`; absent = the reader's own. */
export interface Look {
  readonly bold?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly strike?: true;
  readonly code?: true;
  readonly spoiler?: true;
  readonly foreground?: string;
  readonly background?: string;
}

export interface Run {
  readonly text: string;
  readonly look: Look;
}

const toggles = { "\x02": "bold", "\x1d": "italic", "\x1f": "underline", "\x1e": "strike", "\x11": "code" } as const;
type Toggle = (typeof toggles)[keyof typeof toggles];
const codes = Object.entries(toggles) as [keyof typeof toggles, Toggle][];

/** One code, or a stretch of text between codes. A second colour belongs to the code only after a comma and a digit. */
const pieces =
  /\x03(\d{1,2})?(?:(?<=\d),(\d{1,2}))?|\x04([0-9a-f]{6})?(?:(?<=[0-9a-f]{6}),([0-9a-f]{6}))?|[\x02\x0f\x11\x16\x1d-\x1f]|[^\x02-\x04\x0f\x11\x16\x1d-\x1f]+/gi;

interface Pen {
  readonly on: Set<Toggle>;
  foreground: string | undefined;
  background: string | undefined;
  reverse: boolean;
}

/** Never fails. Control characters that format nothing are left out. */
export function readRuns(line: string): Run[] {
  const pen: Pen = { on: new Set(), foreground: undefined, background: undefined, reverse: false };
  const runs: Run[] = [];
  for (const match of line.matchAll(pieces)) {
    if (turns(pen, match)) continue;
    const text = match[0].replace(/[\p{Cc}]/gu, (code) => (code === "\t" ? " " : ""));
    if (text !== "") push(runs, { text, look: lookOf(pen) });
  }
  return runs;
}

/** Turns the pen when the piece is a code. */
function turns(pen: Pen, match: RegExpExecArray): boolean {
  const code = match[0][0] as string;
  if (code === "\x03") return colour(pen, match[1] && colourOf(Number(match[1])), match[2] && colourOf(Number(match[2])), match);
  if (code === "\x04") return colour(pen, hex(match[3]), hex(match[4]), match);
  if (code === "\x16") pen.reverse = !pen.reverse;
  else if (code === "\x0f") reset(pen);
  else if (code in toggles) flip(pen.on, toggles[code as keyof typeof toggles]);
  else return false;
  return true;
}

/** A bare code ends both colours; one number leaves the background as it was. */
function colour(pen: Pen, foreground: string | undefined, background: string | undefined, match: RegExpExecArray): true {
  const [, one, two, hexOne, hexTwo] = match;
  const bare = one === undefined && hexOne === undefined;
  pen.foreground = bare ? undefined : foreground || undefined;
  if (bare || two !== undefined || hexTwo !== undefined) pen.background = bare ? undefined : background || undefined;
  return true;
}

const hex = (digits: string | undefined): string | undefined => digits && `#${digits.toLowerCase()}`;

function reset(pen: Pen): void {
  pen.on.clear();
  pen.reverse = false;
  pen.foreground = pen.background = undefined;
}

function flip(on: Set<Toggle>, toggle: Toggle): void {
  if (!on.delete(toggle)) on.add(toggle);
}

function lookOf({ on, reverse, ...pen }: Pen): Look {
  const [foreground, background] = reverse
    ? [pen.background ?? colourOf(0), pen.foreground ?? colourOf(BLACK)]
    : [pen.foreground, pen.background];
  const look = Object.fromEntries([...on].map((toggle) => [toggle, true])) as Look;
  // Text in the colour of its ground is how IRC hides an ending.
  if (foreground !== undefined && foreground === background) return { ...look, spoiler: true };
  return { ...look, ...(foreground ? { foreground } : {}), ...(background ? { background } : {}) };
}

/** Adds a run, or lengthens the last one when it looks the same. */
export function push(runs: Run[], run: Run): void {
  const last = runs.at(-1);
  if (last && sameLook(last.look, run.look)) runs[runs.length - 1] = { text: last.text + run.text, look: last.look };
  else runs.push(run);
}

export function sameLook(one: Look, other: Look): boolean {
  return one === other || (codes.every(([, toggle]) => one[toggle] === other[toggle]) && coloursOf(one) === coloursOf(other));
}

/** Every format is closed at the end of the line. Text must be free of control characters. */
export function writeRuns(runs: readonly Run[]): string {
  let line = "";
  let look: Look = {};
  for (const run of runs) {
    line += codesBetween(look, run.look, run.text) + run.text;
    look = run.look;
  }
  return line + codesBetween(look, {}, "");
}

/**
 * What turns one look into another before `text`. Colours end by a reset: a bare colour code would swallow digits that follow it.
 */
export function codesBetween(from: Look, to: Look, text: string): string {
  if (from === to) return "";
  const ends = coloursOf(from) !== "" && coloursOf(to) === "";
  const start = ends ? {} : from;
  const toggled = codes.filter(([, toggle]) => start[toggle] !== to[toggle]).map(([code]) => code);
  return (ends ? "\x0f" : "") + toggled.join("") + colourCode(from, to, text);
}

/** Two digits each. The second colour stands only where it is needed: old clients do not know 99. */
function colourCode(from: Look, to: Look, text: string): string {
  const after = coloursOf(to);
  if (after === "" || after === coloursOf(from)) return "";
  const plainGround = to.background === undefined && from.background === undefined && !from.spoiler && !to.spoiler;
  return plainGround && !/^,\d/.test(text) ? after.slice(0, 3) : after;
}

function coloursOf({ foreground, background, spoiler }: Look): string {
  if (spoiler) return `\x03${two(BLACK)},${two(BLACK)}`;
  if (foreground === undefined && background === undefined) return "";
  const [front, back] = [foreground, background].map((hex) => (hex === undefined ? DEFAULT_COLOUR : nearestColour(hex)));
  return `\x03${two(front)},${two(back)}`;
}

const two = (number: number | undefined): string => String(number).padStart(2, "0");
