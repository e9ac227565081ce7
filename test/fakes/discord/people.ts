/** Somebody on Discord who has nothing to do with the bridge. */
import { type APIAttachment, type APIPoll, type APIUser, ChannelType, MessageFlags, MessageType } from "discord-api-types/v10";
import type { Acts, Draft } from "./acts.ts";
import { store } from "./validate.ts";
import type { Channel, Stored, World } from "./world.ts";

export interface Saying {
  readonly reply?: string;
  /** Without ringing whom it answers. */
  readonly quiet?: boolean;
  readonly files?: readonly { readonly name: string; readonly type: string; readonly bytes: Buffer; readonly description?: string }[];
  readonly draft?: Partial<Draft>;
}

export class Person {
  readonly user: APIUser;
  readonly #acts: Acts;
  readonly #world: World;

  constructor(user: APIUser, acts: Acts) {
    this.user = user;
    this.#acts = acts;
    this.#world = acts.world;
  }

  get id(): string {
    return this.user.id;
  }

  #channel(id: string): Channel {
    const channel = this.#world.channels.get(id);
    if (!channel) throw new Error(`There is no channel ${id} in the fake.`);
    return channel;
  }

  say(channel: string, content: string, { reply, quiet, files, draft }: Saying = {}): string {
    const where = this.#channel(channel);
    const target = reply === undefined ? undefined : this.#world.stored(channel, reply)?.message;
    const rung = target && !quiet ? [target.author.id] : [];
    const attachments = (files ?? []).map((file) => store(this.#world, channel, file, { description: file.description }));
    const mentions = [...rung, ...[...content.matchAll(/<@!?(\d{17,20})>/g)].map((match) => match[1] as string)];
    const stored = this.#acts.post(where, this.user, {
      content,
      mentions,
      attachments,
      ...(reply === undefined ? {} : { type: MessageType.Reply, reference: { message: reply, channel } }),
      ...draft,
    });
    return stored.message.id;
  }

  edit(channel: string, message: string, content: string): void {
    this.#acts.change(this.#channel(channel), message, { content }, true);
  }

  delete(channel: string, ...messages: string[]): void {
    this.#acts.remove(this.#channel(channel), messages);
  }

  react(channel: string, message: string, emoji: string): void {
    this.#acts.react(this.#channel(channel), message, emoji, this.id, true);
  }

  unreact(channel: string, message: string, emoji: string): void {
    this.#acts.react(this.#channel(channel), message, emoji, this.id, false);
  }

  pin(channel: string, message: string, on = true): void {
    this.#acts.pin(this.#channel(channel), message, this.user, on);
  }

  type(channel: string): void {
    this.#acts.typing(this.#channel(channel), this.id);
  }

  /** Starts a thread at a message, or finds the one that hangs from it. */
  thread(channel: string, from: string, name = "a thread"): string {
    return (this.#world.channels.get(from) ?? this.#acts.thread(this.#channel(channel), this.user, name, { from })).id;
  }

  bareThread(channel: string, name: string, type: ChannelType = ChannelType.PublicThread): string {
    return this.#acts.thread(this.#channel(channel), this.user, name, { type }).id;
  }

  post(forum: string, title: string, content: string, tags: string[] = []): string {
    return this.#acts.forumPost(this.#channel(forum), this.user, title, { content }, tags).thread.id;
  }

  poll(channel: string, question: string, answers: readonly string[], multiple = false): string {
    const poll: APIPoll = {
      question: { text: question },
      answers: answers.map((text, index) => ({ answer_id: index + 1, poll_media: { text } })),
      expiry: this.#world.iso(this.#world.now() + 86_400_000),
      allow_multiselect: multiple,
      layout_type: 1,
    };
    return this.#acts.post(this.#channel(channel), this.user, { poll }).message.id;
  }

  vote(channel: string, message: string, answer: number, on = true): void {
    this.#acts.vote(this.#channel(channel), message, answer, this.id, on);
  }

  voice(channel: string, bytes: Buffer, seconds: number, waveform: string): string {
    const meta = { duration_secs: seconds, waveform };
    const attachment: APIAttachment = store(this.#world, channel, { name: "voice-message.ogg", type: "audio/ogg", bytes }, meta);
    return this.#acts.post(this.#channel(channel), this.user, { attachments: [attachment], flags: MessageFlags.IsVoiceMessage }).message.id;
  }

  forward(channel: string, source: Stored): string {
    const { content, attachments, embeds, timestamp, edited_timestamp, flags, mentions, mention_roles, type } = source.message;
    const snapshot = { message: { content, attachments, embeds, timestamp, edited_timestamp, flags, mentions, mention_roles, type } };
    const reference = { message: source.message.id, channel: source.message.channel_id, type: 1 };
    return this.#acts.post(this.#channel(channel), this.user, { reference, more: { message_snapshots: [snapshot] } as never }).message.id;
  }

  topic(channel: string, topic: string): void {
    this.#acts.updateChannel(this.#channel(channel), { topic });
  }

  rename(guild: string, nick: string): void {
    this.#acts.updateMember(guild, this.id, { nick });
  }

  leave(guild: string): void {
    this.#acts.removeMember(guild, this.id);
  }
}
