/** One session after the other: listened to, settled, and told of. */
import { LoggedOut, TryLater } from "../../core/model/errors.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import type { ConnectionState, Core } from "../../core/network.ts";
import type { Attendance } from "./attendance.ts";
import type { Away } from "./away.ts";
import type { Batch } from "./batches.ts";
import { Book } from "./book.ts";
import type { IrcNetworkConfig } from "./config.ts";
import type { Ctcp } from "./ctcp.ts";
import type { Delivery } from "./delivery.ts";
import type { Ending } from "./endings.ts";
import type { Flood } from "./flood.ts";
import { Hearing } from "./hearing.ts";
import { Life } from "./life.ts";
import type { Live } from "./live.ts";
import type { Netsplit } from "./netsplit.ts";
import type { OwnNicks } from "./own-nicks.ts";
import type { Reception } from "./reception.ts";
import type { Self } from "./self.ts";
import type { Session } from "./session.ts";
import { signOn } from "./sign-on.ts";
import type { View } from "./view.ts";

export interface SessionsOptions {
  readonly network: string;
  readonly config: IrcNetworkConfig;
  readonly core: Core;
  readonly self: Self;
  readonly signal: AbortSignal;
  readonly attendance: Attendance;
  readonly netsplit: Netsplit;
  readonly away: Away;
  readonly ctcp: Ctcp;
  readonly flood: Flood;
  readonly nicks: OwnNicks;
  readonly reception: Reception;
  delivery(): Delivery;
  view(): View;
  /** A session can be used, right before core is told. */
  settled(live: Live): void;
  /** Everything that core is told. */
  heard(events: readonly RemoteEvent[]): void;
  /** What of it core is to hear. */
  sort(events: readonly RemoteEvent[]): readonly RemoteEvent[];
  /** It is over, while its channels are still known. */
  lost(live: Live): void;
  /** The list of a channel's members has come. */
  counted(live: Live, channel: string): void;
  /** Lines of the past came in one batch. */
  replayed(batch: Batch): void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #life: Life;
  #live: Live | undefined;
  #state: ConnectionState = { is: "connecting" };
  #closed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    const { config, core, self } = options;
    this.#life = new Life({
      config,
      clock: core.clock,
      log: core.log,
      keep: core.keep,
      turn: (signal) => self.turn(signal),
      identity: () => self.identity(),
      events: (session) => ({
        happened: (item, mark) => this.#listening(session()).hearing.take(item, mark),
        late: (mark, items) => options.delivery().late(mark, items),
        ...(self.skip
          ? { skip: (bytes, start, end, asking) => self.skip?.(bytes, start, end, this.#live?.book.me.nick ?? "", asking) ?? false }
          : {}),
      }),
      settle: (session) => this.#settle(session),
      lost: (session, ending) => this.#lost(session, ending),
      state: (state) => this.#tellState(state),
      ended: (ending) => self.ended?.(ending),
    });
  }

  get current(): Live | undefined {
    return this.#live;
  }

  start(): void {
    if (!this.#closed) this.#life.start();
  }

  /** Leaves until there is something to do. */
  rest(words: string): void {
    this.#life.rest(words);
  }

  /** Leaves because the person wants it so: whether it comes back is theirs to say. */
  leave(words: string): void {
    this.#life.rest(words);
    this.#life.wake();
  }

  /** Why there is no connection. */
  get trouble(): string | undefined {
    return "why" in this.#state ? this.#state.why : undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#life.stop("The bridge is being stopped");
    this.#live = undefined;
  }

  /** The session to work with; throws what core has to do instead while there is none. */
  ready(): Live {
    const state = this.#state;
    if (this.#live?.settled && !this.#live.session.isOver) return this.#live;
    if (state.is === "logged-out") throw new LoggedOut(state.why);
    if (this.#life.isResting && !this.#closed) {
      this.#life.wake();
      throw new TryLater("The connection to IRC rested and is being made again.", 3000, "item");
    }
    const why = state.is === "disconnected" ? `IRC is not reachable: ${state.why}` : "IRC is not connected yet.";
    throw new TryLater(this.#closed ? "The connection to IRC is closed." : why, 5000, "login");
  }

  take(events: readonly RemoteEvent[]): void {
    if (this.#closed || events.length === 0) return;
    this.#options.heard(events);
    const kept = this.#options.sort(events);
    const live = this.#live;
    if (live && !live.settled) live.held.push(kept);
    else this.#options.reception.take(kept);
  }

  /** The session's parts, made when it first speaks. */
  #listening(session: Session): Live {
    if (this.#live?.session === session) return this.#live;
    const { config, network, self, attendance, netsplit, away, ctcp, view, counted } = this.#options;
    const book = new Book(session.nick, {
      network,
      byAccount: config.identity === "account",
      isupport: session.isupport,
      alone: self.isDeaf?.() ?? false,
      joinsTellAccounts: () => session.caps.has("extended-join"),
      fold: (text) => session.fold(text),
    });
    book.me.account = session.account;
    for (const [from, to] of attendance.renames()) book.alias(from, to);
    const hearing = new Hearing({
      session,
      book,
      attendance,
      netsplit,
      away,
      ctcp,
      view,
      own: self.own,
      take: (events) => this.take(events),
      renamed: (from, to) => this.#renamed(book, from, to),
      signed: () => this.#live?.settled && this.#tellMe(this.#live),
      counted: (channel) => this.#live && counted(this.#live, channel),
      replayed: (batch) => this.#options.replayed(batch),
    });
    this.#live = { session, book, hearing, ids: false, settled: false, held: [] };
    return this.#live;
  }

  async #settle(session: Session): Promise<void> {
    const live = this.#listening(session);
    const { core, self, nicks, flood, attendance, reception, signal } = this.#options;
    const { book, hearing } = live;
    nicks.took(book.fold(book.me.nick));
    flood.refill();
    const { nickserv, perform, own } = self;
    const { ids } = await signOn({ clock: core.clock, signal, session, book, hearing, own, nickserv, perform });
    if (session.isOver || this.#live !== live) return;
    live.ids = ids;
    // Whoever is told that we are connected may count on being heard: first the channels.
    await attendance.begin(session);
    if (session.isOver || this.#live !== live) return;
    live.settled = true;
    this.#options.settled(live);
    this.#tellMe(live);
    this.#tellState({ is: "connected", resumed: false });
    // Before that, core would take what is heard now for what follows the last connection without a gap.
    for (const events of live.held.splice(0)) reception.take(events);
  }

  /** Who we are is what the server says, whatever nick or account was wished for. */
  #tellMe({ book }: Live): void {
    const { nick, account } = book.me;
    this.#options.core.me?.({ id: book.idOf({ nick, account }), name: nick, avatar: null, ours: true });
  }

  #lost(session: Session, ending: Ending): void {
    const { core, nicks, attendance, netsplit, flood, lost } = this.#options;
    const live = this.#live;
    if (live?.session !== session) return;
    lost(live);
    nicks.gaveUp(live.book.fold(live.book.me.nick));
    this.#live = undefined;
    attendance.end();
    netsplit.end();
    this.#options.away.end();
    if (ending.kind !== "flooded") return;
    flood.punished();
    core.keep.set("pace", { ...flood.pace }).catch((error: unknown) => core.log.warn({ err: error }, "The pace was not kept"));
  }

  #renamed(book: Book, from: string, to: string): void {
    this.#options.nicks.gaveUp(book.fold(from));
    this.#options.nicks.took(book.fold(to));
    if (this.#live?.settled) this.#tellMe(this.#live);
  }

  #tellState(state: ConnectionState): void {
    if (this.#closed) return;
    // An attempt that follows a loss is no news before it has succeeded.
    if (state.is === "connecting" && this.#state.is === "disconnected") return;
    this.#state = state;
    this.#options.core.state(state);
  }
}
