/** Somebody on the fake network who has nothing to do with the bridge. Each deed is done when the call returns. */
import { type Message, write } from "./message.ts";
import { type Entry, User } from "./model.ts";
import type { FakeNetwork } from "./network.ts";

const allCaps = [
  "account-notify",
  "account-tag",
  "batch",
  "draft/message-redaction",
  "draft/multiline",
  "extended-join",
  "message-tags",
  "server-time",
];

export interface PersonOptions {
  readonly account?: string;
  readonly host?: string;
  /** Hears nothing: for crowds. */
  readonly deaf?: true;
}

export class Person {
  readonly user: User;
  readonly #network: FakeNetwork;
  /** Everything that they heard. */
  readonly heard: Message[] = [];

  constructor(network: FakeNetwork, nick: string, options: PersonOptions = {}) {
    this.#network = network;
    this.user = new User(nick, options.deaf ? undefined : (message) => this.heard.push(message), undefined, options.host);
    this.user.account = options.account;
    for (const cap of allCaps) if (cap in network.profile.caps) this.user.caps.add(cap);
    network.add(this.user);
  }

  get nick(): string {
    return this.user.nick;
  }

  /** Lines that they heard, for looking at. */
  get lines(): string[] {
    return this.heard.map(write);
  }

  /** Texts of notices to them. */
  get notices(): string[] {
    return this.heard.filter(({ command, params }) => command === "NOTICE" && params[0] === this.nick).map(({ params }) => params[1] ?? "");
  }

  /** Texts of messages to them alone. */
  get whispers(): string[] {
    return this.heard
      .filter(({ command, params }) => command === "PRIVMSG" && params[0] === this.nick)
      .map(({ params }) => params[1] ?? "");
  }

  say(target: string, text: string, tags: Record<string, string> = {}): Entry {
    return this.#network.say(this.user, "PRIVMSG", target, text, tags);
  }

  saySeveral(target: string, lines: readonly { text: string; joined: boolean }[], tags: Record<string, string> = {}): Entry {
    const text = lines.reduce((all, line, index) => all + (line.joined || index === 0 ? "" : "\n") + line.text, "");
    return this.#network.say(this.user, "PRIVMSG", target, text, tags, lines);
  }

  notice(target: string, text: string): Entry {
    return this.#network.say(this.user, "NOTICE", target, text);
  }

  action(target: string, text: string): Entry {
    return this.say(target, `\x01ACTION ${text}\x01`);
  }

  tag(target: string, tags: Record<string, string>): Entry {
    return this.#network.say(this.user, "TAGMSG", target, "", tags);
  }

  react(target: string, id: string, sign: string, kind: "react" | "unreact" = "react"): Entry {
    return this.tag(target, { [`+draft/${kind}`]: sign, "+draft/reply": id });
  }

  redact(target: string, id: string): void {
    this.#network.redact(this.user, target, id);
  }

  join(channel: string, key?: string): this {
    this.#network.join(this.user, channel, key);
    return this;
  }

  part(channel: string, reason?: string): void {
    this.#network.part(this.user, channel, reason);
  }

  kick(channel: string, nick: string, reason?: string): void {
    this.#network.kick(this.user, channel, nick, reason);
  }

  mode(channel: string, letters: string, ...params: readonly string[]): void {
    this.#network.mode(this.user, channel, letters, params);
  }

  topic(channel: string, text: string): void {
    this.#network.topic(this.user, channel, text);
  }

  invite(nick: string, channel: string): void {
    this.#network.invite(this.user, nick, channel);
  }

  rename(nick: string): void {
    this.#network.nick(this.user, nick);
  }

  login(account: string | undefined): void {
    this.#network.login(this.user, account);
  }

  quit(reason = "Quit: bye"): void {
    this.#network.quit(this.user, reason);
  }
}
