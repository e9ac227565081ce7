/**
 * What the homeserver calls: transactions, queries, ping, third-party look-ups (application service API v1.15), under the paths of
 * today and the old ones. Nothing is answered with 200 before the callback says it is safe on disk.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import type { Logger } from "pino";
import type { Mxid, RoomAlias } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import { isMxid, isRecord, type MatrixEphemeral, type MatrixEvent, readEphemeral, readEvent } from "./event.ts";

export interface AppserviceOptions {
  readonly hsToken: string;
  readonly calls: AppserviceCalls;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface AppserviceCalls {
  /** Resolves when all of it is on disk. When it rejects, the homeserver is told to send the transaction again. */
  transaction(events: readonly MatrixEvent[], ephemeral: readonly MatrixEphemeral[]): Promise<void>;
  /** Whether the ghost exists, made on demand where it can be. Has a second; what takes longer goes on, and is true at the next asking. */
  user(whom: Mxid): Promise<boolean>;
  /** As `user`, for a portal. */
  room(alias: RoomAlias): Promise<boolean>;
  /** The homeserver reached us, as `MatrixClient.ping` asked it to. */
  pinged?(txnId: string | undefined): void;
  readonly thirdParty?: ThirdParty;
}

/** Third-party look-ups. `fields` is what someone typed into a client's form; an empty list = nobody, nothing. */
export interface ThirdParty {
  protocol(protocol: string): Promise<ThirdPartyProtocol | undefined>;
  locations(protocol: string, fields: Readonly<Record<string, string>>): Promise<readonly ThirdPartyLocation[]>;
  users(protocol: string, fields: Readonly<Record<string, string>>): Promise<readonly ThirdPartyUser[]>;
  locationOf(alias: RoomAlias): Promise<readonly ThirdPartyLocation[]>;
  userOf(whom: Mxid): Promise<readonly ThirdPartyUser[]>;
}

export interface ThirdPartyProtocol {
  readonly user_fields: readonly string[];
  readonly location_fields: readonly string[];
  readonly icon: string;
  readonly field_types: Readonly<Record<string, { readonly regexp: string; readonly placeholder: string }>>;
  readonly instances: readonly {
    readonly desc: string;
    readonly network_id: string;
    readonly fields: Readonly<Record<string, string>>;
    readonly icon?: string;
  }[];
}

export interface ThirdPartyLocation {
  readonly alias: RoomAlias;
  readonly protocol: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface ThirdPartyUser {
  readonly userid: Mxid;
  readonly protocol: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A transaction of a hundred large events stays far below; one that we refused would stop the homeserver's queue for ever. */
const MOST_BYTES = 50 * 1024 * 1024;
/** The homeserver holds back the transactions that follow while it waits for a query. */
const QUERY_LIMIT = 900;

/** An answer that is no success. */
class Refusal extends Error {
  readonly status: number;
  readonly errcode: string;
  constructor(status: number, errcode: string, message: string) {
    super(message);
    this.status = status;
    this.errcode = errcode;
  }
}

const V1 = "/_matrix/app/v1";
const UNSTABLE = "/_matrix/app/unstable";

export function createAppservice(options: AppserviceOptions): Router {
  const { hsToken, calls, log } = options;
  const router = Router({ caseSensitive: true, strict: true });
  router.use(["/_matrix/app", "/transactions", "/users", "/rooms"], requireToken(hsToken));
  mountPushes(router, options);
  mountQueries(router, options);
  router.all([`${V1}/transactions/:txnId`, `${V1}/ping`, `${V1}/users/:user`, `${V1}/rooms/:alias`], () => {
    throw new Refusal(405, "M_UNRECOGNIZED", "That endpoint is used otherwise.");
  });
  if (calls.thirdParty) mountThirdParty(router, [`${V1}/thirdparty`, `${UNSTABLE}/thirdparty`], calls.thirdParty);
  router.use("/_matrix/app", () => {
    throw new Refusal(404, "M_UNRECOGNIZED", "There is no such endpoint.");
  });
  router.use(answerError(log));
  return router;
}

function mountPushes(router: Router, { calls, log }: AppserviceOptions): void {
  router.put([`${V1}/transactions/:txnId`, "/transactions/:txnId"], async (request, response) => {
    const { events, ephemeral } = readTransaction(await readJson(request), log);
    await calls.transaction(events, ephemeral);
    response.json({});
  });
  router.post([`${V1}/ping`, `${UNSTABLE}/fi.mau.msc2659/ping`], async (request, response) => {
    const body = await readJson(request);
    calls.pinged?.(isRecord(body) && typeof body.transaction_id === "string" ? body.transaction_id : undefined);
    response.json({});
  });
}

function mountQueries(router: Router, { calls, clock, log }: AppserviceOptions): void {
  /** What is not known to exist when the time is up does not exist yet. */
  const inTime = async (query: Promise<boolean>): Promise<boolean> => {
    query.catch((error: unknown) => log.warn({ err: error }, "A query of the homeserver's failed"));
    return await new Promise<boolean>((resolve) => {
      const cancel = clock.timer(QUERY_LIMIT, () => resolve(false));
      void query.then(resolve, () => resolve(false)).finally(cancel);
    });
  };
  router.get([`${V1}/users/:user`, "/users/:user"], async (request, response) => {
    const whom = request.params.user;
    if (!isMxid(whom) || !(await inTime(calls.user(whom)))) throw new Refusal(404, "M_NOT_FOUND", "There is no such user.");
    response.json({});
  });
  router.get([`${V1}/rooms/:alias`, "/rooms/:alias"], async (request, response) => {
    const alias = request.params.alias;
    if (!isAlias(alias) || !(await inTime(calls.room(alias)))) throw new Refusal(404, "M_NOT_FOUND", "There is no such room.");
    response.json({});
  });
}

function mountThirdParty(router: Router, bases: readonly string[], { protocol, locations, users, locationOf, userOf }: ThirdParty): void {
  const at = (rest: string): string[] => bases.map((base) => base + rest);
  router.get(at("/protocol/:protocol"), async (request, response) => {
    const found = await protocol(text(request.params.protocol));
    if (!found) throw new Refusal(404, "M_NOT_FOUND", "There is no such protocol.");
    response.json(found);
  });
  router.get(at("/location/:protocol"), async (request, response) => {
    answerList(response, await locations(text(request.params.protocol), fieldsOf(request)));
  });
  router.get(at("/user/:protocol"), async (request, response) => {
    answerList(response, await users(text(request.params.protocol), fieldsOf(request)));
  });
  router.get(at("/location"), async (request, response) => {
    const { alias } = request.query;
    answerList(response, isAlias(alias) ? await locationOf(alias) : []);
  });
  router.get(at("/user"), async (request, response) => {
    const { userid } = request.query;
    answerList(response, isMxid(userid) ? await userOf(userid) : []);
  });
}

function answerList(response: Response, found: readonly unknown[]): void {
  if (found.length === 0) throw new Refusal(404, "M_NOT_FOUND", "There is nothing of that kind.");
  response.json(found);
}

/** Before anything of the body is read. */
function requireToken(hsToken: string): (request: Request, response: Response, next: NextFunction) => void {
  const right = digest(hsToken);
  return (request, response, next) => {
    const given = tokenOf(request);
    if (given !== undefined && timingSafeEqual(digest(given), right)) {
      next();
      return;
    }
    // The connection ends with the answer: what else is in it is not read.
    response.set("Connection", "close");
    if (given === undefined) throw new Refusal(401, "M_UNAUTHORIZED", "This is for the homeserver, which has a token.");
    throw new Refusal(403, "M_FORBIDDEN", "The token is not the hs_token of our registration.");
  };
}

/** From the header; homeservers from before Matrix 1.4 write it into the query. */
function tokenOf(request: Request): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^Bearer +(\S+)$/i.exec(header)?.[1] ?? "";
  const { access_token: token } = request.query;
  return token === undefined ? undefined : text(token);
}

/** Digests are of one length, so that comparing them tells nothing about the token's. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

async function readJson(request: Request): Promise<unknown> {
  const body = await readBody(request);
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new Refusal(400, "M_NOT_JSON", "The body is not JSON.");
  }
}

async function readBody(request: Request): Promise<Buffer> {
  const tooLarge = new Refusal(413, "M_TOO_LARGE", `More than ${MOST_BYTES} bytes.`);
  if (Number(request.headers["content-length"]) > MOST_BYTES) throw tooLarge;
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MOST_BYTES) return;
      // Stopped, not cut: the answer still has to go out.
      request.pause();
      chunks.length = 0;
      reject(tooLarge);
    });
    request.once("end", () => resolve(Buffer.concat(chunks, size)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("The homeserver broke off.")));
  });
}

function readTransaction(body: unknown, log: Logger): { events: MatrixEvent[]; ephemeral: MatrixEphemeral[] } {
  if (!isRecord(body)) throw new Refusal(400, "M_BAD_JSON", "The body is no object.");
  const events = listOf(body.events, "events").map(readEvent);
  // The same twice where both are there.
  const fleeting = listOf(body.ephemeral ?? body["de.sorunome.msc2409.ephemeral"], "ephemeral").map(readEphemeral);
  for (const [index, event] of events.entries()) if (event === undefined) tellUnreadable(listOf(body.events, "events")[index], log);
  return { events: events.filter((event) => event !== undefined), ephemeral: fleeting.filter((each) => each !== undefined) };
}

/** Where to look for it, as far as it says: never what it holds. */
function tellUnreadable(given: unknown, log: Logger): void {
  const named = isRecord(given) ? given : {};
  const shown = (value: unknown) => (typeof value === "string" ? value.replaceAll(/\p{C}/gu, "?").slice(0, 100) : undefined);
  const about = { event: shown(named["event_id"]), room: shown(named["room_id"]), type: shown(named["type"]) };
  log.warn(about, "Left out an event that is none: a part of it is missing, of another type, or too long");
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Refusal(400, "M_BAD_JSON", `"${name}" is no list.`);
}

function isAlias(value: unknown): value is RoomAlias {
  return typeof value === "string" && value.length <= 255 && /^#[^\p{Cc}]*:[^\p{Cc}]+$/u.test(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function fieldsOf(request: Request): Record<string, string> {
  const fields = Object.entries(request.query).filter(([name, value]) => name !== "access_token" && typeof value === "string");
  return Object.fromEntries(fields) as Record<string, string>;
}

function answerError(log: Logger): (error: unknown, request: Request, response: Response, next: NextFunction) => void {
  return (error, request, response, _next) => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const refusal = error instanceof Refusal ? error : refusalOf(error);
    if (refusal) {
      if (refusal.status === 413) response.set("Connection", "close");
      response.status(refusal.status).json({ errcode: refusal.errcode, error: refusal.message });
      return;
    }
    if (request.destroyed && !request.complete) return;
    log.error({ err: error }, "What the homeserver sent could not be taken; it will send it again");
    response.status(500).json({ errcode: "M_UNKNOWN", error: "The bridge could not take this now." });
  };
}

/** Express refuses a path that is wrongly encoded with an error of its own. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number" || error.status >= 500) return undefined;
  return new Refusal(error.status, "M_UNRECOGNIZED", "That is no request we know.");
}
