/** Discord's OAuth2, as far as `identify` takes it. https://discord.com/developers/docs/topics/oauth2#authorization-code-grant */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { APIUser } from "discord-api-types/v10";

interface Grant {
  readonly user: APIUser;
  readonly redirect: string;
  readonly scope: string;
}

export class FakeOAuth {
  readonly secret = randomBytes(16).toString("base64url");
  /** Registered in the portal; empty = any. */
  readonly redirects = new Set<string>();
  readonly tokens = new Map<string, Grant>();
  readonly #codes = new Map<string, Grant>();
  readonly #client: () => string;

  constructor(client: () => string) {
    this.#client = client;
  }

  /** Somebody opens the address that they were given, and allows it. Returns the code that their browser brings back. */
  consent(user: APIUser, asked: URLSearchParams): string {
    if (asked.get("response_type") !== "code") throw new Error("unsupported response_type");
    if (asked.get("client_id") !== this.#client()) throw new Error("unknown application");
    if (!asked.get("state") || !asked.get("scope")) throw new Error("state and scope have to be there");
    const redirect = asked.get("redirect_uri") ?? "";
    if (this.redirects.size > 0 && !this.redirects.has(redirect)) throw new Error("Invalid OAuth2 redirect_uri");
    const code = randomBytes(15).toString("base64url");
    this.#codes.set(code, { user, redirect, scope: asked.get("scope") as string });
    return code;
  }

  /** `/oauth2/token` and `/oauth2/token/revoke`: form-encoded, never JSON. */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const answer = (status: number, body: object) =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    let text = "";
    for await (const chunk of request) text += String(chunk);
    if (request.method !== "POST") return answer(405, { message: "405: Method Not Allowed", code: 0 });
    if (!(request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded"))
      return answer(400, { error: "invalid_request" });
    const form = new URLSearchParams(text);
    if (!this.#isClient(request, form)) return answer(401, { error: "invalid_client" });
    if (path === "/oauth2/token/revoke") {
      this.tokens.delete(form.get("token") ?? "");
      return answer(200, {});
    }
    const grant = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    if (form.get("grant_type") !== "authorization_code" || !grant || grant.redirect !== form.get("redirect_uri"))
      return answer(400, { error: "invalid_grant", error_description: 'Invalid "code" in request.' });
    const token = randomBytes(20).toString("base64url");
    this.tokens.set(token, grant);
    answer(200, { access_token: token, token_type: "Bearer", expires_in: 604_800, refresh_token: "never used", scope: grant.scope });
  }

  #isClient(request: IncomingMessage, form: URLSearchParams): boolean {
    const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const given = basic ? Buffer.from(basic, "base64").toString() : `${form.get("client_id")}:${form.get("client_secret")}`;
    return given === `${this.#client()}:${this.secret}`;
  }
}
