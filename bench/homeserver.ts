/**
 * A homeserver with next to no cost of its own: it answers what the bridge asks, takes what it sends, and pushes one transaction after the
 * other as Synapse does. It checks nothing: `test/fakes/homeserver.ts` is the strict one.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { eventName } from "./scene.ts";

export interface Sent {
  readonly room: string;
  readonly sender: string;
  /** The content as it came. */
  readonly body: string;
}

/** Synapse takes this long before what a service sent comes back to it, milliseconds. */
const ECHO_AFTER = 40;
/** The most that Synapse puts into a transaction. */
const MOST_EVENTS = 100;

const ROOM = /^\/_matrix\/client\/v3\/rooms\/([^/]+)\/(\w+)(?:\/([^/?]+))?(?:\/([^?]*))?/;
const STATE: Readonly<Record<string, string>> = {
  "m.room.join_rules": '{"join_rule":"invite"}',
  "m.room.history_visibility": '{"history_visibility":"shared"}',
  "m.room.guest_access": '{"guest_access":"forbidden"}',
  "m.room.power_levels": '{"users":{"@causeway:bench.local":100}}',
  "m.room.create": '{"room_version":"11"}',
};
const NOT_FOUND = '{"errcode":"M_NOT_FOUND","error":"There is no such thing."}';

export class LeanHomeserver {
  /** Called for each message that the bridge sends. */
  sent: (message: Sent) => void = () => undefined;
  readonly #server: Server;
  #bridge: Pool | undefined;
  #token = "";
  #waiting: string[] = [];
  #pushing = false;
  #echoes: string[] = [];
  #events = 0;
  /** Of the last event. */
  #id = "";
  #transactions = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const answer = this.#answer(request, chunks.length === 0 ? "" : Buffer.concat(chunks).toString());
        const head = { "content-type": "application/json", "content-length": Buffer.byteLength(answer) };
        response.writeHead(answer === NOT_FOUND ? 404 : 200, head).end(answer);
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where the bridge listens, and our token there. */
  serve(url: string, token: string): void {
    this.#bridge = new Pool(url, { connections: 1 });
    this.#token = token;
  }

  get transactions(): number {
    return this.#transactions;
  }

  /** Pushes an event; those that wait while a transaction is under way go together in the next. */
  push(room: string, sender: string, type: string, content: string, stateKey?: string): void {
    this.#waiting.push(this.#event(room, sender, type, content, stateKey));
    void this.#pump();
  }

  /** As hashes are: anywhere among those that there are already. */
  #nextId(): string {
    this.#events += 1;
    this.#id = eventName(Math.imul(this.#events, 0x9e3779b1) >>> 0, this.#events);
    return this.#id;
  }

  #event(room: string, sender: string, type: string, content: string, stateKey?: string): string {
    const id = this.#nextId();
    const state = stateKey === undefined ? "" : `,"state_key":${JSON.stringify(stateKey)}`;
    const head = `"type":"${type}","event_id":"${id}","room_id":"${room}","sender":"${sender}"${state}`;
    return `{${head},"origin_server_ts":${Date.now()},"content":${content}}`;
  }

  async #pump(): Promise<void> {
    if (this.#pushing || !this.#bridge) return;
    this.#pushing = true;
    while (this.#waiting.length > 0) {
      const events = this.#waiting.splice(0, MOST_EVENTS);
      this.#transactions += 1;
      const path = `/_matrix/app/v1/transactions/${Date.now()}-${this.#transactions}`;
      const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
      const body = `{"events":[${events.join(",")}]}`;
      const answer = await this.#bridge.request({ method: "PUT", path, headers, body }).catch(() => undefined);
      await answer?.body.dump();
      if (answer?.statusCode === 200) continue;
      this.#waiting.unshift(...events);
      break;
    }
    this.#pushing = false;
  }

  #echo(event: string): void {
    if (this.#echoes.length === 0) {
      setTimeout(() => {
        this.#waiting.push(...this.#echoes);
        this.#echoes = [];
        void this.#pump();
      }, ECHO_AFTER);
    }
    this.#echoes.push(event);
  }

  #answer({ method, url = "" }: IncomingMessage, body: string): string {
    const room = ROOM.exec(url);
    if (method === "PUT" && room?.[2] === "send") return this.#send(url, decodeURIComponent(room[1] as string), body);
    if (method === "PUT" && room?.[2] === "state") return this.#setState(url, room, body);
    if (method === "GET" && room?.[2] === "state") return stateOf(room[3] as string, decodeURIComponent(room[4] ?? ""));
    if (url.endsWith("/register")) return '{"user_id":"@somebody:bench.local"}';
    if (url.endsWith("/versions")) return '{"versions":["v1.15"]}';
    if (url.endsWith("/ping")) return '{"duration_ms":1}';
    if (url.includes("/messages")) return '{"chunk":[],"start":"a"}';
    if (url.endsWith("/createRoom")) return `{"room_id":"!made${++this.#events}:bench.local"}`;
    if (url.includes("/directory/list/room/")) return '{"visibility":"private"}';
    return method === "GET" ? NOT_FOUND : "{}";
  }

  #send(url: string, room: string, body: string): string {
    const sender = senderIn(url);
    this.#echo(this.#event(room, sender, "m.room.message", body));
    const answer = `{"event_id":"${this.#id}"}`;
    this.sent({ room, sender, body });
    return answer;
  }

  #setState(url: string, [, room = "", , type = "", key = ""]: RegExpExecArray, body: string): string {
    this.#echo(this.#event(decodeURIComponent(room), senderIn(url), type, body, decodeURIComponent(key)));
    return `{"event_id":"${this.#id}"}`;
  }
}

function senderIn(url: string): string {
  const at = url.indexOf("user_id=");
  return at < 0 ? "@causeway:bench.local" : decodeURIComponent(url.slice(at + 8).split("&", 1)[0] as string);
}

function stateOf(type: string, key: string): string {
  if (type === "m.room.member") return JSON.stringify({ membership: "join", displayname: key.slice(1, key.indexOf(":")) });
  return STATE[type] ?? NOT_FOUND;
}
