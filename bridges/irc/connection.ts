/** One login to one IRC network: the contract's side of it, put together from its parts. */
import { Refused } from "../../core/model/errors.ts";
import type { Cursor, RemoteNotice } from "../../core/model/events.ts";
import type { RemoteChannelId, RemoteMessageId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { Deed, Found, Hint, Part, Progress, Rule, Sent } from "../../core/model/effects.ts";
import type { Asking, Channel, Connection, Core, Login } from "../../core/network.ts";
import { abilitiesIn } from "./abilities.ts";
import { Absences } from "./absences.ts";
import { Answers } from "./answers.ts";
import { Attendance } from "./attendance.ts";
import { Callers } from "./callers.ts";
import { Away } from "./away.ts";
import type { IrcCapabilities } from "./capabilities.ts";
import { ChannelNames } from "./channel-names.ts";
import { addressOf, type IrcNetworkConfig, settingsOf } from "./config.ts";
import { Ctcp } from "./ctcp.ts";
import { Deeds } from "./deeds.ts";
import { Delivery } from "./delivery.ts";
import { Flood, type Pace } from "./flood.ts";
import { History, placeBefore } from "./history.ts";
import { channelId, directId, isMsgid, readChannelId } from "./ids.ts";
import { Inquiries } from "./inquiries.ts";
import type { Kin } from "./kin.ts";
import type { Live } from "./live.ts";
import { Lookup } from "./lookup.ts";
import { Netsplit } from "./netsplit.ts";
import { Outbox } from "./outbox.ts";
import { OwnNicks } from "./own-nicks.ts";
import { wishesOf } from "./own-wishes.ts";
import { Perspective } from "./perspective.ts";
import { Presence } from "./presence.ts";
import { ReadMarks } from "./read-marks.ts";
import { Reception } from "./reception.ts";
import { ofOnePerson } from "./refusals.ts";
import { relayNick, relaysByName } from "./relaymsg.ts";
import { Replies } from "./replies.ts";
import type { Self } from "./self.ts";
import { Sessions } from "./sessions.ts";
import { Typing } from "./typing.ts";
import { Upkeep } from "./upkeep.ts";

export interface IrcConnectionOptions {
  readonly network: string;
  readonly config: IrcNetworkConfig;
  readonly login: Login;
  readonly core: Core;
  readonly kin: Kin;
  readonly self: Self;
  readonly version: string;
}

const CLOSE_WITHIN = 2000;

export class IrcConnection implements Connection {
  /** There when the server that we were last connected to keeps a history. */
  history?: NonNullable<Connection["history"]>;
  readonly #options: IrcConnectionOptions;
  readonly #abort = new AbortController();
  readonly #flood: Flood;
  readonly #reception: Reception;
  readonly #presence: Presence;
  readonly #attendance: Attendance;
  readonly #perspective: Perspective;
  readonly #absences: Absences;
  readonly #inquiries: Inquiries;
  readonly #history: History;
  readonly #delivery: Delivery;
  readonly #lookup: Lookup;
  readonly #deeds: Deeds;
  readonly #netsplit: Netsplit;
  readonly #nicks: OwnNicks;
  readonly #typing: Typing;
  readonly #marks: ReadMarks;
  readonly #upkeep: Upkeep;
  readonly #sessions: Sessions;
  readonly #answers: Answers;
  readonly #replies: Replies;
  readonly #callers: Callers;
  readonly #names: ChannelNames;
  #closed = false;

  constructor(options: IrcConnectionOptions) {
    this.#options = options;
    const { config, core, network, login, kin, self } = options;
    const { clock, log, keep } = core;
    const { signal } = this.#abort;
    const live = (): Live => this.#sessions.ready();
    const current = (): Live | undefined => this.#sessions.current;
    const obstacle = (channel: RemoteChannelId) => this.#attendance.obstacle(channel);
    const view = () => this.#perspective.view();
    const outbox = new Outbox((this.#flood = new Flood(config.flood, clock)), clock);
    this.#reception = new Reception({ receive: (events) => core.receive(events), clock, log, signal });
    this.#presence = new Presence({ clock, keep, log, inside: () => this.#attendance.inside() });
    this.#attendance = new Attendance({
      clock,
      log,
      outbox,
      own: self.own,
      renamed: (id, name) => this.#names.renamed(id, name),
      key: (channel) => settingsOf(config, channel).key,
      entered: (id, name, since) => this.#entered(id, name, since),
      tell: (id, text) => this.#tell(id, text),
      isMember: (name) => current()?.book.channel(name) !== undefined,
      gone: (id, why) => this.#sessions.take([{ kind: "channel-gone", channel: id, at: clock.now(), via: "live", why }]),
    });
    const hasHistory = (): boolean => this.#history.isThere();
    this.#perspective = new Perspective({
      network,
      login: login.id,
      own: self.own,
      clock,
      kin,
      attendance: this.#attendance,
      current,
      hasHistory,
    });
    this.#absences = new Absences({
      clock,
      take: (events) => this.#sessions.take(events),
      view: (places) => this.#perspective.view(places),
      channelId: (name) => this.#perspective.channelId(name),
    });
    this.#inquiries = new Inquiries({ clock, outbox, signal });
    this.#history = new History({
      outbox,
      signal,
      live,
      obstacle,
      current: () => current()?.session,
      view: (places) => this.#perspective.view(places),
    });
    this.#delivery = new Delivery({
      own: self.own,
      clock,
      outbox,
      flood: this.#flood,
      history: this.#history,
      live,
      obstacle,
      enter: (channel) => this.#enterToSpeak(channel),
      doubt: (channel) => this.#attendance.doubt(channel),
      relayNick: ({ channel, speaker }) => {
        const now = live();
        return !speaker.own && channel !== undefined && relaysByName(now, config, channel) ? relayNick(now, speaker) : undefined;
      },
      paste: core.paste && ((text, title, key) => (core.paste as NonNullable<Core["paste"]>)(text, title, key)),
    });
    const networkName = config.name ?? network;
    this.#callers = new Callers({
      networkName,
      own: self.own,
      clock,
      core,
      notice: (nick, text) => void this.answer({ nick }, text).catch(() => undefined),
    });
    this.#replies = new Replies({ outbox, signal, live });
    const shared = { network, networkName, config, clock, outbox, signal, live, current, own: self.own };
    this.#answers = new Answers({
      ...shared,
      wishes: wishesOf(shared, this.#options, {
        attendance: () => this.#attendance,
        leave: (words) => this.#sessions.leave(words),
        wished: (nick) => this.#upkeep.wish(nick),
      }),
      trouble: () => (self.account?.hasLeft ? "you have left by `!irc quit`." : this.#sessions.trouble),
      inside: () => this.#attendance.inside(),
    });
    this.#lookup = new Lookup({ network, networkName, outbox, history: this.#history, signal, live, view });
    if (!self.own) kin.witness = () => this.#sessions.current?.book;
    this.#deeds = new Deeds({ outbox, live, witness: () => (self.own ? kin.witness() : undefined) });
    this.#netsplit = new Netsplit({ clock, tell: (channel, text) => this.#tell(this.#perspective.channelId(channel), text) });
    this.#nicks = new OwnNicks({ login: login.id, kin, keep, clock, log });
    this.#names = new ChannelNames(keep, log);
    this.#typing = new Typing(clock, this.#flood);
    this.#marks = new ReadMarks({ clock, own: self.own, flood: this.#flood });
    this.#upkeep = new Upkeep({ clock, outbox, signal, attendance: this.#attendance });
    this.#sessions = new Sessions({
      network,
      config,
      core,
      self,
      signal,
      view,
      attendance: this.#attendance,
      netsplit: this.#netsplit,
      away: new Away({ clock, enabled: config.presence && !self.own, take: (event) => this.#sessions.take([event]) }),
      ctcp: new Ctcp({ clock, version: options.version }),
      flood: this.#flood,
      nicks: this.#nicks,
      reception: this.#reception,
      delivery: () => this.#delivery,
      settled: (now) => this.#settled(now),
      sort: (events) => this.#callers.sort(events),
      heard: (events) => this.#absences.heard(events),
      lost: (now) => this.#lost(now),
      counted: (now, channel) => this.#counted(now, channel),
      // Where there is a history, core asks for it.
      replayed: (batch) => hasHistory() || this.#absences.replayed(batch),
    });
    void this.#begin();
  }

  capabilities(channel: RemoteChannelId): IrcCapabilities {
    return abilitiesIn(channel, {
      config: this.#options.config,
      live: this.#sessions.current,
      own: this.#options.self.own,
      history: this.#history.isThere(),
      pages: this.#options.core.paste !== undefined,
      mayRedact: !this.#delivery.mayNotRedact,
    });
  }

  /** Old messages go, and those of a server that keeps them in memory go when it starts anew. */
  readonly forgets = true;

  before(_channel: RemoteChannelId, message: RemoteMessageId, at: number): Cursor | undefined {
    return isMsgid(message) ? placeBefore(at) : undefined;
  }

  async send(part: Part, key: string, progress: Progress): Promise<Sent> {
    const { self } = this.#options;
    self.spoke?.();
    if (!self.own) return await this.#delivery.send(part, key, progress);
    if (!this.#sessions.current) self.hurry?.();
    try {
      return await this.#delivery.send(part, key, progress);
    } catch (error) {
      throw ofOnePerson(error, part.channel && this.#attendance.barrier(part.channel));
    }
  }

  async ask(asking: Asking): Promise<string> {
    return await this.#answers.to(asking);
  }

  /** Whoever has gone into a channel by themselves stays. */
  async ownerLeft(channel: RemoteChannelId): Promise<void> {
    const name = readChannelId(channel)?.channel;
    const { account } = this.#options.self;
    if (name === undefined || !account || name in account.channels) return;
    await this.#attendance.leave(channel, "Has left the room");
  }

  hurry(): void {
    this.#options.self.hurry?.();
  }

  speaksIn(channel: RemoteChannelId): boolean {
    const { self, config } = this.#options;
    return !self.own || settingsOf(config, readChannelId(channel)?.channel).own !== false;
  }

  async rule(rule: Rule): Promise<void> {
    await this.#deeds.rule(rule);
  }

  async talk(people: readonly RemoteUserId[]): Promise<RemoteChannelId> {
    const { network, login } = this.#options;
    const [person, ...others] = people;
    if (person === undefined || others.length > 0) throw new Refused("On IRC private talks are between two.");
    const { book } = this.#sessions.ready();
    const known = await this.#lookup.person(person);
    if (!known) throw new Refused("There is nobody of that name on IRC now.");
    return directId(network, book.fold(book.byId(person)?.nick ?? known.name), login.id);
  }

  find(part: Part, key: string, progress: Progress): Promise<Found> {
    return this.#delivery.find(part, key, progress);
  }

  async hint(hint: Hint): Promise<void> {
    if (this.#attendance.obstacle(hint.channel)) return;
    if (hint.kind === "read") return this.#marks.read(hint.channel, this.#sessions.current);
    this.#typing.show(hint.channel, hint.on, this.#sessions.current);
  }

  person(id: RemoteUserId): Promise<Person | undefined> {
    return this.#lookup.person(id);
  }

  channel(id: RemoteChannelId): Promise<Channel | undefined> {
    return this.#lookup.channel(id);
  }

  async members(channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }> {
    return this.#lookup.members(channel);
  }

  resolve(text: string): Promise<Person | undefined> {
    return this.#lookup.resolve(text);
  }

  channels(): AsyncIterable<Channel> {
    return this.#lookup.channels();
  }

  async join(channel: RemoteChannelId): Promise<void> {
    const place = readChannelId(channel);
    if (place?.network !== this.#options.network) throw new Refused(`"${channel}" is no channel of this network.`);
    if (place.channel === undefined) return;
    await this.#attendance.join(channel, this.#names.of(channel) ?? place.channel);
    await this.#inquiries.modesKnown(channel);
  }

  async leave(channel: RemoteChannelId): Promise<void> {
    this.#perspective.forget(channel);
    this.#names.forget(channel);
    await this.#attendance.leave(channel);
  }

  act(deed: Deed): Promise<void> {
    return this.#deeds.act(deed);
  }

  permalink(channel: RemoteChannelId): string | undefined {
    return addressOf(this.#options.config, readChannelId(channel)?.channel);
  }

  async open(): Promise<never> {
    throw new Refused("IRC has no files.");
  }

  answer(reply: unknown, text: string): Promise<void> {
    return this.#replies.to(reply, text);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#abort.abort(new Error("The connection is being closed."));
    this.#presence.end(this.#options.core.clock.now());
    this.#attendance.end();
    this.#netsplit.end();
    this.#upkeep.end();
    this.#absences.reset();
    this.#reception.close();
    this.#options.self.close?.();
    await this.#sessions.close();
    await Promise.race([this.#presence.close(), this.#options.core.clock.sleep(CLOSE_WITHIN)]);
  }

  async #begin(): Promise<void> {
    const { core, network } = this.#options;
    try {
      await this.#presence.load();
      await this.#nicks.load();
      await this.#names.load();
      const learnt = (await core.keep.get("pace")) as Pace | undefined;
      if (learnt) this.#flood.remember(learnt);
    } catch (error) {
      core.log.warn({ err: error }, "What was known of this network could not be read");
    }
    await this.#options.self.account?.load().catch(() => undefined);
    for (const [name, key] of Object.entries(this.#options.self.account?.channels ?? {})) {
      this.#attendance.keyed(name, key);
      void this.#attendance.join(channelId(network, name), name).catch(() => undefined);
    }
    for (const id of core.links()) {
      const place = readChannelId(id);
      if (place?.network === network && place.channel !== undefined) void this.#attendance.join(id, this.#names.of(id) ?? place.channel);
    }
    this.#sessions.start();
  }

  #settled(live: Live): void {
    if (this.#history.isThere()) this.history = (channel, after) => this.#history.page(channel, after);
    // Deleting makes an object large and slow: not for the hundreds that never had one.
    else if (this.history) delete this.history;
    this.#presence.begin();
    this.#upkeep.begin(live, live.session.wishedNick.slice(0, live.session.isupport.nickLength));
    this.#options.self.settled?.(
      live,
      (words) => this.#sessions.rest(words),
      () => this.#attendance.inside(),
    );
  }

  #lost({ session }: Live): void {
    this.#presence.end(session.lastHeard);
    this.#upkeep.end();
    this.#absences.reset();
    this.#perspective.reset();
    this.#inquiries.reset();
  }

  /** A person's own connection enters a channel when it first has something to say there. */
  async #enterToSpeak(channel: RemoteChannelId): Promise<void> {
    const name = readChannelId(channel)?.channel;
    if (this.#options.self.own && name !== undefined) await this.#attendance.enterSoon(channel, this.#names.of(channel) ?? name);
  }

  #entered(id: RemoteChannelId, name: string, since: number | undefined): void {
    const missed = since ?? this.#presence.missedSince(id);
    this.#presence.saw(id);
    this.#options.core.opened?.(id, since !== undefined && this.#history.isThere());
    if (missed !== undefined && !this.#history.isThere()) this.#absences.ended(id, missed);
    const live = this.#sessions.current;
    if (live) this.#inquiries.modes(live.session, id, name);
  }

  #counted({ session, book }: Live, channel: string): void {
    const { config, self } = this.#options;
    if (config.identity === "account" && !self.own) this.#inquiries.accounts(session, channel, book.channel(channel)?.members.size ?? 0);
  }

  /** To the room, or to the person whose connection it is. */
  #tell(channel: RemoteChannelId, text: string): void {
    const { core, self } = this.#options;
    const told = { kind: "notice", channel, at: core.clock.now(), via: "live", body: plainText(text) } satisfies RemoteNotice;
    this.#sessions.take([self.own ? { ...told, to: "owner" } : told]);
  }
}
