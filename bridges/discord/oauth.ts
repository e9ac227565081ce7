/**
 * Which Discord account is somebody's, shown in a browser: the scope `identify` and nothing else. The token that it gives is used once,
 * to ask whose it is, and given back. Nobody is signed in: Discord forbids programs to act as people.
 *
 * https://discord.com/developers/docs/topics/oauth2#authorization-code-grant
 */
import { DefaultUserAgent } from "@discordjs/rest";
import { type APIUser, OAuth2Scopes, Routes } from "discord-api-types/v10";
import { Broken, Refused, TryLater } from "../../core/model/errors.ts";
import type { Person } from "../../core/model/message.ts";
import type { SignIn, SignInContext, SignInStep } from "../../core/network.ts";
import type { DiscordConfig } from "./config.ts";
import { isSnowflake } from "./ids.ts";
import { personOf } from "./people.ts";

type OAuth = NonNullable<DiscordConfig["oauth"]>;

const AUTHORIZE = "https://discord.com/oauth2/authorize";
const PATIENCE = 15_000;

const inBrowser: SignIn<DiscordConfig> = {
  id: "browser",
  name: "Show in a browser which account is yours",
  ready: (config) => config.oauth !== undefined,
  async start(config, context) {
    const { oauth } = config;
    const back = context.callback?.();
    if (!oauth || !back) throw new Refused("Discord could not send you back: `!causeway login discord code` does without a browser.");
    const next = back.query.then(async (query): Promise<SignInStep> => {
      const person = await whoIs(config, oauth, codeIn(query), back.url, context);
      return { kind: "proven", person };
    });
    // Whoever never looks at it has not made it fail.
    next.catch(() => undefined);
    return {
      kind: "visit",
      instructions: "Open this address and allow Causeway to see who you are on Discord. It sees nothing else, and cannot act as you.",
      url: authorizeUrl(config, oauth, back),
      next,
    };
  },
};

function authorizeUrl(
  config: DiscordConfig,
  { client_id }: OAuth,
  { url, state }: { readonly url: string; readonly state: string },
): string {
  // A stand-in has its own; Discord's own stands beside its API.
  const base = config.api_url === "https://discord.com/api" ? AUTHORIZE : `${config.api_url.replace(/\/api$/, "")}/oauth2/authorize`;
  const query = { response_type: "code", client_id, scope: OAuth2Scopes.Identify, state, redirect_uri: url, prompt: "consent" };
  return `${base}?${new URLSearchParams(query).toString()}`;
}

function codeIn(query: URLSearchParams): string {
  if (query.get("error") !== null) throw new Refused("Discord was told not to allow it.");
  const code = query.get("code");
  if (code === null || code === "") throw new Refused("Discord sent nothing to go on with: begin again.");
  return code;
}

async function whoIs(config: DiscordConfig, oauth: OAuth, code: string, redirect: string, { signal }: SignInContext): Promise<Person> {
  const grant = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: redirect });
  const answer = await asked(config, Routes.oauth2TokenExchange(), signal, { method: "POST", headers: asApplication(oauth), body: grant });
  const token = answer["access_token"];
  if (typeof token !== "string" || token === "") throw new Broken("Discord gave no token for the code.");
  try {
    const user = await asked(config, Routes.user(), signal, { headers: { authorization: `Bearer ${token}` } });
    if (!isSnowflake(user["id"])) throw new Broken("Discord did not say whose account it is.");
    return personOf(user as unknown as APIUser, undefined, undefined, "");
  } finally {
    const body = new URLSearchParams({ token, token_type_hint: "access_token" });
    const back = { method: "POST", headers: asApplication(oauth), body };
    await asked(config, Routes.oauth2TokenRevocation(), signal, back).catch(() => undefined);
  }
}

function asApplication({ client_id, client_secret }: OAuth): Record<string, string> {
  return {
    authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`,
    "content-type": "application/x-www-form-urlencoded",
  };
}

/** What is wrong is said without what was sent: it holds secrets. */
async function asked(config: DiscordConfig, path: string, signal: AbortSignal, init: RequestInit): Promise<Record<string, unknown>> {
  const headers = { "user-agent": DefaultUserAgent, ...(init.headers as Record<string, string>) };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  const answer = await fetch(`${config.api_url}/v10${path}`, { ...init, headers, signal: limit }).catch(() => undefined);
  if (!answer || answer.status >= 500 || answer.status === 429)
    throw new TryLater("Discord cannot be reached: begin again.", 5_000, "item");
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.status === 401) throw new Refused("Discord does not know the bridge by its client_id and client_secret: tell an admin.");
  if (!answer.ok) throw new Refused("Discord did not accept the code: begin again.");
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

export const signIn: readonly SignIn<DiscordConfig>[] = [inBrowser];
