/** Reactions, pins, people, the workspace, OAuth. https://docs.slack.dev/reference/methods */
import { randomUUID } from "node:crypto";
import { page } from "./methods-conversations.ts";
import { messageShape, userShape } from "./shapes.ts";
import { argument, type Call, type Json, place, type World } from "./world.ts";
import { type Channel, type Grant, SlackError, type Stored, type Team } from "./state.ts";

type Answer = Json;

const MOST_EMOJI = 23;

function target(call: Call, name = "timestamp"): { readonly channel: Channel; readonly message: Stored } {
  const channel = place(call);
  const message = call.world.state.message(channel, argument(call.args, name) ?? "");
  if (!message || message.subtype === "tombstone") throw new SlackError("message_not_found");
  if (!channel.members.has(call.grant.user.id)) throw new SlackError("not_in_channel");
  return { channel, message };
}

export function react(call: Call, names: ReadonlySet<string>): Answer {
  const { channel, message } = target(call);
  if (channel.archived) throw new SlackError("is_archived");
  const name = argument(call.args, "name") ?? "";
  if (!names.has(name.replace(/::skin-tone-[2-6]$/, "")) && !call.grant.team.emoji.has(name)) throw new SlackError("invalid_name");
  const found = message.reactions.find((reaction) => reaction.name === name);
  if (found?.users.includes(call.grant.user.id)) throw new SlackError("already_reacted");
  if (!found && message.reactions.length >= MOST_EMOJI) throw new SlackError("too_many_emoji");
  setReaction(call.world, call.grant.team, channel, message, call.grant.user.id, name, true);
  return {};
}

export function unreact(call: Call): Answer {
  const { channel, message } = target(call);
  const name = argument(call.args, "name") ?? "";
  const found = message.reactions.find((reaction) => reaction.name === name);
  if (!found?.users.includes(call.grant.user.id)) throw new SlackError("no_reaction");
  setReaction(call.world, call.grant.team, channel, message, call.grant.user.id, name, false);
  return {};
}

export function setReaction(world: World, team: Team, channel: Channel, message: Stored, user: string, name: string, on: boolean): void {
  const found = message.reactions.find((reaction) => reaction.name === name);
  if (on && found) found.users.push(user);
  else if (on) message.reactions.push({ name, users: [user] });
  else if (found) {
    found.users.splice(found.users.indexOf(user), 1);
    if (found.users.length === 0) message.reactions.splice(message.reactions.indexOf(found), 1);
  }
  const type = on ? "reaction_added" : "reaction_removed";
  const item = { type: "message", channel: channel.id, ts: message.ts };
  const event = { type, user, reaction: name, item, item_user: message.user ?? "", event_ts: world.state.newTs() };
  world.delivery.tell(team, channel, type, () => event);
}

export function reactions(call: Call): Answer {
  const { channel, message } = target(call);
  const shown = messageShape(call.world.state, call.grant.team, call.world.host, message, { counters: true, metadata: "none" });
  return { type: "message", channel: channel.id, message: shown };
}

export function pin(call: Call): Answer {
  const { channel, message } = target(call);
  if (message.pinned) throw new SlackError("already_pinned");
  setPin(call.world, call.grant.team, channel, message, call.grant.user.id, true);
  return {};
}

export function unpin(call: Call): Answer {
  const { channel, message } = target(call);
  if (!message.pinned) throw new SlackError("no_pin");
  setPin(call.world, call.grant.team, channel, message, call.grant.user.id, false);
  return {};
}

export function setPin(world: World, team: Team, channel: Channel, message: Stored, user: string, on: boolean): void {
  message.pinned = on;
  const type = on ? "pin_added" : "pin_removed";
  const shown = messageShape(world.state, team, world.host, message, { counters: false, metadata: "none" });
  const created = Math.floor(Date.now() / 1000);
  const item = {
    type: "message",
    channel: channel.id,
    created,
    created_by: user,
    message: { ...shown, permalink: "https://example.slack.com/" },
  };
  const info = { channel: channel.id, pinned_by: user, pinned_ts: created };
  const event = {
    type,
    user,
    channel_id: channel.id,
    item,
    item_user: message.user ?? "",
    pin_count: "1",
    pinned_info: info,
    event_ts: world.state.newTs(),
  };
  world.delivery.tell(team, channel, type, () => event);
}

export function pins(call: Call): Answer {
  const channel = place(call);
  const items = channel.messages
    .filter(({ pinned }) => pinned)
    .map((message) => ({
      type: "message",
      channel: channel.id,
      created: 0,
      created_by: "",
      message: messageShape(call.world.state, call.grant.team, call.world.host, message, { counters: false, metadata: "none" }),
    }));
  return { items };
}

export function usersInfo({ grant, args }: Call): Answer {
  const user = grant.team.users.get(argument(args, "user") ?? "");
  if (!user) throw new SlackError("user_not_found");
  return { user: userShape(user, grant.team) };
}

export function usersList(call: Call): Answer {
  const { items, next } = page(call, [...call.grant.team.users.values()], 0x7fffffff, 1000);
  return { members: items.map((user) => userShape(user, call.grant.team)), cache_ts: 0, response_metadata: { next_cursor: next } };
}

/** Of whatever posts that is no app of ours. */
export const OTHER_BOT = "B0OTHER";

export function botsInfo({ world, grant, args }: Call): Answer {
  const id = argument(args, "bot");
  if (id === OTHER_BOT) return { bot: { id, deleted: false, name: "incoming-webhook", updated: 0, app_id: "A0OTHER", icons: {} } };
  const of = [...world.state.grants.values()].find((each) => each.bot !== undefined && each.bot === id && each.team === grant.team);
  if (!of) throw new SlackError("bot_not_found");
  return {
    bot: {
      id,
      deleted: false,
      name: of.app.name,
      updated: 0,
      app_id: of.app.id,
      user_id: of.user.id,
      icons: { image_36: "", image_48: "", image_72: "" },
    },
  };
}

export function teamInfo({ world, grant, args }: Call): Answer {
  const team = world.state.teams.get(argument(args, "team") ?? grant.team.id);
  if (!team) throw new SlackError("team_not_found");
  return {
    team: { id: team.id, name: team.name, domain: team.domain, url: `https://${team.domain}.slack.com/`, icon: { image_default: true } },
  };
}

export function presence({ grant, args }: Call): Answer {
  const user = grant.team.users.get(argument(args, "user") ?? "");
  if (!user) throw new SlackError("user_not_found");
  return { presence: user.active === true ? "active" : "away" };
}

export function authTest({ grant }: Call): Answer {
  const { team, user, bot, organisation } = grant;
  return {
    url: `https://${team.domain}.slack.com/`,
    team: team.name,
    user: user.name,
    team_id: organisation ?? team.id,
    user_id: user.id,
    ...(bot === undefined ? {} : { bot_id: bot }),
    ...(organisation === undefined ? {} : { enterprise_id: organisation }),
    is_enterprise_install: organisation !== undefined,
  };
}

export function emojiList({ grant }: Call): Answer {
  return { emoji: Object.fromEntries(grant.team.emoji), cache_ts: "0" };
}

export function groupsList({ grant }: Call): Answer {
  return {
    usergroups: grant.team.groups.map((group) => ({
      ...group,
      team_id: grant.team.id,
      is_usergroup: true,
      user_count: group.users.length,
    })),
  };
}

/** A code that Slack gave to a browser, and what it stands for. Good once. */
export interface Code {
  readonly grant: Omit<Grant, "token" | "revoked">;
  readonly redirect: string;
}

/** https://docs.slack.dev/reference/methods/oauth.v2.access */
export function oauthAccess(world: World, args: Json, codes: Map<string, { readonly bot?: Code; readonly user?: Code }>): Answer {
  const app = [...world.state.apps.values()].find(({ clientId }) => clientId === args.client_id);
  if (!app) throw new SlackError("invalid_client_id");
  if (app.clientSecret !== args.client_secret) throw new SlackError("bad_client_secret");
  const given = codes.get(String(args.code ?? ""));
  codes.delete(String(args.code ?? ""));
  const any = given?.bot ?? given?.user;
  if (!given || !any || any.grant.app !== app) throw new SlackError("invalid_code");
  if (any.redirect !== args.redirect_uri) throw new SlackError("bad_redirect_uri");
  const tokenOf = (code: Code | undefined, prefix: string): Grant | undefined => {
    if (!code) return undefined;
    const token = `${prefix}-${randomUUID()}`;
    const grant: Grant = { ...code.grant, token, revoked: false };
    world.state.grants.set(token, grant);
    return grant;
  };
  const bot = tokenOf(given.bot, "xoxb");
  const user = tokenOf(given.user, "xoxp");
  return {
    app_id: app.id,
    team: { id: any.grant.team.id, name: any.grant.team.name },
    enterprise: null,
    is_enterprise_install: false,
    ...(bot ? { access_token: bot.token, token_type: "bot", scope: [...bot.scopes].join(","), bot_user_id: bot.user.id } : {}),
    authed_user: {
      id: (user ?? any.grant).user.id,
      ...(user ? { access_token: user.token, token_type: "user", scope: [...user.scopes].join(",") } : {}),
    },
  };
}
