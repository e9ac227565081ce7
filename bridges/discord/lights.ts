/** What core is told of the connection: the gateway's state, and whether REST is shut out. */
import { GatewayDispatchEvents as On, type GatewayDispatchPayload } from "discord-api-types/v10";
import { TryLater } from "../../core/model/errors.ts";
import type { Core } from "../../core/network.ts";
import { BLOCKED } from "./rest.ts";

/** After the moment that Discord named, so that it has come on its clock too. */
const LATER = 100;

export class Lights {
  readonly #core: Core;
  /** Guilds that READY has named and that have not come yet, and those that came before it. */
  readonly #waiting = new Set<string>();
  readonly #early = new Set<string>();
  #known: (() => void) | undefined;
  #isUp = false;
  #isBlocked = false;
  #closed = false;
  #cancel: (() => void) | undefined;
  /** Why nothing goes on until a person acts. */
  ended: string | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** READY names the guilds that follow one by one. */
  seen(payload: GatewayDispatchPayload): void {
    if (payload.t === On.Ready) for (const { id } of payload.d.guilds) if (!this.#early.has(id)) this.#waiting.add(id);
    if (payload.t === On.GuildCreate || payload.t === On.GuildDelete) {
      this.#early.add(payload.d.id);
      this.#waiting.delete(payload.d.id);
      if (this.#waiting.size === 0) this.#known?.();
    }
  }

  guildsKnown(): Promise<void> {
    return new Promise((resolve) => {
      this.#known = resolve;
      if (this.#waiting.size === 0) resolve();
    });
  }

  up(resumed: boolean): void {
    this.#isUp = true;
    this.#early.clear();
    if (!this.#isBlocked) this.#tell({ is: "connected", resumed });
  }

  down(why: string): void {
    this.#isUp = false;
    this.#tell({ is: "disconnected", why });
  }

  fatal(why: string): void {
    if (this.ended !== undefined) return;
    this.#tell({ is: "logged-out", why });
    this.ended = why;
  }

  /** Told once, however often the wait grows; over when Discord answers again. */
  blocked(until: number, probe: () => Promise<unknown>): void {
    if (!this.#isBlocked) this.#tell({ is: "disconnected", why: BLOCKED });
    this.#isBlocked = true;
    this.#probeAfter(until - this.#core.clock.now() + LATER, probe);
  }

  /** One probe is under way or planned at a time: a newer one takes the older's place. */
  #probeAfter(wait: number, probe: () => Promise<unknown>): void {
    this.#cancel?.();
    const mine = this.#core.clock.timer(wait, () => {
      probe().then(
        () => this.#letIn(),
        (error: unknown) => {
          if (this.#cancel !== mine) return;
          if (error instanceof TryLater) this.#probeAfter(error.after, probe);
          else this.#isBlocked = false;
        },
      );
    });
    this.#cancel = mine;
  }

  #letIn(): void {
    this.#isBlocked = false;
    if (this.#isUp) this.#tell({ is: "connected", resumed: true });
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #tell(state: Parameters<Core["state"]>[0]): void {
    if (!this.#closed && this.ended === undefined) this.#core.state(state);
  }
}
