/** `causeway discord …` */
import { DefaultUserAgent } from "@discordjs/rest";
import { Refused } from "../../core/model/errors.ts";
import type { NetworkVerb } from "../../core/network.ts";
import type { DiscordConfig } from "./config.ts";
import { isSnowflake } from "./ids.ts";
import { invitation } from "./invite.ts";

const USAGE =
  "Use it as `causeway discord invite`, with a `discord` section in the config, or as `causeway discord invite APPLICATION_ID`.";

const invite: NetworkVerb = {
  name: "invite",
  help: "prints the address that lets the bot into a server, and what it asks for",
  async run(config, words, print) {
    const [given, ...more] = words;
    const known = config as DiscordConfig | undefined;
    if (more.length > 0 || (given !== undefined && !isSnowflake(given)) || (given === undefined && !known)) throw new Refused(USAGE);
    const settings = known ?? ({ moderation: "told", intents: { members: true, presences: false } } as const);
    print(invitation(given ?? (await applicationOf(known as DiscordConfig)), settings));
  },
};

/** https://discord.com/developers/docs/resources/application#get-current-application */
async function applicationOf(config: DiscordConfig): Promise<string> {
  const answer = await fetch(`${config.api_url}/v10/applications/@me`, {
    headers: { authorization: `Bot ${config.token}`, "user-agent": DefaultUserAgent },
  }).catch(() => undefined);
  if (!answer) throw new Refused("Discord cannot be reached: name the application's id from the developer portal instead.");
  if (answer.status === 401) throw new Refused("Discord does not accept the bot's token in the config.");
  const { id } = (await answer.json()) as { id?: unknown };
  if (!isSnowflake(id))
    throw new Refused("Discord does not say which application the bot belongs to: name its id from the developer portal instead.");
  return id;
}

export const verbs: readonly NetworkVerb[] = [invite];
