/**
 * What the channel's people are told of who reads along in the room (docs/readers.md), changed by command. More may be promised to them
 * by anyone with power in the room; less takes a yes from their side, which an admin of the bridge gives for them.
 */
import type { Linking } from "./linking.ts";
import type { Links } from "./links.ts";
import { Refused } from "./model/errors.ts";
import type { Mxid, RoomId } from "./model/ids.ts";
import type { Permissions } from "./permissions.ts";
import { modeOf } from "./readers.ts";
import { findLinks } from "./unlinking.ts";

export interface ReaderModeContext {
  readonly links: Links;
  readonly linking: Linking;
  readonly permissions: Permissions;
}

/** The later, the more is promised. */
const MODES = ["open", "announced", "visible"] as const;

/** `requirePower` throws when the person may not change links of the room where they ask. */
export async function setReaders(
  context: ReaderModeContext,
  asked: { readonly room: RoomId; readonly by: Mxid },
  [wanted, ...named]: readonly string[],
  requirePower: () => Promise<void>,
): Promise<string> {
  const mode = MODES.find((one) => one === wanted?.toLowerCase());
  if (!mode) return "Which? For example: !causeway readers announced";
  const isAdmin = context.permissions.may(asked.by, "administer");
  const here = await context.links.inRoom(asked.room);
  const chosen = named.length === 0 ? here : await findLinks(context, isAdmin ? "anywhere" : here, named);
  if (!isAdmin) await requirePower();
  const [link, second] = chosen;
  if (!link) return "That is not linked to this room.";
  if (second) return `Which one? ${chosen.map((one) => `${one.network} ${one.channel}`).join(", ")}`;
  if (link.by === "config") return "That link stands in the bridge's config: `readers` is set there.";
  const isLess = MODES.indexOf(mode) < MODES.indexOf(modeOf(link));
  if (isLess && !isAdmin) throw new Refused("Less than was promised to the channel's people takes an admin of the bridge.");
  if (mode !== modeOf(link)) await context.linking.change(link, { ...link.settings, readers: mode });
  return `Readers of ${link.channel}: ${mode}.`;
}
