/** What people say to the bridge: in a room or to its bot directly (`!causeway …`), by a 🔁 on a message, or on a network (`!causeway confirm …`). */
import type { Logger } from "pino";
import type { Ghosts } from "./ghost.ts";
import type { Work } from "./lane.ts";
import type { GroupLinks } from "./group-links.ts";
import type { Lanes } from "./lanes.ts";
import type { Linking } from "./linking.ts";
import type { LinkedAccounts } from "./linked-accounts.ts";
import type { Links } from "./links.ts";
import { type LiveLogin, type Logins, notConnected } from "./logins.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { translated } from "./matrix/failure.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { Refused, TryLater, Uncertain } from "./model/errors.ts";
import type { Mxid, RoomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Moderation } from "./moderation.ts";
import type { Notices } from "./notices.ts";
import type { Permissions } from "./permissions.ts";
import type { OptOuts } from "./opt-out.ts";
import { setReaders } from "./reader-modes.ts";
import { dropParked, listParked } from "./parked.ts";
import { retryAll, retryOne } from "./retry.ts";
import type { Rooms } from "./rooms.ts";
import type { SignIns } from "./sign-in.ts";
import { ghostInvited, type TalkContext, talkTo } from "./talk.ts";
import { followTombstone, move, type UpgradeContext } from "./upgrade.ts";
import type { Link, Store } from "./store/store.ts";
import { listLinks, unlink } from "./unlinking.ts";
import type { Verbs } from "./verbs.ts";

export interface CommandContext {
  readonly store: Store;
  readonly links: Links;
  readonly logins: Logins;
  readonly linking: Linking;
  readonly lanes: Lanes;
  readonly rooms: Rooms;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly permissions: Permissions;
  readonly optOuts: OptOuts;
  readonly accounts: LinkedAccounts;
  readonly groups: GroupLinks;
  readonly moderation: Moderation;
  readonly client: MatrixClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signIns: SignIns;
  readonly verbs: Verbs;
  readonly upgrade: UpgradeContext;
  readonly bot: Mxid;
  /** Of private conversations that begin here. */
  talk(): TalkContext;
  /** Hands an event that turned out to be no command to the links after all. */
  relay(event: MatrixEvent): Promise<void>;
}

interface Asked {
  readonly event: MatrixEvent;
  readonly room: RoomId;
  readonly by: Mxid;
  readonly words: readonly string[];
}

/** How long a command is tried before it is answered that it cannot be done now. */
const PATIENCE = 15_000;

/** In place of a channel: every channel of a server or category, whose id follows. */
const ALL = "all";

const COMMAND = /^!causeway(?:\s+|$)/i;

const HELP = [
  "!causeway link NETWORK CHANNEL: bridge this room to a channel (example: !causeway link irc libera #causeway)",
  "!causeway link CODE: the same, with a code that /causeway link gave over there",
  "!causeway link NETWORK all ID: every channel of a server or category, each to a room of its own (admins of the bridge)",
  "!causeway unlink [NETWORK CHANNEL] [--yes]: end it (an admin of the bridge can from anywhere; !causeway links shows them all)",
  "!causeway status: what is linked here, what waits, what could not be delivered",
  "!causeway retry [all]: try again what could not be delivered (or react to it with 🔁)",
  "!causeway parked: what could not be delivered, one by one; !causeway drop NUMBER|all: give it up",
  "!causeway pause, !causeway resume: hold everything back for a while",
  "!causeway readers visible|announced|open [NETWORK CHANNEL]: what the channel's people are told of who reads along here",
  "!causeway login NETWORK, !causeway logins, !causeway logout NETWORK: a login of your own, so that you appear there as yourself",
  "!causeway login matrix: what you do there appears here under your own name, by an access token of yours",
  "!causeway talk NETWORK PERSON…: a room for a private conversation there, by your own login",
  "!causeway unmute PERSON: let somebody be heard again whom a moderator elsewhere has muted",
  "!causeway optout, !causeway optin: not be relayed, and be again",
  "!causeway help: this",
].join("\n");

export function isCommand(content: Readonly<Record<string, unknown>>): boolean {
  return typeof content["body"] === "string" && COMMAND.test(content["body"]);
}

/** The lane of one room's commands. */
export function workCommand(context: CommandContext): Work {
  return async (row) => {
    const event = row.payload as MatrixEvent;
    // Somebody is waiting: what cannot be done soon is answered with why not.
    const late = context.clock.now() - row.at > PATIENCE;
    const said = await answer(context, event).catch((error: unknown) => {
      const failure = translated(error);
      if (failure instanceof TryLater || failure instanceof Uncertain) {
        if (late) return `${failure.message} Try again later.`;
        throw failure;
      }
      context.log.error({ room: event.room_id, trace: row.trace, err: error }, "A command failed");
      return "The bridge failed over it (the log says how).";
    });
    if (said !== undefined) await context.notices.say(event.room_id, `answer:${event.event_id}`, said);
    await context.store.journal.finish(row.id, {});
  };
}

async function answer(context: CommandContext, event: MatrixEvent): Promise<string | undefined> {
  if (event.type === "m.reaction") return await retryOne(context, event);
  if (event.type === "m.room.member") return await invited(context, event);
  if (event.type === "m.room.tombstone") {
    await followTombstone(context.upgrade, event);
    return undefined;
  }
  // The bridge takes no notice of people who are blocked.
  if (!context.permissions.may(event.sender, "ask")) return undefined;
  const body = String(event.content["body"]);
  const network = context.verbs.networkIn(event.content);
  const isAnswer = !network && context.signIns.isAsked(event.sender, event.room_id) && !isCommand(event.content);
  const words = body
    .replace(COMMAND, "")
    .trim()
    .split(/\s+/)
    .filter((word) => word !== "");
  try {
    if (network) return await context.verbs.answer(network, event);
    if (isAnswer) return await signInAnswer(context, event, body);
    return await run(context, { event, room: event.room_id, by: event.sender, words });
  } catch (error) {
    const failure = failureOf(error);
    if (failure instanceof Refused) return failure.message;
    throw failure;
  }
}

async function run(context: CommandContext, asked: Asked): Promise<string> {
  const [verb = "help", ...rest] = asked.words;
  switch (verb.toLowerCase()) {
    case "help":
      return [HELP, ...context.verbs.help()].join("\n");
    case "link":
      return await link(context, asked, rest);
    case "unlink":
      return await unlinkOne(context, asked, rest);
    case "links":
      return await listLinks(context, asked.by);
    case "status":
      return await status(context, asked.room);
    case "retry":
      await requirePower(context, asked);
      return await retryAll(context, asked.room);
    case "parked":
      return await listParked(context, asked.room);
    case "drop":
      await requirePower(context, asked);
      return await dropParked(context, asked.room, rest[0]);
    case "pause":
    case "resume":
      return await pause(context, asked, verb.toLowerCase() === "pause");
    case "readers":
      return await setReaders(context, asked, rest, () => requirePower(context, asked));
    case "login":
      return await signIn(context, asked, rest);
    case "logout":
      return await context.signIns.end(asked.by, rest[0] ?? "", rest[1]);
    case "logins":
      return await context.signIns.list(asked.by);
    case "talk":
      return await talk(context, asked, rest);
    case "unmute":
      await requirePower(context, asked);
      return await context.moderation.lift(asked.room, rest[0] ?? "");
    case "cancel":
      return context.signIns.cancel(asked.by) ? "Given up." : "Nothing was under way.";
    case "optout":
    case "optin":
      return await context.optOuts.set(asked.by, verb.toLowerCase() === "optout");
    default:
      // What looks like a secret that was meant for a question is not repeated.
      return `There is no command ${/^[a-z]{1,20}$/i.test(verb) ? `"${verb}"` : "of that name"}. ${HELP}`;
  }
}

/** A password does not stay in the room once it has been read. */
async function signInAnswer(context: CommandContext, event: MatrixEvent, text: string): Promise<string> {
  if (context.signIns.isSecret(event.sender)) {
    const redacted = context.client.redact(event.room_id, event.event_id, {
      txnId: `secret-${event.event_id.slice(1, 40)}`,
      reason: "a secret",
    });
    await redacted.catch(() => undefined);
  }
  return await context.signIns.answer(event.sender, text.trim());
}

async function signIn(context: CommandContext, asked: Asked, words: readonly string[]): Promise<string> {
  if (!context.permissions.may(asked.by, "login")) return "The bridge's permissions do not let you sign in.";
  const direct = await context.store.users.directRoom(asked.by, context.bot);
  if (direct !== asked.room) return "Not here, where others can read it: invite the bot to a direct chat and say it there.";
  const [network, way] = words;
  if (!network) return "Where? For example: !causeway login irc";
  return await context.signIns.begin(asked.by, asked.room, network, way);
}

async function talk(context: CommandContext, asked: Asked, [network, ...people]: readonly string[]): Promise<string> {
  if (!context.permissions.may(asked.by, "login"))
    return "The bridge's permissions do not let you sign in, so you have no conversations there.";
  if (!network || people.length === 0) return "With whom? For example: !causeway talk slack alice";
  return await talkTo(context.talk(), asked.by, network, people);
}

async function link(context: CommandContext, asked: Asked, words: readonly string[]): Promise<string> {
  const [network, ...channel] = words;
  if (network && channel.length === 0) {
    await requirePower(context, asked);
    const accepted = await context.linking.accept(network, asked.room, asked.by);
    if (accepted !== undefined) return accepted;
  }
  if (!network || channel.length === 0) return "Which channel? For example: !causeway link irc libera #causeway";
  if (channel[0] === ALL && channel[1]) {
    requireAdmin(context, asked);
    return await context.groups.add(network, channel[1], asked.by);
  }
  await requirePower(context, asked);
  const wish = context.linking.read(network, channel);
  const agreed = context.permissions.may(asked.by, "administer");
  return await context.linking.ask({ network: wish.network.id, channel: wish.channel, room: asked.room, by: asked.by }, agreed);
}

async function unlinkOne(context: CommandContext, asked: Asked, words: readonly string[]): Promise<string> {
  const [network = "", all, group] = words;
  if (all !== ALL || !group) return await unlink(context, asked, words, () => requirePower(context, asked));
  requireAdmin(context, asked);
  return await context.groups.remove(network, group);
}

function requireAdmin(context: CommandContext, { by }: Asked): void {
  if (!context.permissions.may(by, "administer")) throw new Refused("Only an admin of the bridge can do that.");
}

/** Power in the room, or over the bridge. */
async function requirePower(context: CommandContext, { room, by }: Asked): Promise<void> {
  if (context.permissions.may(by, "administer")) return;
  if (!context.permissions.may(by, "link")) throw new Refused("The bridge's permissions do not let you link rooms.");
  if (!(await context.rooms.maySet(room, by, "uk.half-shot.bridge")))
    throw new Refused("Only someone with power in this room can do that.");
}

async function status(context: CommandContext, room: RoomId): Promise<string> {
  const lines: string[] = [];
  for (const link of await context.links.inRoom(room)) lines.push(await statusOf(context, link));
  return lines.length > 0 ? lines.join("\n") : "Nothing is linked to this room.";
}

export async function statusOf(context: CommandContext, link: Link): Promise<string> {
  const { journal } = context.store;
  const live = context.logins.get(link.network, link.login);
  const [inward, outward] = await Promise.all([journal.counts(`in:${link.id}`), journal.counts(`out:${link.id}`)]);
  const closed = link.paused ?? (await context.rooms.closedFor(link));
  const gone = (link.facts as { gone?: string } | undefined)?.gone;
  const state = closed ?? gone ?? (live ? await reachOf(live, link) : "its login is not in the config");
  const counts = `${inward.waiting} waiting to come in, ${outward.waiting} to go out, ${inward.parked + outward.parked} not deliverable`;
  return `${link.network} ${link.channel}: ${state.replace(/\.$/, "")}; ${counts}`;
}

async function reachOf(live: LiveLogin, link: Link): Promise<string> {
  if (live.state.is !== "connected") return notConnected(live);
  const isOut = await live.connection.channel(link.channel).then(
    (channel) => channel === undefined || channel.inside === false,
    () => false,
  );
  return isOut ? "connected, but the bridge is not in the channel, or cannot see it" : "connected";
}

async function pause(context: CommandContext, asked: Asked, on: boolean): Promise<string> {
  await requirePower(context, asked);
  const links = await context.links.inRoom(asked.room);
  for (const link of links) {
    await context.links.update(link, { paused: on ? `Paused by ${asked.by}.` : undefined });
    for (const lane of [`in:${link.id}`, `out:${link.id}`]) context.lanes.wake(lane, true);
  }
  if (links.length === 0) return "Nothing is linked to this room.";
  return on
    ? "Held back: nothing crosses until !causeway resume. What is said meanwhile is kept."
    : "Crossing again; what waited goes first.";
}

async function invited(context: CommandContext, event: MatrixEvent): Promise<string | undefined> {
  if (!context.permissions.may(event.sender, "ask")) return undefined;
  if (event.state_key !== context.bot) {
    await ghostInvited(context.talk(), event);
    return undefined;
  }
  await context.client.join(event.room_id);
  context.rooms.forget(event.room_id);
  await move(context.upgrade, event.room_id);
  const isLinked = (await context.links.inRoom(event.room_id)).length > 0;
  if (isLinked)
    return "I am the bridge, and back: what was said over there meanwhile comes now. What was written here while I was out did not cross.";
  if (event.content["is_direct"] !== true) return "I am the bridge. `!causeway help` says what I can do here.";
  await context.store.users.putDirectRoom(event.sender, context.bot, event.room_id);
  return HELP;
}
