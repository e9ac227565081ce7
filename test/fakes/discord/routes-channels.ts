/** https://discord.com/developers/docs/resources/channel */
import { ChannelType } from "discord-api-types/v10";
import { Bit } from "./rights.ts";
import { ApiError, archived, invalid, missingPermissions } from "./errors.ts";
import { type Asked, numberIn } from "./request.ts";
import type { Router } from "./router.ts";
import { botOf, channelFor, type Door, draftOf, need, shown, storedIn } from "./routes-messages.ts";
import { channelShape } from "./shapes.ts";
import { type Bot, type Channel, isForum, isThread } from "./world.ts";

export function channelRoutes(router: Router, door: Door): void {
  router.on("GET", "/channels/:c", (asked, { c }) => channelShape(channelFor(door, botOf(asked), c), door.world));
  router.on("PATCH", "/channels/:c", (asked, { c }) => change(door, asked, c));
  router.on("DELETE", "/channels/:c", (asked, { c }) => {
    const channel = channelFor(door, botOf(asked), c);
    need(door, botOf(asked), channel, isThread(channel.type) ? Bit.ManageThreads : Bit.ManageChannels);
    door.acts.deleteChannel(channel);
    return channelShape(channel, door.world);
  });
  router.on("POST", "/channels/:c/typing", (asked, { c }) => {
    const bot = botOf(asked);
    const channel = channelFor(door, bot, c);
    need(door, bot, channel, isThread(channel.type) ? Bit.SendMessagesInThreads : Bit.SendMessages);
    door.acts.typing(channel, bot.user.id);
  });
  router.on("POST", "/channels/:c/messages/:m/threads", (asked, p) => {
    const bot = botOf(asked);
    const channel = channelFor(door, bot, p.c);
    need(door, bot, channel, Bit.CreatePublicThreads);
    const { message } = storedIn(door, channel, p.m);
    if (![0, 19, 20, 23].includes(message.type)) throw new ApiError(400, 50_021, "Cannot execute action on a system message");
    return channelShape(door.acts.thread(channel, bot.user, threadName(asked), { from: p.m }), door.world);
  });
  router.on("POST", "/channels/:c/threads", (asked, { c }) => start(door, asked, c));
  router.on("GET", "/channels/:c/threads/archived/public", (asked, { c }) => archivedThreads(door, asked, c));
}

function threadName(asked: Asked): string {
  const name = asked.body["name"];
  if (typeof name !== "string" || name.length < 1 || name.length > 100)
    throw invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  return name;
}

function start(door: Door, asked: Asked, c: string): unknown {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  const name = threadName(asked);
  if (isForum(channel.type)) return startPost(door, asked, channel, bot, name);
  const type = (asked.body["type"] ?? ChannelType.PrivateThread) as ChannelType;
  if (![10, 11, 12].includes(type)) throw invalid("type", "BASE_TYPE_CHOICES", "Value must be one of (10, 11, 12).");
  need(door, bot, channel, type === ChannelType.PrivateThread ? Bit.CreatePrivateThreads : Bit.CreatePublicThreads);
  return channelShape(door.acts.thread(channel, bot.user, name, { type }), door.world);
}

function startPost(door: Door, asked: Asked, forum: Channel, bot: Bot, name: string): unknown {
  need(door, bot, forum, Bit.SendMessages);
  const message = asked.body["message"] as Record<string, unknown> | undefined;
  if (!message) throw invalid("message", "BASE_TYPE_REQUIRED", "This field is required");
  const tags = (asked.body["applied_tags"] ?? []) as string[];
  if ((forum.flags & 16) !== 0 && tags.length === 0)
    throw new ApiError(400, 40_067, "A tag is required to create a forum post in this channel");
  const draft = draftOf(door, { ...asked, body: message }, forum, bot);
  const { thread, message: stored } = door.acts.forumPost(forum, bot.user, name, draft, tags);
  return { ...channelShape(thread, door.world), message: shown(door, bot, stored) };
}

function change(door: Door, asked: Asked, c: string): unknown {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  const { body } = asked;
  if (isThread(channel.type)) return changeThread(door, asked, channel, bot);
  need(door, bot, channel, Bit.ManageChannels);
  const { name, topic } = body;
  if (name !== undefined && (typeof name !== "string" || name.length < 1 || name.length > 100))
    throw invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  if (typeof topic === "string" && topic.length > (isForum(channel.type) ? 4096 : 1024))
    throw invalid("topic", "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length.");
  door.acts.updateChannel(channel, {
    ...(typeof name === "string" ? { name: textChannelName(channel, name) } : {}),
    ...(topic === undefined ? {} : { topic: topic as string | null }),
  });
  return channelShape(channel, door.world);
}

/** Names of text channels are lower case, with dashes. */
function textChannelName(channel: Channel, name: string): string {
  return channel.type === ChannelType.GuildText || channel.type === ChannelType.GuildAnnouncement
    ? name.toLowerCase().trim().replaceAll(/\s+/g, "-")
    : name;
}

function changeThread(door: Door, asked: Asked, thread: Channel, bot: Bot): unknown {
  const manages = door.acts.may(thread, bot.user.id, Bit.ManageThreads);
  const { archived: on, locked, name } = asked.body;
  if (thread.meta?.archived && on !== false) throw archived();
  if (on === false && thread.meta?.locked && !manages) throw missingPermissions();
  if ((on === true || name !== undefined || locked !== undefined) && !manages && thread.owner !== bot.user.id) throw missingPermissions();
  if (typeof name === "string") door.acts.updateChannel(thread, { name });
  if (on !== undefined || locked !== undefined)
    door.acts.archive(
      thread,
      (on as boolean | undefined) ?? thread.meta?.archived ?? false,
      (locked as boolean | undefined) ?? thread.meta?.locked,
    );
  return channelShape(thread, door.world);
}

function archivedThreads(door: Door, asked: Asked, c: string): unknown {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  need(door, bot, channel, Bit.ReadMessageHistory);
  const limit = numberIn(asked.query, "limit", 2, 100, 50);
  const before = Date.parse(asked.query.get("before") ?? "") || Number.POSITIVE_INFINITY;
  const all = [...door.world.channels.values()]
    .filter(({ parent, meta, type }) => parent === channel.id && meta?.archived === true && type !== ChannelType.PrivateThread)
    .filter(({ meta }) => Date.parse(meta?.archive_timestamp ?? "") < before)
    .sort((a, b) => Date.parse(b.meta?.archive_timestamp ?? "") - Date.parse(a.meta?.archive_timestamp ?? ""));
  return { threads: all.slice(0, limit).map((thread) => channelShape(thread, door.world)), members: [], has_more: all.length > limit };
}
