/**
 * Making and ending links. Both sides have to agree: in the room someone with power in it, for the channel the config, a bridge admin,
 * or someone with the right over there who confirms with a one-time code.
 */
import type { Logger } from "pino";
import { isOpen, rememberedOf } from "./channel-facts.ts";
import { farewellRow } from "./farewell.ts";
import type { Links } from "./links.ts";
import { type LiveLogin, type Logins, notConnected } from "./logins.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { Namespace } from "./matrix/namespace.ts";
import { Refused, TryLater } from "./model/errors.ts";
import type { Mxid, NetworkId, RemoteChannelId, RoomId } from "./model/ids.ts";
import type { Channel, Clock, Network } from "./network.ts";
import type { Notices } from "./notices.ts";
import { oneTimeCode } from "./one-time-code.ts";
import { obtainRoom } from "./obtain-room.ts";
import type { Rooms } from "./rooms.ts";
import { shownName } from "./shown-name.ts";
import type { LaneName, Link, LinkSettings, Store } from "./store/store.ts";
import type { Surroundings } from "./surroundings.ts";

export interface LinkingContext {
  readonly store: Store;
  readonly links: Links;
  readonly logins: Logins;
  readonly rooms: Rooms;
  readonly notices: Notices;
  readonly client: MatrixClient;
  readonly namespace: Namespace;
  readonly clock: Clock;
  readonly log: Logger;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly surroundings: Surroundings;
  /** Called when a link was made or ended, so that whoever keeps lists keeps them right. */
  changed(link: Link, made: boolean): void;
  wake(lane: LaneName): void;
}

/** A wish that waits for the other side's yes. */
interface Wish {
  readonly network: NetworkId;
  readonly channel: RemoteChannelId;
  readonly room: RoomId;
  readonly by: Mxid;
  readonly until: number;
}

/** A channel whose yes is given beforehand. */
interface Offer {
  readonly network: NetworkId;
  readonly channel: RemoteChannelId;
  readonly until: number;
}

export interface Named {
  readonly network: NetworkId;
  readonly channel: RemoteChannelId;
}

const ENDED = "config.ended";
const CODE_GOOD_FOR = 24 * 3_600_000;

export class Linking {
  readonly #context: LinkingContext;

  constructor(context: LinkingContext) {
    this.#context = context;
  }

  /** Words as `libera #causeway`, or one id. Throws `Refused`. */
  read(network: string, words: readonly string[]): { network: Network; channel: RemoteChannelId } {
    const found = [...this.#context.networks.values()].find((one) => one.id === network.toLowerCase());
    const names = [...this.#context.networks.keys()].join(", ");
    if (!found) throw new Refused(`There is no network "${network}" here. Configured: ${names || "none"}.`);
    const channel = found.ids.parseChannel(words);
    if (!channel) throw new Refused(`"${words.join(" ")}" names no channel of ${found.name}.`);
    return { network: found, channel };
  }

  /** Someone asks for a link. Returns a sentence: made, or what is still needed. */
  async ask(wish: Omit<Wish, "until">, agreed: boolean): Promise<string> {
    const { store, clock } = this.#context;
    await this.#mayLink(wish);
    if (agreed) return await this.#announce(await this.make(wish.network, wish.channel, wish.room, wish.by, {}));
    const code = oneTimeCode(8);
    const until = clock.now() + CODE_GOOD_FOR;
    await store.settings.set(`wish:${code}`, { ...wish, until } satisfies Wish, until);
    const { live, channel } = await this.#find(wish.network, wish.channel);
    await live.connection.join(channel.id);
    return `Someone who runs ${channel.name} on ${live.network.name} has to agree: ask them to write "!causeway confirm ${code}" there, within a day.`;
  }

  /** The other side says yes. `power` is what the network says of whoever confirms. */
  async confirm(network: NetworkId, channel: RemoteChannelId, code: string, power: number): Promise<string> {
    const { store, clock } = this.#context;
    const wish = (await store.settings.get(`wish:${code.toUpperCase()}`)) as Wish | undefined;
    const good = wish && wish.network === network && wish.channel === channel && wish.until > clock.now();
    if (!good) return "That code is not known here, or has run out.";
    if (power < 50) return "Only someone who runs this channel can agree.";
    await store.settings.set(`wish:${code.toUpperCase()}`, undefined);
    const link = await this.make(wish.network, wish.channel, wish.room, wish.by, {});
    await this.#context.notices.say(link.room, `made:${link.id}`, await this.#announce(link));
    return "Agreed: this channel is now bridged to a Matrix room. Ask the room's people for its address.";
  }

  /** The other side asks first: whoever says the code in a room within a day links it. `power` as in `confirm`. */
  async offer(network: NetworkId, channel: RemoteChannelId, power: number): Promise<string> {
    const { store, clock, links } = this.#context;
    if (power < 50) throw new Refused("Only someone who runs this channel can have it bridged.");
    if (await links.of(network, channel)) throw new Refused("This channel is bridged already.");
    const code = oneTimeCode(8);
    const until = clock.now() + CODE_GOOD_FOR;
    await store.settings.set(`offer:${code}`, { network, channel, until } satisfies Offer, until);
    return `Say this in the Matrix room, within a day, as somebody with power there: !causeway link ${code}`;
  }

  /** Somebody with power in the room says a code that the other side gave. Undefined = it is no such code. */
  async accept(code: string, room: RoomId, by: Mxid): Promise<string | undefined> {
    const { store, clock } = this.#context;
    const offer = (await store.settings.get(`offer:${code.toUpperCase()}`)) as Offer | undefined;
    if (!offer || offer.until < clock.now()) return undefined;
    const { network, channel } = offer;
    await this.#mayLink({ network, channel, room, by });
    const link = await this.make(network, channel, room, by, {});
    await store.settings.set(`offer:${code.toUpperCase()}`, undefined);
    return await this.#announce(link);
  }

  async #mayLink(wish: Omit<Wish, "until">): Promise<void> {
    const { links, rooms } = this.#context;
    const there = await links.of(wish.network, wish.channel);
    if (there)
      throw new Refused(
        there.room === wish.room
          ? "That channel is linked to this room already."
          : "That channel is linked to another room; a channel has one room.",
      );
    const closed = await rooms.verdict(wish.room);
    if (!closed.ok && closed.remedy === "pause") throw new Refused(closed.why);
  }

  /** The shared login that can see the channel. */
  async #find(network: NetworkId, channel: RemoteChannelId): Promise<{ live: LiveLogin; channel: Channel }> {
    const { networks, logins } = this.#context;
    const wanted = networks.get(network)?.ids.loginOf(channel);
    const shared = logins.ofNetwork(network).filter((one) => one.login.owner === undefined && (!wanted || one.login.id === wanted));
    if (shared.length === 0) throw new Refused(`No login of the bridge on ${network} serves that channel: see the config.`);
    for (const live of shared) {
      if (live.state.is !== "connected") throw new TryLater(notConnected(live), 1_000, "item");
      const found = (await live.connection.channel(channel)) ?? (await this.#enter(live, channel));
      if (found) return { live, channel: found };
    }
    throw new Refused("There is no such channel, or the bridge's login cannot see it.");
  }

  /** Some networks show a channel only to those who are in it, and on IRC one comes to be when somebody enters it. */
  async #enter(live: LiveLogin, channel: RemoteChannelId): Promise<Channel | undefined> {
    await live.connection.join(channel);
    return await live.connection.channel(channel);
  }

  /** Row first: a link that stands in the store is joined again at each start. */
  async make(network: NetworkId, id: RemoteChannelId, room: RoomId, by: "config" | Mxid, settings: LinkSettings): Promise<Link> {
    const { store, links, rooms, clock, namespace } = this.#context;
    const { live, channel } = await this.#find(network, id);
    const at = clock.now();
    const link = await links.add({ network, channel: channel.id, login: live.login.id, room, by, settings, watermark: channel.latest, at });
    const known = await links.update(link, { facts: rememberedOf(channel) });
    this.#context.changed(known, true);
    await this.forgetEnded((ended) => ended.network === network && ended.channel === channel.id);
    try {
      await live.connection.join(channel.id);
    } catch (error) {
      // Not let in: no link stands that would close the others of the room.
      if (error instanceof Refused) await this.#undo(known);
      throw error;
    }
    // Some networks tell where a channel's history stands only to those who are in it.
    const latest = channel.latest ?? (await live.connection.channel(channel.id).catch(() => undefined))?.latest;
    if (known.watermark === undefined && latest !== undefined) await links.update(known, { watermark: latest });
    await rooms.judge(known);
    await this.#writeState(known, live, channel);
    await store.portals.putMaking(namespace.alias(network, channel.id), undefined);
    this.#context.surroundings.linked(known, live, channel);
    return known;
  }

  async #undo(link: Link): Promise<void> {
    await this.#context.links.remove(link);
    this.#context.changed(link, false);
    this.#context.rooms.forget(link.room);
  }

  /** The link is to be otherwise from now on. */
  async change(link: Link, settings: LinkSettings): Promise<void> {
    const { links, logins, surroundings } = this.#context;
    const now = await links.update(link, { settings });
    const live = logins.get(link.network, link.login);
    const channel = live?.state.is === "connected" ? await live.connection.channel(link.channel) : undefined;
    if (live && channel) surroundings.linked(now, live, channel);
  }

  /** The link's room was replaced: what the old one had, the new one gets. */
  async moved(link: Link): Promise<void> {
    const { logins, client, namespace, log } = this.#context;
    const live = logins.get(link.network, link.login);
    const channel = live?.state.is === "connected" ? await live.connection.channel(link.channel) : undefined;
    if (live && channel) await this.#writeState(link, live, channel);
    const alias = namespace.alias(link.network, link.channel);
    const there = await client.resolveAlias(alias);
    if (!there || there.room === link.room) return;
    const take = async () => {
      await client.removeAlias(alias);
      await client.putAlias(alias, link.room);
    };
    await take().catch((error: unknown) => log.warn({ room: link.room, err: error }, "The alias stayed with the room that was replaced"));
  }

  /** What other tools read to know that a room is bridged (MSC2346). Not worth failing over. */
  async #writeState(link: Link, live: LiveLogin, channel: Channel): Promise<void> {
    const key = `io.causeway.${link.network}/${link.channel}`;
    const url = live.connection.permalink(channel.id);
    const content = {
      bridgebot: this.#context.namespace.bot,
      protocol: { id: link.network, displayname: live.network.name },
      channel: { id: link.channel, displayname: channel.name, ...(url ? { external_url: url } : {}) },
    };
    await this.#context.client.setState(link.room, "uk.half-shot.bridge", key, content).catch((error: unknown) => {
      this.#context.log.info({ room: link.room, err: error }, "The room does not let the bridge say what it is bridged to");
    });
  }

  async #announce(link: Link): Promise<string> {
    const network = this.#context.networks.get(link.network)?.name ?? link.network;
    const name = (link.facts as { name?: string } | undefined)?.name ?? link.channel;
    const closed = await this.#context.rooms.closedFor(link);
    return closed
      ? `Linked to ${name} on ${network}, but nothing crosses yet: ${closed}`
      : `This room is now linked to ${name} on ${network}.`;
  }

  /** How many messages still wait, both ways: told before a link is ended. */
  async waiting(link: Link): Promise<number> {
    const { journal } = this.#context.store;
    const [inward, outward] = await Promise.all([journal.counts(`in:${link.id}`), journal.counts(`out:${link.id}`)]);
    return inward.waiting + inward.parked + outward.waiting + outward.parked;
  }

  /** Nothing crosses from now on. What is left behind goes in the background: see core/farewell.ts. */
  async end(link: Link): Promise<void> {
    const { store, links, clock } = this.#context;
    const row = farewellRow(link, clock.now());
    if (link.by === "config")
      await store.settings.set(ENDED, [...(await this.#ended()), { network: link.network, channel: link.channel } satisfies Named]);
    await store.journal.take({ rows: [row] });
    await links.remove(link);
    this.#context.changed(link, false);
    this.#context.wake(row.lane);
  }

  /** A link of the config, or of one of its rules, that was ended by command: it is not made again, whatever the config says. */
  async isEnded(network: NetworkId, channel: RemoteChannelId): Promise<boolean> {
    return (await this.#ended()).some((one) => one.network === network && one.channel === channel);
  }

  async forgetEnded(which: (ended: Named) => boolean): Promise<void> {
    const before = await this.#ended();
    const left = before.filter((one) => !which(one));
    if (left.length < before.length) await this.#context.store.settings.set(ENDED, left);
  }

  async #ended(): Promise<readonly Named[]> {
    return ((await this.#context.store.settings.get(ENDED)) as Named[] | undefined) ?? [];
  }

  /**
   * The room of a channel that nobody named one for. The alias is the key: made twice, it is found the second time. `making` stands
   * beside it until the link is made.
   */
  async portalRoom(network: Network, channel: Channel, invite: readonly Mxid[], making: unknown = {}): Promise<RoomId> {
    const { store, namespace } = this.#context;
    const alias = namespace.alias(network.id, channel.id);
    const name = shownName(channel.name, channel.id);
    const room = await obtainRoom(
      { ...this.#context, portals: store.portals },
      alias,
      {
        name,
        ...(channel.topic ? { topic: channel.topic } : {}),
        preset: isOpen(channel) ? "public_chat" : "private_chat",
        visibility: "private",
        invite,
      },
      making,
    );
    const before = await store.portals.portal(room);
    if (!before?.made)
      await store.portals.putPortal({ room, made: true, shown: { name, ...(channel.topic ? { topic: channel.topic } : {}) } });
    return room;
  }
}
