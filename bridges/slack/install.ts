/**
 * Installing the app by the browser: `install` sends it to Slack, `oauth` takes what it brings back. The token is kept sealed, and a new
 * one for the same workspace takes the old one's place, so that all links go on.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Core } from "../../core/network.ts";
import { Refused } from "../../core/model/errors.ts";
import type { SlackConfig } from "./config.ts";
import { authorizeUrl, type Client, codeIn, exchange, isSameState, newState } from "./oauth.ts";
import { BOT_SCOPES } from "./scopes.ts";
import { filled, record, string } from "./wire.ts";

const COOKIE = "causeway_slack";
/** How long somebody may take to say yes, milliseconds. */
const PATIENCE = 10 * 60_000;

/** What Slack's terms of 2025 mean for whoever installs somebody else's app. */
const DISTRIBUTED =
  "Is this an app that is distributed to other workspaces outside of Slack's marketplace? Then Slack lets it read histories at one call a minute with 15 rows, so catching up takes long, and forbids it to keep lasting copies of what it reads. An internal app of the workspace's own has neither limit.";

interface Installed {
  readonly token: string;
  /** Of the token in the config at that time: when that is changed, the config counts again. */
  readonly besides: string;
}

export interface InstallContext {
  readonly config: SlackConfig;
  readonly client: Client;
  readonly team: string;
  readonly core: Core;
  readonly configured: string;
  /** The app has been installed, with this token. */
  installed(token: string): void;
}

const fingerprint = (token: string): string => createHash("sha256").update(token).digest("base64url");

/** The token to use: the one of the last installation, unless the config has been changed since. */
export async function tokenOf(core: Core, configured: string): Promise<string> {
  const kept = record(await core.keep.get("installed")) as Partial<Installed>;
  return kept.token !== undefined && kept.besides === fingerprint(configured) ? kept.token : configured;
}

export function routeInstall(context: InstallContext): void {
  const { core } = context;
  const open = new Map<string, number>();
  core.route("install", (_request, response) => begin(context, open, response));
  core.route("oauth", (request, response) => finish(context, open, request, response));
}

async function begin({ config, client, team, core }: InstallContext, open: Map<string, number>, response: ServerResponse): Promise<void> {
  const state = newState();
  for (const [old, until] of open) if (until < core.clock.now()) open.delete(old);
  if (open.size > 100) open.delete(open.keys().next().value as string);
  open.set(state, core.clock.now() + PATIENCE);
  const scopes = { bot: BOT_SCOPES.map(({ name }) => name) };
  const location = authorizeUrl(config, { client, team, redirect: `${core.publicUrl}/oauth`, state, scopes });
  const secure = core.publicUrl?.startsWith("https:") ? "; Secure" : "";
  const cookie = `${COOKIE}=${state}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${PATIENCE / 1000}${secure}`;
  response.writeHead(302, { location, "set-cookie": cookie, "cache-control": "no-store" }).end();
}

/**
 * What comes back must be an answer to our question, by the browser that was sent, and is good once. Some keep no cookies: for them the
 * word that nobody can guess has to do, and the workspace is ours in any case.
 */
async function finish(
  context: InstallContext,
  open: Map<string, number>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { searchParams } = new URL(request.url ?? "/", "http://localhost");
    const state = searchParams.get("state") ?? "";
    const sent = cookieOf(request);
    const until = open.get(state) ?? 0;
    open.delete(state);
    if (until < context.core.clock.now() || (sent !== undefined && !isSameState(sent, state)))
      throw new Refused("Begin again: this took too long, or came from elsewhere.");
    await install(context, codeIn(searchParams, state));
    page(response, 200, `Causeway is installed in your Slack workspace. You can close this page. ${DISTRIBUTED}`);
  } catch (error) {
    context.core.log.info({ err: error }, "An installation in Slack was not finished");
    page(response, 400, error instanceof Error ? error.message : "That did not work.");
  }
}

function cookieOf(request: IncomingMessage): string | undefined {
  const found = (request.headers.cookie ?? "").split(/;\s*/).find((pair) => pair.startsWith(`${COOKIE}=`));
  return found?.slice(COOKIE.length + 1);
}

async function install(context: InstallContext, code: string): Promise<void> {
  const { config, client, core, team, configured } = context;
  const answer = await exchange(config, client, code, `${core.publicUrl}/oauth`);
  const there = string(record(answer.team).id) || string(record(answer.enterprise).id);
  const token = filled(answer.access_token);
  if (there !== team && answer.is_enterprise_install !== true)
    throw new Refused(`That was another workspace (${there}): this address is for ${team}.`);
  if (token === undefined) throw new Refused("Slack gave no token for the app's bot.");
  await core.keep.set("installed", { token, besides: fingerprint(configured) } satisfies Installed);
  context.installed(token);
}

function page(response: ServerResponse, status: number, text: string): void {
  const shown = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'",
    })
    .end(`<!doctype html><title>Causeway</title><p>${shown}</p>`);
}
