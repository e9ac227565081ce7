/** A look at a linked channel after a connection that may have missed something: before anything more is relayed, who can read it is judged anew. */
import type { Logger } from "pino";
import { factsOf, mergeFacts, rememberedOf } from "../channel-facts.ts";
import type { Links } from "../links.ts";
import type { LiveLogin } from "../logins.ts";
import type { Rooms } from "../rooms.ts";
import type { Link } from "../store/store.ts";
import type { Surroundings } from "../surroundings.ts";

export interface RefreshContext {
  readonly links: Links;
  readonly rooms: Rooms;
  readonly surroundings: Surroundings;
  readonly log: Logger;
}

export async function refresh(context: RefreshContext, live: LiveLogin, link: Link): Promise<void> {
  const { links, rooms, log } = context;
  const channel = await live.connection.channel(link.channel);
  if (!channel) {
    // Out of sight is not gone: an outage on the other side looks the same. The adapter says when it is.
    log.info({ link: link.id, channel: link.channel }, "The channel cannot be seen at the moment");
    return;
  }
  const facts = rememberedOf(channel);
  const { gone, ...before } = factsOf(link);
  const now = mergeFacts(before, facts);
  if (JSON.stringify(now) === JSON.stringify(link.facts)) return context.surroundings.refreshed(link, live, channel);
  const updated = await links.update(link, { facts: now });
  await rooms.judge(updated);
  if (gone !== undefined) await context.surroundings.cameBack(updated);
  context.surroundings.refreshed(updated, live, channel);
}
