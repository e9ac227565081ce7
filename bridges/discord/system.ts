/**
 * Messages that Discord writes itself: what somebody did, told as their doing (`* Nelly joined the server`).
 *
 * https://discord.com/developers/docs/resources/message#message-object-message-types
 */
import { type APIMessage, MessageType } from "discord-api-types/v10";
import type { Inline } from "../../core/model/richtext.ts";
import { channelId, isSnowflake, userId } from "./ids.ts";
import type { Names } from "./references.ts";

/** What people write, and what commands answer. */
const ORDINARY: ReadonlySet<number> = new Set([
  MessageType.Default,
  MessageType.Reply,
  MessageType.ChatInputCommand,
  MessageType.ContextMenuCommand,
]);

export function isOrdinary(type: number): boolean {
  return ORDINARY.has(type);
}

/** What Discord writes itself, and the bridge knows. */
export function isSystem(type: number): boolean {
  return !ORDINARY.has(type) && type in MessageType;
}

/** What its author did, without their name; undefined = a kind that nobody knows yet. */
export function systemWords(message: APIMessage, names: Names): Inline[] | undefined {
  const name = message.content;
  switch (message.type) {
    case MessageType.RecipientAdd:
      return [text("added "), ...others(message, names), text(" to the thread")];
    case MessageType.RecipientRemove:
      return message.mentions?.[0]?.id === message.author.id
        ? [text("left the thread")]
        : [text("removed "), ...others(message, names), text(" from the thread")];
    case MessageType.Call:
      return [text(message.call?.ended_timestamp ? "had a call" : "started a call")];
    case MessageType.ChannelNameChange:
      return [text("changed the name to "), strong(name)];
    case MessageType.ChannelIconChange:
      return [text("changed the picture")];
    case MessageType.ChannelPinnedMessage:
      return [text("pinned a message")];
    case MessageType.UserJoin:
      return [text("joined the server")];
    case MessageType.GuildBoost:
      return boost(name, undefined);
    case MessageType.GuildBoostTier1:
      return boost(name, 1);
    case MessageType.GuildBoostTier2:
      return boost(name, 2);
    case MessageType.GuildBoostTier3:
      return boost(name, 3);
    case MessageType.ChannelFollowAdd:
      return [text("followed "), strong(name), text(": its announcements will show up here")];
    case MessageType.ThreadCreated:
      return [text("started a thread: "), ...thread(message)];
    case MessageType.RoleSubscriptionPurchase:
      return subscription(message);
    case MessageType.StageStart:
      return [text("started the stage "), strong(name)];
    case MessageType.StageEnd:
      return [text("ended the stage "), strong(name)];
    case MessageType.StageSpeaker:
      return [text("is now a speaker")];
    case MessageType.StageRaiseHand:
      return [text("asked to speak")];
    case MessageType.StageTopic:
      return [text("changed the stage's topic to "), strong(name)];
    case MessageType.GuildIncidentAlertModeEnabled:
      return [text("switched on security actions"), ...until(name)];
    case MessageType.GuildIncidentReportRaid:
      return [text("reported a raid")];
    default:
      return aboutServer(message);
  }
}

function aboutServer(message: APIMessage): Inline[] | undefined {
  switch (message.type) {
    case MessageType.GuildDiscoveryDisqualified:
      return [text("this server no longer stands in Server Discovery")];
    case MessageType.GuildDiscoveryRequalified:
      return [text("this server stands in Server Discovery again")];
    case MessageType.GuildDiscoveryGracePeriodInitialWarning:
      return [text("this server has not met the rules of Server Discovery for a week")];
    case MessageType.GuildDiscoveryGracePeriodFinalWarning:
      return [text("this server has not met the rules of Server Discovery for three weeks, and will be taken out of it")];
    case MessageType.GuildInviteReminder:
      return [text("wondering whom to invite? Discord suggests to invite friends")];
    case MessageType.AutoModerationAction:
      return [text("wrote something that AutoMod has acted on"), ...rule(message)];
    case MessageType.InteractionPremiumUpsell:
      return [text("used an app that wants a subscription for this")];
    case MessageType.GuildApplicationPremiumSubscription:
      return [text("upgraded "), strong(message.application?.name ?? "an app"), text(" for this server")];
    case MessageType.GuildIncidentAlertModeDisabled:
      return [text("switched off security actions")];
    case MessageType.GuildIncidentReportFalseAlarm:
      return [text("reported that a raid was a false alarm")];
    case MessageType.PurchaseNotification:
      return [text("made a purchase in the server's shop")];
    case MessageType.PollResult:
      return [text("the poll has ended")];
    default:
      return undefined;
  }
}

function text(words: string): Inline {
  return { type: "text", text: words };
}

function strong(words: string): Inline {
  return { type: "bold", content: [text(words)] };
}

function others(message: APIMessage, names: Names): Inline[] {
  const out: Inline[] = [];
  for (const { id } of message.mentions ?? []) {
    if (out.length > 0) out.push(text(", "));
    out.push({ type: "mention", target: { kind: "person", remote: userId(id) }, text: names.person(id) ?? "someone" });
  }
  return out.length === 0 ? [text("someone")] : out;
}

function boost(times: string, level: number | undefined): Inline[] {
  const often = /^\d+$/.test(times) ? ` ${times} times` : "";
  return [text(`boosted the server${often}${level === undefined ? "" : `: it has reached level ${level}`}`)];
}

function thread(message: APIMessage): Inline[] {
  const id = message.message_reference?.channel_id;
  if (!isSnowflake(id)) return [strong(message.content)];
  return [{ type: "mention", target: { kind: "channel", remote: channelId(id) }, text: message.content }];
}

function subscription({ role_subscription_data: data }: APIMessage): Inline[] {
  if (!data) return [text("subscribed to the server")];
  const months = data.total_months_subscribed;
  return [
    text(data.is_renewal ? "renewed " : "joined "),
    strong(data.tier_name),
    text(months > 1 ? `, subscriber for ${months} months` : ""),
  ];
}

function until(iso: string): Inline[] {
  const at = Date.parse(iso);
  return Number.isNaN(at)
    ? []
    : [text(" until "), { type: "time", at, text: new Date(at).toISOString().slice(0, 16).replace("T", " "), style: "datetime" }];
}

/** The blocked words themselves are not repeated. */
function rule(message: APIMessage): Inline[] {
  const name = message.embeds[0]?.fields?.find((field) => field.name === "rule_name")?.value;
  return name === undefined ? [] : [text(": "), strong(name)];
}
