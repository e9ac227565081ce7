/** What the homeserver asks of names in our namespace: is there such a ghost, such a portal? Answered from memory and store where it can be. */
import type { AliasJoin } from "./alias-join.ts";
import { factsOf, isOpen } from "./channel-facts.ts";
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import { type MatrixClient, MatrixError } from "./matrix/client.ts";
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
  readonly aliases: AliasJoin;
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

/**
 * The alias of a linked channel leads to its room, given to it when it is first asked for; that of a channel which the config allows to
 * be joined so, to one that is made. What is not public is said to nobody.
 */
export async function isPortal({ namespace, links, client, aliases }: QueryContext, alias: RoomAlias): Promise<boolean> {
  const named = namespace.channelOf(alias);
  if (!named || namespace.alias(named.network, named.channel) !== alias) return false;
  const link = await links.of(named.network, named.channel);
  if (!link) return await aliases.leadsTo(alias);
  if (!isOpen(factsOf(link))) return false;
  await client.putAlias(alias, link.room).catch((error: unknown) => {
    // Asked twice at once: the other one has put it there.
    if (!(error instanceof MatrixError) || error.status !== 409) throw error;
  });
  return true;
}
