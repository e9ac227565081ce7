/** Slack. */
import type { Network } from "../../core/network.ts";
import { BEST } from "./capabilities.ts";
import { type SlackConfig, sharedLogins, slackConfig } from "./config.ts";
import { SlackConnection } from "./connection.ts";
import { ids, SLACK } from "./ids.ts";
import { signIn } from "./oauth.ts";
import { toParts } from "./to-slack.ts";

export const slack: Network<SlackConfig> = {
  id: SLACK,
  name: "Slack",
  config: slackConfig,
  logins: sharedLogins,
  signIn,
  ids,
  capabilities: BEST,
  toParts,
  connect: (config, login, core) => new SlackConnection(config, login, core),
};
