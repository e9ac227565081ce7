/**
 * The client-server API as the bridge uses it, as the bot or as any of our ghosts. Thin: one method, one request, no repeats.
 * Each rejects with `MatrixError` or `Unreachable`; `failureOf` says what to do next.
 */
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { Broken } from "../model/errors.ts";
import { type EventId, eventId, type MxcUri, type Mxid, mxid, type RoomAlias, type RoomId, roomId } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import { isRecord, type MatrixEvent, readEvents, strings } from "./event.ts";
import { MatrixError } from "./failure.ts";
import { isMxc, MediaRepository, type Uploaded } from "./media.ts";
import { type Call, type Download, path, type Puppets, Transport } from "./transport.ts";

export interface MatrixClientOptions {
  readonly homeserverUrl: string;
  readonly domain: string;
  readonly asToken: string;
  readonly botMxid: Mxid;
  readonly clock: Clock;
  readonly log: Logger;
  readonly puppets?: Puppets | undefined;
}

export { failureOf, MatrixError, Unreachable } from "./failure.ts";

export type Content = Readonly<Record<string, unknown>>;

/** On whose behalf; absent = the bot. */
interface As {
  readonly as?: Mxid | undefined;
}

/** What `/messages` gives: `end` absent = there is no more in this direction. */
export interface MessagePage {
  readonly events: readonly MatrixEvent[];
  readonly start?: string;
  readonly end?: string;
}

/** Joining and making rooms may need other servers, which take their time. */
const SLOW = 180_000;

export class MatrixClient {
  readonly domain: string;
  readonly bot: Mxid;
  readonly #http: Transport;
  readonly #media: MediaRepository;

  constructor({ homeserverUrl, domain, asToken, botMxid, clock, log, puppets }: MatrixClientOptions) {
    this.domain = domain;
    this.bot = botMxid;
    this.#http = new Transport({ homeserverUrl, asToken, botMxid, clock, puppets });
    this.#media = new MediaRepository(this.#http, clock, log);
  }

  /** `ts`: the event's own time, milliseconds since 1970, when it is late. */
  async send(room: RoomId, type: string, content: Content, { as, txnId, ts }: As & { txnId: string; ts?: number }): Promise<EventId> {
    const to = path`/_matrix/client/v3/rooms/${room}/send/${type}/${txnId}`;
    return sentId(await this.#http.call({ doing: `Sending to ${room}`, method: "PUT", path: to, query: { ts }, as, body: content }));
  }

  /** `extra`: further keys of the body, which Synapse keeps in the redaction's content. */
  async redact(room: RoomId, event: EventId, how: As & { txnId: string; reason?: string | undefined; extra?: Content }): Promise<EventId> {
    const to = path`/_matrix/client/v3/rooms/${room}/redact/${event}/${how.txnId}`;
    const body = { ...how.extra, ...(how.reason === undefined ? {} : { reason: how.reason }) };
    return sentId(await this.#http.call({ doing: `Redacting in ${room}`, method: "PUT", path: to, as: how.as, body }));
  }

  async setState(room: RoomId, type: string, stateKey: string, content: Content, { as, ts }: As & { ts?: number } = {}): Promise<EventId> {
    const to = path`/_matrix/client/v3/rooms/${room}/state/${type}/${stateKey}`;
    return sentId(
      await this.#http.call({ doing: `Setting ${type} in ${room}`, method: "PUT", path: to, query: { ts }, as, body: content }),
    );
  }

  /** The content; undefined = there is none. */
  async stateEvent(room: RoomId, type: string, stateKey: string, { as }: As = {}): Promise<Record<string, unknown> | undefined> {
    const from = path`/_matrix/client/v3/rooms/${room}/state/${type}/${stateKey}`;
    const answer = await this.#find({ doing: `Reading ${type} of ${room}`, method: "GET", path: from, as });
    return isRecord(answer) ? answer : undefined;
  }

  async state(room: RoomId): Promise<readonly MatrixEvent[]> {
    const at = path`/_matrix/client/v3/rooms/${room}/state`;
    return readEvents(await this.#http.call({ doing: `Reading the state of ${room}`, method: "GET", path: at }), room);
  }

  /** Undefined = there is no such event, or it may not be seen. */
  async event(room: RoomId, event: EventId, { as }: As = {}): Promise<MatrixEvent | undefined> {
    const from = path`/_matrix/client/v3/rooms/${room}/event/${event}`;
    const answer = await this.#find({ doing: `Reading an event of ${room}`, method: "GET", path: from, as });
    return readEvents([answer], room)[0];
  }

  /** Newest first unless `dir` is `f`. One page of at most `limit` (50). */
  async relations(
    room: RoomId,
    event: EventId,
    relType: string,
    { eventType, limit = 50, dir = "b", as }: As & { eventType?: string; limit?: number; dir?: "f" | "b" } = {},
  ): Promise<readonly MatrixEvent[]> {
    const base = path`/_matrix/client/v1/rooms/${room}/relations/${event}/${relType}`;
    const from = eventType === undefined ? base : base + path`/${eventType}`;
    const answer = await this.#find({ doing: `Reading relations in ${room}`, method: "GET", path: from, query: { limit, dir }, as });
    return readEvents(isRecord(answer) ? answer.chunk : [], room);
  }

  async messages(
    room: RoomId,
    { from, to, dir, limit, filter, as }: As & { from?: string; to?: string; dir: "f" | "b"; limit: number; filter?: Content },
  ): Promise<MessagePage> {
    const query = { from, to, dir, limit, filter: filter && JSON.stringify(filter) };
    const at = path`/_matrix/client/v3/rooms/${room}/messages`;
    const answer = await this.#get(`Reading messages of ${room}`, at, { query, as });
    const { start, end } = answer;
    return {
      events: readEvents(answer.chunk, room),
      ...(typeof start === "string" ? { start } : {}),
      ...(typeof end === "string" ? { end } : {}),
    };
  }

  async createRoom(body: Content, { as }: As = {}): Promise<RoomId> {
    const at = "/_matrix/client/v3/createRoom";
    return roomOf(await this.#http.call({ doing: "Making a room", method: "POST", path: at, as, body, limit: SLOW }));
  }

  /** `via`: servers that know the room; needed where ours does not. */
  async join(room: RoomId | RoomAlias, { as, via }: As & { via?: readonly string[] } = {}): Promise<RoomId> {
    // `server_name` is what `via` was called before Matrix 1.12.
    const query = via && { via, server_name: via };
    const at = path`/_matrix/client/v3/join/${room}`;
    return roomOf(
      await this.#http.call({ doing: `Joining ${room}`, method: "POST", path: at, as, body: {}, limit: SLOW, ...(query && { query }) }),
    );
  }

  /** With `extra`, the invitation's content carries these keys too. */
  async invite(room: RoomId, whom: Mxid, { as, reason, extra }: As & { reason?: string; extra?: Content } = {}): Promise<void> {
    const why = reason === undefined ? {} : { reason };
    if (extra) await this.member(room, whom, { ...extra, ...why, membership: "invite" }, { as });
    else await this.#post(`Inviting to ${room}`, path`/_matrix/client/v3/rooms/${room}/invite`, { user_id: whom, ...why }, as);
  }

  async leave(room: RoomId, { as, reason }: As & { reason?: string } = {}): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    await this.#post(`Leaving ${room}`, path`/_matrix/client/v3/rooms/${room}/leave`, body, as);
  }

  async kick(room: RoomId, whom: Mxid, reason?: string, { as }: As = {}): Promise<void> {
    await this.#post(`Removing from ${room}`, path`/_matrix/client/v3/rooms/${room}/kick`, { user_id: whom, reason }, as);
  }

  async ban(room: RoomId, whom: Mxid, reason?: string, { as }: As = {}): Promise<void> {
    await this.#post(`Banning from ${room}`, path`/_matrix/client/v3/rooms/${room}/ban`, { user_id: whom, reason }, as);
  }

  async unban(room: RoomId, whom: Mxid, reason?: string, { as }: As = {}): Promise<void> {
    await this.#post(`Lifting a ban in ${room}`, path`/_matrix/client/v3/rooms/${room}/unban`, { user_id: whom, reason }, as);
  }

  /** Writes the whole membership event: a join with its own name and picture, or a change that carries keys of ours. */
  async member(room: RoomId, whom: Mxid, content: Content, { as, ts }: As & { ts?: number } = {}): Promise<EventId> {
    return await this.setState(room, "m.room.member", whom, content, { as, ...(ts === undefined ? {} : { ts }) });
  }

  /** True = made now; false = it was there already. No device and no token is made: the homeserver may have its logins elsewhere. */
  async register(localpart: string): Promise<boolean> {
    const body = { type: "m.login.application_service", username: localpart, inhibit_login: true };
    try {
      await this.#post(`Registering ${localpart}`, "/_matrix/client/v3/register", body);
      return true;
    } catch (error) {
      if (error instanceof MatrixError && error.errcode === "M_USER_IN_USE") return false;
      throw error;
    }
  }

  async profile(whom: Mxid): Promise<{ displayname?: string; avatar_url?: MxcUri } | undefined> {
    const from = path`/_matrix/client/v3/profile/${whom}`;
    const answer = await this.#find({ doing: `Reading the profile of ${whom}`, method: "GET", path: from });
    return isRecord(answer) ? readProfile(answer.displayname, answer.avatar_url) : undefined;
  }

  /** Most homeservers write a membership event into every room that the person is in: meant for those who are in none yet. */
  async setName(as: Mxid, name: string): Promise<void> {
    const at = path`/_matrix/client/v3/profile/${as}/displayname`;
    await this.#http.call({ doing: `Naming ${as}`, method: "PUT", path: at, as, body: { displayname: name } });
  }

  /** As `setName`. An empty mxc takes the picture away. */
  async setAvatar(as: Mxid, mxc: MxcUri | ""): Promise<void> {
    const at = path`/_matrix/client/v3/profile/${as}/avatar_url`;
    await this.#http.call({ doing: `Setting the picture of ${as}`, method: "PUT", path: at, as, body: { avatar_url: mxc } });
  }

  async typing(room: RoomId, as: Mxid, on: boolean, ms = 30_000): Promise<void> {
    const at = path`/_matrix/client/v3/rooms/${room}/typing/${as}`;
    const body = on ? { typing: true, timeout: ms } : { typing: false };
    await this.#http.call({ doing: `Typing in ${room}`, method: "PUT", path: at, as, body });
  }

  /** Forgotten by the homeserver half a minute later, when the person does not sync. Client-server API, "Presence". */
  async presence(as: Mxid, presence: "online" | "unavailable" | "offline", says?: string): Promise<void> {
    const at = path`/_matrix/client/v3/presence/${as}/status`;
    const body = says === undefined ? { presence } : { presence, status_msg: says };
    await this.#http.call({ doing: `Telling whether ${as} is there`, method: "PUT", path: at, as, body });
  }

  /** `thread`: the root's id, or `main` for what stands in no thread; absent = the receipt is for both. */
  async receipt(room: RoomId, event: EventId, as: Mxid, { thread }: { thread?: EventId | "main" } = {}): Promise<void> {
    const at = path`/_matrix/client/v3/rooms/${room}/receipt/m.read/${event}`;
    await this.#post(`Marking as read in ${room}`, at, thread === undefined ? {} : { thread_id: thread }, as);
  }

  async joinedRooms(as?: Mxid): Promise<readonly RoomId[]> {
    const answer = await this.#get("Listing rooms", "/_matrix/client/v3/joined_rooms", { as });
    return strings(answer.joined_rooms).map(roomId);
  }

  /** Everyone who is in the room now, ghosts included. */
  async members(room: RoomId): Promise<ReadonlyMap<Mxid, { displayname?: string; avatar_url?: MxcUri }>> {
    const answer = await this.#get(`Listing the members of ${room}`, path`/_matrix/client/v3/rooms/${room}/joined_members`);
    const joined = Object.entries(isRecord(answer.joined) ? answer.joined : {});
    return new Map(joined.map(([who, as]) => [mxid(who), isRecord(as) ? readProfile(as.display_name, as.avatar_url) : {}]));
  }

  /**
   * Streams a file to the homeserver. Without `size` it is spooled to disk first, because a homeserver wants to know the length.
   * Larger than the homeserver takes → `Refused` before anything is sent.
   */
  upload(stream: Readable, file: Uploaded): Promise<MxcUri> {
    return this.#media.upload(stream, file);
  }

  /** The largest file that the homeserver takes, bytes; undefined = it sets no limit. */
  uploadLimit(): Promise<number | undefined> {
    return this.#media.uploadLimit();
  }

  /** Whoever takes the stream reads it to the end or destroys it. */
  download(mxc: string): Promise<Download> {
    return this.#media.download(mxc);
  }

  /** A still picture that fills w × h at least; the homeserver may give a larger one, or the original. */
  thumbnail(mxc: string, width: number, height: number): Promise<Download> {
    return this.#media.thumbnail(mxc, width, height);
  }

  async resolveAlias(alias: RoomAlias): Promise<{ room: RoomId; servers: readonly string[] } | undefined> {
    const from = path`/_matrix/client/v3/directory/room/${alias}`;
    const answer = await this.#find({ doing: `Looking up ${alias}`, method: "GET", path: from, limit: SLOW });
    if (answer === undefined) return undefined;
    return { room: roomOf(answer), servers: isRecord(answer) ? strings(answer.servers) : [] };
  }

  /** Rejects with 409 M_UNKNOWN or M_ROOM_IN_USE when the alias is taken. */
  async putAlias(alias: RoomAlias, room: RoomId): Promise<void> {
    const at = path`/_matrix/client/v3/directory/room/${alias}`;
    await this.#http.call({ doing: `Making ${alias}`, method: "PUT", path: at, body: { room_id: room } });
  }

  /** An alias that is not there is removed already. */
  async removeAlias(alias: RoomAlias): Promise<void> {
    await this.#find({ doing: `Removing ${alias}`, method: "DELETE", path: path`/_matrix/client/v3/directory/room/${alias}` });
  }

  async directory(room: RoomId, visibility: "public" | "private"): Promise<void> {
    const at = path`/_matrix/client/v3/directory/list/room/${room}`;
    await this.#http.call({ doing: `Listing ${room}`, method: "PUT", path: at, body: { visibility } });
  }

  /** Whether the room stands in the homeserver's public list. */
  async published(room: RoomId): Promise<boolean> {
    const from = path`/_matrix/client/v3/directory/list/room/${room}`;
    const answer = await this.#find({ doing: `Asking whether ${room} is listed`, method: "GET", path: from });
    return isRecord(answer) && answer.visibility === "public";
  }

  /** Who we are, to the homeserver: with another's token, or on behalf of somebody. */
  async whoami(call: Pick<Call, "as" | "token"> = {}): Promise<Mxid> {
    const answer = await this.#get("Asking who we are", "/_matrix/client/v3/account/whoami", call);
    if (typeof answer.user_id === "string") return mxid(answer.user_id);
    throw new Broken("Asking who we are: the homeserver did not say.");
  }

  async versions(): Promise<{ versions: readonly string[]; unstable: ReadonlySet<string> }> {
    const answer = await this.#get("Asking for the homeserver's versions", "/_matrix/client/versions");
    const features = Object.entries(isRecord(answer.unstable_features) ? answer.unstable_features : {});
    return { versions: strings(answer.versions), unstable: new Set(features.filter(([, on]) => on === true).map(([name]) => name)) };
  }

  /**
   * Has the homeserver call us back. Rejects with M_URL_NOT_SET, M_BAD_STATUS, M_CONNECTION_TIMEOUT or M_CONNECTION_FAILED when it
   * cannot. Application service API, "Pinging".
   */
  async ping(id: string, txnId: string): Promise<{ duration_ms: number }> {
    const at = path`/_matrix/client/v1/appservice/${id}/ping`;
    const answer = await this.#post("Asking the homeserver to call us", at, { transaction_id: txnId });
    return { duration_ms: isRecord(answer) && typeof answer.duration_ms === "number" ? answer.duration_ms : 0 };
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #get(doing: string, at: string, call: Pick<Call, "query" | "as" | "limit" | "token"> = {}): Promise<Record<string, unknown>> {
    const answer = await this.#http.call({ ...call, doing, method: "GET", path: at });
    if (isRecord(answer)) return answer;
    throw new Broken(`${doing}: the homeserver's answer is no object.`);
  }

  async #post(doing: string, at: string, body: Content, as?: Mxid): Promise<unknown> {
    return await this.#http.call({ doing, method: "POST", path: at, as, body });
  }

  /** Undefined for 404: there is no such thing. */
  async #find(call: Call): Promise<unknown> {
    try {
      return await this.#http.call(call);
    } catch (error) {
      if (error instanceof MatrixError && error.status === 404 && error.errcode !== "M_UNRECOGNIZED") return undefined;
      throw error;
    }
  }
}

function readProfile(name: unknown, avatar: unknown): { displayname?: string; avatar_url?: MxcUri } {
  return { ...(typeof name === "string" && name !== "" ? { displayname: name } : {}), ...(isMxc(avatar) ? { avatar_url: avatar } : {}) };
}

function sentId(answer: unknown): EventId {
  if (isRecord(answer) && typeof answer.event_id === "string") return eventId(answer.event_id);
  throw new Broken("The homeserver took an event and did not say its id.");
}

function roomOf(answer: unknown): RoomId {
  if (isRecord(answer) && typeof answer.room_id === "string") return roomId(answer.room_id);
  throw new Broken("The homeserver did not say the room's id.");
}
