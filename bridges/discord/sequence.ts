/**
 * How far one gateway session has been taken in for good. Discord counts its events; the number that a RESUME names may only be that of
 * an event which is on disk, with everything before it: what is named as received never comes again.
 *
 * https://discord.com/developers/docs/events/gateway#resuming
 */

/** What is kept of a session, to go on with it after a restart. JSON. */
export interface Session {
  readonly sessionId: string;
  readonly resumeURL: string;
  readonly shardId: number;
  readonly shardCount: number;
  readonly sequence: number;
}

/** One event on its way to the disk. */
export interface Ticket {
  /** Names the delivery for ever: the same session and number is the same event. */
  readonly deliveryId: string;
  /** What to write along with the event: the session as it stands once the event is on disk. */
  keep(): Readonly<Record<string, unknown>>;
  /** It is on disk, or there was nothing to write. */
  done(): void;
  /** It could not be written: it has to come again. */
  failed(): void;
}

export class Sequence {
  readonly #session: Session;
  readonly #onMoved: () => void;
  readonly #onFailed: () => void;
  /** Begun and not done, ascending. */
  readonly #open = new Set<number>();
  #highest: number;

  constructor(session: Session, onMoved: () => void, onFailed: () => void) {
    this.#session = session;
    this.#highest = session.sequence;
    this.#onMoved = onMoved;
    this.#onFailed = onFailed;
  }

  get id(): string {
    return this.#session.sessionId;
  }

  /** As it may be named in a RESUME now. */
  get durable(): Session {
    return { ...this.#session, sequence: this.#before(undefined) };
  }

  /** Undefined = seen already: a replay gives more than was asked for. */
  begin(number: number): Ticket | undefined {
    if (number <= this.#highest) return undefined;
    this.#highest = number;
    this.#open.add(number);
    return {
      deliveryId: `${this.#session.sessionId}:${number}`,
      keep: () => ({ [sessionKey(this.#session.shardId)]: { ...this.#session, sequence: this.#before(number) } }),
      done: () => {
        if (this.#open.delete(number)) this.#onMoved();
      },
      failed: () => this.#onFailed(),
    };
  }

  /** The last number up to which everything is done, when `besides` is. */
  #before(besides: number | undefined): number {
    for (const number of this.#open) if (number !== besides) return number - 1;
    return this.#highest;
  }
}

export function sessionKey(shardId: number): string {
  return `session:${shardId}`;
}

export function readSession(kept: unknown): Session | undefined {
  const session = kept as Partial<Session> | undefined;
  const whole =
    typeof session?.sessionId === "string" &&
    typeof session.resumeURL === "string" &&
    Number.isSafeInteger(session.sequence) &&
    Number.isSafeInteger(session.shardId) &&
    Number.isSafeInteger(session.shardCount);
  return whole ? (session as Session) : undefined;
}
