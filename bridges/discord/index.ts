import type { Network } from "../../core/network.ts";
import { capabilities } from "./capabilities.ts";
import { discordConfig, type DiscordConfig } from "./config.ts";
import { DiscordConnection } from "./connection.ts";
import { BOT, DISCORD, ids } from "./ids.ts";
import { signIn } from "./oauth.ts";
import { toParts } from "./to-discord.ts";

/** Discord: one bot for any number of servers. People cannot sign in as themselves: Discord forbids programs to use a person's token. */
export const discord: Network<DiscordConfig> = {
  id: DISCORD,
  name: "Discord",
  config: discordConfig,
  logins: () => [{ id: BOT, name: "the bot", secrets: {} }],
  signIn,
  accounts: true,
  ids,
  capabilities,
  toParts,
  connect: (config, _login, core) => new DiscordConnection(config, core),
};
