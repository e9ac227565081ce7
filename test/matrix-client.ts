/** A person with a Matrix client, for stories: plain client-server API over HTTP, so that any homeserver will do. */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { Agent, request } from "undici";
import { MatrixRoom, type RoomEvent, type RoomOptions } from "./matrix-room.ts";

export type Json = Record<string, unknown>;

/** A homeserver to test with: the fake in this process, or a real one. */
export interface TestHomeserver {
  readonly url: string;
  readonly serverName: string;
  /** Someone with an account here; made at the first call. Their display name is the name. */
  user(name: string): Promise<MatrixUser>;
  /** Ends it without a goodbye. */
  kill(): Promise<void>;
  /** Kills it and starts it again on the same port with what it had kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The homeserver said no. */
export class MatrixRefusal extends Error {
  readonly status: number;
  readonly errcode: string;
  readonly body: Json;
  constructor(status: number, body: Json, what: string) {
    super(`${what}: ${status} ${String(body["errcode"])} ${String(body["error"])}`);
    this.status = status;
    this.errcode = String(body["errcode"]);
    this.body = body;
  }
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal;
}

const agent = new Agent({ connections: 64, headersTimeout: 120_000, bodyTimeout: 120_000 });

/** One call. Resolves with the JSON answer, rejects with `MatrixRefusal` or with undici's errors. */
export async function ask(
  url: string,
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
  { query, body, token, signal }: Ask = {},
): Promise<Json> {
  const given = Object.entries(query ?? {}).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  const search =
    given.length > 0 ? `?${new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString()}` : "";
  const answer = await request(`${url}${path}${search}`, {
    method,
    dispatcher: agent,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await answer.body.text();
  const json = text.startsWith("{") || text.startsWith("[") ? (JSON.parse(text) as Json) : {};
  if (answer.statusCode >= 300) throw new MatrixRefusal(answer.statusCode, json, `${method} ${path}`);
  return json;
}

interface Watched {
  readonly events: RoomEvent[];
  readonly ephemeral: Json[];
  readonly known: Set<string>;
}

export class MatrixUser {
  readonly url: string;
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly #ended = new AbortController();
  readonly #watched = new Map<string, Watched>();
  readonly #invites = new Map<string, Json[]>();
  readonly #waiters = new Set<() => void>();
  #syncing = false;
  /** Why there is no news any more. */
  #trouble: Error | undefined;

  constructor(url: string, name: string, session: { user_id: string; access_token: string }) {
    this.url = url;
    this.name = name;
    this.id = session.user_id;
    this.token = session.access_token;
  }

  /** A new account. Where the name is taken, the localpart gets a tail and the display name stays. */
  static async register(url: string, name: string): Promise<MatrixUser> {
    const localpart = name.toLowerCase().replace(/[^a-z0-9._=/+-]/g, "_");
    const open = (username: string): Promise<Json> =>
      ask(url, "POST", "/_matrix/client/v3/register", {
        body: { username, password: `${name} has a password`, auth: { type: "m.login.dummy" } },
      });
    const session = await open(localpart).catch((error: unknown) => {
      if (error instanceof MatrixRefusal && error.errcode === "M_USER_IN_USE")
        return open(`${localpart}-${randomBytes(4).toString("hex")}`);
      throw error;
    });
    const user = new MatrixUser(url, name, session as unknown as { user_id: string; access_token: string });
    if (user.id.slice(1, user.id.indexOf(":")) !== name) await user.setName(name);
    return user;
  }

  /** `path` after `/_matrix/client/v3`, or whole. */
  call(method: "GET" | "PUT" | "POST" | "DELETE", path: string, options: Omit<Ask, "token"> = {}): Promise<Json> {
    return ask(this.url, method, path.startsWith("/_matrix") ? path : `/_matrix/client/v3${path}`, { ...options, token: this.token });
  }

  async createRoom(options: RoomOptions = {}): Promise<MatrixRoom> {
    const { room_id: id } = await this.call("POST", "/createRoom", { body: options });
    return this.in(id as string);
  }

  /** This person's view of a room. Its `next` begins at the start of what they can see. */
  in(room: string): MatrixRoom {
    return new MatrixRoom(this, room);
  }

  async join(roomOrAlias: string): Promise<MatrixRoom> {
    const { room_id: id } = await this.call("POST", `/join/${encodeURIComponent(roomOrAlias)}`, { body: {} });
    return this.in(id as string);
  }

  async setName(displayname: string): Promise<void> {
    await this.call("PUT", `/profile/${encodeURIComponent(this.id)}/displayname`, { body: { displayname } });
  }

  async setAvatar(mxc: string): Promise<void> {
    await this.call("PUT", `/profile/${encodeURIComponent(this.id)}/avatar_url`, { body: { avatar_url: mxc } });
  }

  profile(user: string): Promise<Json> {
    return this.call("GET", `/profile/${encodeURIComponent(user)}`);
  }

  /** The `mxc://` of what was uploaded. A stream needs its `size`. */
  async upload(file: Uint8Array | Readable, { type, name, size }: { type: string; name?: string; size?: number }): Promise<string> {
    const search = name === undefined ? "" : `?filename=${encodeURIComponent(name)}`;
    const length = file instanceof Uint8Array ? file.byteLength : size;
    const answer = await request(`${this.url}/_matrix/media/v3/upload${search}`, {
      method: "POST",
      dispatcher: agent,
      headers: {
        authorization: `Bearer ${this.token}`,
        "content-type": type,
        ...(length === undefined ? {} : { "content-length": String(length) }),
      },
      body: file,
    });
    const json = (await answer.body.json()) as Json;
    if (answer.statusCode !== 200) throw new MatrixRefusal(answer.statusCode, json, "upload");
    return json["content_uri"] as string;
  }

  async download(
    mxc: string,
    kind: "download" | "thumbnail" = "download",
    query = "",
  ): Promise<{ bytes: Buffer; type: string; disposition: string }> {
    const path = mxc.replace("mxc://", "");
    const answer = await request(`${this.url}/_matrix/client/v1/media/${kind}/${path}${query}`, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${this.token}` },
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode !== 200) throw new MatrixRefusal(answer.statusCode, JSON.parse(bytes.toString()) as Json, kind);
    return { bytes, type: String(answer.headers["content-type"]), disposition: String(answer.headers["content-disposition"] ?? "") };
  }

  /** Waits for an invitation, to this room or to any. */
  async invited(room?: string, within = 10_000): Promise<MatrixRoom> {
    return this.in(
      await this.until(
        () => [...this.#invites.keys()].find((id) => room === undefined || id === room),
        within,
        () => "no invitation",
      ),
    );
  }

  /** What `/sync` has told of a room so far. */
  watched(room: string): Watched {
    const known = this.#watched.get(room);
    if (known) return known;
    const fresh: Watched = { events: [], ephemeral: [], known: new Set() };
    this.#watched.set(room, fresh);
    return fresh;
  }

  /** Waits until `look` finds something in what `/sync` tells. */
  async until<T>(look: () => T | undefined, within: number, describe: () => string): Promise<T> {
    if (!this.#syncing) {
      this.#syncing = true;
      void this.#sync();
    }
    const found = look();
    if (found !== undefined) return found;
    return new Promise<T>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timeout);
        this.#waiters.delete(check);
      };
      const check = (): void => {
        const now = look();
        if (now === undefined) return;
        done();
        resolve(now);
      };
      const timeout = setTimeout(() => {
        done();
        reject(new Error(`${this.name} waited ${within} ms in vain: ${describe()}`, { cause: this.#trouble }));
      }, within);
      this.#waiters.add(check);
    });
  }

  async #sync(): Promise<void> {
    const { signal } = this.#ended;
    const filter = JSON.stringify({ presence: { types: [] }, room: { timeline: { limit: 500 } } });
    let since: string | undefined;
    while (!signal.aborted) {
      try {
        const answer = await this.call("GET", "/sync", { query: { since, timeout: 30_000, filter }, signal });
        await this.#take(answer);
        since = answer["next_batch"] as string;
      } catch (error) {
        if (signal.aborted) return;
        // The homeserver is down, or being restarted: that is what some stories are about.
        if (error instanceof MatrixRefusal && error.status < 500 && error.status !== 429) {
          this.#trouble = error;
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      for (const check of this.#waiters) check();
    }
  }

  async #take(answer: Json): Promise<void> {
    const rooms = (answer["rooms"] ?? {}) as { join?: Json; invite?: Json; leave?: Json };
    for (const [id, part] of Object.entries({ ...rooms.leave, ...rooms.join })) {
      const { timeline, ephemeral } = part as {
        timeline: { events: RoomEvent[]; limited?: boolean; prev_batch?: string };
        ephemeral?: { events: Json[] };
      };
      const watched = this.watched(id);
      if (timeline.limited && timeline.prev_batch !== undefined) await this.#fill(id, watched, timeline.prev_batch);
      this.#append(watched, timeline.events);
      watched.ephemeral.push(...(ephemeral?.events ?? []));
      this.#invites.delete(id);
    }
    for (const [id, part] of Object.entries(rooms.invite ?? {})) {
      this.#invites.set(id, (part as { invite_state: { events: Json[] } }).invite_state.events);
    }
  }

  #append(watched: Watched, events: readonly RoomEvent[]): void {
    for (const event of events) {
      if (watched.known.has(event.event_id)) continue;
      watched.known.add(event.event_id);
      watched.events.push(event);
    }
  }

  /** Fetches what `/sync` left out, back to what is known. */
  async #fill(room: string, watched: Watched, from: string): Promise<void> {
    const missing: RoomEvent[] = [];
    for (let token: string | undefined = from; token !== undefined; ) {
      const page: Json = await this.call("GET", `/rooms/${encodeURIComponent(room)}/messages`, {
        query: { dir: "b", from: token, limit: 500 },
      });
      const chunk = page["chunk"] as RoomEvent[];
      missing.unshift(...chunk.toReversed());
      token =
        chunk.length === 0 || chunk.some(({ event_id: id }) => watched.known.has(id)) ? undefined : (page["end"] as string | undefined);
    }
    this.#append(watched, missing);
  }

  close(): void {
    this.#ended.abort();
  }
}
