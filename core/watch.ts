/** What people are told of queues: that something could not be delivered, that a network is out of reach, that it is back. */
import type { Logger } from "pino";
import type { LaneWatch } from "./lane.ts";
import { readLane } from "./lanes.ts";
import type { Links } from "./links.ts";
import { isAutomatic } from "./matrix/automatic.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { MatrixError, Unreachable } from "./matrix/failure.ts";
import type { Scope } from "./model/errors.ts";
import type { RemoteEvent } from "./model/events.ts";
import { Refused } from "./model/errors.ts";
import { linkId, type Mxid } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Notices } from "./notices.ts";
import { Closed } from "./portal/portal.ts";
import type { JournalRow, LaneName, Link, NewRow } from "./store/store.ts";

/** A wait shorter than this is not worth a word. */
const PATIENCE = 20_000;
/** A homeserver that was away for longer may have lost what it was about to push. */
const BLINK = 2_000;
/** So long after the last hold, it is over. */
const SETTLED = 3_000;

export interface WatchContext {
  readonly links: Links;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Logger;
  networkName(link: Link): string;
  tellPrivately(person: Mxid, key: string, text: string): Promise<void>;
  /** What waited for the homeserver has gone through. */
  homeserverBack(): void;
  /** How many lanes are held, for metrics. */
  held(lanes: number): void;
  parked(link: Link, direction: "in" | "out"): void;
  /** The row leaves its lane: nobody waits for a send of it any longer. */
  left(row: JournalRow): void;
}

interface Hold {
  readonly since: number;
  why: string;
  /** It was the homeserver that was away. */
  homeserver: boolean;
  told: boolean;
  /** Ends the wait for the moment at which it is worth a word. */
  readonly cancel: () => void;
  /** Ends the wait for the moment at which it counts as over. */
  over?: (() => void) | undefined;
}

export class Watch implements LaneWatch {
  readonly #context: WatchContext;
  readonly #held = new Map<LaneName, Hold>();

  constructor(context: WatchContext) {
    this.#context = context;
  }

  held(lane: LaneName, why: string, _scope: Scope, error: unknown): void {
    this.#context.log.info({ lane }, error instanceof Closed ? "Nothing may cross at the moment" : why);
    const known = this.#held.get(lane);
    if (known) {
      known.over?.();
      known.over = undefined;
      known.why = why;
      known.homeserver ||= isHomeserver(error);
      return;
    }
    const { clock } = this.#context;
    const cancel = readLane(lane).kind === "out" ? clock.timer(PATIENCE, () => this.#tellHeld(lane)) : () => undefined;
    this.#held.set(lane, { since: clock.now(), why, homeserver: isHomeserver(error), told: false, cancel });
    this.#context.held(this.#held.size);
  }

  #tellHeld(lane: LaneName): void {
    const hold = this.#held.get(lane);
    if (!hold) return;
    hold.told = true;
    void this.#tell(lane, `held:${lane}:${hold.since}`, `What is written here waits and is kept in order: ${hold.why}`);
  }

  /** Nothing is told any more. */
  stop(): void {
    for (const { cancel, over } of this.#held.values()) {
      cancel();
      over?.();
    }
  }

  freed(lane: LaneName): void {
    const hold = this.#held.get(lane);
    if (!hold) return;
    hold.cancel();
    const { clock } = this.#context;
    const wasAway = hold.homeserver && clock.now() - hold.since > BLINK;
    if (wasAway) this.#context.homeserverBack();
    hold.homeserver = false;
    // A network that takes one message at a time holds the lane again at once: it is over when nothing is held any more.
    if (hold.told) hold.over = clock.timer(SETTLED, () => this.#tellFreed(lane, hold));
    else this.#forget(lane);
  }

  #tellFreed(lane: LaneName, hold: Hold): void {
    this.#forget(lane);
    void this.#tell(lane, `freed:${lane}:${hold.since}`, "Delivered again: what waited has gone out.");
  }

  #forget(lane: LaneName): void {
    this.#held.delete(lane);
    this.#context.held(this.#held.size);
  }

  async parking(lane: LaneName, row: JournalRow, why: string, error: unknown): Promise<readonly NewRow[]> {
    const { log } = this.#context;
    log.warn({ lane, row: row.id, trace: row.trace, err: error }, `Parked: ${why}`);
    this.#context.left(row);
    try {
      const link = await this.#linkOf(lane);
      if (!link) return [];
      const isOut = readLane(lane).kind === "out";
      this.#context.parked(link, isOut ? "out" : "in");
      if (isOut && error instanceof Refused && error.to === "sender") return await this.#tellSender(link, row, why);
      return isOut ? this.#notDelivered(link, row, why) : [this.#notShown(link, row, why)];
    } catch (failure) {
      log.error({ lane, err: failure }, "The room could not be told");
      return [];
    }
  }

  parked(_lane: LaneName, told: readonly NewRow[]): void {
    this.#context.notices.wake(told);
  }

  #notDelivered(link: Link, row: JournalRow, why: string): readonly NewRow[] {
    const event = row.payload as MatrixEvent;
    // Programs are not answered: of two that answer each other there is no end.
    if (isAutomatic(event)) return [];
    const text = `This did not reach ${this.#context.networkName(link)}: ${why} React with 🔁 to try again.`;
    const about = { event: event.event_id, author: event.sender };
    return [this.#context.notices.complaint(link.room, this.#keyOf(row), text, { cause: `${link.id} ${event.sender} ${why}`, about })];
  }

  /** What their own login may not do is nobody else's affair. */
  async #tellSender(link: Link, row: JournalRow, why: string): Promise<readonly NewRow[]> {
    const event = row.payload as MatrixEvent;
    if (isAutomatic(event)) return [];
    const text = `What you wrote did not reach ${this.#context.networkName(link)}: ${why} React to it with 🔁 to try again.`;
    await this.#context.tellPrivately(event.sender, this.#keyOf(row), text);
    return [];
  }

  #notShown(link: Link, row: JournalRow, why: string): NewRow {
    const what = (row.payload as RemoteEvent).kind;
    const text = `A ${what} from ${this.#context.networkName(link)} could not be shown here: ${why} A moderator's 🔁, or \`!causeway retry\`, tries again.`;
    return this.#context.notices.complaint(link.room, this.#keyOf(row), text, {
      cause: `${link.id} ${what} ${why}`,
      about: { row: row.id },
    });
  }

  #keyOf(row: JournalRow): string {
    return `parked:${row.id}:${this.#context.clock.now()}`;
  }

  async #tell(lane: LaneName, key: string, text: string): Promise<void> {
    try {
      const link = await this.#linkOf(lane);
      if (link) await this.#context.notices.say(link.room, key, text);
    } catch (error) {
      this.#context.log.error({ lane, err: error }, "The room could not be told");
    }
  }

  async #linkOf(lane: LaneName): Promise<Link | undefined> {
    const { kind, of } = readLane(lane);
    return kind === "in" || kind === "out" ? await this.#context.links.link(linkId(Number(of))) : undefined;
  }
}

/** Whether it was the homeserver that gave no answer, or none of its own: then it may have lost what it was about to push. */
function isHomeserver(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Unreachable || (cause instanceof MatrixError && cause.status >= 500);
}
