import type { Clock } from "../../../core/network.ts";
import type { Accounts } from "./accounts.ts";
import type { Services } from "./services.ts";
import { forbidden, notFound } from "./refusal.ts";
import type { RoomVersion } from "./room-versions.ts";
import { newEventId, Room } from "./room.ts";
import type { Draft, StoredEvent } from "./types.ts";

/** Everything the fake remembers, and the one way in: `add`. Whoever waits for news is woken from here. */
export class Server {
  readonly name: string;
  readonly clock: Clock;
  readonly rooms = new Map<string, Room>();
  /** Alias to the room it names and who made it. */
  readonly aliases = new Map<string, { room: string; creator: string }>();
  /** The number of the latest thing that happened: event, typing, receipt, account data, presence. */
  stream = 0;
  /** Synapse keeps whatever stands in the body of `/redact`; the specification knows nothing there but `reason`. */
  keepsRedactionKeys = true;
  readonly accounts: Accounts;
  readonly services: Services;
  /** Called for each event that was added: the service's pusher, the tests' own ears. */
  readonly onEvent = new Set<(room: Room, event: StoredEvent) => void>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(name: string, clock: Clock, parts: { accounts(server: Server): Accounts; services(server: Server): Services }) {
    this.name = name;
    this.clock = clock;
    this.services = parts.services(this);
    this.accounts = parts.accounts(this);
  }

  room(id: string): Room {
    const room = this.rooms.get(id);
    if (!room) throw notFound("Unknown room");
    return room;
  }

  /** Opens a room with its create event, whose id is the room's own from version 12 on. */
  openRoom(version: RoomVersion, create: Draft): Room {
    const eventId = newEventId();
    const room = new Room(version.idIsHash ? `!${eventId.slice(1)}` : `!${eventId.slice(1, 19)}:${this.name}`, version);
    this.rooms.set(room.id, room);
    this.#tell(room, room.add(create, ++this.stream, this.clock.now(), eventId));
    return room;
  }

  /** Adds an event that the rules allow. */
  add(room: Room, draft: Draft): StoredEvent {
    const event = room.add(draft, ++this.stream, this.clock.now());
    this.#tell(room, event);
    return event;
  }

  #tell(room: Room, event: StoredEvent): void {
    if (event.type === "m.room.member" && event.state_key !== undefined) this.accounts.moved(event.state_key, room);
    for (const hear of this.onEvent) hear(room, event);
    this.wake(room.joined);
    if (event.type === "m.room.member" && event.state_key !== undefined) this.wake([event.state_key]);
  }

  /** Ends the long polls of these users. */
  wake(users: { has(user: string): boolean } | readonly string[]): void {
    if (this.#waiting.size === 0) return;
    const concerns = Array.isArray(users) ? (user: string) => users.includes(user) : (user: string) => (users as Set<string>).has(user);
    for (const [user, waiters] of this.#waiting) {
      if (!concerns(user)) continue;
      this.#waiting.delete(user);
      for (const wake of waiters) wake();
    }
  }

  /** Resolves at the next news for the user, or after `ms`. */
  async news(user: string, ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const waiters = this.#waiting.get(user) ?? new Set();
      this.#waiting.set(user, waiters);
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        waiters.delete(done);
        resolve();
      };
      const cancel = this.clock.timer(ms, done);
      signal.addEventListener("abort", done);
      waiters.add(done);
    });
  }

  requireJoined(room: Room, user: string): void {
    if (room.membership(user) !== "join") throw forbidden(`User ${user} not in room ${room.id}`);
  }
}
