/** What people do to messages and channels, as core's events. Pure. https://discord.com/developers/docs/events/gateway-events */
import type { APIPartialEmoji } from "discord-api-types/v10";
import type { ChannelFacts, RemoteDelete, RemoteReact, RemoteReactionsAre, RemoteTyping, RemoteVote } from "../../core/model/events.ts";
import type { ReactionKey } from "../../core/model/message.ts";
import { messageId, timeOf, userId } from "./ids.ts";
import { type Guild, isThread, type Place } from "./guilds.ts";
import { isPublic } from "./permissions.ts";
import { personOf } from "./people.ts";
import { emojiUrl } from "./references.ts";
import type { Road, Stand, View } from "./view.ts";
import type { Dispatch } from "./wire.ts";

/** Discord shows typing for ten seconds. */
const TYPING_FOR = 10_000;

interface Base {
  readonly channel: Stand["channel"];
  readonly at: number;
  readonly via: Road["via"];
  readonly deliveryId?: string;
}

export function base(stand: Pick<Stand, "channel">, road: Road, at: number): Base {
  return { channel: stand.channel, at, via: road.via, ...(road.deliveryId === undefined ? {} : { deliveryId: road.deliveryId }) };
}

export function reactionKey(emoji: Pick<APIPartialEmoji, "id" | "name" | "animated">, cdn: string): ReactionKey {
  // The name is missing where the emoji has been deleted since.
  if (emoji.id === null) return { kind: "unicode", text: emoji.name ?? "❓" };
  return { kind: "custom", name: emoji.name ?? "emoji", id: emoji.id, url: emojiUrl(emoji.id, emoji.animated === true, cdn) };
}

export function fromReaction(
  kind: "react" | "unreact",
  d: Dispatch<"MESSAGE_REACTION_ADD"> | Dispatch<"MESSAGE_REACTION_REMOVE">,
  view: View,
  stand: Stand,
  road: Road,
  at: number,
): RemoteReact {
  const member = "member" in d ? d.member : undefined;
  return {
    ...base(stand, road, at),
    kind,
    message: messageId(d.message_id),
    sender: userId(d.user_id),
    ...(member?.user ? { person: personOf(member.user, member, view.guild, view.me) } : {}),
    key: reactionKey(d.emoji, view.cdn),
    ...(d.user_id === view.me ? { echo: {} } : {}),
  };
}

export function fromReactionsGone(
  d: Dispatch<"MESSAGE_REACTION_REMOVE_ALL"> | Dispatch<"MESSAGE_REACTION_REMOVE_EMOJI">,
  view: View,
  stand: Stand,
  road: Road,
  at: number,
): RemoteReactionsAre {
  return {
    ...base(stand, road, at),
    kind: "reactions-are",
    message: messageId(d.message_id),
    ...("emoji" in d ? { only: reactionKey(d.emoji, view.cdn) } : {}),
    reactions: [],
  };
}

export function fromDelete(ids: readonly string[], stand: Stand, road: Road, at: number): RemoteDelete {
  const [only, ...more] = ids;
  return {
    ...base(stand, road, at),
    kind: "delete",
    ...(only !== undefined && more.length === 0 ? { subject: `delete:${only}` } : {}),
    messages: ids.map(messageId),
  };
}

export function fromTyping(d: Dispatch<"TYPING_START">, view: View, stand: Stand, road: Road): RemoteTyping {
  const user = d.member?.user;
  return {
    ...base(stand, { via: road.via }, d.timestamp * 1000),
    kind: "typing",
    sender: userId(d.user_id),
    ...(user ? { person: personOf(user, d.member, view.guild, view.me) } : {}),
    for: TYPING_FOR,
    ...(d.user_id === view.me ? { echo: {} } : {}),
  };
}

export function fromVote(
  d: { user_id: string; message_id: string },
  answers: readonly string[],
  stand: Stand,
  road: Road,
  at: number,
): RemoteVote {
  return { ...base(stand, road, at), kind: "vote", message: messageId(d.message_id), sender: userId(d.user_id), answers };
}

/** What a channel is to those who read it. A thread's are its channel's, unless it is private. */
export function factsOf(place: Place, parent: Place | undefined, guild: Guild | undefined): ChannelFacts {
  return {
    name: place.name,
    ...(place.topic === undefined ? {} : { topic: place.topic }),
    visibility: visibilityOf(place, parent, guild),
    ...(isThread(place.type) ? { archived: place.archived } : {}),
    ...(guild
      ? {
          avatar:
            guild.icon === null ? null : { id: guild.icon, ref: { kind: "path", path: `/icons/${guild.id}/${guild.icon}.png?size=256` } },
        }
      : {}),
  };
}

/** Nothing that is not known to be public is public. */
function visibilityOf(place: Place, parent: Place | undefined, guild: Guild | undefined): "public" | "private" {
  if (!guild || place.type === 12) return "private";
  if (isThread(place.type)) return parent && isPublic(guild, parent.overwrites) ? "public" : "private";
  return isPublic(guild, place.overwrites) ? "public" : "private";
}

/** The moment of a delivery that carries none of its own: never before what it is about. */
export function momentOf(now: number, message: string): number {
  return Math.max(now, timeOf(message));
}
