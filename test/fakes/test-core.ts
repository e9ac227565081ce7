/**
 * What core gives a connection, for tests: the journal is a list in memory, time runs faster than on the wall, and the disk can be
 * made slow, failing, or be pulled away as by `kill -9`. A second `TestCore` on the same `Disk` is the bridge started again.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { pino, type Logger } from "pino";
import type { RemoteEvent } from "../../core/model/events.ts";
import type { LoginId, NetworkId, RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock, ConnectionState, Core, Keep } from "../../core/network.ts";

/** What outlives the bridge. Everything in it has been through JSON. */
export class Disk {
  readonly events: RemoteEvent[] = [];
  readonly keep = new Map<string, string>();
}

/** A clock that runs `speed` times as fast as the wall's. */
export class QuickClock implements Clock {
  readonly #speed: number;
  readonly #began = Date.now();
  readonly #mark = performance.now();

  constructor(speed: number) {
    this.#speed = speed;
  }

  now(): number {
    return Math.round(this.#began + (performance.now() - this.#mark) * this.#speed);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.timer(ms, () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      });
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  timer(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms / this.#speed);
    return () => clearTimeout(timer);
  }
}

export interface TestCoreOptions {
  readonly network: NetworkId;
  readonly login: LoginId;
  readonly disk?: Disk;
  readonly links?: readonly RemoteChannelId[];
  readonly clock?: Clock;
}

type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export class TestCore implements Core {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keep: Keep;
  readonly signal: AbortSignal;
  readonly publicUrl: string;
  /** Channels that are linked: add to it and take away at will. */
  readonly linked: Set<RemoteChannelId>;
  readonly states: ConnectionState[] = [];
  /** Everything that `receive` was called with, on disk or not yet, in the order of the calls. */
  readonly offered: RemoteEvent[] = [];
  /** Log lines as JSON texts, every level. */
  readonly logged: string[] = [];
  /** Breaches of the contract that were seen on the way. */
  readonly breaches: string[] = [];
  readonly pastes: { text: string; title: string }[] = [];
  /** What the admin room was told. */
  readonly alarms: { key: string; text: string }[] = [];

  readonly #abort = new AbortController();
  readonly #routes = new Map<string, Serve>();
  readonly #server: Server;
  readonly #waiters = new Set<() => void>();
  #tail: Promise<void> = Promise.resolve();
  #gate: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #killed = false;
  #closed = false;

  /** Starts the HTTP listener that serves `route`s, so that `publicUrl` is real. */
  static async open(options: TestCoreOptions): Promise<TestCore> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new TestCore(options, server);
  }

  private constructor(options: TestCoreOptions, server: Server) {
    this.disk = options.disk ?? new Disk();
    this.clock = options.clock ?? new QuickClock(20);
    this.linked = new Set(options.links);
    this.signal = this.#abort.signal;
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.publicUrl = `http://127.0.0.1:${port}/_causeway/${options.network}/${encodeURIComponent(options.login)}`;
    server.on("request", (request, response) => void this.#serve(request, response));
    this.log = pino({ level: "trace" }, new Writable({ write: (line, _encoding, done) => (this.logged.push(String(line)), done()) }));
    this.keep = {
      get: async (key) => JSON.parse(this.disk.keep.get(key) ?? "null") ?? undefined,
      set: async (key, value) => this.#onDisk(() => this.#write(key, value)),
    };
  }

  /** What is on disk and linked, in order. */
  get events(): readonly RemoteEvent[] {
    return this.disk.events;
  }

  receive(events: RemoteEvent | readonly RemoteEvent[], keep: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (this.#closed) this.breaches.push("an event was received after close()");
    const list = ([] as RemoteEvent[]).concat(events);
    const plain = JSON.parse(JSON.stringify(list)) as RemoteEvent[];
    if (!isDeepStrictEqual(plain, list)) this.breaches.push(`an event is not plain JSON: ${JSON.stringify(list)}`);
    this.offered.push(...plain);
    this.#wake();
    return this.#onDisk(() => {
      this.disk.events.push(...plain.filter((event) => this.linked.has(event.channel)));
      for (const [key, value] of Object.entries(keep)) this.#write(key, value);
    });
  }

  state(state: ConnectionState): void {
    if (this.#closed && state.is !== "disconnected") this.breaches.push(`"${state.is}" was told after close()`);
    if (!this.#killed) this.states.push(state);
    this.#wake();
  }

  links(): readonly RemoteChannelId[] {
    return [...this.linked];
  }

  route(path: string, serve: Serve): void {
    this.#routes.set(path.replace(/^\//, ""), serve);
  }

  /** Channels that are said to be open again. */
  readonly openings: RemoteChannelId[] = [];
  opened(channel: RemoteChannelId): void {
    this.openings.push(channel);
  }

  async alarm(key: string, text: string): Promise<void> {
    if (!this.alarms.some((known) => known.key === key)) this.alarms.push({ key, text });
  }

  async paste(text: string, title: string): Promise<string> {
    this.pastes.push({ text, title });
    return `${this.publicUrl}/paste/${this.pastes.length}`;
  }

  /** From now on nothing reaches the disk until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  /** The disk refuses every write with this error; `undefined` mends it. */
  fail(error: Error | undefined): void {
    this.#failure = error;
  }

  /** As by `kill -9`: what has not been written never will be, and nobody hears about it. Close the connection afterwards. */
  kill(): void {
    this.#killed = true;
  }

  /** Call it once the connection's `close()` has resolved: whatever comes now is a breach. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#abort.abort(new Error("closed"));
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Tells `signal`'s listeners that the connection is being closed. */
  abort(): void {
    this.#abort.abort(new Error("closed"));
  }

  /** Resolves with what `look` finds, at once or when something changes; fails with `what` after `ms` on the wall. */
  until<Value>(look: () => Value | undefined | false, what: string, ms = 5000): Promise<Value> {
    const found = look();
    if (found !== undefined && found !== false) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const waiter = (): void => {
        const value = look();
        if (value === undefined || value === false) return;
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(value);
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`Waited in vain: ${what}. States: ${JSON.stringify(this.states)}; last events: ${this.#last()}`));
      }, ms);
      this.#waiters.add(waiter);
    });
  }

  #last(): string {
    return JSON.stringify(this.offered.slice(-3));
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #write(key: string, value: unknown): void {
    if (value === undefined) return void this.disk.keep.delete(key);
    const text = JSON.stringify(value);
    if (!isDeepStrictEqual(JSON.parse(text), value)) this.breaches.push(`keep "${key}" is not plain JSON: ${text}`);
    this.disk.keep.set(key, text);
  }

  /** One write after the other, in the order of the calls. After a kill none ends. */
  #onDisk(write: () => void): Promise<void> {
    const written = this.#tail.then(async () => {
      await this.#gate;
      if (this.#killed) return new Promise<never>(() => {});
      if (this.#failure) throw this.#failure;
      write();
      this.#wake();
    });
    this.#tail = written.catch(() => undefined);
    return written;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", this.publicUrl).href.slice(this.publicUrl.length + 1).replace(/\?.*$/, "");
    const serve = this.#routes.get(path);
    if (!serve) return void response.writeHead(404).end();
    try {
      await serve(request, response);
    } catch (error) {
      this.breaches.push(`route ${path} threw: ${String(error)}`);
      response.writeHead(500).end();
    }
  }
}
