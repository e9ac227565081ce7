/** Which scopes each method wants: one of each list. From the "Scopes" of each method's page, https://docs.slack.dev/reference/methods */
import type { Channel } from "./state.ts";

/** By kind of conversation: channel, private channel, direct message, group message. */
export function conversationScope(channel: Channel, what: "history" | "read" | "write" | "manage"): readonly string[] {
  const kind = channel.kind === "im" ? "im" : channel.kind === "mpim" ? "mpim" : channel.private ? "groups" : "channels";
  if (what === "manage") return kind === "channels" ? ["channels:manage", "channels:write"] : [`${kind}:write`];
  return [`${kind}:${what}`];
}

export const METHOD_SCOPES: Readonly<Record<string, readonly string[]>> = {
  "bots.info": ["users:read"],
  "chat.delete": ["chat:write"],
  "chat.meMessage": ["chat:write"],
  "chat.postEphemeral": ["chat:write"],
  "chat.postMessage": ["chat:write"],
  "chat.update": ["chat:write"],
  "conversations.join": ["channels:join", "channels:write"],
  "emoji.list": ["emoji:read"],
  "files.completeUploadExternal": ["files:write"],
  "files.delete": ["files:write"],
  "files.getUploadURLExternal": ["files:write"],
  "files.info": ["files:read"],
  "pins.add": ["pins:write"],
  "pins.list": ["pins:read"],
  "pins.remove": ["pins:write"],
  "reactions.add": ["reactions:write"],
  "reactions.get": ["reactions:read"],
  "reactions.remove": ["reactions:write"],
  "team.info": ["team:read"],
  "usergroups.list": ["usergroups:read"],
  "users.getPresence": ["users:read"],
  "users.info": ["users:read"],
  "users.list": ["users:read"],
};

/** Of events: the scope without which they are not delivered. */
export const EVENT_SCOPES: Readonly<Record<string, string>> = {
  emoji_changed: "emoji:read",
  message_metadata_posted: "metadata.message:read",
  pin_added: "pins:read",
  pin_removed: "pins:read",
  reaction_added: "reactions:read",
  reaction_removed: "reactions:read",
  subteam_created: "usergroups:read",
  subteam_updated: "usergroups:read",
  user_change: "users:read",
};
