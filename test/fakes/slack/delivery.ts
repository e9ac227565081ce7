/**
 * Events on their way to apps: over whatever socket is open, or to the app's address; again when nobody acknowledged, three times at most.
 * https://docs.slack.dev/apis/events-api#error-handling
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../../core/network.ts";
import { signature } from "../../../bridges/slack/signature.ts";
import { EVENT_SCOPES } from "./scopes.ts";
import type { Sockets } from "./sockets.ts";
import type { App, Channel, Grant, State, Team } from "./state.ts";

type Json = Record<string, unknown>;

/** Nobody answered: how long until it is tried again, milliseconds. */
const AGAIN = [0, 60_000, 300_000] as const;
const ANSWER_WITHIN = 3_000;

export interface Payload {
  readonly app: App;
  readonly kind: "events_api" | "interactive" | "slash_commands";
  readonly body: Json;
}

export class Delivery {
  readonly #state: State;
  readonly #clock: Clock;
  readonly #sockets: Sockets;
  /** One request at a time, so that what is not disturbed arrives in order. */
  readonly #lines = new Map<App, Promise<void>>();
  readonly sent: Payload[] = [];
  /** Slack is away: nothing leaves it. */
  down = false;
  /** Nobody hears from Slack any more, though all seems well. */
  hanging = false;
  #held: Payload[] | undefined;

  constructor(state: State, clock: Clock, sockets: Sockets) {
    this.#state = state;
    this.#clock = clock;
    this.#sockets = sockets;
  }

  /** Tells each app that is subscribed and may hear it, once; with one of those on whose behalf it may. */
  tell(team: Team, channel: Channel | undefined, subscription: string, event: (app: App) => Json): void {
    for (const app of this.#state.apps.values()) {
      const hears = [...this.#state.grants.values()].filter((grant) => mayHear(grant, app, team, channel, subscription));
      const [first] = hears.sort((a, b) => Number(b.bot !== undefined) - Number(a.bot !== undefined));
      if (first) this.send({ app, kind: "events_api", body: envelope(app, first, event(app)) });
    }
  }

  /** To an app itself, whoever is or was logged in. */
  tellApp(app: App, team: Team, event: Json): void {
    this.send({ app, kind: "events_api", body: { ...envelopeHead(app, team), event } });
  }

  send(payload: Payload): void {
    if (this.#held) return void this.#held.push(payload);
    this.sent.push(payload);
    if (this.down || this.hanging) return;
    const { urls } = payload.app;
    if (!urls) return this.#sockets.deliver(payload);
    const before = this.#lines.get(payload.app) ?? Promise.resolve();
    this.#lines.set(
      payload.app,
      before.then(() => this.#post(payload, 0)),
    );
  }

  /** From now on events wait; `release` lets them go, in the order that it makes of them. */
  hold(): (order?: (events: Payload[]) => Payload[]) => void {
    this.#held = [];
    return (order = (events) => events) => {
      const held = order(this.#held ?? []);
      this.#held = undefined;
      for (const payload of held) this.send(payload);
    };
  }

  /** What was sent last, once more. */
  repeat(): void {
    const last = this.sent.findLast(({ kind }) => kind === "events_api");
    if (!last) return;
    if (last.app.urls) void this.#post(last, 1);
    else this.#sockets.deliver(last, 1);
  }

  /** Resolves when nothing more is on its way over HTTP. */
  async settled(): Promise<void> {
    await Promise.all(this.#lines.values());
  }

  async #post(payload: Payload, attempt: number, reason = "http_timeout"): Promise<void> {
    const failure = await this.#postOnce(payload, attempt, reason);
    const wait = AGAIN[attempt];
    if (failure === undefined || wait === undefined || payload.kind !== "events_api" || this.down) return;
    this.#clock.timer(wait, () => void this.#post(payload, attempt + 1, failure));
  }

  /** Why it failed, in Slack's words. */
  async #postOnce({ app, kind, body }: Payload, attempt: number, reason: string): Promise<string | undefined> {
    const url = { events_api: app.urls?.events, interactive: app.urls?.interactivity, slash_commands: app.urls?.commands }[kind];
    if (url === undefined) return undefined;
    const text = kind === "events_api" ? JSON.stringify(body) : formOf(kind, body);
    const at = String(Math.floor(Date.now() / 1000));
    const late = new AbortController();
    const cancel = this.#clock.timer(Math.max(ANSWER_WITHIN, 20_000), () => late.abort());
    try {
      const response = await fetch(url, {
        method: "POST",
        body: text,
        signal: late.signal,
        headers: {
          "content-type": kind === "events_api" ? "application/json" : "application/x-www-form-urlencoded",
          "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
          "x-slack-request-timestamp": at,
          "x-slack-signature": signature(app.signingSecret, at, text),
          ...(attempt > 0 ? { "x-slack-retry-num": String(attempt), "x-slack-retry-reason": reason } : {}),
        },
      });
      await response.arrayBuffer();
      return response.ok ? undefined : "http_error";
    } catch {
      return late.signal.aborted ? "http_timeout" : "connection_failed";
    } finally {
      cancel();
    }
  }
}

function formOf(kind: Payload["kind"], body: Json): string {
  if (kind === "interactive") return new URLSearchParams({ payload: JSON.stringify(body) }).toString();
  return new URLSearchParams(Object.entries(body).map(([key, value]): [string, string] => [key, String(value)])).toString();
}

function mayHear(grant: Grant, app: App, team: Team, channel: Channel | undefined, subscription: string): boolean {
  if (grant.app !== app || grant.team !== team || grant.revoked) return false;
  if (!(grant.bot === undefined ? app.userEvents : app.botEvents).has(subscription)) return false;
  if (channel && !channel.members.has(grant.user.id)) return false;
  const wanted =
    EVENT_SCOPES[subscription] ?? (subscription.startsWith("message.") ? `${subscription.slice("message.".length)}:history` : undefined);
  return wanted === undefined || grant.scopes.has(wanted);
}

function envelope(app: App, grant: Grant, event: Json): Json {
  const authorization = {
    enterprise_id: null,
    team_id: grant.team.id,
    user_id: grant.user.id,
    is_bot: grant.bot !== undefined,
    is_enterprise_install: false,
  };
  return {
    ...envelopeHead(app, grant.team),
    event,
    authorizations: [authorization],
    is_ext_shared_channel: false,
    event_context: `4-${randomUUID()}`,
  };
}

function envelopeHead(app: App, team: Team): Json {
  return {
    token: "verification-token",
    team_id: team.id,
    context_team_id: team.id,
    context_enterprise_id: null,
    api_app_id: app.id,
    type: "event_callback",
    event_id: `Ev${randomUUID().replaceAll("-", "").slice(0, 10).toUpperCase()}`,
    event_time: Math.floor(Date.now() / 1000),
  };
}
