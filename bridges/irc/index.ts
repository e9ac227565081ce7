/** IRC, any number of networks of it. */
import { loginId, networkId } from "../../core/model/ids.ts";
import type { Connection, Core, Login, Network } from "../../core/network.ts";
import { bestCapabilities } from "./capabilities.ts";
import { configSchema, type IrcConfig, type IrcNetworkConfig } from "./config.ts";
import { IrcConnection } from "./connection.ts";
import { ids, networkOf } from "./ids.ts";
import { Gate } from "./gate.ts";
import { Kin } from "./kin.ts";
import { ownLoginFor, ownSelf } from "./own-self.ts";
import { relaySelf } from "./self.ts";
import { signIns } from "./sign-in.ts";
import { toParts } from "./to-irc.ts";
import { verbs } from "./verbs.ts";

const VERSION = "Causeway, a bridge to Matrix";

interface Family {
  readonly kin: Kin;
  readonly gate: Gate;
}

/** Connections of one bridge know each other by its config. */
const families = new WeakMap<IrcConfig, Map<string, Family>>();

function familyOf(config: IrcConfig, network: string, { own }: IrcNetworkConfig): Family {
  const all = families.get(config) ?? new Map<string, Family>();
  families.set(config, all);
  const family = all.get(network) ?? { kin: new Kin(), gate: new Gate({ most: own.most, perMinute: own.per_minute }) };
  all.set(network, family);
  return family;
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
  signIn: signIns,
  ownLogin: ownLoginFor,
  verbs,
  ids,
  capabilities: bestCapabilities,
  toParts,
  connect: (config: IrcConfig, login: Login, core: Core): Connection => {
    const network = networkOf(login);
    const settings = config.networks[network];
    if (!settings) throw new RangeError(`There is no IRC network "${network}" in the config.`);
    const { kin, gate } = familyOf(config, network, settings);
    const self = login.owner === undefined ? relaySelf(settings, gate) : ownSelf({ config: settings, login, core, gate });
    return new IrcConnection({ network, config: settings, login, core, kin, self, version: VERSION });
  },
};
