/** The links as the running bridge knows them: read through, so that ten thousand of them cost what ten do. */
import { Lru } from "./lru.ts";
import type { LinkId, LoginId, NetworkId, RemoteChannelId, RoomId } from "./model/ids.ts";
import type { Link, PortalStore } from "./store/store.ts";

const REMEMBERED = 4096;

export class Links {
  readonly #store: PortalStore;
  readonly #byId = new Lru<LinkId, Link>(REMEMBERED);
  /** `null` = looked up, and there is none. */
  readonly #byChannel = new Lru<string, LinkId | null>(REMEMBERED);
  readonly #inRoom = new Lru<RoomId, readonly LinkId[]>(REMEMBERED);
  /** Grows with everything forgotten: what was read before that is old, and may not be remembered after it. */
  #forgotten = 0;

  constructor(store: PortalStore) {
    this.#store = store;
  }

  async link(id: LinkId): Promise<Link | undefined> {
    const known = this.#byId.get(id);
    if (known) return known;
    const forgotten = this.#forgotten;
    const link = await this.#store.link(id);
    if (link && forgotten === this.#forgotten) this.#byId.set(id, link);
    return link;
  }

  async of(network: NetworkId, channel: RemoteChannelId): Promise<Link | undefined> {
    const key = `${network} ${channel}`;
    const known = this.#byChannel.get(key);
    if (known === null) return undefined;
    if (known !== undefined) return await this.link(known);
    const forgotten = this.#forgotten;
    const link = await this.#store.linkOf(network, channel);
    if (forgotten !== this.#forgotten) return link;
    this.#byChannel.set(key, link?.id ?? null);
    if (link) this.#byId.set(link.id, link);
    return link;
  }

  async inRoom(room: RoomId): Promise<readonly Link[]> {
    let ids = this.#inRoom.get(room);
    if (!ids) {
      const forgotten = this.#forgotten;
      const links = await this.#store.linksIn(room);
      if (forgotten !== this.#forgotten) return links;
      for (const link of links) this.#byId.set(link.id, link);
      ids = links.map((link) => link.id);
      this.#inRoom.set(room, ids);
    }
    const links = await Promise.all(ids.map((id) => this.link(id)));
    return links.filter((link) => link !== undefined);
  }

  /** Every link of a login, one by one. */
  async *ofLogin(network: NetworkId, login: LoginId): AsyncGenerator<Link> {
    for await (const link of this.all()) if (link.network === network && link.login === login) yield link;
  }

  async *all(): AsyncGenerator<Link> {
    let after = 0;
    for (;;) {
      const page = await this.#store.links(after, 256);
      for (const link of page) yield link;
      const last = page.at(-1);
      if (!last) return;
      after = last.id;
    }
  }

  async add(link: Parameters<PortalStore["addLink"]>[0]): Promise<Link> {
    const added = await this.#store.addLink(link);
    this.#forget(added);
    return added;
  }

  async remove(link: Link): Promise<void> {
    await this.#store.removeLink(link.id);
    this.#forget(link);
  }

  async update(link: Link, change: Parameters<PortalStore["updateLink"]>[1]): Promise<Link> {
    await this.#store.updateLink(link.id, change);
    this.#forget(link);
    if (change.room) this.#inRoom.delete(change.room);
    return (await this.link(link.id)) ?? link;
  }

  /** A new connection that was not a resume, or one link of it that was out of reach: see `NewRow.phase`. */
  async nextPhase(network: NetworkId, login: LoginId, only?: LinkId): Promise<void> {
    await this.#store.nextPhase(network, login, only);
    this.#forgotten += 1;
    this.#byId.clear();
  }

  async moveRoom(from: RoomId, to: RoomId): Promise<void> {
    await this.#store.moveRoom(from, to);
    this.#forgotten += 1;
    this.#byId.clear();
    this.#inRoom.delete(from);
    this.#inRoom.delete(to);
  }

  #forget(link: Link): void {
    this.#forgotten += 1;
    this.#byId.delete(link.id);
    this.#byChannel.delete(`${link.network} ${link.channel}`);
    this.#inRoom.delete(link.room);
  }
}
