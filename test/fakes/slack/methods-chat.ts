/** `chat.*`. https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours */
import { shapeNow, argument, type Call, isTrue, type Json, jsonArgument, place, publish, readBlocks, remove, tellChange } from "./world.ts";
import { messageShape } from "./shapes.ts";
import { type Channel, SlackError, type Stored } from "./state.ts";

type Answer = Json;

const LONGEST_TEXT = 40_000;
const LONGEST_UPDATE = 4_000;

function mayPost({ grant }: Call, channel: Channel): void {
  if (channel.archived) throw new SlackError("is_archived");
  if (!channel.members.has(grant.user.id)) throw new SlackError("not_in_channel");
  if (channel.onlyPosters.size > 0 && !channel.onlyPosters.has(grant.user.id)) throw new SlackError("restricted_action_read_only_channel");
}

function threadOf(call: Call, channel: Channel): string | undefined {
  const ts = argument(call.args, "thread_ts");
  if (ts === undefined) return undefined;
  const root = call.world.state.message(channel, ts);
  if (!root || (root.thread_ts !== undefined && root.thread_ts !== root.ts)) throw new SlackError("thread_not_found");
  if (["channel_join", "channel_leave"].includes(root.subtype ?? "")) throw new SlackError("cannot_reply_to_message");
  return ts;
}

/** Letters, digits and `_`; the payload an object of plain values. https://docs.slack.dev/messaging/message-metadata */
function metadataOf(args: Json): Stored["metadata"] {
  const value = jsonArgument(args, "metadata");
  if (value === undefined) return undefined;
  const { event_type, event_payload } = (typeof value === "object" && value !== null ? value : {}) as Json;
  if (typeof event_type !== "string" || typeof event_payload !== "object" || event_payload === null)
    throw new SlackError("invalid_metadata_format");
  if (!/^[A-Za-z0-9_]{1,255}$/.test(event_type)) throw new SlackError("invalid_metadata_schema");
  if (JSON.stringify(value).length > 8_000) throw new SlackError("metadata_too_large");
  return { event_type, event_payload: event_payload as Record<string, unknown> };
}

export function postMessage(call: Call): Answer {
  const { world, grant, args } = call;
  const channel = place(call);
  const username = argument(args, "username");
  const icon = argument(args, "icon_url");
  if (
    (username !== undefined || icon !== undefined || argument(args, "icon_emoji") !== undefined) &&
    !grant.scopes.has("chat:write.customize")
  )
    throw new SlackError("missing_scope", { needed: "chat:write.customize", provided: [...grant.scopes].join(",") });
  mayPost(call, channel);
  const text = argument(args, "text") ?? "";
  const blocks = readBlocks(args, grant.team);
  const attachments = jsonArgument(args, "attachments") as Stored["attachments"];
  if (text.trim() === "" && (blocks?.length ?? 0) === 0 && (attachments?.length ?? 0) === 0) throw new SlackError("no_text");
  if ([...text].length > LONGEST_TEXT) throw new SlackError("msg_too_long");
  const thread = threadOf(call, channel);
  const metadata = metadataOf(args);
  const customized = username !== undefined;
  const message: Stored = {
    ts: world.state.newTs(),
    channel: channel.id,
    ...(customized
      ? { subtype: "bot_message", username, ...(icon === undefined ? {} : { icons: { image_48: icon } }) }
      : { user: grant.user.id }),
    ...(isTrue(args.reply_broadcast) && thread !== undefined ? { subtype: "thread_broadcast" } : {}),
    bot_id: grant.bot ?? `B${grant.app.id.slice(1)}`,
    app_id: grant.app.id,
    text,
    ...(blocks === undefined ? {} : { blocks }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(thread === undefined ? {} : { thread_ts: thread }),
    ...(metadata === undefined ? {} : { metadata }),
    reactions: [],
    pinned: false,
  };
  publish(world, grant.team, channel, message);
  const shown = messageShape(world.state, grant.team, world.host, message, { counters: false, metadata: "all" });
  return { channel: channel.id, ts: message.ts, message: shown };
}

function own({ grant }: Call, message: Stored): boolean {
  return grant.bot === undefined ? message.user === grant.user.id : message.bot_id === grant.bot || message.user === grant.user.id;
}

function messageOf(call: Call, channel: Channel, name = "ts"): Stored {
  const message = call.world.state.message(channel, argument(call.args, name) ?? "");
  if (!message || message.subtype === "tombstone") throw new SlackError("message_not_found");
  return message;
}

export function update(call: Call): Answer {
  const { world, grant, args } = call;
  const channel = place(call);
  const message = messageOf(call, channel);
  if (channel.archived) throw new SlackError("is_inactive");
  if (
    !own(call, message) ||
    (message.subtype !== undefined && !["bot_message", "me_message", "file_share", "thread_broadcast"].includes(message.subtype))
  )
    throw new SlackError("cant_update_message");
  const text = argument(args, "text");
  const blocks = readBlocks(args, grant.team);
  if (text === undefined && blocks === undefined) throw new SlackError("no_text");
  if ([...(text ?? "")].length > LONGEST_UPDATE) throw new SlackError("msg_too_long");
  const before = shapeNow(world, grant.team, message);
  if (text !== undefined) message.text = text;
  if (blocks !== undefined) message.blocks = blocks;
  else if (text !== undefined) delete message.blocks;
  // With blocks Slack shows no "(edited)", and says nothing of an edit.
  if (blocks === undefined) message.edited = { user: grant.user.id, ts: world.state.newTs() };
  tellChange(world, grant.team, channel, message, before);
  return { channel: channel.id, ts: message.ts, text: message.text, message: { text: message.text, user: grant.user.id } };
}

export function erase(call: Call): Answer {
  const { world, grant } = call;
  const channel = place(call);
  const message = messageOf(call, channel);
  const may = own(call, message) || (grant.bot === undefined && grant.user.admin);
  if (!may) throw new SlackError("cant_delete_message");
  remove(world, grant.team, channel, message);
  return { channel: channel.id, ts: message.ts };
}

export interface Ephemeral {
  readonly channel: string;
  readonly user: string;
  readonly text: string;
}

export function postEphemeral(call: Call, seen: Ephemeral[]): Answer {
  const channel = place(call);
  mayPost(call, channel);
  const user = argument(call.args, "user") ?? "";
  if (!channel.members.has(user)) throw new SlackError("user_not_in_channel");
  const text = argument(call.args, "text");
  if (text === undefined) throw new SlackError("no_text");
  seen.push({ channel: channel.id, user, text });
  return { message_ts: call.world.state.newTs() };
}
