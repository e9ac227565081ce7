/** The Discord side: people with Discord's own client on the pretended server, and the channel with its threads as they see it. */
import { Readable } from "node:stream";
import { type APIMessage, MessageType } from "discord-api-types/v10";
import { readMarkdown } from "../../bridges/discord/markdown.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { RichText } from "../../core/model/richtext.ts";
import type { FakeDiscord } from "../fakes/discord.ts";
import type { Person } from "../fakes/discord/people.ts";
import type { Guild, Stored } from "../fakes/discord/world.ts";
import { type Action, ChannelLog, DEEDS, message, type MessageState, type PersonState, type Side } from "./side.ts";
import { LOOKED_AT, type Sight, watch } from "./watch.ts";

export interface DiscordSideOptions {
  readonly fake: FakeDiscord;
  readonly guild: Guild;
  readonly channel: string;
  readonly people: readonly Person[];
  readonly changed: ConstructorParameters<typeof ChannelLog>[2];
}

export class DiscordSide implements Side {
  readonly id = "discord";
  readonly name = "Discord";
  readonly deeds = DEEDS;
  readonly people: readonly PersonState[];
  readonly channels: readonly ChannelLog[];
  readonly #options: DiscordSideOptions;
  readonly #stop: () => void;

  constructor(options: DiscordSideOptions) {
    const { fake, channel, people, changed } = options;
    this.#options = options;
    this.people = people.map(({ id, user }) => ({ id, name: nameOf(user) }));
    const log = new ChannelLog(channel, `#${fake.channelOf(channel).name}`, changed);
    this.channels = [log];
    this.#stop = watch({ log, look: () => this.#look(), topic: () => fake.channelOf(channel).topic ?? "" });
  }

  async act({ do: deed, as, text, to, file }: Action): Promise<string | undefined> {
    const { channel, people } = this.#options;
    const person = people.find(({ id }) => id === as.id);
    if (!person) throw new Error(`${as.name} is not on Discord.`);
    const target = to?.id ?? "";
    // A message in a thread is changed and answered where it stands.
    const place = to?.thread ?? channel;
    switch (deed) {
      case "say":
        return person.say(channel, this.#typed(text));
      case "action":
        return person.say(channel, `_${this.#typed(text)}_`);
      case "reply":
        return person.say(place, this.#typed(text), { reply: target });
      case "thread":
        return person.say(to?.thread ?? person.thread(channel, target, to?.text.slice(0, 40) || "A thread"), this.#typed(text));
      case "edit":
        person.edit(place, target, this.#typed(text));
        return target;
      case "delete":
        person.delete(place, target);
        return target;
      case "react":
      case "unreact":
        person[deed](place, target, text);
        return target;
      case "upload":
        return file && person.say(channel, this.#typed(text), { files: [file] });
      case "topic":
        person.topic(channel, text);
        return undefined;
    }
  }

  async open(reference: string): Promise<{ stream: Readable; type: string; name: string } | undefined> {
    const file = this.#options.fake.world.files.get(`/${reference}`);
    const name = decodeURIComponent(reference.split("/").at(-1) ?? "file");
    return file && { stream: Readable.from([file.bytes]), type: file.type, name };
  }

  async stop(): Promise<void> {
    this.#stop();
  }

  /** As Discord's client sends what is typed: Markdown as it is, mentions by their ids. */
  #typed(text: string): string {
    const members = [...this.#options.guild.members.values()];
    return text.replaceAll(/(?<![\w<])@([\p{L}\p{N}_-]+)/gu, (all, name: string) => {
      const member = members.find(({ user }) => nameOf(user).toLowerCase() === name.toLowerCase());
      return member ? `<@${member.user.id}>` : all;
    });
  }

  /** Of the channel and its threads. */
  #look(): readonly Sight[] {
    const { fake, channel } = this.#options;
    const threads = [...fake.world.channels.values()].filter(({ parent }) => parent === channel).map(({ id }) => id);
    return [channel, ...threads]
      .flatMap((id) => [...(fake.world.messages.get(id)?.values() ?? [])].slice(-LOOKED_AT))
      .filter(({ message: { type } }) => [MessageType.Default, MessageType.Reply].includes(type))
      .sort((a, b) => (BigInt(a.message.id) < BigInt(b.message.id) ? -1 : 1))
      .slice(-LOOKED_AT)
      .map((stored) => ({ id: stored.message.id, print: printOf(stored), show: () => this.#show(stored) }));
  }

  #show({ message: shape, reactions }: Stored): MessageState {
    const { channel } = this.#options;
    const body = this.#body(shape);
    const answered = shape.type === MessageType.Reply ? this.channels[0]?.get(shape.message_reference?.message_id ?? "") : undefined;
    return message({
      id: shape.id,
      who: this.#who(shape),
      at: Date.parse(shape.timestamp),
      body,
      text: toPlain(body),
      raw: JSON.stringify(shape, undefined, 2),
      edited: shape.edited_timestamp !== null,
      files: shape.attachments.map(({ filename, size, content_type: type = "application/octet-stream", url }) => ({
        name: filename,
        type,
        size,
        url: `api/file/discord${new URL(url).pathname.replace(/^\/cdn/, "")}`,
      })),
      reactions: [...reactions]
        .filter(([, people]) => people.size > 0)
        .map(([key, people]) => ({ key, people: [...people].map((id) => ({ id, name: this.#nameOf(id) })) })),
      ...(shape.channel_id !== channel && { thread: shape.channel_id }),
      ...(answered && { replyTo: { id: answered.id, name: answered.who.name, text: answered.text } }),
    });
  }

  #body(shape: APIMessage): RichText {
    const { fake, guild } = this.#options;
    const read = (text: string): RichText =>
      readMarkdown(text, {
        person: (id) => this.#nameOf(id),
        role: (id) => guild.roles.get(id)?.name,
        channel: (id) => fake.world.channels.get(id)?.name,
        everyone: shape.mention_everyone,
        cdn: fake.cdnUrl,
      });
    const embeds = shape.embeds.flatMap(({ title, description }) =>
      (title ?? description) ? [`**${title ?? ""}**\n${description ?? ""}`] : [],
    );
    return [...(shape.content ? read(shape.content) : []), ...embeds.flatMap((text) => [{ type: "quote" as const, content: read(text) }])];
  }

  #nameOf(id: string): string {
    const user = this.#options.fake.world.users.get(id);
    return user ? nameOf(user) : id;
  }

  #who({ author, webhook_id: webhook }: APIMessage): MessageState["who"] {
    const { fake, people } = this.#options;
    if (webhook !== undefined) return { id: author.id, name: author.username, from: "bridge" };
    const isHere = people.some(({ id }) => id === author.id);
    return { id: author.id, name: nameOf(author), from: isHere ? "here" : author.id === fake.bot.user.id ? "bridge" : "bot" };
  }
}

function nameOf(user: { readonly global_name?: string | null; readonly username: string }): string {
  return user.global_name ?? user.username;
}

function printOf({ message: shape, reactions, pinnedAt }: Stored): string {
  const { content, edited_timestamp: edited, attachments, embeds, poll } = shape;
  return JSON.stringify([content, edited, attachments, embeds, poll, pinnedAt, [...reactions].map(([key, people]) => [key, ...people])]);
}
