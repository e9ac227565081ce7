/**
 * With what the bridge acts as people who are neither its bot nor its ghosts: a token that the person gave, else the one of the second
 * registration, which is good for everybody on the homeserver.
 */
import type { Puppets } from "./matrix/transport.ts";
import type { Mxid } from "./model/ids.ts";

export class PuppetTokens implements Puppets {
  readonly #ofRegistration: string | undefined;
  readonly #isOurs: (whom: Mxid) => boolean;
  readonly #given = new Map<Mxid, string>();

  /** `isOurs`: the bot and the ghosts, for whom the bridge needs nobody's token. */
  constructor(ofRegistration: string | undefined, isOurs: (whom: Mxid) => boolean) {
    this.#ofRegistration = ofRegistration;
    this.#isOurs = isOurs;
  }

  of(whom: Mxid): ReturnType<Puppets["of"]> {
    const given = this.#given.get(whom);
    if (given !== undefined) return { token: given, own: true };
    if (this.#ofRegistration === undefined || this.#isOurs(whom)) return undefined;
    return { token: this.#ofRegistration, own: false };
  }

  /** `undefined` forgets it. */
  give(whom: Mxid, token: string | undefined): void {
    if (token === undefined) this.#given.delete(whom);
    else this.#given.set(whom, token);
  }
}
