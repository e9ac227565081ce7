/** The logins that are live, shared ones and people's own, and what core gives each. */
import type { Logger } from "pino";
import { TryLater } from "./model/errors.ts";
import type { RemoteEvent } from "./model/events.ts";
import type { LoginId, Mxid, NetworkId, RemoteChannelId, RemoteUserId } from "./model/ids.ts";
import type { LinkedAccounts } from "./linked-accounts.ts";
import type { Clock, Connection, ConnectionState, Core, Keep, Login, Network, News } from "./network.ts";
import type { Link, UserStore } from "./store/store.ts";

export interface LiveLogin {
  readonly network: Network;
  readonly config: unknown;
  readonly login: Login;
  readonly connection: Connection;
  readonly state: ConnectionState;
  /** When it was last connected, or started. Milliseconds since 1970. */
  readonly since: number;
  /** Who the login is on its network, as far as sign-in told. */
  readonly person: RemoteUserId | undefined;
}

/** What happens with logins, told to the rest of core. */
export interface LoginWatch {
  received(live: LiveLogin, events: readonly RemoteEvent[], keep: Readonly<Record<string, unknown>> | undefined): Promise<void>;
  /** Called in order, after the state is set. */
  changed(live: LiveLogin, before: ConnectionState): void;
  /** What kept messages out of a channel is over. */
  opened(live: LiveLogin, channel: RemoteChannelId, missed: boolean): void;
}

export interface LoginContext {
  readonly users: UserStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watch: LoginWatch;
  /** Accounts that Matrix people have linked without signing in. */
  readonly accounts?: Pick<LinkedAccounts, "ownerOf" | "personOf">;
  /** What is not tied to a linked channel, and not kept. */
  news?(live: LiveLogin, news: News): void;
  linked(network: NetworkId, login: LoginId): readonly RemoteChannelId[];
  route(network: NetworkId, login: LoginId, path: string, serve: Parameters<Core["route"]>[1]): void;
  publicUrl(network: NetworkId, login: LoginId): string | undefined;
  paste?(text: string, title: string, key?: string): Promise<string>;
  /** How the channel's people want to know who reads along; undefined = it is not linked. */
  readersOf(network: NetworkId, channel: RemoteChannelId): ReturnType<NonNullable<Core["readersOf"]>>;
  /** Tells the admin room. */
  alarm(key: string, text: string): Promise<void>;
}

interface Entry extends LiveLogin {
  state: ConnectionState;
  since: number;
  person: RemoteUserId | undefined;
  readonly abort: AbortController;
}

export class Logins {
  readonly #live = new Map<string, Entry>();
  readonly #context: LoginContext;

  constructor(context: LoginContext) {
    this.#context = context;
  }

  start(network: Network, config: unknown, login: Login, person?: RemoteUserId): LiveLogin {
    const abort = new AbortController();
    const entry: { -readonly [K in keyof Entry]?: Entry[K] } = {
      network,
      config,
      login,
      state: { is: "connecting" },
      person,
      abort,
      since: this.#context.clock.now(),
    };
    // The adapter may report a state before `connect` returns: the entry is there already.
    this.#live.set(keyOf(network.id, login.id), entry as Entry);
    entry.connection = network.connect(config, login, this.#coreFor(entry as Entry));
    return entry as Entry;
  }

  get(network: NetworkId, login: LoginId): LiveLogin | undefined {
    return this.#live.get(keyOf(network, login));
  }

  all(): Iterable<LiveLogin> {
    return this.#live.values();
  }

  ofNetwork(network: NetworkId): readonly LiveLogin[] {
    return [...this.#live.values()].filter((live) => live.network.id === network);
  }

  /** The shared login of a link, connected; else the lane waits. */
  serving(link: Link): LiveLogin {
    const live = this.get(link.network, link.login);
    if (!live) throw new TryLater(`There is no login "${link.login}" for ${link.network}: see the config.`, 60_000, "login");
    if (live.state.is !== "connected") throw new TryLater(notConnected(live), 60_000, "login");
    return live;
  }

  /** The login whose ears the link has now: its own, else another that reaches the channel. Whatever its state. */
  hearing(link: Link): LiveLogin | undefined {
    const own = this.get(link.network, link.login);
    if (own?.state.is === "connected") return own;
    return this.ofNetwork(link.network).find((live) => live.state.is === "connected" && serves(live, link)) ?? own;
  }

  /** The Matrix person whose this network person is: their own login, or an account that they have linked. */
  ownerOf(network: NetworkId, person: RemoteUserId): Mxid | undefined {
    const live = this.ofNetwork(network).find((one) => one.person === person && one.login.owner !== undefined);
    return (live?.login.owner as Mxid | undefined) ?? this.#context.accounts?.ownerOf(network, person);
  }

  /** Who a Matrix person is on the link's network, by their own login or an account that they have linked. */
  personOf(owner: Mxid, link: Link): RemoteUserId | undefined {
    return this.ownOf(owner, link)?.person ?? this.#context.accounts?.personOf(owner, link.network);
  }

  /** A person's own login that reaches the link's channel, whatever its state. */
  ownOf(owner: Mxid, link: Link): LiveLogin | undefined {
    for (const live of this.#live.values()) {
      if (live.login.owner === owner && live.network.id === link.network && serves(live, link)) return live;
    }
    return undefined;
  }

  async stop(network: NetworkId, login: LoginId): Promise<void> {
    const entry = this.#live.get(keyOf(network, login));
    if (!entry) return;
    this.#live.delete(keyOf(network, login));
    await close(entry);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#live.values()].map((entry) => close(entry)));
  }

  #coreFor(entry: Entry): Core {
    const { users, clock, log, watch, linked, route, publicUrl, paste, alarm, news } = this.#context;
    const network = entry.network.id;
    const login = entry.login.id;
    const keep: Keep = {
      get: (key) => users.keep(network, login, key),
      set: (key, value) => users.putKeep(network, login, key, value),
    };
    return {
      receive: (events, kept) => watch.received(entry, "kind" in events ? [events] : events, kept),
      state: (state) => {
        const before = entry.state;
        entry.state = state;
        if (before.is === "connected") entry.since = clock.now();
        watch.changed(entry, before);
      },
      keep,
      me: (person) => {
        entry.person = person.id;
      },
      readersOf: (channel) => this.#context.readersOf(network, channel),
      links: () => linked(network, login),
      route: (path, serve) => route(network, login, path, serve),
      publicUrl: publicUrl(network, login),
      ...(paste ? { paste } : {}),
      opened: (channel, missed = false) => watch.opened(entry, channel, missed),
      news: (told) => news?.(entry, told),
      alarm: (key, text) => alarm(`${network}/${login}:${key}`, text),
      clock,
      log: log.child({ network, login }),
      signal: entry.abort.signal,
    };
  }
}

export function notConnected(live: LiveLogin): string {
  const name = `${live.network.name} (${live.login.name})`;
  switch (live.state.is) {
    case "connecting":
    case "connected":
      return `${name} is not connected yet.`;
    case "disconnected":
      return `${name} is not reachable: ${live.state.why}`;
    case "logged-out":
      return `${name} is logged out: ${live.state.why}`;
  }
}

function serves(live: LiveLogin, link: Link): boolean {
  return live.network.ids.serves(live.login, link.channel);
}

function keyOf(network: NetworkId, login: LoginId): string {
  return `${network}/${login}`;
}

async function close(entry: Entry): Promise<void> {
  entry.abort.abort(new Error("The connection is being closed."));
  await entry.connection.close();
}
