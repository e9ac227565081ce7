/** Who one is: versions, registration, login, profile. */
import { randomBytes } from "node:crypto";
import type { Accounts } from "../accounts.ts";
import { readIdentifier } from "../accounts.ts";
import { invalidParam, missingParam, notFound, Refusal, unknownError } from "../refusal.ts";
import { defaultVersion, roomVersionIds } from "../room-versions.ts";
import type { Call, Router } from "../router.ts";
import { send } from "../send.ts";
import type { Server } from "../server.ts";
import type { Json } from "../types.ts";

export function accountRoutes(router: Router, server: Server): void {
  const { accounts } = server;
  router.at("GET", "/_matrix/client/versions", { auth: "none" }, () => ({
    versions: ["r0.6.1", ...Array.from({ length: 15 }, (_, index) => `v1.${index + 1}`)],
    unstable_features: { "fi.mau.msc2659.stable": true },
  }));
  router.at("GET", "/health", { auth: "none" }, () => ({}));
  router.client("GET", "/capabilities", {}, () => ({
    capabilities: {
      "m.room_versions": { default: defaultVersion, available: Object.fromEntries(roomVersionIds.map((id) => [id, "stable"])) },
      "m.change_password": { enabled: true },
      "m.set_displayname": { enabled: true },
      "m.set_avatar_url": { enabled: true },
    },
  }));
  router.client("POST", "/register", { auth: "none", body: "json" }, (call) => register(server, call));
  router.client("GET", "/register/available", { auth: "none" }, ({ query }) => {
    if (accounts.get(`@${query.get("username")}:${server.name}`)?.registered)
      throw new Refusal(400, "M_USER_IN_USE", "User ID already taken.");
    return { available: true };
  });
  router.client("GET", "/login", { auth: "none" }, () => ({ flows: [{ type: "m.login.password" }] }));
  router.client("POST", "/login", { auth: "none", body: "json" }, (call) => login(accounts, call));
  router.client("POST", "/logout", { body: "maybe" }, ({ token }) => {
    accounts.logout(token ?? "");
    return {};
  });
  router.client("POST", "/logout/all", { body: "maybe" }, ({ who }) => {
    accounts.logoutAll(who.user);
    return {};
  });
  router.client("GET", "/account/whoami", {}, ({ who }) => ({
    user_id: who.user,
    is_guest: false,
    ...(who.device === undefined ? {} : { device_id: who.device }),
  }));
  profileRoutes(router, server);
}

function register(server: Server, { body, token }: Call): Json {
  const name = body["username"];
  if (body["type"] === "m.login.application_service") return registerGhost(server, body, token);
  if (token !== undefined) {
    throw unknownError("An access token should not be provided on requests to /register (except if type is m.login.application_service)");
  }
  if (name !== undefined && typeof name !== "string") throw unknownError("Invalid username");
  const auth = body["auth"] as Json | undefined;
  if (auth?.["type"] !== "m.login.dummy") {
    throw new Refusal(401, "M_FORBIDDEN", "Say who you are", { session: "session", flows: [{ stages: ["m.login.dummy"] }], params: {} });
  }
  const password = body["password"];
  if (typeof password !== "string") throw missingParam("No password");
  const account = server.accounts.register((name ?? randomBytes(6).toString("hex")).toLowerCase(), password);
  const device = body["device_id"];
  const session = server.accounts.login(account.user, typeof device === "string" ? device : undefined);
  return { user_id: account.user, home_server: server.name, ...(body["inhibit_login"] === true ? {} : session) };
}

/** With Matrix Authentication Service, a service's users have no logins: it must say that it wants none. */
function registerGhost(server: Server, body: Json, token: string | undefined): Json {
  if (body["inhibit_login"] !== true) {
    throw new Refusal(
      400,
      "M_APPSERVICE_LOGIN_UNSUPPORTED",
      "This server uses OAuth2, so the inhibit_login parameter must be set to true for appservice registrations.",
    );
  }
  if (token === undefined) throw unknownError("Appservice token must be provided when using a type of m.login.application_service");
  const service = server.services.byToken(token);
  if (!service) throw new Refusal(401, "M_UNKNOWN_TOKEN", "Unrecognised access token");
  const name = body["username"];
  if (typeof name !== "string") throw unknownError("Desired Username is missing or not a string");
  return { user_id: server.accounts.register(name, undefined, service).user, home_server: server.name };
}

function login(accounts: Accounts, { body }: Call): Json {
  if (body["type"] === "m.login.application_service") {
    throw new Refusal(400, "M_APPSERVICE_LOGIN_UNSUPPORTED", "This server uses OAuth2: application services have no logins.");
  }
  if (body["type"] !== "m.login.password") throw unknownError("Unknown login type");
  const device = body["device_id"];
  const { user, ...session } = accounts.loginWithPassword(
    readIdentifier(body),
    body["password"],
    typeof device === "string" ? device : undefined,
  );
  return { user_id: user, ...session };
}

const longestName = 256;
const longestUrl = 1000;

function profileRoutes(router: Router, server: Server): void {
  const profileOf = (call: Call): Json => {
    const user = call.param("user");
    if (!/^@[^:]*:.+$/.test(user)) throw invalidParam("Invalid user id");
    return server.accounts.requireKnown(user).profile;
  };
  router.client("GET", "/profile/:user", { auth: "none" }, (call) => ({ ...profileOf(call) }));
  router.client("GET", "/profile/:user/:field", { auth: "none" }, (call) => {
    const field = call.param("field");
    const value = profileOf(call)[field];
    if (value === undefined && field !== "displayname" && field !== "avatar_url") throw notFound("Profile was not found");
    return value === undefined ? {} : { [field]: value };
  });
  const change = (call: Call, value: unknown): Json => {
    const field = call.param("field");
    if (call.param("user") !== call.who.user) throw new Refusal(400, "M_FORBIDDEN", `Cannot set another user's ${field}`);
    const isName = field === "displayname" || field === "avatar_url";
    if (isName && typeof value !== "string") throw invalidParam(`'${field}' must be a string`);
    if (typeof value === "string" && value.length > (field === "displayname" ? longestName : longestUrl))
      throw unknownError(`${field} is too long`);
    const { profile } = server.accounts.of(call.who.user);
    if (value === "") delete profile[field];
    else profile[field] = value;
    if (isName) tellRooms(server, call.who.user);
    return {};
  };
  router.client("PUT", "/profile/:user/:field", { body: "json" }, (call) => change(call, call.body[call.param("field")]));
  router.client("DELETE", "/profile/:user/:field", {}, (call) => change(call, ""));
}

const telling = new WeakMap<Server, Set<string>>();

/** A new name or avatar becomes one membership event in every room, a moment later: two changes at once are told together. */
function tellRooms(server: Server, user: string): void {
  const waiting = telling.get(server) ?? new Set<string>();
  telling.set(server, waiting);
  if (waiting.has(user)) return;
  waiting.add(user);
  setImmediate(() => {
    waiting.delete(user);
    for (const room of server.accounts.of(user).rooms.values()) {
      if (!room.joined.has(user)) continue;
      send(server, room, { type: "m.room.member", sender: user, state_key: user, content: { membership: "join" } });
    }
  });
}
