/**
 * Pushes events to one application service as Synapse does: one transaction at a time, up to 100 events each; a transaction that fails
 * is kept and tried again after 2, 4, 8 … 512 seconds, what happens meanwhile is kept in further ones. Ids are counted from the
 * highest that is kept, so they begin at 1 again after a restart with nothing kept.
 */
import { request } from "undici";
import type { Faults } from "./faults.ts";
import type { Room } from "./room.ts";
import type { Server } from "./server.ts";
import { ownsUser } from "./services.ts";
import type { Json, Service, StoredEvent } from "./types.ts";
import { strippedState, toFullEvent } from "./wire.ts";

const most = 100;
const firstPause = 2_000;
const longestPause = 512_000;
const patience = 60_000;

interface Transaction {
  readonly id: number;
  readonly events: readonly StoredEvent[];
}

/** One counter for all services, as on SQLite. */
export class TransactionIds {
  #last = 0;
  next(): number {
    return ++this.#last;
  }
  startAfter(kept: number): void {
    this.#last = kept;
  }
}

export class Pusher {
  readonly service: Service;
  readonly #server: Server;
  readonly #faults: Faults;
  readonly #ids: TransactionIds;
  /** Waiting for a transaction. Lost at a restart. */
  #events: StoredEvent[] = [];
  #ephemeral: Json[] = [];
  /** Not taken yet by the service. Kept over restarts. */
  #kept: Transaction[] = [];
  #up = true;
  #busy = false;
  #pause = firstPause;
  #cancelRetry: (() => void) | undefined;
  #retrying = false;
  /** Kept transactions from before a restart wait until the first event after it. */
  #asleep = false;
  #ended = new AbortController();
  readonly #asked = new Set<string>();

  constructor(service: Service, server: Server, faults: Faults, ids: TransactionIds) {
    this.service = service;
    this.#server = server;
    this.#faults = faults;
    this.#ids = ids;
  }

  get highestKept(): number {
    return Math.max(0, ...this.#kept.map(({ id }) => id));
  }

  get waiting(): number {
    return this.#events.length + this.#kept.reduce((sum, { events }) => sum + events.length, 0);
  }

  event(room: Room, event: StoredEvent): void {
    if (this.service.url === undefined || !this.#server.services.wants(this.service, room, event)) return;
    if (this.#faults.take({ type: event.type, user: event.sender, room: room.id }, "push-lost")) return;
    this.#events.push(event);
    if (this.#asleep) this.#wakeUp();
    void this.#run();
  }

  ephemeral(event: Json): void {
    if (this.service.url === undefined || !(this.service.ephemeral.stable || this.service.ephemeral.unstable)) return;
    this.#ephemeral.push(event);
    void this.#run();
  }

  /** The service has answered a ping: no reason to wait any longer. */
  retryNow(): void {
    if (!this.#cancelRetry) return;
    this.#cancelRetry();
    this.#cancelRetry = undefined;
    void this.#retry();
  }

  /** The homeserver goes down: what is only in memory is gone. */
  restart(): void {
    this.#ended.abort();
    this.#ended = new AbortController();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#events = [];
    this.#ephemeral = [];
    this.#busy = false;
    this.#retrying = false;
    this.#pause = firstPause;
    this.#asleep = !this.#up;
  }

  #wakeUp(): void {
    this.#asleep = false;
    this.#later();
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const { signal } = this.#ended;
    // Whatever happens in the same turn goes together.
    await Promise.resolve();
    while (!signal.aborted && this.#events.length + this.#ephemeral.length > 0) await this.#pushNext(signal);
    if (!signal.aborted) this.#busy = false;
  }

  async #pushNext(signal: AbortSignal): Promise<void> {
    const stopped = this.#faults.take({}, "push-stopped");
    if (stopped) await stopped.released;
    await this.#askForStrangers();
    if (signal.aborted) return;
    const events = this.#events.splice(0, most);
    const ephemeral = this.#ephemeral.splice(0, most);
    // Nobody wants to know later who was typing now.
    if (!this.#up && events.length === 0) return;
    const transaction = { id: this.#ids.next(), events };
    this.#kept.push(transaction);
    if (!this.#up) return;
    if (await this.#put(transaction.id, events, ephemeral)) {
      if (!signal.aborted) this.#kept = this.#kept.filter((kept) => kept !== transaction);
      if (this.#faults.take({ type: events[0]?.type, user: events[0]?.sender }, "push-repeated"))
        await this.#put(this.#ids.next(), events, []);
    } else if (!signal.aborted) {
      this.#up = false;
      this.#later();
    }
  }

  #later(): void {
    this.#cancelRetry = this.#server.clock.timer(this.#pause, () => {
      this.#cancelRetry = undefined;
      void this.#retry();
    });
  }

  async #retry(): Promise<void> {
    if (this.#retrying) return;
    this.#retrying = true;
    const { signal } = this.#ended;
    for (let next = this.#kept[0]; next && !signal.aborted; next = this.#kept[0]) {
      if (!(await this.#put(next.id, next.events, []))) {
        if (signal.aborted) return;
        this.#pause = Math.min(this.#pause * 2, longestPause);
        this.#retrying = false;
        return this.#later();
      }
      if (signal.aborted) return;
      this.#kept.shift();
      this.#pause = firstPause;
    }
    if (signal.aborted) return;
    this.#retrying = false;
    this.#up = true;
  }

  async #put(id: number, events: readonly StoredEvent[], ephemeral: readonly Json[]): Promise<boolean> {
    const slow = this.#faults.take({ type: events[0]?.type }, "push-slow");
    if (slow) await this.#server.clock.sleep(slow.fault.ms);
    const now = this.#server.clock.now();
    const { stable, unstable } = this.service.ephemeral;
    const body = {
      events: events.map((event) => this.#toPushed(event, now)),
      ...(stable ? { ephemeral } : {}),
      ...(unstable ? { "de.sorunome.msc2409.ephemeral": ephemeral } : {}),
      ...(stable || unstable ? { "de.sorunome.msc2409.to_device": [] } : {}),
    };
    const answer = await this.call("PUT", `/transactions/${id}`, body);
    if (answer && this.#faults.take({ type: events[0]?.type, user: events[0]?.sender }, "push-unheard")) return false;
    return answer !== undefined && answer.status >= 200 && answer.status < 300;
  }

  #toPushed(event: StoredEvent, now: number): Json {
    const room = this.#server.room(event.room_id);
    const pushed = toFullEvent(room, event, now);
    const invited =
      event.type === "m.room.member" && event.content["membership"] === "invite" && ownsUser(this.service, event.state_key ?? "");
    if (!invited) return pushed;
    const state = strippedState(room, event.state_key ?? "");
    return { ...pushed, invite_room_state: state, unsigned: { ...(pushed["unsigned"] as Json), invite_room_state: state } };
  }

  /** Before an event about a user of the service that nobody has registered, the homeserver asks the service whether there is one. */
  async #askForStrangers(): Promise<void> {
    for (const event of this.#events.slice(0, most)) {
      const user = event.type === "m.room.member" ? event.state_key : undefined;
      if (user === undefined || this.#asked.has(user) || user === this.service.sender || !ownsUser(this.service, user)) continue;
      if (this.#server.accounts.get(user)?.registered) continue;
      this.#asked.add(user);
      await this.call("GET", `/users/${encodeURIComponent(user)}`);
    }
  }

  /** A call to the service. Absent = it did not answer. */
  async call(method: "GET" | "PUT" | "POST", path: string, body?: Json): Promise<{ status: number; body: unknown } | undefined> {
    if (this.service.url === undefined) return undefined;
    const ended = this.#ended.signal;
    const timeout = new AbortController();
    const cancel = this.#server.clock.timer(patience, () => timeout.abort());
    try {
      const answer = await request(`${this.service.url}/_matrix/app/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${this.service.hsToken}`, ...(body ? { "content-type": "application/json" } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.any([ended, timeout.signal]),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: readJson(text) };
    } catch {
      return undefined;
    } finally {
      cancel();
    }
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
