/**
 * Portals that come to be when somebody joins an alias such as `#_irc_libera_#causeway:example.org`. Only where a rule of the config
 * says so, which is the channel's yes; and only for channels that whoever likes may find and read, since nobody is invited. The room is
 * made in the background: the homeserver has its answer within a second, and the true one at the next asking.
 */
import type { Logger } from "pino";
import { isOpen } from "./channel-facts.ts";
import type { Linking } from "./linking.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import { Lru } from "./lru.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import type { Namespace } from "./matrix/namespace.ts";
import { Refused } from "./model/errors.ts";
import { type NetworkId, type RemoteChannelId, type RoomAlias, roomAlias } from "./model/ids.ts";
import type { Channel, Clock } from "./network.ts";
import { matchesGlob } from "./permissions.ts";
import type { LinkSettings, PortalStore } from "./store/store.ts";

export interface AliasRule {
  readonly network: NetworkId;
  /** Of ids, as after `!causeway link NETWORK`, `*` for any run of characters. */
  readonly channel: string;
  /** The id of a workspace, server or category that the channel has to lie in; absent = anywhere. */
  readonly space?: string | undefined;
  readonly settings: LinkSettings;
}

export interface AliasJoinContext {
  readonly rules: readonly AliasRule[];
  readonly mostPerHour: number;
  readonly linking: Linking;
  readonly links: Links;
  readonly logins: Logins;
  readonly namespace: Namespace;
  readonly client: MatrixClient;
  readonly portals: PortalStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the bridge stops. */
  readonly signal: AbortSignal;
}

/** What is put down beside the alias while its room is made. */
interface Making {
  readonly network: NetworkId;
  readonly channel: RemoteChannelId;
  readonly byAlias?: true;
}

/** After this long a new asking begins anew. */
const DEADLINE = 60_000;
/** So many at once; who asks for more is told that there is none. */
const MOST_AT_ONCE = 8;
/** How long a network is not asked again for what it does not have. */
const NOT_THERE = 30_000;
/** What was begun and failed is tried again after this long. */
const AGAIN = 30_000;
const HOUR = 3_600_000;

export class AliasJoin {
  readonly #context: AliasJoinContext;
  readonly #making = new Map<RoomAlias, Promise<boolean>>();
  /** Alias → not before. */
  readonly #absent = new Lru<RoomAlias, number>(1_000);
  /** When the rooms of the last hour were made. */
  #made: number[] = [];

  constructor(context: AliasJoinContext) {
    this.#context = context;
  }

  /** Whether a room can be joined by the alias; true = it stands. */
  async leadsTo(alias: RoomAlias): Promise<boolean> {
    const { namespace, clock, linking } = this.#context;
    const named = namespace.channelOf(alias);
    // One channel, one alias: another spelling of it is nobody's.
    if (!named || namespace.alias(named.network, named.channel) !== alias) return false;
    const going = this.#making.get(alias);
    if (going) return await going;
    if (!this.rule(named.network, named.channel) || (this.#absent.get(alias) ?? 0) > clock.now()) return false;
    if (this.#making.size >= MOST_AT_ONCE || !this.#mayMakeMore()) return false;
    if (await linking.isEnded(named.network, named.channel)) return false;
    return await this.#begin(alias, named.network, named.channel);
  }

  /** The rule that allows a portal of the channel, as far as its id tells; undefined = none does. */
  rule(network: NetworkId, channel: RemoteChannelId): AliasRule | undefined {
    const fits = (rule: AliasRule) => matchesGlob(rule.channel.trim().split(/\s+/).join("/").toLowerCase(), channel.toLowerCase());
    return this.#context.rules.find((rule) => rule.network === network && fits(rule));
  }

  /** A login is connected: what an earlier process began for it is brought to an end. */
  async resume(live: LiveLogin): Promise<void> {
    for (const { key, value } of await this.#context.portals.makings("#")) {
      const { network, channel, byAlias } = value as Partial<Making>;
      if (byAlias && channel && network === live.network.id && this.#login(network, channel) === live) {
        void this.#begin(roomAlias(key), network, channel);
      }
    }
  }

  #begin(alias: RoomAlias, network: NetworkId, channel: RemoteChannelId): Promise<boolean> {
    const { clock, log } = this.#context;
    const work = this.#make(alias, network, channel).catch((error: unknown) => {
      log.warn({ network, channel, err: error }, "A portal could not be made by its alias");
      void this.#later(alias, network, channel);
      return false;
    });
    this.#making.set(alias, work);
    const end = () => {
      if (this.#making.get(alias) === work) this.#making.delete(alias);
    };
    const cancel = clock.timer(DEADLINE, end);
    void work.finally(() => {
      cancel();
      end();
    });
    return work;
  }

  /** The homeserver may know the alias by now, and does not ask again. */
  async #later(alias: RoomAlias, network: NetworkId, channel: RemoteChannelId): Promise<void> {
    const { clock, signal, portals } = this.#context;
    await clock.sleep(AGAIN, signal).catch(() => undefined);
    if (signal.aborted || this.#making.has(alias) || (await portals.making(alias)) === undefined) return;
    await this.#begin(alias, network, channel);
  }

  async #make(alias: RoomAlias, network: NetworkId, id: RemoteChannelId): Promise<boolean> {
    const { linking, links, clock, portals } = this.#context;
    if (await links.of(network, id)) {
      await portals.putMaking(alias, undefined);
      return true;
    }
    const live = this.#login(network, id);
    if (live?.state.is !== "connected") return false;
    const channel = await live.connection.channel(id);
    const rule = channel && this.#ruleFor(network, id, channel);
    if (!channel || !rule || channel.id !== id || !isOpen(channel)) {
      this.#absent.set(alias, clock.now() + NOT_THERE);
      await this.#undo(alias);
      return false;
    }
    if (!this.#mayMakeMore()) return false;
    this.#made.push(clock.now());
    // Before anything is made: a channel that does not let us in refuses here.
    await live.connection.join(id);
    const making: Making = { network, channel: id, byAlias: true };
    const room = await linking.portalRoom(live.network, channel, [], making);
    try {
      await linking.make(network, id, room, "config", rule.settings);
      return true;
    } catch (error) {
      if (failureOf(error) instanceof Refused) {
        const link = await links.of(network, id);
        if (link) await linking.end(link);
        await this.#undo(alias);
      }
      throw error;
    }
  }

  #ruleFor(network: NetworkId, id: RemoteChannelId, channel: Channel): AliasRule | undefined {
    const rule = this.rule(network, id);
    return rule?.space === undefined || channel.spaces.some((space) => space.id === rule.space) ? rule : undefined;
  }

  /** A room without a channel is no use to anybody. */
  async #undo(alias: RoomAlias): Promise<void> {
    const { client, portals } = this.#context;
    if ((await portals.making(alias)) === undefined) return;
    const made = await client.resolveAlias(alias);
    if (made) {
      await client.removeAlias(alias);
      await client.leave(made.room, { reason: "The channel cannot be bridged." });
    }
    await portals.putMaking(alias, undefined);
  }

  #login(network: NetworkId, channel: RemoteChannelId): LiveLogin | undefined {
    const shared = this.#context.logins.ofNetwork(network).filter((one) => one.login.owner === undefined);
    const wanted = shared[0]?.network.ids.loginOf(channel);
    return shared.find((one) => wanted === undefined || one.login.id === wanted);
  }

  #mayMakeMore(): boolean {
    const { clock, mostPerHour, log } = this.#context;
    this.#made = this.#made.filter((at) => at > clock.now() - HOUR);
    if (this.#made.length < mostPerHour) return true;
    log.warn({ most: mostPerHour }, "No more portals are made by their aliases within this hour: see bridge.rooms_per_hour");
    return false;
  }
}
