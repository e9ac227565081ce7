/** What is asked about a channel once we are in it: its modes, and who in it is signed in. */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { WHOX_TOKEN } from "./hearing.ts";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";

export interface InquiriesOptions {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
}

/** A channel of more people is not asked for their accounts: they show when somebody speaks. */
const MOST_ASKED_AFTER = 500;
const MODES_WITHIN = 5000;

export class Inquiries {
  readonly #options: InquiriesOptions;
  /** Under way or answered. */
  readonly #modes = new Map<RemoteChannelId, Promise<void>>();

  constructor(options: InquiriesOptions) {
    this.#options = options;
  }

  modes(session: Session, id: RemoteChannelId, name: string): void {
    this.#modes.set(
      id,
      this.#ask(session, "MODE", name).catch(() => undefined),
    );
  }

  /** What the channel lets us do is known when its modes are. Resolves after a while in any case. */
  async modesKnown(id: RemoteChannelId): Promise<void> {
    const { clock, signal } = this.#options;
    await Promise.race([this.#modes.get(id), clock.sleep(MODES_WITHIN, signal).catch(() => undefined)]);
  }

  accounts(session: Session, name: string, members: number): void {
    if (!session.isupport.has("WHOX") || members > MOST_ASKED_AFTER) return;
    void this.#ask(session, "WHO", name, `%tuhnfa,${WHOX_TOKEN}`).catch(() => undefined);
  }

  reset(): void {
    this.#modes.clear();
  }

  async #ask(session: Session, command: string, ...params: string[]): Promise<void> {
    await this.#options.outbox.idleTurn(1, 20, this.#options.signal);
    if (!session.isOver) await session.askLine(command, ...params);
  }
}
