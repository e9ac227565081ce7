/** One login to one IRC network: the contract's side of it, put together from its parts. */
import { Broken, LoggedOut, Refused, TryLater } from "../../core/model/errors.ts";
import type { Cursor, RemoteEvent } from "../../core/model/events.ts";
import type { RemoteChannelId, RemoteMessageId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import { plainText } from "../../core/model/richtext.ts";
import type {
  Channel,
  Connection,
  ConnectionState,
  Core,
  Deed,
  Found,
  Hint,
  HistoryPage,
  Login,
  Part,
  Progress,
  Sent,
} from "../../core/network.ts";
import { Attendance } from "./attendance.ts";
import { Book } from "./book.ts";
import { capabilitiesOf, type IrcCapabilities } from "./capabilities.ts";
import type { IrcNetworkConfig } from "./config.ts";
import { Ctcp } from "./ctcp.ts";
import { Deeds } from "./deeds.ts";
import { Delivery, roomFor } from "./delivery.ts";
import type { Ending } from "./endings.ts";
import { Flood, type Pace } from "./flood.ts";
import { Hearing, WHOX_TOKEN } from "./hearing.ts";
import { History } from "./history.ts";
import { channelId, readChannelId } from "./ids.ts";
import type { Kin } from "./kin.ts";
import { Life } from "./life.ts";
import { wrap } from "./lines.ts";
import { Lookup } from "./lookup.ts";
import { OPERATOR, powerOf } from "./modes.ts";
import { Netsplit } from "./netsplit.ts";
import { Outbox } from "./outbox.ts";
import { Places } from "./places.ts";
import { Presence } from "./presence.ts";
import { Reception } from "./reception.ts";
import type { Session } from "./session.ts";
import { signOn } from "./sign-on.ts";
import type { View } from "./view.ts";

/** What differs between the relay bot and a person's own login. */
export interface Self {
  readonly own: boolean;
  identity: ConstructorParameters<typeof Life>[0]["identity"];
  turn: ConstructorParameters<typeof Life>[0]["turn"];
  readonly nickserv: IrcNetworkConfig["nickserv"];
  readonly perform: readonly string[];
}

export interface IrcConnectionOptions {
  readonly network: string;
  readonly config: IrcNetworkConfig;
  readonly login: Login;
  readonly core: Core;
  readonly kin: Kin;
  readonly self: Self;
  readonly version: string;
}

interface Live {
  readonly session: Session;
  readonly book: Book;
  readonly hearing: Hearing;
  /** Messages have ids, ours too: seen, not believed. */
  ids: boolean;
  settled: boolean;
  /** What was heard before core was told that we are connected. */
  readonly held: (readonly RemoteEvent[])[];
}

/** A channel of more people is not asked for their accounts: they show when somebody speaks. */
const MOST_ASKED_AFTER = 500;
const TYPING_EVERY = 3000;
const CLOSE_WITHIN = 2000;
const MODES_WITHIN = 5000;
const MOST_NICKS = 5;

export class IrcConnection implements Connection {
  /** There when the server that we were last connected to keeps a history. */
  history?: NonNullable<Connection["history"]>;
  readonly #options: IrcConnectionOptions;
  readonly #abort = new AbortController();
  readonly #flood: Flood;
  readonly #outbox: Outbox;
  readonly #attendance: Attendance;
  readonly #history: History;
  readonly #delivery: Delivery;
  readonly #lookup: Lookup;
  readonly #deeds: Deeds;
  readonly #netsplit: Netsplit;
  readonly #ctcp: Ctcp;
  readonly #reception: Reception;
  readonly #presence: Presence;
  readonly #life: Life;
  readonly #places = new Map<RemoteChannelId, Places>();
  /** The question after a channel's modes, under way or answered. */
  readonly #asked = new Map<RemoteChannelId, Promise<void>>();
  readonly #typed = new Map<RemoteChannelId, number>();
  #live: Live | undefined;
  #state: ConnectionState = { is: "connecting" };
  #count = 0;
  #closed = false;

  constructor(options: IrcConnectionOptions) {
    this.#options = options;
    const { config, core } = options;
    const { clock, log } = core;
    const { signal } = this.#abort;
    const live = () => this.#ready();
    const view = () => this.#view();
    this.#flood = new Flood(config.flood, clock);
    this.#outbox = new Outbox(this.#flood, clock);
    this.#reception = new Reception({ receive: (events) => core.receive(events), clock, log, signal });
    this.#presence = new Presence({ clock, keep: core.keep, log, inside: () => this.#attendance.inside() });
    this.#attendance = new Attendance({
      clock,
      log,
      outbox: this.#outbox,
      key: (channel) => this.#channelConfig(channel)?.key,
      entered: (id, name, since) => this.#entered(id, name, since),
      tell: (id, text) => this.#tell(id, text),
      gone: (id, why) => this.#reception.take([{ kind: "channel-gone", channel: id, at: clock.now(), via: "live", why }]),
    });
    const obstacle = (channel: RemoteChannelId) => this.#attendance.obstacle(channel);
    this.#history = new History({
      outbox: this.#outbox,
      signal,
      live,
      current: () => this.#live?.session,
      view: (places) => this.#view(places),
      isOurs: (nick) => this.#view().isOurs(nick),
      obstacle,
    });
    this.#delivery = new Delivery({
      clock,
      outbox: this.#outbox,
      flood: this.#flood,
      history: this.#history,
      live,
      obstacle,
      doubt: (channel) => this.#attendance.doubt(channel),
      relayNick: () => undefined,
      paste: core.paste && ((text, title) => (core.paste as NonNullable<Core["paste"]>)(text, title)),
    });
    this.#lookup = new Lookup({
      network: options.network,
      networkName: config.name ?? options.network,
      outbox: this.#outbox,
      history: this.#history,
      signal,
      live,
      view,
    });
    this.#deeds = new Deeds({ outbox: this.#outbox, live });
    this.#netsplit = new Netsplit({ clock, tell: (channel, text) => this.#tell(this.#channelId(channel), text) });
    this.#ctcp = new Ctcp({ clock, version: options.version });
    this.#life = new Life({
      config,
      clock,
      log,
      keep: core.keep,
      turn: options.self.turn,
      identity: options.self.identity,
      events: (session) => ({
        happened: (item, mark) => this.#listening(session()).hearing.take(item, mark),
        late: (mark, items) => this.#delivery.late(mark, items),
      }),
      settle: (session) => this.#settle(session),
      lost: (session, ending) => this.#lost(session, ending),
      state: (state) => this.#tellState(state),
    });
    void this.#begin();
  }

  capabilities(channel: RemoteChannelId): IrcCapabilities {
    const { config, core } = this.#options;
    const live = this.#live;
    const session = live?.session;
    const name = readChannelId(channel)?.channel;
    const own = this.#channelConfig(name ?? "");
    const place = name === undefined ? undefined : live?.book.channel(name);
    const operator = live !== undefined && name !== undefined && powerOf(live.book.ranksIn(name, live.book.me.nick)) >= OPERATOR;
    const limits = session && live.ids ? multilineLimits(session) : undefined;
    return capabilitiesOf({
      line: roomFor(live?.book, channel),
      prefix: config.relay.prefix,
      calmNames: config.relay.calm_names,
      pageOver: core.paste ? (own?.max_lines ?? config.relay.max_lines) : undefined,
      multiline: limits,
      ids: live?.ids ?? false,
      replies: session?.passesTag("+draft/reply") ?? false,
      reactions: (session?.passesTag("+draft/reply") && session.passesTag("+draft/react")) ?? false,
      redaction: (session?.caps.has("draft/message-redaction") && !this.#delivery.mayNotRedact) ?? false,
      typing: session?.passesTag("+typing") ?? false,
      history: this.#history.isThere(),
      named: false,
      operator,
      topic: operator || (place?.modesKnown === true && !place.modes.has("t")),
    });
  }

  send(part: Part, key: string, progress: Progress): Promise<Sent> {
    return this.#delivery.send(part, key, progress);
  }

  find(part: Part, key: string, progress: Progress): Promise<Found> {
    return this.#delivery.find(part, key, progress);
  }

  async hint(hint: Hint): Promise<void> {
    const live = this.#live;
    if (hint.kind !== "typing" || !live?.settled || !live.session.passesTag("+typing") || this.#attendance.obstacle(hint.channel)) return;
    const { clock } = this.#options.core;
    const now = clock.now();
    const since = now - (this.#typed.get(hint.channel) ?? 0);
    // It is worth no message's turn.
    if ((hint.on && since < TYPING_EVERY) || this.#flood.wait() > 0) return;
    this.#typed.set(hint.channel, hint.on ? now : 0);
    const place = readChannelId(hint.channel);
    const target = place?.channel ?? place?.nick;
    if (target === undefined) return;
    this.#flood.take(1);
    live.session.tell("TAGMSG", [target], { "+typing": hint.on ? "active" : "done" });
  }

  async person(id: RemoteUserId): Promise<Person | undefined> {
    return this.#lookup.person(id);
  }

  async channel(id: RemoteChannelId): Promise<Channel | undefined> {
    return this.#lookup.channel(id);
  }

  async members(channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }> {
    return this.#lookup.members(channel);
  }

  async resolve(text: string): Promise<Person | undefined> {
    return this.#lookup.resolve(text);
  }

  channels(): AsyncIterable<Channel> {
    return this.#lookup.channels();
  }

  async join(channel: RemoteChannelId): Promise<void> {
    const place = readChannelId(channel);
    if (place?.network !== this.#options.network) throw new Refused(`"${channel}" is no channel of this network.`);
    if (place.channel === undefined) return;
    await this.#attendance.join(channel, place.channel);
    // What the channel lets us do is known when its modes are.
    await Promise.race([this.#asked.get(channel), this.#options.core.clock.sleep(MODES_WITHIN, this.#abort.signal).catch(() => undefined)]);
  }

  async leave(channel: RemoteChannelId): Promise<void> {
    this.#places.delete(channel);
    this.#asked.delete(channel);
    await this.#attendance.leave(channel);
  }

  act(deed: Deed): Promise<void> {
    return this.#deeds.act(deed);
  }

  permalink(channel: RemoteChannelId): string | undefined {
    const [server] = this.#options.config.servers;
    const name = readChannelId(channel)?.channel;
    if (!server || name === undefined) return undefined;
    const scheme = server.tls ? "ircs" : "irc";
    return `${scheme}://${server.host}${server.port === undefined ? "" : `:${server.port}`}/${encodeURIComponent(name)}`;
  }

  async open(): Promise<never> {
    throw new Refused("IRC has no files.");
  }

  async answer(reply: unknown, text: string): Promise<void> {
    const { nick } = reply as { nick?: unknown };
    if (typeof nick !== "string" || nick === "") throw new Broken("The answer has nobody to go to.");
    const { session, book } = this.#ready();
    const lines = text.split("\n").flatMap((line) => wrap([{ text: line.replace(/\p{Cc}/gu, ""), look: {} }], { limit: 350 }));
    for (const line of lines.filter((line) => line !== "").slice(0, 12)) {
      await this.#outbox.sureTurn(1, line.length, this.#abort.signal).catch(() => undefined);
      // A notice is never answered by machines: nothing can begin to talk with itself.
      session.tell("NOTICE", [book.person(nick)?.nick ?? nick, line]);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#abort.abort(new Error("The connection is being closed."));
    this.#presence.end();
    this.#attendance.end();
    this.#netsplit.end();
    this.#reception.close();
    await this.#life.stop("The bridge is being stopped");
    this.#live = undefined;
    await Promise.race([this.#presence.close(), this.#options.core.clock.sleep(CLOSE_WITHIN)]);
  }

  async #begin(): Promise<void> {
    const { core } = this.#options;
    try {
      await this.#presence.load();
      const learnt = (await core.keep.get("pace")) as Pace | undefined;
      if (learnt) this.#flood.remember(learnt);
      await this.#rememberNicks();
    } catch (error) {
      core.log.warn({ err: error }, "What was known of this network could not be read");
    }
    if (this.#closed) return;
    for (const id of core.links()) {
      const place = readChannelId(id);
      if (place?.network === this.#options.network && place.channel !== undefined) void this.#attendance.join(id, place.channel);
    }
    this.#life.start();
  }

  /** After a crash our old connection may still hold the nick, and history holds what was said under it. */
  async #rememberNicks(): Promise<void> {
    const { core, kin, login } = this.#options;
    const nicks = ((await core.keep.get("nicks")) as readonly string[] | undefined) ?? [];
    for (const nick of nicks) kin.had(nick, login.id, core.clock.now());
  }

  async #noteNick(folded: string): Promise<void> {
    const { core } = this.#options;
    const nicks = ((await core.keep.get("nicks")) as readonly string[] | undefined) ?? [];
    if (nicks[0] !== folded) await core.keep.set("nicks", [folded, ...nicks.filter((nick) => nick !== folded)].slice(0, MOST_NICKS));
  }

  #ready(): Live {
    const state = this.#state;
    if (this.#live?.settled && !this.#live.session.isOver) return this.#live;
    if (state.is === "logged-out") throw new LoggedOut(state.why);
    const why = state.is === "disconnected" ? `IRC is not reachable: ${state.why}` : "IRC is not connected yet.";
    throw new TryLater(this.#closed ? "The connection to IRC is closed." : why, 5000, "login");
  }

  /** The session's parts, made when it first speaks. */
  #listening(session: Session): Live {
    if (this.#live?.session === session) return this.#live;
    const { config, network, self } = this.#options;
    const book = new Book(session.nick, {
      network,
      byAccount: config.identity === "account",
      isupport: session.isupport,
      joinsTellAccounts: () => session.caps.has("extended-join"),
      fold: (text) => session.fold(text),
    });
    book.me.account = session.account;
    const hearing = new Hearing({
      session,
      book,
      attendance: this.#attendance,
      netsplit: this.#netsplit,
      ctcp: this.#ctcp,
      own: self.own,
      view: () => this.#view(),
      take: (events) => this.#take(events),
      renamed: (from, to) => this.#renamed(from, to),
      counted: (channel) => this.#counted(channel),
    });
    this.#live = { session, book, hearing, ids: false, settled: false, held: [] };
    return this.#live;
  }

  async #settle(session: Session): Promise<void> {
    const live = this.#listening(session);
    const { core, self, kin, login } = this.#options;
    kin.took(live.book.fold(live.book.me.nick), login.id);
    await this.#noteNick(live.book.fold(live.book.me.nick)).catch((error: unknown) =>
      core.log.warn({ err: error }, "Our nick was not kept"),
    );
    this.#flood.refill();
    const { book, hearing } = live;
    const { nickserv, perform, own } = self;
    const { ids } = await signOn({ clock: core.clock, signal: this.#abort.signal, session, book, hearing, own, nickserv, perform });
    if (session.isOver || this.#live !== live) return;
    live.ids = ids;
    // Whoever is told that we are connected may count on being heard: first the channels.
    await this.#attendance.begin(session);
    if (session.isOver || this.#live !== live) return;
    live.settled = true;
    if (this.#history.isThere()) this.history = (channel, after) => this.#history.page(channel, after);
    else delete this.history;
    this.#tellState({ is: "connected", resumed: false });
    // Before that, core would take what is heard now for what follows the last connection without a gap.
    for (const events of live.held.splice(0)) this.#reception.take(events);
    this.#presence.begin();
  }

  #lost(session: Session, ending: Ending): void {
    const { core, kin, login } = this.#options;
    const live = this.#live;
    if (live?.session !== session) return;
    this.#presence.end();
    kin.gaveUp(live.book.fold(live.book.me.nick), login.id, core.clock.now());
    this.#live = undefined;
    this.#attendance.end();
    this.#netsplit.end();
    this.#places.clear();
    this.#asked.clear();
    if (ending.kind !== "flooded") return;
    this.#flood.punished();
    core.keep.set("pace", { ...this.#flood.pace }).catch((error: unknown) => core.log.warn({ err: error }, "The pace was not kept"));
  }

  #tellState(state: ConnectionState): void {
    if (this.#closed) return;
    // An attempt that follows a loss is no news before it has succeeded.
    if (state.is === "connecting" && this.#state.is === "disconnected") return;
    this.#state = state;
    this.#options.core.state(state);
  }

  #take(events: readonly RemoteEvent[]): void {
    if (this.#closed) return;
    const live = this.#live;
    if (live && !live.settled) live.held.push(events);
    else this.#reception.take(events);
  }

  #tell(channel: RemoteChannelId, text: string): void {
    this.#take([{ kind: "notice", channel, at: this.#options.core.clock.now(), via: "live", body: plainText(text) }]);
  }

  #entered(id: RemoteChannelId, name: string, since: number | undefined): void {
    const missed = since ?? this.#presence.missedSince(id);
    this.#presence.saw(id);
    if (missed !== undefined && !this.#history.isThere()) {
      this.#take([{ kind: "missed", channel: id, at: this.#options.core.clock.now(), via: "live", since: missed }]);
    }
    const live = this.#live;
    if (live)
      this.#asked.set(
        id,
        this.#askAbout(live.session, "MODE", name).catch(() => undefined),
      );
  }

  #counted(channel: string): void {
    const live = this.#live;
    const members = live?.book.channel(channel)?.members.size ?? 0;
    const wanted = this.#options.config.identity === "account" && live?.session.isupport.has("WHOX") && !this.#options.self.own;
    if (live && wanted && members <= MOST_ASKED_AFTER) void this.#askAbout(live.session, "WHO", channel, `%tuhnfa,${WHOX_TOKEN}`);
  }

  async #askAbout(session: Session, command: string, ...params: string[]): Promise<void> {
    await this.#outbox.idleTurn(1, 20, this.#abort.signal).catch(() => undefined);
    if (!session.isOver) await session.askLine(command, ...params);
  }

  #renamed(from: string, to: string): void {
    const { kin, login, core } = this.#options;
    const live = this.#live;
    if (!live) return;
    kin.gaveUp(live.book.fold(from), login.id, core.clock.now());
    kin.took(live.book.fold(to), login.id);
  }

  #channelConfig(name: string): IrcNetworkConfig["channels"][string] | undefined {
    const wanted = channelId("x", name);
    return Object.entries(this.#options.config.channels).find(([known]) => channelId("x", known) === wanted)?.[1];
  }

  #channelId(name: string): RemoteChannelId {
    const fold = (text: string): string => this.#live?.book.fold(text) ?? text.toLowerCase();
    return this.#attendance.idOf(name, fold) ?? channelId(this.#options.network, name);
  }

  /** `past` counts the places of a stretch of history; without it, those of what is heard now. */
  #view(past?: Places): View {
    const { book, session } = this.#live as Live;
    const { network, login, self, kin, core } = this.#options;
    const now = core.clock.now();
    return {
      book,
      isupport: session.isupport,
      network,
      login: login.id,
      own: self.own,
      version: session.version,
      via: past ? "history" : "live",
      now,
      cursor: (channel, time) => {
        if (time === undefined || !this.#history.isThere()) return undefined;
        return (past ?? this.#placesOf(channel)).next(time);
      },
      channelId: (name) => this.#channelId(name),
      knownChannel: (name) => this.#attendance.idOf(name, (text) => book.fold(text)),
      isOurs: (nick) => book.isMe(nick) || kin.has(book.fold(nick), now),
      count: () => ++this.#count,
    };
  }

  #placesOf(channel: RemoteChannelId): Places {
    const places = this.#places.get(channel) ?? new Places();
    this.#places.set(channel, places);
    return places;
  }
}

/** A tenth is left for what the server counts otherwise. */
function multilineLimits({ caps }: Session): { bytes: number; lines: number } | undefined {
  if (!caps.has("draft/multiline")) return undefined;
  const value = caps.offered.get("draft/multiline") ?? "";
  const bytes = Number(/(?:^|,)max-bytes=(\d{1,7})/.exec(value)?.[1] ?? 0);
  const lines = Number(/(?:^|,)max-lines=(\d{1,5})/.exec(value)?.[1] ?? 50);
  return bytes >= 512 && lines >= 2 ? { bytes: Math.floor(bytes * 0.9), lines } : undefined;
}
