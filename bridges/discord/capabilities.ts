import type { Capabilities } from "../../core/capabilities.ts";
import { Bit, has } from "./permissions.ts";
import { largestFile, LONGEST } from "./wire.ts";

/** With every permission, in an ordinary channel, through the bridge's webhook. */
export const capabilities: Capabilities = {
  // A small line with a link to the message, under the person's own name: Discord's native replies are the bot's alone.
  reply: "partial",
  thread: "full",
  edit: "full",
  delete: "full",
  deleteOthers: "full",
  react: "full",
  reactEach: "fallback",
  customEmoji: "partial",
  speaker: "full",
  files: "full",
  poll: "partial",
  pin: "full",
  topic: "full",
  name: "full",
  // The bot types, whoever it is.
  typing: "partial",
  read: "refused",
  kick: "full",
  ban: "full",
  history: "full",
  formats: {
    bold: "full",
    italic: "full",
    strike: "full",
    underline: "full",
    code: "full",
    codeBlock: "full",
    spoiler: "full",
    colour: "partial",
    quote: "full",
    list: "full",
    heading: "full",
    table: "partial",
    link: "full",
    mention: "full",
    everyone: "full",
    time: "full",
  },
  text: { length: LONGEST, unit: "utf16" },
  fileSize: largestFile(0),
  ids: true,
};

export interface Circumstances {
  /** The bot's permissions in the channel. */
  readonly permissions: bigint;
  /** The guild's boost level. */
  readonly tier: number;
  /** Webhooks are for guilds. */
  readonly direct: boolean;
  /** Kicks and bans in the room are ones on the server too. */
  readonly mirrored: boolean;
  readonly typing: boolean;
}

/** What is left of it where the bot has fewer rights. */
export function capabilitiesIn({ permissions, tier, direct, mirrored, typing }: Circumstances): Capabilities {
  const may = (...bits: readonly bigint[]): boolean =>
    direct ||
    has(
      permissions,
      bits.reduce((all, bit) => all | bit, 0n),
    );
  const full = (allowed: boolean) => (allowed ? "full" : "refused");
  return {
    ...capabilities,
    speaker: !direct && may(Bit.ManageWebhooks) ? "full" : "fallback",
    thread: may(Bit.SendMessagesInThreads) && !direct ? "full" : "fallback",
    deleteOthers: full(!direct && may(Bit.ManageMessages)),
    react: full(may(Bit.ReadMessageHistory, Bit.AddReactions)),
    poll: may(Bit.SendPolls) ? "partial" : "fallback",
    pin: full(may(Bit.PinMessages)),
    topic: full(!direct && may(Bit.ManageChannels)),
    name: full(!direct && may(Bit.ManageChannels)),
    typing: typing ? "partial" : "refused",
    kick: full(mirrored && !direct && may(Bit.KickMembers)),
    ban: full(mirrored && !direct && may(Bit.BanMembers)),
    history: full(may(Bit.ReadMessageHistory)),
    files: direct || may(Bit.ManageWebhooks) || may(Bit.AttachFiles) ? "full" : "fallback",
    fileSize: largestFile(tier),
  };
}
