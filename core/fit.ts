/** Makes a message fit what a network can do: passes it, says in words what cannot be shown, or refuses with a sentence. Pure. */
import type { Capabilities, Degree } from "./capabilities.ts";
import type { OutFile, OutMessage, Poll, ReplyTarget, ThreadTarget } from "./model/message.ts";
import { clip, oneLine, sizeText } from "./model/plain.ts";
import { type Block, type Inline, plainText, type RichText } from "./model/richtext.ts";
import { mapMentions, mentions, prefixed } from "./model/walk.ts";

export type Fitting = { readonly message: OutMessage } | { readonly refused: string };

/** What `reply`, `thread`, `file` and `poll` of the result still hold, the network's converter shows; the rest stands in `body`. */
export function fit(message: OutMessage, capabilities: Capabilities): Fitting {
  const refused = refusal(message, capabilities);
  if (refused !== undefined) return { refused };
  const { reply, thread, file, poll, body, ...rest } = message;
  const keeps = {
    poll: poll !== undefined && isAble(capabilities.poll),
    file: file !== undefined && takesFile(capabilities, file),
    reply: reply?.message !== undefined && capabilities.ids && isAble(capabilities.reply),
    thread: (thread?.id ?? thread?.root) !== undefined && capabilities.ids && isAble(capabilities.thread),
  };
  const said = [...body, ...(file && !keeps.file ? fileText(file) : []), ...(poll && !keeps.poll ? pollText(poll) : [])];
  const answering = reply && !keeps.reply ? prefixed(said, replyText(reply)) : said;
  const placed = thread && !keeps.thread ? prefixed(answering, threadText(thread)) : answering;
  return {
    message: {
      ...rest,
      body: isAble(capabilities.formats.everyone) ? placed : withoutRinging(placed),
      ...(file && keeps.file ? { file } : {}),
      ...(reply && keeps.reply ? { reply } : {}),
      ...(thread && keeps.thread ? { thread } : {}),
      ...(poll && keeps.poll ? { poll } : {}),
    },
  };
}

function refusal({ file, poll }: OutMessage, capabilities: Capabilities): string | undefined {
  if (file !== undefined && capabilities.files === "refused") return "Files do not cross to this network.";
  if (poll !== undefined && capabilities.poll === "refused") return "Polls do not cross to this network.";
  return undefined;
}

function isAble(degree: Degree): boolean {
  return degree === "full" || degree === "partial";
}

/** A size that is not known is tried. */
function takesFile({ files, fileSize }: Capabilities, file: OutFile): boolean {
  return isAble(files) && fileSize !== undefined && (file.size ?? 0) <= fileSize;
}

/** `name (1.2 MB, image/png): address` */
function fileText(file: OutFile): RichText {
  const about = [sizeText(file.size), file.mimetype].filter((part) => part !== undefined).join(", ");
  const name = `${file.spoiler ? "(spoiler) " : ""}${oneLine(file.name)}${about === "" ? "" : ` (${about})`}`;
  const words = file.description && file.kind !== "sticker" ? `${name} “${clip(oneLine(file.description), 200)}”` : name;
  if (file.link === undefined) return plainText(`${words}, which can be opened on Matrix only`);
  const link: Inline = { type: "link", url: file.link, content: [{ type: "text", text: file.link }] };
  return [{ type: "paragraph", content: [{ type: "text", text: `${words}: ` }, link] }];
}

/** The answers with their numbers, and how to vote where polls are only text. */
function pollText(poll: Poll): RichText {
  const question: Block = {
    type: "paragraph",
    content: [
      { type: "text", text: "📊 " },
      { type: "bold", content: [{ type: "text", text: poll.question }] },
    ],
  };
  const answers: Block = { type: "list", start: 1, items: poll.answers.map(({ text }) => plainText(text)) };
  return [question, answers, ...plainText("Vote by writing !vote and the number.")];
}

/** The longest excerpt in front of a text: it should be known again, not read. */
const EXCERPT = 60;

/** `name: ` where it is clear what is answered, else `[re name: "first words…"] `. */
function replyText({ author, authorName, excerpt, latest }: ReplyTarget): Inline[] {
  const name: Inline =
    author === undefined
      ? { type: "text", text: authorName }
      : { type: "mention", target: { kind: "person", remote: author }, text: authorName };
  if (latest) return [name, { type: "text", text: ": " }];
  const words = clip(oneLine(excerpt), EXCERPT);
  return [{ type: "text", text: "[re " }, name, { type: "text", text: words === "" ? "] " : `: "${words}"] ` }];
}

function threadText({ excerpt }: ThreadTarget): Inline[] {
  return [{ type: "text", text: `[↳ ${clip(oneLine(excerpt), EXCERPT) || "thread"}] ` }];
}

function withoutRinging(body: RichText): RichText {
  if (!mentions(body).some(({ target }) => isRinging(target.kind))) return body;
  return mapMentions(body, (target, text) => ({
    type: "mention",
    target: target.kind === "everyone" || target.kind === "here" ? { kind: target.kind, allowed: false } : target,
    text,
  }));
}

function isRinging(kind: string): boolean {
  return kind === "everyone" || kind === "here";
}

/** One line for reactions where messages cannot carry any. `key` is an emoji, `:name:` or the address of a picture. */
export function reactionLine(who: string | readonly string[], key: string, target?: Pick<ReplyTarget, "authorName" | "excerpt">): RichText {
  const names = typeof who === "string" ? [who] : who;
  const shown = key.startsWith("mxc://") ? "a picture" : oneLine(key);
  const people = names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), `${names.length - MOST_NAMES} more`] : names;
  const list = people.length > 1 ? `${people.slice(0, -1).join(", ")} and ${people.at(-1)}` : (people[0] ?? "someone");
  const words = clip(oneLine(target?.excerpt ?? ""), EXCERPT);
  const to = target === undefined ? "" : ` to ${target.authorName}${words === "" ? "" : `: "${words}"`}`;
  return plainText(`${list} reacted with ${shown}${to}`);
}

const MOST_NAMES = 5;
