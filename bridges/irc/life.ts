/** Connecting, for as long as it takes: server after server, with growing pauses, until a person has to help. */
import type { Logger } from "pino";
import type { Clock, ConnectionState, Keep } from "../../core/network.ts";
import type { IrcNetworkConfig, IrcServerConfig } from "./config.ts";
import type { Ending } from "./endings.ts";
import type { Identity } from "./registration.ts";
import { Session, type SessionEvents } from "./session.ts";
import type { WireOptions } from "./wire.ts";

export interface LifeOptions {
  readonly config: IrcNetworkConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keep: Keep;
  /** When the next attempt may begin, beyond the pauses of this connection: many connections of one bridge go one after the other. */
  turn(signal: AbortSignal): Promise<void>;
  identity(): Promise<{ identity: Identity; client: WireOptions["client"]; localAddress: string | undefined }>;
  events(session: () => Session): Omit<SessionEvents, "over" | "ready">;
  /** The session is registered. Resolves when it can be used; what it rejects with ends the session. */
  settle(session: Session): Promise<void>;
  /** The session that was settled, or was about to be, is over. */
  lost(session: Session, ending: Ending): void;
  state(state: ConnectionState): void;
  /** An attempt has ended, or what came of it. */
  ended?(ending: Ending): void;
}

type Policies = Readonly<Record<string, { readonly port: number; readonly until: number }>>;

const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 5 * 60_000;
/** A connection that lasted so long has shown that the server wants us. */
const LASTED = 60_000;
const AFTER_THROTTLE = 60_000;
const LONGEST_THROTTLE = 30 * 60_000;
/** Services are sometimes wrong about a password once. */
const MOST_DENIALS = 2;

export class Life {
  readonly #options: LifeOptions;
  readonly #abort = new AbortController();
  #session: Session | undefined;
  #failures = 0;
  #denials = 0;
  #next = 0;
  #done: Promise<void> = Promise.resolve();
  #rest: PromiseWithResolvers<void> | undefined;
  /** Hosts that want TLS: where, and until when (https://ircv3.net/specs/extensions/sts). */
  #secured: Policies = {};

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#done = this.#run().catch((error: unknown) => {
      if (this.#abort.signal.aborted) return;
      this.#options.log.error({ err: error }, "The connection to IRC has ended by a defect");
      this.#options.state({
        is: "logged-out",
        why: "The connection has ended by a defect of the bridge, which its log tells. Restart it.",
      });
    });
  }

  /** Leaves, until `wake` is called. Nobody is told: it can be used as before, only not at once. */
  rest(words: string): void {
    if (this.#rest || !this.#session || this.#session.isOver) return;
    this.#rest = Promise.withResolvers();
    this.#session.quit(words);
  }

  get isResting(): boolean {
    return this.#rest !== undefined;
  }

  wake(): void {
    this.#rest?.resolve();
  }

  async stop(words: string): Promise<void> {
    this.#abort.abort(new Error("The connection is being closed."));
    this.wake();
    this.#session?.quit(words);
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, state, keep } = this.#options;
    const { signal } = this.#abort;
    this.#secured = ((await keep.get("sts")) as Policies | undefined) ?? {};
    while (!signal.aborted) {
      await this.#options.turn(signal);
      state({ is: "connecting" });
      const began = clock.now();
      const ending = await this.#attempt();
      if (signal.aborted) return;
      this.#options.ended?.(ending);
      if (this.#rest) {
        await this.#rest.promise;
        this.#rest = undefined;
        continue;
      }
      if (clock.now() - began > LASTED) this.#failures = 0;
      const pause = await this.#pauseAfter(ending);
      if (pause === undefined) return state({ is: "logged-out", why: sentence(ending.why, " It tries again when somebody restarts it.") });
      state({ is: "disconnected", why: sentence(ending.why) });
      await clock.sleep(pause, signal);
    }
  }

  /** Undefined = not by ourselves any more. */
  async #pauseAfter(ending: Ending): Promise<number | undefined> {
    const servers = this.#options.config.servers.length;
    this.#failures += 1;
    const tries = this.#failures - 1;
    if (ending.kind !== "secure") this.#next = (this.#next + 1) % servers;
    switch (ending.kind) {
      case "shut-out":
        return undefined;
      case "denied":
        this.#denials += 1;
        return this.#denials >= MOST_DENIALS ? undefined : jitter(10_000);
      case "secure":
        return 0;
      case "throttled":
        return jitter(Math.min(AFTER_THROTTLE * 2 ** Math.floor(tries / servers), LONGEST_THROTTLE));
      case "flooded":
        return jitter(10_000);
      case "lost":
        // Each server has its turn before the pauses grow.
        return jitter(Math.min(FIRST_PAUSE * 2 ** Math.floor(tries / servers), LONGEST_PAUSE));
    }
  }

  async #attempt(): Promise<Ending> {
    const { clock, log, lost } = this.#options;
    const server = this.#options.config.servers[this.#next] as IrcServerConfig;
    const { identity, client, localAddress } = await this.#options.identity();
    const wire = this.#wireOptions(server, client, localAddress);
    const { promise, resolve } = Promise.withResolvers<Ending>();
    let ready = false;
    const session: Session = new Session(
      { server: wire, identity, clock, log },
      {
        ...this.#options.events(() => session),
        ready: () => {
          ready = true;
          this.#settle(session, server.host);
        },
        over: (ending) => {
          if (ready) lost(session, ending);
          resolve(ending);
        },
      },
    );
    this.#session = session;
    if (this.#abort.signal.aborted) session.quit("Bye");
    const ending = await promise;
    if (ending.kind === "secure") await this.#remember(server.host, { port: ending.port, until: Number.POSITIVE_INFINITY });
    return ending;
  }

  #settle(session: Session, host: string): void {
    this.#denials = 0;
    const duration = /(?:^|,)duration=(\d{1,10})(?:,|$)/.exec(session.caps.offered.get("sts") ?? "")?.[1];
    if (duration !== undefined) void this.#policy(host, Number(duration) * 1000);
    this.#options.settle(session).catch((error: unknown) => {
      if (!session.isOver) session.end({ kind: "lost", why: error instanceof Error ? error.message : String(error) });
    });
  }

  async #policy(host: string, duration: number): Promise<void> {
    const known = this.#secured[host];
    const port = known?.port ?? this.#options.config.servers.find((server) => server.host === host)?.port ?? 6697;
    await this.#remember(host, duration === 0 ? undefined : { port, until: this.#options.clock.now() + duration });
  }

  async #remember(host: string, policy: { port: number; until: number } | undefined): Promise<void> {
    const { [host]: _, ...others } = this.#secured;
    this.#secured = policy ? { ...others, [host]: policy } : others;
    // A policy without a duration holds until the secure connection tells one.
    const lasting = Object.fromEntries(Object.entries(this.#secured).filter(([, { until }]) => Number.isFinite(until)));
    await this.#options.keep.set("sts", lasting).catch((error: unknown) => this.#options.log.warn({ err: error }, "A policy was not kept"));
  }

  #wireOptions(server: IrcServerConfig, client: WireOptions["client"], localAddress: string | undefined): WireOptions {
    const { config, clock } = this.#options;
    const policy = server.tls ? undefined : this.#secured[server.host];
    const secured = policy && policy.until > clock.now() ? policy : undefined;
    const tls = server.tls || secured !== undefined;
    return {
      host: server.host,
      port: secured?.port ?? server.port ?? (tls ? 6697 : 6667),
      tls,
      fingerprints: server.fingerprints,
      client,
      localAddress: localAddress ?? config.local_address,
      proxy: config.proxy && { ...config.proxy, user: config.proxy.user, password: config.proxy.password },
      encoding: config.encoding,
    };
  }
}

/** Half more or less, so that many that fell together do not come back together. */
function jitter(ms: number): number {
  return Math.round(ms * (0.5 + Math.random()));
}

export function sentence(clause: string, more = ""): string {
  const text = clause.charAt(0).toUpperCase() + clause.slice(1);
  return `${/[.!?]$/.test(text) ? text : `${text}.`}${more}`;
}
