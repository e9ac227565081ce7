/** The bridge itself: everything put together, started in an order that loses nothing, and stopped. */
import { observeBotRooms } from "./bot-rooms.ts";
import type { BridgeOptions } from "./bridge-options.ts";
import { workCommand } from "./commands.ts";
import { makeConfigLinks, settleConfigLinks } from "./config-links.ts";
import { type DirectContext, workDirect } from "./direct.ts";
import { assemble, type Parts, tellAdmins, tellAlone } from "./parts.ts";
import { workIn } from "./portal/in.ts";
import { openKey } from "./portal/out-effect.ts";
import { isGhost, isPortal } from "./queries.ts";
import { workRemoteCommand } from "./remote-commands.ts";
import type { Work } from "./lane.ts";
import { Lanes, readLane } from "./lanes.ts";
import { type LinkedAccount } from "./linked-accounts.ts";
import { type LiveLogin, Logins, notConnected } from "./logins.ts";
import type { ThirdParty } from "./matrix/appservice.ts";
import type { MatrixEphemeral, MatrixEvent } from "./matrix/event.ts";
import { never } from "./model/events.ts";
import type { News } from "./network.ts";
import { linkId, type Mxid, type RemoteChannelId, type RoomAlias, type RoomId } from "./model/ids.ts";
import { workOut } from "./portal/out.ts";
import { observeLeaving } from "./own-presence.ts";
import { reopenUnresolved } from "./reopen-unresolved.ts";
import type { Link } from "./store/store.ts";
import { createThirdParty } from "./third-party.ts";
import { Watch } from "./watch.ts";

/** How long a stop waits for what is being sent. */
const STOP_PATIENCE = 2_000;

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #stopping = new AbortController();
  readonly #parts: Parts;
  /** Known from the start on; filled once the journal has been read. */
  #lanes!: Lanes;
  #held = 0;
  #started = false;
  /** What each login hears, for adapters that join their channels when they connect. */
  readonly #channels = new Map<string, Set<RemoteChannelId>>();

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#parts = assemble(options, {
      signal: this.#stopping.signal,
      lanes: () => this.#lanes,
      channelsOf: (network, login) => [...(this.#channels.get(`${network}/${login}`) ?? [])],
      connected: (live) => this.#makeConfigLinks(live),
      linked: (link, made) => this.#linked(link, made),
      accountChanged: (account) => this.#accountChanged(account),
      news: (live, news) => this.#news(live, news),
      observe: (event) => this.#observe(event),
      looked: (room) => this.#wakeRoom(room),
      direct: () => this.#direct(),
    });
  }

  /** How many queues are in memory, and how many of them are held: for metrics. */
  get lanes(): { readonly awake: number; readonly held: number } {
    return { awake: this.#lanes?.size ?? 0, held: this.#held };
  }

  get logins(): Logins {
    return this.#parts.logins;
  }

  /** Call before the first transaction is taken: from here on, what is taken finds its lane. */
  async open(): Promise<void> {
    const { store, clock, log, settings } = this.#options;
    await this.#parts.ghosts.load();
    await this.#parts.accounts.load();
    await this.#parts.moderation.load();
    await this.#parts.groups.load();
    await this.#parts.admission.load();
    await this.#parts.doubles.load();
    await this.#parts.homeserver.load(store.settings);
    await this.#parts.gaps.load();
    const names = await store.journal.lanes();
    const watch = new Watch({
      links: this.#parts.links,
      notices: this.#parts.notices,
      clock,
      log,
      networkName: (link) => this.#options.networks.find(({ network }) => network.id === link.network)?.network.name ?? link.network,
      tellPrivately: (person, key, text) => this.#tellPrivately(person, key, text),
      homeserverBack: () => void this.#parts.gaps.again(),
      held: (lanes) => {
        this.#held = lanes;
      },
      parked: (link, direction) => this.#options.metrics.parked(link.network, direction),
      left: ({ step }) => {
        const key = openKey(step);
        if (key !== undefined) this.#parts.unresolved.end(key);
      },
    });
    this.#stopping.signal.addEventListener("abort", () => watch.stop(), { once: true });
    const below = (lane: string) => this.#below(lane);
    const context = { journal: store.journal, clock, log, watch, below, giveUpAfter: settings.giveUpAfter };
    this.#lanes = new Lanes(context, (name) => this.#workOf(name), names);
    for await (const link of this.#parts.links.all()) this.#linked(link, true);
    await reopenUnresolved(store.journal, names, this.#parts.unresolved);
  }

  /** The homeserver can reach us: fetch what it never pushed, then connect to the networks. */
  async start(): Promise<void> {
    await settleConfigLinks(this.#configLinks());
    this.#lanes.wakeInherited();
    const { networks } = this.#options;
    this.#parts.gaps.begin();
    for (const { network, config } of networks)
      for (const login of network.logins(config)) this.#parts.logins.start(network, config, login);
    await this.#parts.signIns.resume();
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
    await this.#parts.logins.stopAll();
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
    const mine = { ghosts: this.#parts.ghosts, logins: this.#parts.logins, links: this.#parts.links, aliases: this.#parts.aliases };
    return { ...mine, namespace, client, users: store.users };
  }

  /** What stands in the way of being of use, one sentence each. */
  notReady(trouble: string | undefined): string[] {
    if (!this.#started) return ["The bridge is starting."];
    const away = [...this.#parts.logins.all()].filter((live) => live.login.owner === undefined && live.state.is !== "connected");
    return [...(trouble ? [trouble] : []), ...away.map(notConnected)];
  }

  /** In the admin room of the config, where there is one. `key` names the occasion: it is told once. */
  async tellAdmins(key: string, text: string): Promise<void> {
    await tellAdmins(this.#parts, this.#options, key, text);
  }

  /** A transaction of the homeserver's. Resolves when it is on disk. */
  async matrix(events: readonly MatrixEvent[], ephemeral: readonly MatrixEphemeral[]): Promise<void> {
    await this.#parts.homeserver.pushed(events, ephemeral);
    await this.#parts.gaps.heard(events);
  }

  async #tellPrivately(person: Mxid, key: string, text: string): Promise<void> {
    await tellAlone(this.#parts, this.#options, person, key, text);
  }

  async #wakeRoom(room: RoomId): Promise<void> {
    for (const link of await this.#parts.links.inRoom(room)) this.#lanes.wake(`out:${link.id}`);
  }

  async #makeConfigLinks(live: LiveLogin): Promise<void> {
    await this.#parts.aliases.resume(live);
    this.#parts.groups.look(live);
    this.#parts.admission.look(live.network.id);
    await makeConfigLinks(this.#configLinks(), live);
  }

  #observe(event: MatrixEvent): void {
    const { canary, store, client, log, namespace } = this.#options;
    canary?.observe(event);
    this.#parts.surroundings.observe(event);
    observeLeaving({ links: this.#parts.links, logins: this.#parts.logins, log }, event);
    const opened = (link: Link) => ["in", "out"].forEach((kind) => this.#lanes.wake(`${kind}:${link.id}`, true));
    const tellAdmins = (key: string, text: string) => this.tellAdmins(key, text);
    const mine = { links: this.#parts.links, users: store.users, bot: namespace.bot, tellAdmins };
    observeBotRooms({ ...mine, client, log, opened }, event).catch((error: unknown) => log.error({ err: error }, "A room was not let go"));
  }

  #configLinks() {
    const { log, client, clock, links: wanted } = this.#options;
    const mine = {
      linking: this.#parts.linking,
      links: this.#parts.links,
      logins: this.#parts.logins,
      notices: this.#parts.notices,
      aliases: this.#parts.aliases,
      groups: this.#parts.groups,
    };
    return { ...mine, wanted, client, clock, log, signal: this.#stopping.signal };
  }

  /** Whoever has power over there has it under their own name now, or no longer. */
  async #accountChanged({ network, person }: LinkedAccount): Promise<void> {
    this.#parts.admission.look(network, person);
    const rooms = new Set<RoomId>();
    for await (const link of this.#parts.links.all()) if (link.network === network) rooms.add(link.room);
    for (const room of rooms) await this.#parts.surroundings.powers.update(room).catch((error: unknown) => this.#failed(room, error));
  }

  #failed(room: RoomId, error: unknown): void {
    this.#options.log.info({ room, err: error }, "Power could not be brought up to date");
  }

  /** What a network tells that is tied to no linked channel. */
  #news(live: LiveLogin, news: News): void {
    switch (news.kind) {
      case "channels":
        return this.#parts.groups.look(live);
      case "rights":
        return this.#parts.admission.look(live.network.id, news.person);
      default:
        return never(news);
    }
  }

  #linked(link: Link, made: boolean): void {
    const key = `${link.network}/${link.login}`;
    const channels = this.#channels.get(key) ?? new Set();
    this.#channels.set(key, channels);
    if (made) this.#parts.admission.look(link.network);
    if (made) channels.add(link.channel);
    else channels.delete(link.channel);
  }

  #workOf(name: string): Work {
    const { kind, of } = readLane(name);
    switch (kind) {
      case "in":
        return workIn(this.#parts.portal, Number(of));
      case "out":
        return workOut(this.#parts.portal, Number(of));
      case "say":
        return this.#parts.notices.work(of);
      case "dm":
        return workDirect(this.#direct(), () => this.#loginNamed(of));
      case "bye":
        return this.#parts.surroundings.farewell;
      case "do":
        return of.startsWith("!") ? workCommand(this.#parts.commands) : workRemoteCommand(this.#parts.commands, () => this.#loginNamed(of));
    }
  }

  #direct() {
    const { store, client, clock, namespace } = this.#options;
    const changed = (link: Link, made: boolean) => this.#linked(link, made);
    const ownerOf: DirectContext["ownerOf"] = (network, person) => this.#parts.logins.ownerOf(network, person);
    const tell = (person: Mxid, key: string, text: string) => this.#tellPrivately(person, key, text);
    const hosts = this.#options.directHosts;
    const mine = { links: this.#parts.links, lanes: this.#lanes, ghosts: this.#parts.ghosts, hosts, changed, ownerOf, tell };
    return { store, client, clock, bot: namespace.bot, ...mine };
  }

  #loginNamed(name: string): LiveLogin | undefined {
    return [...this.#parts.logins.all()].find((live) => `${live.network.id}/${live.login.id}` === name);
  }

  async #below(lane: string): Promise<number | undefined> {
    const { kind, of } = readLane(lane);
    // Until the room was looked at for what was never pushed, only what an earlier start took goes out.
    const link = kind === "in" || kind === "out" ? await this.#parts.links.link(linkId(Number(of))) : undefined;
    if (link && kind === "out") {
      if (this.#parts.gaps.isLooked(link.room)) return undefined;
      void this.#parts.gaps.look(link.room);
      return await this.#parts.homeserver.phaseOf(link.room);
    }
    return link?.behind ? link.phase + 1 : undefined;
  }
}
