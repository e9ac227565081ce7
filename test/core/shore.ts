/** What the tests of the Matrix shore share: a small HTTP server of their own, a clock that stands still, a client. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { createClock } from "../../core/clock.ts";
import { MatrixClient } from "../../core/matrix/client.ts";
import { mxid } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { silent } from "./temporary-store.ts";

export const clock = createClock({ speed: 1, since: 0 });
export const bot = mxid("@causeway:test.local");

/** Listens as long as the test; returns its address. */
export async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function clientOf(
  t: TestContext,
  homeserverUrl: string,
  { asToken = "as-token", by = clock }: { asToken?: string; by?: Clock } = {},
) {
  const client = new MatrixClient({ homeserverUrl, domain: "test.local", asToken, botMxid: bot, clock: by, log: silent });
  t.after(() => client.close());
  return client;
}

/** Time passes only when told. */
export class StandingClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.timer(ms, resolve));
  }

  timer(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.run();
    }
  }
}

/** Looks again until it is so: for what goes on in the background. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await so()); tries += 1) {
    if (tries > 2_000) throw new Error("It never came to be.");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
