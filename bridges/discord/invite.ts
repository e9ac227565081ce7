/**
 * What the bot needs on a server and in the developer portal, and what for. Pure.
 *
 * https://discord.com/developers/docs/topics/oauth2#bot-authorization-flow
 */
import type { DiscordConfig } from "./config.ts";
import { Bit } from "./permissions.ts";

interface Need {
  readonly bit: bigint;
  /** As Discord's settings call it. */
  readonly name: string;
  readonly why: string;
}

const ALWAYS: readonly Need[] = [
  { bit: Bit.ViewChannel, name: "View Channels", why: "hear what is said" },
  {
    bit: Bit.ReadMessageHistory,
    name: "Read Message History",
    why: "fetch what was said while the bridge was away, and answer to messages",
  },
  { bit: Bit.Connect, name: "Connect", why: "read the chat of voice channels" },
  { bit: Bit.ManageWebhooks, name: "Manage Webhooks", why: "people from Matrix speak under their own name and picture" },
  { bit: Bit.SendMessages, name: "Send Messages", why: "polls, voice messages, answers to commands" },
  { bit: Bit.SendMessagesInThreads, name: "Send Messages in Threads", why: "the same in threads and forum posts" },
  { bit: Bit.CreatePublicThreads, name: "Create Public Threads", why: "a thread that begins in Matrix" },
  { bit: Bit.ManageThreads, name: "Manage Threads", why: "open an archived thread before writing into it" },
  { bit: Bit.AttachFiles, name: "Attach Files", why: "voice messages, and files where there is no webhook" },
  { bit: Bit.SendVoiceMessages, name: "Send Voice Messages", why: "voice messages" },
  { bit: Bit.SendPolls, name: "Create Polls", why: "polls" },
  { bit: Bit.AddReactions, name: "Add Reactions", why: "reactions" },
  {
    bit: Bit.UseExternalEmojis,
    name: "Use External Emoji",
    why: "custom emoji; @everyone needs it too in the channel, for webhooks show emoji by everyone's rights",
  },
  { bit: Bit.ManageMessages, name: "Manage Messages", why: "a moderator in the room deletes what was written on Discord" },
  { bit: Bit.PinMessages, name: "Pin Messages", why: "pins" },
  { bit: Bit.ManageChannels, name: "Manage Channels", why: "the room's topic and name on Discord" },
  { bit: Bit.MentionEveryone, name: "Mention @everyone, @here and All Roles", why: "@room by those who may say it in the room" },
  { bit: Bit.ViewAuditLog, name: "View Audit Log", why: "tell who kicked somebody, and why" },
];

const MIRRORED: readonly Need[] = [
  { bit: Bit.KickMembers, name: "Kick Members", why: "`discord.moderation: mirrored`" },
  { bit: Bit.BanMembers, name: "Ban Members", why: "`discord.moderation: mirrored`" },
  { bit: Bit.ModerateMembers, name: "Timeout Members", why: "`discord.moderation: mirrored`" },
];

type Settings = Pick<DiscordConfig, "moderation" | "intents">;

export function needs(config: Settings): readonly Need[] {
  return config.moderation === "mirrored" ? [...ALWAYS, ...MIRRORED] : ALWAYS;
}

export function permissionsFor(config: Settings): bigint {
  return needs(config).reduce((all, { bit }) => all | bit, 0n);
}

export function inviteUrl(application: string, config: Settings): string {
  return `https://discord.com/oauth2/authorize?client_id=${application}&scope=bot+applications.commands&permissions=${permissionsFor(config)}`;
}

/** The switches under Bot → Privileged Gateway Intents. */
export function switches(config: Settings): readonly { readonly name: string; readonly why: string }[] {
  return [
    { name: "MESSAGE CONTENT INTENT", why: "read what people write: nothing works without" },
    ...(config.intents.members
      ? [{ name: "SERVER MEMBERS INTENT", why: "names that change, lists of members; `discord.intents.members: false` does without" }]
      : []),
    ...(config.intents.presences ? [{ name: "PRESENCE INTENT", why: "`discord.intents.presences: true`" }] : []),
  ];
}

/** The whole page that `causeway discord invite` prints. */
export function invitation(application: string, config: Settings): string {
  const lines = (list: readonly { readonly name: string; readonly why: string }[]): string[] =>
    list.map(({ name, why }) => `  ${name}: ${why}`);
  return [
    "Open this address to let the bot into a server that you run:",
    "",
    `  ${inviteUrl(application, config)}`,
    "",
    "It asks for these permissions:",
    ...lines(needs(config)),
    "",
    `In the developer portal (https://discord.com/developers/applications/${application}/bot), under Privileged Gateway Intents, switch on:`,
    ...lines(switches(config)),
  ].join("\n");
}
