/**
 * Names of things on Discord. Snowflakes are unique over all of Discord, so a person, a channel and a message are their bare snowflake.
 * Who speaks through a webhook is no user: such a person is `w.ID.HASH`, the id being the webhook's (or, for an application's webhooks,
 * as PluralKit's, the application's, so that a member is one person in all channels) and the hash that of the name that was shown.
 *
 * https://discord.com/developers/docs/reference#snowflakes
 */
import { createHash } from "node:crypto";
import {
  loginId,
  networkId,
  remoteChannelId,
  remoteMessageId,
  remoteThreadId,
  remoteUserId,
  type RemoteChannelId,
  type RemoteMessageId,
  type RemoteThreadId,
  type RemoteUserId,
} from "../../core/model/ids.ts";
import type { NetworkIds } from "../../core/network.ts";

export const DISCORD = networkId("discord");
/** One bot serves all its guilds, so there is one shared login. */
export const BOT = loginId("bot");

/** The first second of 2015, from which snowflakes count. */
const EPOCH = 1_420_070_400_000n;

/** The greatest snowflake is that of an unsigned 64-bit number. */
export function isSnowflake(text: unknown): text is string {
  return typeof text === "string" && /^[1-9]\d{0,19}$/.test(text) && (text.length < 20 || text <= "18446744073709551615");
}

/** When the thing was made, milliseconds since 1970. */
export function timeOf(snowflake: string): number {
  return Number((BigInt(snowflake) >> 22n) + EPOCH);
}

/** The smallest snowflake of that moment. */
export function snowflakeAt(ms: number): string {
  const since = BigInt(Math.max(0, Math.floor(ms))) - EPOCH;
  return ((since < 0n ? 0n : since) << 22n).toString();
}

/** Negative when `a` is the older. */
export function compareSnowflakes(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

export function laterOf(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareSnowflakes(a, b) < 0 ? b : a;
}

export const channelId = (snowflake: string): RemoteChannelId => remoteChannelId(snowflake);
export const messageId = (snowflake: string): RemoteMessageId => remoteMessageId(snowflake);
export const threadId = (snowflake: string): RemoteThreadId => remoteThreadId(snowflake);
export const userId = (snowflake: string): RemoteUserId => remoteUserId(snowflake);

/** `owner` is the webhook, or the application that the webhook belongs to. */
export function webhookPersonId(owner: string, name: string): RemoteUserId {
  return remoteUserId(`w.${owner}.${createHash("sha256").update(name).digest("hex").slice(0, 16)}`);
}

const WEBHOOK_PERSON = /^w\.([1-9]\d{0,19})\.[0-9a-f]{16}$/;

export function isWebhookPerson(id: string): boolean {
  const owner = WEBHOOK_PERSON.exec(id)?.[1];
  return owner !== undefined && isSnowflake(owner);
}

/** What people type for a channel: its id, a mention, its address, or a guild's id and the channel's. */
function parseChannel(words: readonly string[]): RemoteChannelId | undefined {
  const [first = "", second] = words;
  if (words.length > 2) return undefined;
  if (second !== undefined) return isSnowflake(first) && isSnowflake(second) ? channelId(second) : undefined;
  const address = /^https:\/\/(?:(?:ptb|canary)\.)?discord(?:app)?\.com\/channels\/(?:@me|\d{1,20})\/(\d{1,20})(?:\/\d{1,20})?\/?$/.exec(
    first,
  )?.[1];
  const found = address ?? /^<#(\d{1,20})>$/.exec(first)?.[1] ?? first;
  return isSnowflake(found) ? channelId(found) : undefined;
}

export const ids: NetworkIds = {
  toGhost: (id) => id,
  fromGhost: (text) => (isSnowflake(text) || isWebhookPerson(text) ? userId(text) : undefined),
  toAlias: (id) => id,
  fromAlias: (text) => (isSnowflake(text) ? channelId(text) : undefined),
  parseChannel,
  loginOf: () => BOT,
  // Discord forbids programs to sign in as people, so there is nothing but the bot.
  serves: () => false,
};
