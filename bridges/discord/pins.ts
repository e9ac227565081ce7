/** Discord says that the pins of a channel changed, not how: they are read, and compared with what they were. */
import { type APIMessagePin, Routes } from "discord-api-types/v10";
import type { RemoteEvent } from "../../core/model/events.ts";
import { base } from "./events.ts";
import { absent } from "./guilds.ts";
import { messageId } from "./ids.ts";
import type { Live } from "./live.ts";
import type { Road, Stand } from "./view.ts";

interface Pins {
  readonly items: readonly APIMessagePin[];
  readonly has_more: boolean;
}

/** 250 pins are the most that a channel has; so many pages of 50. */
const PAGES = 5;

export async function pinsChanged(live: Live, channel: string, stand: Stand, road: Road): Promise<RemoteEvent[]> {
  const now = await pinned(live, channel);
  if (!now) return [];
  const key = `pins:${channel}`;
  const kept = await live.core.keep.get(key);
  await live.core.keep.set(key, now);
  // Seen for the first time: what is pinned now stays, and only the newest is news.
  const before = Array.isArray(kept) ? new Set(kept as string[]) : new Set(now.slice(1));
  const happened = base(stand, road, live.core.clock.now());
  const gone = Array.isArray(kept) ? (kept as string[]).filter((id) => !now.includes(id)) : [];
  const fresh = now.filter((id) => !before.has(id)).reverse();
  const told = (kind: "pin" | "unpin", id: string): RemoteEvent => ({
    ...happened,
    kind,
    message: messageId(id),
    ...ownEcho(live, kind, id),
  });
  return [...gone.map((id) => told("unpin", id)), ...fresh.map((id) => told("pin", id))];
}

/** Either way, what we did to this message before has been told now. */
function ownEcho(live: Live, kind: "pin" | "unpin", id: string): { echo?: object } {
  const ours = live.doneByUs.has(`${kind}:${id}`);
  for (const deed of ["pin", "unpin"]) live.doneByUs.delete(`${deed}:${id}`);
  return ours ? { echo: {} } : {};
}

/** Newest first. */
async function pinned(live: Live, channel: string): Promise<string[] | undefined> {
  const all: string[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const query = { limit: 50, ...(before === undefined ? {} : { before }) };
    const pins = await absent(live.rest.get<Pins>(Routes.channelMessagesPins(channel), { query }));
    if (!pins) return undefined;
    all.push(...pins.items.map(({ message }) => message.id));
    before = pins.items.at(-1)?.pinned_at;
    if (!pins.has_more || before === undefined) return all;
  }
  return all;
}
