/**
 * What people do natively on a network, under their own Matrix name: where they have linked an account there, the homeserver has been
 * given the second registration, and they are in the room. Else, and whenever that fails, their ghost speaks.
 */
import type { Logger } from "pino";
import type { Logins } from "./logins.ts";
import { Lru } from "./lru.ts";
import { type MatrixClient, MatrixError } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { TryLater } from "./model/errors.ts";
import type { Mxid, RemoteUserId, RoomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Notices } from "./notices.ts";
import type { Link, UserStore } from "./store/store.ts";

export interface DoublePuppetContext {
  /** Whether a second registration is configured. */
  readonly enabled: boolean;
  readonly client: MatrixClient;
  readonly logins: Logins;
  readonly users: UserStore;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bot: Mxid;
}

/** How long someone whose token failed is spoken for by their ghost. */
const PAUSE = 600_000;

export class DoublePuppets {
  readonly #context: DoublePuppetContext;
  /** Room and person → whether they are in it. */
  readonly #inside = new Lru<string, boolean>(4096);
  readonly #failed = new Map<Mxid, number>();

  constructor(context: DoublePuppetContext) {
    this.#context = context;
  }

  /** Undefined = the ghost speaks. */
  async of(link: Link, person: RemoteUserId): Promise<Mxid | undefined> {
    const { enabled, logins, clock } = this.#context;
    const owner = enabled ? logins.ownerOf(link.network, person) : undefined;
    if (!owner || (this.#failed.get(owner) ?? 0) > clock.now()) return undefined;
    return (await this.#isIn(link.room, owner)) ? owner : undefined;
  }

  observe(event: MatrixEvent): void {
    if (event.type !== "m.room.member" || event.state_key === undefined) return;
    this.#inside.delete(`${event.room_id} ${event.state_key}`);
  }

  /** The homeserver refused to let us act as this person: their ghost takes over, and they are told. */
  async refused(as: Mxid, error: unknown): Promise<void> {
    const { logins, users, notices, clock, log, bot } = this.#context;
    const isPuppet = [...logins.all()].some((live) => live.login.owner === as);
    if (!isPuppet || !(error instanceof MatrixError) || (error.status !== 401 && error.status !== 403)) return;
    log.warn({ err: error }, "The homeserver does not let the bridge speak as someone who linked an account");
    this.#failed.set(as, clock.now() + PAUSE);
    const room = await users.directRoom(as, bot);
    const text =
      "The homeserver did not let the bridge speak under your own name: what you do elsewhere appears under your ghost meanwhile.";
    if (room) await notices.say(room, `puppet:${as}:${clock.now()}`, text);
    throw new TryLater("The ghost speaks instead.", 1, "channel");
  }

  async #isIn(room: RoomId, owner: Mxid): Promise<boolean> {
    const key = `${room} ${owner}`;
    const known = this.#inside.get(key);
    if (known !== undefined) return known;
    const member = await this.#context.client.stateEvent(room, "m.room.member", owner).catch(() => undefined);
    const inside = member?.["membership"] === "join";
    this.#inside.set(key, inside);
    return inside;
  }
}
