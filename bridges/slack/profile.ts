/** A person as Slack describes them. https://docs.slack.dev/reference/objects/user-object */
import type { Avatar, Person } from "../../core/model/message.ts";
import { personId } from "./ids.ts";
import { filled, type Json, record, string } from "./wire.ts";

/** What is kept of an account. */
export interface Profile {
  readonly user: string;
  readonly name: string;
  readonly avatar: Avatar | null;
  readonly app: boolean;
  /** 100 owner, 50 admin, 0 anybody else. */
  readonly power: number;
  /** The workspace that the account belongs to, where it is another than ours. */
  readonly stranger?: string;
  readonly deleted: boolean;
}

/** `team`: the workspace through which we look. */
export function readProfile(user: Json, team: string): Profile {
  const profile = record(user.profile);
  const name = filled(profile.display_name) ?? filled(profile.real_name) ?? filled(user.real_name) ?? filled(user.name) ?? string(user.id);
  const home = filled(user.team_id) ?? filled(profile.team);
  const shared = user.is_stranger === true && home !== undefined && home !== team;
  return {
    user: string(user.id),
    name,
    avatar: readAvatar(profile),
    app: user.is_bot === true || user.id === "USLACKBOT",
    power: user.is_owner === true || user.is_primary_owner === true ? 100 : user.is_admin === true ? 50 : 0,
    ...(shared ? { stranger: home } : {}),
    deleted: user.deleted === true,
  };
}

/** Of modest size: it is shown small. The hash changes with the picture. */
function readAvatar(profile: Json): Avatar | null {
  const url = ["image_192", "image_512", "image_72", "image_48"].map((size) => filled(profile[size])).find((each) => each !== undefined);
  if (url === undefined) return null;
  return { id: filled(profile.avatar_hash) ?? url, ref: { url } };
}

/** A webhook's or an app's account without a user. https://docs.slack.dev/reference/methods/bots.info */
export function readBot(bot: Json): Profile {
  const icons = record(bot.icons);
  const url = ["image_72", "image_48", "image_36"].map((size) => filled(icons[size])).find((each) => each !== undefined);
  return {
    user: string(bot.id),
    name: filled(bot.name) ?? string(bot.id),
    avatar: url === undefined ? null : { id: url, ref: { url } },
    app: true,
    power: 0,
    deleted: bot.deleted === true,
  };
}

/** `home` is the shown name of a stranger's workspace. */
export function personOf(profile: Profile, team: string, ours: boolean, home?: string): Person {
  return {
    id: personId(team, profile.user),
    name: home === undefined ? profile.name : `${profile.name} (${home})`,
    avatar: profile.avatar,
    ...(profile.app ? { bot: true } : {}),
    ...(ours ? { ours: true } : {}),
  };
}
