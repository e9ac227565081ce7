/**
 * Who is there, by asking: the Events API does not tell. Only of people who spoke lately, a few at a time, and only where the config wants
 * it. https://docs.slack.dev/reference/methods/users.getPresence
 */
import type { Presence } from "../../core/model/events.ts";
import type { Core } from "../../core/network.ts";
import type { Desk } from "./desk.ts";
import { personId } from "./ids.ts";

/** People who are asked about, the latest that spoke. */
const MOST = 200;
/** Of them, so many a minute: the method's limit is fifty, and it is not the only one who asks. */
const A_MINUTE = 20;
const MINUTE = 60_000;

export class Presences {
  readonly #core: Core;
  readonly #desk: Desk;
  readonly #signal: AbortSignal;
  /** The one who was asked about last comes last. */
  readonly #people = new Map<string, Presence | undefined>();

  constructor(core: Core, desk: Desk, signal: AbortSignal) {
    this.#core = core;
    this.#desk = desk;
    this.#signal = signal;
    void this.#run();
  }

  /** Somebody spoke. */
  seen(user: string): void {
    if (!/^[UW]/.test(user) || user === this.#desk.self.user || this.#people.has(user)) return;
    this.#people.set(user, undefined);
    if (this.#people.size > MOST) this.#people.delete(this.#people.keys().next().value as string);
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#core.clock.sleep(MINUTE, this.#signal).catch(() => undefined);
      if (!this.#signal.aborted)
        await this.#ask().catch((error: unknown) => this.#core.log.debug({ err: error }, "Nobody knows who is there"));
    }
  }

  async #ask(): Promise<void> {
    const [channel] = this.#core.links();
    if (channel === undefined) return;
    const changed: { readonly person: ReturnType<typeof personId>; readonly is: Presence }[] = [];
    for (const user of [...this.#people.keys()].slice(0, A_MINUTE)) {
      const before = this.#people.get(user);
      const is = await this.#presenceOf(user);
      this.#people.delete(user);
      if (is === undefined) continue;
      this.#people.set(user, is);
      if (is !== before) changed.push({ person: personId(this.#desk.directory.team, user), is });
    }
    if (changed.length > 0) await this.#core.receive({ kind: "presence", channel, at: Date.now(), via: "live", people: changed });
  }

  /** Undefined = it cannot be told, and is not asked again until they speak. */
  async #presenceOf(user: string): Promise<Presence | undefined> {
    const call = { deed: "ask who is there", repeatable: true };
    const answer = await this.#desk.api.call("users.getPresence", { user }, call).catch(() => undefined);
    return answer?.presence === "active" ? "here" : answer?.presence === "away" ? "away" : undefined;
  }
}
