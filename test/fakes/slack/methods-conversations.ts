/** `conversations.*`, `users.conversations`. https://docs.slack.dev/apis/web-api/using-the-conversations-api */
import { channelShape, messageShape } from "./shapes.ts";
import { conversationScope } from "./scopes.ts";
import { announce, argument, type Call, channelType, isTrue, type Json, place } from "./world.ts";
import { type Channel, SlackError, type Stored } from "./state.ts";

type Answer = Json;
type What = Parameters<typeof conversationScope>[1];

export function need(call: Call, ...scopes: readonly string[]): void {
  if (scopes.some((scope) => call.grant.scopes.has(scope))) return;
  throw new SlackError("missing_scope", { needed: scopes.join(","), provided: [...call.grant.scopes].join(",") });
}

function open(call: Call, what: What, ...others: readonly string[]): Channel {
  const channel = place(call);
  need(call, ...conversationScope(channel, what), ...others);
  return channel;
}

/** A person reads public channels from outside; an app's bot only from within. */
function readable(call: Call): Channel {
  const channel = open(call, "history");
  if (call.grant.bot !== undefined && !channel.members.has(call.grant.user.id)) throw new SlackError("not_in_channel");
  return channel;
}

const TIMESTAMP = /^\d+(?:\.\d+)?$/;

function time(call: Call, name: "oldest" | "latest"): string | undefined {
  const value = argument(call.args, name);
  if (value === undefined) return undefined;
  if (!TIMESTAMP.test(value)) throw new SlackError(`invalid_ts_${name}`);
  const [seconds = "0", micros = "0"] = value.split(".");
  return `${seconds}.${micros.padEnd(6, "0")}`;
}

/** Both bounds leave their own message out, unless `inclusive`. */
function within(call: Call, messages: readonly Stored[]): Stored[] {
  const [oldest, latest] = [time(call, "oldest"), time(call, "latest")];
  const inclusive = isTrue(call.args.inclusive);
  return messages.filter(({ ts }) => {
    if (oldest !== undefined && (inclusive ? ts < oldest : ts <= oldest)) return false;
    return latest === undefined || (inclusive ? ts <= latest : ts < latest);
  });
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
  readonly next: string;
}

export function page<Item>(call: Call, items: readonly Item[], usual: number, most: number): Page<Item> {
  const cursor = argument(call.args, "cursor");
  const from =
    cursor === undefined
      ? 0
      : Number(
          Buffer.from(cursor, "base64")
            .toString()
            .replace(/^next:/, ""),
        );
  if (!Number.isSafeInteger(from)) throw new SlackError("invalid_cursor");
  const limit = Math.min(most, Number(argument(call.args, "limit") ?? usual) || usual);
  const end = from + limit;
  const more = end < items.length;
  return { items: items.slice(from, end), more, next: more ? Buffer.from(`next:${end}`).toString("base64") : "" };
}

function rows(call: Call): [usual: number, most: number] {
  return call.grant.app.restricted ? [15, 15] : [100, 999];
}

function shown(call: Call, message: Stored): Json {
  const { world, grant, args } = call;
  const metadata = isTrue(args.include_all_metadata) ? "all" : "none";
  return messageShape(world.state, grant.team, world.host, message, { counters: true, metadata });
}

/** The newest first. Replies stand in their threads, but for those that were sent to the channel too. */
export function history(call: Call): Answer {
  const channel = readable(call);
  const standing = channel.messages.filter(
    ({ thread_ts, ts, subtype }) => thread_ts === undefined || thread_ts === ts || subtype === "thread_broadcast",
  );
  const { items, more, next } = page(call, within(call, standing).reverse(), ...rows(call));
  return {
    messages: items.map((message) => shown(call, message)),
    has_more: more,
    pin_count: channel.messages.filter(({ pinned }) => pinned).length,
    channel_actions_ts: null,
    channel_actions_count: 0,
    ...(more ? { response_metadata: { next_cursor: next } } : {}),
  };
}

/** The oldest first, the root before all. */
export function replies(call: Call): Answer {
  const channel = readable(call);
  const { state } = call.world;
  const asked = state.message(channel, argument(call.args, "ts") ?? "");
  const root = asked?.thread_ts === undefined ? asked : state.message(channel, asked.thread_ts);
  if (!root) throw new SlackError("thread_not_found");
  const thread = [root, ...within(call, state.replies(channel, root.ts))];
  const { items, more, next } = page(call, thread, ...rows(call));
  return {
    messages: items.map((message) => shown(call, message)),
    has_more: more,
    ...(more ? { response_metadata: { next_cursor: next } } : {}),
  };
}

export function info(call: Call): Answer {
  return { channel: channelShape(open(call, "read"), call.grant) };
}

export function members(call: Call): Answer {
  const channel = open(call, "read");
  const { items, next } = page(call, [...channel.members], 100, 1000);
  return { members: items, response_metadata: { next_cursor: next } };
}

function ofTypes(call: Call): Channel[] {
  const types = (argument(call.args, "types") ?? "public_channel").split(",");
  const names: Readonly<Record<string, string>> = { channel: "public_channel", group: "private_channel", im: "im", mpim: "mpim" };
  const scopes: Readonly<Record<string, string>> = {
    public_channel: "channels:read",
    private_channel: "groups:read",
    im: "im:read",
    mpim: "mpim:read",
  };
  for (const type of types) need(call, scopes[type] ?? "none");
  return [...call.grant.team.channels.values()].filter((channel) => {
    if (isTrue(call.args.exclude_archived) && channel.archived) return false;
    return types.includes(names[channelType(channel)] as string);
  });
}

export function list(call: Call): Answer {
  const visible = ofTypes(call).filter(
    (channel) => (!channel.private && channel.kind === "channel") || channel.members.has(call.grant.user.id),
  );
  const { items, next } = page(call, visible, 100, 999);
  return { channels: items.map((channel) => channelShape(channel, call.grant)), response_metadata: { next_cursor: next } };
}

export function mine(call: Call): Answer {
  const { items, next } = page(
    call,
    ofTypes(call).filter((channel) => channel.members.has(call.grant.user.id)),
    100,
    999,
  );
  return { channels: items.map((channel) => channelShape(channel, call.grant)), response_metadata: { next_cursor: next } };
}

export function join(call: Call): Answer {
  const { grant } = call;
  const channel = place(call);
  if (channel.kind !== "channel" || channel.private) throw new SlackError("method_not_supported_for_channel_type");
  if (channel.archived) throw new SlackError("is_archived");
  const before = channel.members.has(grant.user.id);
  enter(call, channel, grant.user.id);
  return { channel: channelShape(channel, grant), ...(before ? { warning: "already_in_channel" } : {}) };
}

/** Somebody is in the channel from now on, and it is told. */
export function enter({ world, grant }: Pick<Call, "world" | "grant">, channel: Channel, user: string, inviter?: string): void {
  if (channel.members.has(user)) return;
  channel.members.add(user);
  const ts = world.state.newTs();
  const event = {
    type: "member_joined_channel",
    user,
    channel: channel.id,
    channel_type: channel.private ? "G" : "C",
    team: grant.team.id,
    event_ts: ts,
  };
  world.delivery.tell(grant.team, channel, event.type, () => ({ ...event, ...(inviter === undefined ? {} : { inviter }) }));
  announce(world, grant.team, channel, "channel_join", user, `<@${user}> has joined the channel`, inviter === undefined ? {} : { inviter });
}

export function leave(call: Call): Answer {
  const { world, grant } = call;
  const channel = open(call, "manage");
  if (!channel.members.has(grant.user.id)) return { not_in_channel: true };
  depart(world, grant.team, channel, grant.user.id);
  return {};
}

export function depart(world: Call["world"], team: Call["grant"]["team"], channel: Channel, user: string): void {
  const event = {
    type: "member_left_channel",
    user,
    channel: channel.id,
    channel_type: channel.private ? "G" : "C",
    team: team.id,
    event_ts: world.state.newTs(),
  };
  channel.members.delete(user);
  world.delivery.tell(team, channel, event.type, () => event);
  announce(world, team, channel, "channel_leave", user, `<@${user}> has left the channel`);
}

export function kick(call: Call): Answer {
  const channel = open(call, "manage");
  const user = argument(call.args, "user") ?? "";
  if (user === call.grant.user.id) throw new SlackError("cant_kick_self");
  if (!channel.members.has(user)) throw new SlackError("not_in_channel");
  depart(call.world, call.grant.team, channel, user);
  return {};
}

export function invite(call: Call): Answer {
  const channel = open(call, "manage", "channels:write.invites", "groups:write.invites");
  for (const user of (argument(call.args, "users") ?? "").split(",")) {
    if (!call.grant.team.users.has(user)) throw new SlackError("user_not_found");
    if (channel.members.has(user)) throw new SlackError("already_in_channel");
    enter(call, channel, user, call.grant.user.id);
  }
  return { channel: channelShape(channel, call.grant) };
}

export function setTopic(call: Call): Answer {
  const channel = open(call, "manage", "channels:write.topic", "groups:write.topic");
  if (!channel.members.has(call.grant.user.id)) throw new SlackError("not_in_channel");
  if (channel.archived) throw new SlackError("is_archived");
  const topic = argument(call.args, "topic") ?? "";
  if (topic.length > 250) throw new SlackError("too_long");
  if (channel.topic !== escaped(topic)) changeTopic(call.world, call.grant.team, channel, call.grant.user.id, topic);
  return { channel: channelShape(channel, call.grant) };
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export function changeTopic(world: Call["world"], team: Call["grant"]["team"], channel: Channel, user: string, topic: string): void {
  channel.topic = escaped(topic);
  announce(world, team, channel, "channel_topic", user, `<@${user}> set the channel topic: ${channel.topic}`, { topic: channel.topic });
}

export function rename(call: Call): Answer {
  const channel = open(call, "manage");
  if (!channel.members.has(call.grant.user.id)) throw new SlackError("not_in_channel");
  const name = argument(call.args, "name") ?? "";
  if (name === "") throw new SlackError("invalid_name_required");
  if (name.length > 80) throw new SlackError("invalid_name_maxlength");
  if (/[\p{Lu}\s.,;:!?#@]/u.test(name)) throw new SlackError("invalid_name_specials");
  if ([...call.grant.team.channels.values()].some((other) => other !== channel && other.name === name)) throw new SlackError("name_taken");
  changeName(call.world, call.grant.team, channel, call.grant.user.id, name);
  return { channel: channelShape(channel, call.grant) };
}

export function changeName(world: Call["world"], team: Call["grant"]["team"], channel: Channel, user: string, name: string): void {
  const old = channel.name;
  channel.name = name;
  const type = channel.private ? "group_rename" : "channel_rename";
  const shape = { id: channel.id, name, name_normalized: name, created: 1_600_000_000, is_channel: !channel.private, is_mpim: false };
  world.delivery.tell(team, channel, type, () => ({ type, channel: shape, event_ts: world.state.newTs() }));
  const text = `<@${user}> has renamed the channel from "${old}" to "${name}"`;
  announce(world, team, channel, "channel_name", user, text, { old_name: old, name });
}

export function mark(call: Call): Answer {
  const channel = open(call, "write", "channels:manage");
  if (!call.world.state.message(channel, argument(call.args, "ts") ?? "")) throw new SlackError("invalid_timestamp");
  return {};
}

/** https://docs.slack.dev/reference/methods/conversations.open */
export function openDirect(call: Call): Answer {
  const { world, grant } = call;
  const others = (argument(call.args, "users") ?? "").split(",").filter((user) => user !== "");
  if (others.length === 0) throw new SlackError("users_list_not_supplied");
  if (others.length > 8) throw new SlackError("too_many_users");
  need(call, others.length > 1 ? "mpim:write" : "im:write");
  for (const user of others) {
    const known = grant.team.users.get(user);
    if (!known) throw new SlackError("user_not_found");
    if (known.deleted) throw new SlackError("user_disabled");
  }
  const people = new Set([grant.user.id, ...others]);
  const known = [...grant.team.channels.values()].find(
    ({ kind, members }) => kind !== "channel" && members.size === people.size && [...people].every((user) => members.has(user)),
  );
  const channel = known ?? newDirect(world, grant.team, [...people]);
  const shape = isTrue(call.args.return_im) ? channelShape(channel, grant) : { id: channel.id };
  return { no_op: known !== undefined, already_open: known !== undefined, channel: shape };
}

export function newDirect(world: Call["world"], team: Call["grant"]["team"], people: readonly string[]): Channel {
  const kind = people.length > 2 ? "mpim" : "im";
  const id = world.state.newId(kind === "im" ? "D" : "G");
  const channel: Channel = {
    id,
    name: kind === "im" ? "" : `mpdm-${people.map((user) => team.users.get(user)?.name ?? user).join("--")}-1`,
    kind,
    private: true,
    archived: false,
    topic: "",
    purpose: "",
    members: new Set(people),
    messages: [],
    onlyPosters: new Set(),
  };
  team.channels.set(id, channel);
  return channel;
}
