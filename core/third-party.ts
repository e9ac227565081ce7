/**
 * Third-party look-ups (application service API, "Third-party networks"): clients list the networks, and find rooms and people on them.
 * Whoever has an account on the homeserver may ask, so only what is public is told: channels that whoever likes may read, and people
 * of networks that have such a channel here.
 */
import type { AliasJoin } from "./alias-join.ts";
import { factsOf, isOpen } from "./channel-facts.ts";
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import type { ThirdParty, ThirdPartyLocation, ThirdPartyProtocol, ThirdPartyUser } from "./matrix/appservice.ts";
import type { Namespace } from "./matrix/namespace.ts";
import type { Mxid, NetworkId, RemoteChannelId, RoomAlias } from "./model/ids.ts";
import type { Network } from "./network.ts";
import type { Link, UserStore } from "./store/store.ts";

export interface ThirdPartyContext {
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly logins: Logins;
  readonly links: Links;
  readonly users: UserStore;
  readonly ghosts: Ghosts;
  readonly namespace: Namespace;
  readonly aliases: AliasJoin;
}

type Fields = Readonly<Record<string, string>>;

/** What one answer holds at most. */
const MOST = 100;
const ANYTHING = { regexp: ".+", placeholder: "" };
const FIELD_TYPES: ThirdPartyProtocol["field_types"] = {
  network: { ...ANYTHING, placeholder: "as in the bridge's config" },
  channel: { ...ANYTHING, placeholder: "a channel's name or id" },
  nickname: { ...ANYTHING, placeholder: "a person's name or id" },
};

export function createThirdParty(context: ThirdPartyContext): ThirdParty {
  return {
    protocol: async (protocol) => protocolOf(context, protocol as NetworkId),
    locations: async (protocol, fields) => await locations(context, protocol as NetworkId, fields),
    users: async (protocol, fields) => await people(context, protocol as NetworkId, fields),
    locationOf: async (alias) => await locationOf(context, alias),
    userOf: async (whom) => await userOf(context, whom),
  };
}

function protocolOf({ networks, logins }: ThirdPartyContext, id: NetworkId): ThirdPartyProtocol | undefined {
  if (!networks.has(id)) return undefined;
  const instances = shared(logins.ofNetwork(id)).map(({ login }) => ({
    desc: login.name,
    network_id: login.id,
    fields: { network: login.id },
  }));
  return {
    user_fields: ["network", "nickname"],
    location_fields: ["network", "channel"],
    icon: "",
    field_types: FIELD_TYPES,
    instances,
  };
}

function shared(logins: readonly LiveLogin[]): readonly LiveLogin[] {
  return logins.filter((live) => live.login.owner === undefined);
}

/** With a channel's name that one, linked or allowed to be; without, all public ones that are linked. */
async function locations(context: ThirdPartyContext, id: NetworkId, fields: Fields): Promise<readonly ThirdPartyLocation[]> {
  const network = context.networks.get(id);
  if (!network) return [];
  const { network: login, channel } = fields;
  if (channel === undefined) {
    const found = await publicLinks(context, id);
    return found.filter((link) => login === undefined || link.login === login).map((link) => toLocation(context, id, link.channel, link));
  }
  const words = channel.trim().split(/\s+/);
  const named = network.ids.parseChannel(login === undefined ? words : [login, ...words]) ?? network.ids.parseChannel(words);
  return named === undefined ? [] : await located(context, id, named);
}

async function publicLinks({ links }: ThirdPartyContext, network: NetworkId): Promise<Link[]> {
  const found: Link[] = [];
  for await (const link of links.all()) {
    if (link.network === network && isOpen(factsOf(link))) found.push(link);
    if (found.length >= MOST) break;
  }
  return found;
}

async function located(context: ThirdPartyContext, network: NetworkId, channel: RemoteChannelId): Promise<ThirdPartyLocation[]> {
  const link = await context.links.of(network, channel);
  const told = link ? isOpen(factsOf(link)) : context.aliases.rule(network, channel) !== undefined;
  return told ? [toLocation(context, network, channel, link)] : [];
}

function toLocation({ namespace }: ThirdPartyContext, network: NetworkId, id: RemoteChannelId, link: Link | undefined): ThirdPartyLocation {
  const name = link ? factsOf(link).name : undefined;
  const fields = { channel: name ?? id.slice(id.indexOf("/") + 1), ...(link ? { network: link.login } : {}) };
  return { alias: namespace.alias(network, id), protocol: network, fields };
}

async function people(context: ThirdPartyContext, id: NetworkId, { network: login, nickname }: Fields): Promise<ThirdPartyUser[]> {
  if (!nickname || (await publicLinks(context, id)).length === 0) return [];
  const found: ThirdPartyUser[] = [];
  for (const live of shared(context.logins.ofNetwork(id))) {
    if (live.state.is !== "connected" || (login !== undefined && live.login.id !== login)) continue;
    const person = await live.connection.resolve(nickname).catch(() => undefined);
    if (!person || person.ours) continue;
    const fields = { network: live.login.id, nickname: person.name };
    found.push({ userid: context.ghosts.mxidOf(id, person.id), protocol: id, fields });
  }
  return found;
}

async function locationOf(context: ThirdPartyContext, alias: RoomAlias): Promise<readonly ThirdPartyLocation[]> {
  const named = context.namespace.channelOf(alias);
  return named ? await located(context, named.network, named.channel) : [];
}

async function userOf({ ghosts, users }: ThirdPartyContext, whom: Mxid): Promise<readonly ThirdPartyUser[]> {
  const owner = ghosts.remoteOf(whom);
  const ghost = owner && (await users.ghost(whom));
  if (!ghost?.registered) return [];
  return [{ userid: whom, protocol: ghost.network, fields: { nickname: ghost.name ?? ghost.remote } }];
}
