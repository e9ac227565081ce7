/** One person's view of one room: what they do there, and waiting for what others do. */
import { randomUUID } from "node:crypto";
import type { Json, MatrixUser } from "./matrix-client.ts";

export interface RoomEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: Json;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  readonly redacts?: string;
  readonly unsigned?: Json;
}

/** `POST /createRoom`'s body, the common part. */
export interface RoomOptions {
  readonly name?: string;
  readonly topic?: string;
  readonly preset?: "private_chat" | "trusted_private_chat" | "public_chat";
  readonly room_version?: string;
  readonly room_alias_name?: string;
  readonly invite?: readonly string[];
  readonly visibility?: "public" | "private";
  readonly is_direct?: boolean;
  readonly initial_state?: readonly Json[];
  readonly power_level_content_override?: Json;
  readonly creation_content?: Json;
}

/** What an event must be like: a function, or some of its parts. `body` is the text that a client shows: of the new version for an edit. */
export type Match =
  | ((event: RoomEvent) => boolean)
  | { readonly type?: string; readonly sender?: string; readonly body?: string | RegExp; readonly state_key?: string };

export function fits(event: RoomEvent, match: Match): boolean {
  if (typeof match === "function") return match(event);
  if (match.type !== undefined && event.type !== match.type) return false;
  if (match.sender !== undefined && event.sender !== match.sender) return false;
  if (match.state_key !== undefined && event.state_key !== match.state_key) return false;
  if (match.body === undefined) return true;
  const body = shownBody(event);
  return typeof match.body === "string" ? body === match.body : body !== undefined && match.body.test(body);
}

export function shownBody(event: RoomEvent): string | undefined {
  const content = (event.content["m.new_content"] ?? event.content) as Json;
  return typeof content["body"] === "string" ? content["body"] : undefined;
}

type Target = string | RoomEvent;
const idOf = (target: Target): string => (typeof target === "string" ? target : target.event_id);

export class MatrixRoom {
  readonly user: MatrixUser;
  readonly id: string;
  /** How far `next` has come. */
  #cursor = 0;
  #ephemeralCursor = 0;

  constructor(user: MatrixUser, id: string) {
    this.user = user;
    this.id = id;
  }

  #path(rest: string): string {
    return `/rooms/${encodeURIComponent(this.id)}/${rest}`;
  }

  /** The same room as someone else sees it. */
  as(user: MatrixUser): MatrixRoom {
    return user.in(this.id);
  }

  async send(type: string, content: Json, txn: string = randomUUID()): Promise<string> {
    const { event_id: id } = await this.user.call("PUT", this.#path(`send/${encodeURIComponent(type)}/${txn}`), { body: content });
    return id as string;
  }

  /** A text message. `more` is laid over its content: `formatted_body`, `m.mentions`, … */
  say(body: string, more: Json = {}): Promise<string> {
    return this.send("m.room.message", { msgtype: "m.text", body, ...more });
  }

  html(body: string, html: string, more: Json = {}): Promise<string> {
    return this.say(body, { format: "org.matrix.custom.html", formatted_body: html, ...more });
  }

  emote(body: string): Promise<string> {
    return this.say(body, { msgtype: "m.emote" });
  }

  reply(to: Target, body: string, more: Json = {}): Promise<string> {
    return this.say(body, { "m.relates_to": { "m.in_reply_to": { event_id: idOf(to) } }, ...more });
  }

  /** A message in the thread that hangs from `root`. */
  thread(root: Target, body: string, more: Json = {}): Promise<string> {
    const fallback = { is_falling_back: true, "m.in_reply_to": { event_id: idOf(root) } };
    return this.say(body, { "m.relates_to": { rel_type: "m.thread", event_id: idOf(root), ...fallback }, ...more });
  }

  edit(target: Target, body: string, more: Json = {}): Promise<string> {
    const content = { msgtype: "m.text", body, ...more };
    const relation = { rel_type: "m.replace", event_id: idOf(target) };
    return this.send("m.room.message", { ...content, body: `* ${body}`, "m.new_content": content, "m.relates_to": relation });
  }

  react(target: Target, key: string): Promise<string> {
    return this.send("m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: idOf(target), key } });
  }

  async redact(target: Target, reason?: string, more: Json = {}): Promise<string> {
    const body = { ...more, ...(reason === undefined ? {} : { reason }) };
    const path = this.#path(`redact/${encodeURIComponent(idOf(target))}/${randomUUID()}`);
    return (await this.user.call("PUT", path, { body }))["event_id"] as string;
  }

  /** Uploads and posts a file. `msgtype` follows from its type unless told. */
  async sendFile(bytes: Uint8Array, file: { name: string; type: string; msgtype?: string; caption?: string }): Promise<string> {
    const url = await this.user.upload(bytes, file);
    const kind = file.type.split("/")[0] ?? "";
    const msgtype = file.msgtype ?? (["image", "video", "audio"].includes(kind) ? `m.${kind}` : "m.file");
    const info = { mimetype: file.type, size: bytes.byteLength };
    return this.send("m.room.message", { msgtype, body: file.caption ?? file.name, filename: file.name, url, info });
  }

  async setState(type: string, content: Json, stateKey = ""): Promise<string> {
    const path = this.#path(`state/${encodeURIComponent(type)}/${encodeURIComponent(stateKey)}`);
    return (await this.user.call("PUT", path, { body: content }))["event_id"] as string;
  }

  state(type: string, stateKey = ""): Promise<Json> {
    return this.user.call("GET", this.#path(`state/${encodeURIComponent(type)}/${encodeURIComponent(stateKey)}`));
  }

  event(id: string): Promise<RoomEvent> {
    return this.user.call("GET", this.#path(`event/${encodeURIComponent(id)}`)) as unknown as Promise<RoomEvent>;
  }

  /** Changes the power levels by what `change` returns for them. */
  async setPower(change: (levels: Json) => Json): Promise<void> {
    await this.setState("m.room.power_levels", change(await this.state("m.room.power_levels")));
  }

  #membership(action: string, body: Json = {}): Promise<Json> {
    return this.user.call("POST", this.#path(action), { body });
  }

  async join(): Promise<this> {
    await this.#membership("join");
    return this;
  }
  async leave(reason?: string): Promise<void> {
    await this.#membership("leave", reason === undefined ? {} : { reason });
  }
  async invite(user: string): Promise<void> {
    await this.#membership("invite", { user_id: user });
  }
  async kick(user: string, reason?: string): Promise<void> {
    await this.#membership("kick", { user_id: user, ...(reason === undefined ? {} : { reason }) });
  }
  async ban(user: string, reason?: string): Promise<void> {
    await this.#membership("ban", { user_id: user, ...(reason === undefined ? {} : { reason }) });
  }
  async unban(user: string): Promise<void> {
    await this.#membership("unban", { user_id: user });
  }

  /** Moves the room to another version; resolves with the new one. */
  async upgrade(version: string): Promise<MatrixRoom> {
    const { replacement_room: id } = await this.user.call("POST", this.#path("upgrade"), { body: { new_version: version } });
    return this.user.in(id as string);
  }

  async typing(on: boolean, timeout = 30_000): Promise<void> {
    await this.user.call("PUT", this.#path(`typing/${encodeURIComponent(this.user.id)}`), {
      body: on ? { typing: true, timeout } : { typing: false },
    });
  }

  async read(target: Target): Promise<void> {
    await this.user.call("POST", this.#path(`receipt/m.read/${encodeURIComponent(idOf(target))}`), { body: {} });
  }

  /** Ids of who is in the room. */
  async joined(): Promise<string[]> {
    const { joined } = await this.user.call("GET", this.#path("joined_members"));
    return Object.keys(joined as Json);
  }

  /** Everything that this person can see, oldest first. */
  async timeline(): Promise<RoomEvent[]> {
    const events: RoomEvent[] = [];
    for (let from: string | undefined; ; ) {
      const page: Json = await this.user.call("GET", this.#path("messages"), { query: { dir: "f", limit: 500, from } });
      events.push(...(page["chunk"] as RoomEvent[]));
      from = page["end"] as string | undefined;
      if (from === undefined || (page["chunk"] as RoomEvent[]).length === 0) return events;
    }
  }

  /** The next event that fits, after the one that `next` found before. */
  async next(match: Match = () => true, within = 10_000): Promise<RoomEvent> {
    const { events } = this.user.watched(this.id);
    const start = this.#cursor;
    const look = (): number | undefined => {
      const index = events.findIndex((event, at) => at >= start && fits(event, match));
      return index < 0 ? undefined : index;
    };
    const index = await this.user.until(look, within, () => `after event ${start} came ${listed(events.slice(start))}`);
    this.#cursor = index + 1;
    return events[index] as RoomEvent;
  }

  /** The first event that fits, wherever it lies. `next` stays where it is. */
  find(match: Match, within = 10_000): Promise<RoomEvent> {
    const { events } = this.user.watched(this.id);
    return this.user.until(
      () => events.find((event) => fits(event, match)),
      within,
      () => `there is ${listed(events)}`,
    );
  }

  /** `next` goes on from now: only what comes later counts. */
  async skip(): Promise<void> {
    const { event_id: mark } = (await this.timeline()).at(-1) as RoomEvent;
    await this.find((event) => event.event_id === mark);
    this.#cursor = this.user.watched(this.id).events.findIndex((event) => event.event_id === mark) + 1;
  }

  /** The next `m.typing` or `m.receipt` that fits. */
  async nextEphemeral(match: (event: Json) => boolean, within = 10_000): Promise<Json> {
    const { ephemeral } = this.user.watched(this.id);
    const start = this.#ephemeralCursor;
    const look = (): number | undefined => {
      const index = ephemeral.findIndex((event, at) => at >= start && match(event));
      return index < 0 ? undefined : index;
    };
    const index = await this.user.until(look, within, () => `there was ${JSON.stringify(ephemeral.slice(start))}`);
    this.#ephemeralCursor = index + 1;
    return ephemeral[index] as Json;
  }
}

const listed = (events: readonly RoomEvent[]): string =>
  events.map((event) => `${event.type} by ${event.sender}: ${shownBody(event) ?? JSON.stringify(event.content)}`).join("; ") || "nothing";
