/**
 * Sends whose outcome is not known yet. While one is open, what its own echo could be has to wait: the echo may come before the
 * reply that tells the message's id.
 */
import type { EventId, LinkId } from "./model/ids.ts";
import type { Sent } from "./model/effects.ts";
import type { Clock } from "./network.ts";

/** How long an id may take to come by echo, before it is looked for. */
const ECHO_PATIENCE = 10_000;

interface Open {
  readonly link: LinkId;
  /** The message that is sent, or is about to change. */
  readonly subject: EventId | undefined;
  readonly closed: Promise<void>;
  close(): void;
  settle?: (sent: Sent) => void;
}

export class Unresolved {
  readonly #open = new Map<string, Open>();
  readonly #byLink = new Map<LinkId, Set<string>>();
  /** Ids that came by echo before the send itself returned. */
  readonly #early = new Map<string, Sent>();

  begin(link: LinkId, key: string, subject?: EventId): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(key, { link, subject, closed: promise, close: resolve });
    const keys = this.#byLink.get(link);
    if (keys) keys.add(key);
    else this.#byLink.set(link, new Set([key]));
  }

  /** Recorded, or given up: whoever waited may go on. */
  end(key: string): void {
    const open = this.#open.get(key);
    if (!open) return;
    open.close();
    this.#open.delete(key);
    this.#early.delete(key);
    const keys = this.#byLink.get(open.link);
    keys?.delete(key);
    if (keys?.size === 0) this.#byLink.delete(open.link);
  }

  /** An echo tells the id. Returns false when nobody waits for it. */
  echo(key: string, sent: Sent): boolean {
    const open = this.#open.get(key);
    if (!open) return false;
    if (open.settle) open.settle(sent);
    else this.#early.set(key, sent);
    return true;
  }

  /** The id of a send that is `pending`; undefined when no echo came in time. */
  async awaitEcho(key: string, clock: Clock): Promise<Sent | undefined> {
    const early = this.#early.get(key);
    const open = this.#open.get(key);
    if (early || !open) return early;
    return await new Promise((resolve) => {
      const cancel = clock.timer(ECHO_PATIENCE, () => resolve(undefined));
      open.settle = (sent) => {
        cancel();
        resolve(sent);
      };
    });
  }

  /** `paste` for a network, which names the send that a page is for: the page lives as long as that message. */
  pages(paste: (text: string, title: string, event?: EventId) => Promise<string>) {
    return (text: string, title: string, key?: string): Promise<string> =>
      paste(text, title, key === undefined ? undefined : this.#open.get(key)?.subject);
  }

  has(link: LinkId): boolean {
    return this.#byLink.has(link);
  }

  /** Resolves when nothing that was open for the link at the call is open any more. */
  async closed(link: LinkId): Promise<void> {
    const keys = this.#byLink.get(link);
    const open = [...(keys ?? [])].map((key) => this.#open.get(key)).filter((one) => one !== undefined);
    await Promise.all(open.map((one) => one.closed));
  }
}
