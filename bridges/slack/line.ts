/** One WebSocket of Socket Mode, from its opening to its end. https://docs.slack.dev/apis/events-api/using-socket-mode */
import { SocketModeClient } from "@slack/socket-mode";
import { type ClientContext, clientOptions, quietLogger } from "./api.ts";
import { filled, type Json, number, parsed, record, string } from "./wire.ts";

/** From the first call to Slack's hello. */
const HELLO = 20_000;
/** Slack does not end its side of a connection: after this it is cut. */
const FAREWELL = 1_000;

export interface LineContext extends ClientContext {
  readonly appToken: string;
  /** An envelope that wants an answer. `acknowledge` rejects when the line is gone, and then Slack sends it again. */
  envelope(payload: Json, retry: number, acknowledge: () => Promise<void>): void;
  /** Slack says that it will close this line; `reason` is its own word. */
  leaving(reason: string): void;
  closed(): void;
}

/**
 * Slack's client with its reading of messages replaced: it drops the line at the first warning, before there is another, and trips over
 * payloads without an event in them.
 */
class Client extends SocketModeClient {
  readonly #read: (text: string) => void;

  constructor(context: LineContext, read: (text: string) => void) {
    super({
      appToken: context.appToken,
      autoReconnectEnabled: false,
      logger: quietLogger(context.log),
      clientOptions: clientOptions(context),
    });
    this.#read = read;
  }

  override async onWebSocketMessage(data: string | ArrayBuffer, isBinary: boolean): Promise<void> {
    if (!isBinary) this.#read(typeof data === "string" ? data : new TextDecoder().decode(data));
  }
}

export class Line {
  readonly #context: LineContext;
  readonly #client: Client;
  #open = false;
  #ended = false;
  /** How many lines Slack sees open for this app, ours among them. */
  connections = 1;

  constructor(context: LineContext) {
    this.#context = context;
    this.#client = new Client(context, (text) => this.#read(text));
    this.#client.on("disconnected", () => this.#end());
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Resolves at Slack's hello. Rejects with Slack's own error, or because it took too long. */
  async open(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#context.clock.timer(HELLO, () => reject(new Error("Slack opened no connection in time.")));
    const started = this.#client.start().catch((error: unknown) => {
      throw error instanceof Error ? error : new Error("Slack closed the connection before it was open.");
    });
    try {
      await Promise.race([started, late]);
      this.#open = true;
    } catch (error) {
      started.catch(() => undefined);
      this.close();
      throw error;
    } finally {
      cancel();
    }
  }

  /** Says goodbye, and cuts the line when nobody answers. */
  close(): void {
    this.#open = false;
    const socket = this.#client.websocket;
    void this.#client.disconnect().catch(() => undefined);
    if (socket) letGo(socket);
    this.#context.clock.timer(FAREWELL, () => socket?.disconnect());
  }

  #end(): void {
    this.#open = false;
    if (this.#ended) return;
    this.#ended = true;
    this.#context.closed();
  }

  #read(text: string): void {
    const message = parsed(text);
    if (!message) return;
    const type = string(message.type);
    if (type === "hello") {
      this.connections = number(message.num_connections) ?? 1;
      this.#client.emit("connected", {});
    } else if (type === "disconnect") this.#context.leaving(string(message.reason));
    else {
      const id = filled(message.envelope_id);
      if (id === undefined) return;
      const retry = number(message.retry_attempt) ?? number(message.retry_num) ?? 0;
      this.#context.envelope(record(message.payload), retry, () => this.#acknowledge(id));
    }
  }

  #acknowledge(envelope: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#client.websocket;
      if (!socket?.isActive()) return reject(new Error("The connection is gone; Slack will send this again."));
      socket.send(JSON.stringify({ envelope_id: envelope }), (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** When the line breaks during the goodbye, the client loses hold of its own timer for it, which would keep the process up for half a minute. */
function letGo(socket: object): void {
  const timer: unknown = Reflect.get(socket, "closeHandshakeTimeout");
  if (timer instanceof Object && "unref" in timer && typeof timer.unref === "function") timer.unref();
}
