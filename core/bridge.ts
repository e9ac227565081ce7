/** The bridge itself: everything put together, started in an order that loses nothing, and stopped. */
import { Admission } from "./admission.ts";
import { AliasJoin } from "./alias-join.ts";
import { observeBotRooms } from "./bot-rooms.ts";
import type { BridgeOptions } from "./bridge-options.ts";
import { CatchUp } from "./catch-up.ts";
import { workCommand } from "./commands.ts";
import { compare } from "./portal/compare.ts";
import { makeConfigLinks, settleConfigLinks } from "./config-links.ts";
import { type DirectContext, workDirect } from "./direct.ts";
import { DoublePuppets } from "./double-puppets.ts";
import { FromHomeserver } from "./from-homeserver.ts";
import { Ghosts } from "./ghost.ts";
import { GroupLinks } from "./group-links.ts";
import { Hints } from "./hints.ts";
import { workIn } from "./portal/in.ts";
import { isGhost, isPortal } from "./queries.ts";
import { Presences } from "./presence.ts";
import { type RemoteCommandContext, workRemoteCommand } from "./remote-commands.ts";
import { Reception } from "./reception.ts";
import type { Work } from "./lane.ts";
import { Lanes, readLane } from "./lanes.ts";
import { Linking } from "./linking.ts";
import { Links } from "./links.ts";
import { type LinkedAccount, LinkedAccounts } from "./linked-accounts.ts";
import { tellLoggedOut } from "./logged-out.ts";
import { type LiveLogin, Logins, notConnected } from "./logins.ts";
import type { ThirdParty } from "./matrix/appservice.ts";
import type { MatrixEphemeral, MatrixEvent } from "./matrix/event.ts";
import { MatrixGaps } from "./matrix-gap.ts";
import { MediaBetween } from "./media.ts";
import { Members } from "./members.ts";
import { never, type RemoteEvent } from "./model/events.ts";
import type { News } from "./network.ts";
import { linkId, type Mxid, type RemoteChannelId, type RoomAlias, type RoomId } from "./model/ids.ts";
import { Moderation } from "./moderation.ts";
import { Notices } from "./notices.ts";
import { OptOuts } from "./opt-out.ts";
import { workOut } from "./portal/out.ts";
import { OwnLogins } from "./own-logins.ts";
import { observeLeaving } from "./own-presence.ts";
import type { PortalContext } from "./portal/portal.ts";
import { refresh } from "./portal/refresh.ts";
import { modeOf } from "./readers.ts";
import { reopenUnresolved } from "./reopen-unresolved.ts";
import { Rooms } from "./rooms.ts";
import type { Link } from "./store/store.ts";
import { ShownBook } from "./shown.ts";
import { SignIns } from "./sign-in.ts";
import { Surroundings } from "./surroundings.ts";
import { tellPrivately } from "./tell-privately.ts";
import { createThirdParty } from "./third-party.ts";
import { Unresolved } from "./unresolved.ts";
import { Verbs } from "./verbs.ts";
import { Watch } from "./watch.ts";

/** How long a stop waits for what is being sent. */
const STOP_PATIENCE = 2_000;

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #stopping = new AbortController();
  readonly #links: Links;
  readonly #logins: Logins;
  readonly #rooms: Rooms;
  readonly #members: Members;
  readonly #shown: ShownBook;
  readonly #ghosts: Ghosts;
  readonly #hints: Hints;
  readonly #unresolved = new Unresolved();
  readonly #catchUp: CatchUp;
  readonly #gaps: MatrixGaps;
  readonly #homeserver: FromHomeserver;
  readonly #linking: Linking;
  readonly #moderation: Moderation;
  readonly #groups: GroupLinks;
  readonly #admission: Admission;
  readonly #aliases: AliasJoin;
  readonly #notices: Notices;
  readonly #accounts: LinkedAccounts;
  readonly #doubles: DoublePuppets;
  readonly #signIns: SignIns;
  readonly #verbs: Verbs;
  readonly #portal: PortalContext;
  readonly #commands: RemoteCommandContext;
  /** Known from the start on; filled once the journal has been read. */
  #lanes!: Lanes;
  #held = 0;
  #started = false;
  /** What each login hears, for adapters that join their channels when they connect. */
  readonly #channels = new Map<string, Set<RemoteChannelId>>();

  constructor(options: BridgeOptions) {
    const { store, client, namespace, clock, log, secret, permissions, settings } = options;
    const bot = namespace.bot;
    this.#options = options;
    this.#links = new Links(store.portals);
    this.#members = new Members(client);
    this.#shown = new ShownBook(store.portals);
    this.#ghosts = new Ghosts({ client, users: store.users, settings: store.settings, namespace, clock, log, nameOf: options.ghostName });
    this.#notices = new Notices({
      client,
      journal: store.journal,
      clock,
      adminRoom: settings.adminRoom,
      wake: (lane) => this.#lanes.wake(lane),
    });
    const networks = new Map(options.networks.map(({ network }) => [network.id, network]));
    this.#rooms = new Rooms({
      client,
      links: this.#links,
      shown: this.#shown,
      notices: this.#notices,
      log,
      domain: namespace.domain,
      networkName: (id) => networks.get(id)?.name ?? id,
    });
    const reception = new Reception({
      journal: store.journal,
      links: this.#links,
      logins: () => this.#logins,
      lanes: () => this.#lanes,
      unresolved: this.#unresolved,
      hints: () => this.#hints,
      catchUp: () => this.#catchUp,
      clock,
      log,
      connected: (live) => this.#makeConfigLinks(live),
      loggedOut: (live) => tellLoggedOut({ store, client, notices: this.#notices, bot, secret, adminRoom: settings.adminRoom }, live),
    });
    this.#accounts = new LinkedAccounts({
      settings: store.settings,
      clock,
      changed: (account) => void this.#accountChanged(account),
      tell: (person, key, text) => this.#tellPrivately(person, key, text),
    });
    this.#logins = new Logins({
      users: store.users,
      accounts: this.#accounts,
      news: (live, news) => this.#news(live, news),
      clock,
      log,
      watch: reception,
      linked: (network, login) => [...(this.#channels.get(`${network}/${login}`) ?? [])],
      route: options.route,
      publicUrl: options.publicUrl,
      ...(options.paste ? { paste: this.#unresolved.pages(options.paste) } : {}),
      alarm: (key, text) => this.tellAdmins(key, text),
      readersOf: async (network, channel) => {
        const link = await this.#links.of(network, channel);
        return link && modeOf(link);
      },
    });
    const optOuts = new OptOuts({ users: store.users, secret, mode: options.optOut });
    const shared = {
      store,
      optOuts,
      accounts: this.#accounts,
      links: this.#links,
      logins: this.#logins,
      rooms: this.#rooms,
      notices: this.#notices,
      client,
      clock,
      log,
    };
    this.#doubles = new DoublePuppets({ ...shared, tokens: options.puppets, bot });
    const signal = this.#stopping.signal;
    const named = { ...shared, namespace, networks };
    const wake = (lane: string, open?: boolean) => this.#lanes.wake(lane, open);
    const surroundings = new Surroundings({
      ...named,
      permissions,
      secret,
      ghosts: this.#ghosts,
      shown: this.#shown,
      signal,
      wake,
      wishes: options.surroundings,
    });
    this.#linking = new Linking({
      ...named,
      surroundings,
      changed: (link, made) => this.#linked(link, made),
      wake,
    });
    const moderated = { ...shared, powers: surroundings.powers, ghosts: this.#ghosts, members: this.#members, bot };
    this.#moderation = new Moderation({ ...moderated, moderatorsRoom: settings.moderatorsRoom });
    this.#groups = new GroupLinks({ ...shared, rules: options.groups, settings: store.settings, linking: this.#linking, signal });
    this.#admission = new Admission({ ...shared, shown: this.#shown, settings: store.settings, signal });
    this.#aliases = new AliasJoin({ ...named, ...options.aliases, portals: store.portals, linking: this.#linking, signal });
    const presences = new Presences({ ...shared, ghosts: this.#ghosts, users: store.users, signal });
    this.#hints = new Hints({ ...shared, ghosts: this.#ghosts, members: this.#members, presences, bot });
    const receive = (live: LiveLogin, events: readonly RemoteEvent[]) => reception.received(live, events);
    this.#catchUp = new CatchUp({
      links: this.#links,
      signal: this.#stopping.signal,
      clock,
      log,
      receive,
      refresh: (live, link) => refresh({ ...shared, surroundings }, live, link),
      caughtUp: (link) => this.#lanes.wake(`in:${link.id}`, true),
      compare: (live, link) => compare({ messages: store.messages, journal: store.journal, clock, receive }, live, link),
      tell: (link, key, text) => this.#notices.say(link.room, key, text),
      lastHeard: async (link) => (await store.messages.latest(link.id))?.at,
      missed: (link) => options.metrics.missed(link.network, 1),
    });
    this.#homeserver = new FromHomeserver({
      ...shared,
      lanes: () => this.#lanes,
      ghosts: this.#ghosts,
      members: this.#members,
      doubles: this.#doubles,
      moderation: this.#moderation,
      hints: this.#hints,
      bot,
      secret,
      isVerb: (event) => this.#verbs.networkIn(event.content) !== undefined,
      observe: (event) => this.#observe(event),
    });
    this.#gaps = new MatrixGaps({
      ...shared,
      settings: store.settings,
      signal: this.#stopping.signal,
      take: (room, events) => this.#homeserver.found(room, events),
      looked: (room) => void this.#wakeRoom(room),
    });
    const configured = new Map(options.networks.map((one) => [one.network.id, one]));
    const ownLogins = new OwnLogins({ store, logins: this.#logins, permissions, networks: configured, log });
    this.#verbs = new Verbs({ ...shared, ownLogins, permissions, bot, networks: configured });
    this.#portal = {
      ...shared,
      ownLogins,
      ghosts: this.#ghosts,
      doubles: this.#doubles,
      surroundings,
      unresolved: this.#unresolved,
      members: this.#members,
      permissions,
      media: new MediaBetween(client, store.settings, options.mediaLinks),
      bot,
      secret,
      settings,
      tellPrivately: (person, key, text) => this.#tellPrivately(person, key, text),
      told: {
        delivered: (link, direction, kind, since, trace) => this.#delivered(link, direction, kind, since, trace),
        missed: (link, lines) => options.metrics.missed(link.network, lines),
      },
    };
    const relay = (event: MatrixEvent) => this.#homeserver.relay(event);
    const { callback } = options;
    this.#signIns = new SignIns({ ...shared, users: store.users, doubles: this.#doubles, networks: configured, callback });
    const upgrade = { ...shared, linking: this.#linking, surroundings, wake };
    this.#commands = {
      ...shared,
      upgrade,
      signIns: this.#signIns,
      verbs: this.#verbs,
      linking: this.#linking,
      lanes: this.#lanes,
      ghosts: this.#ghosts,
      permissions,
      moderation: this.#moderation,
      groups: this.#groups,
      bot,
      relay,
      talk: () => ({ ...this.#direct(), logins: this.#logins, permissions }),
    };
  }

  /** How many queues are in memory, and how many of them are held: for metrics. */
  get lanes(): { readonly awake: number; readonly held: number } {
    return { awake: this.#lanes?.size ?? 0, held: this.#held };
  }

  get logins(): Logins {
    return this.#logins;
  }

  /** Call before the first transaction is taken: from here on, what is taken finds its lane. */
  async open(): Promise<void> {
    const { store, clock, log, settings } = this.#options;
    await this.#ghosts.load();
    await this.#accounts.load();
    await this.#moderation.load();
    await this.#groups.load();
    await this.#admission.load();
    await this.#doubles.load();
    await this.#homeserver.load(store.settings);
    await this.#gaps.load();
    const names = await store.journal.lanes();
    const watch = new Watch({
      links: this.#links,
      notices: this.#notices,
      clock,
      log,
      networkName: (link) => this.#options.networks.find(({ network }) => network.id === link.network)?.network.name ?? link.network,
      tellPrivately: (person, key, text) => this.#tellPrivately(person, key, text),
      homeserverBack: () => void this.#gaps.again(),
      held: (lanes) => {
        this.#held = lanes;
      },
      parked: (link, direction) => this.#options.metrics.parked(link.network, direction),
    });
    this.#stopping.signal.addEventListener("abort", () => watch.stop(), { once: true });
    const below = (lane: string) => this.#below(lane);
    const context = { journal: store.journal, clock, log, watch, below, giveUpAfter: settings.giveUpAfter };
    this.#lanes = new Lanes(context, (name) => this.#workOf(name), names);
    Object.assign(this.#commands, { lanes: this.#lanes });
    for await (const link of this.#links.all()) this.#linked(link, true);
    await reopenUnresolved(store.journal, names, this.#unresolved);
  }

  /** The homeserver can reach us: fetch what it never pushed, then connect to the networks. */
  async start(): Promise<void> {
    await settleConfigLinks(this.#configLinks());
    this.#lanes.wakeInherited();
    const { networks } = this.#options;
    this.#gaps.begin();
    for (const { network, config } of networks) for (const login of network.logins(config)) this.#logins.start(network, config, login);
    await this.#signIns.resume();
    this.#started = true;
  }

  /** What is being sent is finished or left in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("The bridge is stopping."));
    // What is being sent is finished first: its confirmation has to find us connected.
    const { clock } = this.#options;
    const enough = Promise.withResolvers<void>();
    const cancel = clock.timer(STOP_PATIENCE, enough.resolve);
    await Promise.race([this.#lanes.stop(), enough.promise]);
    cancel();
    await this.#logins.stopAll();
    await this.#lanes.stop();
  }

  /** Whether the homeserver may take it for one of our ghosts. */
  async isGhost(whom: Mxid): Promise<boolean> {
    return await isGhost(this.#queries(), whom);
  }

  /** Whether an alias is that of a portal: those that stand are known to the homeserver itself. */
  async isPortal(alias: RoomAlias): Promise<boolean> {
    return await isPortal(this.#queries(), alias);
  }

  get thirdParty(): ThirdParty {
    return createThirdParty({ ...this.#queries(), networks: new Map(this.#options.networks.map(({ network }) => [network.id, network])) });
  }

  #queries() {
    const { namespace, store, client } = this.#options;
    const mine = { ghosts: this.#ghosts, logins: this.#logins, links: this.#links, aliases: this.#aliases };
    return { ...mine, namespace, client, users: store.users };
  }

  /** What stands in the way of being of use, one sentence each. */
  notReady(trouble: string | undefined): string[] {
    if (!this.#started) return ["The bridge is starting."];
    const away = [...this.#logins.all()].filter((live) => live.login.owner === undefined && live.state.is !== "connected");
    return [...(trouble ? [trouble] : []), ...away.map(notConnected)];
  }

  /** In the admin room of the config, where there is one. `key` names the occasion: it is told once. */
  async tellAdmins(key: string, text: string): Promise<void> {
    const { adminRoom } = this.#options.settings;
    if (adminRoom) await this.#notices.say(adminRoom, key, text);
  }

  /** A transaction of the homeserver's. Resolves when it is on disk. */
  async matrix(events: readonly MatrixEvent[], ephemeral: readonly MatrixEphemeral[]): Promise<void> {
    await this.#homeserver.pushed(events, ephemeral);
    await this.#gaps.heard(events);
  }

  async #tellPrivately(person: Mxid, key: string, text: string): Promise<void> {
    const { store, client, namespace } = this.#options;
    await tellPrivately({ store, client, notices: this.#notices, bot: namespace.bot }, person, key, text);
  }

  async #wakeRoom(room: RoomId): Promise<void> {
    for (const link of await this.#links.inRoom(room)) this.#lanes.wake(`out:${link.id}`);
  }

  async #makeConfigLinks(live: LiveLogin): Promise<void> {
    await this.#aliases.resume(live);
    this.#groups.look(live);
    this.#admission.look(live.network.id);
    await makeConfigLinks(this.#configLinks(), live);
  }

  #observe(event: MatrixEvent): void {
    const { canary, store, client, log, namespace } = this.#options;
    canary?.observe(event);
    this.#portal.surroundings.observe(event);
    observeLeaving({ links: this.#links, logins: this.#logins, log }, event);
    const opened = (link: Link) => ["in", "out"].forEach((kind) => this.#lanes.wake(`${kind}:${link.id}`, true));
    const tellAdmins = (key: string, text: string) => this.tellAdmins(key, text);
    const mine = { links: this.#links, users: store.users, bot: namespace.bot, tellAdmins };
    observeBotRooms({ ...mine, client, log, opened }, event).catch((error: unknown) => log.error({ err: error }, "A room was not let go"));
  }

  #configLinks() {
    const { log, client, clock, links: wanted } = this.#options;
    const mine = {
      linking: this.#linking,
      links: this.#links,
      logins: this.#logins,
      notices: this.#notices,
      aliases: this.#aliases,
      groups: this.#groups,
    };
    return { ...mine, wanted, client, clock, log, signal: this.#stopping.signal };
  }

  /** Whoever has power over there has it under their own name now, or no longer. */
  async #accountChanged({ network, person }: LinkedAccount): Promise<void> {
    this.#admission.look(network, person);
    const rooms = new Set<RoomId>();
    for await (const link of this.#links.all()) if (link.network === network) rooms.add(link.room);
    for (const room of rooms) await this.#portal.surroundings.powers.update(room).catch((error: unknown) => this.#failed(room, error));
  }

  #failed(room: RoomId, error: unknown): void {
    this.#options.log.info({ room, err: error }, "Power could not be brought up to date");
  }

  /** What a network tells that is tied to no linked channel. */
  #news(live: LiveLogin, news: News): void {
    switch (news.kind) {
      case "channels":
        return this.#groups.look(live);
      case "rights":
        return this.#admission.look(live.network.id, news.person);
      default:
        return never(news);
    }
  }

  #linked(link: Link, made: boolean): void {
    const key = `${link.network}/${link.login}`;
    const channels = this.#channels.get(key) ?? new Set();
    this.#channels.set(key, channels);
    if (made) this.#admission.look(link.network);
    if (made) channels.add(link.channel);
    else channels.delete(link.channel);
  }

  #workOf(name: string): Work {
    const { kind, of } = readLane(name);
    switch (kind) {
      case "in":
        return workIn(this.#portal, Number(of));
      case "out":
        return workOut(this.#portal, Number(of));
      case "say":
        return this.#notices.work(of);
      case "dm":
        return workDirect(this.#direct(), () => this.#loginNamed(of));
      case "bye":
        return this.#portal.surroundings.farewell;
      case "do":
        return of.startsWith("!") ? workCommand(this.#commands) : workRemoteCommand(this.#commands, () => this.#loginNamed(of));
    }
  }

  #direct() {
    const { store, client, clock, namespace } = this.#options;
    const changed = (link: Link, made: boolean) => this.#linked(link, made);
    const ownerOf: DirectContext["ownerOf"] = (network, person) => this.#logins.ownerOf(network, person);
    const tell = (person: Mxid, key: string, text: string) => this.#tellPrivately(person, key, text);
    const hosts = this.#options.directHosts;
    const mine = { links: this.#links, lanes: this.#lanes, ghosts: this.#ghosts, hosts, changed, ownerOf, tell };
    return { store, client, clock, bot: namespace.bot, ...mine };
  }

  #loginNamed(name: string): LiveLogin | undefined {
    return [...this.#logins.all()].find((live) => `${live.network.id}/${live.login.id}` === name);
  }

  async #below(lane: string): Promise<number | undefined> {
    const { kind, of } = readLane(lane);
    // Until the room was looked at for what was never pushed, only what an earlier start took goes out.
    const link = kind === "in" || kind === "out" ? await this.#links.link(linkId(Number(of))) : undefined;
    if (link && kind === "out") {
      if (this.#gaps.isLooked(link.room)) return undefined;
      void this.#gaps.look(link.room);
      return await this.#homeserver.phaseOf(link.room);
    }
    return link?.behind ? link.phase + 1 : undefined;
  }

  #delivered(link: Link, direction: "in" | "out", kind: string, since: number, trace: string): void {
    const { metrics, clock, log } = this.#options;
    metrics.delivered({ network: link.network, direction, kind, since, now: clock.now() });
    log.debug({ link: link.id, trace }, `Delivered ${direction === "in" ? "to Matrix" : "to the network"}: ${kind}`);
  }
}
