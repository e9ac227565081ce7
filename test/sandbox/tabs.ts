/** Whoever watches: tabs over a WebSocket, of which a browser opens some hundred to one place, scripts over server-sent events, of which it opens six. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

type News = "state" | "change";

/** One that reads nothing any more is let go: bytes that wait for it. */
const HOPELESS = 4 * 1024 * 1024;

export class Tabs {
  readonly #streams = new Set<ServerResponse>();
  readonly #sockets = new Set<WebSocket>();
  readonly #upgrades = new WebSocketServer({ noServer: true, maxPayload: 1024 });

  stream(response: ServerResponse, state: unknown): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`retry: 1000\n${asEvent("state", JSON.stringify(state))}`);
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
  }

  socket(request: IncomingMessage, connection: Duplex, head: Buffer, state: () => unknown): void {
    this.#upgrades.handleUpgrade(request, connection, head, (socket) => {
      socket.on("error", () => socket.terminate());
      socket.on("close", () => this.#sockets.delete(socket));
      socket.send(asMessage("state", JSON.stringify(state())));
      this.#sockets.add(socket);
    });
  }

  /** Written once, whatever the number of tabs. */
  tell(change: unknown): void {
    const json = JSON.stringify(change);
    const [event, message] = [asEvent("change", json), asMessage("change", json)];
    for (const stream of this.#streams) {
      if (stream.writableLength > HOPELESS) stream.destroy();
      else stream.write(event);
    }
    for (const socket of this.#sockets) {
      if (socket.bufferedAmount > HOPELESS) socket.terminate();
      else socket.send(message);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

function asEvent(news: News, json: string): string {
  return `event: ${news}\ndata: ${json}\n\n`;
}

function asMessage(news: News, json: string): string {
  return `{"event":"${news}","data":${json}}`;
}
