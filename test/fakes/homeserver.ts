/**
 * A homeserver in this process: as much of the client-server API (v1.15) and of the application service API as a bridge, the sandbox
 * and the stories need, as strict as Synapse where it says no. What it promises is in homeserver-promises.ts, which a real Synapse
 * passes too. Troubles on demand: `faults`, or `POST /_fake/faults` from another process.
 */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../../core/network.ts";
import { MatrixUser, type TestHomeserver } from "../matrix-client.ts";
import { Accounts } from "./homeserver/accounts.ts";
import { clockAt } from "./homeserver/clock.ts";
import { Ephemeral } from "./homeserver/ephemeral.ts";
import { Faults } from "./homeserver/faults.ts";
import { serve } from "./homeserver/http.ts";
import { Media } from "./homeserver/media.ts";
import { Memberships } from "./homeserver/membership.ts";
import { Pusher, TransactionIds } from "./homeserver/pusher.ts";
import { Router } from "./homeserver/router.ts";
import { accountRoutes } from "./homeserver/routes/account.ts";
import { eventRoutes } from "./homeserver/routes/events.ts";
import { fakeRoutes } from "./homeserver/routes/fake.ts";
import { mediaRoutes } from "./homeserver/routes/media.ts";
import { roomRoutes } from "./homeserver/routes/rooms.ts";
import { askFor, serviceRoutes } from "./homeserver/routes/services.ts";
import { userRoutes } from "./homeserver/routes/user.ts";
import { Server } from "./homeserver/server.ts";
import { readRegistration, Services } from "./homeserver/services.ts";
import { Transactions } from "./homeserver/transactions.ts";
import type { Json, StoredEvent } from "./homeserver/types.ts";

export interface FakeOptions {
  /** 0 or absent = any free one. */
  readonly port?: number;
  readonly serverName?: string;
  readonly clock?: Clock;
  /** Registrations as objects, or paths of their files. */
  readonly services?: readonly (Json | string)[];
  /** Bytes. */
  readonly longestUpload?: number;
}

export interface FakeHomeserver extends TestHomeserver {
  readonly faults: Faults;
  /** False = as other homeservers than Synapse may do it: what stands in the body of `/redact` beside its reason is dropped. */
  keepsRedactionKeys: boolean;
  /** Registers one more application service. Its first transaction comes with the first event that concerns it. */
  addService(registration: Json | string): void;
  /** Ids of all rooms, oldest first. */
  rooms(): readonly string[];
  /** Everything in a room, oldest first, whoever may see it. */
  timeline(room: string): readonly StoredEvent[];
  /** Called for each new event. Returns a function that ends it. */
  hear(listener: (event: StoredEvent) => void): () => void;
  /** Events that no service has taken yet. */
  readonly unpushed: number;
}

export async function startHomeserver(options: FakeOptions = {}): Promise<FakeHomeserver> {
  const fake = new Fake(options);
  await fake.listen(options.port ?? 0);
  for (const service of options.services ?? []) fake.addService(service);
  return fake;
}

class Fake implements FakeHomeserver {
  readonly faults = new Faults();
  readonly serverName: string;
  readonly #server: Server;
  readonly #router = new Router();
  readonly #transactions: Transactions;
  readonly #ids = new TransactionIds();
  readonly #pushers = new Map<string, Pusher>();
  readonly #users = new Map<string, Promise<MatrixUser>>();
  readonly #media: Media;
  #http: HttpServer | undefined;
  #port = 0;

  constructor(options: FakeOptions) {
    this.serverName = options.serverName ?? "test.local";
    const clock = options.clock ?? clockAt();
    this.#server = new Server(this.serverName, clock, {
      accounts: (server) => new Accounts(server),
      services: (server) => new Services(server),
    });
    this.#transactions = new Transactions(clock);
    this.#server.onEvent.add((room, event) => {
      for (const pusher of this.#pushers.values()) pusher.event(room, event);
    });
    this.#media = new Media(this.serverName, options.longestUpload ?? 120 * 1024 * 1024);
    this.#mount();
  }

  #mount(): void {
    const [server, router] = [this.#server, this.#router];
    const pusherOf = (id: string): Pusher => {
      const pusher = this.#pushers.get(id);
      if (!pusher) throw new Error(`There is no service ${id}`);
      return pusher;
    };
    const memberships = new Memberships(server, this.faults);
    const ephemeral = new Ephemeral(server, (service, event) => pusherOf(service.id).ephemeral(event));
    accountRoutes(router, server);
    roomRoutes(router, server, memberships, askFor(server, pusherOf));
    eventRoutes(router, server, memberships);
    userRoutes(router, server, ephemeral);
    mediaRoutes(router, this.#media);
    serviceRoutes(router, server, pusherOf);
    fakeRoutes(router, this.faults, () => void this.restart());
  }

  get keepsRedactionKeys(): boolean {
    return this.#server.keepsRedactionKeys;
  }

  set keepsRedactionKeys(keeps: boolean) {
    this.#server.keepsRedactionKeys = keeps;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get unpushed(): number {
    return [...this.#pushers.values()].reduce((sum, pusher) => sum + pusher.waiting, 0);
  }

  async listen(port: number): Promise<void> {
    const wire = { server: this.#server, router: this.#router, faults: this.faults, transactions: this.#transactions };
    const http = createServer((request, response) => void serve(wire, request, response));
    http.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve, reject) => http.once("error", reject).listen(port, "127.0.0.1", resolve));
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
  }

  addService(registration: Json | string): void {
    const service = readRegistration(registration, this.serverName);
    this.#server.services.add(service);
    this.#pushers.set(service.id, new Pusher(service, this.#server, this.faults, this.#ids));
  }

  user(name: string): Promise<MatrixUser> {
    const known = this.#users.get(name);
    if (known) return known;
    const user = MatrixUser.register(this.url, name);
    this.#users.set(name, user);
    return user;
  }

  rooms(): readonly string[] {
    return [...this.#server.rooms.keys()];
  }

  timeline(room: string): readonly StoredEvent[] {
    return this.#server.rooms.get(room)?.timeline ?? [];
  }

  hear(listener: (event: StoredEvent) => void): () => void {
    const heard = (_room: unknown, event: StoredEvent): void => listener(event);
    this.#server.onEvent.add(heard);
    return () => this.#server.onEvent.delete(heard);
  }

  /** Down at once: every connection ends, what was only in memory is forgotten. */
  async kill(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    for (const pusher of this.#pushers.values()) pusher.restart();
    this.#ids.startAfter(Math.max(0, ...[...this.#pushers.values()].map(({ highestKept }) => highestKept)));
    this.#transactions.forget();
    if (!http) return;
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeAllConnections();
    await closed;
    // Clients in this process hear of it in one of the next turns; until then they would write to sockets that are gone.
    await pause(5);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.listen(this.#port);
  }

  async stop(): Promise<void> {
    for (const user of this.#users.values()) void user.then((each) => each.close());
    this.faults.clear();
    await this.kill();
    await this.#media.clear();
  }
}
