/** A service in this process that tells nobody what changes is looked at several times a second instead. */
import type { ChannelLog, MessageState } from "./side.ts";

export interface Sight {
  readonly id: string;
  /** Differs when, and only when, the message has to be shown anew. */
  readonly print: string;
  show(): MessageState;
}

export interface Watched {
  readonly log: ChannelLog;
  /** The newest messages, oldest first. */
  look(): readonly Sight[];
  topic(): string;
}

/** Milliseconds. */
const PERIOD = 60;

/** Returns a function that ends it. */
export function watch({ log, look, topic }: Watched): () => void {
  let known = new Map<string, string>();
  const timer = setInterval(() => {
    if (topic() !== log.topic) log.setTopic(topic());
    const seen = look();
    const oldest = seen[0]?.id ?? "";
    for (const sight of seen) if (known.get(sight.id) !== sight.print) log.add(sight.show());
    const here = new Set(seen.map(({ id }) => id));
    // What is older than everything that was looked at is only out of sight.
    for (const id of known.keys()) if (!here.has(id) && (seen.length === 0 || id > oldest)) log.erase(id);
    known = new Map(seen.map(({ id, print }) => [id, print]));
  }, PERIOD);
  return () => clearInterval(timer);
}

/** How many of the newest messages are looked at. */
export const LOOKED_AT = 60;
