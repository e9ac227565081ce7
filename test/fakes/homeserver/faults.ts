/** Troubles on demand: what a homeserver, the wire to it and the wire from it can do to a bridge. */
import type { Json } from "./types.ts";

/** Every part that is given must fit; none = anything. */
export interface Match {
  readonly method?: string;
  /** Part of the path with its query, as sent: `/send/m.room.message`. */
  readonly path?: string;
  /** Who asks, or for pushes who sent the event. */
  readonly user?: string;
  readonly room?: string;
  /** Of pushed events. */
  readonly type?: string;
  /** Whether an application service asks, with its own token. */
  readonly service?: boolean;
}

export type Fault = {
  readonly match?: Match;
  /** How often it strikes, 1 unless told; 0 = until it is removed. */
  readonly times?: number;
  /** How many that fit are let pass before the first. */
  readonly after?: number;
} & (
  | {
      readonly kind: "status";
      readonly status: number;
      readonly errcode?: string;
      readonly error?: string;
      readonly retry_after_ms?: number;
    }
  /** The connection ends before anything has happened. */
  | { readonly kind: "connection-lost" }
  /** It happens, and the connection ends before the answer. */
  | { readonly kind: "reply-lost" }
  /** It happens after `ms`. */
  | { readonly kind: "slow"; readonly ms: number }
  /** It happens at once, the answer comes after `ms`. */
  | { readonly kind: "reply-slow"; readonly ms: number }
  /** It happens, the answer waits until `release`. */
  | { readonly kind: "hold" }
  /** What fits is served this often a second, the rest waits its turn. */
  | { readonly kind: "paced"; readonly perSecond: number }
  /** The room does not let this user join, whatever its rules. */
  | { readonly kind: "join-refused"; readonly error?: string }
  /** A transaction that was taken comes again under a new id. */
  | { readonly kind: "push-repeated" }
  /** The service's answer to a transaction is lost: it comes again under the same id. */
  | { readonly kind: "push-unheard" }
  /** The event never reaches the service. */
  | { readonly kind: "push-lost" }
  /** The push waits this long before it goes out. */
  | { readonly kind: "push-slow"; readonly ms: number }
  /** Nothing is pushed; the events wait in the homeserver's queue. Ends with `remove`. */
  | { readonly kind: "push-stopped" }
);

export type FaultKind = Fault["kind"];
export type FaultOf<Kind extends FaultKind> = Extract<Fault, { kind: Kind }>;

/** A fault that is waiting for its moment. */
export class ActiveFault<Kind extends FaultKind = FaultKind> {
  readonly id: string;
  readonly fault: FaultOf<Kind>;
  hits = 0;
  /** Resolves at the first hit: the instant at which a test kills something. */
  readonly hit: Promise<void>;
  /** For `hold` and `push-stopped`: resolves when it is over. */
  readonly released: Promise<void>;
  readonly #onHit: () => void;
  readonly #onRelease: () => void;
  readonly #onRemove: () => void;
  #passed = 0;

  constructor(id: string, fault: FaultOf<Kind>, onRemove: () => void) {
    this.id = id;
    this.fault = fault;
    this.#onRemove = onRemove;
    const hit = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    this.hit = hit.promise;
    this.released = release.promise;
    this.#onHit = hit.resolve;
    this.#onRelease = release.resolve;
  }

  /** Whether it strikes now. */
  strikes(subject: Subject): boolean {
    if (!fits(this.fault.match ?? {}, subject)) return false;
    if (this.#passed < (this.fault.after ?? 0)) {
      this.#passed++;
      return false;
    }
    this.hits++;
    this.#onHit();
    const times = this.fault.times ?? (this.fault.kind === "push-stopped" || this.fault.kind === "paced" ? 0 : 1);
    if (times > 0 && this.hits >= times) this.#onRemove();
    return true;
  }

  /** Lets go what it holds; it strikes no more. */
  release(): void {
    this.#onRelease();
    this.#onRemove();
  }
}

export interface Subject {
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly user?: string | undefined;
  readonly room?: string | undefined;
  readonly type?: string | undefined;
  readonly service?: boolean | undefined;
}

function fits(match: Match, subject: Subject): boolean {
  if (match.path !== undefined && !subject.path?.includes(match.path)) return false;
  return (["method", "user", "room", "type", "service"] as const).every((key) => match[key] === undefined || match[key] === subject[key]);
}

export class Faults {
  readonly #active = new Map<string, ActiveFault>();
  #next = 1;

  add<Kind extends FaultKind>(fault: FaultOf<Kind>): ActiveFault<Kind> {
    const id = String(this.#next++);
    const active = new ActiveFault<Kind>(id, fault, () => this.#active.delete(id));
    this.#active.set(id, active as unknown as ActiveFault);
    return active;
  }

  /** From HTTP: the same, as JSON. */
  addJson(json: Json): ActiveFault {
    if (typeof json["kind"] !== "string") throw new Error("A fault has a kind");
    return this.add<FaultKind>(json as unknown as Fault);
  }

  clear(): void {
    for (const fault of this.#active.values()) fault.release();
  }

  get(id: string): ActiveFault | undefined {
    return this.#active.get(id);
  }

  get all(): ActiveFault[] {
    return [...this.#active.values()];
  }

  /** The first fault of these kinds that strikes now. */
  take<Kind extends FaultKind>(subject: Subject, ...kinds: Kind[]): ActiveFault<Kind> | undefined {
    if (this.#active.size === 0) return undefined;
    for (const fault of this.#active.values()) {
      if ((kinds as FaultKind[]).includes(fault.fault.kind) && fault.strikes(subject)) return fault as unknown as ActiveFault<Kind>;
    }
    return undefined;
  }
}
