/**
 * Private conversations that begin on Matrix: somebody who is signed in on a network invites a ghost to a direct chat, or asks the bot
 * for a room with people of that network.
 */
import { bind, type DirectContext, make } from "./direct.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import { notConnected } from "./logins.ts";
import { failureOf } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { Refused, TryLater } from "./model/errors.ts";
import { type Mxid, mxid, type NetworkId, type RemoteUserId, type RoomId } from "./model/ids.ts";
import type { Person } from "./model/message.ts";
import type { OwnLogins } from "./own-logins.ts";
import type { Permissions } from "./permissions.ts";

export interface TalkContext extends DirectContext {
  readonly logins: Logins;
  readonly bot: Mxid;
  readonly permissions: Permissions;
  readonly ownLogins?: OwnLogins;
}

const COMING = "The bridge bot is on its way into the room.";

/** A ghost was invited to a direct chat: it comes, and the chat is the conversation with its person; or it says why not. */
export async function ghostInvited(context: TalkContext, event: MatrixEvent): Promise<void> {
  const ghost = mxid(event.state_key ?? "");
  const whose = context.ghosts.remoteOf(ghost);
  if (!whose) return;
  const room = event.room_id;
  try {
    const { live, person } = await loginFor(context, event.sender, whose.network, whose.remote);
    const { existing, by, channel } = await open(context, live, [person.id]);
    requireTheirs(live, existing && by, event.sender);
    if (existing && existing !== room) {
      await context.client.invite(existing, event.sender).catch(() => undefined);
      throw new Refused("There is a room for this conversation already; you are in it, or invited to it.");
    }
    await context.store.portals.putPortal({ room, made: false, shown: {} });
    // Before the ghost comes in: what is said to it from then on has somewhere to go.
    const found = await (existing ? context.links.of(whose.network, channel.id) : bind(context, live, [event.sender], channel, room));
    // Who may read the room is not known before the bot is in it.
    const link = found && !existing ? await context.links.update(found, { paused: COMING }) : found;
    await context.ghosts.present(room, whose.network, person, (ref) => live.connection.open(ref));
    await letBotIn(context, room, ghost).catch(async (error: unknown) => {
      if (link && error instanceof Refused) await context.links.remove(link);
      if (link && error instanceof Refused) context.changed(link, false);
      throw error;
    });
    if (link?.paused === COMING) await context.links.update(link, { paused: undefined });
    if (link) context.lanes.wake(`out:${link.id}`, true);
  } catch (error) {
    const failure = failureOf(error);
    if (!(failure instanceof Refused)) throw failure;
    await context.client.leave(room, { as: ghost, reason: failure.message }).catch(() => undefined);
  }
}

/** `!causeway talk NETWORK PERSON…`. */
export async function talkTo(context: TalkContext, owner: Mxid, network: string, names: readonly string[]): Promise<string> {
  const mine = loginsOf(context, owner, network.toLowerCase() as NetworkId);
  const [live] = mine.filter((one) => one.state.is === "connected");
  if (!live) throw new Refused(mine[0] ? notConnected(mine[0]) : `You are not signed in there: \`!causeway login ${network}\` first.`);
  const people: RemoteUserId[] = [];
  for (const name of names) {
    const ghost = context.ghosts.remoteOf(mxid(name));
    const found = ghost?.network === live.network.id ? ghost.remote : (await live.connection.resolve(name))?.id;
    if (!found) throw new Refused(`On ${live.network.name} "${name}" is nobody, or more than one person.`);
    people.push(found);
  }
  const { existing, by, channel } = await open(context, live, people);
  requireTheirs(live, existing && by, owner);
  if (!existing) await make(context, live, [owner], { channel: channel.id });
  else await context.client.invite(existing, owner).catch(() => undefined);
  return existing ? "There is a room for that already; you are in it, or invited to it." : "You are invited to the room.";
}

/** With one person over there the bridge's own account has one conversation: nobody is let into somebody else's. */
function requireTheirs(live: LiveLogin, by: string | undefined, asking: Mxid): void {
  if (live.login.owner === undefined && by !== undefined && by !== asking)
    throw new Refused(`Somebody else has a conversation with them already, through the bridge's account on ${live.network.name}.`);
}

/** Their own logins; where nobody can have one, the bridge's own account speaks for them. */
function loginsOf({ logins, permissions }: TalkContext, who: Mxid, network: NetworkId): LiveLogin[] {
  const all = logins.ofNetwork(network);
  const mine = all.filter((live) => live.login.owner === who);
  if (mine.length > 0 || !permissions.may(who, "login")) return mine;
  return all.filter((live) => live.network.accounts && live.login.owner === undefined);
}

async function loginFor(
  context: TalkContext,
  owner: Mxid,
  network: NetworkId,
  remote: RemoteUserId,
): Promise<{ readonly live: LiveLogin; readonly person: Person }> {
  const mine = loginsOf(context, owner, network);
  for (const live of mine) {
    if (live.state.is !== "connected") continue;
    const person = await live.connection.person(remote);
    if (person) return { live, person };
  }
  // One that is on its way is worth waiting for.
  const coming =
    mine.find((live) => live.state.is === "connecting") ?? (mine.length === 0 ? await made(context, owner, network, remote) : undefined);
  if (coming) throw new TryLater(notConnected(coming), 500, "item");
  throw new Refused(mine[0] ? notConnected(mine[0]) : `Write to ${context.bot} first: \`!causeway login ${network}\` signs you in there.`);
}

/** Where people have logins without signing in, whoever wants to talk gets theirs now. */
async function made(
  { logins, ownLogins }: TalkContext,
  owner: Mxid,
  network: NetworkId,
  remote: RemoteUserId,
): Promise<LiveLogin | undefined> {
  for (const live of logins.ofNetwork(network)) {
    if (live.login.owner !== undefined || live.state.is !== "connected" || !(await live.connection.person(remote))) continue;
    const login = await ownLogins?.make(owner, network, { part: live.network.ids.partOf?.(live.login) ?? live.login.id });
    login?.connection.hurry?.();
    return login;
  }
  return undefined;
}

async function open(context: TalkContext, live: LiveLogin, people: readonly RemoteUserId[]) {
  if (!live.connection.talk) throw new Refused(`On ${live.network.name} conversations begin over there: this room appears by itself then.`);
  const id = await live.connection.talk(people);
  const link = await context.links.of(live.network.id, id);
  const channel = await live.connection.channel(id);
  if (!channel) throw new Refused("That conversation could not be opened.");
  return { existing: link?.room, by: link?.by, channel };
}

async function letBotIn({ client, bot }: TalkContext, room: RoomId, ghost: Mxid): Promise<void> {
  await client.invite(room, bot, { as: ghost }).catch((error: unknown) => {
    const failure = failureOf(error);
    if (failure instanceof Refused) throw new Refused(`${bot} has to be in the room too: invite it.`);
    throw failure;
  });
  await client.join(room);
}
