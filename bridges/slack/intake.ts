/**
 * One app's way in: whatever Slack sends, by socket or by HTTP, is on disk before it is acknowledged, and is handed on after that.
 * Several logins share it: a workspace's bot, people who have signed in, and other workspaces with the same app.
 */
import { App, type Receiver } from "@slack/bolt";
import type { Core } from "../../core/network.ts";
import type { AppConfig, SlackConfig } from "./config.ts";
import { quietLogger } from "./api.ts";
import type { Delivery } from "./delivery.ts";
import { PATHS, serve } from "./http.ts";
import { Socket, type SocketState } from "./socket.ts";
import { type Json, record, records, string } from "./wire.ts";

/** A login that hears what comes in. */
export interface Listener {
  readonly core: Core;
  /** The workspace, or the organisation. */
  readonly team: string;
  /** Puts on disk what counts. */
  take(delivery: Delivery): Promise<void>;
  /** Called once it is acknowledged: what it changes of what this login knows. */
  learn(delivery: Delivery): void;
  /** How the way in fares. */
  way(state: SocketState): void;
  crowded(others: number): void;
}

const intakes = new WeakMap<SlackConfig, Map<string, Intake>>();

/** The intake of an app, shared by all logins that were started with this config. */
export function intakeOf(config: SlackConfig, app: AppConfig, listener: Listener): Intake {
  const ofConfig = intakes.get(config) ?? new Map<string, Intake>();
  intakes.set(config, ofConfig);
  const key = JSON.stringify([app.appToken, app.signingSecret]);
  const known = ofConfig.get(key);
  const intake = known ?? new Intake(config, app, () => ofConfig.delete(key));
  ofConfig.set(key, intake);
  intake.attach(listener);
  return intake;
}

export class Intake {
  readonly #config: SlackConfig;
  readonly #app: AppConfig;
  readonly #ended: () => void;
  readonly #listeners = new Set<Listener>();
  readonly #receiver = new OwnReceiver();
  #abort: AbortController | undefined;
  #state: SocketState | undefined;

  constructor(config: SlackConfig, app: AppConfig, ended: () => void) {
    this.#config = config;
    this.#app = app;
    this.#ended = ended;
  }

  attach(listener: Listener): void {
    this.#listeners.add(listener);
    this.#route(listener.core);
    if (!this.#abort) this.#start(listener.core);
    else if (this.#state) listener.way(this.#state.is === "up" ? { is: "up", gapless: false } : this.#state);
  }

  /** The last one takes the socket with it. */
  detach(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#abort?.abort(new Error("The connection is being closed."));
    this.#ended();
  }

  #start({ clock, log }: Core): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#receiver.connect(log, (delivery) => this.#learn(delivery));
    const { appToken } = this.#app;
    // Over HTTP the way in is there as long as we are.
    if (appToken === undefined) return this.#way({ is: "up", gapless: false });
    new Socket({
      appToken,
      url: this.#config.api_url,
      clock,
      log,
      signal: abort.signal,
      take: (delivery) => this.take(delivery),
      state: (state) => this.#way(state),
      crowded: (others) => this.#each((listener) => listener.crowded(others)),
    });
  }

  #way(state: SocketState): void {
    this.#state = state;
    this.#each((listener) => listener.way(state));
  }

  #each(tell: (listener: Listener) => void): void {
    for (const listener of [...this.#listeners]) tell(listener);
  }

  #route(core: Core): void {
    const { signingSecret } = this.#app;
    if (signingSecret === undefined) return;
    const context = { signingSecret, take: (delivery: Delivery) => this.take(delivery) };
    for (const path of Object.values(PATHS)) core.route(path, (request, response) => serve(context, request, response));
  }

  /** Resolves when every login that it concerns has it on disk: the moment to acknowledge. */
  async take(delivery: Delivery): Promise<void> {
    const teams = teamsOf(delivery.body);
    const concerned = [...this.#listeners].filter((listener) => teams.size === 0 || teams.has(listener.team));
    await Promise.all(concerned.map((listener) => listener.take(delivery)));
    // Of a limit that Slack has put on its own events it tells outside of any.
    if (delivery.body.type === "app_rate_limited") this.#learn(delivery);
    else setImmediate(() => this.#receiver.handOn(delivery));
  }

  #learn(delivery: Delivery): void {
    const teams = teamsOf(delivery.body);
    this.#each((listener) => {
      if (teams.size === 0 || teams.has(listener.team)) listener.learn(delivery);
    });
  }
}

/** The workspaces and organisations in which this has happened, as far as the app is installed there. Empty = it does not say. */
function teamsOf(body: Json): ReadonlySet<string> {
  const teams = [
    ...records(body.authorizations).flatMap(({ team_id, enterprise_id }) => [string(team_id), string(enterprise_id)]),
    string(body.team_id),
    string(body.enterprise_id),
    string(body.context_team_id),
    string(record(body.team).id),
    string(record(body.enterprise).id),
  ];
  return new Set(teams.filter((team) => team !== ""));
}

/** Bolt's way in, reduced to handing on: what comes is on disk and acknowledged already. */
class OwnReceiver implements Receiver {
  #bolt: App | undefined;
  #log: Core["log"] | undefined;

  connect(log: Core["log"], learn: (delivery: Delivery) => void): void {
    this.#log = log;
    const bolt = new App({
      receiver: this,
      authorize: async () => ({}),
      ignoreSelf: false,
      convoStore: false,
      logger: quietLogger(log),
      clientOptions: { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
    });
    bolt.use(async ({ body, context, next }) => {
      learn({ body: body as unknown as Json, retry: context.retryNum ?? 0 });
      await next();
    });
  }

  init(bolt: App): void {
    this.#bolt = bolt;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  handOn({ body, retry }: Delivery): void {
    const event = { body, ack: async () => {}, ...(retry > 0 ? { retryNum: retry } : {}) };
    this.#bolt?.processEvent(event).catch((error: unknown) => {
      this.#log?.warn({ err: error }, "Something that Slack sent could not be followed up");
    });
  }
}
