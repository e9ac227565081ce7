/** IRC, any number of networks of it. */
import { networkId } from "../../core/model/ids.ts";
import { loginId } from "../../core/model/ids.ts";
import type { Connection, Core, Login, Network } from "../../core/network.ts";
import { bestCapabilities } from "./capabilities.ts";
import { type IrcConfig, configSchema } from "./config.ts";
import { IrcConnection } from "./connection.ts";
import { ids, networkOf } from "./ids.ts";
import { Kin } from "./kin.ts";
import { relaySelf } from "./self.ts";
import { toParts } from "./to-irc.ts";

const VERSION = "Causeway, a bridge to Matrix";

/** Connections of one bridge know each other by its config. */
const families = new WeakMap<IrcConfig, Map<string, Kin>>();

function kinOf(config: IrcConfig, network: string): Kin {
  const family = families.get(config) ?? new Map<string, Kin>();
  families.set(config, family);
  const kin = family.get(network) ?? new Kin();
  family.set(network, kin);
  return kin;
}

export const irc: Network<IrcConfig> = {
  id: networkId("irc"),
  name: "IRC",
  config: configSchema,
  logins: (config) =>
    Object.entries(config.networks).map(([name, network]) => ({
      id: loginId(name),
      name: `${network.name ?? name} as ${network.nick}`,
      secrets: {},
    })),
  signIn: [],
  ids,
  capabilities: bestCapabilities,
  toParts,
  connect: (config: IrcConfig, login: Login, core: Core): Connection => {
    const network = networkOf(login);
    const own = config.networks[network];
    if (!own) throw new RangeError(`There is no IRC network "${network}" in the config.`);
    return new IrcConnection({ network, config: own, login, core, kin: kinOf(config, network), self: relaySelf(own), version: VERSION });
  },
};
