/** The nicks of all the bridge's connections to one network, so that none takes another's words for a stranger's. */
import type { Book } from "./book.ts";
import type { LoginId } from "../../core/model/ids.ts";

/** A nick that was given up is ours for so long: what was said under it may still be on its way. */
const LINGERS = 60_000;
const REMEMBERED = 24 * 60 * 60_000;

export class Kin {
  /** What the relay bot knows of people and channels, while it is connected: a person's own connection keeps nobody in mind. */
  witness: () => Book | undefined = () => undefined;
  /** Folded nicks; until when each is ours. */
  readonly #nicks = new Map<string, { readonly login: LoginId; until: number }>();

  took(folded: string, login: LoginId): void {
    this.#nicks.set(folded, { login, until: Number.POSITIVE_INFINITY });
  }

  /** It was ours before this start: what history holds under it is ours too. */
  had(folded: string, login: LoginId, now: number): void {
    if (!this.#nicks.has(folded)) this.#nicks.set(folded, { login, until: now + REMEMBERED });
  }

  gaveUp(folded: string, login: LoginId, now: number): void {
    const entry = this.#nicks.get(folded);
    if (entry?.login === login) entry.until = now + LINGERS;
    for (const [nick, { until }] of this.#nicks) if (until < now) this.#nicks.delete(nick);
  }

  has(folded: string, now: number): boolean {
    const entry = this.#nicks.get(folded);
    return entry !== undefined && entry.until >= now;
  }
}
