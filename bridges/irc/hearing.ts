/** From what a session hears to events: the book is kept, our own part in it seen to, and core told what is news. */
import type { RemoteEvent } from "../../core/model/events.ts";
import type { RemoteUserId } from "../../core/model/ids.ts";
import type { Attendance } from "./attendance.ts";
import type { Away } from "./away.ts";
import { type Batch, type Item, isBatch } from "./batches.ts";
import type { Book } from "./book.ts";
import type { Ctcp } from "./ctcp.ts";
import { changeOfPerson, plainTopic } from "./from-channel.ts";
import { fromLine, fromMultiline } from "./from-irc.ts";
import { lastParam, type Line, param } from "./line.ts";
import type { Netsplit } from "./netsplit.ts";
import type { Session } from "./session.ts";
import type { View } from "./view.ts";

export interface HearingOptions {
  readonly session: Session;
  readonly book: Book;
  readonly attendance: Attendance;
  readonly netsplit: Netsplit;
  readonly ctcp: Ctcp;
  /** A person's own login may be in channels that nobody linked. */
  readonly own: boolean;
  view(): View;
  take(events: readonly RemoteEvent[]): void;
  /** Our nick is another now. */
  renamed(from: string, to: string): void;
  readonly away: Away;
  /** Services have signed us in, or out. */
  signed(): void;
  /** The list of a channel's members has come. */
  counted(channel: string): void;
  /** Lines of the past came in one batch. */
  replayed(batch: Batch): void;
}

/** WHOX answers carry it, so that they are known from others'. */
export const WHOX_TOKEN = "152";

export class Hearing {
  readonly #options: HearingOptions;
  readonly #watchers = new Set<(line: Line) => void>();

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  take(item: Item, mark: string | undefined): void {
    if (!isBatch(item)) return this.#line(item, mark);
    switch (item.type) {
      case "draft/multiline":
        this.#options.book.learn(item.opening, this.#accountTags);
        return this.#deliver(fromMultiline(item, this.#options.view(), mark), item.opening.nick);
      case "chathistory":
      case "znc.in/playback":
        // What was asked for is the asker's.
        if (item.opening.tags["label"] === undefined) this.#options.replayed(item);
        return;
      case "netsplit":
      case "netjoin":
        for (const inner of item.items) if (!isBatch(inner)) this.#line(inner, mark, item);
        return;
      default:
        for (const inner of item.items) this.take(inner, mark);
    }
  }

  /** The next line that `wanted` is content with. */
  watch(wanted: (line: Line) => boolean): { readonly line: Promise<Line>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<Line>();
    const watcher = (line: Line): void => {
      if (wanted(line)) resolve(line);
    };
    this.#watchers.add(watcher);
    return { line: promise, stop: () => void this.#watchers.delete(watcher) };
  }

  get #accountTags(): boolean {
    return this.#options.session.caps.has("account-tag");
  }

  #line(line: Line, mark: string | undefined, batch?: Batch): void {
    const { book } = this.#options;
    for (const watcher of this.#watchers) watcher(line);
    const other = book.learn(line, this.#accountTags && tellsAccount(line));
    if (other) this.#newId(other.told, line);
    switch (line.command) {
      case "QUIT":
        return this.#quit(line, batch);
      case "JOIN":
        return this.#join(line, mark);
      case "PART":
      case "KICK":
        return this.#leaves(line, mark);
      case "NICK":
        return this.#nick(line, mark);
      case "INVITE":
        if (book.isMe(param(line, 0))) this.#options.attendance.knock(param(line, 1), (text) => book.fold(text));
        return;
      case "354":
        return this.#whox(line);
      case "900":
      case "901":
        book.me.account = this.#options.session.account;
        return this.#options.signed();
      case "AWAY":
        this.#away(line);
        return this.#tell(line, mark);
      case "RENAME":
        this.#options.attendance.renamed(param(line, 0), param(line, 1), (text) => book.fold(text));
        return this.#tell(line, mark);
      case "PRIVMSG":
        this.#answerCtcp(line);
        return this.#tell(line, mark);
      case "366":
        this.#tell(line, mark);
        return this.#options.counted(param(line, 1));
      default:
        return this.#tell(line, mark);
    }
  }

  /** What changes the channel is told as it is afterwards. */
  #tell(line: Line, mark: string | undefined): void {
    this.#options.book.apply(line);
    this.#deliver(fromLine(line, this.#options.view(), mark), line.nick);
  }

  #away(line: Line): void {
    const { book, away, view } = this.#options;
    const person = book.person(line.nick);
    const [heard] = book.channelsOf(line.nick);
    // Whom core has never heard of has no ghost that could be away.
    if (!person || !heard || person.told === undefined || view().isOurs(line.nick)) return;
    const isAway = line.params.length > 0 && lastParam(line) !== "";
    away.is(person.told, view().channelId(heard.name), isAway ? plainTopic(lastParam(line)) : undefined);
  }

  #quit(line: Line, batch: Batch | undefined): void {
    const { book, netsplit } = this.#options;
    const channels = book.channelsOf(line.nick).map((channel) => channel.name);
    const split = netsplit.quits(line, book.fold(line.nick), channels, batch);
    if (!split) this.#deliver(fromLine(line, this.#options.view()), line.nick);
    book.apply(line);
  }

  #join(line: Line, mark: string | undefined): void {
    const { book, attendance, netsplit, session } = this.#options;
    const name = param(line, 0);
    const fold = (text: string): string => book.fold(text);
    if (!book.isMe(line.nick)) {
      if (netsplit.joins(line.nick, fold(line.nick), name)) return book.apply(line);
      return this.#tell(line, mark);
    }
    book.apply(line);
    if (attendance.idOf(name, fold) !== undefined) attendance.isIn(name, fold);
    // Sent on to another channel, or made to join: nobody asked the bridge to listen there.
    else if (!this.#options.own) void session.askLine("PART", name);
  }

  #leaves(line: Line, mark: string | undefined): void {
    const { book, attendance } = this.#options;
    const kicked = line.command === "KICK";
    const me = book.isMe(kicked ? param(line, 1) : line.nick);
    this.#deliver(fromLine(line, this.#options.view(), mark), line.nick);
    book.apply(line);
    if (!me) return;
    const by = kicked ? { nick: line.nick || line.prefix, reason: line.params.length > 2 ? lastParam(line) : "" } : undefined;
    attendance.isOut(param(line, 0), (text) => book.fold(text), by);
  }

  #nick(told: Line, mark: string | undefined): void {
    const { book } = this.#options;
    // InspIRCd answers a labelled NICK under the new nick already.
    const isAfterwards = told.nick !== "" && told.nick === param(told, 0) && !book.isMe(told.nick) && !book.person(told.nick);
    const line = isAfterwards ? { ...told, nick: book.me.nick } : told;
    const mine = book.isMe(line.nick);
    const before = book.me.nick;
    const news = fromLine(line, this.#options.view(), mark);
    this.#options.take(news);
    book.apply(line);
    const person = book.person(param(line, 0));
    if (person && news.length > 0) person.told = book.idOf(person);
    if (mine) this.#options.renamed(before, book.me.nick);
  }

  #whox(line: Line): void {
    if (param(line, 1) !== WHOX_TOKEN) return;
    const other = this.#options.book.applyWhox(line);
    if (other) this.#newId(other.told, { ...line, nick: other.nick });
  }

  /** Somebody whom core knows by one id has another now. */
  #newId(told: RemoteUserId | undefined, line: Line): void {
    const { book } = this.#options;
    const person = book.person(line.nick);
    if (!person || told === undefined || book.idOf(person) === told || this.#options.view().isOurs(person.nick)) return;
    this.#deliver(changeOfPerson(told, person, line, this.#options.view()), line.nick);
  }

  #answerCtcp(line: Line): void {
    const { ctcp, session, book } = this.#options;
    if (book.isMe(line.nick)) return;
    const answer = ctcp.answer(line);
    if (answer !== undefined) session.tell("NOTICE", [line.nick, answer]);
  }

  /** Core hears of whoever did something, under the id that they have now. */
  #deliver(events: readonly RemoteEvent[], nick: string): void {
    if (events.length === 0) return;
    const { book } = this.#options;
    for (const event of events) {
      const id = idIn(event);
      const acting = book.person(nick);
      const person = id === undefined ? undefined : acting && book.idOf(acting) === id ? acting : book.byId(id);
      if (person) person.told = id;
    }
    this.#options.take(events);
  }
}

function idIn(event: RemoteEvent): RemoteUserId | undefined {
  if ("sender" in event) return event.sender;
  if (event.kind === "membership") return event.person;
  if (event.kind === "id-changed") return event.to.id;
  return "by" in event ? event.by : undefined;
}

/** Servers put the tag on what people do, not on their own numerics. */
function tellsAccount({ command }: Line): boolean {
  return !/^\d/.test(command);
}
