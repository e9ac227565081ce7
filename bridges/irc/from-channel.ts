/** Comings and goings, names, ranks, modes and topics: what happens to a channel and its people rather than in it. Pure. */
import type { RemoteEvent, RemoteMembership } from "../../core/model/events.ts";
import type { RemoteUserId } from "../../core/model/ids.ts";
import type { BookPerson } from "./book.ts";
import { readable } from "./endings.ts";
import { nickId } from "./ids.ts";
import { lastParam, type Line, param } from "./line.ts";
import { factsOf, matchesMask, powerOf, readModes } from "./modes.ts";
import { personOf, senderOf, type View, whenAndWhere } from "./view.ts";

type Movement = Pick<RemoteMembership, "change" | "reason" | "by">;

export function fromMovement(line: Line, view: View): RemoteEvent[] {
  const { book } = view;
  const moved = line.command === "KICK" ? param(line, 1) : line.nick;
  const channels = line.command === "QUIT" ? book.channelsOf(moved).map((channel) => channel.name) : [param(line, 0)];
  // Our own comings and goings are nobody's news; being thrown out concerns the person whose login it is.
  if (moved === "" || (view.isOurs(moved) && (line.command !== "KICK" || (book.isMe(moved) && !view.own)))) return [];
  const known = book.person(moved);
  const profile = personOf({ nick: moved, account: known?.account, bot: known?.bot ?? false }, view);
  const said = line.command === "JOIN" ? "" : lastParam(line);
  const reason =
    said !== "" && line.params.length > (line.command === "QUIT" ? 0 : line.command === "KICK" ? 2 : 1) ? { reason: readable(said) } : {};
  const movement: Movement =
    line.command === "JOIN"
      ? { change: "join" }
      : line.command === "KICK"
        ? { change: "kick", ...reason, ...byOf(line, view) }
        : { change: "leave", ...reason };
  return channels.map((name) => ({
    kind: "membership" as const,
    ...whenAndWhere(line, { channel: view.channelId(name), name }, view),
    ...movement,
    person: profile.id,
    profile,
  }));
}

function byOf(line: Line, view: View): { by?: RemoteUserId } {
  return line.nick === "" ? {} : { by: senderOf(line, view).sender };
}

/** Somebody signed in keeps their ghost under a new name; somebody who is not is, as far as anyone can tell, the same under a new id. */
export function fromNick(line: Line, view: View): RemoteEvent[] {
  const person = view.book.person(line.nick);
  const to = param(line, 0);
  if (!person || to === "" || view.isOurs(line.nick) || person.told === undefined) return [];
  return changeOfPerson(person.told, { ...person, nick: to }, line, view);
}

/** Core knows a person by `from`, who now is `person`. */
export function changeOfPerson(
  from: RemoteUserId,
  person: Pick<BookPerson, "nick" | "account" | "bot">,
  line: Line,
  view: View,
): RemoteEvent[] {
  const [heard] = view.book.channelsOf(line.nick);
  if (!heard) return [];
  const when = whenAndWhere(line, { channel: view.channelId(heard.name), name: heard.name }, view);
  const to = personOf(person, view);
  return [to.id === from ? { kind: "person-changed", ...when, person: to } : { kind: "id-changed", ...when, from, to }];
}

export function fromMode(line: Line, view: View): RemoteEvent[] {
  const name = param(line, 0);
  const channel = view.book.channel(name);
  if (!channel) return [];
  const changes = readModes(view.isupport, param(line, 1), line.params.slice(2));
  const when = whenAndWhere(line, { channel: view.channelId(name), name }, view);
  const by = byOf(line, view);
  const events: RemoteEvent[] = [];
  if (changes.some((change) => !change.rank && !change.list)) {
    events.push({ kind: "channel-changed", ...when, facts: factsOf(channel.modes, view.version), ...by });
  }
  const levels = levelsOf(
    changes.filter((change) => change.rank).map((change) => change.parameter ?? ""),
    name,
    view,
  );
  if (Object.keys(levels).length > 0)
    events.push({ kind: "channel-changed", ...when, facts: { powers: { partial: true, levels } }, ...by });
  for (const change of changes) {
    if (change.list && change.mode === "q") events.push(...fromQuiet(change.on, change.parameter ?? "", name, { ...when, ...by }, view));
    if (change.list && change.mode === "b") events.push(...fromBan(change.on, change.parameter ?? "", name, { ...when, ...by }, view));
  }
  return events;
}

function levelsOf(nicks: readonly string[], channel: string, view: View): Record<string, number> {
  const known = nicks.filter((nick) => view.book.channel(channel)?.members.has(view.book.fold(nick)) && !view.isOurs(nick));
  return Object.fromEntries(
    known.map((nick) => {
      const person = view.book.person(nick);
      return [person ? view.book.idOf(person) : nickId(view.network, view.book.fold(nick)), powerOf(view.book.ranksIn(channel, nick))];
    }),
  );
}

/** A mask that means a whole provider says nothing of any one person. */
const MOST_BANNED = 3;

function fromBan(
  on: boolean,
  mask: string,
  name: string,
  when: ReturnType<typeof whenAndWhere> & { by?: RemoteUserId },
  view: View,
): RemoteEvent[] {
  return meantBy(mask, name, view).map((person) => {
    const profile = personOf(person, view);
    return { kind: "membership" as const, ...when, change: on ? ("ban" as const) : ("unban" as const), person: profile.id, profile };
  });
}

/** Whom a mask means, of those who are there; nobody when it means many. */
function meantBy(mask: string, name: string, view: View): BookPerson[] {
  const { book } = view;
  const people = [...(book.channel(name)?.members.keys() ?? [])].flatMap((folded) => book.people.get(folded) ?? []);
  const meant = people.filter((person) => matchesMask(mask, person, (text) => book.fold(text)) && !book.isMe(person.nick));
  return meant.length > MOST_BANNED ? [] : meant;
}

/** On some networks +q is a list of those who may not speak; elsewhere it is the founder's rank. */
function fromQuiet(on: boolean, mask: string, name: string, when: ReturnType<typeof whenAndWhere>, view: View): RemoteEvent[] {
  const quiet = meantBy(mask, name, view).filter((person) => !view.isOurs(person.nick));
  if (quiet.length === 0) return [];
  const levels = Object.fromEntries(
    quiet.map((person) => [view.book.idOf(person), on ? -1 : powerOf(view.book.ranksIn(name, person.nick))]),
  );
  return [{ kind: "channel-changed", ...when, facts: { powers: { partial: true, levels } } }];
}

export function fromTopic(line: Line, view: View): RemoteEvent[] {
  const name = line.command === "TOPIC" ? param(line, 0) : param(line, 1);
  if (!view.book.channel(name)) return [];
  const topic = line.command === "331" ? "" : plainTopic(lastParam(line));
  const by = line.command === "TOPIC" ? byOf(line, view) : {};
  const echo = view.isOurs(line.nick) ? { echo: {} } : {};
  return [
    { kind: "channel-changed", ...whenAndWhere(line, { channel: view.channelId(name), name }, view), facts: { topic }, ...by, ...echo },
  ];
}

/** A topic has no formats elsewhere. */
export function plainTopic(text: string): string {
  return text.replace(/\x03(\d{1,2}(,\d{1,2})?)?|\x04([0-9a-f]{6}(,[0-9a-f]{6})?)?|[\p{Cc}]/giu, "");
}

export function fromChannelModes(line: Line, view: View): RemoteEvent[] {
  const name = param(line, 1);
  const channel = view.book.channel(name);
  if (!channel) return [];
  const when = whenAndWhere(line, { channel: view.channelId(name), name }, view);
  return [{ kind: "channel-changed", ...when, facts: { name: channel.name, ...factsOf(channel.modes, view.version) } }];
}

/** The channel goes on under another name (https://ircv3.net/specs/extensions/channel-rename). */
export function fromRename(line: Line, view: View): RemoteEvent[] {
  const name = param(line, 1);
  if (!view.book.channel(name)) return [];
  return [
    { kind: "channel-changed", ...whenAndWhere(line, { channel: view.channelId(name), name }, view), facts: { name }, ...byOf(line, view) },
  ];
}

export function fromNames(line: Line, view: View): RemoteEvent[] {
  const name = param(line, 1);
  const channel = view.book.channel(name);
  if (!channel) return [];
  const ranked = [...channel.members].filter(([, ranks]) => powerOf(ranks) > 0).map(([folded]) => folded);
  const when = whenAndWhere(line, { channel: view.channelId(name), name }, view);
  return [{ kind: "channel-changed", ...when, facts: { powers: { partial: false, levels: levelsOf(ranked, name, view) } } }];
}
