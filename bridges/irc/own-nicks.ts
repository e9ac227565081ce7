/** The nicks that this login has and had, noted on disk and told to the bridge's other connections. */
import type { Logger } from "pino";
import type { LoginId } from "../../core/model/ids.ts";
import type { Clock, Keep } from "../../core/network.ts";
import type { Kin } from "./kin.ts";

export interface OwnNicksOptions {
  readonly login: LoginId;
  readonly kin: Kin;
  readonly keep: Keep;
  readonly clock: Clock;
  readonly log: Logger;
}

const MOST_KEPT = 5;

export class OwnNicks {
  readonly #options: OwnNicksOptions;
  #kept: readonly string[] = [];

  constructor(options: OwnNicksOptions) {
    this.#options = options;
  }

  /** After a crash our old connection may still hold the nick, and history holds what was said under it. */
  async load(): Promise<void> {
    const { keep, kin, login, clock } = this.#options;
    this.#kept = ((await keep.get("nicks")) as readonly string[] | undefined) ?? [];
    for (const nick of this.#kept) kin.had(nick, login, clock.now());
  }

  took(folded: string): void {
    const { kin, login, keep, log } = this.#options;
    kin.took(folded, login);
    if (this.#kept[0] === folded) return;
    this.#kept = [folded, ...this.#kept.filter((nick) => nick !== folded)].slice(0, MOST_KEPT);
    keep.set("nicks", this.#kept).catch((error: unknown) => log.warn({ err: error }, "Our nick was not kept"));
  }

  gaveUp(folded: string): void {
    const { kin, login, clock } = this.#options;
    kin.gaveUp(folded, login, clock.now());
  }
}
