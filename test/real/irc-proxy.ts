/** A wire between the bridge and a real IRC server that can be cut, slowed, and made to lose single lines. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export class IrcProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  #down = false;
  #lost: "none" | "line" | "answer" = "none";
  /** Milliseconds that every answer takes longer. */
  slow = 0;
  hang = false;

  static async open(target: { readonly host: string; readonly port: number }): Promise<IrcProxy> {
    const proxy = new IrcProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  down(): void {
    this.#down = true;
    this.cut();
  }

  up(): void {
    this.#down = false;
  }

  /** The next message is lost on the way (`line`), or what the server says to it is (`answer`); then the wire breaks. */
  lose(what: "line" | "answer"): void {
    this.#lost = what;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    client.on("error", () => undefined);
    if (this.#down) return void client.destroy();
    const server = connect(this.#target.port, this.#target.host);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    server.on("error", () => undefined);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on("close", end);
    server.on("close", end);
    client.on("data", (data) => this.#toServer(pair, data));
    server.on("data", (data) => {
      if (this.hang || client.destroyed) return;
      if (this.slow > 0) setTimeout(() => client.destroyed || client.write(data), this.slow);
      else client.write(data);
    });
  }

  #toServer([client, server]: readonly [Socket, Socket], data: Buffer): void {
    if (this.hang) return;
    const isMessage = /(^|\n)(@\S+ )?(PRIVMSG|BATCH \+) ?/.test(data.toString());
    if (!isMessage || this.#lost === "none") return void server.write(data);
    const lost = this.#lost;
    this.#lost = "none";
    client.destroy();
    // The answer is lost with the client's socket; the server's is left until it has taken the line.
    if (lost === "answer") server.write(data, () => setTimeout(() => server.destroy(), 50));
    else server.destroy();
  }
}
