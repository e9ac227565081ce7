/** What a person has chosen for their own connection: nick, account, certificate, and whether they want it at all. Sealed by core. */
import type { Keep, Login } from "../../core/network.ts";
import type { SaslMechanism } from "./sasl.ts";

/** What a sign-in leaves behind, and what was said later by `!irc nick`, `!irc identify` and `!irc cert`. All of it is text. */
export interface OwnSecrets {
  readonly nick?: string;
  readonly account?: string;
  readonly password?: string;
  readonly mechanism?: SaslMechanism;
  /** PEM. */
  readonly certificate?: string;
  readonly key?: string;
  /** The certificate is made, but services may not know it yet: it is shown, not signed in with. */
  readonly unused?: string;
  /** For networks without SASL. */
  readonly nickserv?: string;
}

interface Kept {
  readonly secrets: OwnSecrets;
  /** They have left, and come back when they say so. */
  readonly left?: true;
  /** Channels that they are in though they have not spoken: by name, with the key. */
  readonly channels?: Readonly<Record<string, string>>;
}

export class OwnAccount {
  readonly #login: Login;
  readonly #keep: Keep;
  #kept: Promise<Kept> | undefined;
  #now: Kept;

  constructor(login: Login, keep: Keep) {
    this.#login = login;
    this.#keep = keep;
    this.#now = { secrets: textsOf(login.secrets) };
  }

  /** Call before anything else; cheap when it has been called. */
  async load(): Promise<Kept> {
    this.#kept ??= (async () => {
      const kept = (await this.#keep.get("own")) as Kept | undefined;
      // A sign-in anew has replaced the login's own secrets: they win over what was said before it.
      const isNewer = kept !== undefined && JSON.stringify((kept as { of?: unknown }).of) === JSON.stringify(this.#login.secrets);
      this.#now = isNewer ? kept : this.#now;
      return this.#now;
    })();
    return await this.#kept;
  }

  /** As loaded. */
  get secrets(): OwnSecrets {
    return this.#now.secrets;
  }

  get hasLeft(): boolean {
    return this.#now.left ?? false;
  }

  get channels(): Readonly<Record<string, string>> {
    return this.#now.channels ?? {};
  }

  /** `undefined` forgets a field. */
  async learn(change: { readonly [K in keyof OwnSecrets]?: OwnSecrets[K] | undefined }): Promise<void> {
    await this.#put({ ...this.#now, secrets: textsOf({ ...this.#now.secrets, ...change }) });
  }

  async setLeft(left: boolean): Promise<void> {
    if (left === this.hasLeft) return;
    const { left: _left, ...rest } = this.#now;
    await this.#put(left ? { ...rest, left: true } : rest);
  }

  async setChannel(name: string, key: string | undefined): Promise<void> {
    const { [name]: _gone, ...others } = this.channels;
    await this.#put({ ...this.#now, channels: key === undefined ? others : { ...others, [name]: key } });
  }

  async #put(now: Kept): Promise<void> {
    this.#now = now;
    await this.#keep.set("own", { ...now, of: this.#login.secrets });
  }
}

function textsOf(secrets: Readonly<Record<string, unknown>>): OwnSecrets {
  return Object.fromEntries(Object.entries(secrets).filter(([, value]) => typeof value === "string" && value !== ""));
}
