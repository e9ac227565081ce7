/** The fake network itself: what users do and who hears of it. Sockets and in-process people use it alike. */
import { Channel, type Entry, glob, User } from "./model.ts";
import type { Message } from "./message.ts";
import type { Profile } from "./profiles.ts";

/** An error numeric: thrown by what is not allowed, sent to whoever tried. */
export class Numeric extends Error {
  readonly code: string;
  readonly params: readonly string[];
  constructor(code: string, ...params: readonly string[]) {
    super(`${code} ${params.join(" ")}`);
    this.code = code;
    this.params = params;
  }
}

export class FakeNetwork {
  readonly profile: Profile;
  readonly serverName = "irc.fake.test";
  readonly users = new Map<string, User>();
  readonly channels = new Map<string, Channel>();
  /** Services accounts and their passwords. */
  readonly accounts = new Map<string, string>();
  #count = 0;
  #last = 0;

  constructor(profile: Profile) {
    this.profile = profile;
  }

  fold(text: string): string {
    const lower = text.toLowerCase();
    return this.profile.caseMapping === "ascii"
      ? lower
      : lower.replace(/[[\]\\^]/g, (sign) => ({ "[": "{", "]": "}", "\\": "|", "^": "~" })[sign] as string);
  }

  find(nick: string): User | undefined {
    return this.users.get(this.fold(nick));
  }

  channel(name: string): Channel | undefined {
    return this.channels.get(this.fold(name));
  }

  add(user: User): void {
    if (this.find(user.nick)) throw new Numeric("433", user.nick, "Nickname is already in use");
    this.users.set(this.fold(user.nick), user);
  }

  /** Server tags of something that `user` does. */
  stamp(user: User): { id: string; at: number; tags: Record<string, string> } {
    const at = Math.max(Date.now(), this.#last);
    this.#last = at;
    const id = `m${(++this.#count).toString(36)}x${at.toString(36)}`;
    const tags: Record<string, string> = { time: new Date(at).toISOString() };
    if (this.profile.msgids) tags["msgid"] = id;
    if (user.account) tags["account"] = user.account;
    if (user.bot) tags["bot"] = "";
    return { id, at, tags };
  }

  tell(users: Iterable<User>, message: Message): void {
    for (const user of new Set(users)) user.hear(message);
  }

  join(user: User, name: string, key = ""): void {
    const known = this.channel(name);
    if (known?.members.has(user)) return;
    if (!/^[#&][^\s,\x07]{1,63}$/.test(name)) throw new Numeric("403", name, "No such channel");
    const channel = known ?? new Channel(name);
    if (known) this.#mayJoin(user, channel, key);
    this.channels.set(this.fold(name), channel);
    channel.members.set(user, known ? "" : "o");
    channel.invited.delete(this.fold(user.nick));
    user.channels.add(channel);
    const { tags } = this.stamp(user);
    for (const member of channel.members.keys()) {
      const extended = member.caps.has("extended-join") ? [user.account ?? "*", user.realName] : [];
      member.hear({ tags, prefix: user.mask, command: "JOIN", params: [channel.name, ...extended] });
    }
    if (channel.modes.has("H")) this.#replay(user, channel);
  }

  /** InspIRCd's +H: the last lines, to whoever joins and can take a batch. */
  #replay(user: User, channel: Channel): void {
    if (!user.caps.has("batch")) return;
    const batch = `r${this.#count}`;
    user.hear({ prefix: this.serverName, command: "BATCH", params: [`+${batch}`, "chathistory", channel.name] });
    for (const entry of channel.log.slice(-Number(channel.modes.get("H")))) {
      if (entry.command === "TAGMSG") continue;
      const tags: Record<string, string> = {
        time: new Date(entry.at).toISOString(),
        ...(this.profile.msgids ? { msgid: entry.id } : {}),
        ...entry.tags,
      };
      deliver(user, { ...entry, tags }, channel.name, batch);
    }
    user.hear({ prefix: this.serverName, command: "BATCH", params: [`-${batch}`] });
  }

  #mayJoin(user: User, channel: Channel, key: string): void {
    const invited = channel.invited.has(this.fold(user.nick));
    const { modes, name } = channel;
    if (!invited && this.isBanned(user, channel)) throw new Numeric("474", name, "Cannot join channel (+b)");
    if (modes.has("i") && !invited) throw new Numeric("473", name, "Cannot join channel (+i)");
    if (modes.has("k") && modes.get("k") !== key) throw new Numeric("475", name, "Cannot join channel (+k)");
    if (modes.has("l") && channel.members.size >= Number(modes.get("l"))) throw new Numeric("471", name, "Cannot join channel (+l)");
    if (modes.has("R") && !user.account) throw new Numeric("477", name, "You must be logged in");
  }

  isBanned(user: User, channel: Channel): boolean {
    return [...channel.bans].some((mask) => (mask.startsWith("a:") ? user.account === mask.slice(2) : glob(mask, user.mask)));
  }

  part(user: User, name: string, reason?: string): void {
    const channel = this.#joined(user, name);
    this.tell(channel.members.keys(), {
      tags: this.stamp(user).tags,
      prefix: user.mask,
      command: "PART",
      params: reason === undefined ? [channel.name] : [channel.name, reason],
    });
    this.#remove(user, channel);
  }

  kick(user: User, name: string, nick: string, reason = user.nick): void {
    const channel = this.#joined(user, name);
    this.#needsRank(user, channel);
    const victim = this.find(nick);
    if (!victim || !channel.members.has(victim)) throw new Numeric("441", nick, channel.name, "They aren't on that channel");
    this.tell(channel.members.keys(), {
      tags: this.stamp(user).tags,
      prefix: user.mask,
      command: "KICK",
      params: [channel.name, victim.nick, reason],
    });
    this.#remove(victim, channel);
  }

  quit(user: User, reason: string, batch?: string): void {
    const witnesses = this.witnesses(user);
    witnesses.delete(user);
    for (const channel of [...user.channels]) this.#remove(user, channel);
    if (this.users.get(this.fold(user.nick)) === user) this.users.delete(this.fold(user.nick));
    this.tell(witnesses, {
      tags: { ...this.stamp(user).tags, ...(batch ? { batch } : {}) },
      prefix: user.mask,
      command: "QUIT",
      params: [reason],
    });
  }

  nick(user: User, nick: string): void {
    const holder = this.find(nick);
    if (holder && holder !== user) throw new Numeric("433", nick, "Nickname is already in use");
    const before = user.mask;
    const { tags } = this.stamp(user);
    this.users.delete(this.fold(user.nick));
    user.nick = nick;
    this.users.set(this.fold(nick), user);
    const others = [...this.witnesses(user)].filter((one) => one !== user);
    // InspIRCd answers a labelled NICK when it is done: from the new nick to the new nick.
    const isAfterwards = this.profile.name === "inspircd" && user.caps.has("labeled-response");
    user.hear({ tags, prefix: isAfterwards ? user.mask : before, command: "NICK", params: [nick] });
    this.tell(others, { tags, prefix: before, command: "NICK", params: [nick] });
  }

  /** Everyone who shares a channel with the user. */
  witnesses(user: User): Set<User> {
    return new Set([...user.channels].flatMap((channel) => [...channel.members.keys()]));
  }

  /** Those who asked for it are told. */
  away(user: User): void {
    const hearers = [...this.witnesses(user)].filter((one) => one !== user && one.caps.has("away-notify"));
    this.tell(hearers, { prefix: user.mask, command: "AWAY", params: user.away === undefined ? [] : [user.away] });
  }

  login(user: User, account: string | undefined): void {
    user.account = account;
    const seen = [...this.witnesses(user)].filter((witness) => witness.caps.has("account-notify"));
    this.tell(seen, { tags: this.stamp(user).tags, prefix: user.mask, command: "ACCOUNT", params: [account ?? "*"] });
  }

  topic(user: User, name: string, text: string): void {
    const channel = this.#joined(user, name);
    if (channel.modes.has("t")) this.#needsRank(user, channel);
    channel.topic = text;
    this.tell(channel.members.keys(), { tags: this.stamp(user).tags, prefix: user.mask, command: "TOPIC", params: [channel.name, text] });
  }

  invite(user: User, nick: string, name: string): void {
    const channel = this.#joined(user, name);
    const guest = this.find(nick);
    if (!guest) throw new Numeric("401", nick, "No such nick");
    if (channel.members.has(guest)) throw new Numeric("443", nick, channel.name, "is already on channel");
    channel.invited.add(this.fold(nick));
    guest.hear({ tags: this.stamp(user).tags, prefix: user.mask, command: "INVITE", params: [guest.nick, channel.name] });
  }

  mode(user: User, name: string, letters: string, params: readonly string[]): void {
    const channel = this.#joined(user, name);
    this.#needsRank(user, channel);
    this.change(channel, user.mask, letters, params);
  }

  /** Modes changed by anyone, the server too. */
  change(channel: Channel, by: string, letters: string, params: readonly string[]): void {
    let [on, next] = [true, 0];
    for (const mode of letters) {
      if (mode === "+" || mode === "-") on = mode === "+";
      else if ("qaohv".includes(mode)) this.#rank(channel, this.find(params[next++] ?? ""), mode, on);
      else if (mode === "b") channel.bans[on ? "add" : "delete"](params[next++] ?? "");
      else if (on) channel.modes.set(mode, "kl".includes(mode) ? (params[next++] ?? "") : "");
      else channel.modes.delete(mode);
    }
    this.tell(channel.members.keys(), {
      tags: { time: new Date().toISOString() },
      prefix: by,
      command: "MODE",
      params: [channel.name, letters, ...params],
    });
  }

  #rank(channel: Channel, user: User | undefined, mode: string, on: boolean): void {
    const ranks = user && channel.members.get(user);
    if (user && ranks !== undefined) channel.members.set(user, on ? ranks.replace(mode, "") + mode : ranks.replace(mode, ""));
  }

  /** Says something; returns what stands in the channel then, or the message to a person. */
  say(
    user: User,
    command: Entry["command"],
    target: string,
    text: string,
    tags: Record<string, string> = {},
    lines?: Entry["lines"],
  ): Entry {
    const stamp = this.stamp(user);
    const sign = /^[~&@%+](?=[#&])/.exec(target)?.[0] ?? "";
    const name = target.slice(sign.length);
    const { id, at } = stamp;
    const entry: Entry = {
      id,
      at,
      nick: user.nick,
      mask: user.mask,
      account: user.account,
      command,
      text,
      tags,
      ...(lines ? { lines } : {}),
    };
    if (!/^[#&]/.test(name)) return this.#whisper(user, name, { ...entry, tags: { ...tags, ...stamp.tags } }, entry);
    const hearers = this.#inChannel(user, name, sign, entry);
    const shown = { ...entry, tags: { ...tags, ...stamp.tags } };
    for (const hearer of hearers) if (hearer !== user) deliver(hearer, shown, target);
    if (user.caps.has("echo-message")) deliver(user, shown, target);
    return entry;
  }

  #whisper(user: User, name: string, shown: Entry, entry: Entry): Entry {
    const hearer = this.find(name);
    if (!hearer) throw new Numeric("401", name, "No such nick/channel");
    // A message to oneself comes twice: as the echo, and as what was received.
    if (user.caps.has("echo-message")) deliver(user, shown, hearer.nick);
    deliver(hearer, shown, hearer.nick);
    return entry;
  }

  #inChannel(user: User, name: string, sign: string, entry: Entry): User[] {
    const channel = this.channel(name);
    if (!channel) throw new Numeric("403", name, "No such channel");
    if (!channel.members.has(user) && channel.modes.has("n"))
      throw new Numeric("404", channel.name, "You cannot send external messages to this channel");
    if (channel.modes.has("m") && !channel.has(user, "qaohv"))
      throw new Numeric("404", channel.name, "You cannot send messages to this channel whilst the +m (moderated) mode is set");
    if (this.isBanned(user, channel) && !channel.has(user, "qaohv")) throw new Numeric("404", channel.name, "You are banned");
    if (sign === "") channel.log.push(entry);
    return [...channel.members.keys()].filter((member) => sign === "" || channel.has(member, "qao"));
  }

  redact(user: User, name: string, id: string, reason?: string): void {
    const channel = this.#joined(user, name);
    const entry = channel.log.find((one) => one.id === id && !one.redacted);
    if (!entry) throw new Numeric("FAIL", "REDACT", "UNKNOWN_MSGID", name, id, "This message does not exist or is too old");
    if (entry.mask !== user.mask && !channel.has(user, "qao"))
      throw new Numeric("FAIL", "REDACT", "REDACT_FORBIDDEN", name, id, "You are not authorised to delete this message");
    entry.redacted = true;
    const hearers = [...channel.members.keys()].filter((member) => member.caps.has("draft/message-redaction"));
    this.tell(hearers, {
      tags: this.stamp(user).tags,
      prefix: user.mask,
      command: "REDACT",
      params: [channel.name, id, ...(reason === undefined ? [] : [reason])],
    });
  }

  #joined(user: User, name: string): Channel {
    const channel = this.channel(name);
    if (!channel) throw new Numeric("403", name, "No such channel");
    if (!channel.members.has(user)) throw new Numeric("442", name, "You're not on that channel");
    return channel;
  }

  #needsRank(user: User, channel: Channel): void {
    if (!channel.has(user, "qaoh")) throw new Numeric("482", channel.name, "You must have channel halfop access or above");
  }

  #remove(user: User, channel: Channel): void {
    channel.members.delete(user);
    user.channels.delete(channel);
  }
}

let batches = 0;

/** One message to one hearer: as a batch where it is multiline and they can take one. */
export function deliver(hearer: User, entry: Entry, target: string, around?: string): void {
  const { command, mask: prefix, lines, text } = entry;
  const tags: Record<string, string> = { ...entry.tags, ...(around ? { batch: around } : {}) };
  if (command === "TAGMSG") {
    if (hearer.caps.has("message-tags")) hearer.hear({ tags, prefix, command, params: [target] });
    return;
  }
  if (!lines) return hearer.hear({ tags, prefix, command, params: [target, text] });
  if (!hearer.caps.has("draft/multiline")) {
    for (const [index, line] of lines.entries()) {
      if (line.text === "") continue;
      hearer.hear({
        tags: index === 0 ? tags : { time: tags["time"] ?? "", ...(around ? { batch: around } : {}) },
        prefix,
        command,
        params: [target, line.text],
      });
    }
    return;
  }
  const batch = `ml${++batches}`;
  hearer.hear({ tags, prefix, command: "BATCH", params: [`+${batch}`, "draft/multiline", target] });
  for (const line of lines) {
    hearer.hear({
      tags: { batch, ...(line.joined ? { "draft/multiline-concat": "" } : {}) },
      prefix,
      command,
      params: [target, line.text],
    });
  }
  hearer.hear({ command: "BATCH", prefix: "irc.fake.test", params: [`-${batch}`] });
}
