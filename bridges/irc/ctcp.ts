/** Client-to-client questions (https://modern.ircdocs.horse/ctcp): what we run, whether we are there, what time it is. Nothing else is answered. */
import type { Clock } from "../../core/network.ts";
import { lastParam, type Line } from "./line.ts";

export interface CtcpOptions {
  readonly clock: Clock;
  readonly version: string;
}

/** Answers within `WINDOW`: whoever asks more is after our flood limit. */
const MOST_ANSWERS = 3;
const WINDOW = 10_000;

export class Ctcp {
  readonly #options: CtcpOptions;
  #answered: number[] = [];

  constructor(options: CtcpOptions) {
    this.#options = options;
  }

  /** The text of the NOTICE to answer with. Only a PRIVMSG is ever answered, only a person's, and never so that it would be answered back. */
  answer(line: Line): string | undefined {
    if (line.command !== "PRIVMSG" || line.nick === "") return undefined;
    const [, type = "", rest = ""] = /^\x01([A-Za-z]+) ?([^\x01]*)\x01?$/.exec(lastParam(line)) ?? [];
    const reply = this.#replyTo(type.toUpperCase(), rest);
    if (reply === undefined) return undefined;
    const now = this.#options.clock.now();
    this.#answered = this.#answered.filter((at) => now - at < WINDOW);
    if (this.#answered.length >= MOST_ANSWERS) return undefined;
    this.#answered.push(now);
    return `\x01${type.toUpperCase()} ${reply}\x01`;
  }

  #replyTo(type: string, rest: string): string | undefined {
    switch (type) {
      case "VERSION":
        return this.#options.version;
      case "PING":
        return rest.slice(0, 64);
      case "TIME":
        return new Date(this.#options.clock.now()).toUTCString();
      default:
        return undefined;
    }
  }
}
