/**
 * The life of a login: who it is, how events reach it, and what they are taken for. It tells core when it is connected, and never calls
 * that a resume: after every gap the history is looked at.
 */
import { LoggedOut } from "../../core/model/errors.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import type { Core, Login } from "../../core/network.ts";
import { type AppConfig, appOf, type SlackConfig, workspaceOf } from "./config.ts";
import type { Desk } from "./desk.ts";
import { fromEvent, fromSlash } from "./from-slack.ts";
import type { History } from "./history.ts";
import { channelId, teamOfLogin } from "./ids.ts";
import { Narrowing } from "./narrowing.ts";
import type { Delivery } from "./delivery.ts";
import { type Intake, intakeOf, type Listener } from "./intake.ts";
import { INSTALL_AGAIN } from "./failures.ts";
import { Presences } from "./presences.ts";
import type { SocketState } from "./socket.ts";
import { Strays } from "./strays.ts";
import { Within } from "./sweep.ts";
import { Tell } from "./tell.ts";
import type { Votes } from "./votes.ts";
import { filled, type Json, record, records, string, strings } from "./wire.ts";

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;
/** How often it is asked whether the token is still good, and whether Slack is there; more often while it is not. */
const HEARTBEAT = 30_000;
const PROBE = 5_000;
/** How often our channels are compared with Slack's: whoever is put out of one is not told. */
const SWEEP = 30 * 60_000;
/** After events that Slack had to send again, the history is looked at once that has been quiet for so long. */
const SETTLED = 60_000;
/** After this long Slack has done what it said. */
const CERTAIN = 2_000;

export interface SessionContext {
  readonly config: SlackConfig;
  readonly login: Login;
  readonly core: Core;
  readonly desk: Desk;
  readonly votes: Votes;
  readonly history: History;
}

export class Session implements Listener {
  readonly core: Core;
  readonly team: string;
  readonly #context: SessionContext;
  readonly #app: AppConfig;
  readonly #abort = new AbortController();
  #intake: Intake | undefined;
  #way: SocketState | undefined;
  #reachable = false;
  #told: "up" | "down" | "" = "";
  #turn: Promise<void> = Promise.resolve();
  readonly #within: Within;
  readonly #narrowing = new Narrowing();
  /** Of the app's own login: a person's is not asked to complain about it. */
  readonly #tell: Tell | undefined;
  #resent: (() => void) | undefined;
  readonly #strays: Strays | undefined;
  #presences: Presences | undefined;
  /** Set once the credentials are no longer good: nothing is tried any more until a person acts. */
  ended: LoggedOut | undefined;

  constructor(context: SessionContext) {
    this.#context = context;
    this.core = context.core;
    this.team = teamOfLogin(context.login);
    this.#app = appOf(context.config, this.team);
    const { app } = context.login.secrets;
    const { core, desk, history } = context;
    const back = (): void => this.core.state({ is: "connected", resumed: false });
    this.#within = new Within({ core, desk, signal: this.signal, back });
    this.#tell = this.isOwn ? undefined : new Tell({ core, api: desk.api, signal: this.signal });
    this.#strays = this.isOwn ? new Strays({ core, desk, history, signal: this.signal }) : undefined;
    if (typeof app === "string") context.desk.self = { ...context.desk.self, app };
    context.core.signal.addEventListener("abort", () => this.close(), { once: true });
  }

  /** Aborted when the session ends: by being closed, or with its credentials. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isOwn(): boolean {
    return this.#context.login.owner !== undefined;
  }

  start(): void {
    this.core.state({ is: "connecting" });
    void this.#begin();
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new Error("The connection is being closed."));
    this.#resent?.();
    this.#intake?.detach(this);
  }

  async #begin(): Promise<void> {
    if (!(await this.#authenticate())) return;
    const moved = await this.core.keep.get("moved");
    for (const [from, to] of Object.entries(record(moved))) if (typeof to === "string") this.#context.desk.move(from, to);
    await this.#strays?.load();
    if (this.signal.aborted) return;
    this.#context.desk.directory.load();
    this.#intake = intakeOf(this.#context.config, this.#app, this);
    if (!this.isOwn && workspaceOf(this.#context.config, this.#context.login)?.presences === true)
      this.#presences = new Presences(this.core, this.#context.desk, this.signal);
    void this.#beat();
  }

  /** Tries until Slack answers. False = closed meanwhile, or these are no credentials for this workspace. */
  async #authenticate(): Promise<boolean> {
    for (let failures = 0; !this.signal.aborted; failures++) {
      try {
        await this.#whoAmI();
        this.#reachable = true;
        return true;
      } catch (error) {
        if (this.signal.aborted) return false;
        if (error instanceof LoggedOut) {
          this.logOut(error);
          return false;
        }
        this.#tellDown(error instanceof Error ? error.message : "Slack cannot be reached.");
        await this.#sleep(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures));
      }
    }
    return false;
  }

  async #whoAmI(): Promise<void> {
    const { desk } = this.#context;
    const me = await desk.api.call("auth.test", {}, { deed: "say who this token is", repeatable: true });
    const ofOrganisation = me.is_enterprise_install === true;
    desk.api.team = ofOrganisation && this.team.startsWith("T") ? this.team : undefined;
    if (me.team_id !== this.team && me.enterprise_id !== this.team && !ofOrganisation) {
      const there = `${string(me.team_id)} (${string(me.team)})`;
      throw new LoggedOut(`This token belongs to the workspace ${there}, not to ${this.team}: correct the id in the config, or the token.`);
    }
    const bot = filled(me.bot_id);
    const app = filled(me.app_id) ?? desk.self.app ?? (bot === undefined || this.isOwn ? undefined : await this.#appOf(bot));
    desk.self = { user: string(me.user_id), ...(bot === undefined || this.isOwn ? {} : { bot }), ...(app === undefined ? {} : { app }) };
    desk.workspace = filled(me.url);
  }

  async #appOf(bot: string): Promise<string | undefined> {
    const call = { deed: "look the app up", repeatable: true };
    const answer = await this.#context.desk.api.call("bots.info", { bot }, call).catch(() => undefined);
    return filled(record(answer?.bot).app_id);
  }

  /** Whether Slack is there, and takes the token: over HTTP nothing else would say so. */
  async #beat(): Promise<void> {
    for (let swept = this.core.clock.now(); !this.signal.aborted; ) {
      await this.#sleep(this.#reachable ? HEARTBEAT : PROBE);
      if (this.signal.aborted) return;
      try {
        await this.#whoAmI();
        if (!this.#reachable) this.#reached();
      } catch (error) {
        if (this.signal.aborted) return;
        if (error instanceof LoggedOut) return this.logOut(error);
        this.#reachable = false;
        // With a socket it is the socket that tells whether events come.
        if (this.#app.appToken === undefined) this.#tellDown(error instanceof Error ? error.message : "Slack cannot be reached.");
      }
      if (this.core.clock.now() - swept < SWEEP) continue;
      swept = this.core.clock.now();
      this.sweep();
    }
  }

  #reached(): void {
    this.#reachable = true;
    if (this.#app.appToken === undefined) this.#tellUp();
  }

  way(state: SocketState): void {
    this.#way = state;
    if (this.signal.aborted) return;
    switch (state.is) {
      case "up":
        return this.#tellUp();
      case "down":
        return this.#tellDown(state.why);
      case "refused":
        return this.logOut(new LoggedOut(state.why));
    }
  }

  #tellUp(): void {
    if (this.#way?.is !== "up") return;
    if (this.#told === "down") this.#context.desk.directory.forget();
    this.#told = "up";
    this.core.state({ is: "connected", resumed: false });
    this.sweep();
    this.#tell?.missing();
    this.#strays?.look();
  }

  /** A channel is about to be linked. */
  joined(): void {
    this.#tell?.joined();
  }

  /** The app may not post under other names, as it turned out. */
  tellNameless(): void {
    this.#tell?.nameless();
  }

  #tellDown(why: string): void {
    if (this.#told === "down") return;
    this.#told = "down";
    this.core.state({ is: "disconnected", why });
  }

  /** For good, until a person acts. */
  logOut(failure: LoggedOut): void {
    if (this.ended || this.signal.aborted) return;
    this.ended = failure;
    this.core.state({ is: "logged-out", why: failure.message });
    this.close();
  }

  async #sleep(ms: number): Promise<void> {
    await this.core.clock.sleep(ms, this.signal).catch(() => undefined);
  }

  /** Journaled in the order in which they came, whatever has to be looked up for one of them. */
  async take(delivery: Delivery): Promise<void> {
    if (this.signal.aborted) throw new Error("The connection is being closed.");
    const { desk, votes } = this.#context;
    const { body } = delivery;
    if (desk.self.app === undefined && typeof body.api_app_id === "string") desk.self = { ...desk.self, app: body.api_app_id };
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    let received: Promise<void> | undefined;
    try {
      await Promise.all([before, desk.directory.ready(body, this.signal), votes.ready(body)]);
      if (this.signal.aborted) throw new Error("The connection is being closed.");
      received = this.#receive(body);
    } finally {
      resolve();
    }
    await received;
  }

  #receive(body: Json): Promise<void> | undefined {
    const { desk, votes } = this.#context;
    if (body.type === "event_callback") {
      const { type, old_channel_id: from, new_channel_id: to } = record(body.event);
      if (type === "channel_id_changed") {
        // In its turn: what comes next may be said under the new id.
        desk.move(string(from), string(to));
        return this.core.receive([], { moved: desk.moves });
      }
      const events = this.#concerns(body)
        ? [...this.#narrowing.before(body, desk.known), ...fromEvent(body, desk.known), ...this.#profileIn(body)]
        : [];
      if (events.length === 0) return undefined;
      this.#presences?.seen(string(record(body.event).user));
      const cursor = events[0]?.direct ? events[0].cursor : undefined;
      return this.core.receive(
        events.map((event) => this.#withKey(event, body)),
        cursor === undefined ? undefined : this.#strays?.heard(cursor),
      );
    }
    if (body.type === "block_actions" && !this.isOwn) {
      const pressed = votes.press(body);
      return pressed && this.core.receive(pressed.events, pressed.keep);
    }
    const command = filled(body.command) === undefined || this.isOwn ? [] : fromSlash(body, desk.known);
    return command.length === 0 ? undefined : this.core.receive(command);
  }

  #profileIn(body: Json): RemoteEvent[] {
    const { desk } = this.#context;
    // It holds everywhere; Slack tells it of no channel in particular.
    const [channel] = this.core.links();
    const change = this.isOwn || channel === undefined ? undefined : desk.directory.changeIn(record(body.event), desk.self, channel);
    return change ? [change] : [];
  }

  /** The message that shows a file of ours carries no metadata: its file says which send it was. */
  #withKey(event: RemoteEvent, body: Json): RemoteEvent {
    const { awaited } = this.#context.desk;
    if (event.kind !== "message" || !event.echo || event.echo.key !== undefined) return event;
    const file = records(record(body.event).files)
      .map((each) => string(each.id))
      .find((id) => awaited.has(id));
    const key = file === undefined ? undefined : awaited.get(file);
    if (file !== undefined) awaited.delete(file);
    return key === undefined ? event : { ...event, echo: { key } };
  }

  /** A person's login hears what that person may hear; the bot hears what it was let into. Slack names only one of them. */
  #concerns(body: Json): boolean {
    const authorized = records(body.authorizations);
    const event = record(body.event);
    const place = filled(event.channel) ?? string(record(event.item).channel);
    if (authorized.length === 0 || authorized.some(({ user_id }) => user_id === this.#context.desk.self.user)) return true;
    if (this.core.links().includes(channelId(this.team, this.#context.desk.firstId(place)))) return true;
    return !this.isOwn && event.channel_type !== "im" && event.channel_type !== "mpim";
  }

  learn({ body, retry }: Delivery): void {
    if (this.signal.aborted) return;
    if (retry > 0) this.#noteResent();
    const event = record(body.event);
    this.#context.desk.directory.learn(event);
    if (body.type === "block_actions" && !this.isOwn) {
      this.#context.votes
        .show(body)
        .catch((error: unknown) => this.core.log.info({ err: error }, "The results of a poll could not be shown"));
    }
    if (event.type === "app_rate_limited" || body.type === "app_rate_limited") this.#noteResent();
    this.#learnOwn(event);
  }

  /**
   * Slack says that the token is gone. It may mean one that a later installation has replaced, so it is asked; twice, since what it tells
   * comes sooner than what it does.
   */
  async #lost(why: string): Promise<void> {
    for (const wait of [0, CERTAIN]) {
      if (wait > 0) await this.#sleep(wait);
      if (this.signal.aborted) return;
      const good = await this.#whoAmI().then(
        () => true,
        (error: unknown) => !(error instanceof LoggedOut),
      );
      if (!good) return this.logOut(new LoggedOut(why));
    }
    this.core.log.info(why);
  }

  /** What happens to ourselves. */
  #learnOwn(event: Json): void {
    const { desk } = this.#context;
    const place = filled(event.channel) ?? "";
    switch (event.type) {
      case "member_joined_channel":
        if (event.user === desk.self.user) void this.#within.entered(place);
        return;
      case "member_left_channel":
      case "channel_left":
      case "group_left":
        if (event.type !== "member_left_channel" || event.user === desk.self.user) this.#within.left(place);
        return;
      case "tokens_revoked": {
        const tokens = record(event.tokens);
        const gone = [...strings(tokens.bot), ...strings(tokens.oauth)].includes(desk.self.user);
        if (gone) void this.#lost(`This token has been revoked on Slack.${this.isOwn ? "" : ` ${INSTALL_AGAIN}`}`);
        return;
      }
      case "app_uninstalled": {
        const mend = this.isOwn ? "Its admins have to install it again first." : INSTALL_AGAIN;
        void this.#lost(`The app was removed from the workspace. ${mend}`);
        return;
      }
      case "team_access_revoked":
        if (strings(event.team_ids).includes(this.team)) this.logOut(new LoggedOut("The app may no longer serve this workspace."));
        return;
    }
  }

  /** Slack sends again what we did not answer in time, three times; what it has given up on is in the history. */
  #noteResent(): void {
    this.#resent?.();
    this.#resent = this.core.clock.timer(SETTLED, () => {
      this.#resent = undefined;
      if (!this.signal.aborted && this.#told === "up") this.core.state({ is: "connected", resumed: false });
    });
  }

  crowded(others: number): void {
    this.#tell?.crowded(others);
  }

  /** Compares our channels with Slack's. */
  sweep(): void {
    if (!this.isOwn) this.#within.sweep();
  }
}
