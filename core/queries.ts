/** What the homeserver asks of names in our namespace: is there such a ghost, such a portal? */
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { Namespace } from "./matrix/namespace.ts";
import type { Mxid, RoomAlias } from "./model/ids.ts";
import type { UserStore } from "./store/store.ts";

export interface QueryContext {
  readonly namespace: Namespace;
  readonly ghosts: Ghosts;
  readonly users: UserStore;
  readonly logins: Logins;
  readonly links: Links;
  readonly client: MatrixClient;
}

/** A ghost is registered when it first speaks, or here when somebody asks for it and the network knows the person. */
export async function isGhost(context: QueryContext, whom: Mxid): Promise<boolean> {
  const { namespace, ghosts, users, logins } = context;
  const owner = ghosts.remoteOf(whom);
  if (!owner) return whom === namespace.bot;
  if ((await users.ghost(whom))?.registered) return true;
  for (const live of logins.ofNetwork(owner.network)) {
    if (live.state.is !== "connected" || live.login.owner !== undefined) continue;
    const person = await live.connection.person(owner.remote).catch(() => undefined);
    if (!person) continue;
    await ghosts.exist(owner.network, person, (ref) => live.connection.open(ref));
    return true;
  }
  return false;
}

/** The alias of a linked channel leads to its room, made when it is first asked for. */
export async function isPortal({ namespace, links, client }: QueryContext, alias: RoomAlias): Promise<boolean> {
  const named = namespace.channelOf(alias);
  const link = named ? await links.of(named.network, named.channel) : undefined;
  if (!link) return false;
  await client.putAlias(alias, link.room);
  return true;
}
