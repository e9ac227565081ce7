/** Discord put to the proof: people on the pretended Discord, what they see there, and its faults. */
import { MessageType } from "discord-api-types/v10";
import { type DiscordConfig, discordConfig } from "../../bridges/discord/config.ts";
import { BOT, channelId, messageId, threadId, userId } from "../../bridges/discord/ids.ts";
import { discord } from "../../bridges/discord/index.ts";
import type { SayWire } from "../../bridges/discord/wire.ts";
import type { Faults, Harness, Scene, Someone, Standing } from "../conformance/harness.ts";
import { FakeDiscord } from "../fakes/discord.ts";
import type { Person } from "../fakes/discord/people.ts";
import { Bit } from "../fakes/discord/rights.ts";
import { destroy } from "../fakes/discord/routes-webhooks.ts";
import type { Guild, Stored } from "../fakes/discord/world.ts";

const SPEED = 20;

export interface Stage {
  readonly fake: FakeDiscord;
  readonly guild: Guild;
  readonly alice: Person;
  readonly bob: Person;
  readonly channel: string;
  readonly other: string;
}

/** A server with the bot in it, two people and two channels. */
export async function raise(speed = SPEED): Promise<Stage> {
  const fake = await FakeDiscord.start({ speed });
  const guild = fake.guild("Lantern Keepers");
  const keepers = fake.role(guild, "Keepers", Bit.ManageMessages | Bit.ManageChannels | Bit.PinMessages);
  return {
    fake,
    guild,
    alice: fake.person("Alice", guild, [keepers]),
    bob: fake.person("Bob", guild),
    channel: fake.channel(guild, "plaza"),
    other: fake.channel(guild, "market"),
  };
}

export function configOf({ fake }: Pick<Stage, "fake">, more: object = {}): DiscordConfig {
  return discordConfig.parse({ token: fake.bot.token, api_url: fake.apiUrl, cdn_url: fake.cdnUrl, ...more });
}

export const login = { id: BOT, name: "the bot", secrets: {} };

export const discordHarness: Harness<DiscordConfig> = {
  network: discord,
  samples: {
    people: [
      "80351110224678912",
      "1",
      "18446744073709551615",
      "w.223704706495545344.0123456789abcdef",
      "w.466378653216014359.fedcba9876543210",
    ].map(userId),
    channels: ["41771983423143937", "1", "18446744073709551615"].map(channelId),
    written: [
      [["41771983423143937"], channelId("41771983423143937")],
      [["<#41771983423143937>"], channelId("41771983423143937")],
      [["https://discord.com/channels/41771983423143936/41771983423143937"], channelId("41771983423143937")],
      [["41771983423143936", "41771983423143937"], channelId("41771983423143937")],
    ],
    nonsense: [["#general"], ["general"], ["0"], ["041771983423143937"], ["18446744073709551616"], ["1", "2", "3"]],
  },
  measure: ({ wire }) => {
    const { content, quote, name } = wire as SayWire;
    return content.length + Math.max(quote === undefined ? 0 : quote.length + 1, name?.length ?? 0);
  },
  keyed: false,
  page: 100,
  speed: SPEED,
  open: openScene,
};

async function openScene(): Promise<Scene<DiscordConfig>> {
  const stage = await raise();
  const { fake, channel, other } = stage;
  return {
    config: configOf(stage, { moderation: "mirrored" }),
    login,
    channel: channelId(channel),
    other: channelId(other),
    alice: someone(stage, stage.alice),
    bob: someone(stage, stage.bob),
    secrets: [fake.bot.token],
    standing: async (id) => standing(fake, id),
    shown: async (id) => ({ topic: fake.channelOf(id).topic ?? "", name: fake.channelOf(id).name }),
    answers: async () => [...fake.world.interactions.values()].flatMap(({ answers }) => answers.map(({ content }) => content)),
    typing: async (id) => fake.acts.typists.filter((one) => one.channel === id).map(({ user }) => user),
    faults: faults(stage),
    close: () => fake.stop(),
  };
}

/** In the channel and in its threads. */
export function standing(fake: FakeDiscord, id: string): Standing[] {
  const places = [fake.channelOf(id), ...[...fake.world.channels.values()].filter(({ parent }) => parent === id)];
  const all = places.flatMap((place) => [...(fake.world.messages.get(place.id)?.values() ?? [])]);
  const said = all.filter(({ message }) => [MessageType.Default, MessageType.Reply].includes(message.type));
  return said.sort((a, b) => (BigInt(a.message.id) < BigInt(b.message.id) ? -1 : 1)).map((stored) => shape(fake, id, stored));
}

function shape(fake: FakeDiscord, id: string, { message, reactions }: Stored): Standing {
  const reference = message.type === MessageType.Reply ? message.message_reference?.message_id : undefined;
  const nameOf = (user: string): string => fake.world.users.get(user)?.global_name ?? user;
  return {
    id: messageId(message.id),
    name: message.webhook_id === undefined ? nameOf(message.author.id) : message.author.username,
    text: message.content + (message.poll?.question.text ?? ""),
    edited: message.edited_timestamp !== null,
    ...(reference === undefined ? {} : { replyTo: messageId(reference) }),
    ...(message.channel_id === id ? {} : { thread: threadId(message.channel_id) }),
    files: message.attachments.map(({ filename, size }) => ({ name: filename, size })),
    reactions: [...reactions].flatMap(([emoji, people]) => [...people].map((by) => ({ emoji, by: nameOf(by) }))),
    pinned: message.pinned,
    poll: message.poll !== undefined,
    rangEveryone: message.mention_everyone,
    rang: message.mentions.map((user) => userId(user.id)),
  };
}

function someone({ fake, guild, channel }: Stage, person: Person): Someone {
  return {
    id: userId(person.id),
    name: person.user.global_name ?? "",
    say: async (text, { channel: where = channelId(channel), replyTo, threadOf } = {}) => {
      const place = threadOf === undefined ? where : person.thread(where, threadOf);
      return messageId(person.say(place, text, replyTo === undefined ? {} : { reply: replyTo }));
    },
    edit: async (id, text) => person.edit(channel, id, text),
    delete: async (id) => person.delete(channel, id),
    react: async (id, emoji) => person.react(channel, id, emoji),
    unreact: async (id, emoji) => person.unreact(channel, id, emoji),
    upload: async (file, text = "") =>
      messageId(person.say(channel, text, { files: [{ name: file.name, type: file.mimetype, bytes: Buffer.from(file.bytes) }] })),
    pin: async (id) => person.pin(channel, id),
    topic: async (text) => person.topic(channel, text),
    rename: async (name) => person.rename(guild.id, name),
    type: async () => person.type(channel),
    leave: async () => person.leave(guild.id),
    command: async (words) => void fake.command(person, channel, slash(words)),
  };
}

export function slash(words: string): unknown {
  const [name = "help", ...rest] = words.split(" ");
  const options = rest.map((value) => ({ type: 3, name: "code", value }));
  return { id: "1", type: 1, name: "causeway", options: [{ type: 1, name, options }] };
}

const SENDING = /^POST \/(?:webhooks\/\d+\/[^/]+|channels\/\d+\/messages)$/;

export function faults({ fake, channel }: Stage): Faults {
  const { http, gateway } = fake;
  return {
    loseReply: async () => http.fault("lose-reply", SENDING),
    loseSend: async () => http.fault("lose-request", SENDING),
    cut: async () => gateway.drop(),
    down: async () => {
      http.refusing = true;
      gateway.refusing = true;
      gateway.drop();
      http.server.closeAllConnections();
    },
    up: async () => {
      http.refusing = false;
      gateway.refusing = false;
    },
    forget: async () => gateway.forget(),
    limit: async (seconds) =>
      http.limits.force((bucket) => bucket.startsWith("POST /webhooks/") || bucket.startsWith("POST /channels/:c/messages:"), seconds),
    slow: async (ms) => {
      http.delay = ms;
    },
    hang: async () => {
      http.silent = true;
      gateway.silent = true;
    },
    revoke: async () => {
      fake.bot.token = `${fake.bot.token}-no-more`;
      gateway.close(4004, "Authentication failed.");
    },
    redeliver: async () => gateway.redeliver(),
    mute: async () => {
      const deny = String(Bit.SendMessages | Bit.ManageWebhooks);
      fake.acts.updateChannel(fake.channelOf(channel), { overwrites: [{ id: fake.bot.user.id, type: 1, allow: "0", deny }] });
      for (const webhook of [...fake.world.webhooks.values()]) if (webhook.channel_id === channel) destroy(fake.door, webhook);
    },
  };
}

/** Somebody else's webhook says something; `application` is whose it is. */
export function byWebhook(fake: FakeDiscord, channel: string, name: string, content: string, application?: string): string {
  const webhook = fake.world.snowflake();
  const author = { id: webhook, username: name, discriminator: "0000", global_name: null, avatar: null, bot: true } as never;
  return fake.acts.post(fake.channelOf(channel), author, { content, webhook, ...(application === undefined ? {} : { application }) })
    .message.id;
}
