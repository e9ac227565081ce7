/** The networks that there are. A new one is a folder beside this file and one line here. */
import { networkId } from "../core/model/ids.ts";
import type { NetworkEntry } from "../core/network.ts";

export const networks: readonly NetworkEntry[] = [
  {
    id: networkId("slack"),
    name: "Slack",
    load: async () => (await import("./slack/index.ts")).slack,
    verbs: async () => (await import("./slack/cli.ts")).verbs,
  },
  {
    id: networkId("discord"),
    name: "Discord",
    load: async () => (await import("./discord/index.ts")).discord,
    verbs: async () => (await import("./discord/cli.ts")).verbs,
  },
  { id: networkId("irc"), name: "IRC", load: async () => (await import("./irc/index.ts")).irc },
];
