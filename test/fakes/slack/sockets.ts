/** Socket Mode's other end. https://docs.slack.dev/apis/events-api/using-socket-mode */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../../core/network.ts";
import type { Payload } from "./delivery.ts";
import type { App } from "./state.ts";

const ACKNOWLEDGE_WITHIN = 3_000;
const AGAIN = [1_000, 60_000, 300_000] as const;
const MOST_SOCKETS = 10;

interface Open {
  readonly app: App;
  readonly socket: WebSocket;
  /** By envelope id. */
  readonly waiting: Map<string, { readonly payload: Payload; readonly attempt: number; cancel(): void }>;
  leaving: boolean;
}

export class Sockets {
  readonly #clock: Clock;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #open = new Set<Open>();
  readonly #tickets = new Map<string, App>();
  /** Envelopes are taken and never acknowledged, nor anything else. */
  hanging = false;
  /** Nobody is let in. */
  closed = false;
  /** Socket Mode is switched off in the app's settings: whoever connects is told so and let go. */
  disabled = false;
  /** Further connections that a forgotten program holds: they count, and nobody listens there. */
  strangers = 0;
  readonly acknowledged: string[] = [];
  #turn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ticket(app: App): string {
    const ticket = randomUUID();
    this.#tickets.set(ticket, app);
    return ticket;
  }

  count(app: App): number {
    return [...this.#open].filter((open) => open.app === app).length;
  }

  /** A WebSocket handshake at `/link/?ticket=…`. A ticket is good once. */
  upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const ticket = new URL(request.url ?? "/", "http://localhost").searchParams.get("ticket") ?? "";
    const app = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (!app || this.closed) return void duplex.destroy();
    this.#server.handleUpgrade(request, duplex, head, (socket) => this.#welcome(app, socket));
  }

  #welcome(app: App, socket: WebSocket): void {
    const open: Open = { app, socket, waiting: new Map(), leaving: false };
    if (this.count(app) >= MOST_SOCKETS) {
      socket.send(JSON.stringify({ type: "disconnect", reason: "too_many_websockets", debug_info: { host: "applink-fake" } }));
      return socket.close();
    }
    if (this.disabled) {
      socket.send(JSON.stringify({ type: "disconnect", reason: "link_disabled", debug_info: { host: "applink-fake" } }));
      return socket.close();
    }
    this.#open.add(open);
    socket.on("message", (data) => this.#heard(open, String(data)));
    socket.on("close", () => this.#closed(open));
    socket.on("error", () => socket.terminate());
    if (this.hanging) return;
    const hello = {
      type: "hello",
      connection_info: { app_id: app.id },
      num_connections: this.count(app) + this.strangers,
      debug_info: { host: "applink-fake", build_number: 10, approximate_connection_time: 18_060 },
    };
    socket.send(JSON.stringify(hello));
  }

  #heard(open: Open, text: string): void {
    if (this.hanging) return;
    const { envelope_id } = JSON.parse(text) as { envelope_id?: string };
    const waiting = open.waiting.get(envelope_id ?? "");
    if (!waiting || envelope_id === undefined) return;
    waiting.cancel();
    open.waiting.delete(envelope_id);
    this.acknowledged.push(String((waiting.payload.body as { event_id?: unknown }).event_id ?? envelope_id));
  }

  /** What was on this line and not acknowledged goes by another. */
  #closed(open: Open): void {
    this.#open.delete(open);
    for (const { payload, attempt, cancel } of open.waiting.values()) {
      cancel();
      this.#again(payload, attempt);
    }
  }

  /** One of the app's lines gets it. With none, it is tried again later, and in the end given up. */
  deliver(payload: Payload, attempt = 0): void {
    const lines = [...this.#open].filter((open) => open.app === payload.app && !open.leaving);
    this.#turn += 1;
    const open = lines[this.#turn % Math.max(1, lines.length)];
    if (!open) return this.#again(payload, attempt);
    const id = randomUUID();
    const cancel = this.#clock.timer(ACKNOWLEDGE_WITHIN, () => {
      open.waiting.delete(id);
      this.#again(payload, attempt);
    });
    open.waiting.set(id, { payload, attempt, cancel });
    const retries = attempt > 0 ? { retry_attempt: attempt, retry_reason: "timeout" } : { retry_attempt: 0, retry_reason: "" };
    const extra = payload.kind === "events_api" ? retries : {};
    open.socket.send(
      JSON.stringify({
        envelope_id: id,
        payload: payload.body,
        type: payload.kind,
        accepts_response_payload: payload.kind !== "events_api",
        ...extra,
      }),
    );
  }

  #again(payload: Payload, attempt: number): void {
    const wait = AGAIN[attempt];
    if (wait === undefined || payload.kind !== "events_api" || this.hanging) return;
    this.#clock.timer(wait, () => this.deliver(payload, attempt + 1));
  }

  /** Slack renews its connections every so often: it says so, and closes the line a little later. */
  refresh(reason: "warning" | "refresh_requested", grace: number): void {
    for (const open of this.#open) {
      open.leaving = true;
      open.socket.send(JSON.stringify({ type: "disconnect", reason, debug_info: { host: "applink-fake" } }));
      this.#clock.timer(grace, () => open.socket.close());
    }
  }

  /** Every line is ended at once, and told why. */
  disconnectAll(reason: string): void {
    for (const open of this.#open) {
      open.leaving = true;
      open.socket.send(JSON.stringify({ type: "disconnect", reason, debug_info: { host: "applink-fake" } }));
      open.socket.close();
    }
  }

  /** Lines break without a word. */
  cut(): void {
    for (const open of this.#open) open.socket.terminate();
  }

  /** Any text at all, to every line. */
  whisper(text: string): void {
    for (const open of this.#open) open.socket.send(text);
  }

  close(): void {
    this.closed = true;
    this.cut();
    this.#server.close();
  }
}
