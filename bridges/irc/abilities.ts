/** What can be done in a channel now: the server, our rank, the config. */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import { capabilitiesOf, type IrcCapabilities } from "./capabilities.ts";
import { type IrcNetworkConfig, settingsOf } from "./config.ts";
import { roomFor } from "./delivery.ts";
import { readChannelId } from "./ids.ts";
import type { Live } from "./live.ts";
import { OPERATOR, powerOf } from "./modes.ts";
import { readMarker } from "./read-marks.ts";
import { relaysByName } from "./relaymsg.ts";
import type { Session } from "./session.ts";

export interface Circumstances {
  readonly config: IrcNetworkConfig;
  readonly live: Live | undefined;
  readonly own: boolean;
  readonly history: boolean;
  /** Texts can become pages of the bridge. */
  readonly pages: boolean;
  readonly mayRedact: boolean;
}

export function abilitiesIn(channel: RemoteChannelId, { config, live, own, history, pages, mayRedact }: Circumstances): IrcCapabilities {
  const session = live?.session;
  const name = readChannelId(channel)?.channel;
  const place = name === undefined ? undefined : live?.book.channel(name);
  const operator = live !== undefined && name !== undefined && powerOf(live.book.ranksIn(name, live.book.me.nick)) >= OPERATOR;
  const named = own || (live !== undefined && relaysByName(live, config, channel));
  const passes = (tag: string): boolean => session?.passesTag(tag) ?? false;
  return capabilitiesOf({
    line: roomFor(live?.book, channel),
    prefix: named ? "" : config.relay.prefix,
    calmNames: config.relay.calm_names,
    pageOver: pages ? (settingsOf(config, name).max_lines ?? config.relay.max_lines) : undefined,
    // Who speaks under another's nick does so line by line.
    multiline: session && live.ids && (own || !named) ? multilineLimits(session) : undefined,
    ids: live?.ids ?? false,
    replies: passes("+draft/reply"),
    reactions: passes("+draft/reply") && passes("+draft/react"),
    redaction: mayRedact && (session?.caps.has("draft/message-redaction") ?? false),
    typing: passes("+typing"),
    history,
    readMarks: own && (session?.caps.has(readMarker) ?? false),
    named,
    operator,
    topic: operator || (place?.modesKnown === true && !place.modes.has("t")),
  });
}

/** A tenth is left for what the server counts otherwise. */
function multilineLimits({ caps }: Session): { bytes: number; lines: number } | undefined {
  if (!caps.has("draft/multiline")) return undefined;
  const value = caps.offered.get("draft/multiline") ?? "";
  const bytes = Number(/(?:^|,)max-bytes=(\d{1,7})/.exec(value)?.[1] ?? 0);
  const lines = Number(/(?:^|,)max-lines=(\d{1,5})/.exec(value)?.[1] ?? 50);
  return bytes >= 512 && lines >= 2 ? { bytes: Math.floor(bytes * 0.9), lines } : undefined;
}
