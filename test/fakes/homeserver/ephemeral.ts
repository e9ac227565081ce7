/** What is not kept in the timeline: typing, receipts, presence, account data. */
import { forbidden, invalidParam, notFound, unknownError } from "./refusal.ts";
import type { Room } from "./room.ts";
import type { Server } from "./server.ts";
import { ownsUser } from "./services.ts";
import type { Json, Requester, Service } from "./types.ts";

/** Called with what a service has asked to hear of (`receive_ephemeral`). */
export type TellService = (service: Service, event: Json) => void;

export class Ephemeral {
  readonly #server: Server;
  readonly #tell: TellService;

  constructor(server: Server, tell: TellService) {
    this.#server = server;
    this.#tell = tell;
  }

  typing(room: Room, who: Requester, user: string, body: Json): void {
    if (user !== who.user) throw forbidden("Cannot set another user's typing state");
    this.#server.requireJoined(room, user);
    const on = body["typing"];
    const timeout = body["timeout"] ?? 30_000;
    if (typeof timeout !== "number") throw invalidParam("'timeout' must be a number");
    room.typing.get(user)?.();
    room.typing.delete(user);
    if (on === true) {
      const end = this.#server.clock.timer(Math.min(timeout, 120_000), () => {
        room.typing.delete(user);
        this.#typingChanged(room);
      });
      room.typing.set(user, end);
    }
    this.#typingChanged(room);
  }

  #typingChanged(room: Room): void {
    room.typingChanged = ++this.#server.stream;
    this.#server.wake(room.joined);
    this.#tellRoom(room, { type: "m.typing", room_id: room.id, content: { user_ids: [...room.typing.keys()] } });
  }

  receipt(room: Room, who: Requester, type: string, eventId: string, body: Json): void {
    if (!["m.read", "m.read.private", "m.fully_read"].includes(type))
      throw unknownError(`Receipt type must be m.read, m.read.private or m.fully_read`);
    this.#server.requireJoined(room, who.user);
    const thread = body["thread_id"];
    if (thread !== undefined && (typeof thread !== "string" || thread === ""))
      throw invalidParam("thread_id field must be a non-empty string");
    if (thread !== undefined && type === "m.fully_read") throw invalidParam("thread_id is not compatible with m.fully_read receipts.");
    if (type === "m.fully_read") return this.setData(who.user, room.id, "m.fully_read", { event_id: eventId });
    const ts = this.#server.clock.now();
    const stream = ++this.#server.stream;
    const receipt = { user: who.user, type, event: eventId, ts, stream, ...(thread === undefined ? {} : { thread }) };
    room.receipts.set(`${who.user} ${type} ${thread ?? ""}`, receipt);
    this.#server.wake(type === "m.read" ? room.joined : [who.user]);
    if (type === "m.read") this.#tellRoom(room, { ...toReceiptEvent([receipt]), room_id: room.id });
  }

  presence(who: Requester, user: string, body: Json): void {
    if (user !== who.user) throw forbidden("Can only set your own presence state");
    const { presence, status_msg: message } = body;
    if (presence !== "online" && presence !== "offline" && presence !== "unavailable") throw unknownError("Invalid presence state");
    if (message !== undefined && message !== null && typeof message !== "string") throw unknownError("status_msg must be a string.");
    const account = this.#server.accounts.of(user);
    const state = { presence, last: this.#server.clock.now(), stream: ++this.#server.stream };
    account.presence = typeof message === "string" ? { ...state, status_msg: message } : state;
    const event = { type: "m.presence", sender: user, content: this.presenceOf(user) };
    const audience = new Set([user, ...[...account.rooms.values()].flatMap((room) => (room.joined.has(user) ? [...room.joined] : []))]);
    this.#server.wake(audience);
    for (const service of this.#server.services.all) {
      if ([...audience].some((other) => ownsUser(service, other))) this.#tell(service, event);
    }
  }

  presenceOf(user: string): Json {
    const presence = this.#server.accounts.get(user)?.presence;
    if (!presence) return { presence: "offline" };
    return {
      presence: presence.presence,
      ...(presence.status_msg === undefined ? {} : { status_msg: presence.status_msg }),
      last_active_ago: this.#server.clock.now() - presence.last,
      currently_active: presence.presence === "online",
    };
  }

  /** `place` is a room's id, or empty for the account itself. */
  setData(user: string, place: string, type: string, content: Json): void {
    const account = this.#server.accounts.of(user);
    const data = account.data.get(place) ?? new Map<string, { content: Json; stream: number }>();
    data.set(type, { content, stream: ++this.#server.stream });
    account.data.set(place, data);
    this.#server.wake([user]);
  }

  data(user: string, place: string, type: string): Json {
    const entry = this.#server.accounts.of(user).data.get(place)?.get(type);
    if (!entry) throw notFound("Account data not found");
    return entry.content;
  }

  #tellRoom(room: Room, event: Json): void {
    for (const service of this.#server.services.all) if (this.#server.services.wantsRoom(service, room)) this.#tell(service, event);
  }
}

export function toReceiptEvent(receipts: Iterable<{ user: string; type: string; thread?: string; event: string; ts: number }>): {
  type: string;
  content: Record<string, Record<string, Json>>;
} {
  const content: Record<string, Record<string, Json>> = {};
  for (const { user, type, thread, event, ts } of receipts) {
    const ofEvent = (content[event] ??= {});
    (ofEvent[type] ??= {})[user] = { ts, ...(thread === undefined ? {} : { thread_id: thread }) };
  }
  return { type: "m.receipt", content };
}
