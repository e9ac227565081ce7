/**
 * Spaces: one for each workspace, guild or IRC network, and within it one for each of its categories. A space is found again by its
 * alias, so that none is made twice. Who may enter one: everybody, where it holds a room that everybody may enter; else those who are
 * in one of its rooms.
 */
import type { Logger } from "pino";
import { isOpen } from "./channel-facts.ts";
import type { MatrixClient } from "./matrix/client.ts";
import { isRecord } from "./matrix/event.ts";
import type { Namespace } from "./matrix/namespace.ts";
import { type NetworkId, type RoomId, roomId } from "./model/ids.ts";
import type { Channel } from "./network.ts";
import { obtainRoom } from "./obtain-room.ts";
import { shownName } from "./shown-name.ts";
import type { ShownBook } from "./shown.ts";
import type { Link, PortalStore, SettingStore } from "./store/store.ts";

/** Which rooms stand in spaces: those that the bridge made, all that are linked, none. */
export type SpacesFor = "made" | "all" | "none";

export interface SpaceContext {
  readonly client: MatrixClient;
  readonly portals: PortalStore;
  readonly settings: SettingStore;
  readonly shown: ShownBook;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly wanted: SpacesFor;
}

interface Space {
  readonly room: RoomId;
  readonly name: string;
  readonly open: boolean;
  /** The space around it. */
  readonly parent?: RoomId;
}

type Group = Channel["spaces"][number];

/** A join rule names no more rooms than this: the event has to stay small. */
const MOST_ROOMS_OF_A_RULE = 100;

export class Spaces {
  readonly #context: SpaceContext;
  /** One change after the other: two links of one guild must not make its space twice. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: SpaceContext) {
    this.#context = context;
  }

  /** Puts a link's room into the spaces of its channel, made as far as they are not there. Harmless to repeat; costs nothing when all is so. */
  async include(link: Link, channel: Channel): Promise<void> {
    if (channel.kind !== "channel" || !(await this.#isWanted(link.room))) return;
    await this.#inTurn(async () => {
      const inner = await this.#chain(link, channel);
      const { shown } = this.#context;
      const before = (await shown.of(link.room)).spaces?.[link.id];
      if (before === inner?.room) return;
      if (inner) await this.#adopt(inner, link.room);
      await shown.change(link.room, (all) => ({ ...all, spaces: withSpace(all.spaces, link, inner?.room) }));
      if (before) await this.#leave(before, link.room);
    });
  }

  /** The link is gone: its room leaves the space, unless another link keeps it there. A space that holds nothing any more is given up. */
  async exclude(link: Link): Promise<void> {
    await this.#inTurn(async () => {
      const before = (await this.#context.shown.of(link.room)).spaces?.[link.id];
      if (!before) return;
      await this.#context.shown.change(link.room, (all) => ({ ...all, spaces: withSpace(all.spaces, link, undefined) }));
      await this.#leave(before, link.room);
    });
  }

  /** A room was replaced: the new one takes its places. */
  async moved(from: RoomId, to: RoomId): Promise<void> {
    await this.#inTurn(async () => {
      const { client, shown } = this.#context;
      for (const space of new Set(Object.values((await shown.of(to)).spaces ?? {}))) {
        const rule = await client.stateEvent(space, "m.room.join_rules", "");
        await this.#adopt({ room: space, open: rule?.["join_rule"] === "public" }, to);
        await client.setState(space, "m.space.child", from, {});
      }
    });
  }

  async #isWanted(room: RoomId): Promise<boolean> {
    const { wanted, shown } = this.#context;
    return wanted === "all" || (wanted === "made" && (await shown.isMade(room)));
  }

  /** From the outermost inwards. Undefined = the channel lies in no group. */
  async #chain(link: Link, channel: Channel): Promise<Space | undefined> {
    let parent: Space | undefined;
    for (const { id, name } of channel.spaces) {
      parent = await this.#space(link.network, { id, name: shownName(name, id) }, parent, isOpen(channel));
    }
    return parent;
  }

  async #space(network: NetworkId, group: Group, parent: Space | undefined, open: boolean): Promise<Space> {
    const { settings, client } = this.#context;
    const key = keyOf(network, group.id);
    const known = (await settings.get(key)) as Space | undefined;
    const space = known ?? (await this.#make(network, group, open, key));
    const now: Space = { room: space.room, name: group.name, open: space.open || open, ...(parent ? { parent: parent.room } : {}) };
    if (known && now.name !== space.name) await client.setState(space.room, "m.room.name", "", { name: now.name });
    if (now.open !== space.open) await client.setState(space.room, "m.room.join_rules", "", { join_rule: "public" });
    if (parent && space.parent !== parent.room) await this.#adopt(parent, space.room);
    if (space.parent && space.parent !== parent?.room) await this.#disown(space.parent, space.room);
    if (JSON.stringify(now) !== JSON.stringify(space)) await settings.set(key, now);
    return now;
  }

  async #make(network: NetworkId, group: Group, open: boolean, key: string): Promise<Space> {
    const { namespace, settings, portals } = this.#context;
    const alias = namespace.spaceAlias(network, group.id);
    const room = await obtainRoom(this.#context, alias, {
      name: group.name,
      preset: open ? "public_chat" : "private_chat",
      visibility: "private",
      creation_content: { type: "m.space", "io.causeway.space": key },
      // Nothing is said in a space.
      power_level_content_override: { events_default: 100 },
    });
    const space = { room, name: group.name, open };
    await settings.set(key, space);
    await portals.putMaking(alias, undefined);
    return space;
  }

  async #adopt(space: Pick<Space, "room" | "open">, child: RoomId): Promise<void> {
    const { client, namespace, log } = this.#context;
    const via = [namespace.domain];
    await client.setState(space.room, "m.space.child", child, { via });
    if (!space.open) await this.#letIn(space.room, child);
    await client.setState(child, "m.space.parent", space.room, { via, canonical: true }).catch((error: unknown) => {
      log.info({ room: child, err: error }, "The room does not let the bridge say which space it stands in");
    });
  }

  /** Those who are in the room may enter the space. */
  async #letIn(space: RoomId, child: RoomId): Promise<void> {
    const { client } = this.#context;
    const rule = await client.stateEvent(space, "m.room.join_rules", "");
    const allow = Array.isArray(rule?.["allow"]) ? rule["allow"].filter(isRecord) : [];
    if (allow.some((one) => one["room_id"] === child) || allow.length >= MOST_ROOMS_OF_A_RULE) return;
    const more = { type: "m.room_membership", room_id: child };
    await client.setState(space, "m.room.join_rules", "", { join_rule: "restricted", allow: [...allow, more] });
  }

  async #leave(space: RoomId, child: RoomId): Promise<void> {
    const { shown } = this.#context;
    const others = Object.values((await shown.of(child)).spaces ?? {});
    if (others.includes(space)) return;
    await this.#disown(space, child);
    const { client, log } = this.#context;
    await client.setState(child, "m.space.parent", space, {}).catch((error: unknown) => {
      log.info({ room: child, err: error }, "The room does not let the bridge take back which space it stood in");
    });
  }

  async #disown(space: RoomId, child: RoomId): Promise<void> {
    const { client } = this.#context;
    await client.setState(space, "m.space.child", child, {});
    const state = await client.state(space);
    if (state.some((event) => event.type === "m.space.child" && Object.keys(event.content).length > 0)) return;
    const key = state.find((event) => event.type === "m.room.create")?.content["io.causeway.space"];
    if (typeof key === "string") await this.#dissolve(key);
  }

  /** Nobody needs it any more: its address is free again, and the bot leaves. */
  async #dissolve(key: string): Promise<void> {
    const { settings, client, namespace } = this.#context;
    const space = (await settings.get(key)) as Space | undefined;
    if (!space) return;
    const { network, id } = readKey(key);
    if (space.parent) await this.#disown(space.parent, space.room);
    await client.removeAlias(namespace.spaceAlias(network, id));
    await client.setState(space.room, "m.room.join_rules", "", { join_rule: "invite" });
    await client.leave(space.room, { reason: "Nothing is bridged here any more." });
    await settings.set(key, undefined);
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    await done;
  }
}

function withSpace(spaces: Readonly<Record<string, RoomId>> | undefined, link: Link, room: RoomId | undefined) {
  const { [link.id]: _before, ...others } = spaces ?? {};
  return room ? { ...others, [link.id]: roomId(room) } : others;
}

function keyOf(network: NetworkId, id: string): string {
  return `space:${network}:${id}`;
}

function readKey(key: string): { network: NetworkId; id: string } {
  const [, network = "", ...id] = key.split(":");
  return { network: network as NetworkId, id: id.join(":") };
}
