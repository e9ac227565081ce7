/** What a line leaves out and its conversion needs: the book, the server's ways, and names for places and people. */
import type { Cursor } from "../../core/model/events.ts";
import type { LoginId, RemoteChannelId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Book, BookPerson } from "./book.ts";
import type { Isupport } from "./isupport.ts";
import { type Line, timeOf } from "./line.ts";

export interface View {
  readonly book: Book;
  readonly isupport: Isupport;
  readonly network: string;
  readonly login: LoginId;
  /** A person's own login: what they say elsewhere under the same nick is theirs, not an echo of the bridge's. */
  readonly own: boolean;
  readonly version: string;
  /** The next place in the channel's history, for a message of that time; undefined where there is no history. */
  cursor(channel: RemoteChannelId, time: number | undefined): Cursor | undefined;
  readonly via: "live" | "history";
  readonly now: number;
  /** Messages carry our keys: what is said under a nick of ours without one was said by somebody's other client. */
  readonly tagsPass: boolean;
  /** The id under which core knows the channel. */
  channelId(name: string): RemoteChannelId;
  /** Channels that the bridge knows, for words that look like one. */
  knownChannel(name: string): RemoteChannelId | undefined;
  /** Whether the nick is, or was lately, one of the bridge's own on this network. */
  isOurs(nick: string): boolean;
  /** Counts what has no id of its own. */
  count(): number;
}

export interface Place {
  readonly channel: RemoteChannelId;
  readonly direct?: true;
  /** As it stands on the wire; empty for a private talk. */
  readonly name: string;
}

export function whenAndWhere(line: Line, place: Place, view: View) {
  const at = timeOf(line) ?? view.now;
  return { channel: place.channel, at, via: view.via, ...(place.direct ? { direct: true as const } : {}) };
}

export function senderOf(line: Line, view: View): { sender: RemoteUserId; person: Person } {
  const known = view.book.person(line.nick);
  const account = "account" in line.tags ? line.tags["account"] || null : known?.account;
  const bot = known?.bot || "bot" in line.tags || "draft/bot" in line.tags;
  const person = personOf({ nick: line.nick, account, bot }, view);
  return { sender: person.id, person };
}

export function personOf(person: Pick<BookPerson, "nick" | "account" | "bot">, view: Pick<View, "book" | "isOurs">): Person {
  const ours = view.isOurs(person.nick) ? { ours: true } : {};
  return { id: view.book.idOf(person), name: person.nick, avatar: null, ...(person.bot ? { bot: true } : {}), ...ours };
}
