/** The networks that there are. A new one is a folder beside this file and one line here. */
import { networkId } from "../core/model/ids.ts";
import type { NetworkEntry } from "../core/network.ts";

export const networks: readonly NetworkEntry[] = [
  { id: networkId("irc"), name: "IRC", load: async () => (await import("./irc/index.ts")).irc },
];
