/** Logins that people have without signing in: made when they first speak or ask, where the network's config wants it so, and kept. */
import type { Logger } from "pino";
import type { LiveLogin, Logins } from "./logins.ts";
import { type LoginId, type Mxid, mxid, type NetworkId } from "./model/ids.ts";
import type { Network, OwnLogin, OwnLoginPlace } from "./network.ts";
import type { Permissions } from "./permissions.ts";
import type { Store } from "./store/store.ts";

export interface OwnLoginContext {
  readonly store: Pick<Store, "users" | "settings">;
  readonly logins: Logins;
  readonly permissions: Permissions;
  readonly networks: ReadonlyMap<NetworkId, { readonly network: Network; readonly config: unknown }>;
  readonly log: Logger;
}

export class OwnLogins {
  readonly #context: OwnLoginContext;
  /** Those that are being made, so that nobody gets two. */
  readonly #making = new Map<string, Promise<LiveLogin | undefined>>();

  constructor(context: OwnLoginContext) {
    this.#context = context;
  }

  /** A new login for somebody who has none there; undefined = that is not the custom, or they do not want one. */
  async make(owner: Mxid, network: NetworkId, place: OwnLoginPlace): Promise<LiveLogin | undefined> {
    const { permissions, networks } = this.#context;
    const configured = networks.get(network);
    if (!configured?.network.ownLogin || !permissions.may(owner, "login")) return undefined;
    const own = configured.network.ownLogin(configured.config, owner, place);
    if (!own) return undefined;
    const key = `${network}/${own.login.id}`;
    const making = this.#making.get(key) ?? this.#make(owner, configured, own).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return await making;
  }

  async #make(
    owner: Mxid,
    { network, config }: { readonly network: Network; readonly config: unknown },
    { login, person }: OwnLogin,
  ): Promise<LiveLogin | undefined> {
    const { store, logins, log } = this.#context;
    if (await store.settings.get(declinedKey(owner, network.id, login.id))) return undefined;
    await store.users.putLogin({ network: network.id, id: login.id, name: login.name, owner, secrets: login.secrets, person: person?.id });
    log.info({ network: network.id, login: login.id }, "A person gets a login of their own");
    return logins.start(network, config, { ...login, owner: mxid(owner) }, person?.id);
  }
}

/** Whoever has signed out does not want to be signed in again by their next word. */
export function declinedKey(owner: Mxid, network: NetworkId, login: LoginId): string {
  return `own-login.declined:${network}:${login}:${owner}`;
}
