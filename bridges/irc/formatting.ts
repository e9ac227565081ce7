/** IRC's formatting as RichText and back: runs of text that look alike, against a tree. */
import type { RemoteChannelId, RemoteUserId } from "../../core/model/ids.ts";
import type { Block, Inline, MentionTarget, RichText } from "../../core/model/richtext.ts";
import { inlinesOf } from "../../core/model/walk.ts";
import { readPersonId } from "./ids.ts";
import { type Look, push, type Run, readRuns } from "./runs.ts";

/** Whom and what words name. */
export interface Names {
  /** The person in the channel who goes by this nick, however it is written. */
  person(nick: string): { readonly id: RemoteUserId; readonly name: string } | undefined;
  /** A channel that the bridge knows. */
  channel(name: string): RemoteChannelId | undefined;
}

const nobody: Names = { person: () => undefined, channel: () => undefined };

/** One line per line break; each line's formats end with it, as they do on IRC. */
export function fromFormatting(text: string, names: Names = nobody): RichText {
  const content = text.split("\n").flatMap((line, index): Inline[] => {
    const inline = nest(readRuns(line), wraps, names);
    return index > 0 ? [{ type: "break" }, ...inline] : inline;
  });
  return [{ type: "paragraph", content }];
}

type Wrap = { of(look: Look): string | undefined; node(content: Inline[], look: Look): Inline };

const mark = (type: "bold" | "italic" | "underline" | "strike"): Wrap => ({
  of: (look) => (look[type] ? type : undefined),
  node: (content) => ({ type, content }),
});

/** From the outermost to the innermost. */
const wraps: readonly Wrap[] = [
  { of: (look) => (look.spoiler ? "spoiler" : undefined), node: (content) => ({ type: "spoiler", content }) },
  {
    of: (look) => (look.foreground || look.background ? `${look.foreground}/${look.background}` : undefined),
    node: (content, { foreground, background }) => ({
      type: "colour",
      content,
      ...(foreground ? { foreground } : {}),
      ...(background ? { background } : {}),
    }),
  },
  mark("bold"),
  mark("italic"),
  mark("underline"),
  mark("strike"),
];

/** Neighbours that share a mark share one node. */
function nest(runs: readonly Run[], [wrap, ...inner]: readonly Wrap[], names: Names): Inline[] {
  if (!wrap) return runs.flatMap(({ text, look }): Inline[] => (look.code ? [{ type: "code", text }] : withNames(text, names)));
  const out: Inline[] = [];
  for (let start = 0; start < runs.length; ) {
    const look = (runs[start] as Run).look;
    let end = start + 1;
    while (end < runs.length && wrap.of((runs[end] as Run).look) === wrap.of(look)) end++;
    const content = nest(runs.slice(start, end), inner, names);
    if (wrap.of(look) === undefined) out.push(...content);
    else out.push(wrap.node(content, look));
    start = end;
  }
  return out;
}

/** Words that may be a nick or a channel: what stands between spaces and the marks that no nick holds. */
const words = /[#&][^\s,\x07]+|@?[\p{L}\p{N}_\-[\]\\^{}|`]+/gu;

function withNames(text: string, names: Names): Inline[] {
  const out: Inline[] = [];
  let done = 0;
  for (const match of text.matchAll(words)) {
    const mention = mentionIn(match, text, names);
    if (!mention) continue;
    if (match.index > done) out.push({ type: "text", text: text.slice(done, match.index) });
    out.push(mention);
    done = match.index + match[0].length;
  }
  if (done < text.length) out.push({ type: "text", text: text.slice(done) });
  return out;
}

function mentionIn(match: RegExpExecArray, text: string, names: Names): Inline | undefined {
  const [word] = match;
  if (word[0] === "#" || word[0] === "&") {
    const remote = startsWord(text, match.index) ? names.channel(word) : undefined;
    return remote && { type: "mention", target: { kind: "channel", remote }, text: word };
  }
  const called = word.startsWith("@");
  const nick = called ? word.slice(1) : word;
  const person = names.person(nick);
  // "will" is a word until somebody speaks to Will: in the middle of a sentence only the exact spelling names a person.
  const addressed = called || (match.index === 0 && /^[:,](\s|$)/.test(text.slice(word.length)));
  if (!person || !(addressed || person.name === nick)) return undefined;
  return { type: "mention", target: { kind: "person", remote: person.id }, text: nick };
}

const startsWord = (text: string, index: number): boolean => index === 0 || /[\s([{"'<]/.test(text[index - 1] as string);

/** A RichText as lines of runs. Lines that say nothing are kept as empty lists. */
export function toLines(body: RichText): Run[][] {
  return body.flatMap((block) => blockLines(block));
}

function blockLines(block: Block): Run[][] {
  switch (block.type) {
    case "paragraph":
      return inlineLines(block.content, {});
    case "heading":
      return inlineLines(block.content, { bold: true });
    case "quote":
      return toLines(block.content).map((line) => [plain("> "), ...line]);
    case "code":
      return block.text.split(/\r\n|[\r\n]/).map((text) => [{ text: clean(text), look: { code: true } }]);
    case "list":
      return block.items.flatMap((item, index) => itemLines(item, block.start === undefined ? "•" : `${block.start + index}.`));
    case "table":
      return block.rows.map((row, index) => rowLine(row, block.heading && index === 0 ? { bold: true } : {}));
    case "divider":
      return [[plain("———")]];
  }
}

function itemLines(item: RichText, sign: string): Run[][] {
  const lines = toLines(item);
  return (lines.length > 0 ? lines : [[]]).map((line, index) => [plain(index === 0 ? `${sign} ` : "  "), ...line]);
}

function rowLine(row: readonly (readonly Inline[])[], look: Look): Run[] {
  return row.flatMap((cell, index) => [
    ...(index > 0 ? [plain(" | ")] : []),
    ...inlineLines(cell, look).flatMap((line, number) => (number > 0 ? [plain(" "), ...line] : line)),
  ]);
}

const plain = (text: string): Run => ({ text, look: {} });

function inlineLines(content: readonly Inline[], look: Look): Run[][] {
  const lines: Run[][] = [[]];
  writeInline(content, look, lines);
  return lines;
}

function writeInline(content: readonly Inline[], look: Look, lines: Run[][]): void {
  for (const node of content) {
    switch (node.type) {
      case "break":
        lines.push([]);
        break;
      case "text":
        say(lines, node.text, look);
        break;
      case "bold":
      case "italic":
      case "strike":
      case "underline":
        writeInline(node.content, { ...look, [node.type]: true }, lines);
        break;
      case "code":
        say(lines, node.text, { ...look, code: true });
        break;
      case "spoiler":
        if (node.reason) say(lines, `(${node.reason}) `, look);
        writeInline(node.content, { ...look, spoiler: true }, lines);
        break;
      case "colour":
        writeInline(node.content, { ...look, ...pickColours(node) }, lines);
        break;
      case "link":
        writeLink(node, look, lines);
        break;
      case "mention":
        writeMention(node.target, node.text, look, lines);
        break;
      case "emoji":
        say(lines, `:${node.name}:`, look);
        break;
      case "time":
        say(lines, utc(node.at, node.style) ?? node.text, look);
        break;
    }
  }
}

function pickColours({ foreground, background }: Extract<Inline, { type: "colour" }>): Look {
  return { ...(foreground ? { foreground } : {}), ...(background ? { background } : {}) };
}

/** `text (address)`; an address that is its own text stands once, whole. */
function writeLink(link: Extract<Inline, { type: "link" }>, look: Look, lines: Run[][]): void {
  const text = [...inlinesOf(link.content)].map((node) => ("text" in node ? node.text : "")).join("");
  const bare = (address: string): string => address.replace(/^(https?:\/\/|mailto:)/, "").replace(/\/$/, "");
  if (text === "" || bare(text) === bare(link.url)) return say(lines, link.url, look);
  writeInline(link.content, look, lines);
  say(lines, ` (${link.url})`, look);
}

/** A nick rings where nothing of a nick touches it. */
function writeMention(target: MentionTarget, text: string, look: Look, lines: Run[][]): void {
  const name = nameOf(target, text);
  const before = lines.at(-1)?.at(-1)?.text ?? "";
  const touches = target.kind === "person" && /[\p{L}\p{N}_\-[\]\\^{}|`]$/u.test(before);
  say(lines, touches ? ` ${name}` : name, look);
}

function nameOf(target: MentionTarget, text: string): string {
  switch (target.kind) {
    case "person": {
      const nick = target.remote && readPersonId(target.remote)?.nick;
      // The id holds the nick folded; what core calls them may be the same nick as they write it.
      return nick === undefined || text.toLowerCase() === nick.toLowerCase() ? text : nick;
    }
    case "channel":
      return target.remote?.slice(target.remote.indexOf("/") + 1) ?? text;
    case "message":
      return text === "" || text === target.url ? target.url : `${text} (${target.url})`;
    case "group":
    case "everyone":
    case "here":
      return text;
  }
}

function utc(at: number, style: Extract<Inline, { type: "time" }>["style"]): string | undefined {
  if (Number.isNaN(new Date(at).getTime())) return undefined;
  const iso = new Date(at).toISOString();
  const [date, time] = [iso.slice(0, 10), iso.slice(11, 16)];
  if (style === "date") return date;
  return style === "time" ? `${time} UTC` : `${date} ${time} UTC`;
}

/** Text may hold line breaks of its own; the control characters in it would be formats, or worse. */
function say(lines: Run[][], text: string, look: Look): void {
  for (const [index, part] of text.split(/\r\n|[\r\n]/).entries()) {
    if (index > 0) lines.push([]);
    const kept = clean(part);
    if (kept !== "") push(lines.at(-1) as Run[], { text: kept, look });
  }
}

export function clean(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]/gu, (code) => (code === "\t" || code === "\u2028" || code === "\u2029" ? " " : ""));
}
