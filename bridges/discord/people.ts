/** Who someone is, from what Discord says of them. Pure. */
import type { APIMessage, APIUser } from "discord-api-types/v10";
import type { Avatar, Person } from "../../core/model/message.ts";
import { isSnowflake, userId, webhookPersonId } from "./ids.ts";

/** Of a member, what decides how they are shown in that guild. */
export interface Shown {
  readonly nick?: string | null | undefined;
  readonly avatar?: string | null | undefined;
}

/** How a picture is fetched: a path on the CDN. */
export interface AvatarRef {
  readonly kind: "path";
  readonly path: string;
}

export function personOf(user: APIUser, member: Shown | undefined, guild: string | undefined, me: string): Person {
  const name = [member?.nick, user.global_name, user.username].find((one) => typeof one === "string" && one.trim() !== "");
  return {
    id: userId(user.id),
    name: name ?? user.id,
    avatar: avatarOf(user, member, guild),
    ...(user.bot === true ? { bot: true } : {}),
    ...(user.id === me ? { ours: true } : {}),
  };
}

/** https://discord.com/developers/docs/reference#image-formatting: always a still picture of modest size. */
function avatarOf(user: APIUser, member: Shown | undefined, guild: string | undefined): Avatar | null {
  if (typeof member?.avatar === "string" && guild !== undefined) {
    return picture(member.avatar, `/guilds/${guild}/users/${user.id}/avatars/${member.avatar}.png?size=256`);
  }
  return typeof user.avatar === "string" ? picture(user.avatar, `/avatars/${user.id}/${user.avatar}.png?size=256`) : null;
}

export function picture(hash: string, path: string): Avatar | null {
  return /^\w{1,64}$/.test(hash) ? { id: hash, ref: { kind: "path", path } satisfies AvatarRef } : null;
}

/** PluralKit's application. https://pluralkit.me */
export const PLURALKIT = "466378653216014359";

/**
 * Who speaks through a webhook: its messages carry the name and picture of whoever it stands for. Those of PluralKit are one person in
 * every channel; those of other bots too, as their application names them.
 */
export function webhookPerson(message: APIMessage): Person {
  const owner = isSnowflake(message.application_id) ? message.application_id : (message.webhook_id ?? message.author.id);
  const { username, avatar } = message.author;
  return {
    id: webhookPersonId(owner, username),
    name: username.trim() === "" ? "Webhook" : username,
    avatar: typeof avatar === "string" ? picture(avatar, `/avatars/${message.author.id}/${avatar}.png?size=256`) : null,
    ...(owner === PLURALKIT ? {} : { bot: true }),
  };
}

/** The sender of a message, shown as in its guild. */
export function senderOf(message: APIMessage & { readonly member?: Shown }, guild: string | undefined, me: string): Person {
  return message.webhook_id === undefined || isInteraction(message)
    ? personOf(message.author, message.member, guild, me)
    : webhookPerson(message);
}

/** An interaction's answer goes through a webhook whose id is the application's; it is the bot's own account that speaks. */
function isInteraction(message: APIMessage): boolean {
  return message.interaction_metadata !== undefined && message.webhook_id === message.application_id;
}
