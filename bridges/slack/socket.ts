/**
 * Socket Mode, kept up: a new line is open before the old one is closed, and a silent one is replaced. What came while there was none
 * is in the channels' history.
 */
import { LoggedOut } from "../../core/model/errors.ts";
import type { Delivery } from "./delivery.ts";
import type { ClientContext } from "./api.ts";
import { failureOf } from "./failures.ts";
import { Line } from "./line.ts";
import type { Json } from "./wire.ts";

/**
 * A quiet workspace says nothing for hours, and so does a line that Slack has forgotten: after this long without an event there is a new
 * one, and the history is looked at; twice as long after each time that it was for nothing.
 */
const SILENCE = 5 * 60_000;
const LONGEST_SILENCE = 60 * 60_000;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;
/** A line that ends sooner says that the next will, too. */
const BRIEF = 5_000;
/** Slack may count a line that broke for a while longer: of this program, or of the one that ran before it. */
const COUNTED = 10_000;
/** A line that was closed properly is not counted after this. */
const MISSED = 1_000;

/** What Slack says of a line that it ends, where somebody has to do something about it. */
const ENDED: Readonly<Record<string, string>> = {
  link_disabled: "Socket Mode is switched off in the Slack app's settings: switch it on again there.",
  too_many_websockets: "Ten other programs are connected with this Slack app's token, and Slack lets no more in: stop them.",
};

export type SocketState =
  /** `gapless`: there was a line at every moment since the last time. */
  | { readonly is: "up"; readonly gapless: boolean }
  | { readonly is: "down"; readonly why: string }
  | { readonly is: "refused"; readonly why: string };

export interface SocketContext extends ClientContext {
  readonly appToken: string;
  take(delivery: Delivery): Promise<void>;
  state(state: SocketState): void;
  /** Others are connected with this app's token: they get a part of the events. */
  crowded(others: number): void;
}

export class Socket {
  readonly #context: SocketContext;
  readonly #lines = new Set<Line>();
  #current: Line | undefined;
  #wake: () => void = () => {};
  #heard = 0;
  #silence = SILENCE;
  /** There were more lines than ours at the last count. */
  #crowded: { readonly since: number; readonly told: boolean } | undefined;
  /** Why Slack ended the last line, where it said so. */
  #why: string | undefined;

  constructor(context: SocketContext) {
    this.#context = context;
    context.signal.addEventListener("abort", () => this.#stop(), { once: true });
    void this.#keepUp();
  }

  #stop(): void {
    for (const line of this.#lines) line.close();
    this.#wake();
  }

  async #keepUp(): Promise<void> {
    const { clock, signal } = this.#context;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#renew();
        const since = clock.now();
        await this.#untilNeeded();
        failures = clock.now() - since < BRIEF ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        const failure = failureOf(error, { deed: "open a connection for events", repeatable: true });
        if (failure instanceof LoggedOut) return this.#refused(failure);
        if (!this.#current?.isOpen) this.#context.state({ is: "down", why: this.#why ?? failure.message });
        failures += 1;
      }
      // One that ends at once may be chance.
      const wait = failures > 1 || !this.#current?.isOpen ? Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (failures - 1)) : 0;
      if (failures > 0 && wait > 0) await clock.sleep(wait, signal).catch(() => undefined);
    }
  }

  #refused(failure: LoggedOut): void {
    this.#stop();
    this.#context.state({ is: "refused", why: `${failure.message} This is about the app-level token (xapp-…).` });
  }

  /** Opens a line, and only then lets the one before it go; but to count others' lines, none of ours may be open. */
  async #renew(): Promise<void> {
    if (this.#isDoubtful()) await this.#letGo();
    const line = this.#newLine();
    this.#lines.add(line);
    try {
      await line.open();
    } catch (error) {
      this.#lines.delete(line);
      throw error;
    }
    if (this.#context.signal.aborted) return line.close();
    const before = this.#current;
    const gapless = before?.isOpen === true && !this.#isSilent();
    if (this.#isSilent()) this.#silence = Math.min(LONGEST_SILENCE, this.#silence * 2);
    this.#current = line;
    this.#why = undefined;
    this.#heard = this.#context.clock.now();
    this.#count(line.connections - this.#lines.size);
    before?.close();
    if (!gapless) this.#context.state({ is: "up", gapless: false });
  }

  #newLine(): Line {
    const line: Line = new Line({
      ...this.#context,
      envelope: (payload, retry, acknowledge) => void this.#envelope(payload, retry, acknowledge),
      leaving: (reason) => {
        this.#context.log.debug({ reason }, "Slack is about to close a connection");
        this.#why = ENDED[reason];
        if (line === this.#current) this.#wake();
      },
      closed: () => {
        this.#lines.delete(line);
        if (line === this.#current && !this.#context.signal.aborted) {
          this.#context.state({ is: "down", why: this.#why ?? "The connection to Slack broke." });
          this.#wake();
        }
      },
    });
    return line;
  }

  #isSilent(): boolean {
    return this.#context.clock.now() >= this.#heard + this.#silence;
  }

  /** Resolves when another line is wanted: this one is leaving, has broken, or says nothing. */
  async #untilNeeded(): Promise<void> {
    const { clock, signal } = this.#context;
    for (;;) {
      if (signal.aborted || !this.#current?.isOpen) return;
      if (this.#isSilent()) return;
      const silence = this.#heard + this.#silence - clock.now();
      const check = this.#crowded?.told === false ? Math.min(silence, COUNTED) : silence;
      const { promise, resolve } = Promise.withResolvers<"woken" | "waited">();
      this.#wake = () => resolve("woken");
      const cancel = clock.timer(check, () => resolve("waited"));
      const what = await promise;
      cancel();
      if (what === "woken" || check < silence) return;
    }
  }

  /** More lines than ours: an alarm when they are still there a little later, and so are none of our own that Slack has not missed yet. */
  #count(others: number): void {
    if (others <= 0) this.#crowded = undefined;
    else if (this.#crowded === undefined) this.#crowded = { since: this.#context.clock.now(), told: false };
    else if (this.#isDoubtful()) {
      this.#crowded = { ...this.#crowded, told: true };
      this.#context.crowded(others);
    }
  }

  #isDoubtful(): boolean {
    return this.#crowded?.told === false && this.#context.clock.now() - this.#crowded.since >= COUNTED;
  }

  /** What comes meanwhile is in the history, which is looked at then. */
  async #letGo(): Promise<void> {
    const { clock, signal } = this.#context;
    const before = this.#current;
    this.#current = undefined;
    before?.close();
    await clock.sleep(MISSED, signal).catch(() => undefined);
  }

  /** On disk, then acknowledged: what was not is sent again, by another line if need be. */
  async #envelope(payload: Json, retry: number, acknowledge: () => Promise<void>): Promise<void> {
    this.#heard = this.#context.clock.now();
    this.#silence = SILENCE;
    try {
      await this.#context.take({ body: payload, retry });
      await acknowledge();
    } catch (error) {
      this.#context.log.info({ err: error }, "An event of Slack's was not acknowledged; it will come again");
    }
  }
}
