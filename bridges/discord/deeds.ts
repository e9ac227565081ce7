/** Deeds that are no messages. https://discord.com/developers/docs/resources/guild */
import { type APIDMChannel, type APIGuildMember, Routes } from "discord-api-types/v10";
import { Refused } from "../../core/model/errors.ts";
import type { RemoteChannelId, RemoteUserId } from "../../core/model/ids.ts";
import type { Deed, Rule } from "../../core/model/effects.ts";
import { Code, isDenied } from "./failures.ts";
import { channelId, isSnowflake, isWebhookPerson } from "./ids.ts";
import type { Live } from "./live.ts";

export async function act(live: Live, deed: Deed): Promise<void> {
  const person = deed.person as string;
  if (!isSnowflake(person))
    throw new Refused(isWebhookPerson(person) ? "That is a webhook on Discord, not a person." : "There is no such person on Discord.");
  if (deed.kind === "direct") return void (await talk(live, [deed.person]));
  if (live.config.moderation !== "mirrored")
    throw new Refused("Kicks and bans are not mirrored to Discord: the setting `discord.moderation` says so.");
  const guild = (await live.guilds.find(deed.channel))?.guild;
  if (guild === undefined) throw new Refused("That is possible on a Discord server only.");
  const reason = `${deed.reason ?? "no reason given"} (by ${deed.by.name}, ${deed.by.mxid})`;
  switch (deed.kind) {
    case "kick":
      return await already(live.rest.delete(Routes.guildMember(guild, person), { reason }), Code.UnknownMember);
    case "ban":
      return await already(live.rest.put(Routes.guildBan(guild, person), { body: { delete_message_seconds: 0 }, reason }));
    case "unban":
      return await already(live.rest.delete(Routes.guildBan(guild, person), { reason }), Code.UnknownBan);
    case "invite":
      throw new Refused("Discord lets nobody be invited by a bot: send them an invite link.");
  }
}

/** Discord takes 28 days at most, by its own clock; ours may be an hour ahead. Milliseconds. */
const TIMEOUT = 28 * 86_400_000 - 3_600_000;

/** Who may not speak in the room is timed out on the server, as long as Discord lets them be. Ranks are roles, which are given over there. */
export async function rule(live: Live, wish: Rule): Promise<void> {
  if (live.config.moderation !== "mirrored")
    throw new Refused("What moderators do is not mirrored to Discord: the setting `discord.moderation` says so.");
  if (wish.kind === "restrict") throw new Refused("Who may speak in a channel is set on Discord, by its permissions.");
  const guild = (await live.guilds.find(wish.channel))?.guild;
  if (guild === undefined || !isSnowflake(wish.person)) throw new Refused("That is possible with members of a Discord server only.");
  const member = await live.rest.get<APIGuildMember>(Routes.guildMember(guild, wish.person));
  const isOut = Date.parse(member.communication_disabled_until ?? "") > live.core.clock.now();
  if (wish.level >= 0 && !isOut) throw new Refused("Power on Discord comes with roles, which are given there.");
  const until = wish.level < 0 ? new Date(live.core.clock.now() + TIMEOUT).toISOString() : null;
  const reason = `Muted in the room by ${wish.by.name} (${wish.by.mxid})`;
  await live.rest.patch(Routes.guildMember(guild, wish.person), { body: { communication_disabled_until: until }, reason });
}

export async function talk(live: Live, people: readonly RemoteUserId[]): Promise<RemoteChannelId> {
  const [person, ...others] = people;
  if (person === undefined || others.length > 0) throw new Refused("On Discord the bot talks with one person at a time.");
  if (!isSnowflake(person)) throw new Refused("That is a webhook on Discord, not a person.");
  const channel = await live.rest.post<APIDMChannel>(Routes.userChannels(), { body: { recipient_id: person } });
  live.guilds.put(channel, undefined);
  return channelId(channel.id);
}

async function already(doing: Promise<unknown>, ...done: readonly number[]): Promise<void> {
  try {
    await doing;
  } catch (error) {
    if (!isDenied(error, ...done) || done.length === 0) throw error;
  }
}
