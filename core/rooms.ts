/**
 * What the bridge knows of Matrix rooms: who may enter and read them, who may do what, whether they are encrypted. Read from the
 * homeserver when first needed and after each change, so that it is never older than what was last said there.
 */
import type { Logger } from "pino";
import type { Links } from "./links.ts";
import { Lru } from "./lru.ts";
import { type Content, failureOf, type MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { Refused } from "./model/errors.ts";
import type { ChannelFacts } from "./model/events.ts";
import { type EventId, type Mxid, type NetworkId, type RoomAlias, type RoomId, eventId, roomAlias, roomId } from "./model/ids.ts";
import type { Notices } from "./notices.ts";
import type { ShownBook } from "./shown.ts";
import type { Link } from "./store/store.ts";
import { Turns } from "./turns.ts";
import { judge, type RoomFacts, type Verdict } from "./visibility.ts";

interface Known {
  readonly facts: RoomFacts;
  readonly powers: Content | undefined;
  readonly creators: readonly string[];
  /** Another room stands in its place. */
  readonly replaced: boolean;
}

export interface RoomContext {
  readonly client: MatrixClient;
  readonly links: Links;
  readonly shown: ShownBook;
  readonly notices: Notices;
  readonly log: Logger;
  readonly domain: string;
  networkName(id: NetworkId): string;
}

const REMEMBERED = 4096;
const JUDGED_BY = new Set([
  "m.room.join_rules",
  "m.room.history_visibility",
  "m.room.guest_access",
  "m.room.encryption",
  "m.room.power_levels",
  "m.room.canonical_alias",
  "m.room.tombstone",
]);

export class Rooms {
  readonly domain: string;
  readonly #context: RoomContext;
  readonly #known = new Lru<RoomId, Promise<Known>>(REMEMBERED);
  readonly #verdicts = new Lru<RoomId, Promise<Verdict>>(REMEMBERED);
  readonly #pinning = new Turns<RoomId>();

  constructor(context: RoomContext) {
    this.#context = context;
    this.domain = context.domain;
  }

  /** Something changed in a room: what was known of it is read anew before the next message. */
  observe(event: MatrixEvent): void {
    if (event.state_key !== undefined && JUDGED_BY.has(event.type)) this.forget(event.room_id);
  }

  forget(room: RoomId): void {
    this.#known.delete(room);
    this.#verdicts.delete(room);
  }

  /** Why nothing may cross the link now, in a sentence; undefined = it may. */
  async closedFor(link: Link): Promise<string | undefined> {
    const verdict = await this.verdict(link.room);
    return verdict.ok ? undefined : verdict.why;
  }

  async verdict(room: RoomId): Promise<Verdict> {
    let verdict = this.#verdicts.get(room);
    if (!verdict) {
      verdict = this.#judge(room);
      this.#verdicts.set(room, verdict);
      verdict.catch(() => this.#verdicts.delete(room));
    }
    return await verdict;
  }

  /** Judges the link's room again; closes it where that is the remedy and the bot can, else says what has to be done. */
  async judge(link: Link): Promise<Verdict> {
    this.forget(link.room);
    const verdict = await this.verdict(link.room);
    if (verdict.ok) {
      await this.#tellOpen(link.room);
      return verdict;
    }
    if (verdict.remedy === "invite-only" && (await this.#close(link.room))) {
      this.forget(link.room);
      const again = await this.verdict(link.room);
      if (again.ok) {
        const text = `${verdict.why} So from now on this room lets in only those who are invited, and its history is for members.`;
        await this.#context.notices.say(link.room, `shut:${link.id}:${link.phase}:${verdict.why}`, text);
        return again;
      }
    }
    await this.#tellClosed(link.room, verdict);
    return verdict;
  }

  /** Said when it closes and when the reason becomes another one, however many links the room has and however often it is judged. */
  async #tellClosed(room: RoomId, { why, remedy }: { readonly why: string; readonly remedy: string }): Promise<void> {
    const { shown, notices } = this.#context;
    const { closed, closings = 0 } = await shown.of(room);
    if (closed === why) return;
    const otherwise =
      remedy === "invite-only"
        ? "until this room lets in only those who are invited and shows its history to nobody else: the bridge sees to it where it has the power"
        : "until that is otherwise";
    await notices.say(room, `closed:${closings}:${why}`, `${why} Nothing crosses ${otherwise}. What is said meanwhile is kept.`);
    await shown.change(room, (before) => ({ ...before, closed: why }));
  }

  async #tellOpen(room: RoomId): Promise<void> {
    const { shown, notices } = this.#context;
    const { closed, closings = 0 } = await shown.of(room);
    if (closed === undefined) return;
    await notices.say(room, `open:${closings}`, "Nothing stands in the way any more: what waited crosses now.");
    await shown.change(room, ({ closed: _over, ...before }) => ({ ...before, closings: closings + 1 }));
  }

  async #judge(room: RoomId): Promise<Verdict> {
    const { facts, replaced } = await this.#read(room);
    if (replaced && (await this.#context.shown.of(room)).stays !== true) {
      return { ok: false, why: "This room was replaced, and the bridge is not in the new one yet.", remedy: "pause" };
    }
    const links = await this.#context.links.inRoom(room);
    const channels = links.map((link) => {
      const { visibility, unlisted } = (link.facts ?? {}) as ChannelFacts;
      return {
        network: this.#context.networkName(link.network),
        visibility,
        unlisted,
        widen: link.settings.widen ?? false,
      };
    });
    return judge({ room: facts, channels });
  }

  async #close(room: RoomId): Promise<boolean> {
    const { client } = this.#context;
    // What is narrow enough stays, and takes no power.
    const narrow = async (type: string, key: string, ...values: readonly [string, ...string[]]): Promise<void> => {
      const now = (await client.stateEvent(room, type, ""))?.[key];
      if (!values.some((value) => value === now)) await client.setState(room, type, "", { [key]: values[0] });
    };
    try {
      await narrow("m.room.join_rules", "join_rule", "invite", "private");
      await narrow("m.room.history_visibility", "history_visibility", "shared", "invited", "joined");
      await narrow("m.room.guest_access", "guest_access", "forbidden");
      if (await this.#context.client.published(room)) await this.#context.client.directory(room, "private");
      return true;
    } catch (error) {
      this.#context.log.warn({ room, err: error }, "The room could not be closed");
      return false;
    }
  }

  async #read(room: RoomId): Promise<Known> {
    let known = this.#known.get(room);
    if (!known) {
      known = readRoom(this.#context.client, room);
      this.#known.set(room, known);
      known.catch(() => this.#known.delete(room));
    }
    return await known;
  }

  /** `m.room.history_visibility`. */
  async historyOf(room: RoomId): Promise<string | undefined> {
    return (await this.#read(room)).facts.historyVisibility;
  }

  async powerOf(room: RoomId, who: Mxid): Promise<number> {
    const { powers, creators } = await this.#read(room);
    // From room version 12 on, creators stand above every power level and in none.
    if (creators.includes(who)) return Number.POSITIVE_INFINITY;
    const users = powers?.["users"] as Record<string, unknown> | undefined;
    return whole(users?.[who]) ?? whole(powers?.["users_default"]) ?? 0;
  }

  /** Whether the person may set this state: what linking and its undoing take. */
  async maySet(room: RoomId, who: Mxid, type: string): Promise<boolean> {
    const { powers } = await this.#read(room);
    const events = powers?.["events"] as Record<string, unknown> | undefined;
    const needed = whole(events?.[type]) ?? whole(powers?.["state_default"]) ?? 50;
    return (await this.powerOf(room, who)) >= needed;
  }

  async mayRedact(room: RoomId, who: Mxid): Promise<boolean> {
    const { powers } = await this.#read(room);
    return (await this.powerOf(room, who)) >= (whole(powers?.["redact"]) ?? 50);
  }

  /** `@room` rings only from those whom the room lets ring. */
  async mayNotifyRoom(room: RoomId, who: Mxid): Promise<boolean> {
    const { powers } = await this.#read(room);
    const notifications = powers?.["notifications"] as Record<string, unknown> | undefined;
    return (await this.powerOf(room, who)) >= (whole(notifications?.["room"]) ?? 50);
  }

  async resolve(name: string): Promise<RoomId | undefined> {
    if (name.startsWith("!")) return roomId(name);
    const found = await this.#context.client.resolveAlias(roomAlias(name) satisfies RoomAlias).catch(() => undefined);
    return found?.room;
  }

  /** `mark`: our origin, so that the pin goes on to the other channels. */
  async pin(room: RoomId, event: EventId, on: boolean, mark: Content): Promise<void> {
    // Two at once must not lose one.
    await this.#pinning.alone(room, () => this.#pin(room, event, on, mark));
  }

  /** While the homeserver is away it is waited for: taken for empty, the list would be lost. */
  async #pin(room: RoomId, event: EventId, on: boolean, mark: Content): Promise<void> {
    const { client, log } = this.#context;
    const now = await client.stateEvent(room, "m.room.pinned_events", "");
    const pinned = Array.isArray(now?.["pinned"]) ? now["pinned"].filter((one): one is string => typeof one === "string") : [];
    if (pinned.includes(event) === on) return;
    const next = on ? [...pinned, event] : pinned.filter((one) => one !== event);
    try {
      await client.setState(room, "m.room.pinned_events", "", { pinned: next, ...mark });
    } catch (error) {
      const failure = failureOf(error);
      if (!(failure instanceof Refused)) throw failure;
      log.info({ room, err: failure }, "The room does not let the bot pin");
    }
  }
}

async function readRoom(client: MatrixClient, room: RoomId): Promise<Known> {
  const read = (type: string) => client.stateEvent(room, type, "");
  const [rules, history, guests, encryption, powers, tombstone, creators, published] = await Promise.all([
    read("m.room.join_rules"),
    read("m.room.history_visibility"),
    read("m.room.guest_access"),
    read("m.room.encryption"),
    read("m.room.power_levels"),
    read("m.room.tombstone"),
    readCreators(client, room),
    client.published(room).catch(() => undefined),
  ]);
  return {
    facts: {
      joinRule: text(rules?.["join_rule"]) ?? "invite",
      historyVisibility: text(history?.["history_visibility"]) ?? "shared",
      guestAccess: text(guests?.["guest_access"]) ?? "forbidden",
      encrypted: encryption !== undefined,
      published,
    },
    powers,
    creators,
    replaced: typeof tombstone?.["replacement_room"] === "string",
  };
}

/** From room version 12 on, the room's id is the hash of its create event, and who made it stands above all power levels. */
async function readCreators(client: MatrixClient, room: RoomId): Promise<readonly string[]> {
  const create = await client.stateEvent(room, "m.room.create", "");
  const version = Number.parseInt(text(create?.["room_version"]) ?? "1", 10);
  if (!(version >= 12)) return [];
  const event = await client.event(room, eventId(`$${room.slice(1)}`));
  const more = Array.isArray(create?.["additional_creators"]) ? create["additional_creators"] : [];
  return [event?.sender, ...more].filter((one) => typeof one === "string");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function whole(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}
