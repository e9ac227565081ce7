/** What the fake server holds: users, channels, and what was said. */
import type { Message } from "./message.ts";

export class User {
  nick: string;
  user: string;
  host: string;
  realName: string;
  account: string | undefined;
  away: string | undefined;
  bot = false;
  readonly caps = new Set<string>();
  readonly channels = new Set<Channel>();
  readonly #deliver: ((message: Message) => void) | undefined;

  constructor(
    nick: string,
    deliver: ((message: Message) => void) | undefined,
    user = nick.toLowerCase().replace(/\W/g, ""),
    host = "127.0.0.1",
  ) {
    this.nick = nick;
    this.user = user;
    this.host = host;
    this.realName = nick;
    this.#deliver = deliver;
  }

  get mask(): string {
    return `${this.nick}!${this.user}@${this.host}`;
  }

  /** As this user's capabilities let it be seen. */
  hear(message: Message): void {
    if (!this.#deliver) return;
    const tags = Object.entries(message.tags ?? {}).filter(([name]) => this.#sees(name));
    this.#deliver({ ...message, tags: Object.fromEntries(tags) });
  }

  #sees(tag: string): boolean {
    const needs: Readonly<Record<string, string>> = {
      time: "server-time",
      account: "account-tag",
      batch: "batch",
      label: "labeled-response",
      "draft/multiline-concat": "draft/multiline",
    };
    return this.caps.has(needs[tag] ?? "message-tags");
  }
}

/** One thing that was said or done in a channel, as people see it. */
export interface Entry {
  readonly id: string;
  readonly at: number;
  readonly nick: string;
  readonly mask: string;
  readonly account: string | undefined;
  readonly command: "PRIVMSG" | "NOTICE" | "TAGMSG";
  /** Lines of a multiline message are joined by line breaks. */
  readonly text: string;
  /** The lines of a multiline message, as they came. */
  readonly lines?: readonly { readonly text: string; readonly joined: boolean }[];
  /** Client-only tags. */
  readonly tags: Readonly<Record<string, string>>;
  redacted?: true;
}

export class Channel {
  readonly name: string;
  readonly members = new Map<User, string>();
  readonly modes = new Map<string, string>();
  readonly bans = new Set<string>();
  readonly invited = new Set<string>();
  readonly log: Entry[] = [];
  topic = "";
  readonly made = Date.now();

  constructor(name: string) {
    this.name = name;
  }

  has(user: User, ranks: string): boolean {
    return [...(this.members.get(user) ?? "")].some((mode) => ranks.includes(mode));
  }
}

export function glob(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i").test(text);
}
