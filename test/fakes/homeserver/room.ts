import { randomBytes } from "node:crypto";
import { pruned, type RoomVersion } from "./room-versions.ts";
import { type Draft, isJson, type Json, type Membership, type StoredEvent } from "./types.ts";

export const newEventId = (): string => `$${randomBytes(32).toString("base64url")}`;

const keyOf = (type: string, stateKey: string): string => `${type}\u0000${stateKey}`;

/** One room: its timeline in order, its state now, and what hangs on its events. It judges nothing: see auth-rules.ts. */
export class Room {
  readonly id: string;
  readonly version: RoomVersion;
  readonly timeline: StoredEvent[] = [];
  readonly state = new Map<string, StoredEvent>();
  /** Events that relate to an event, oldest first. */
  readonly related = new Map<string, StoredEvent[]>();
  /** Every change of each user's membership: from which place on it held. */
  readonly memberships = new Map<string, { readonly from: number; readonly is: Membership }[]>();
  readonly joined = new Set<string>();
  readonly typing = new Map<string, () => void>();
  /** The stream number of the latest change of who is typing. */
  typingChanged = 0;
  /** User, then receipt type and thread: the event they have read up to. */
  readonly receipts = new Map<string, { user: string; type: string; thread?: string; event: string; ts: number; stream: number }>();
  published = false;
  /** What people's devices sent, by device and transaction id: remembered for good, whatever the type. */
  readonly #sent = new Map<string, StoredEvent>();
  readonly #byId = new Map<string, StoredEvent>();

  constructor(id: string, version: RoomVersion) {
    this.id = id;
    this.version = version;
  }

  event(id: string): StoredEvent | undefined {
    return this.#byId.get(id);
  }

  stateEvent(type: string, stateKey = ""): StoredEvent | undefined {
    return this.state.get(keyOf(type, stateKey));
  }

  content(type: string, stateKey = ""): Json | undefined {
    return this.stateEvent(type, stateKey)?.content;
  }

  membership(user: string): Membership | undefined {
    return this.memberships.get(user)?.at(-1)?.is;
  }

  /** The membership that a user had when the event at `place` had just been added. */
  membershipAt(user: string, place: number): Membership | undefined {
    return this.memberships.get(user)?.findLast((span) => span.from <= place)?.is;
  }

  /** State as it was just before the event at `place`. */
  stateBefore(place: number): StoredEvent[] {
    const before: StoredEvent[] = [];
    for (const current of this.state.values()) {
      let event: StoredEvent | undefined = current;
      while (event && event.place >= place) event = event.replaces;
      if (event) before.push(event);
    }
    return before;
  }

  creators(): readonly string[] {
    const create = this.timeline[0];
    if (!create) return [];
    const more = create.content["additional_creators"];
    return [create.sender, ...(Array.isArray(more) ? (more as string[]) : [])];
  }

  powerOf(user: string): number {
    if (this.version.creatorsRule && this.creators().includes(user)) return Number.POSITIVE_INFINITY;
    const levels = this.content("m.room.power_levels");
    if (!levels) return this.creators()[0] === user ? 100 : 0;
    const users = levels["users"];
    const own = isJson(users) ? users[user] : undefined;
    return typeof own === "number" ? own : this.level("users_default", 0);
  }

  level(name: string, fallback: number): number {
    const level = this.content("m.room.power_levels")?.[name];
    return typeof level === "number" ? level : fallback;
  }

  levelToSend(type: string, isState: boolean): number {
    const events = this.content("m.room.power_levels")?.["events"];
    const own = isJson(events) ? events[type] : undefined;
    if (typeof own === "number") return own;
    return isState ? this.level("state_default", 50) : this.level("events_default", 0);
  }

  /** What a device has sent here with this transaction id. */
  sentBefore(device: string, txn: string): StoredEvent | undefined {
    return this.#sent.get(`${device} ${txn}`);
  }

  /** Adds an event that has been judged. */
  add(draft: Draft, stream: number, now: number, id = newEventId()): StoredEvent {
    const place = this.timeline.length;
    const replaces = draft.state_key === undefined ? undefined : this.stateEvent(draft.type, draft.state_key);
    const visibility = this.content("m.room.history_visibility")?.["history_visibility"];
    const event: StoredEvent = {
      event_id: id,
      type: draft.type,
      room_id: this.id,
      sender: draft.sender,
      content: draft.content,
      origin_server_ts: draft.origin_server_ts ?? now,
      place,
      stream,
      visibility: typeof visibility === "string" ? visibility : "shared",
      ...(draft.state_key === undefined ? {} : { state_key: draft.state_key }),
      ...(draft.redacts === undefined ? {} : { redacts: draft.redacts }),
      ...(replaces === undefined ? {} : { replaces }),
      ...(draft.author === undefined ? {} : { author: draft.author }),
    };
    this.timeline.push(event);
    this.#byId.set(event.event_id, event);
    if (event.author?.lasting) this.#sent.set(`${event.author.session} ${event.author.txn}`, event);
    if (event.state_key !== undefined) this.#setState(event, event.state_key);
    this.#relate(event);
    if (event.type === "m.room.redaction" && event.redacts !== undefined) this.#redact(event, event.redacts);
    return event;
  }

  #setState(event: StoredEvent, stateKey: string): void {
    this.state.set(keyOf(event.type, stateKey), event);
    if (event.type !== "m.room.member") return;
    const is = event.content["membership"] as Membership;
    const spans = this.memberships.get(stateKey);
    if (spans) spans.push({ from: event.place, is });
    else this.memberships.set(stateKey, [{ from: event.place, is }]);
    if (is === "join") this.joined.add(stateKey);
    else this.joined.delete(stateKey);
  }

  #relate(event: StoredEvent): void {
    const target = relationOf(event)?.event;
    if (target === undefined) return;
    const others = this.related.get(target);
    if (others) others.push(event);
    else this.related.set(target, [event]);
  }

  #redact(redaction: StoredEvent, targetId: string): void {
    const target = this.event(targetId);
    if (!target) return;
    const relation = relationOf(target);
    if (relation) {
      const others = this.related.get(relation.event)?.filter((event) => event !== target) ?? [];
      this.related.set(relation.event, others);
    }
    target.content = pruned(target, this.version);
    target.redactedBecause = redaction;
  }
}

/** `m.relates_to` with a `rel_type`, as far as it is well formed. */
export function relationOf(event: Pick<StoredEvent, "content">): { type: string; event: string; key?: string } | undefined {
  const relates = event.content["m.relates_to"];
  if (!isJson(relates)) return undefined;
  const { rel_type: type, event_id: target, key } = relates;
  if (typeof type !== "string" || typeof target !== "string") return undefined;
  return { type, event: target, ...(typeof key === "string" ? { key } : {}) };
}
