/** https://discord.com/developers/docs/resources/message */
import { type APIMessage, MessageFlags, MessageType } from "discord-api-types/v10";
import type { Acts, Draft } from "./acts.ts";
import { Bit, rightsIn } from "./rights.ts";
import { isUnicodeEmoji } from "./emoji.ts";
import { ApiError, archived, invalid, missingAccess, missingPermissions, unknown } from "./errors.ts";
import { type Asked, numberIn, snowflakeIn } from "./request.ts";
import type { Router } from "./router.ts";
import { messageShape } from "./shapes.ts";
import {
  attachmentsOf,
  contentOf,
  embedsOf,
  mentionsOf,
  pollOf,
  requireKnownFields,
  requireSomething,
  requireVoiceShape,
} from "./validate.ts";
import { type Bot, type Channel, ChannelTypes, isForum, isThread, type Stored, type World } from "./world.ts";

export interface Door {
  readonly world: World;
  readonly acts: Acts;
  /** Nonces of the last minutes, by author. */
  readonly nonces: Map<string, { message: string; at: number }>;
}

/** The channel, as far as the bot may see it. */
export function channelFor(door: Door, bot: Bot, id: string): Channel {
  snowflakeIn("channel_id", id);
  const channel = door.world.channels.get(id);
  if (!channel) throw unknown.channel();
  if ((rightsIn(door.world, channel, bot.user.id) & Bit.ViewChannel) === 0n) throw missingAccess();
  return channel;
}

export function need(door: Door, bot: Bot, channel: Channel, ...bits: bigint[]): void {
  const rights = rightsIn(door.world, channel, bot.user.id);
  for (const bit of bits) if ((rights & bit) !== bit) throw missingPermissions();
}

export function botOf(asked: Asked): Bot {
  if (!asked.bot) throw new ApiError(401, 0, "401: Unauthorized");
  return asked.bot;
}

export function shown(door: Door, bot: Bot, stored: Stored): APIMessage {
  return messageShape(stored, door.world, bot.user.id, bot.portal.messageContent);
}

export function messageRoutes(router: Router, door: Door): void {
  router.on("GET", "/channels/:c/messages", (asked, { c }) => list(door, asked, c));
  router.on("GET", "/channels/:c/messages/pins", (asked, { c }) => pins(door, asked, c));
  router.on("PUT", "/channels/:c/messages/pins/:m", (asked, p) => pin(door, asked, p, true));
  router.on("DELETE", "/channels/:c/messages/pins/:m", (asked, p) => pin(door, asked, p, false));
  router.on("POST", "/channels/:c/messages/bulk-delete", (asked, { c }) => {
    const bot = botOf(asked);
    const channel = channelFor(door, bot, c);
    need(door, bot, channel, Bit.ManageMessages);
    door.acts.remove(channel, asked.body["messages"] as string[]);
  });
  router.on("GET", "/channels/:c/messages/:m", (asked, p) => {
    const bot = botOf(asked);
    const channel = channelFor(door, bot, p.c);
    need(door, bot, channel, Bit.ReadMessageHistory);
    return shown(door, bot, storedIn(door, channel, p.m));
  });
  router.on("POST", "/channels/:c/messages", (asked, { c }) => create(door, asked, c));
  router.on("PATCH", "/channels/:c/messages/:m", (asked, p) => edit(door, asked, p));
  router.on("DELETE", "/channels/:c/messages/:m", (asked, p) => {
    const bot = botOf(asked);
    const channel = channelFor(door, bot, p.c);
    const { message } = storedIn(door, channel, p.m);
    if (message.author.id !== bot.user.id) need(door, bot, channel, Bit.ManageMessages);
    if ([1, 2, 3, 4, 5, 21].includes(message.type)) throw new ApiError(403, 50021, "Cannot execute action on a system message");
    if (channel.meta?.archived) throw archived();
    door.acts.remove(channel, [p.m]);
  });
  router.on("PUT", "/channels/:c/messages/:m/reactions/:e/@me", (asked, p) => react(door, asked, p, true));
  router.on("DELETE", "/channels/:c/messages/:m/reactions/:e/@me", (asked, p) => react(door, asked, p, false));
  router.on("GET", "/channels/:c/messages/:m/reactions/:e", (asked, p) => {
    const channel = channelFor(door, botOf(asked), p.c);
    const stored = storedIn(door, channel, p.m);
    const limit = numberIn(asked.query, "limit", 1, 100, 25);
    return [...(stored.reactions.get(emojiIn(door, p.e)) ?? [])].flatMap((id) => door.world.users.get(id) ?? []).slice(0, limit);
  });
  router.on("GET", "/channels/:c/polls/:m/answers/:a", (asked, p) => {
    const channel = channelFor(door, botOf(asked), p.c);
    const after = BigInt(asked.query.get("after") ?? "0");
    const people = [...(storedIn(door, channel, p.m).votes.get(Number(p.a)) ?? [])]
      .filter((id) => BigInt(id) > after)
      .sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    return { users: people.slice(0, numberIn(asked.query, "limit", 1, 100, 25)).flatMap((id) => door.world.users.get(id) ?? []) };
  });
  router.on("POST", "/channels/:c/polls/:m/expire", (asked, p) => {
    const bot = botOf(asked);
    const channel = channelFor(door, bot, p.c);
    const stored = storedIn(door, channel, p.m);
    if (!stored.message.poll) throw new ApiError(400, 520006, "Cannot expire a non-poll message");
    if (stored.message.author.id !== bot.user.id) throw missingPermissions();
    if (stored.message.poll.results?.is_finalized) throw new ApiError(400, 520001, "Poll expired");
    return shown(door, bot, door.acts.endPoll(channel, p.m));
  });
}

export function storedIn(door: Door, channel: Channel, id: string): Stored {
  snowflakeIn("message_id", id);
  const stored = door.world.stored(channel.id, id);
  if (!stored) throw unknown.message();
  return stored;
}

/** Newest first, whatever was asked for. */
function list(door: Door, asked: Asked, c: string): APIMessage[] {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  if (isForum(channel.type)) throw new ApiError(400, 50024, "Cannot execute action on this channel type");
  if ((rightsIn(door.world, channel, bot.user.id) & Bit.ReadMessageHistory) === 0n) return [];
  const limit = numberIn(asked.query, "limit", 1, 100, 50);
  const [before, after, around] = ["before", "after", "around"].map((name) => asked.query.get(name));
  if ([before, after, around].filter((one) => one !== null).length > 1)
    throw invalid("_", "MUTUALLY_EXCLUSIVE", "before, after and around are mutually exclusive.");
  const all = [...(door.world.messages.get(channel.id)?.values() ?? [])].sort((a, b) =>
    BigInt(a.message.id) < BigInt(b.message.id) ? -1 : 1,
  );
  const at = (id: string | null | undefined): bigint => BigInt(snowflakeIn("after", id));
  let picked = all;
  if (typeof after === "string") picked = all.filter(({ message }) => BigInt(message.id) > at(after)).slice(0, limit);
  else if (typeof before === "string") picked = all.filter(({ message }) => BigInt(message.id) < at(before)).slice(-limit);
  else picked = all.slice(-limit);
  return picked.toReversed().map((stored) => shown(door, bot, stored));
}

function create(door: Door, asked: Asked, c: string): APIMessage {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  if (isForum(channel.type) || channel.type === ChannelTypes.GuildCategory)
    throw new ApiError(400, 50008, "Cannot send messages in a non-text channel");
  need(door, bot, channel, isThread(channel.type) ? Bit.SendMessagesInThreads : Bit.SendMessages);
  return shown(door, bot, say(door, asked, channel, bot));
}

export function say(door: Door, asked: Asked, channel: Channel, bot: Bot): Stored {
  const { body } = asked;
  requireKnownFields(body, "bot");
  const nonce = body["nonce"];
  if (nonce !== undefined && String(nonce).length > 25)
    throw invalid("nonce", "NONCE_TYPE_TOO_LONG", "Nonce must be 25 or fewer in length.");
  const known = door.nonces.get(`${bot.user.id} ${channel.id} ${String(nonce)}`);
  if (body["enforce_nonce"] === true && known && door.world.now() - known.at < 180_000) {
    const stored = door.world.stored(channel.id, known.message);
    if (stored) return stored;
  }
  const draft = draftOf(door, asked, channel, bot);
  const stored = door.acts.post(channel, bot.user, draft);
  if (nonce !== undefined)
    door.nonces.set(`${bot.user.id} ${channel.id} ${String(nonce)}`, { message: stored.message.id, at: door.world.now() });
  return stored;
}

export function draftOf(door: Door, asked: Asked, channel: Channel, bot: Bot): Draft {
  const { body } = asked;
  const content = contentOf(body);
  const { mentions, everyone } = mentionsOf(content ?? "", body);
  if (asked.files.size > 0) need(door, bot, channel, Bit.AttachFiles);
  const flags = Number(body["flags"] ?? 0);
  const poll = pollOf(body, door.world);
  if (poll) need(door, bot, channel, Bit.SendPolls);
  if ((flags & MessageFlags.IsVoiceMessage) !== 0) need(door, bot, channel, Bit.SendVoiceMessages);
  const reference = referenceIn(door, body, channel);
  if (reference) need(door, bot, channel, Bit.ReadMessageHistory);
  const draft: Draft = {
    content: content ?? "",
    attachments: attachmentsOf(asked, door.world, channel.id, largest(door, channel)),
    embeds: embedsOf(body),
    flags,
    mentions,
    everyone: everyone && door.acts.may(channel, bot.user.id, Bit.MentionEveryone),
    components: (body["components"] as unknown[]) ?? [],
    ...(body["nonce"] === undefined ? {} : { nonce: body["nonce"] as string }),
    ...(poll ? { poll } : {}),
    ...(reference ? { reference, type: MessageType.Reply } : {}),
  };
  requireSomething(draft);
  requireVoiceShape(draft);
  return draft;
}

function referenceIn(door: Door, body: Record<string, unknown>, channel: Channel): Draft["reference"] | undefined {
  const given = body["message_reference"] as { message_id?: unknown; fail_if_not_exists?: boolean } | undefined;
  if (!given) return undefined;
  const id = snowflakeIn("message_reference.message_id", given.message_id);
  const target = door.world.stored(channel.id, id);
  if (!target) {
    if (given.fail_if_not_exists === false) return undefined;
    throw invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
  }
  if (![0, 19, 20, 23].includes(target.message.type))
    throw invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message");
  return { message: id, channel: channel.id };
}

export function largest(door: Door, channel: Channel): number {
  const tier = door.world.guilds.get(channel.guild ?? "")?.premium_tier ?? 0;
  return (tier === 3 ? 100 : tier === 2 ? 50 : 10) * 1024 * 1024;
}

function edit(door: Door, asked: Asked, p: { c: string; m: string }): APIMessage {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, p.c);
  const stored = storedIn(door, channel, p.m);
  if (stored.message.author.id !== bot.user.id) throw new ApiError(403, 50005, "Cannot edit a message authored by another user");
  return shown(door, bot, editStored(door, asked, channel, stored));
}

export function editStored(door: Door, asked: Asked, channel: Channel, stored: Stored): Stored {
  if (channel.meta?.archived) throw archived();
  const old = door.world.now() - Date.parse(stored.message.timestamp) > 3_600_000;
  stored.edits += 1;
  if (old && stored.edits > 5)
    throw new ApiError(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later");
  const content = contentOf(asked.body);
  const text = content ?? stored.message.content;
  const keeps = asked.body["attachments"] === undefined;
  const kept = keeps
    ? stored.message.attachments
    : stored.message.attachments.filter(({ id }) => (asked.body["attachments"] as { id: unknown }[]).some((one) => String(one.id) === id));
  if (text === "" && kept.length === 0 && stored.message.embeds.length === 0)
    throw new ApiError(400, 50006, "Cannot send an empty message");
  const { mentions, everyone } = mentionsOf(text, asked.body);
  const users = mentions.flatMap((id) => door.world.users.get(id) ?? []);
  return door.acts.change(
    channel,
    stored.message.id,
    { content: text, attachments: kept, mentions: users, mention_everyone: everyone, ...componentsOf(asked.body) },
    true,
  );
}

/** Absent = they stay. */
function componentsOf({ components }: Record<string, unknown>): Partial<APIMessage> {
  return Array.isArray(components) ? { components: components as NonNullable<APIMessage["components"]> } : {};
}

/** As in the path, decoded. */
export function emojiIn(door: Door, e: string): string {
  const text = decodeURIComponent(e);
  const custom = /^(\w{2,32}):(\d{17,20})$/.exec(text);
  if (custom) {
    const known = [...door.world.guilds.values()].some((guild) => guild.emojis.has(custom[2] as string));
    if (!known) throw unknown.emoji();
    return text;
  }
  if (!isUnicodeEmoji(text)) throw unknown.emoji();
  return text;
}

function react(door: Door, asked: Asked, p: { c: string; m: string; e: string }, add: boolean): void {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, p.c);
  need(door, bot, channel, Bit.ReadMessageHistory);
  const emoji = emojiIn(door, p.e);
  const stored = storedIn(door, channel, p.m);
  const people = stored.reactions.get(emoji);
  if (add && !people?.size) need(door, bot, channel, Bit.AddReactions);
  if (!add && !people?.has(bot.user.id)) throw unknown.message();
  door.acts.react(channel, p.m, emoji, bot.user.id, add);
}

function pins(door: Door, asked: Asked, c: string): unknown {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  const limit = numberIn(asked.query, "limit", 1, 50, 50);
  const before = Date.parse(asked.query.get("before") ?? "") || Number.POSITIVE_INFINITY;
  const all = [...(door.world.messages.get(channel.id)?.values() ?? [])]
    .filter(({ pinnedAt }) => pinnedAt !== undefined && Date.parse(pinnedAt) < before)
    .sort((a, b) => Date.parse(b.pinnedAt ?? "") - Date.parse(a.pinnedAt ?? ""));
  return {
    items: all.slice(0, limit).map((stored) => ({ pinned_at: stored.pinnedAt, message: shown(door, bot, stored) })),
    has_more: all.length > limit,
  };
}

function pin(door: Door, asked: Asked, p: { c: string; m: string }, on: boolean): void {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, p.c);
  need(door, bot, channel, Bit.PinMessages);
  const stored = storedIn(door, channel, p.m);
  if (on && !isPinnable(stored)) throw new ApiError(403, 50021, "Cannot execute action on a system message");
  door.acts.pin(channel, p.m, bot.user, on);
}

function isPinnable({ message }: Stored): boolean {
  return [0, 19, 20, 23].includes(message.type);
}
