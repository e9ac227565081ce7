/**
 * The names that are ours on the homeserver: ghosts `@_irc_…`, portals' aliases `#_irc_…`, and the bot. Pure.
 *
 * A name is `_<network>_` and the network's own text for the person or channel, escaped. In a ghost's localpart every byte outside
 * `a-z 0-9 . _ - / +` becomes `=xx` (client-server API, "Mapping from other character sets"; capitals too, because several homeservers
 * refuse them). That can be undone. A name that would make the whole MXID longer than 255 bytes is cut, and ends in `=.` and 40 hex
 * digits of the SHA-256 of its text; only the store knows whom such a one is of.
 */
import { createHash } from "node:crypto";
import { type Mxid, mxid, type NetworkId, type RemoteChannelId, type RemoteUserId, type RoomAlias, roomAlias } from "../model/ids.ts";
import type { NetworkIds } from "../network.ts";

export interface NamespaceOptions {
  readonly domain: string;
  readonly botLocalpart: string;
  /** Stands before the network's id; `_` unless the config says otherwise. */
  readonly prefix: string;
  readonly networks: readonly {
    readonly id: NetworkId;
    readonly ids: Pick<NetworkIds, "toGhost" | "fromGhost" | "toAlias" | "fromAlias">;
  }[];
}

export interface RemoteOwner {
  readonly network: NetworkId;
  readonly remote: RemoteUserId;
}

export interface Namespace {
  readonly domain: string;
  readonly bot: Mxid;
  /** What every name of the network begins with, sigil left out: `_irc_`. */
  prefixOf(network: NetworkId): string;
  ghost(network: NetworkId, remote: RemoteUserId): Mxid;
  /** Whose ghost it is. Undefined for what is no ghost of ours, and for a hashed name. */
  ownerOf(ghost: string): RemoteOwner | undefined;
  /** Whether its name is hashed, so that only the store knows whom it is of. */
  isHashed(ghost: string): boolean;
  alias(network: NetworkId, channel: RemoteChannelId): RoomAlias;
  /** Of a space: the group's own id, unless a channel may be called so too. */
  spaceAlias(network: NetworkId, group: string): RoomAlias;
  /** Undefined for what is no alias of ours, and for one that was too long to be undone. */
  channelOf(alias: string): { readonly network: NetworkId; readonly channel: RemoteChannelId } | undefined;
}

/** Of an MXID or an alias, sigil and domain included. */
const LONGEST = 255;
const HASHED = /=\.[0-9a-f]{40}$/;

export function createNamespace({ domain, botLocalpart, prefix, networks }: NamespaceOptions): Namespace {
  const all = networks.map(({ id, ids }) => ({ id, ids, prefix: `${prefix}${id}_` }));
  const clash = all.find((one) => all.some((other) => other !== one && other.prefix.startsWith(one.prefix)));
  if (clash) throw new TypeError(`No two networks may share names: ${clash.prefix} begins another network's names too.`);

  const network = (id: NetworkId): (typeof all)[number] => {
    const found = all.find((one) => one.id === id);
    if (!found) throw new TypeError(`There is no network ${id}.`);
    return found;
  };
  /** The network and the rest of a name of ours; undefined for all others. */
  const split = (sigil: string, name: string) => {
    if (!name.startsWith(sigil) || !name.endsWith(`:${domain}`)) return undefined;
    const local = name.slice(1, -domain.length - 1);
    const owner = all.find((one) => local.startsWith(one.prefix) && local.length > one.prefix.length);
    return owner && { ...owner, rest: local.slice(owner.prefix.length) };
  };
  const room = LONGEST - 2 - Buffer.byteLength(domain);

  return {
    domain,
    bot: mxid(`@${botLocalpart}:${domain}`),
    prefixOf: (id) => network(id).prefix,
    ghost(id, remote) {
      const { prefix: start, ids } = network(id);
      const text = ids.toGhost(remote);
      return mxid(`@${start}${shorten(escapeLocalpart(text), text, room - start.length)}:${domain}`);
    },
    ownerOf(ghost) {
      const name = split("@", ghost);
      if (!name || HASHED.test(name.rest)) return undefined;
      const text = unescapeLocalpart(name.rest);
      const remote = text === undefined ? undefined : name.ids.fromGhost(text);
      return remote === undefined ? undefined : { network: name.id, remote };
    },
    isHashed: (ghost) => HASHED.test(split("@", ghost)?.rest ?? ""),
    alias(id, channel) {
      const { prefix: start, ids } = network(id);
      const text = ids.toAlias(channel);
      return roomAlias(`#${start}${shorten(escapeAlias(text), text, room - start.length)}:${domain}`);
    },
    spaceAlias(id, group) {
      const { prefix: start, ids } = network(id);
      const text = ids.fromAlias(group) === undefined ? group : `=space_${group}`;
      return roomAlias(`#${start}${shorten(escapeAlias(text), text, room - start.length)}:${domain}`);
    },
    channelOf(alias) {
      const name = split("#", alias);
      if (!name || HASHED.test(name.rest)) return undefined;
      const text = unescapeAlias(name.rest);
      const channel = text === undefined ? undefined : name.ids.fromAlias(text);
      return channel === undefined ? undefined : { network: name.id, channel };
    },
  };
}

export function escapeLocalpart(text: string): string {
  if (/^[a-z0-9._/+-]*$/.test(text)) return text;
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const sign = String.fromCharCode(byte);
    out += /[a-z0-9._/+-]/.test(sign) ? sign : `=${byte.toString(16).padStart(2, "0")}`;
  }
  return out;
}

/** Undefined = not written by `escapeLocalpart`. */
export function unescapeLocalpart(escaped: string): string | undefined {
  if (!/^(?:[a-z0-9._/+-]|=[0-9a-f]{2})*$/.test(escaped)) return undefined;
  const bytes = escaped.replace(/=([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const text = Buffer.from(bytes, "latin1").toString("utf8");
  // One name for one text: `=61` for `a`, or broken UTF-8, is nobody's.
  return escapeLocalpart(text) === escaped ? text : undefined;
}

/** Aliases are freer: all but white space, `:`, control characters and `%`, which marks what was replaced. */
export function escapeAlias(text: string): string {
  return text.toWellFormed().replace(/[\s:%\p{C}]/gu, (sign) => {
    const bytes = [...Buffer.from(sign, "utf8")];
    return bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  });
}

export function unescapeAlias(escaped: string): string | undefined {
  try {
    const text = decodeURIComponent(escaped);
    return escapeAlias(text) === escaped ? text : undefined;
  } catch {
    return undefined;
  }
}

function shorten(escaped: string, text: string, most: number): string {
  if (Buffer.byteLength(escaped) <= most) return escaped;
  const hash = `=.${createHash("sha256").update(text).digest("hex").slice(0, 40)}`;
  return cut(escaped, most - hash.length) + hash;
}

/** At most so many bytes, no character and no escape cut in two. */
function cut(escaped: string, most: number): string {
  const bytes = Buffer.from(escaped, "utf8").subarray(0, most);
  const text = new TextDecoder().decode(bytes, { stream: true });
  return text.replace(/[=%][0-9a-f]?$/, "");
}
