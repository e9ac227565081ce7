/** What the bridge itself last set in a room: so that it sets nothing twice, and takes back only what is its own. */
import type { MxcUri, Mxid, RoomId } from "./model/ids.ts";
import type { PortalStore } from "./store/store.ts";
import { Turns } from "./turns.ts";

export interface Shown {
  readonly name?: string;
  readonly topic?: string;
  /** `id` is the network's, which changes with the picture. */
  readonly avatar?: { readonly id: string; readonly mxc: MxcUri };
  /** Link number → the innermost space that the room stands in because of it. */
  readonly spaces?: Readonly<Record<string, RoomId>>;
  /** Levels that we gave. */
  readonly powers?: Readonly<Record<Mxid, number>>;
  /** `events_default` before the channel was moderated. */
  readonly unmoderated?: number;
  /** We put it into the room directory. */
  readonly listed?: true;
  /** Why nothing crosses, as the room was told. */
  readonly closed?: string;
  /** How often it was closed and opened again: each time is told anew. */
  readonly closings?: number;
  /** The room that is said to replace it does not: the bridge stays. */
  readonly stays?: true;
}

export class ShownBook {
  readonly #portals: PortalStore;
  /** Two changes at once must not lose one. */
  readonly #turns = new Turns<RoomId>();

  constructor(portals: PortalStore) {
    this.#portals = portals;
  }

  async of(room: RoomId): Promise<Shown> {
    return ((await this.#portals.portal(room))?.shown ?? {}) as Shown;
  }

  async isMade(room: RoomId): Promise<boolean> {
    return (await this.#portals.portal(room))?.made ?? false;
  }

  async change(room: RoomId, change: (shown: Shown) => Shown): Promise<void> {
    await this.#turns.alone(room, async () => {
      const portal = await this.#portals.portal(room);
      await this.#portals.putPortal({ room, made: portal?.made ?? false, shown: change((portal?.shown ?? {}) as Shown) });
    });
  }
}
