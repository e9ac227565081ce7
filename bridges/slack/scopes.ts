/** What the app asks for, and why. The manifest and the documentation are made from it. https://docs.slack.dev/reference/scopes */

export interface Scope {
  readonly name: string;
  readonly why: string;
}

const scope = (name: string, why: string): Scope => ({ name, why });

/** Of the app's bot. */
export const BOT_SCOPES: readonly Scope[] = [
  scope("channels:history", "Messages of public channels that the bot is in, as they are written and afterwards."),
  scope("channels:join", "Entering a public channel when it is linked."),
  scope("channels:manage", "Renaming a channel where a link does that, and leaving one when its link ends."),
  scope("channels:read", "Names, topics and members of public channels."),
  scope("channels:write.topic", "Setting a channel's topic where a link does that."),
  scope("chat:write", "Posting, editing and deleting."),
  scope("chat:write.customize", "Each Matrix person's own name and picture beside what they say."),
  scope("commands", "The command /causeway."),
  scope("emoji:read", "The workspace's own emoji."),
  scope("files:read", "Fetching files that are shared in linked channels."),
  scope("files:write", "Sharing files from Matrix, and deleting them again."),
  scope("groups:history", "Messages of private channels that the bot was invited into."),
  scope("groups:read", "Names, topics and members of those private channels."),
  scope("groups:write", "Renaming a private channel where a link does that."),
  scope("groups:write.topic", "Setting a private channel's topic where a link does that."),
  scope("metadata.message:read", "Knowing which of our own messages an event is about."),
  scope("pins:read", "Pinned messages."),
  scope("pins:write", "Pinning what is pinned on Matrix."),
  scope("reactions:read", "Reactions."),
  scope("reactions:write", "Reacting while someone on Matrix does."),
  scope("team:read", "Names of the workspaces from which strangers come in shared channels."),
  scope("usergroups:read", "Names of user groups that are mentioned."),
  scope("users:read", "Names and pictures of people."),
];

/** Of people who sign in themselves. */
export const USER_SCOPES: readonly Scope[] = [
  ...["channels", "groups", "im", "mpim"].flatMap((kind) => [
    scope(`${kind}:history`, "Reading the conversations that the person is in."),
    scope(`${kind}:read`, "Knowing which conversations those are."),
    scope(`${kind}:write`, "Marking what was read, and opening conversations."),
  ]),
  scope("chat:write", "Writing as the person."),
  scope("emoji:read", "The workspace's own emoji."),
  scope("files:read", "Fetching files."),
  scope("files:write", "Sharing files as the person."),
  scope("pins:read", "Pinned messages."),
  scope("pins:write", "Pinning as the person."),
  scope("reactions:read", "Reactions."),
  scope("reactions:write", "Reacting as the person."),
  scope("team:read", "The workspace's name."),
  scope("usergroups:read", "Names of user groups that are mentioned."),
  scope("users:read", "Names and pictures of people."),
];

export const BOT_EVENTS: readonly string[] = [
  "app_uninstalled",
  "channel_archive",
  "channel_deleted",
  "channel_id_changed",
  "channel_left",
  "channel_rename",
  "channel_shared",
  "channel_unarchive",
  "channel_unshared",
  "emoji_changed",
  "group_archive",
  "group_deleted",
  "group_left",
  "group_rename",
  "group_unarchive",
  "member_joined_channel",
  "member_left_channel",
  "message.channels",
  "message.groups",
  "message_metadata_posted",
  "pin_added",
  "pin_removed",
  "reaction_added",
  "reaction_removed",
  "subteam_created",
  "subteam_updated",
  "tokens_revoked",
  "user_change",
];

export const USER_EVENTS: readonly string[] = [
  "message.channels",
  "message.groups",
  "message.im",
  "message.mpim",
  "pin_added",
  "pin_removed",
  "reaction_added",
  "reaction_removed",
];
