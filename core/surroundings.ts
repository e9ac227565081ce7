/** What lies around the messages of a link: spaces, the room directory, who is there and who reads along, its end. Kept up in the background: no message waits for it. */
import type { Logger } from "pino";
import { Appearance } from "./appearance.ts";
import { Attendance } from "./attendance.ts";
import { Budget } from "./budget.ts";
import { Directory } from "./directory.ts";
import { workFarewell } from "./farewell.ts";
import type { Ghosts } from "./ghost.ts";
import type { Work } from "./lane.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import type { Namespace } from "./matrix/namespace.ts";
import type { ChannelFacts } from "./model/events.ts";
import type { NetworkId, RoomId } from "./model/ids.ts";
import type { Channel, Clock, Network } from "./network.ts";
import type { Notices } from "./notices.ts";
import type { OptOuts } from "./opt-out.ts";
import type { Permissions } from "./permissions.ts";
import { Powers } from "./powers.ts";
import { Readers } from "./readers.ts";
import type { Rooms } from "./rooms.ts";
import { ShownBook } from "./shown.ts";
import { Spaces, type SpacesFor } from "./spaces.ts";
import type { LaneName, Link, Store } from "./store/store.ts";

export interface SurroundingSettings {
  readonly spaces: SpacesFor;
  readonly directory: boolean;
  /** How many ghosts join and leave rooms, beyond those who speak. */
  readonly joinsPerMinute: number;
  /** Whether people without a login of their own are relayed. */
  readonly relay: boolean;
  /** With comings and goings shown: a channel with more people shows only those who speak. */
  readonly mostMembers: number;
  /** With comings and goings shown: more of them in one channel are not. */
  readonly changesPerHour: number;
}

export interface SurroundingContext {
  readonly store: Store;
  readonly client: MatrixClient;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly logins: Logins;
  readonly ghosts: Ghosts;
  readonly links: Links;
  readonly rooms: Rooms;
  readonly shown: ShownBook;
  readonly notices: Notices;
  readonly permissions: Permissions;
  readonly optOuts: OptOuts;
  /** Signs `io.causeway.origin`. */
  readonly secret: Buffer;
  readonly namespace: Namespace;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the bridge stops. */
  readonly signal: AbortSignal;
  readonly wishes: SurroundingSettings;
  wake(lane: LaneName, open?: boolean): void;
}

/** How often something that failed is tried again, each time after twice as long, beginning with a second. The next connection tries anew. */
const TRIES = 8;

export class Surroundings {
  readonly shown: ShownBook;
  readonly spaces: Spaces;
  readonly directory: Directory;
  readonly readers: Readers;
  readonly attendance: Attendance;
  readonly powers: Powers;
  readonly #appearance: Appearance;
  /** The turns of the lanes of ended links. */
  readonly farewell: Work;
  readonly #context: SurroundingContext;

  constructor(context: SurroundingContext) {
    const { store, wishes, clock } = context;
    this.#context = context;
    const budget = new Budget(wishes.joinsPerMinute, clock);
    this.shown = context.shown;
    const { bot } = context.namespace;
    const shared = { ...context, portals: store.portals, settings: store.settings, shown: this.shown, bot, budget };
    this.spaces = new Spaces({ ...shared, wanted: wishes.spaces });
    this.directory = new Directory({ ...shared, byDefault: wishes.directory });
    this.readers = new Readers({ ...shared, relay: wishes.relay });
    this.attendance = new Attendance({ ...shared, most: wishes.mostMembers, changesPerHour: wishes.changesPerHour });
    this.powers = new Powers(shared);
    this.#appearance = new Appearance(shared);
    const { spaces, directory, readers, attendance } = this;
    this.farewell = workFarewell({ ...shared, spaces, directory, readers, attendance });
  }

  /** A link was made. */
  linked(link: Link, live: LiveLogin, channel: Channel): void {
    this.#later(link, () => this.readers.linked(link));
    this.#looked(link, live, channel);
  }

  /** The channel was looked at anew, after a connection that may have missed something. */
  refreshed(link: Link, live: LiveLogin, channel: Channel): void {
    this.#looked(link, live, channel);
  }

  /** The channel changed. Resolves when the room looks like it. */
  async changed(link: Link, live: LiveLogin, change: ChannelFacts, nameBefore: string | undefined): Promise<void> {
    if (change.visibility !== undefined || change.unlisted !== undefined) this.#later(link, () => this.directory.update(link.room));
    if (change.powers !== undefined || change.moderated !== undefined) this.#later(link, () => this.powers.update(link.room));
    await this.#appearance.changed(link, live, change, nameBefore);
  }

  /** Who may read what is well again: what was held in any of the room's queues has its turn. */
  async opened(room: RoomId): Promise<void> {
    for (const { id } of await this.#context.links.inRoom(room)) {
      for (const lane of [`in:${id}`, `out:${id}`]) this.#context.wake(lane, true);
    }
  }

  /** The channel was out of reach, as the room was told. */
  async cameBack(link: Link): Promise<void> {
    const { notices, clock } = this.#context;
    await notices.say(link.room, `back:${link.id}:${clock.now()}`, "The channel is within reach again: what waited crosses now.");
    await this.opened(link.room);
  }

  /** A room was replaced; what was remembered of the old one is remembered of the new one already. */
  async moved(from: RoomId, to: RoomId): Promise<void> {
    await this.shown.change(to, ({ listed: _listed, powers: _powers, unmoderated: _unmoderated, closed: _closed, ...others }) => others);
    const [link] = await this.#context.links.inRoom(to);
    if (!link) return;
    this.#later(link, () => this.spaces.moved(from, to));
    this.#later(link, () => this.directory.update(to));
    this.#later(link, () => this.powers.update(to));
  }

  /** Sees every event that comes from the homeserver. */
  observe(event: MatrixEvent): void {
    this.readers.observe(event);
  }

  #looked(link: Link, live: LiveLogin, channel: Channel): void {
    this.#later(link, () => this.#appearance.looked(link, live, channel));
    this.#later(link, () => this.attendance.compare(link, live));
    this.#later(link, () => this.powers.update(link.room));
    this.#later(link, () => this.spaces.include(link, channel));
    this.#later(link, () => this.directory.update(link.room));
  }

  #later(link: Link, work: () => Promise<void>): void {
    const { clock, log, signal } = this.#context;
    const run = async () => {
      for (let tries = 1; !signal.aborted && tries <= TRIES; tries += 1) {
        try {
          return await work();
        } catch (error) {
          if (signal.aborted) return;
          log.warn({ link: link.id, room: link.room, err: error }, "Something around the room could not be done yet");
        }
        await clock.sleep(1_000 * 2 ** tries, signal).catch(() => undefined);
      }
    };
    void run();
  }
}
