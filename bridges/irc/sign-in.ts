/** How a Matrix person gets a connection of their own: as steps, which the bot's chat, the API and the console all walk. */
import { Refused } from "../../core/model/errors.ts";
import { mxid } from "../../core/model/ids.ts";
import type { Login, SignIn, SignInContext, SignInField, SignInStep } from "../../core/network.ts";
import { foldAscii } from "./casemap.ts";
import { makeCertificate } from "./certificate.ts";
import type { IrcConfig, IrcNetworkConfig } from "./config.ts";
import { accountId, nickId, ownLoginId } from "./ids.ts";
import { fitNick } from "./nicks.ts";
import type { OwnSecrets } from "./own-account.ts";
import { ownNick } from "./own-self.ts";

export const signIns: readonly SignIn<IrcConfig>[] = [
  way("nick", "Under a nick of your own", "Which nick would you like? It need not be registered.", [], (values) => ({
    ...(values["nick"] ? { nick: fitNick(values["nick"], 64) } : {}),
  })),
  way(
    "account",
    "With your services account (SASL)",
    "Sign in with the account that you have with the network's services (NickServ). The password is kept sealed.",
    [
      { id: "account", name: "Account" },
      { id: "password", name: "Password", secret: true },
      { id: "mechanism", name: "How", choices: ["PLAIN", "SCRAM-SHA-256"], optional: true },
    ],
    ({ nick, account = "", password = "", mechanism }) => ({
      account: needed(account, "the account"),
      password: needed(password, "the password"),
      mechanism: mechanism === "SCRAM-SHA-256" ? mechanism : "PLAIN",
      nick: fitNick(nick || account, 64),
    }),
  ),
  way(
    "nickserv",
    "With a NickServ password, on a network without SASL",
    "The bridge tells NickServ this password after connecting. It is kept sealed.",
    [{ id: "password", name: "NickServ password", secret: true }],
    ({ nick, password = "" }) => ({ nickserv: needed(password, "the password"), ...(nick ? { nick: fitNick(nick, 64) } : {}) }),
  ),
  {
    id: "certificate",
    name: "With a certificate that the bridge makes for you (CertFP)",
    start: async (config, context) => fieldsFor(config, context, "Which account is it for?", [{ id: "account", name: "Account" }], certify),
  },
];

type Make = (values: Readonly<Record<string, string>>) => OwnSecrets;

function way(id: string, name: string, instructions: string, fields: readonly SignInField[], make: Make): SignIn<IrcConfig> {
  return {
    id,
    name,
    start: async (config, context) =>
      fieldsFor(config, context, instructions, fields, async (network, values, owner) => done(config, network, owner, make(values))),
  };
}

function fieldsFor(
  config: IrcConfig,
  { owner }: SignInContext,
  instructions: string,
  fields: readonly SignInField[],
  next: (network: string, values: Readonly<Record<string, string>>, owner: string, config: IrcConfig) => Promise<SignInStep>,
): SignInStep {
  const networks = openNetworks(config);
  const [only, ...more] = networks;
  if (only === undefined)
    throw new Refused("People have no connections of their own on any IRC network here: the config does not allow it.");
  const choice: SignInField[] = more.length === 0 ? [] : [{ id: "network", name: "Network", choices: networks }];
  return {
    kind: "fields",
    instructions,
    fields: [...choice, ...fields, { id: "nick", name: "Nick", optional: true }],
    submit: (values) => next(chosen(values["network"] ?? only, networks), values, owner, config),
  };
}

function openNetworks(config: IrcConfig): string[] {
  return Object.entries(config.networks)
    .filter(([, network]) => network.own.enabled)
    .map(([name]) => name);
}

function chosen(name: string, networks: readonly string[]): string {
  if (!networks.includes(name))
    throw new Refused(`There is no IRC network "${name}" for own connections. There is: ${networks.join(", ")}.`);
  return name;
}

/** The certificate exists before services know it: the person tells them its fingerprint, then says so. */
async function certify(network: string, values: Readonly<Record<string, string>>, owner: string, config: IrcConfig): Promise<SignInStep> {
  const account = needed(values["account"] ?? "", "the account");
  const made = makeCertificate(owner, Date.now());
  const secrets: OwnSecrets = { account, certificate: made.certificate, key: made.key, nick: fitNick(values["nick"] || account, 64) };
  return {
    kind: "fields",
    instructions: [
      "Tell the network's services that this certificate is yours, in any IRC client that is signed in to your account:",
      `/msg NickServ CERT ADD ${made.sha512}`,
      `Where that is refused: /msg NickServ CERT ADD ${made.sha256}`,
    ].join("\n"),
    fields: [{ id: "told", name: "Done?", choices: ["yes"] }],
    submit: async () => done(config, network, owner, secrets),
  };
}

function done(config: IrcConfig, network: string, owner: string, secrets: OwnSecrets): SignInStep {
  const own = config.networks[network] as IrcNetworkConfig;
  const nick = ownNick(own, owner, secrets.nick);
  const login: Login = {
    id: ownLoginId(network, owner),
    name: `${own.name ?? network} as ${nick}`,
    owner: mxid(owner),
    secrets: { ...secrets, nick },
  };
  const byAccount = secrets.account !== undefined && own.identity === "account";
  const id = byAccount ? accountId(network, secrets.account) : nickId(network, foldAscii(nick));
  return { kind: "done", login, person: { id, name: nick, avatar: null, ours: true } };
}

function needed(text: string, what: string): string {
  const trimmed = text.trim();
  if (trimmed === "" || /[\p{Cc}]/u.test(trimmed)) throw new Refused(`Without ${what} it cannot be done.`);
  return trimmed;
}
