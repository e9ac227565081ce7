/** Signing in with Slack: a person's own login, and the installation of the app. https://docs.slack.dev/authentication/installing-with-oauth */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { WebClient } from "@slack/web-api";
import { Broken, LoggedOut, Refused } from "../../core/model/errors.ts";
import type { Login, SignIn, SignInContext, SignInStep } from "../../core/network.ts";
import { DEADLINE } from "./api.ts";
import { appOf, type SlackConfig } from "./config.ts";
import { failureOf } from "./failures.ts";
import { ownLoginId, personId } from "./ids.ts";
import { USER_SCOPES } from "./scopes.ts";
import { filled, type Json, record, string } from "./wire.ts";

export interface Client {
  readonly id: string;
  readonly secret: string;
}

export function clientOf(config: SlackConfig, team: string): Client | undefined {
  const { clientId, clientSecret } = appOf(config, team);
  return clientId === undefined || clientSecret === undefined ? undefined : { id: clientId, secret: clientSecret };
}

/** A word that nobody can guess, by which the answer is known to be to our question. */
export function newState(): string {
  return randomBytes(24).toString("base64url");
}

/** In constant time. */
export function isSameState(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export interface Authorization {
  readonly client: Client;
  readonly team: string;
  readonly redirect: string;
  readonly state: string;
  readonly scopes: { readonly bot?: readonly string[]; readonly user?: readonly string[] };
}

/** Where the browser goes: beside the Web API, which may be a proxy's. */
export function authorizeUrl(config: SlackConfig, { client, team, redirect, state, scopes }: Authorization): string {
  const url = new URL("../oauth/v2/authorize", config.api_url);
  url.searchParams.set("client_id", client.id);
  url.searchParams.set("scope", (scopes.bot ?? []).join(","));
  url.searchParams.set("user_scope", (scopes.user ?? []).join(","));
  url.searchParams.set("redirect_uri", redirect);
  url.searchParams.set("state", state);
  url.searchParams.set("team", team);
  return url.href;
}

/** What Slack gives for the code that the browser brought. */
export async function exchange(config: SlackConfig, client: Client, code: string, redirect: string): Promise<Json> {
  const args = { client_id: client.id, client_secret: client.secret, code, redirect_uri: redirect };
  return await callOnce(config, "", "oauth.v2.access", args, "let you in");
}

async function callOnce(config: SlackConfig, token: string, method: string, args: Json, deed: string): Promise<Json> {
  const options = {
    slackApiUrl: config.api_url,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    timeout: DEADLINE,
    logger: SILENT,
  };
  try {
    return (await new WebClient(token, options).apiCall(method, args)) as unknown as Json;
  } catch (error) {
    const failure = failureOf(error, { deed, repeatable: true, mend: "" });
    // Nobody was logged in yet: it is simply not the right token.
    throw failure instanceof LoggedOut ? new Refused(failure.message) : failure;
  }
}

const SILENT = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => "error" as never,
  setName: () => {},
};

/** The code that came back, once it is certain that it answers our question. Throws `Refused`. */
export function codeIn(query: URLSearchParams, state: string): string {
  if (!isSameState(query.get("state") ?? "", state)) throw new Refused("That was an answer to another question: begin again.");
  const error = query.get("error");
  if (error !== null) throw new Refused(error === "access_denied" ? "Slack was told not to allow it." : "Slack did not allow it.");
  const code = query.get("code");
  if (code === null || code === "") throw new Refused("Slack sent nothing to go on with: begin again.");
  return code;
}

/** The workspaces whose app has what signing in by the browser takes. */
function withClients(config: SlackConfig): readonly string[] {
  return Object.keys(config.workspaces).filter((team) => clientOf(config, team) !== undefined);
}

const withSlack: SignIn<SlackConfig> = {
  id: "slack",
  name: "With Slack",
  ready: (config) => withClients(config).length > 0,
  async start(config, context) {
    const teams = withClients(config);
    if (!context.callback) throw new Refused("The bridge has no public address, so Slack could not send you back: sign in with a token.");
    const [only, ...others] = teams;
    if (only === undefined) throw new Refused("The config names no client_id and client_secret of a Slack app: sign in with a token.");
    if (others.length === 0) return visit(config, context, only);
    return {
      kind: "fields",
      instructions: "Which workspace?",
      fields: [{ id: "workspace", name: "Workspace", choices: teams }],
      submit: async ({ workspace = "" }) => {
        if (!teams.includes(workspace)) throw new Refused("There is no such workspace here.");
        return visit(config, context, workspace);
      },
    };
  },
};

function visit(config: SlackConfig, context: SignInContext, team: string): SignInStep {
  const client = clientOf(config, team);
  const back = context.callback?.();
  if (!client || !back) throw new Refused("Slack could not send you back: sign in with a token.");
  const { state } = back;
  const scopes = { user: USER_SCOPES.map(({ name }) => name) };
  const url = authorizeUrl(config, { client, team, redirect: back.url, state, scopes });
  const next = back.query.then(async (query) => {
    const answer = await exchange(config, client, codeIn(query, state), back.url);
    const person = record(answer.authed_user);
    return await done(config, context, string(person.access_token), filled(answer.app_id));
  });
  // Whoever never looks at it has not made it fail.
  next.catch(() => undefined);
  return { kind: "visit", instructions: "Open this address and allow Causeway to act for you on Slack.", url, next };
}

const withToken: SignIn<SlackConfig> = {
  id: "token",
  name: "With a token",
  async start(config, context) {
    return {
      kind: "fields",
      instructions:
        "Paste a user token (xoxp-…) of an app that is installed in the workspace, with the user scopes that the documentation names.",
      fields: [{ id: "token", name: "Token", secret: true }],
      submit: async ({ token = "" }) => await done(config, context, token.trim(), undefined),
    };
  },
};

/** Whose token it is, says Slack. A bot's is nobody's own. */
async function done(config: SlackConfig, context: SignInContext, token: string, app: string | undefined): Promise<SignInStep> {
  if (token === "") throw new Refused("Slack gave no token of yours: was the permission taken back?");
  const me = await callOnce(config, token, "auth.test", {}, "say whose token this is");
  const user = string(me.user_id);
  // In an organisation the app may be the whole organisation's.
  const team = [string(me.team_id), string(me.enterprise_id)].find((one) => config.workspaces[one] !== undefined);
  if (me.bot_id !== undefined) throw new Refused("That is a bot's token. A token of your own begins with xoxp-.");
  if (team === undefined) throw new Refused(`This bridge does not serve the workspace ${string(me.team) || string(me.team_id)}.`);
  if (user === "") throw new Broken("Slack did not say whose token this is.");
  const login: Login = {
    id: ownLoginId(team, user),
    name: `${string(me.team) || team} as ${string(me.user) || user}`,
    owner: context.owner,
    secrets: { token, ...(app === undefined ? {} : { app }) },
  };
  return { kind: "done", login, person: { id: personId(team, user), name: string(me.user) || user } };
}

export const signIn: readonly SignIn<SlackConfig>[] = [withSlack, withToken];
