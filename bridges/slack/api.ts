/** Slack's Web API for one token: paced, with a deadline, and with failures that say what to do next. */
import { LogLevel, WebClient } from "@slack/web-api";
import type { Logger as SlackLogger } from "@slack/logger";
import type { Logger } from "pino";
import type { Clock } from "../../core/network.ts";
import { type Doing, failureOf, retryAfter } from "./failures.ts";
import { PATIENCE, type Pacing } from "./pacing.ts";
import { type Json, record, strings } from "./wire.ts";

/** A call that is not answered by then never will be. */
export const DEADLINE = 15_000;

export interface ApiContext {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly pacing: Pacing;
  /** What helps when the token is no longer good. */
  readonly mend?: string;
}

export interface Call extends Doing {
  /** Whose limit counts, and whose queue waits. */
  readonly channel?: string;
  /** How long to wait for a turn at most, milliseconds. Default: two seconds. */
  readonly patience?: number;
}

/** Methods that want to be told the workspace by a token of a whole organisation. https://docs.slack.dev/enterprise/organization-ready-apps */
const OF_A_TEAM = new Set(["bots.info", "conversations.list", "usergroups.list", "users.conversations", "users.list"]);

export class Api {
  readonly #context: ApiContext;
  readonly #client: WebClient;
  /** What the token may do, as Slack last said; undefined until it has. */
  scopes: readonly string[] | undefined;
  /** The workspace that is meant, where the token is good for all of an organisation's. */
  team: string | undefined;

  constructor(token: string, context: ApiContext) {
    this.#context = context;
    this.#client = new WebClient(token, clientOptions(context));
  }

  /** Rejects with one of the five errors. */
  async call(method: string, args: Readonly<Record<string, unknown>>, call: Call): Promise<Json> {
    const { pacing, signal } = this.#context;
    try {
      signal.throwIfAborted();
      await pacing.turn(method, call.channel, call.patience ?? PATIENCE, signal);
      return await this.callNow(method, this.team !== undefined && OF_A_TEAM.has(method) ? { team_id: this.team, ...args } : args);
    } catch (error) {
      const after = retryAfter(error);
      if (after !== undefined) pacing.limited(method, call.channel, after);
      const { mend } = this.#context;
      throw failureOf(error, mend === undefined ? call : { mend, ...call });
    }
  }

  /** Without a turn, and with Slack's own errors: for who reads their codes. */
  async callNow(method: string, args: Readonly<Record<string, unknown>>): Promise<Json> {
    const answer = (await this.#client.apiCall(method, args)) as unknown as Json;
    const scopes = record(answer.response_metadata).scopes;
    if (Array.isArray(scopes)) this.scopes = strings(scopes);
    return answer;
  }

  /** False only when Slack has said so. */
  may(scope: string): boolean {
    return this.scopes?.includes(scope) ?? true;
  }
}

export type ClientContext = Pick<ApiContext, "url" | "clock" | "log" | "signal">;

/** No repeats and no stalls of the client's own: both are decided here, per method. */
export function clientOptions(context: ClientContext) {
  return {
    slackApiUrl: context.url,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    timeout: DEADLINE,
    logger: quietLogger(context.log),
    fetch: deadlined(context),
  };
}

/** Time runs by the clock, which may be faster than the wall's; a connection that closes takes its calls with it. */
function deadlined({ clock, signal }: ClientContext): typeof fetch {
  return async (input, init) => {
    const late = new AbortController();
    const cancel = clock.timer(DEADLINE, () => late.abort(new Error("Slack did not answer in time.")));
    const signals = [late.signal, signal, ...(init?.signal ? [init.signal] : [])];
    try {
      return await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    } finally {
      cancel();
    }
  };
}

/** Slack's packages write whole requests at their debug level: none of that is written down. */
export function quietLogger(log: Logger): SlackLogger {
  const words = (parts: readonly unknown[]): string =>
    parts
      .map(String)
      .join(" ")
      .replace(/xox[a-z]-[\w-]+|xapp-[\w-]+|wss?:\/\/\S+/g, "[hidden]");
  return {
    debug: () => {},
    info: (...parts) => log.debug(words(parts)),
    warn: (...parts) => log.debug(words(parts)),
    error: (...parts) => log.debug(words(parts)),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}
