/** What happens in the world, and who hears of it. People and the bot act through the same doors. */
import {
  type APIAttachment,
  type APIEmbed,
  type APIMessage,
  type APIPoll,
  type APIUser,
  ChannelType,
  GatewayIntentBits as Intent,
  MessageFlags,
  MessageType,
} from "discord-api-types/v10";
import { ApiError, archived, unknown } from "./errors.ts";
import type { FakeGateway } from "./gateway.ts";
import { Bit, rightsIn } from "./rights.ts";
import { channelShape, memberShape } from "./shapes.ts";
import { type Channel, isThread, type Stored, type World } from "./world.ts";

export interface Draft {
  readonly content?: string;
  readonly type?: MessageType;
  readonly attachments?: APIAttachment[];
  readonly embeds?: APIEmbed[];
  readonly flags?: number;
  readonly nonce?: string | number;
  readonly reference?: { readonly message?: string; readonly channel: string; readonly type?: number };
  readonly webhook?: string;
  readonly application?: string;
  readonly poll?: APIPoll;
  readonly components?: unknown[];
  readonly mentions?: string[];
  readonly everyone?: boolean;
  /** Everything else that a payload may carry. */
  readonly more?: Partial<APIMessage>;
  readonly id?: string;
  readonly silent?: boolean;
}

export class Acts {
  readonly world: World;
  readonly gateway: FakeGateway;
  /** The pictures that webhooks were given for their messages, by their addresses. */
  readonly avatarUrls = new Map<string, string>();

  constructor(world: World, gateway: FakeGateway) {
    this.world = world;
    this.gateway = gateway;
  }

  post(channel: Channel, author: APIUser, draft: Draft): Stored {
    if (channel.meta?.archived) this.#wake(channel);
    const { world } = this;
    const id = draft.id ?? world.snowflake();
    const mentions = (draft.mentions ?? mentionedIn(draft.content ?? "")).flatMap((user) => world.users.get(user) ?? []);
    const message = {
      id,
      channel_id: channel.id,
      author,
      content: draft.content ?? "",
      timestamp: world.iso(),
      edited_timestamp: null,
      tts: false,
      mention_everyone: draft.everyone ?? false,
      mentions,
      mention_roles: [],
      attachments: draft.attachments ?? [],
      embeds: draft.embeds ?? [],
      pinned: false,
      type: draft.type ?? MessageType.Default,
      flags: draft.flags ?? 0,
      components: draft.components ?? [],
      ...(draft.nonce === undefined ? {} : { nonce: draft.nonce }),
      ...(draft.webhook === undefined ? {} : { webhook_id: draft.webhook }),
      ...(draft.application === undefined ? {} : { application_id: draft.application }),
      ...(draft.poll ? { poll: draft.poll } : {}),
      ...(draft.reference ? { message_reference: referenceOf(draft.reference, channel.guild) } : {}),
      ...draft.more,
    } as unknown as APIMessage;
    const stored: Stored = { message, reactions: new Map(), votes: new Map(), pinnedAt: undefined, edits: 0 };
    for (const answer of draft.poll?.answers ?? []) stored.votes.set(answer.answer_id, new Set());
    world.messages.get(channel.id)?.set(id, stored);
    channel.last = id;
    if (isThread(channel.type)) channel.members.add(author.id);
    if (draft.silent !== true) this.gateway.dispatchMessage("MESSAGE_CREATE", stored, this.#memberOf(channel, message), channel.guild);
    return stored;
  }

  /** Of a member, what a message's event carries. Webhooks are no members. */
  #memberOf(channel: Channel, message: APIMessage): object {
    const member = channel.guild === undefined ? undefined : this.world.guilds.get(channel.guild)?.members.get(message.author.id);
    if (!member || message.webhook_id !== undefined) return {};
    const { user: _user, ...rest } = memberShape(member);
    return { member: rest };
  }

  change(channel: Channel, id: string, change: Partial<APIMessage>, edited: boolean): Stored {
    const stored = this.world.stored(channel.id, id);
    if (!stored) throw unknown.message();
    Object.assign(stored.message, change, edited ? { edited_timestamp: this.world.iso() } : {});
    this.gateway.dispatchMessage("MESSAGE_UPDATE", stored, this.#memberOf(channel, stored.message), channel.guild);
    return stored;
  }

  remove(channel: Channel, ids: readonly string[]): void {
    const all = this.world.messages.get(channel.id);
    for (const id of ids) all?.delete(id);
    const where = { channel_id: channel.id, ...guildId(channel) };
    const [only, ...more] = ids;
    const intent = channel.guild === undefined ? Intent.DirectMessages : Intent.GuildMessages;
    if (more.length === 0) this.gateway.dispatch("MESSAGE_DELETE", { id: only, ...where }, { intent, ...heard(channel) });
    else this.gateway.dispatch("MESSAGE_DELETE_BULK", { ids, ...where }, { intent, ...heard(channel) });
  }

  react(channel: Channel, id: string, spelt: string, user: string, add: boolean): void {
    const stored = this.world.stored(channel.id, id);
    if (!stored) throw unknown.message();
    if (channel.meta?.archived) throw archived();
    // One emoji, whether or not U+FE0F stands behind it.
    const bare = spelt.replaceAll("\u{fe0f}", "");
    const emoji = [...stored.reactions.keys()].find((one) => one.replaceAll("\u{fe0f}", "") === bare) ?? spelt;
    const people = stored.reactions.get(emoji) ?? new Set<string>();
    if (add === people.has(user)) return;
    if (add && people.size === 0 && [...stored.reactions.values()].filter((one) => one.size > 0).length >= 20) {
      throw new ApiError(400, 30010, "Maximum number of reactions reached (20)");
    }
    if (add) people.add(user);
    else people.delete(user);
    stored.reactions.set(emoji, people);
    const member = channel.guild === undefined ? undefined : this.world.guilds.get(channel.guild)?.members.get(user);
    const d = {
      user_id: user,
      channel_id: channel.id,
      message_id: id,
      ...guildId(channel),
      ...(add && member ? { member: memberShape(member) } : {}),
      ...(add ? { message_author_id: stored.message.author.id } : {}),
      emoji: this.#emoji(emoji, channel),
      burst: false,
      type: 0,
    };
    const intent = channel.guild === undefined ? Intent.DirectMessageReactions : Intent.GuildMessageReactions;
    this.gateway.dispatch(add ? "MESSAGE_REACTION_ADD" : "MESSAGE_REACTION_REMOVE", d, { intent, ...heard(channel) });
  }

  clearReactions(channel: Channel, id: string, emoji?: string): void {
    const stored = this.world.stored(channel.id, id);
    if (!stored) throw unknown.message();
    if (emoji === undefined) stored.reactions.clear();
    else stored.reactions.delete(emoji);
    const where = { channel_id: channel.id, message_id: id, ...guildId(channel) };
    const d = emoji === undefined ? where : { ...where, emoji: this.#emoji(emoji, channel) };
    this.gateway.dispatch(emoji === undefined ? "MESSAGE_REACTION_REMOVE_ALL" : "MESSAGE_REACTION_REMOVE_EMOJI", d, {
      intent: Intent.GuildMessageReactions,
      ...heard(channel),
    });
  }

  #emoji(key: string, channel: Channel): object {
    const [name, id] = key.split(":");
    if (id === undefined) return { id: null, name: key };
    const known = channel.guild === undefined ? undefined : this.world.guilds.get(channel.guild)?.emojis.get(id);
    return { id, name, ...(known?.animated ? { animated: true } : {}) };
  }

  pin(channel: Channel, id: string, by: APIUser, on: boolean): void {
    const stored = this.world.stored(channel.id, id);
    if (!stored) throw unknown.message();
    if (stored.message.pinned === on) return;
    const count = [...(this.world.messages.get(channel.id)?.values() ?? [])].filter(({ message }) => message.pinned).length;
    if (on && count >= 250) throw new ApiError(400, 30003, "Maximum number of pins reached for the channel (250)");
    stored.message.pinned = on;
    stored.pinnedAt = on ? this.world.iso() : undefined;
    channel.lastPin = on ? this.world.iso() : channel.lastPin;
    this.gateway.dispatchMessage("MESSAGE_UPDATE", stored, this.#memberOf(channel, stored.message), channel.guild);
    const d = { channel_id: channel.id, ...guildId(channel), last_pin_timestamp: channel.lastPin };
    this.gateway.dispatch("CHANNEL_PINS_UPDATE", d, { intent: Intent.Guilds, ...heard(channel) });
    if (on) this.post(channel, by, { type: MessageType.ChannelPinnedMessage, reference: { message: id, channel: channel.id } });
  }

  /** A thread that hangs from a message, or stands by itself. https://discord.com/developers/docs/topics/threads */
  thread(
    parent: Channel,
    by: APIUser,
    name: string,
    options: { from?: string; type?: ChannelType; tags?: string[]; id?: string } = {},
  ): Channel {
    const { world } = this;
    const root = options.from === undefined ? undefined : world.stored(parent.id, options.from);
    if (options.from !== undefined && !root) throw unknown.message();
    const id = options.from ?? options.id ?? world.snowflake();
    if (world.channels.has(id)) throw new ApiError(400, 160004, "A thread has already been created for this message");
    const type =
      options.type ?? (parent.type === ChannelType.GuildAnnouncement ? ChannelType.AnnouncementThread : ChannelType.PublicThread);
    const made = world.channel({
      id,
      type,
      guild: parent.guild,
      name,
      parent: parent.id,
      owner: by.id,
      appliedTags: options.tags ?? [],
      members: new Set([by.id]),
      meta: { archived: false, auto_archive_duration: 4320, archive_timestamp: world.iso(), locked: false, create_timestamp: world.iso() },
    });
    parent.last = parent.type === ChannelType.GuildForum || parent.type === ChannelType.GuildMedia ? id : parent.last;
    this.gateway.dispatch(
      "THREAD_CREATE",
      { ...channelShape(made, world), newly_created: true },
      { intent: Intent.Guilds, ...heard(made) },
    );
    if (root) {
      root.message.flags = (root.message.flags ?? 0) | MessageFlags.HasThread;
      this.gateway.dispatchMessage("MESSAGE_UPDATE", root, {}, parent.guild);
      this.post(made, by, { type: MessageType.ThreadStarterMessage, reference: { message: id, channel: parent.id } });
    }
    if (type !== ChannelType.PrivateThread && parent.type !== ChannelType.GuildForum && parent.type !== ChannelType.GuildMedia && !root) {
      this.post(parent, by, { type: MessageType.ThreadCreated, content: name, reference: { channel: id } });
    }
    return made;
  }

  /** A post of a forum: the thread, and its first message with the same id. */
  forumPost(forum: Channel, by: APIUser, name: string, draft: Draft, tags: string[] = []): { thread: Channel; message: Stored } {
    const thread = this.thread(forum, by, name, { tags });
    return { thread, message: this.post(thread, by, { ...draft, id: thread.id }) };
  }

  updateChannel(channel: Channel, change: Partial<Channel>): void {
    Object.assign(channel, change);
    const name = isThread(channel.type) ? "THREAD_UPDATE" : "CHANNEL_UPDATE";
    this.gateway.dispatch(name, channelShape(channel, this.world), { intent: Intent.Guilds, ...known(channel) });
  }

  #wake(thread: Channel): void {
    if (!thread.meta) return;
    if (thread.meta.locked) throw new ApiError(400, 160005, "Thread is locked");
    this.archive(thread, false);
  }

  archive(thread: Channel, on: boolean, locked = thread.meta?.locked ?? false): void {
    if (!thread.meta) return;
    Object.assign(thread.meta, { archived: on, locked, archive_timestamp: this.world.iso() });
    this.updateChannel(thread, {});
  }

  deleteChannel(channel: Channel): void {
    const name = isThread(channel.type) ? "THREAD_DELETE" : "CHANNEL_DELETE";
    const d = isThread(channel.type)
      ? { id: channel.id, type: channel.type, parent_id: channel.parent, ...guildId(channel) }
      : channelShape(channel, this.world);
    this.gateway.dispatch(name, d, { intent: Intent.Guilds, ...known(channel) });
    this.world.channels.delete(channel.id);
    this.world.messages.delete(channel.id);
    for (const [id, webhook] of this.world.webhooks) if (webhook.channel_id === channel.id) this.world.webhooks.delete(id);
    for (const thread of [...this.world.channels.values()].filter(({ parent, type }) => parent === channel.id && isThread(type)))
      this.deleteChannel(thread);
  }

  /** Who was ever seen typing, by channel. */
  readonly typists: { readonly channel: string; readonly user: string }[] = [];

  typing(channel: Channel, user: string): void {
    this.typists.push({ channel: channel.id, user });
    const member = channel.guild === undefined ? undefined : this.world.guilds.get(channel.guild)?.members.get(user);
    const d = {
      channel_id: channel.id,
      ...guildId(channel),
      user_id: user,
      timestamp: Math.floor(this.world.now() / 1000),
      ...(member ? { member: memberShape(member) } : {}),
    };
    this.gateway.dispatch("TYPING_START", d, {
      intent: channel.guild === undefined ? Intent.DirectMessageTyping : Intent.GuildMessageTyping,
      ...heard(channel),
    });
  }

  vote(channel: Channel, id: string, answer: number, user: string, on: boolean): void {
    const stored = this.world.stored(channel.id, id);
    const poll = stored?.message.poll;
    if (!stored || !poll) throw unknown.message();
    if (poll.results?.is_finalized) throw new ApiError(400, 520001, "Poll expired");
    const tell = (which: number, added: boolean): void => {
      const people = stored.votes.get(which);
      if (!people || people.has(user) === added) return;
      if (added) people.add(user);
      else people.delete(user);
      const d = { user_id: user, channel_id: channel.id, message_id: id, ...guildId(channel), answer_id: which };
      this.gateway.dispatch(added ? "MESSAGE_POLL_VOTE_ADD" : "MESSAGE_POLL_VOTE_REMOVE", d, {
        intent: Intent.GuildMessagePolls,
        ...heard(channel),
      });
    };
    if (on && !poll.allow_multiselect) for (const other of stored.votes.keys()) if (other !== answer) tell(other, false);
    tell(answer, on);
  }

  endPoll(channel: Channel, id: string): Stored {
    const stored = this.world.stored(channel.id, id);
    const poll = stored?.message.poll;
    if (!stored || !poll) throw unknown.message();
    poll.results = {
      is_finalized: true,
      answer_counts: [...stored.votes].map(([answer, people]) => ({ id: answer, count: people.size, me_voted: false })),
    };
    this.gateway.dispatchMessage("MESSAGE_UPDATE", stored, {}, channel.guild);
    const total = [...stored.votes.values()].reduce((sum, people) => sum + people.size, 0);
    const [winner] = [...stored.votes].sort((a, b) => b[1].size - a[1].size);
    const text = poll.answers.find(({ answer_id }) => answer_id === winner?.[0])?.poll_media.text ?? "";
    const fields = [
      { name: "poll_question_text", value: poll.question.text ?? "", inline: false },
      { name: "victor_answer_votes", value: String(winner?.[1].size ?? 0), inline: false },
      { name: "total_votes", value: String(total), inline: false },
      ...(total > 0
        ? [
            { name: "victor_answer_id", value: String(winner?.[0]), inline: false },
            { name: "victor_answer_text", value: text, inline: false },
          ]
        : []),
    ];
    const embeds = [{ type: "poll_result", fields }] as unknown as APIEmbed[];
    this.post(channel, stored.message.author, { type: MessageType.PollResult, embeds, reference: { message: id, channel: channel.id } });
    return stored;
  }

  removeMember(guildId: string, user: string): void {
    const guild = this.world.guilds.get(guildId);
    const member = guild?.members.get(user);
    if (!guild || !member) throw unknown.member();
    this.gateway.dispatch("GUILD_MEMBER_REMOVE", { guild_id: guildId, user: member.user }, { intent: Intent.GuildMembers, guild: guildId });
    guild.members.delete(user);
    if (this.world.bots.has(user)) this.gateway.dispatch("GUILD_DELETE", { id: guildId }, { intent: Intent.Guilds, only: user });
  }

  ban(guildId: string, user: string, reason: string): void {
    const guild = this.world.guilds.get(guildId);
    const known = this.world.users.get(user);
    if (!guild || !known) throw unknown.user();
    guild.bans.set(user, reason);
    if (guild.members.has(user)) this.removeMember(guildId, user);
    this.gateway.dispatch("GUILD_BAN_ADD", { guild_id: guildId, user: known }, { intent: Intent.GuildModeration, guild: guildId });
  }

  updateMember(guildId: string, user: string, change: object): void {
    const member = this.world.guilds.get(guildId)?.members.get(user);
    if (!member) throw unknown.member();
    Object.assign(member, change);
    this.gateway.dispatch(
      "GUILD_MEMBER_UPDATE",
      { guild_id: guildId, ...memberShape(member) },
      { intent: Intent.GuildMembers, guild: guildId },
    );
  }

  may(channel: Channel, user: string, bit: bigint): boolean {
    return (rightsIn(this.world, channel, user) & bit) === bit;
  }
}

function guildId(channel: Channel): { guild_id?: string } {
  return channel.guild === undefined ? {} : { guild_id: channel.guild };
}

/** Bots are told of all channels of a guild, those that they may not see included; of threads only where they may. */
function known(channel: Channel): { guild?: string | undefined; channel?: string } {
  return isThread(channel.type) || channel.guild === undefined ? heard(channel) : { guild: channel.guild };
}

function heard(channel: Channel): { guild?: string | undefined; channel: string } {
  return { guild: channel.guild, channel: channel.id };
}

function referenceOf({ message, channel, type }: NonNullable<Draft["reference"]>, guild: string | undefined): object {
  return {
    type: type ?? 0,
    channel_id: channel,
    ...(message === undefined ? {} : { message_id: message }),
    ...(guild === undefined ? {} : { guild_id: guild }),
  };
}

export function mentionedIn(content: string): string[] {
  return [...new Set([...content.matchAll(/<@!?(\d{17,20})>/g)].map((match) => match[1] as string))];
}

export { Bit };
