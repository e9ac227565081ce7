/**
 * A network that has everything at once: threads, long messages in parts, files, edits, reactions, polls, an echo before the reply, no
 * idempotency key, history, several logins in one channel, and no bot (a shared login is an account like any other). It shows that what
 * Slack, Discord and others will ask of the contract fits into it. Its service runs in this process: test/fakes/toy-network-service.ts.
 */
import { z } from "zod";
import { type LoginId, loginId, networkId, type RemoteChannelId, remoteChannelId, remoteUserId } from "../../core/model/ids.ts";
import type { Login, Network, NetworkIds, SignIn } from "../../core/network.ts";
import { toyCapabilities } from "./toy-network-capabilities.ts";
import { ToyConnection } from "./toy-network-connection.ts";
import { person, toParts } from "./toy-network-convert.ts";
import { ToyLine } from "./toy-network-line.ts";
import type { ToyService } from "./toy-network-service.ts";

const config = z.strictObject({ realm: z.string(), address: z.string(), token: z.string() });
export type ToyConfig = z.infer<typeof config>;

const services = new Map<string, ToyService>();

/** Puts a service at an address, as a server listens on a port. */
export function serve(service: ToyService): string {
  const address = `toy:${services.size + 1}`;
  services.set(address, service);
  return address;
}

/** A realm and a name within it: `town/u1`, `town/plaza`. The realm is the login's name. */
const ids: NetworkIds = {
  toGhost: (id) => id,
  fromGhost: (text) => (isInRealm(text) ? remoteUserId(text) : undefined),
  toAlias: (id) => id,
  fromAlias: (text) => (isInRealm(text) ? remoteChannelId(text) : undefined),
  parseChannel: (words) => {
    const text = words.join("/");
    return words.length <= 2 && isInRealm(text) ? remoteChannelId(text) : undefined;
  },
  loginOf: (id: RemoteChannelId): LoginId => loginId(id.slice(0, id.indexOf("/"))),
  serves: (login, channel) => channel.startsWith(`${login.id.split(":")[0]}/`),
};

function isInRealm(text: string): boolean {
  return /^[^/]+\/.+$/su.test(text) && text.isWellFormed();
}

const signIn: SignIn<ToyConfig> = {
  id: "token",
  name: "With a token",
  start: async ({ realm, address }, { owner }) => ({
    kind: "fields",
    instructions: "Paste the token of your account.",
    fields: [{ id: "token", name: "Token", secret: true }],
    submit: async ({ token = "" }) => {
      const login: Login = { id: loginId(`${realm}:${owner}`), name: `${owner} in ${realm}`, owner, secrets: { token } };
      const account = [...(services.get(address)?.accounts.values() ?? [])].find((one) => one.token === token);
      return { kind: "done", login, ...(account && { person: person(realm, account.id, account.name) }) };
    },
  }),
};

export const toyNetwork: Network<ToyConfig> = {
  id: networkId("toy"),
  name: "Toy",
  config,
  logins: ({ realm, token }) => [{ id: loginId(realm), name: `${realm} as the steward`, secrets: { token } }],
  signIn: [signIn],
  ids,
  capabilities: toyCapabilities,
  toParts,
  connect({ realm, address }, login, core) {
    const service = services.get(address);
    if (!service) throw new Error(`nothing listens at ${address}`);
    return new ToyConnection(new ToyLine(service, realm, login, core));
  },
};
