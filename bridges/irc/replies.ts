/** Answers to what people say to the bridge on IRC: a few lines, to them alone. */
import { Broken } from "../../core/model/errors.ts";
import { wrap } from "./lines.ts";
import type { Live } from "./live.ts";
import type { Outbox } from "./outbox.ts";

export interface RepliesOptions {
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
  live(): Live;
}

/** An answer to somebody is no way to flood them. */
const LONGEST_ANSWER = 12;

export class Replies {
  readonly #options: RepliesOptions;

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  async to(reply: unknown, text: string): Promise<void> {
    const { nick } = reply as { nick?: unknown };
    if (typeof nick !== "string" || nick === "" || /[\s,]/.test(nick)) throw new Broken("The answer has nobody to go to.");
    const { outbox, signal, live } = this.#options;
    const { session, book } = live();
    const lines = text.split("\n").flatMap((line) => wrap([{ text: line.replace(/\p{Cc}/gu, ""), look: {} }], { limit: 350 }));
    for (const line of lines.filter((line) => line !== "").slice(0, LONGEST_ANSWER)) {
      await outbox.sureTurn(1, line.length, signal).catch(() => undefined);
      // A notice is never answered by machines: nothing can begin to talk with itself.
      session.tell("NOTICE", [book.person(nick)?.nick ?? nick, line]);
    }
  }
}
