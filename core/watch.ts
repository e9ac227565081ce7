/** What people are told of queues: that something could not be delivered, that a network is out of reach, that it is back. */
import type { Logger } from "pino";
import type { LaneWatch } from "./lane.ts";
import { readLane } from "./lanes.ts";
import type { Links } from "./links.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import type { RemoteEvent } from "./model/events.ts";
import { linkId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Notices } from "./notices.ts";
import type { JournalRow, LaneName, Link } from "./store/store.ts";

/** A wait shorter than this is not worth a word. */
const PATIENCE = 20_000;
/** A homeserver that was away for longer may have lost what it was about to push. */
const BLINK = 2_000;

export interface WatchContext {
  readonly links: Links;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Logger;
  networkName(link: Link): string;
  /** What waited for the homeserver has gone through. */
  homeserverBack(): void;
  /** How many lanes are held, for metrics. */
  held(lanes: number): void;
  parked(link: Link, direction: "in" | "out"): void;
}

interface Hold {
  readonly since: number;
  why: string;
  told: boolean;
  /** Ends the wait for the moment at which it is worth a word. */
  readonly cancel: () => void;
}

export class Watch implements LaneWatch {
  readonly #context: WatchContext;
  readonly #held = new Map<LaneName, Hold>();

  constructor(context: WatchContext) {
    this.#context = context;
  }

  held(lane: LaneName, why: string): void {
    this.#context.log.info({ lane }, why);
    const known = this.#held.get(lane);
    if (known) {
      known.why = why;
      return;
    }
    const { clock } = this.#context;
    const cancel = readLane(lane).kind === "out" ? clock.timer(PATIENCE, () => this.#tellHeld(lane)) : () => undefined;
    this.#held.set(lane, { since: clock.now(), why, told: false, cancel });
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
    for (const { cancel } of this.#held.values()) cancel();
  }

  freed(lane: LaneName): void {
    const hold = this.#held.get(lane);
    hold?.cancel();
    this.#held.delete(lane);
    this.#context.held(this.#held.size);
    const was = hold && this.#context.clock.now() - hold.since > BLINK;
    if (was && readLane(lane).kind === "in") this.#context.homeserverBack();
    if (hold?.told) void this.#tell(lane, `freed:${lane}:${hold.since}`, "Delivered again: what waited has gone out.");
  }

  async parked(lane: LaneName, row: JournalRow, why: string, error: unknown): Promise<void> {
    const { log, notices, clock } = this.#context;
    log.warn({ lane, row: row.id, trace: row.trace, err: error }, `Parked: ${why}`);
    const link = await this.#linkOf(lane);
    if (!link) return;
    this.#context.parked(link, readLane(lane).kind === "out" ? "out" : "in");
    const key = `parked:${row.id}:${clock.now()}`;
    if (readLane(lane).kind === "out") {
      const event = row.payload as MatrixEvent;
      // Bots are not answered: of two that answer each other there is no end.
      if (event.content["msgtype"] === "m.notice") return;
      const text = `This did not reach ${this.#context.networkName(link)}: ${why} React with 🔁 to try again.`;
      await notices.complain(link.room, key, text, { event: event.event_id, author: event.sender });
    } else {
      const what = (row.payload as RemoteEvent).kind;
      const text = `A ${what} from ${this.#context.networkName(link)} could not be shown here: ${why} \`!causeway retry\` tries again.`;
      await notices.complain(link.room, key, text);
    }
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
