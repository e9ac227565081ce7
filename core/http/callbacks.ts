/**
 * The way back for browsers that were sent elsewhere to sign in (OAuth): one address for all networks, because most want it registered
 * beforehand. Who comes back is told apart by `state`, which is good once.
 */
import { randomBytes } from "node:crypto";
import { Router } from "express";
import { Refused } from "../model/errors.ts";
import type { Clock, SignInContext } from "../network.ts";
import { escapeHtml } from "../matrix/html-write.ts";

/** Below the public address. */
export const CALLBACK_PATH = "/_causeway/sign-in";

/** How long somebody may take to say yes elsewhere, milliseconds. */
const PATIENCE = 15 * 60_000;
/** Sign-ins that are under way at a time; the oldest makes room. */
const MOST = 1_000;

interface Waiting {
  readonly owner: string;
  readonly until: number;
  come(query: URLSearchParams): void;
  givenUp(why: Error): void;
}

export class Callbacks {
  readonly router = Router();
  readonly #url: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  /** `publicUrl` without a slash at its end. */
  constructor(publicUrl: string, clock: Clock) {
    this.#url = publicUrl + CALLBACK_PATH;
    this.#clock = clock;
    this.router.get("/", (request, response) => {
      const { status, text } = this.#back(new URL(request.originalUrl, "http://localhost").searchParams);
      response
        .status(status)
        .set({ "cache-control": "no-store", "content-security-policy": "default-src 'none'", "referrer-policy": "no-referrer" })
        .type("html")
        .send(`<!doctype html><title>Causeway</title><p>${escapeHtml(text)}</p>`);
    });
  }

  /** `owner` is shown to whoever comes back, so that nobody lets a stranger in by a link that was sent to them. */
  open(owner: string): ReturnType<NonNullable<SignInContext["callback"]>> {
    const state = randomBytes(24).toString("base64url");
    this.#sweep();
    const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
    // Whoever never asks for it has not made it fail.
    promise.catch(() => undefined);
    this.#waiting.set(state, { owner, until: this.#clock.now() + PATIENCE, come: resolve, givenUp: reject });
    return { url: this.#url, state, query: promise };
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [state, { until, givenUp }] of this.#waiting) {
      if (until > now && this.#waiting.size < MOST) break;
      this.#waiting.delete(state);
      givenUp(new Refused("The sign-in took too long: begin again."));
    }
  }

  #back(query: URLSearchParams): { readonly status: number; readonly text: string } {
    const state = query.get("state") ?? "";
    const waiting = this.#waiting.get(state);
    this.#waiting.delete(state);
    if (!waiting || waiting.until < this.#clock.now())
      return {
        status: 400,
        text: "Nobody waits for this: it took too long, was used already, or came from elsewhere. Begin again in the chat.",
      };
    waiting.come(query);
    const who = `This was for ${waiting.owner}: if that is not you, take the permission back there.`;
    const text = query.has("code") ? "The rest happens in your chat with the bridge: you can close this page." : "That was not allowed.";
    return { status: 200, text: `${text} ${who}` };
  }
}
