/** What Slack can do, at best and for each kind of login. */
import type { Capabilities } from "../../core/capabilities.ts";

/**
 * Characters of a message's blocks, as JSON. Slack names 12,000 for one block, and was seen to refuse a message of some 13,200 in all
 * (`msg_blocks_too_long`).
 */
export const BLOCKS_LENGTH = 12_000;
/** Blocks in one message. https://docs.slack.dev/reference/block-kit/blocks */
export const BLOCKS = 50;
/** `chat.update` takes no longer text (`msg_too_long`); beside blocks it serves notifications only. */
export const TEXT_LENGTH = 4000;
/** https://docs.slack.dev/reference/methods/conversations.setTopic */
export const TOPIC_LENGTH = 250;
export const CHANNEL_NAME_LENGTH = 80;
export const USERNAME_LENGTH = 80;
/** One gigabyte. */
export const FILE_SIZE = 1_000_000_000;

/** Every right at once: a person's own login for what they do themselves, the relay's scopes for the rest. */
export const BEST: Capabilities = {
  reply: "full",
  thread: "full",
  edit: "full",
  delete: "full",
  deleteOthers: "partial",
  react: "full",
  reactEach: "full",
  customEmoji: "partial",
  speaker: "full",
  files: "full",
  poll: "full",
  pin: "full",
  topic: "partial",
  name: "partial",
  typing: "refused",
  read: "full",
  kick: "partial",
  ban: "refused",
  history: "full",
  formats: {
    bold: "full",
    italic: "full",
    strike: "full",
    underline: "partial",
    code: "full",
    codeBlock: "partial",
    spoiler: "partial",
    colour: "partial",
    quote: "full",
    list: "full",
    heading: "partial",
    table: "partial",
    link: "full",
    mention: "full",
    everyone: "full",
    time: "full",
  },
  text: { length: BLOCKS_LENGTH, unit: "utf16" },
  fileSize: FILE_SIZE,
  ids: true,
};

/** The app's bot, which speaks for everyone who has no login of their own. */
export const RELAY: Capabilities = { ...BEST, deleteOthers: "refused", reactEach: "fallback", read: "refused", kick: "refused" };

/** A person's own login: name and picture are theirs already. */
export const OWN: Capabilities = { ...BEST, poll: "full" };
