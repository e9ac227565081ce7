/**
 * What people do natively on a network, under their own Matrix name: where they have linked an account there, the bridge may act as them
 * (by the homeserver's second registration, or by a token that they gave), and they are in the room. Else, and whenever that fails, their
 * ghost speaks.
 */
import { hash } from "node:crypto";
import type { Logger } from "pino";
import type { Logins } from "./logins.ts";
import { Lru } from "./lru.ts";
import { failureOf, type MatrixClient, MatrixError } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { ifSeen } from "./matrix/failure.ts";
import { Refused, TryLater } from "./model/errors.ts";
import { loginId, type Mxid, networkId, type RemoteUserId, type RoomId } from "./model/ids.ts";
import type { Clock, SignInStep } from "./network.ts";
import type { Notices } from "./notices.ts";
import type { PuppetTokens } from "./puppet-tokens.ts";
import { tellPrivately } from "./tell-privately.ts";
import type { Link, Store } from "./store/store.ts";

export interface DoublePuppetContext {
  readonly tokens: PuppetTokens;
  readonly client: MatrixClient;
  readonly logins: Logins;
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bot: Mxid;
}

/** Among the logins of the store: what a person gave for their own Matrix account. */
export const MATRIX = networkId("matrix");

/** How long someone whose token failed is spoken for by their ghost. */
const PAUSE = 600_000;
const DAY = 86_400_000;

export class DoublePuppets {
  readonly #context: DoublePuppetContext;
  /** Room and person → whether they are in it. */
  readonly #inside = new Lru<string, boolean>(4096);
  readonly #failed = new Map<Mxid, number>();

  constructor(context: DoublePuppetContext) {
    this.#context = context;
  }

  /** At the start: the tokens that people gave. */
  async load(): Promise<void> {
    const { store, tokens } = this.#context;
    for (const { network, owner, secrets } of await store.users.logins())
      if (network === MATRIX && typeof secrets["token"] === "string") tokens.give(owner, secrets["token"]);
  }

  /** Undefined = the ghost speaks. */
  async of(link: Link, person: RemoteUserId): Promise<Mxid | undefined> {
    const { logins, tokens } = this.#context;
    const owner = logins.ownerOf(link.network, person);
    if (!owner || tokens.of(owner) === undefined || this.isLost(owner)) return undefined;
    return (await this.#isIn(link.room, owner)) ? owner : undefined;
  }

  observe(event: MatrixEvent): void {
    if (event.type !== "m.room.member" || event.state_key === undefined) return;
    this.#inside.delete(`${event.room_id} ${event.state_key}`);
  }

  /** The question for a token of one's own, as a network would ask it. */
  ask(owner: Mxid): SignInStep {
    return {
      kind: "fields",
      instructions:
        "Paste an access token of your Matrix account, best of a session made for this alone: what you do on the networks where you are signed in then appears here under your own name.",
      fields: [{ id: "token", name: "Access token", secret: true }],
      submit: async ({ token = "" }) => {
        if (!/^[\x21-\x7e]{8,1000}$/.test(token)) throw new Refused("That is no access token.");
        const whose = await this.#context.client.whoami({ token }).catch((error: unknown) => {
          if (error instanceof MatrixError && error.status === 401) throw new Refused("The homeserver does not know this token.");
          throw failureOf(error);
        });
        if (whose !== owner) throw new Refused(`That token belongs to ${whose}, not to you.`);
        return { kind: "done", login: { id: loginId(owner), name: "your own Matrix name", owner, secrets: { token } } };
      },
    };
  }

  /** Keeps the token, sealed. */
  async give(owner: Mxid, token: string): Promise<void> {
    const { store, tokens } = this.#context;
    const name = "your own Matrix name";
    await store.users.putLogin({ network: MATRIX, id: loginId(owner), name, owner, secrets: { token }, person: undefined });
    tokens.give(owner, token);
    this.#failed.delete(owner);
  }

  async forget(owner: Mxid): Promise<void> {
    await this.#context.store.users.removeLogin(MATRIX, loginId(owner));
    this.#context.tokens.give(owner, undefined);
  }

  /** Whether the bridge spoke as this person and cannot at the moment. */
  isLost(owner: Mxid): boolean {
    return (this.#failed.get(owner) ?? 0) > this.#context.clock.now();
  }

  /** The homeserver refused to let us act as this person: their ghost takes over, and they are told. Does nothing for anybody else. */
  async refused(room: RoomId, as: Mxid, error: unknown): Promise<void> {
    const { tokens, clock, log } = this.#context;
    const token = tokens.of(as);
    if (!token || !(error instanceof MatrixError) || (error.status !== 401 && error.status !== 403)) return;
    if (error.status === 403 && (token.own || (await this.#mayActAs(as)))) {
      // Out of the room, or muted in it: that is between them and the room.
      this.#inside.set(`${room} ${as}`, false);
    } else {
      log.warn({ err: error }, "The homeserver does not let the bridge speak as someone who linked an account");
      this.#failed.set(as, token.own ? Number.POSITIVE_INFINITY : clock.now() + PAUSE);
      await this.#tell(as, token);
    }
    throw new TryLater("The ghost speaks instead.", 1, "channel");
  }

  /** A refusal may be about the room alone. */
  async #mayActAs(as: Mxid): Promise<boolean> {
    return await this.#context.client.whoami({ as }).then(
      (who) => who === as,
      (error: unknown) => !(error instanceof MatrixError),
    );
  }

  /** Once for each token that somebody gave; of the registration's, once a day at most. */
  async #tell(as: Mxid, { token, own }: { readonly token: string; readonly own: boolean }): Promise<void> {
    const { clock, log } = this.#context;
    const occasion = own ? hash("sha256", token, "base64url").slice(0, 12) : Math.floor(clock.now() / DAY);
    const mend = own
      ? "the access token that you gave does not work any more. `!causeway login matrix` takes a new one"
      : "an admin has to look after the bridge's second registration";
    const text = `What you do elsewhere appears here under your ghost, not under your own name: ${mend}.`;
    await tellPrivately(this.#context, as, `puppet:${as}:${occasion}`, text).catch((failure: unknown) => {
      log.warn({ err: failure }, "Somebody could not be told");
    });
  }

  async #isIn(room: RoomId, owner: Mxid): Promise<boolean> {
    const key = `${room} ${owner}`;
    const known = this.#inside.get(key);
    if (known !== undefined) return known;
    const member = await ifSeen(this.#context.client.stateEvent(room, "m.room.member", owner));
    const inside = member?.["membership"] === "join";
    this.#inside.set(key, inside);
    return inside;
  }
}
