/** The links that the config asks for, made as soon as their login is connected. */
import type { Logger } from "pino";
import type { AliasJoin } from "./alias-join.ts";
import type { LinkConfig } from "./config.ts";
import type { GroupLinks } from "./group-links.ts";
import type { Linking, Named } from "./linking.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { type Mxid, type RoomId, roomAlias, roomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Notices } from "./notices.ts";

export interface ConfigLinkContext {
  readonly wanted: readonly LinkConfig[];
  readonly linking: Linking;
  readonly links: Links;
  readonly logins: Logins;
  readonly client: MatrixClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const AGAIN = 30_000;
/** Why a link is paused that the config asked for and asks for no longer. */
const NOT_WANTED = "It is no longer in the config.";

export interface SettleContext extends Pick<ConfigLinkContext, "wanted" | "linking" | "links" | "clock" | "log"> {
  readonly notices: Notices;
  readonly aliases: AliasJoin;
  readonly groups: GroupLinks;
}

/**
 * Call at each start: links that the config asked for and asks for no longer are paused, and their rooms told; those that stand there
 * again go on. Nothing is ended by leaving something out.
 */
export async function settleConfigLinks({ wanted, linking, links, clock, log, notices, aliases, groups }: SettleContext): Promise<void> {
  const names = new Set(wanted.map((wish) => `${wish.network} ${linking.read(wish.network, words(wish)).channel}`));
  const isNamed = (named: Named) =>
    names.has(`${named.network} ${named.channel}`) || aliases.rule(named.network, named.channel) !== undefined || groups.isNamed(named);
  await linking.forgetEnded((ended) => !isNamed(ended));
  for await (const link of links.all()) {
    if (link.by !== "config") continue;
    const isWanted = isNamed(link);
    if (isWanted && link.paused === NOT_WANTED) await links.update(link, { paused: undefined });
    if (isWanted || link.paused !== undefined) continue;
    log.warn({ network: link.network, channel: link.channel, room: link.room }, "A link is paused that is no longer in the config");
    const name = `${link.network} ${link.channel}`;
    const text = `The link to ${name} is no longer in the bridge's config: nothing crosses until it stands there again, or \`!causeway unlink ${name}\` ends it.`;
    await links.update(link, { paused: NOT_WANTED });
    await notices.say(link.room, `unwanted:${link.id}:${clock.now()}`, text);
  }
}

/** Tries until each link of this login stands; what cannot be is logged in a sentence each time, and never stops the others. */
export async function makeConfigLinks(context: ConfigLinkContext, live: LiveLogin): Promise<void> {
  let left = context.wanted.filter((wish) => isFor(context, wish, live));
  while (left.length > 0 && live.state.is === "connected" && !context.signal.aborted) {
    const failed: LinkConfig[] = [];
    for (const wish of left) {
      const why = await tryOne(context, wish, live);
      if (why === undefined) continue;
      context.log.warn({ network: wish.network, channel: wish.channel }, `A link of the config cannot be made yet: ${why}`);
      failed.push(wish);
    }
    left = failed;
    if (left.length > 0) await context.clock.sleep(AGAIN, context.signal).catch(() => undefined);
  }
}

function isFor(context: ConfigLinkContext, wish: LinkConfig, live: LiveLogin): boolean {
  if (wish.network !== live.network.id || live.login.owner !== undefined) return false;
  const { channel } = context.linking.read(wish.network, words(wish));
  const login = live.network.ids.loginOf(channel);
  return login === undefined || login === live.login.id;
}

function words(wish: LinkConfig): readonly string[] {
  return wish.channel.trim().split(/\s+/);
}

/** Why it could not be made, in a sentence; undefined = it stands. */
async function tryOne(context: ConfigLinkContext, wish: LinkConfig, live: LiveLogin): Promise<string | undefined> {
  const { linking, links, log } = context;
  try {
    const { network, channel } = linking.read(wish.network, words(wish));
    const settings = wish.settings;
    const there = await links.of(network.id, channel);
    if (!there && (await linking.isEnded(network.id, channel))) {
      log.warn(
        { network: network.id, channel },
        "A link of the config was ended by command: it is made again once it was taken out and put back",
      );
      return undefined;
    }
    if (there) {
      if (JSON.stringify(there.settings) !== JSON.stringify(settings)) await linking.change(there, settings);
      return undefined;
    }
    const room = wish.room === undefined ? await madeRoom(context, wish, live) : await enter(context, wish.room);
    await linking.make(network.id, channel, room, "config", settings);
    return undefined;
  } catch (error) {
    return failureOf(error).message;
  }
}

async function madeRoom(context: ConfigLinkContext, wish: LinkConfig, live: LiveLogin): Promise<RoomId> {
  const { channel } = context.linking.read(wish.network, words(wish));
  const found = await live.connection.channel(channel);
  if (!found) throw new Refused("There is no such channel, or the bridge's login cannot see it.");
  return await context.linking.portalRoom(live.network, found, wish.invite as readonly Mxid[]);
}

/** The bot has to be in the room: it joins by alias or invitation. */
async function enter(context: ConfigLinkContext, room: string): Promise<RoomId> {
  return await context.client.join(room.startsWith("#") ? roomAlias(room) : roomId(room));
}
