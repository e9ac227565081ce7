/** What logins give, taken in the order in which they give it, and what follows when one of them connects. */
import type { Logger } from "pino";
import type { CatchUp } from "./catch-up.ts";
import type { Hints } from "./hints.ts";
import { prepareRemote } from "./intake-remote.ts";
import { type Lanes, readLane } from "./lanes.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins, LoginWatch } from "./logins.ts";
import type { RemoteEvent } from "./model/events.ts";
import { linkId, type RemoteChannelId } from "./model/ids.ts";
import type { Clock, ConnectionState } from "./network.ts";
import { StoreFull } from "./model/errors.ts";
import type { Intake, Journal, Link } from "./store/store.ts";
import type { Unresolved } from "./unresolved.ts";

export interface ReceptionContext {
  readonly journal: Journal;
  readonly links: Links;
  readonly logins: () => Logins;
  readonly lanes: () => Lanes;
  readonly unresolved: Unresolved;
  readonly hints: () => Hints;
  readonly catchUp: () => CatchUp;
  readonly clock: Clock;
  readonly log: Logger;
  /** A login has connected that was not before: links of the config can be made. */
  connected(live: LiveLogin): Promise<void>;
  /** A login's credentials are no longer good. */
  loggedOut(live: LiveLogin): Promise<void>;
  /** It is connected, whatever was before. */
  loggedIn(live: LiveLogin): Promise<void>;
}

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;
/** Deliveries of one login that are kept in memory while the disk is full. What comes beyond is fetched from the history later. */
const MOST_KEPT = 10_000;

/** Deliveries that found no room on the disk, one behind the other. */
interface Kept {
  last: Promise<unknown>;
  count: number;
  /** More came than is kept. */
  missed: boolean;
}

type Taken = Awaited<ReturnType<Journal["take"]>>;

export class Reception implements LoginWatch {
  readonly #context: ReceptionContext;
  readonly #kept = new WeakMap<LiveLogin, Kept>();
  /** The last thing that a login is having done, so that what it gives keeps its order. */
  readonly #turns = new WeakMap<LiveLogin, Promise<unknown>>();

  constructor(context: ReceptionContext) {
    this.#context = context;
  }

  /** Resolves when it is on disk. Batches are made ready one after the other, and written together with whatever else waits. */
  async received(live: LiveLogin, events: readonly RemoteEvent[], keep?: Readonly<Record<string, unknown>>): Promise<void> {
    const { log, links, unresolved, clock } = this.#context;
    const fleeting = (link: Link, event: RemoteEvent) => {
      this.#context
        .hints()
        .fromNetwork(link, event)
        .catch((error: unknown) => log.debug({ err: error }, "A hint was not passed on"));
    };
    const context = { links, logins: this.#context.logins(), unresolved, clock, fleeting };
    const written = await this.#inTurn(live, async () => {
      const intake = await prepareRemote(context, live, events, keep);
      return { intake, taken: intake ? this.#take(live, intake) : undefined };
    });
    const taken = (await written.taken) ?? [];
    for (const [index, row] of (written.intake?.rows ?? []).entries()) {
      if (taken[index] === undefined) continue;
      log.debug({ lane: row.lane, trace: row.trace }, "Taken from the network");
      this.#context.lanes().wake(row.lane, row.phase < 0);
    }
  }

  /** When the disk is full, it waits for room, and so does everything that comes after it: taken later, it would have lost its place. */
  async #take(live: LiveLogin, intake: Intake): Promise<Taken> {
    if (this.#kept.has(live)) return await this.#takeBehind(live, intake);
    try {
      return await this.#context.journal.take(intake);
    } catch (error) {
      if (!(error instanceof StoreFull)) throw error;
      this.#context.log.error({ login: live.login.id }, error.message);
      return await this.#takeBehind(live, intake);
    }
  }

  #takeBehind(live: LiveLogin, intake: Intake): Promise<Taken> {
    const kept = this.#kept.get(live) ?? { last: Promise.resolve(), count: 0, missed: false };
    this.#kept.set(live, kept);
    if (kept.count >= MOST_KEPT) {
      kept.missed = true;
      return Promise.reject(new StoreFull("The disk has been full for so long that no more is kept in memory."));
    }
    kept.count += 1;
    const taken = kept.last.then(() => this.#insist(() => this.#context.journal.take(intake)));
    kept.last = taken.then(
      () => this.#written(live, kept),
      () => this.#written(live, kept),
    );
    return taken;
  }

  async #insist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StoreFull)) throw error;
        await this.#context.clock.sleep(wait);
      }
    }
  }

  #written(live: LiveLogin, kept: Kept): void {
    kept.count -= 1;
    if (kept.count > 0) return;
    this.#kept.delete(live);
    if (kept.missed && live.state.is === "connected") this.#catchUp(live, false);
  }

  /** After whatever this login is having done, and before what comes next. */
  async #inTurn<Result>(live: LiveLogin, work: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(live) ?? Promise.resolve();
    const done = before.then(work);
    this.#turns.set(
      live,
      done.catch(() => undefined),
    );
    return await done;
  }

  changed(live: LiveLogin, before: ConnectionState): void {
    const { log } = this.#context;
    const { state, network, login } = live;
    const why = "why" in state ? { why: state.why } : {};
    if (state.is !== before.is) log.info({ network: network.id, login: login.id, ...why }, `${network.name}: ${state.is}`);
    if (state.is === "logged-out" && before.is !== "logged-out")
      this.#context.loggedOut(live).catch((error: unknown) => log.error({ network: network.id, err: error }, "Nobody was told"));
    if (state.is !== "connected") return;
    const failed = (error: unknown) => log.error({ network: network.id, err: error }, "What follows a connection failed");
    this.#catchUp(live, state.resumed);
    if (before.is !== "connected") {
      this.#context.connected(live).catch(failed);
      this.#context.loggedIn(live).catch(failed);
    }
    this.#wake(live).catch(failed);
  }

  #catchUp(live: LiveLogin, resumed: boolean): void {
    const catchUp = this.#context.catchUp();
    // Before anything that comes by this connection is taken, its phase has begun.
    const begun = this.#inTurn(live, () => this.#insist(() => catchUp.begin(live, resumed)));
    begun
      .then(() => catchUp.run(live, resumed))
      .catch((error: unknown) => this.#context.log.error({ network: live.network.id, err: error }, "Catching up failed"));
  }

  opened(live: LiveLogin, channel: RemoteChannelId, missed: boolean): void {
    const { links, lanes, log, catchUp } = this.#context;
    const begun = this.#inTurn(live, async () => {
      const link = await links.of(live.network.id, channel);
      if (link && missed) await catchUp().beginOne(live, link);
      return link;
    });
    const wake = async () => {
      const link = await begun;
      if (link) lanes().wake(`out:${link.id}`, true);
      if (link && missed) await catchUp().runOne(live, link);
    };
    wake().catch((error: unknown) => log.warn({ channel, err: error }, "What waits for a channel was not woken"));
  }

  /** What was held because the network was away may go on. */
  async #wake(live: LiveLogin): Promise<void> {
    const lanes = this.#context.lanes();
    for (const name of lanes.names()) {
      const { kind, of } = readLane(name);
      if (kind !== "in" && kind !== "out") continue;
      const link = await this.#context.links.link(linkId(Number(of)));
      if (link?.network === live.network.id) lanes.wake(name, true);
    }
  }
}
