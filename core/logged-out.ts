/** A login whose credentials are no longer good is told to who can mend it, its owner or the admins, and to the rooms that live by it; once. */
import { createHmac } from "node:crypto";
import type { Links } from "./links.ts";
import type { Link } from "./store/store.ts";
import type { LiveLogin } from "./logins.ts";
import { type LoginId, mxid, type NetworkId, type RoomId } from "./model/ids.ts";
import { type PrivateContext, tellPrivately } from "./tell-privately.ts";

export interface LoggedOutContext extends PrivateContext {
  /** Keeps what the occasion is named by from telling the credentials. */
  readonly secret: Buffer;
  readonly adminRoom: RoomId | undefined;
  readonly links: Links;
  /** Whether something still crosses the link, by another login. */
  carries(link: Link): boolean;
}

export async function tellLoggedOut(context: LoggedOutContext, live: LiveLogin): Promise<void> {
  const { network, login, state } = live;
  if (state.is !== "logged-out") return;
  // Told again after the next sign-in, however often the bridge starts meanwhile.
  const which = createHmac("sha256", context.secret)
    .update(`${state.why}\n${JSON.stringify(login.secrets)}`)
    .digest("base64url")
    .slice(0, 12);
  const key = `logged-out:${network.id}/${login.id}:${which}`;
  const what = `${network.name} (${login.name})`;
  if (login.owner === undefined) {
    const text = `${what} is logged out, and nothing crosses there: ${state.why}`;
    if (context.adminRoom) await context.notices.say(context.adminRoom, key, text);
    await context.store.settings.set(outOf(network.id, login.id), which);
    for (const room of await roomsOf(context, live)) await context.notices.say(room, key, `Nothing crosses any more: ${state.why}`);
    return;
  }
  const mend = `\`!causeway login ${network.id}\` signs you in again; what you write meanwhile is relayed under your name where the room allows it.`;
  await tellPrivately(context, mxid(login.owner), key, `Your login on ${what} has ended: ${state.why} ${mend}`);
}

/** The shared login is good again: the rooms that heard of its end hear of that. */
export async function tellBackIn(context: LoggedOutContext, live: LiveLogin): Promise<void> {
  const { network, login } = live;
  const which = await context.store.settings.get(outOf(network.id, login.id));
  if (typeof which !== "string" || login.owner !== undefined) return;
  const key = `logged-in:${network.id}/${login.id}:${which}`;
  const text = `${network.name} is connected again: what waited crosses now.`;
  for (const room of await roomsOf(context, live)) await context.notices.say(room, key, text);
  await context.store.settings.set(outOf(network.id, login.id), undefined);
}

const outOf = (network: NetworkId, login: LoginId): string => `logged-out:${network}/${login}`;

/** Those that live by this login alone. */
async function roomsOf({ links, carries }: LoggedOutContext, live: LiveLogin): Promise<ReadonlySet<RoomId>> {
  const rooms = new Set<RoomId>();
  const isUp = live.state.is === "connected";
  for await (const link of links.ofLogin(live.network.id, live.login.id)) if (isUp || !carries(link)) rooms.add(link.room);
  return rooms;
}
