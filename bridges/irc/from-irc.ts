/**
 * From IRC's lines to the model. Pure: what the lines leave out stands in the `View`, which is the book as it was before the line for
 * messages and departures, and as it is after it for what has changed.
 */
import type { Echo, RemoteEvent } from "../../core/model/events.ts";
import { type RemoteMessageId, remoteMessageId } from "../../core/model/ids.ts";
import type { ReactionKey, Style } from "../../core/model/message.ts";
import { type Batch, linesOf } from "./batches.ts";
import { fromFormatting } from "./formatting.ts";
import { fromChannelModes, fromMode, fromMovement, fromNames, fromNick, fromRename, fromTopic } from "./from-channel.ts";
import { directId, isMsgid, madeUpMessageId } from "./ids.ts";
import { lastParam, type Line, param, timeOf } from "./line.ts";
import { powerOf } from "./modes.ts";
import { type Place, senderOf, type View, whenAndWhere } from "./view.ts";

/** Rides on what we send, so that our own words can be known again (https://ircv3.net/specs/extensions/message-tags#client-only-tags). */
export const keyTag = "+causeway.io/key";

/** `mark` is the key of the send that this may be the echo of. */
export function fromLine(line: Line, view: View, mark?: string): RemoteEvent[] {
  switch (line.command) {
    case "PRIVMSG":
    case "NOTICE":
      return fromMessage(line, lastParam(line), view, mark);
    case "TAGMSG":
      return fromTags(line, view);
    case "REDACT":
      return fromRedact(line, view);
    case "JOIN":
    case "PART":
    case "QUIT":
    case "KICK":
      return fromMovement(line, view);
    case "NICK":
      return fromNick(line, view);
    case "MODE":
      return fromMode(line, view);
    case "TOPIC":
    case "331":
    case "332":
      return fromTopic(line, view);
    case "RENAME":
      return fromRename(line, view);
    case "324":
      return fromChannelModes(line, view);
    case "366":
      return fromNames(line, view);
    default:
      return [];
  }
}

/** A multiline message (https://ircv3.net/specs/extensions/multiline): one message, however many lines it took. */
export function fromMultiline(batch: Batch, view: View, mark?: string): RemoteEvent[] {
  const [first, ...rest] = linesOf(batch).filter((line) => line.command === "PRIVMSG" || line.command === "NOTICE");
  if (!first) return [];
  const text = rest.reduce((all, line) => all + ("draft/multiline-concat" in line.tags ? "" : "\n") + lastParam(line), lastParam(first));
  const tags = { ...batch.opening.tags };
  const sender = batch.opening.nick === "" ? first : batch.opening;
  return fromMessage({ ...sender, tags, command: first.command, params: [param(first, 0), text] }, text, view, mark);
}

/** Where something was said. Undefined = not for the channel's people: words for operators alone go nowhere else. */
function placeOf(line: Line, view: View): Place | undefined {
  const target = param(line, 0);
  if (view.isupport.statusSigns.includes(target[0] ?? "-")) return undefined;
  if (view.isupport.isChannel(target)) return { channel: view.channelId(target), name: target };
  const other = view.book.isMe(line.nick) ? target : view.book.isMe(target) ? line.nick : "";
  if (other === "") return undefined;
  return { channel: directId(view.network, view.book.fold(other), view.login), direct: true, name: "" };
}

function fromMessage(line: Line, words: string, view: View, mark: string | undefined): RemoteEvent[] {
  const place = placeOf(line, view);
  // A server's own words are for those who run the bridge.
  if (!place || line.nick === "") return [];
  const said = contentOf(line.command, words);
  if (!said) return [];
  const msgid = line.tags["msgid"];
  const cursor = view.cursor(place.channel, timeOf(line));
  const when = { ...whenAndWhere(line, place, view), ...(cursor === undefined ? {} : { cursor }) };
  const echo = echoOf(line, view, mark);
  const command = echo || said.style !== "text" ? undefined : commandIn(said.text, place);
  if (command !== undefined) {
    const power = powerOf(view.book.ranksIn(place.name, line.nick));
    const subject = msgid ? { subject: `command:${msgid}` } : {};
    return [{ kind: "command", ...when, ...subject, ...senderOf(line, view), words: command, reply: { nick: line.nick }, power }];
  }
  const message = msgid && isMsgid(remoteMessageId(msgid)) ? remoteMessageId(msgid) : madeUpMessageId(when.at, view.count());
  return [
    {
      kind: "message",
      ...when,
      ...(msgid ? { subject: `message:${msgid}` } : {}),
      ...senderOf(line, view),
      message,
      style: said.style,
      body: fromFormatting(said.text, namesIn(place, line.nick, view)),
      ...replyOf(line),
      ...(echo ? { echo } : {}),
    },
  ];
}

/** CTCP carries actions, and machine talk that is no message. */
function contentOf(command: string, words: string): { text: string; style: Style } | undefined {
  if (!words.startsWith("\x01")) return words === "" ? undefined : { text: words, style: command === "NOTICE" ? "notice" : "text" };
  const [, action] = /^\x01ACTION ?([^\x01]*)\x01?$/i.exec(words) ?? [];
  return action === undefined || action === "" ? undefined : { text: action, style: "emote" };
}

/** Words to the bridge: `!causeway …`, `!vote n` and `!optout` anywhere, and what begins with `!` in a private talk. */
function commandIn(text: string, place: Place): string | undefined {
  const [, word = "", rest = ""] = /^!(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (/^causeway$/i.test(word)) return rest.trim() || "help";
  return /^(opt(in|out)|vote)$/i.test(word) || (place.direct && word !== "") ? `${word.toLowerCase()} ${rest}`.trim() : undefined;
}

function replyOf(line: Line): { replyTo?: { message: RemoteMessageId } } {
  const target = remoteMessageId(line.tags["+draft/reply"] || line.tags["+reply"] || "~");
  return isMsgid(target) ? { replyTo: { message: target } } : {};
}

/** Nobody rings themselves by saying who they are. */
function namesIn(place: Place, speaker: string, view: View) {
  const members = place.name === "" ? undefined : view.book.channel(place.name)?.members;
  return {
    person: (nick: string) => {
      const folded = view.book.fold(nick);
      const other = folded !== view.book.fold(speaker);
      const person = other && members?.has(folded) ? view.book.people.get(folded) : undefined;
      return person && { id: view.book.idOf(person), name: person.nick };
    },
    channel: (name: string) => view.knownChannel(name),
  };
}

/**
 * Ours, and which send it was where that can be told. A person's own words, said elsewhere under the same nick, are no echo: they carry no
 * key where keys travel, and come unasked where we hear ourselves.
 */
function echoOf(line: Line, view: View, mark: string | undefined): Echo | undefined {
  const relayedBy = line.tags["draft/relaymsg"];
  const me = view.book.isMe(line.nick) || (relayedBy !== undefined && view.book.isMe(relayedBy));
  if (!me && !view.isOurs(line.nick) && !view.isOurs(relayedBy ?? "")) return undefined;
  const key = line.tags[keyTag] || (me ? mark : undefined);
  if (key) return { key };
  if (me) return view.own && view.via === "live" ? undefined : {};
  return {};
}

function fromTags(line: Line, view: View): RemoteEvent[] {
  const place = placeOf(line, view);
  if (!place || line.nick === "") return [];
  const echo = echoOf(line, view, undefined);
  const common = { ...whenAndWhere(line, place, view), ...(echo ? { echo } : {}) };
  const typing = line.tags["+typing"] ?? line.tags["+draft/typing"];
  if (typing) return [{ kind: "typing", ...common, ...senderOf(line, view), for: typingTime(typing) }];
  const target = replyOf(line).replyTo?.message;
  const [kind, sign] = line.tags["+draft/unreact"]
    ? (["unreact", line.tags["+draft/unreact"]] as const)
    : (["react", line.tags["+draft/react"]] as const);
  const key = sign === undefined ? undefined : reactionOf(sign);
  if (!target || !key) return [];
  const msgid = line.tags["msgid"];
  return [{ kind, ...common, ...(msgid ? { subject: `${kind}:${msgid}` } : {}), ...senderOf(line, view), message: target, key }];
}

/** Shown for six seconds after `active`, thirty after `paused` (https://ircv3.net/specs/client-tags/typing). */
function typingTime(state: string): number {
  return state === "active" ? 6000 : state === "paused" ? 30_000 : 0;
}

/** Reactions are free text; `:name:` is how clients write emoji of their own. */
function reactionOf(sign: string): ReactionKey | undefined {
  const text = sign
    .replace(/[\p{Cc}]/gu, "")
    .slice(0, 64)
    .toWellFormed()
    .trim();
  const name = /^:([\w+-]{1,60}):$/.exec(text)?.[1];
  return text === "" ? undefined : name ? { kind: "custom", name } : { kind: "unicode", text };
}

function fromRedact(line: Line, view: View): RemoteEvent[] {
  const place = placeOf(line, view);
  const target = remoteMessageId(param(line, 1));
  if (!place || !isMsgid(target)) return [];
  const by = line.nick === "" ? {} : { by: senderOf(line, view).sender };
  const echo = view.isOurs(line.nick) ? { echo: {} } : {};
  return [{ kind: "delete", ...whenAndWhere(line, place, view), subject: `delete:${target}`, messages: [target], ...by, ...echo }];
}
