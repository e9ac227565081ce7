/** The homeserver's room directory: a room stands there only by a yes of its own, and only while whoever likes may read its channel. */
import type { Logger } from "pino";
import { factsOf, isOpen } from "./channel-facts.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { Links } from "./links.ts";
import type { RoomId } from "./model/ids.ts";
import type { Rooms } from "./rooms.ts";
import type { ShownBook } from "./shown.ts";
import type { Link } from "./store/store.ts";

export interface DirectoryContext {
  readonly client: MatrixClient;
  readonly links: Links;
  readonly rooms: Rooms;
  readonly shown: ShownBook;
  readonly log: Logger;
  /** Whether rooms that the bridge makes stand there unless their link says otherwise. */
  readonly byDefault: boolean;
}

export class Directory {
  readonly #context: DirectoryContext;

  constructor(context: DirectoryContext) {
    this.#context = context;
  }

  /** Makes it so as the links of the room want it. Takes out only what we put in. */
  async update(room: RoomId): Promise<void> {
    const { client, shown, rooms, log } = this.#context;
    const is = (await shown.of(room)).listed ?? false;
    const wanted = await this.#wanted(room);
    if (is === wanted) return;
    try {
      await client.directory(room, wanted ? "public" : "private");
    } catch (error) {
      log.warn({ room, err: error }, wanted ? "The room could not be listed" : "The room could not be taken out of the directory");
      return;
    }
    rooms.forget(room);
    await shown.change(room, ({ listed: _listed, ...others }) => (wanted ? { ...others, listed: true } : others));
  }

  async #wanted(room: RoomId): Promise<boolean> {
    const links = await this.#context.links.inRoom(room);
    const byDefault = this.#context.byDefault && (await this.#context.shown.isMade(room));
    const wish = (link: Link): boolean => link.settings.directory ?? byDefault;
    return links.some(wish) && links.every((link) => isOpen(factsOf(link)) && link.settings.directory !== false);
  }
}
