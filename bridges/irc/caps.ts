/** Capability negotiation (https://ircv3.net/specs/extensions/capability-negotiation): what the server offers, and what is on. */
import { lastParam, type Line, param } from "./line.ts";

export interface CapsWish {
  /** Asked for where offered. */
  readonly wanted: readonly string[];
  send(line: string): void;
}

/** Asked for where a server offers them (https://ircv3.net/irc/). */
export const wantedCaps: readonly string[] = [
  "account-notify",
  "account-tag",
  "away-notify",
  "batch",
  "cap-notify",
  "chghost",
  "draft/channel-rename",
  "draft/chathistory",
  "draft/event-playback",
  "draft/message-redaction",
  "draft/multiline",
  "draft/read-marker",
  "draft/relaymsg",
  "echo-message",
  "extended-join",
  "invite-notify",
  "labeled-response",
  "message-tags",
  "multi-prefix",
  "server-time",
  "setname",
  "standard-replies",
  "userhost-in-names",
  "znc.in/playback",
];

/** Names in one request: well below a line's length, so that a refusal concerns few. */
const LONGEST_REQUEST = 300;

export class Caps {
  /** With their values; the empty string where there is none. */
  readonly offered = new Map<string, string>();
  readonly enabled = new Set<string>();
  readonly #wish: CapsWish;
  /** Requests without an answer. */
  #open = 0;
  #listed = false;

  constructor(wish: CapsWish) {
    this.#wish = wish;
  }

  has(name: string): boolean {
    return this.enabled.has(name);
  }

  /** The server has told what it offers. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Every request has been answered. */
  get settled(): boolean {
    return this.#listed && this.#open === 0;
  }

  take(line: Line): void {
    const names = lastParam(line).split(" ").filter(Boolean);
    switch (param(line, 1).toUpperCase()) {
      case "LS":
        this.#offer(names);
        // A star says that more lines follow.
        if (param(line, 2) === "*" && line.params.length > 3) return;
        this.#listed = true;
        break;
      case "NEW":
        this.#offer(names);
        this.request(names.map((name) => name.split("=")[0] as string).filter((name) => this.#wish.wanted.includes(name)));
        break;
      case "DEL":
        for (const name of names) {
          this.offered.delete(name);
          this.enabled.delete(name);
        }
        break;
      case "ACK":
        for (const name of names) this.#acknowledge(name);
        this.#open = Math.max(0, this.#open - 1);
        break;
      case "NAK":
        this.#open = Math.max(0, this.#open - 1);
        // One name that the server does not like spoils a request: each by itself then.
        if (names.length > 1) for (const name of names) this.request([name]);
        break;
    }
  }

  /** Asks for all that is wanted and offered. */
  requestAll(): void {
    this.request(this.#wish.wanted.filter((name) => this.offered.has(name)));
  }

  request(names: readonly string[]): void {
    const missing = names.filter((name) => !this.enabled.has(name));
    for (let start = 0; start < missing.length; ) {
      let end = start;
      for (let length = 0; end < missing.length && length < LONGEST_REQUEST; end++) length += (missing[end] as string).length + 1;
      this.#open += 1;
      this.#wish.send(`CAP REQ :${missing.slice(start, end).join(" ")}`);
      start = end;
    }
  }

  #offer(names: readonly string[]): void {
    for (const name of names) {
      if (this.offered.size >= 500) return;
      const [bare = "", ...value] = name.split("=");
      this.offered.set(bare, value.join("="));
    }
  }

  #acknowledge(name: string): void {
    if (name.startsWith("-")) this.enabled.delete(name.slice(1));
    else this.enabled.add(name.replace(/^[~=]/, ""));
  }
}
