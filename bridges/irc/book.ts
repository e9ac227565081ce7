/**
 * Who is where, as far as the server's lines tell: people by nick, channels with their members, ranks, modes and topics. It believes
 * nothing but the server, its own nick included.
 */
import type { RemoteUserId } from "../../core/model/ids.ts";
import { accountId, nickId } from "./ids.ts";
import type { Isupport } from "./isupport.ts";
import { lastParam, type Line, param } from "./line.ts";
import type { Mask } from "./lines.ts";
import { readModes } from "./modes.ts";

export interface BookPerson {
  nick: string;
  user: string;
  host: string;
  /** Null = not signed in, undefined = not known. */
  account: string | null | undefined;
  realName: string | undefined;
  away: boolean;
  bot: boolean;
  /** The id under which core has heard of them. */
  told: RemoteUserId | undefined;
}

export interface BookChannel {
  /** As the server writes it. */
  readonly name: string;
  /** Folded nicks, each with the letters of its ranks. */
  readonly members: Map<string, string>;
  readonly modes: Map<string, string>;
  /** The server has told the modes. */
  modesKnown: boolean;
  topic: string | undefined;
  /** The list of members has come once, whole. */
  counted: boolean;
  /** The list that is coming. */
  counting: Map<string, string> | undefined;
}

export interface BookOptions {
  readonly network: string;
  readonly byAccount: boolean;
  readonly isupport: Isupport;
  /** Keeps nobody but ourselves: for connections that hear nothing of others. */
  readonly alone: boolean;
  /** `extended-join` is on: JOIN tells the account. */
  readonly joinsTellAccounts: () => boolean;
  fold(text: string): string;
}

/** A server that invents people is not believed for ever. */
const MOST_PEOPLE = 100_000;

export class Book {
  readonly me: { nick: string; user: string; host: string; account: string | undefined };
  readonly people = new Map<string, BookPerson>();
  readonly channels = new Map<string, BookChannel>();
  readonly #options: BookOptions;
  /** Former names of channels. */
  readonly #aliases = new Map<string, string>();

  constructor(nick: string, options: BookOptions) {
    this.me = { nick, user: "", host: "", account: undefined };
    this.#options = options;
  }

  fold(text: string): string {
    return this.#options.fold(text);
  }

  isMe(nick: string): boolean {
    return nick !== "" && this.fold(nick) === this.fold(this.me.nick);
  }

  /** Absent until the server has shown it. */
  get mask(): Mask | undefined {
    return this.me.host === "" ? undefined : this.me;
  }

  person(nick: string): BookPerson | undefined {
    return this.people.get(this.fold(nick));
  }

  channel(name: string): BookChannel | undefined {
    const folded = this.fold(name);
    return this.channels.get(folded) ?? this.channels.get(this.#aliases.get(folded) ?? folded);
  }

  /** The channel that core knows by one name goes by another. */
  alias(from: string, to: string): void {
    this.#aliases.set(this.fold(from), this.fold(to));
  }

  ranksIn(channel: string, nick: string): string {
    return this.channel(channel)?.members.get(this.fold(nick)) ?? "";
  }

  channelsOf(nick: string): BookChannel[] {
    const folded = this.fold(nick);
    return [...this.channels.values()].filter((channel) => channel.members.has(folded));
  }

  /** A ghost belongs to the account where there is one that we go by, else to the nick. */
  idOf(person: Pick<BookPerson, "nick" | "account">): RemoteUserId {
    const { network, byAccount } = this.#options;
    return byAccount && person.account ? accountId(network, person.account) : nickId(network, this.fold(person.nick));
  }

  byId(id: RemoteUserId): BookPerson | undefined {
    const nick = id.slice(id.indexOf("/") + 1);
    const direct = this.people.get(nick);
    if (direct && this.idOf(direct) === id) return direct;
    for (const person of this.people.values()) if (this.idOf(person) === id) return person;
    return undefined;
  }

  /** What a line tells about whoever it comes from. Returns the person when they may now have another id. */
  learn(line: Line, accountTags: boolean): BookPerson | undefined {
    if (line.nick === "") return undefined;
    if (this.isMe(line.nick)) this.#seeMe(line);
    const person = this.person(line.nick);
    if (!person) return undefined;
    if (line.user !== "") person.user = line.user;
    if (line.host !== "") person.host = line.host;
    if (line.command === "ACCOUNT") return this.#account(person, param(line, 0) === "*" ? null : param(line, 0));
    return accountTags ? this.#account(person, line.tags["account"] || null) : undefined;
  }

  #account(person: BookPerson, account: string | null): BookPerson | undefined {
    if (person.account === account) return undefined;
    person.account = account;
    return person;
  }

  #seeMe(line: Line): void {
    if (line.user !== "") this.me.user = line.user;
    if (line.host !== "") this.me.host = line.host;
  }

  apply(line: Line): void {
    switch (line.command) {
      case "JOIN":
        return this.#join(line);
      case "PART":
        return this.#leave(line.nick, param(line, 0));
      case "KICK":
        return this.#leave(param(line, 1), param(line, 0));
      case "QUIT":
        return this.forget(line.nick);
      case "NICK":
        return this.#rename(line.nick, param(line, 0));
      case "MODE":
        return this.#modes(param(line, 0), param(line, 1), line.params.slice(2));
      case "TOPIC":
        return this.#topic(param(line, 0), lastParam(line));
      case "AWAY":
        return void this.#note(line.nick, { away: line.params.length > 0 && lastParam(line) !== "" });
      case "CHGHOST":
        return this.#note(line.nick, { user: param(line, 0), host: param(line, 1) });
      case "SETNAME":
        return void this.#note(line.nick, { realName: param(line, 0) });
      case "RENAME":
        return this.#renameChannel(param(line, 0), param(line, 1));
      default:
        this.#numeric(line);
    }
  }

  #numeric(line: Line): void {
    switch (line.command) {
      case "324":
        this.#clearModes(param(line, 1));
        return this.#modes(param(line, 1), param(line, 2), line.params.slice(3));
      case "331":
        return this.#topic(param(line, 1), "");
      case "332":
        return this.#topic(param(line, 1), lastParam(line));
      case "352":
        return this.#who(param(line, 5), param(line, 2), param(line, 3), param(line, 6));
      case "353":
        return this.#names(param(line, 2), lastParam(line));
      case "366":
        return this.#counted(param(line, 1));
      case "396":
        return this.#hostShown(param(line, 1));
    }
  }

  /** WHOX with `%tuhnfa` and our token (https://ircv3.net/specs/extensions/whox): user, host, nick, flags, account. */
  applyWhox(line: Line): BookPerson | undefined {
    const [, , user = "", host = "", nick = "", flags = "", account = ""] = line.params;
    this.#who(nick, user, host, flags);
    const person = this.person(nick);
    return person && this.#account(person, account === "0" || account === "" ? null : account);
  }

  forget(nick: string): void {
    const folded = this.fold(nick);
    for (const channel of this.channels.values()) strike(channel, folded);
    this.people.delete(folded);
  }

  #join(line: Line): void {
    const name = param(line, 0);
    if (this.isMe(line.nick)) {
      this.channels.set(this.fold(name), emptyChannel(name));
      this.#seeMe(line);
    }
    const channel = this.channel(name);
    if (!channel || (this.#options.alone && !this.isMe(line.nick))) return;
    const person = this.#meet(line.nick);
    Object.assign(person, { user: line.user, host: line.host });
    if (this.#options.joinsTellAccounts()) {
      person.account = param(line, 1) === "*" || line.params.length < 2 ? null : param(line, 1);
      person.realName = line.params[2];
    }
    channel.members.set(this.fold(line.nick), "");
    channel.counting?.set(this.fold(line.nick), "");
  }

  #leave(nick: string, name: string): void {
    if (this.isMe(nick)) {
      const left = this.channel(name);
      this.channels.delete(this.fold(name));
      for (const folded of left?.members.keys() ?? []) this.#forgetStranger(folded);
      return;
    }
    const channel = this.channel(name);
    if (channel) strike(channel, this.fold(nick));
    this.#forgetStranger(this.fold(nick));
  }

  #forgetStranger(folded: string): void {
    for (const channel of this.channels.values()) if (channel.members.has(folded)) return;
    this.people.delete(folded);
  }

  #rename(from: string, to: string): void {
    if (to === "") return;
    if (this.isMe(from)) this.me.nick = to;
    const [before, after] = [this.fold(from), this.fold(to)];
    const person = this.people.get(before);
    if (!person) return;
    person.nick = to;
    if (before === after) return;
    this.people.delete(before);
    this.people.set(after, person);
    for (const { members, counting } of this.channels.values()) {
      move(members, before, after);
      if (counting) move(counting, before, after);
    }
  }

  #modes(target: string, letters: string, parameters: readonly string[]): void {
    const channel = this.channel(target);
    if (!channel) return;
    for (const { on, mode, parameter, rank, list } of readModes(this.#options.isupport, letters, parameters)) {
      if (rank && parameter !== undefined) this.#rank(channel, this.fold(parameter), mode, on);
      else if (!rank && !list && on) channel.modes.set(mode, parameter ?? "");
      else if (!rank && !list) channel.modes.delete(mode);
    }
  }

  #clearModes(name: string): void {
    const channel = this.channel(name);
    if (!channel) return;
    channel.modes.clear();
    channel.modesKnown = true;
  }

  #rank(channel: BookChannel, folded: string, mode: string, on: boolean): void {
    const ranks = channel.members.get(folded);
    if (ranks === undefined) return;
    const without = ranks.replaceAll(mode, "");
    channel.members.set(folded, on ? without + mode : without);
  }

  #topic(name: string, topic: string): void {
    const channel = this.channel(name);
    if (channel) channel.topic = topic;
  }

  #renameChannel(from: string, to: string): void {
    const channel = this.channel(from);
    if (!channel || to === "") return;
    this.channels.delete(this.fold(from));
    this.channels.set(this.fold(to), { ...channel, name: to });
    for (const [former, now] of this.#aliases) if (now === this.fold(from)) this.#aliases.set(former, this.fold(to));
    this.alias(from, to);
  }

  #note(nick: string, change: Partial<BookPerson>): void {
    if (this.isMe(nick) && change.host !== undefined) Object.assign(this.me, { user: change.user ?? this.me.user, host: change.host });
    const person = this.person(nick);
    if (person) Object.assign(person, change);
  }

  #hostShown(shown: string): void {
    const [host = "", user] = shown.split("@").reverse();
    if (host !== "" && !host.includes(" ")) Object.assign(this.me, user ? { user, host } : { host });
  }

  #who(nick: string, user: string, host: string, flags: string): void {
    this.#note(nick, { user, host, away: flags.startsWith("G"), bot: this.#isBot(flags) });
  }

  #isBot(flags: string): boolean {
    const mode = this.#options.isupport.botMode;
    return mode !== undefined && flags.includes(mode);
  }

  #names(name: string, list: string): void {
    const channel = this.channel(name);
    if (!channel) return;
    channel.counting ??= new Map();
    const ranks = this.#options.isupport.ranks;
    for (const entry of list.split(" ").filter(Boolean)) {
      let [modes, rest] = ["", entry];
      for (
        let rank = ranks.find(({ sign }) => sign === rest[0]);
        rank && rest.length > 1;
        rank = ranks.find(({ sign }) => sign === rest[0])
      ) {
        modes += rank.mode;
        rest = rest.slice(1);
      }
      const [, nick = "", user, host] = /^([^!]+)(?:!([^@]*)@(.*))?$/.exec(rest) ?? [];
      if (nick === "" || channel.counting.size > MOST_PEOPLE || (this.#options.alone && !this.isMe(nick))) continue;
      channel.counting.set(this.fold(nick), modes);
      this.#meet(nick);
      if (user !== undefined && host !== undefined) this.#note(nick, { user, host });
    }
  }

  #counted(name: string): void {
    const channel = this.channel(name);
    if (!channel) return;
    const before = [...channel.members.keys()];
    if (channel.counting) {
      channel.members.clear();
      for (const [nick, ranks] of channel.counting) channel.members.set(nick, ranks);
    }
    channel.counting = undefined;
    channel.counted = !this.#options.alone;
    for (const folded of before) this.#forgetStranger(folded);
  }

  #meet(nick: string): BookPerson {
    const known = this.person(nick);
    if (known) return known;
    const person: BookPerson = {
      nick,
      user: "",
      host: "",
      account: undefined,
      realName: undefined,
      away: false,
      bot: false,
      told: undefined,
    };
    if (this.people.size < MOST_PEOPLE) this.people.set(this.fold(nick), person);
    return person;
  }
}

function strike(channel: BookChannel, folded: string): void {
  channel.members.delete(folded);
  channel.counting?.delete(folded);
}

function move(ranked: Map<string, string>, before: string, after: string): void {
  const ranks = ranked.get(before);
  if (ranks === undefined) return;
  ranked.delete(before);
  ranked.set(after, ranks);
}

function emptyChannel(name: string): BookChannel {
  return { name, members: new Map(), modes: new Map(), modesKnown: false, topic: undefined, counted: false, counting: undefined };
}
