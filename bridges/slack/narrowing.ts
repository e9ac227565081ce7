/**
 * Slack says with each message of what kind its channel is, and may fail to say when that changes: a channel that turned private unseen is
 * judged anew before anything more of it is shown. https://docs.slack.dev/reference/events/message
 */
import type { RemoteEvent } from "../../core/model/events.ts";
import { readFacts } from "./from-channel.ts";
import type { Known } from "./known.ts";
import { type Json, number, record, string } from "./wire.ts";

export class Narrowing {
  /** Channels that core has been told of. That one is open again is believed of Slack's own word alone. */
  readonly #told = new Set<string>();

  /** What core has to know before the event. */
  before(body: Json, known: Known): RemoteEvent[] {
    const event = record(body.event);
    const place = string(event.channel);
    if (event.subtype === "channel_convert_to_public") this.#told.delete(place);
    if (event.type !== "message" || event.channel_type !== "group" || this.#told.has(place)) return [];
    this.#told.add(place);
    const road = { via: "live", channel: place, at: (number(body.event_time) ?? 0) * 1000 } as const;
    const { subject: _subject, ...told } = readFacts(event, { visibility: "private" }, road, known);
    return [told];
  }
}
