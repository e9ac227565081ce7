/** Typing, shown where the server passes it on (https://ircv3.net/specs/client-tags/typing). */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import type { Flood } from "./flood.ts";
import { readChannelId } from "./ids.ts";
import type { Live } from "./live.ts";

const EVERY = 3000;

export class Typing {
  readonly #clock: Clock;
  readonly #flood: Flood;
  readonly #shown = new Map<RemoteChannelId, number>();

  constructor(clock: Clock, flood: Flood) {
    this.#clock = clock;
    this.#flood = flood;
  }

  show(channel: RemoteChannelId, on: boolean, live: Live | undefined): void {
    const place = readChannelId(channel);
    const target = place?.channel === undefined ? place?.nick : (live?.book.channel(place.channel)?.name ?? place.channel);
    if (!live?.settled || target === undefined || !live.session.passesTag("+typing")) return;
    const now = this.#clock.now();
    const since = now - (this.#shown.get(channel) ?? 0);
    // It is worth no message's turn.
    if ((on && since < EVERY) || this.#flood.wait() > 0) return;
    this.#shown.set(channel, on ? now : 0);
    this.#flood.take(1);
    live.session.tell("TAGMSG", [target], { "+typing": on ? "active" : "done" });
  }
}
