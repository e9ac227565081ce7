/**
 * Slack's ids, made and taken apart. A person is `T1/U1`: the workspace through which we see them, and Slack's id of them; an app's
 * post under a name of its own is `T1/B1.` and the first letters of that name's hash. A channel is `T1/C1`, a message its `ts`.
 * Slack's ids are capital letters and digits, so lower case loses nothing. https://docs.slack.dev/reference/objects
 */
import { createHash } from "node:crypto";
import {
  type LoginId,
  loginId,
  type NetworkId,
  networkId,
  type RemoteChannelId,
  type RemoteMessageId,
  type RemoteUserId,
  remoteChannelId,
  remoteMessageId,
  remoteUserId,
} from "../../core/model/ids.ts";
import type { Cursor } from "../../core/model/events.ts";
import type { Login, NetworkIds } from "../../core/network.ts";

export const SLACK: NetworkId = networkId("slack");

/** A workspace, or an organisation of several. */
const TEAM = /^[TE][A-Z0-9]{1,20}$/;
const PERSON = /^(?:[UWB][A-Z0-9]{1,20}|USLACKBOT)$/;
const POSTER = /^B[A-Z0-9]{1,20}\.[A-Z2-7]{10}$/;
const CHANNEL = /^[CGD][A-Z0-9]{1,20}$/;
export const TIMESTAMP = /^\d{1,12}\.\d{6}$/;

const isPerson = (text: string): boolean => PERSON.test(text) || POSTER.test(text);

export const isTeam = (text: string): boolean => TEAM.test(text);
export const isChannel = (text: string): boolean => CHANNEL.test(text);

export function personId(team: string, user: string): RemoteUserId {
  return remoteUserId(`${team}/${user}`);
}

/** Who posts under a name of their own through an app or a webhook. */
export function posterId(team: string, bot: string, username: string): RemoteUserId {
  return personId(team, `${bot}.${base32(createHash("sha256").update(username).digest()).slice(0, 10)}`);
}

export function channelId(team: string, channel: string): RemoteChannelId {
  return remoteChannelId(`${team}/${channel}`);
}

/** Slack's own id, without the workspace. Undefined = not one of ours. */
export function userOf(id: RemoteUserId): string | undefined {
  const [team = "", user = "", ...more] = id.split("/");
  return more.length === 0 && TEAM.test(team) && isPerson(user) ? user : undefined;
}

export function channelOf(id: RemoteChannelId): string | undefined {
  const [team = "", channel = "", ...more] = id.split("/");
  return more.length === 0 && TEAM.test(team) && CHANNEL.test(channel) ? channel : undefined;
}

export function teamOf(id: RemoteUserId | RemoteChannelId): string {
  return id.slice(0, id.indexOf("/"));
}

export function messageId(ts: string): RemoteMessageId {
  return remoteMessageId(ts);
}

/** `1700000000.000100` in milliseconds. */
export function timeOf(ts: string): number {
  const [seconds = "0", micros = "0"] = ts.split(".");
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

/** The `ts` that Slack would give to a message of this moment. */
export function cursorAt(ms: number): Cursor {
  return `${Math.floor(ms / 1000)}.${String((Math.floor(ms) % 1000) * 1000).padStart(6, "0")}`;
}

/** The place just before a message. */
export function cursorBefore(ts: string): Cursor {
  const [seconds = "0", micros = "0"] = ts.split(".");
  return Number(micros) > 0 ? `${seconds}.${String(Number(micros) - 1).padStart(6, "0")}` : `${Number(seconds) - 1}.999999`;
}

/** A person's own login: `T1.U1`. The workspace's shared one: `T1`. */
export function ownLoginId(team: string, user: string): LoginId {
  return loginId(`${team}.${user}`);
}

export function teamOfLogin(login: Pick<Login, "id">): string {
  return login.id.split(".")[0] as string;
}

export const ids: NetworkIds = {
  toGhost: (id) => id.replace("/", "_").toLowerCase(),
  fromGhost(text) {
    const [team, user, ...more] = text.split("_");
    if (team === undefined || user === undefined || more.length > 0 || text !== text.toLowerCase()) return undefined;
    const id = personId(team.toUpperCase(), user.toUpperCase());
    return userOf(id) === undefined ? undefined : id;
  },
  toAlias: (id) => id.replace("/", "_").toLowerCase(),
  fromAlias(text) {
    const [team, channel, ...more] = text.split("_");
    if (team === undefined || channel === undefined || more.length > 0 || text !== text.toLowerCase()) return undefined;
    const id = channelId(team.toUpperCase(), channel.toUpperCase());
    return channelOf(id) === undefined ? undefined : id;
  },
  parseChannel,
  loginOf: (id) => loginId(teamOf(id)),
  serves: (login, channel) => teamOfLogin(login) === teamOf(channel),
};

/** `T1/C1`, `T1 C1`, or the address of a channel in Slack's web client (`https://app.slack.com/client/T1/C1`). */
function parseChannel(words: readonly string[]): RemoteChannelId | undefined {
  const text = words.join("/");
  const [, team = "", channel = ""] =
    /^(?:https:\/\/app\.slack\.com\/client\/)?([TE][A-Z0-9]+)\/([CGD][A-Z0-9]+)(?:[/?#].*)?$/.exec(text) ?? [];
  const id = channelId(team, channel);
  return channelOf(id) === undefined ? undefined : id;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(bytes: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let text = "";
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}
