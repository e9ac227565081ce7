/** A session with the toy's service that comes back by itself, and the calls that go over it. */
import { Broken, LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { Core, Login } from "../../core/network.ts";
import { CLIENT, fromToy } from "./toy-network-convert.ts";
import type { ToyEars, ToyService, ToySocket } from "./toy-network-service.ts";
import { type ToyAnswer, type ToyEvent, ToyLost } from "./toy-network-wire.ts";

/** How long an answer is waited for, milliseconds. */
const PATIENCE = 15_000;

export class ToyLine {
  readonly service: ToyService;
  readonly realm: string;
  readonly core: Core;
  readonly token: string;
  /** No person's own login. */
  readonly shared: boolean;
  readonly #ended = new AbortController();
  readonly #living: Promise<void>;
  #socket: ToySocket | undefined;
  #loggedOut = false;
  /** An event could not be written down: the session may not be resumed past it. */
  #distrusted = false;

  constructor(service: ToyService, realm: string, login: Login, core: Core) {
    this.service = service;
    this.realm = realm;
    this.core = core;
    this.token = String(login.secrets["token"]);
    this.shared = login.owner === undefined;
    this.#living = this.#live();
  }

  /** `acts` = it has an effect, so that a lost answer leaves it open whether it arrived. */
  async call(method: string, parameters: Record<string, unknown>, acts: boolean): Promise<unknown> {
    return this.answered(this.service.call(this.token, CLIENT, method, parameters), acts);
  }

  /** The value of an answer, or one of the five errors. */
  async answered(answer: Promise<ToyAnswer>, acts: boolean): Promise<unknown> {
    if (this.#ended.signal.aborted) throw new Broken("The connection to the toy network has been closed.");
    if (this.#loggedOut) throw loggedOut();
    try {
      return this.#valueOf(await Promise.race([answer, this.#patience()]));
    } catch (error) {
      if (!(error instanceof ToyLost)) throw error;
      if (error.sent && acts) throw new Uncertain("The toy network did not answer; it may have arrived.");
      throw new TryLater("The toy network cannot be reached.", 2_000, "login");
    }
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#socket?.close();
    await this.#living;
  }

  async #patience(): Promise<never> {
    await this.core.clock.sleep(PATIENCE, this.#ended.signal).catch(() => undefined);
    throw new ToyLost(true);
  }

  #valueOf(answer: ToyAnswer): unknown {
    if (answer.ok) return answer.value;
    switch (answer.code) {
      case "rate-limited":
        throw new TryLater("The toy network wants a pause in this channel.", answer.seconds * 1000, "channel");
      case "forbidden":
        throw new Refused("The toy network does not allow that in this channel.");
      case "unknown":
        throw new Refused("What this is about is not there any more on the toy network.");
      case "bad-token":
        this.#logOut();
        throw loggedOut();
      case "bad-request":
        throw new Broken("The toy network did not understand what was asked of it.");
    }
  }

  async #live(): Promise<void> {
    const { signal } = this.#ended;
    for (let failures = 0; !signal.aborted && !this.#loggedOut; failures++) {
      this.core.state({ is: "connecting" });
      try {
        const gone = await this.#connect();
        if (!gone) continue;
        failures = 0;
        await gone.ended;
      } catch (error) {
        if (!(error instanceof ToyLost)) this.core.log.error({ error }, "the toy network's session failed");
      }
      this.#socket = undefined;
      if (signal.aborted || this.#loggedOut) return;
      this.core.state({ is: "disconnected", why: "The toy network cannot be reached; trying again." });
      await this.core.clock.sleep(Math.min(500 * 2 ** failures, 60_000), signal).catch(() => undefined);
    }
  }

  /** Resolves, once connected, with the promise of the end of the connection; undefined = the token is not good. */
  async #connect(): Promise<{ readonly ended: Promise<void> } | undefined> {
    const kept = this.#distrusted ? undefined : ((await this.core.keep.get("session")) as { id: string; seq: number } | undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended.signal.addEventListener("abort", () => resolve(), { once: true });
    const ears: ToyEars = { event: (event) => this.#hear(socket, event, resolve), closed: resolve };
    const resume = kept && { session: kept.id, seq: kept.seq };
    const connecting = this.service.connect(this.token, resume, ears);
    const socket = await Promise.race([connecting, promise.then(() => Promise.reject(new ToyLost(false)))]);
    if (!socket) return void this.#logOut();
    this.#socket = socket;
    this.#distrusted = false;
    if (!socket.resumed) await this.core.keep.set("session", { id: socket.session, seq: 0 });
    this.core.state({ is: "connected", resumed: socket.resumed });
    return { ended: promise };
  }

  /** Acknowledges only what is on disk. What cannot be written down ends the session, so that the history brings it. */
  #hear(socket: ToySocket | undefined, event: ToyEvent, end: () => void): void {
    if (!socket || socket !== this.#socket || this.#ended.signal.aborted) return;
    const session = { id: socket.session, seq: event.seq };
    this.core.receive(fromToy(this.realm, socket.session, event), { session }).then(
      () => socket.ack(event.seq),
      () => {
        this.#distrusted = true;
        socket.close();
        end();
      },
    );
  }

  #logOut(): void {
    if (this.#loggedOut) return;
    this.#loggedOut = true;
    this.core.state({ is: "logged-out", why: "The toy network no longer takes the token: put a new one into the config." });
  }
}

function loggedOut(): LoggedOut {
  return new LoggedOut("The toy network no longer takes the token.");
}
