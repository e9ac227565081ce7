/** Ending links by command: in their room by someone with power in it, from anywhere by an admin of the bridge. */
import type { Links } from "./links.ts";
import type { Linking } from "./linking.ts";
import { Refused } from "./model/errors.ts";
import type { Mxid, RoomId } from "./model/ids.ts";
import type { Permissions } from "./permissions.ts";
import type { Link } from "./store/store.ts";

export interface UnlinkContext {
  readonly links: Links;
  readonly linking: Linking;
  readonly permissions: Permissions;
}

interface Asked {
  readonly room: RoomId;
  readonly by: Mxid;
}

/** What a list shows at most. */
const MOST = 100;

/** `requirePower` throws when the person may not change links of the room where they ask. */
export async function unlink(
  context: UnlinkContext,
  asked: Asked,
  words: readonly string[],
  requirePower: () => Promise<void>,
): Promise<string> {
  const sure = words.includes("--yes");
  const named = words.filter((word) => word !== "--yes");
  const isAdmin = context.permissions.may(asked.by, "administer");
  const here = await context.links.inRoom(asked.room);
  const chosen = named.length === 0 ? here : await findLinks(context, isAdmin ? "anywhere" : here, named);
  if (chosen.some((link) => link.room === asked.room) || !isAdmin) await requirePower();
  const [only, second] = chosen;
  if (!only) return isAdmin && named.length > 0 ? "That is not linked." : "That is not linked to this room.";
  if (second) return `Which one? ${chosen.map((one) => `${one.network} ${one.channel}`).join(", ")}`;
  const waiting = await context.linking.waiting(only);
  if (waiting > 0 && !sure)
    return `${waiting} messages still wait to be delivered and would be given up. To end the link all the same, add --yes.`;
  await context.linking.end(only);
  const told = `The link to ${only.channel} is ended. Its people leave the room little by little.`;
  return only.by === "config" ? `${told} It may still stand in the bridge's config: take it out there too.` : told;
}

/** By network and channel, or by the number that the list shows: a network that is no longer in the config has links too. */
export async function findLinks(
  { links, linking }: Pick<UnlinkContext, "links" | "linking">,
  among: readonly Link[] | "anywhere",
  words: readonly string[],
): Promise<Link[]> {
  const [network = "", ...channel] = words;
  const fits = (link: Link): boolean =>
    (channel.length === 0 && network === `#${link.id}`) || (link.network === network.toLowerCase() && link.channel === channel.join("/"));
  if (among !== "anywhere") {
    const wanted = linking.read(network, channel);
    return among.filter((link) => link.network === wanted.network.id && link.channel === wanted.channel);
  }
  const wanted = read(linking, network, channel);
  const link = wanted && (await links.of(wanted.network.id, wanted.channel));
  if (link) return [link];
  for await (const other of links.all()) if (fits(other)) return [other];
  return [];
}

function read(linking: Linking, network: string, channel: readonly string[]): ReturnType<Linking["read"]> | undefined {
  try {
    return linking.read(network, channel);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/** Every link of the bridge, for its admins. */
export async function listLinks({ links, permissions }: UnlinkContext, by: Mxid): Promise<string> {
  if (!permissions.may(by, "administer")) return "Only an admin of the bridge sees all links; `!causeway status` shows those of a room.";
  const lines: string[] = [];
  for await (const link of links.all()) {
    if (lines.length === MOST) return [...lines, "… and more."].join("\n");
    lines.push(`#${link.id}: ${link.network} ${link.channel} ↔ ${link.room}${link.paused ? ` (${link.paused})` : ""}`);
  }
  return lines.length > 0 ? lines.join("\n") : "Nothing is linked.";
}
