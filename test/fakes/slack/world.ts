/** What the methods and the people of the pretended Slack share: its state, and the telling of what happens. */
import type { Clock } from "../../../core/network.ts";
import { checkBlocks } from "./check-blocks.ts";
import type { Delivery } from "./delivery.ts";
import { messageShape } from "./shapes.ts";
import { type Channel, type Grant, SlackError, type State, type Stored, type Team } from "./state.ts";

export type Json = Record<string, unknown>;

export interface World {
  readonly state: State;
  readonly delivery: Delivery;
  readonly clock: Clock;
  /** `http://127.0.0.1:port` */
  readonly host: string;
  /** How long after an upload `files.info` tells where the file was shared, milliseconds by the clock. */
  sharesLag: number;
}

/** One call of a method. */
export interface Call {
  readonly world: World;
  readonly grant: Grant;
  readonly args: Json;
}

export const channelType = (channel: Channel): string =>
  channel.kind === "channel" ? (channel.private ? "group" : "channel") : channel.kind;

/** The event's type as apps subscribe to it: `message.channels` and so on. */
export function messageSubscription(channel: Channel): string {
  const kinds: Readonly<Record<string, string>> = { channel: "channels", group: "groups", im: "im", mpim: "mpim" };
  return `message.${kinds[channelType(channel)]}`;
}

export function argument(args: Json, name: string): string | undefined {
  const value = args[name];
  return value === undefined || value === null || value === "" ? undefined : String(value);
}

export function isTrue(value: unknown): boolean {
  return value === true || value === "true" || value === "1" || value === 1;
}

export function jsonArgument(args: Json, name: string): unknown {
  const value = args[name];
  if (typeof value !== "string") return value;
  try {
    return value === "" ? undefined : JSON.parse(value);
  } catch {
    return Number.NaN;
  }
}

export function place({ world, grant, args }: Call, name = "channel"): Channel {
  const id = argument(args, name);
  if (id === undefined) throw new SlackError("channel_not_found");
  const channel = world.state.channel(grant.team, id);
  // What is private does not exist for who is not in it.
  if ((channel.private || channel.kind !== "channel") && !channel.members.has(grant.user.id)) throw new SlackError("channel_not_found");
  return channel;
}

/** Stores a message and tells everybody who may hear of it. */
export function publish(world: World, team: Team, channel: Channel, message: Stored): Stored {
  channel.messages.push(message);
  channel.messages.sort((a, b) => (a.ts < b.ts ? -1 : 1));
  tellMessage(world, team, channel, message);
  return message;
}

export function tellMessage(world: World, team: Team, channel: Channel, message: Stored): void {
  const options = { counters: false } as const;
  world.delivery.tell(team, channel, messageSubscription(channel), (app) => ({
    ...messageShape(world.state, team, world.host, message, { ...options, metadata: app.declaresMetadata ? "all" : "type" }),
    channel: channel.id,
    event_ts: message.ts,
    channel_type: channelType(channel),
  }));
  tellMetadata(world, team, channel, message);
}

function tellMetadata(world: World, team: Team, channel: Channel, message: Stored): void {
  if (!message.metadata) return;
  const event = {
    type: "message_metadata_posted",
    app_id: message.app_id,
    bot_id: message.bot_id,
    user_id: message.user ?? "",
    team_id: team.id,
    channel_id: channel.id,
    metadata: message.metadata,
    message_ts: message.ts,
    event_ts: message.ts,
  };
  world.delivery.tell(team, channel, event.type, () => event);
}

/** `message_changed`: of an edit, but also of much else. */
export function tellChange(world: World, team: Team, channel: Channel, message: Stored, before: Json): void {
  const ts = world.state.newTs();
  world.delivery.tell(team, channel, messageSubscription(channel), (app) => ({
    type: "message",
    subtype: "message_changed",
    message: messageShape(world.state, team, world.host, message, { counters: false, metadata: app.declaresMetadata ? "all" : "type" }),
    previous_message: before,
    channel: channel.id,
    hidden: true,
    ts,
    event_ts: ts,
    channel_type: channelType(channel),
  }));
}

export function shapeNow(world: World, team: Team, message: Stored): Json {
  return messageShape(world.state, team, world.host, message, { counters: false, metadata: "type" });
}

/** The whole message goes, or leaves a stone behind when a thread hangs from it. */
export function remove(world: World, team: Team, channel: Channel, message: Stored): void {
  const before = shapeNow(world, team, message);
  if (world.state.replies(channel, message.ts).length > 0) {
    Object.assign(message, { subtype: "tombstone", text: "This message was deleted.", user: "USLACKBOT" });
    for (const key of ["blocks", "attachments", "files", "metadata", "bot_id", "app_id", "username"] as const)
      delete (message as unknown as Json)[key];
    tellChange(world, team, channel, message, before);
    return;
  }
  channel.messages.splice(channel.messages.indexOf(message), 1);
  const ts = world.state.newTs();
  world.delivery.tell(team, channel, messageSubscription(channel), () => ({
    type: "message",
    subtype: "message_deleted",
    previous_message: before,
    channel: channel.id,
    hidden: true,
    deleted_ts: message.ts,
    ts,
    event_ts: ts,
    channel_type: channelType(channel),
  }));
}

/** What Slack itself says in a channel: `channel_topic` and its kin. */
export function announce(world: World, team: Team, channel: Channel, subtype: string, user: string, text: string, more: Json = {}): Stored {
  const message: Stored = { ts: world.state.newTs(), channel: channel.id, subtype, user, text, reactions: [], pinned: false, more };
  return publish(world, team, channel, message);
}

export function readBlocks(args: Json, team: Team): unknown[] | undefined {
  if (args.blocks === undefined || args.blocks === "") return undefined;
  return checkBlocks(args.blocks, team);
}
