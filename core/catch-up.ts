/**
 * What happened on a network while we were away, fetched once and in order. Live events are journaled and acknowledged meanwhile;
 * their turn comes when history has passed them (see `NewRow.phase`).
 */
import type { Logger } from "pino";
import type { Links } from "./links.ts";
import type { LiveLogin } from "./logins.ts";
import { Refused, TryLater } from "./model/errors.ts";
import type { LinkId } from "./model/ids.ts";
import type { Cursor, RemoteEvent } from "./model/events.ts";
import type { Clock, HistoryPage } from "./network.ts";
import type { Link } from "./store/store.ts";
import { writeSpan } from "./time-span.ts";

export interface CatchUpContext {
  readonly links: Links;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the bridge stops. */
  readonly signal: AbortSignal;
  receive(live: LiveLogin, events: readonly RemoteEvent[]): Promise<void>;
  /** Looks at the channel anew: whether it is there, who can read it. */
  refresh(live: LiveLogin, link: Link): Promise<void>;
  /** Wakes what waited for the link. */
  caughtUp(link: Link): void;
  /** Compares edits, deletions and reactions of the recent past. */
  compare(live: LiveLogin, link: Link): Promise<void>;
  tell(link: Link, key: string, text: string): Promise<void>;
  /** When something last came by the link; undefined = never. */
  lastHeard(link: Link): Promise<number | undefined>;
  /** Something was missed; how much is not known. */
  missed(link: Link): void;
}

/** How far a pass has come; `after` absent = to the end. */
interface Way {
  after: Cursor | undefined;
  complete: boolean;
  /** From when to when we were away, in words. */
  readonly span: string;
}

const AT_ONCE = 4;
/** Comparisons that newer connections may cut off, one after the other. */
const MOST_COMPARISONS = 4;
const LONGEST_WAIT = 60_000;

export class CatchUp {
  readonly #context: CatchUpContext;
  /** The connection that a pass belongs to: a newer one ends the older's pass. */
  readonly #passes = new WeakMap<LiveLogin, symbol>();
  /** How often a comparison was begun since one came to its end. */
  readonly #compared = new Map<LinkId, number>();

  constructor(context: CatchUpContext) {
    this.#context = context;
  }

  /** A login is connected: unless nothing was missed, live events wait from now on until history has been fetched. */
  async begin(live: LiveLogin, resumed: boolean): Promise<void> {
    if (!resumed && live.connection.history) await this.#context.links.nextPhase(live.network.id, live.login.id);
  }

  /** As `begin`, for one link, whose channel was out of sight while the login was connected. */
  async beginOne(live: LiveLogin, link: Link): Promise<void> {
    if (live.connection.history && link.login === live.login.id) {
      await this.#context.links.nextPhase(live.network.id, live.login.id, link.id);
    }
  }

  async runOne(live: LiveLogin, link: Link): Promise<void> {
    const now = await this.#context.links.link(link.id);
    if (now?.behind) await this.#link(live, now, () => !this.#context.signal.aborted && live.state.is === "connected");
  }

  /** Resolves when every link of the login has caught up, or a newer connection has taken over. */
  async run(live: LiveLogin, resumed: boolean): Promise<void> {
    const pass = Symbol(live.login.name);
    this.#passes.set(live, pass);
    const current = () => !this.#context.signal.aborted && this.#passes.get(live) === pass && live.state.is === "connected";
    if (resumed && !(await this.#anyBehind(live))) return;
    const queue = this.#context.links.ofLogin(live.network.id, live.login.id);
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(live, queue, current)));
  }

  /** Whether an earlier pass was cut off. */
  async #anyBehind(live: LiveLogin): Promise<boolean> {
    for await (const link of this.#context.links.ofLogin(live.network.id, live.login.id)) if (link.behind) return true;
    return false;
  }

  async #work(live: LiveLogin, queue: AsyncGenerator<Link>, current: () => boolean): Promise<void> {
    for (;;) {
      const { value, done } = await queue.next();
      if (done || !current()) return;
      const link = (await this.#context.links.link(value.id)) ?? value;
      await this.#link(live, link, current);
    }
  }

  async #link(live: LiveLogin, link: Link, current: () => boolean): Promise<void> {
    const { links, log, clock, signal } = this.#context;
    // What was fetched is on disk: a failure later on does not begin from the start again.
    const way: Way = { after: link.watermark, complete: true, span: await this.#away(link) };
    for (let failures = 0; current(); failures += 1) {
      try {
        await this.#context.refresh(live, link);
        if (!link.behind) return;
        await this.#pages(live, link, way, current);
        if (way.complete) await this.#compare(live, link, current);
        if (!current()) return;
        this.#context.caughtUp(await links.update(link, { behind: false }));
        return;
      } catch (error) {
        if (error instanceof Refused) return await this.#cannot(link, way, error.message);
        log.warn({ link: link.id, err: error }, "History could not be read; trying again");
        const wait = error instanceof TryLater ? error.after : Math.min(LONGEST_WAIT, 1000 * 2 ** failures);
        await clock.sleep(wait, signal).catch(() => undefined);
      }
    }
  }

  /** On a line that breaks every minute it might never come to its end, and nothing would ever have its turn: then it is left out for once. */
  async #compare(live: LiveLogin, link: Link, current: () => boolean): Promise<void> {
    const begun = this.#compared.get(link.id) ?? 0;
    this.#compared.set(link.id, begun + 1);
    if (begun < MOST_COMPARISONS) await this.#context.compare(live, link);
    else this.#context.log.warn({ link: link.id }, "Connections end before what was missed has been compared; new messages go first");
    if (current()) this.#compared.delete(link.id);
  }

  async #pages(live: LiveLogin, link: Link, way: Way, current: () => boolean): Promise<void> {
    while (way.after !== undefined && current()) {
      const page: HistoryPage | undefined = await live.connection.history?.(link.channel, way.after);
      if (!page) {
        way.complete = false;
        return;
      }
      await this.#context.receive(live, page.events);
      if (!page.complete && way.complete) {
        way.complete = false;
        const why = page.why ?? "the network did not give everything back";
        this.#context.missed(link);
        await this.#context.tell(link, `gap:${link.id}:${way.after}`, `Some messages from ${way.span} may be missing: ${why}`);
      }
      way.after = page.next;
    }
  }

  async #away(link: Link): Promise<string> {
    const since = await this.#context.lastHeard(link);
    return since === undefined ? "while the bridge was away" : writeSpan(since, this.#context.clock.now());
  }

  async #cannot(link: Link, { span }: Way, why: string): Promise<void> {
    this.#context.missed(link);
    const text = `What was said ${span} could not be fetched: ${why}`;
    await this.#context.tell(link, `history:${link.id}:${link.phase}`, text);
    this.#context.caughtUp(await this.#context.links.update(link, { behind: false }));
  }
}
