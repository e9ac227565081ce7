/** Slack's events as RemoteEvents. https://docs.slack.dev/reference/events */
import type { RemoteEvent } from "../../core/model/events.ts";
import * as channel from "./from-channel.ts";
import { deletion, readChange, readMessage, readOwnKey, type Road } from "./from-message.ts";
import { isChannel } from "./ids.ts";
import type { Known } from "./known.ts";
import { filled, type Json, number, record, string } from "./wire.ts";

/** An `event_callback`. Empty = nothing that concerns a channel's people. */
export function fromEvent(body: Json, known: Known): RemoteEvent[] {
  const event = record(body.event);
  const deliveryId = filled(body.event_id);
  const place = channelIn(event);
  if (place === undefined) return [];
  const direct = event.channel_type === "im" || event.channel_type === "mpim" || place.startsWith("D");
  const at = (number(body.event_time) ?? 0) * 1000;
  const road: Road = {
    via: "live",
    channel: place,
    at,
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(direct ? { direct } : {}),
  };
  return event.type === "message" ? fromMessage(event, road, known) : fromOther(event, road, known);
}

function channelIn(event: Json): string | undefined {
  const place = filled(event.channel) ?? filled(event.channel_id) ?? filled(record(event.channel).id) ?? filled(record(event.item).channel);
  return place !== undefined && isChannel(place) ? place : undefined;
}

/** Subtypes that other events tell better, or that nobody sees. */
const TOLD_ELSEWHERE = new Set([
  "channel_join",
  "channel_leave",
  "group_join",
  "group_leave",
  "channel_archive",
  "channel_unarchive",
  "group_archive",
  "group_unarchive",
  "pinned_item",
  "unpinned_item",
]);

const UNSEEN = new Set([
  "message_replied",
  "reply_broadcast",
  "file_mention",
  "document_mention",
  "assistant_app_thread",
  "joiner_notification",
  "channel_canvas_updated",
  "tabbed_canvas_updated",
]);

/** What Slack says by itself: told as it is worded. */
const TOLD = new Set([
  "bot_add",
  "bot_remove",
  "bot_enable",
  "bot_disable",
  "app_conversation_leave",
  "channel_posting_permissions",
  "reminder_add",
  "ekm_access_denied",
  "channel_purpose",
  "group_purpose",
]);

/** A `message` of any subtype, live or in a history. */
export function fromMessage(message: Json, road: Road, known: Known): RemoteEvent[] {
  const subtype = string(message.subtype);
  if (subtype === "message_changed") return readChange(message, road, known);
  if (subtype === "message_deleted") return [deletion(string(message.deleted_ts), string(message.event_ts), road, known)];
  if (subtype === "tombstone") return [deletion(string(message.ts), string(message.ts), road, known)];
  if (UNSEEN.has(subtype) || (TOLD_ELSEWHERE.has(subtype) && road.via === "live")) return [];
  if (TOLD.has(subtype)) return [told(message, road, known) ?? []].flat();
  const change = fromChange(subtype, message, road, known);
  if (change) return change;
  const command = fromCommand(message, road, known);
  if (command) return [command];
  const said = readMessage(message, road, known);
  return said ? [said] : [];
}

/** By whom it was done, where Slack says so: their name stands beside it, so it need not begin the sentence. */
function told(message: Json, road: Road, known: Known): RemoteEvent | undefined {
  if (message.subtype === "ekm_access_denied") return channel.readNotice(message, string(message.text), road, known);
  const text = string(message.text).replace(/^<@[^>]*> /, "");
  const said = readMessage({ ...message, text }, road, known);
  return said && { ...said, style: "notice" };
}

/** Subtypes that say what became of the channel. */
function fromChange(subtype: string, message: Json, road: Road, known: Known): RemoteEvent[] | undefined {
  switch (subtype) {
    case "channel_join":
    case "group_join":
      return channel.readMembership(message, "join", road, known);
    case "channel_leave":
    case "group_leave":
      return channel.readMembership(message, "leave", road, known);
    case "channel_topic":
    case "group_topic":
      return [channel.readFacts(message, { topic: channel.plainTopic(string(message.topic), known) }, road, known)];
    case "channel_name":
    case "group_name":
      return [channel.readFacts(message, { name: string(message.name) }, road, known)];
    case "channel_archive":
    case "group_archive":
      return [channel.readFacts(message, { archived: true }, road, known)];
    case "channel_unarchive":
    case "group_unarchive":
      return [channel.readFacts(message, { archived: false }, road, known)];
    case "channel_convert_to_private":
      return [channel.readFacts(message, { visibility: "private" }, road, known)];
    case "channel_convert_to_public":
      return [channel.readFacts(message, { visibility: "public" }, road, known)];
    case "pinned_item":
    case "unpinned_item":
      return [];
    default:
      return undefined;
  }
}

const REMOVED =
  "The Slack app was removed from the channel. Whoever wants it bridged again invites it there, with /invite and the app's name.";

function fromOther(event: Json, road: Road, known: Known): RemoteEvent[] {
  switch (event.type) {
    case "reaction_added":
    case "reaction_removed":
      return channel.readReaction(event, road, known);
    case "pin_added":
    case "pin_removed":
      return channel.readPin(event, road, known);
    case "member_joined_channel":
      return channel.readMembership(event, "join", road, known);
    case "member_left_channel":
      return event.user === known.self.user
        ? [channel.readGone(event, REMOVED, road, known)]
        : channel.readMembership(event, "leave", road, known);
    case "channel_left":
    case "group_left":
      return [channel.readGone(event, REMOVED, road, known)];
    case "channel_deleted":
    case "group_deleted":
      return [channel.readGone(event, "The channel was deleted on Slack.", road, known)];
    case "channel_archive":
    case "group_archive":
      return [channel.readFacts(event, { archived: true }, road, known)];
    case "channel_unarchive":
    case "group_unarchive":
      return [channel.readFacts(event, { archived: false }, road, known)];
    case "channel_rename":
    case "group_rename":
      return [channel.readFacts(event, { name: string(record(event.channel).name) }, road, known)];
    case "message_metadata_posted":
      return readOwnKey(event, road, known);
    case "channel_shared":
      return [channel.readNotice(event, "This channel is now shared with another organisation on Slack.", road, known)];
    case "channel_unshared":
      return [channel.readNotice(event, "This channel is no longer shared with another organisation on Slack.", road, known)];
    default:
      return [];
  }
}

/**
 * `!causeway link`, `!optout`: words to the bridge, said in a channel. The workspace's own bot obeys them; of those that were said while
 * it was away, only a wish not to be relayed.
 */
function fromCommand(message: Json, road: Road, known: Known): RemoteEvent | undefined {
  if (message.subtype !== undefined || message.bot_id !== undefined || known.self.bot === undefined) return undefined;
  const words = commandIn(string(message.text));
  const user = filled(message.user);
  if (words === undefined || user === undefined || (road.via === "history" && !words.startsWith("opt"))) return undefined;
  const reply = { channel: road.channel, user, ...(filled(message.thread_ts) === undefined ? {} : { thread: string(message.thread_ts) }) };
  return channel.readCommand({ user, words, reply, at: string(message.ts) }, road, known);
}

function commandIn(text: string): string | undefined {
  const [, word = "", rest = ""] = /^\s*!(\w+)\s*(.*)$/s.exec(text) ?? [];
  if (/^causeway$/i.test(word)) return rest.trim() || "help";
  return /^opt(?:in|out)$/i.test(word) ? `${word.toLowerCase()} ${rest}`.trim() : undefined;
}

/** A slash command. https://docs.slack.dev/interactivity/implementing-slash-commands */
export function fromSlash(body: Json, known: Known): RemoteEvent[] {
  const place = string(body.channel_id);
  const user = filled(body.user_id);
  if (!isChannel(place) || user === undefined) return [];
  const deliveryId = filled(body.trigger_id);
  const road: Road = { via: "live", channel: place, ...(deliveryId === undefined ? {} : { deliveryId }) };
  const url = filled(body.response_url);
  const reply = { channel: place, user, ...(url === undefined ? {} : { url }) };
  return [channel.readCommand({ user, words: string(body.text).trim() || "help", reply, at: "" }, road, known)];
}
