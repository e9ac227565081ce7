/** Whoever leaves a linked room, or is put out of it, leaves its channel too, where they are in it by a login of their own. */
import type { Logger } from "pino";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { mxid } from "./model/ids.ts";
import type { Link } from "./store/store.ts";

export interface OwnPresenceContext {
  readonly links: Links;
  readonly logins: Logins;
  readonly log: Logger;
}

/** Sees every event that comes. */
export function observeLeaving(context: OwnPresenceContext, event: MatrixEvent): void {
  if (event.type !== "m.room.member" || event.state_key === undefined) return;
  const membership = event.content["membership"];
  if (membership !== "leave" && membership !== "ban") return;
  const who = mxid(event.state_key);
  const leave = async () => {
    for (const link of await context.links.inRoom(event.room_id)) {
      // In their own private rooms they are by themselves.
      if (context.logins.get(link.network, link.login)?.login.owner === undefined)
        await context.logins.ownOf(who, link)?.connection.ownerLeft?.(link.channel);
    }
  };
  leave().catch((error: unknown) => context.log.info({ room: event.room_id, err: error }, "Somebody did not leave a channel"));
}

/** The link is gone: nobody is in its channel for it any more. */
export async function leaveAll({ logins, log }: Omit<OwnPresenceContext, "links">, link: Link): Promise<void> {
  for (const live of logins.ofNetwork(link.network)) {
    if (live.login.owner === undefined || live.login.id === link.login || !live.network.ids.serves(live.login, link.channel)) continue;
    await live.connection
      .ownerLeft?.(link.channel)
      .catch((error: unknown) => log.info({ link: link.id, err: error }, "Somebody did not leave a channel"));
  }
}
