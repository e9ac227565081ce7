/** What the bridge is made of, put together. What must know each other meets in `Parts`, which is filled from the ground up. */
import { Admission } from "./admission.ts";
import { AliasJoin } from "./alias-join.ts";
import type { BridgeOptions } from "./bridge-options.ts";
import type { CommandContext } from "./commands.ts";
import { CatchUp } from "./catch-up.ts";
import { compare } from "./portal/compare.ts";
import type { DirectContext } from "./direct.ts";
import { DoublePuppets } from "./double-puppets.ts";
import { FromHomeserver } from "./from-homeserver.ts";
import { Ghosts } from "./ghost.ts";
import { GroupLinks } from "./group-links.ts";
import { Hints } from "./hints.ts";
import type { Lanes } from "./lanes.ts";
import { Linking } from "./linking.ts";
import { Links } from "./links.ts";
import { type LinkedAccount, LinkedAccounts } from "./linked-accounts.ts";
import { tellBackIn, tellLoggedOut } from "./logged-out.ts";
import { type LiveLogin, Logins } from "./logins.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { MatrixGaps } from "./matrix-gap.ts";
import { MediaBetween } from "./media.ts";
import { Members } from "./members.ts";
import type { RemoteEvent } from "./model/events.ts";
import type { LoginId, Mxid, NetworkId, RemoteChannelId, RoomId } from "./model/ids.ts";
import { Moderation } from "./moderation.ts";
import type { News } from "./network.ts";
import { Notices } from "./notices.ts";
import { OptOuts } from "./opt-out.ts";
import { OwnLogins } from "./own-logins.ts";
import type { PortalContext } from "./portal/portal.ts";
import { refresh } from "./portal/refresh.ts";
import { Presences } from "./presence.ts";
import { modeOf } from "./readers.ts";
import { Reception } from "./reception.ts";
import { Rooms } from "./rooms.ts";
import { ShownBook } from "./shown.ts";
import { SignIns } from "./sign-in.ts";
import type { Link } from "./store/store.ts";
import { Surroundings } from "./surroundings.ts";
import { tellPrivately } from "./tell-privately.ts";
import { Unresolved } from "./unresolved.ts";
import { Verbs } from "./verbs.ts";

export interface Parts {
  readonly links: Links;
  readonly members: Members;
  readonly shown: ShownBook;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly rooms: Rooms;
  readonly unresolved: Unresolved;
  readonly optOuts: OptOuts;
  readonly accounts: LinkedAccounts;
  readonly reception: Reception;
  readonly logins: Logins;
  readonly catchUp: CatchUp;
  readonly doubles: DoublePuppets;
  readonly surroundings: Surroundings;
  readonly linking: Linking;
  readonly moderation: Moderation;
  readonly groups: GroupLinks;
  readonly admission: Admission;
  readonly aliases: AliasJoin;
  readonly hints: Hints;
  readonly homeserver: FromHomeserver;
  readonly gaps: MatrixGaps;
  readonly ownLogins: OwnLogins;
  readonly verbs: Verbs;
  readonly signIns: SignIns;
  readonly portal: PortalContext;
  readonly commands: CommandContext;
}

/** What the parts ask of the bridge while it runs. */
export interface Life {
  /** Aborted when the bridge stops. */
  readonly signal: AbortSignal;
  /** Filled once the journal has been read. */
  lanes(): Lanes;
  /** What a login hears. */
  channelsOf(network: NetworkId, login: LoginId): readonly RemoteChannelId[];
  connected(live: LiveLogin): Promise<void>;
  linked(link: Link, made: boolean): void;
  accountChanged(account: LinkedAccount): Promise<void>;
  news(live: LiveLogin, news: News): void;
  observe(event: MatrixEvent): void;
  /** A room was looked at for what was never pushed. */
  looked(room: RoomId): Promise<void>;
  direct(): DirectContext & { readonly bot: Mxid };
}

type Growing = { -readonly [Name in keyof Parts]: Parts[Name] };

interface Site {
  readonly parts: Growing;
  readonly options: BridgeOptions;
  readonly life: Life;
}

export function assemble(options: BridgeOptions, life: Life): Parts {
  const parts = {} as Growing;
  const site: Site = { parts, options, life };
  ground(site);
  networkSide(site);
  roomSide(site);
  links(site);
  homeserverSide(site);
  people(site);
  parts.portal = portalOf(site);
  parts.commands = commandsOf(site);
  return parts;
}

/** In the admin room of the config, where there is one. */
export async function tellAdmins({ notices }: Parts, { settings }: BridgeOptions, key: string, text: string): Promise<void> {
  if (settings.adminRoom) await notices.say(settings.adminRoom, key, text);
}

export async function tellAlone({ notices }: Parts, options: BridgeOptions, person: Mxid, key: string, text: string): Promise<void> {
  const { store, client, namespace } = options;
  await tellPrivately({ store, client, notices, bot: namespace.bot }, person, key, text);
}

/** What nearly every part works with. */
function shared({ parts, options }: Site) {
  const { store, client, clock, log } = options;
  const { optOuts, accounts, links, logins, rooms, notices } = parts;
  return { store, optOuts, accounts, links, logins, rooms, notices, client, clock, log };
}

function named(site: Site) {
  const { namespace, networks } = site.options;
  return { ...shared(site), namespace, networks: new Map(networks.map(({ network }) => [network.id, network])) };
}

function wakeOf({ life }: Site) {
  return (lane: string, open?: boolean) => life.lanes().wake(lane, open);
}

function ground(site: Site): void {
  const { parts, options } = site;
  const { store, client, clock, log, namespace, secret, settings } = options;
  const wake = wakeOf(site);
  parts.links = new Links(store.portals);
  parts.members = new Members(client);
  parts.shown = new ShownBook(store.portals);
  parts.unresolved = new Unresolved();
  parts.ghosts = new Ghosts({ client, users: store.users, settings: store.settings, namespace, clock, log, nameOf: options.ghostName });
  parts.notices = new Notices({ client, journal: store.journal, clock, adminRoom: settings.adminRoom, wake });
  parts.optOuts = new OptOuts({ users: store.users, secret, mode: options.optOut });
  const { links, shown, notices } = parts;
  const networkName = (id: NetworkId) => options.networks.find(({ network }) => network.id === id)?.network.name ?? id;
  parts.rooms = new Rooms({ client, links, shown, notices, log, domain: namespace.domain, networkName });
}

/** Logins, and what they give. */
function networkSide({ parts, options, life }: Site): void {
  const { store, client, clock, log, namespace, secret, settings } = options;
  const { links, unresolved, notices } = parts;
  const bot = namespace.bot;
  const carries = (link: Link) => parts.logins.hearing(link)?.state.is === "connected";
  const out = { store, client, notices, bot, secret, links, adminRoom: settings.adminRoom, carries };
  parts.reception = new Reception({
    journal: store.journal,
    links,
    logins: () => parts.logins,
    lanes: () => life.lanes(),
    unresolved,
    hints: () => parts.hints,
    catchUp: () => parts.catchUp,
    clock,
    log,
    connected: (live) => life.connected(live),
    loggedOut: (live) => tellLoggedOut(out, live),
    loggedIn: (live) => tellBackIn(out, live),
  });
  parts.accounts = new LinkedAccounts({
    settings: store.settings,
    clock,
    changed: (account) => void life.accountChanged(account),
    tell: (person, key, text) => tellAlone(parts, options, person, key, text),
  });
  parts.logins = new Logins({
    users: store.users,
    accounts: parts.accounts,
    news: (live, news) => life.news(live, news),
    clock,
    log,
    watch: parts.reception,
    linked: (network, login) => life.channelsOf(network, login),
    route: options.route,
    publicUrl: options.publicUrl,
    ...(options.paste ? { paste: unresolved.pages(options.paste) } : {}),
    alarm: (key, text) => tellAdmins(parts, options, key, text),
    readersOf: async (network, channel) => {
      const link = await links.of(network, channel);
      return link && modeOf(link);
    },
  });
}

/** Rooms, who is in them and what they look like. */
function roomSide(site: Site): void {
  const { parts, options, life } = site;
  const { permissions, secret, namespace } = options;
  const { ghosts, shown, members } = parts;
  const bot = namespace.bot;
  parts.doubles = new DoublePuppets({ ...shared(site), tokens: options.puppets, bot });
  parts.surroundings = new Surroundings({
    ...named(site),
    permissions,
    secret,
    ghosts,
    shown,
    signal: life.signal,
    wake: wakeOf(site),
    wishes: options.surroundings,
  });
  const { powers } = parts.surroundings;
  const { moderatorsRoom } = options.settings;
  parts.moderation = new Moderation({ ...shared(site), powers, ghosts, members, bot, moderatorsRoom });
}

/** How links are made, and what follows when a login is there. */
function links(site: Site): void {
  const { parts, options, life } = site;
  const { store, clock, log, metrics } = options;
  const { signal } = life;
  const { surroundings, notices, reception } = parts;
  const changed = (link: Link, made: boolean) => life.linked(link, made);
  parts.linking = new Linking({ ...named(site), surroundings, changed, wake: wakeOf(site) });
  const { linking } = parts;
  parts.groups = new GroupLinks({ ...shared(site), rules: options.groups, settings: store.settings, linking, signal });
  parts.admission = new Admission({ ...shared(site), shown: parts.shown, settings: store.settings, signal });
  parts.aliases = new AliasJoin({ ...named(site), ...options.aliases, portals: store.portals, linking, signal });
  const receive = (live: LiveLogin, events: readonly RemoteEvent[]) => reception.received(live, events);
  parts.catchUp = new CatchUp({
    links: parts.links,
    signal,
    clock,
    log,
    receive,
    refresh: (live, link) => refresh({ ...shared(site), surroundings }, live, link),
    caughtUp: (link) => life.lanes().wake(`in:${link.id}`, true),
    compare: (live, link) => compare({ messages: store.messages, journal: store.journal, clock, receive }, live, link),
    tell: (link, key, text) => notices.say(link.room, key, text),
    lastHeard: async (link) => (await store.messages.latest(link.id))?.at,
    missed: (link) => metrics.missed(link.network, 1),
  });
}

function homeserverSide(site: Site): void {
  const { parts, options, life } = site;
  const { store, namespace, secret } = options;
  const { ghosts, members, doubles, moderation } = parts;
  const bot = namespace.bot;
  const isConnected = (network: NetworkId) => parts.logins.ofNetwork(network).some((live) => live.state.is === "connected");
  const presences = new Presences({ ...shared(site), ghosts, users: store.users, signal: life.signal, isConnected });
  parts.hints = new Hints({ ...shared(site), ghosts, members, presences, bot });
  parts.homeserver = new FromHomeserver({
    ...shared(site),
    lanes: () => life.lanes(),
    ghosts,
    members,
    doubles,
    moderation,
    hints: parts.hints,
    bot,
    secret,
    linksOut: options.mediaLinks !== undefined,
    isVerb: (event) => parts.verbs.networkIn(event.content) !== undefined,
    observe: (event) => life.observe(event),
  });
  parts.gaps = new MatrixGaps({
    ...shared(site),
    settings: store.settings,
    signal: life.signal,
    take: (room, events) => parts.homeserver.found(room, events),
    looked: (room) => void life.looked(room),
    tooMuch: async (room, before) => {
      const from = new Date(before).toISOString().slice(0, 16).replace("T", " ");
      const text = `More was said here while the bridge was away than it looks through: what is older than ${from} UTC may not have crossed.`;
      await parts.notices.say(room, `too much:${before}`, text);
    },
  });
}

/** Logins of people's own, and what they say to a network by the bridge. */
function people(site: Site): void {
  const { parts, options } = site;
  const { store, permissions, log, namespace, callback } = options;
  const networks = new Map(options.networks.map((one) => [one.network.id, one]));
  parts.ownLogins = new OwnLogins({ store, logins: parts.logins, permissions, networks, log });
  parts.verbs = new Verbs({ ...shared(site), ownLogins: parts.ownLogins, permissions, bot: namespace.bot, networks });
  parts.signIns = new SignIns({ ...shared(site), users: store.users, doubles: parts.doubles, networks, callback });
}

function portalOf(site: Site): PortalContext {
  const { parts, options } = site;
  const { client, store, metrics, clock, log, namespace, secret, settings, permissions } = options;
  const { ownLogins, ghosts, doubles, surroundings, unresolved, members } = parts;
  return {
    ...shared(site),
    ownLogins,
    ghosts,
    doubles,
    surroundings,
    unresolved,
    members,
    permissions,
    media: new MediaBetween(client, store.settings, options.mediaLinks),
    bot: namespace.bot,
    secret,
    settings,
    tellPrivately: (person, key, text) => tellAlone(parts, options, person, key, text),
    told: {
      delivered(link, direction, kind, since, trace) {
        metrics.delivered({ network: link.network, direction, kind, since, now: clock.now() });
        log.debug({ link: link.id, trace }, `Delivered ${direction === "in" ? "to Matrix" : "to the network"}: ${kind}`);
      },
      missed: (link, lines) => metrics.missed(link.network, lines),
    },
  };
}

function commandsOf(site: Site): CommandContext {
  const { parts, options, life } = site;
  const { permissions, namespace } = options;
  const { signIns, verbs, linking, ghosts, moderation, groups, surroundings, logins, homeserver } = parts;
  return {
    ...shared(site),
    upgrade: { ...shared(site), linking, surroundings, wake: wakeOf(site) },
    signIns,
    verbs,
    linking,
    get lanes() {
      return life.lanes();
    },
    ghosts,
    permissions,
    moderation,
    groups,
    bot: namespace.bot,
    relay: (event) => homeserver.relay(event),
    talk: () => ({ ...life.direct(), logins, permissions, ownLogins: parts.ownLogins }),
  };
}
