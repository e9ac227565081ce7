/**
 * Ids of the IRC networks, made and taken apart. `NAME` is the network's name in the config: it never holds `/`, `_` or `@`.
 *
 *     person             NAME/nick, the nick as the server folds it   or   NAME/+account
 *     channel            NAME/#channel
 *     private talk       NAME/nick@LOGIN: two logins that talk with one nick hold two conversations
 *     message            the server's msgid; `~…` is one that we made up where the server gives none
 */
import type { LoginId, RemoteChannelId, RemoteMessageId, RemoteUserId } from "../../core/model/ids.ts";
import { loginId, remoteChannelId, remoteMessageId, remoteUserId } from "../../core/model/ids.ts";
import type { Login, NetworkIds } from "../../core/network.ts";
import { foldAscii } from "./casemap.ts";

export const networkNamePattern = /^[a-z0-9][a-z0-9.-]{0,31}$/;

/** What may stand in a nick or account: no spaces, no marks of targets and masks, no control characters. */
const personPattern = /^\+?[^\s\p{Cc}:,!@/+#&][^\s\p{Cc},!@]*$/u;
const channelPattern = /^[#&+!][^\s\p{Cc},]*$/u;

export type PersonId =
  | { readonly network: string; readonly nick: string; readonly account?: undefined }
  | { readonly network: string; readonly account: string; readonly nick?: undefined };

export function nickId(network: string, folded: string): RemoteUserId {
  return remoteUserId(`${network}/${folded}`);
}

/** Services hold account names alike in whatever case, so the id does too. */
export function accountId(network: string, account: string): RemoteUserId {
  return remoteUserId(`${network}/+${foldAscii(account)}`);
}

export function readPersonId(id: RemoteUserId): PersonId | undefined {
  const [network, name] = cut(id);
  if (name === undefined || !personPattern.test(name)) return undefined;
  return name.startsWith("+") ? { network, account: name.slice(1) } : { network, nick: name };
}

export type ChannelId =
  | { readonly network: string; readonly channel: string; readonly nick?: undefined }
  | { readonly network: string; readonly nick: string; readonly login: LoginId; readonly channel?: undefined };

/** Ids are made before the server has told how it folds names, so only the letters that all servers fold alike are. */
export function channelId(network: string, channel: string): RemoteChannelId {
  return remoteChannelId(`${network}/${foldAscii(channel)}`);
}

export function directId(network: string, folded: string, login: LoginId): RemoteChannelId {
  return remoteChannelId(`${network}/${folded}@${login}`);
}

export function readChannelId(id: RemoteChannelId): ChannelId | undefined {
  const [network, name] = cut(id);
  if (name === undefined) return undefined;
  if (isChannelName(name)) return foldAscii(name) === name ? { network, channel: name } : undefined;
  const at = name.indexOf("@");
  if (at <= 0 || at === name.length - 1) return undefined;
  const nick = name.slice(0, at);
  return personPattern.test(nick) && !nick.startsWith("+") ? { network, nick, login: loginId(name.slice(at + 1)) } : undefined;
}

/** Longer names are held by no server. */
export function isChannelName(name: string): boolean {
  return channelPattern.test(name) && Buffer.byteLength(name) <= 200;
}

export function madeUpMessageId(at: number, count: number): RemoteMessageId {
  return remoteMessageId(`~${at.toString(36)}.${count.toString(36)}`);
}

/** Whether the server knows the message by this id. */
export function isMsgid(id: RemoteMessageId): boolean {
  return !id.startsWith("~") && /^[^\s\p{Cc}:][^\s\p{Cc}]*$/u.test(id);
}

function cut(id: string): [network: string, name: string | undefined] {
  const slash = id.indexOf("/");
  const network = id.slice(0, Math.max(slash, 0));
  return [network, networkNamePattern.test(network) && id.isWellFormed() ? id.slice(slash + 1) : undefined];
}

export const ids: NetworkIds = {
  toGhost: (id) => id.replace("/", "_"),
  fromGhost: (text) => {
    const id = remoteUserId(text.replace("_", "/"));
    return readPersonId(id) ? id : undefined;
  },
  toAlias: (id) => id.replace("/", "_"),
  fromAlias: (text) => {
    const id = remoteChannelId(text.replace("_", "/"));
    return readChannelId(id) ? id : undefined;
  },
  parseChannel: (words) => {
    if (words.length > 2 || (words.length === 2 && words[0]?.includes("/"))) return undefined;
    const id = remoteChannelId(foldAscii(words.join("/")));
    return readChannelId(id)?.channel === undefined ? undefined : id;
  },
  loginOf: (id) => {
    const channel = readChannelId(id);
    return channel && loginId(channel.channel === undefined ? channel.login : channel.network);
  },
  partOf: (login: Login) => networkOf(login),
  serves: (login: Login, channel) => networkOf(login) === readChannelId(channel)?.network,
};

/** A shared login is named after its IRC network; a person's own, `NAME/@person:server`. */
export function networkOf(login: Pick<Login, "id">): string {
  const slash = login.id.indexOf("/");
  return slash < 0 ? login.id : login.id.slice(0, slash);
}

export function ownLoginId(network: string, owner: string): LoginId {
  return loginId(`${network}/${owner}`);
}
