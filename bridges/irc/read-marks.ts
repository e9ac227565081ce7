/** How far a person has read, for their other clients on the same account (https://ircv3.net/specs/extensions/read-marker). */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import type { Flood } from "./flood.ts";
import { readChannelId } from "./ids.ts";
import type { Live } from "./live.ts";

export interface ReadMarksOptions {
  readonly clock: Clock;
  /** The relay bot reads nothing for anybody. */
  readonly own: boolean;
  readonly flood: Flood;
}

export const readMarker = "draft/read-marker";
/** A mark is worth no message's turn. */
const EVERY = 5000;

export class ReadMarks {
  readonly #options: ReadMarksOptions;
  readonly #told = new Map<RemoteChannelId, number>();

  constructor(options: ReadMarksOptions) {
    this.#options = options;
  }

  /** They have read to here: whoever reads has what was said up to now before them. */
  read(channel: RemoteChannelId, live: Live | undefined): void {
    const { clock, own, flood } = this.#options;
    const place = readChannelId(channel);
    const target = place?.channel === undefined ? place?.nick : (live?.book.channel(place.channel)?.name ?? place.channel);
    if (!own || !live?.settled || target === undefined || !live.session.caps.has(readMarker)) return;
    const now = clock.now();
    if (now - (this.#told.get(channel) ?? 0) < EVERY || flood.wait() > 0) return;
    this.#told.set(channel, now);
    flood.take(1);
    live.session.tell("MARKREAD", [target, `timestamp=${new Date(now).toISOString()}`]);
  }
}
