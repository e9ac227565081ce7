/** Channels as core sees them. */
import { type APIGuild, ChannelType, Routes } from "discord-api-types/v10";
import type { Channel } from "../../core/network.ts";
import { factsOf } from "./events.ts";
import { isLinkable, isThread, type Place } from "./guilds.ts";
import { channelId, laterOf } from "./ids.ts";
import type { Live } from "./live.ts";
import { Bit, has } from "./permissions.ts";
import { requireAvailable } from "./threads.ts";

export async function channelOf(live: Live, id: string): Promise<Channel | undefined> {
  const place = await live.guilds.findWhole(id);
  if (!place || !isLinkable(place.type)) return undefined;
  requireAvailable(live, id);
  return has(live.guilds.myPermissions(id), Bit.ViewChannel) ? asChannel(live, place) : undefined;
}

function asChannel(live: Live, place: Place): Channel {
  const parent = place.parent === undefined ? undefined : live.guilds.place(place.parent);
  const guild = place.guild === undefined ? undefined : live.guilds.guild(place.guild);
  const facts = factsOf(place, parent && isThread(place.type) ? parent : undefined, guild);
  return {
    ...facts,
    id: channelId(place.id),
    name: place.name === "" ? place.id : place.name,
    kind: place.type === ChannelType.DM ? "direct" : place.type === ChannelType.GroupDM ? "group" : "channel",
    spaces: guild ? [{ id: guild.id, name: guild.name }, ...category(live, place, parent)] : [],
    latest: latest(live, place),
  };
}

/** A thread's category is its channel's. */
function category(live: Live, place: Place, parent: Place | undefined): { id: string; name: string }[] {
  if (!live.config.categories) return [];
  const above = isThread(place.type) && parent?.parent !== undefined ? live.guilds.place(parent.parent) : parent;
  return above?.type === ChannelType.GuildCategory ? [{ id: above.id, name: above.name }] : [];
}

/** The last message in it or in one of its threads; its own id where nobody has said anything. */
function latest(live: Live, place: Place): string {
  let last = laterOf(place.last, place.id) as string;
  for (const thread of live.guilds.threadsOf(place.id)) last = laterOf(last, thread.last) as string;
  return last;
}

export async function* linkableChannels(live: Live): AsyncGenerator<Channel> {
  const guilds = [...live.guilds.guilds()].map(({ id }) => id);
  // After a resumed session nobody has told us of our guilds.
  const all = guilds.length > 0 ? guilds : await mine(live);
  for (const guild of all) {
    if (live.guilds.guild(guild)?.unavailable) continue;
    await live.guilds.load(guild);
    for (const place of live.guilds.placesOf(guild)) {
      const spoken = place.type === ChannelType.GuildVoice || place.type === ChannelType.GuildStageVoice;
      const listed = isLinkable(place.type) && !isThread(place.type) && (!spoken || live.config.voice_notices);
      if (listed && has(live.guilds.myPermissions(place.id), Bit.ViewChannel)) yield asChannel(live, place);
    }
  }
}

const PAGE = 200;

async function mine(live: Live): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const last = all.at(-1);
    const query = { limit: PAGE, ...(last === undefined ? {} : { after: last }) };
    const page = await live.rest.get<Pick<APIGuild, "id">[]>(Routes.userGuilds(), { query });
    all.push(...page.map(({ id }) => id));
    if (page.length < PAGE) return all;
  }
}
