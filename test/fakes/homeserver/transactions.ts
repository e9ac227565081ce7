/** Requests that may come twice. https://spec.matrix.org/v1.15/client-server-api/#transaction-identifiers */
import type { Clock } from "../../../core/network.ts";

const kept = 30 * 60_000;

/**
 * Answers by client and path. As Synapse keeps them: in memory, 30 to 60 minutes; an application service has one space of ids for all
 * of its users. Refusals are not kept.
 */
export class Transactions {
  readonly #clock: Clock;
  #answers = new Map<string, { answer: Promise<unknown>; at: number }>();
  #cleaned: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cleaned = clock.now();
  }

  async once(session: string, path: string, run: () => unknown): Promise<unknown> {
    this.#clean();
    const key = `${session} ${path}`;
    const known = this.#answers.get(key);
    if (known) return known.answer;
    const answer = (async () => run())();
    this.#answers.set(key, { answer, at: this.#clock.now() });
    try {
      return await answer;
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
  }

  /** A restart. */
  forget(): void {
    this.#answers = new Map();
  }

  #clean(): void {
    const now = this.#clock.now();
    if (now - this.#cleaned < kept) return;
    this.#cleaned = now;
    for (const [key, { at }] of this.#answers) if (now - at > kept) this.#answers.delete(key);
  }
}
