/** What happens to a channel and around messages: membership, names, pins, reactions. https://docs.slack.dev/reference/events */
import type { ChannelFacts, RemoteEvent } from "../../core/model/events.ts";
import type { ReactionKey } from "../../core/model/message.ts";
import { plainText } from "../../core/model/richtext.ts";
import { toPlain } from "../../core/model/plain.ts";
import { emojiOf } from "./emoji.ts";
import { happening, type Road } from "./from-message.ts";
import { messageId, personId, TIMESTAMP, timeOf } from "./ids.ts";
import type { Known, OwnDeed } from "./known.ts";
import { readMrkdwn } from "./mrkdwn.ts";
import { filled, type Json, record, string } from "./wire.ts";

/** A topic or purpose as plain text: mentions and addresses are written out. */
export function plainTopic(text: string, known: Known): string {
  return toPlain(readMrkdwn(text, known));
}

export function reactionKey(name: string, known: Known): ReactionKey {
  const text = emojiOf(name) ?? emojiOf(known.alias(name) ?? "");
  if (text !== undefined) return { kind: "unicode", text };
  const url = known.emoji(name);
  return { kind: "custom", name, ...(url === undefined ? {} : { id: `${known.team}/${name}`, url }) };
}

/** How a reaction of ours is remembered until it comes back. */
export function reactionMark(ts: string, name: string): string {
  return `${ts} ${name}`;
}

/** `reaction_added`, `reaction_removed`. Reactions to files come with the message that shares the file. */
export function readReaction(event: Json, road: Road, known: Known): RemoteEvent[] {
  const item = record(event.item);
  const ts = string(item.ts);
  const user = filled(event.user);
  const name = filled(event.reaction);
  if (item.type !== "message" || !TIMESTAMP.test(ts) || user === undefined || name === undefined) return [];
  const kind = event.type === "reaction_added" ? "react" : "unreact";
  const at = string(event.event_ts);
  const own = user === known.self.user && (known.self.bot !== undefined || known.isOwnDeed(kind, reactionMark(ts, name)));
  return [
    {
      kind,
      ...happening(road, known),
      subject: `${kind}:${ts}:${user}:${name}:${at}`,
      at: whenOf(at, road),
      sender: personId(known.team, user),
      message: messageId(ts),
      key: reactionKey(name, known),
      ...(own ? { echo: {} } : {}),
    },
  ];
}

function whenOf(ts: string, road: Road): number {
  return TIMESTAMP.test(ts) ? timeOf(ts) : road.at || Date.now();
}

export function readPin(event: Json, road: Road, known: Known): RemoteEvent[] {
  const item = record(event.item);
  const ts = string(record(item.message).ts);
  // Files can be pinned too; there is no message to point to.
  if (!TIMESTAMP.test(ts)) return [];
  const kind = event.type === "pin_added" ? "pin" : "unpin";
  const at = string(event.event_ts);
  return [
    {
      kind,
      ...happening(road, known),
      subject: `${kind}:${ts}:${at}`,
      at: whenOf(at, road),
      message: messageId(ts),
      ...by(event, known),
      ...ownDeed(kind, ts, known),
    },
  ];
}

function by(event: Json, known: Known) {
  const user = filled(event.user) ?? filled(event.actor_id);
  return user === undefined ? {} : { by: personId(known.team, user) };
}

function ownDeed(deed: OwnDeed, what: string, known: Known) {
  return known.isOwnDeed(deed, what) ? { echo: {} } : {};
}

/** `member_joined_channel`, `member_left_channel`, and their messages in histories. Our own coming and going is no membership. */
export function readMembership(event: Json, change: "join" | "leave", road: Road, known: Known): RemoteEvent[] {
  const user = filled(event.user);
  if (user === undefined || user === known.self.user) return [];
  const at = string(event.event_ts) || string(event.ts);
  const inviter = filled(event.inviter);
  return [
    {
      kind: "membership",
      ...happening(road, known),
      subject: `${change}:${user}:${at}`,
      at: whenOf(at, road),
      change,
      person: personId(known.team, user),
      ...(inviter === undefined ? {} : { by: personId(known.team, inviter) }),
    },
  ];
}

export function readFacts(event: Json, facts: ChannelFacts, road: Road, known: Known): RemoteEvent {
  const at = string(event.event_ts) || string(event.ts);
  const own =
    (facts.topic !== undefined && known.isOwnDeed("topic", `${road.channel} ${facts.topic}`)) ||
    (facts.name !== undefined && known.isOwnDeed("name", `${road.channel} ${facts.name}`));
  const subject = at === "" ? {} : { subject: `${Object.keys(facts).join("+")}:${at}` };
  return {
    kind: "channel-changed",
    ...happening(road, known),
    ...subject,
    at: whenOf(at, road),
    facts,
    ...by(event, known),
    ...(own ? { echo: {} } : {}),
  };
}

export function readGone(event: Json, why: string, road: Road, known: Known): RemoteEvent {
  return { kind: "channel-gone", ...happening(road, known), at: whenOf(string(event.event_ts), road), why };
}

export function readNotice(event: Json, text: string, road: Road, known: Known): RemoteEvent {
  const at = string(event.ts) || string(event.event_ts);
  const cursor = TIMESTAMP.test(string(event.ts)) ? { cursor: string(event.ts) } : {};
  return { kind: "notice", ...happening(road, known), subject: `notice:${at}`, at: whenOf(at, road), ...cursor, body: plainText(text) };
}

/** Where the answer to a command goes: seen by its author alone. */
export interface CommandReply {
  readonly channel: string;
  readonly user: string;
  readonly thread?: string;
  /** Slack's own address for answers to a slash command, good for half an hour. */
  readonly url?: string;
}

interface Words {
  readonly user: string;
  readonly words: string;
  readonly reply: CommandReply;
  readonly at: string;
}

export function readCommand({ user, words, reply, at }: Words, road: Road, known: Known): RemoteEvent {
  const subject = at === "" ? {} : { subject: `command:${at}` };
  const power = known.power(user);
  return {
    kind: "command",
    ...happening(road, known),
    ...subject,
    at: whenOf(at, road),
    sender: personId(known.team, user),
    words,
    reply,
    power,
  };
}
