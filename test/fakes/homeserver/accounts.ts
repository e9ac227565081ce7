/** Accounts, access tokens and who a request speaks as. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { exclusive, forbidden, invalidParam, missingParam, Refusal, unknownError } from "./refusal.ts";
import type { Room } from "./room.ts";
import type { Server } from "./server.ts";
import { ownsUser } from "./services.ts";
import type { Json, Requester } from "./types.ts";

export interface Account {
  readonly user: string;
  /** False: somebody invited it, or it is a service's sender that has only acted so far. */
  registered: boolean;
  password: string | undefined;
  /** `displayname`, `avatar_url`, and whatever else people put there. */
  readonly profile: Json;
  /** Rooms that the user is or was in. */
  readonly rooms: Map<string, Room>;
  readonly forgotten: Set<string>;
  /** Account data: global under "", else by room. */
  readonly data: Map<string, Map<string, { content: Json; stream: number }>>;
  readonly filters: Json[];
  presence: { presence: string; status_msg?: string; last: number; stream: number } | undefined;
}

const localpart = /^[a-z0-9._=\-/+]+$/;

export class Accounts {
  readonly #server: Server;
  readonly #accounts = new Map<string, Account>();
  readonly #tokens = new Map<string, { user: string; device: string }>();

  constructor(server: Server) {
    this.#server = server;
  }

  get(user: string): Account | undefined {
    return this.#accounts.get(user);
  }

  /** The account, made when the sender of a service acts before it has registered: Synapse lets it. */
  of(user: string): Account {
    const known = this.get(user);
    if (known) return known;
    const account: Account = {
      user,
      registered: false,
      password: undefined,
      profile: {},
      rooms: new Map(),
      forgotten: new Set(),
      data: new Map(),
      filters: [],
      presence: undefined,
    };
    this.#accounts.set(user, account);
    return account;
  }

  get all(): Iterable<Account> {
    return this.#accounts.values();
  }

  /** Somebody's membership in a room has changed. */
  moved(user: string, room: Room): void {
    if (!user.endsWith(`:${this.#server.name}`)) return;
    const account = this.of(user);
    account.rooms.set(room.id, room);
    if (room.membership(user) !== "leave") account.forgotten.delete(room.id);
  }

  register(name: string, password: string | undefined, by?: Requester["service"]): Account {
    const user = `@${name}:${this.#server.name}`;
    if (!localpart.test(name)) throw new Refusal(400, "M_INVALID_USERNAME", "User ID can only contain characters a-z, 0-9, or '=_-./+'");
    if (user.length > 255) throw new Refusal(400, "M_INVALID_USERNAME", "User ID may not be longer than 255 characters");
    if (by) {
      if (!ownsUser(by, user)) throw exclusive("Invalid user localpart for this application service.");
    } else {
      if (name.startsWith("_")) throw new Refusal(400, "M_INVALID_USERNAME", "User ID may not begin with _");
      if (this.#server.services.claimingUser(user)) throw exclusive("This user ID is reserved by an application service.");
    }
    if (this.get(user)?.registered) throw new Refusal(400, "M_USER_IN_USE", "User ID already taken.");
    const account = this.of(user);
    account.registered = true;
    account.password = password;
    account.profile.displayname = name;
    return account;
  }

  /** A new access token. The device's old ones end. */
  login(user: string, device = randomBytes(5).toString("hex").toUpperCase()): { access_token: string; device_id: string } {
    for (const [token, session] of this.#tokens) if (session.user === user && session.device === device) this.#tokens.delete(token);
    const token = `syt_${randomBytes(24).toString("base64url")}`;
    this.#tokens.set(token, { user, device });
    return { access_token: token, device_id: device };
  }

  loginWithPassword(name: string, password: unknown, device?: string): { user: string; access_token: string; device_id: string } {
    const user = name.startsWith("@") ? name : `@${name}:${this.#server.name}`;
    const account = this.get(user.toLowerCase());
    if (typeof password !== "string" || account?.password === undefined || !sameText(account.password, password)) {
      throw forbidden("Invalid username or password");
    }
    return { user: account.user, ...this.login(account.user, device) };
  }

  logout(token: string): void {
    this.#tokens.delete(token);
  }

  logoutAll(user: string): void {
    for (const [token, session] of this.#tokens) if (session.user === user) this.#tokens.delete(token);
  }

  /** Who speaks: a person by their token, a service as its bot or as one of its own (`user_id`). */
  requester(token: string | undefined, asUser: string | undefined): Requester {
    if (token === undefined) throw new Refusal(401, "M_MISSING_TOKEN", "Missing access token");
    const service = this.#server.services.byToken(token);
    if (service) {
      const user = asUser ?? service.sender;
      if (!ownsUser(service, user)) throw forbidden(`Application service cannot masquerade as this user (${user}).`);
      if (user !== service.sender && !this.get(user)?.registered) {
        throw forbidden(`Application service has not registered this user (${user})`);
      }
      return { user, session: `service ${service.id}`, service };
    }
    const session = this.#tokens.get(token);
    if (!session) throw new Refusal(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", { soft_logout: false });
    return { user: session.user, session: `${session.user} ${session.device}`, device: session.device };
  }

  requireKnown(user: string): Account {
    const account = this.get(user);
    if (!account?.registered) throw new Refusal(404, "M_UNKNOWN", "No row found (profiles)");
    return account;
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `localpart` of an identifier object as `/login` takes it, or of the old `user` key. */
export function readIdentifier(body: Json): string {
  const identifier = body["identifier"] as Json | undefined;
  const user = identifier?.["user"] ?? body["user"];
  if (identifier && identifier["type"] !== "m.id.user") throw unknownError("Unknown login identifier type");
  if (typeof user !== "string") throw missingParam("User identifier is missing 'user' key");
  if (user === "") throw invalidParam("Empty user");
  return user;
}
