/**
 * The end of a link, in the background and over restarts: its ghosts leave, a few a minute; its alias, its place in spaces and in the
 * directory, and its state in the room are taken back; the network is told. What Matrix refuses is left, what is out of reach is tried
 * again, and neither holds up the rest. A channel that is linked anew meanwhile keeps what it needs.
 */
import type { Logger } from "pino";
import type { Attendance } from "./attendance.ts";
import type { Budget } from "./budget.ts";
import type { Directory } from "./directory.ts";
import type { Ghosts } from "./ghost.ts";
import type { Work } from "./lane.ts";
import type { Links } from "./links.ts";
import { type Logins, notConnected } from "./logins.ts";
import { leaveAll } from "./own-presence.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { strings } from "./matrix/event.ts";
import type { Namespace } from "./matrix/namespace.ts";
import { TryLater, Uncertain } from "./model/errors.ts";
import type { Mxid, NetworkId } from "./model/ids.ts";
import type { Clock, Network } from "./network.ts";
import type { Readers } from "./readers.ts";
import type { ShownBook } from "./shown.ts";
import type { Spaces } from "./spaces.ts";
import type { JournalRow, Link, NewRow, Store } from "./store/store.ts";

export interface FarewellContext {
  readonly store: Store;
  readonly links: Links;
  readonly logins: Logins;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly client: MatrixClient;
  readonly ghosts: Ghosts;
  readonly namespace: Namespace;
  readonly spaces: Spaces;
  readonly directory: Directory;
  readonly readers: Readers;
  readonly attendance: Attendance;
  readonly shown: ShownBook;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Turn extends FarewellContext {
  readonly link: Link;
  readonly row: JournalRow;
  readonly progress: Progress;
}

/** What is behind us, on disk. */
interface Progress {
  readonly done: string[];
  /** The last ghost that was looked at. */
  after: string;
}

type Step = (turn: Turn) => Promise<void>;

const STEPS: readonly (readonly [name: string, step: Step])[] = [
  ["link", removeLink],
  ["state", clearState],
  ["space", ({ spaces, link }) => spaces.exclude(link)],
  ["directory", ({ directory, link }) => directory.update(link.room)],
  ["alias", removeAlias],
  ["network", leaveNetwork],
  ["ghosts", ghostsLeave],
  ["bot", botLeaves],
];
const PAGE = 50;
const REASON = "This channel is no longer bridged here.";

/** To be written before the link is removed. */
export function farewellRow(link: Link, at: number): NewRow {
  return { lane: `bye:${link.id}`, payload: link, trace: `unlink-${link.id}`, at, phase: 0, once: [`bye:${link.id}`] };
}

export function workFarewell(context: FarewellContext): Work {
  return async (row) => {
    const progress = { done: [], after: "", ...(row.step as Progress | undefined) };
    const turn: Turn = { ...context, link: row.payload as Link, row, progress };
    let later: TryLater | undefined;
    for (const [name, step] of STEPS) {
      if (progress.done.includes(name)) continue;
      const failure = await attempt(turn, name, step);
      // The bot goes last of all.
      if (failure && (later === undefined || failure.after < later.after)) later = failure;
      if (later && name === "ghosts") break;
    }
    if (later) throw later;
    await context.store.journal.finish(row.id, {});
  };
}

async function attempt(turn: Turn, name: string, step: Step): Promise<TryLater | undefined> {
  const { log, link, store, row, progress } = turn;
  try {
    await step(turn);
  } catch (error) {
    const failure = laterOf(error);
    if (failure instanceof TryLater) return failure;
    log.info({ link: link.id, room: link.room, step: name, err: failure }, "A part of an ended link is left as it is");
  }
  progress.done.push(name);
  await store.journal.save(row.id, progress);
  return undefined;
}

/** Every step may be done twice, so an unclear end is tried again like a clear one. */
function laterOf(error: unknown): Error {
  const failure = failureOf(error);
  return failure instanceof Uncertain ? new TryLater(failure.message, 5_000, "channel") : failure;
}

async function removeLink({ links, readers, attendance, link }: Turn): Promise<void> {
  if (await links.link(link.id)) await links.remove(link);
  attendance.ended(link);
  await readers.ended(link);
}

/** The channel may have been linked anew, here or elsewhere. */
async function linkedAgain({ links, link }: Turn): Promise<Link | undefined> {
  return await links.of(link.network, link.channel);
}

async function clearState(turn: Turn): Promise<void> {
  const { client, link } = turn;
  if ((await linkedAgain(turn))?.room === link.room) return;
  const key = `io.causeway.${link.network}/${link.channel}`;
  const now = await client.stateEvent(link.room, "uk.half-shot.bridge", key);
  if (now && Object.keys(now).length > 0) await client.setState(link.room, "uk.half-shot.bridge", key, {});
}

async function removeAlias(turn: Turn): Promise<void> {
  const { client, link, namespace, networks } = turn;
  if (!networks.has(link.network) || (await linkedAgain(turn))) return;
  const alias = namespace.alias(link.network, link.channel);
  if ((await client.resolveAlias(alias))?.room !== link.room) return;
  await client.removeAlias(alias);
  const shown = await client.stateEvent(link.room, "m.room.canonical_alias", "");
  const others = strings(shown?.["alt_aliases"]).filter((other) => other !== alias);
  if (shown?.["alias"] !== alias && others.length === strings(shown?.["alt_aliases"]).length) return;
  const main = typeof shown?.["alias"] === "string" && shown["alias"] !== alias ? { alias: shown["alias"] } : {};
  await client.setState(link.room, "m.room.canonical_alias", "", { ...main, ...(others.length > 0 ? { alt_aliases: others } : {}) });
}

/** A login that is in the config comes back one day; until then it hears nothing of the channel, since nobody asks it to. */
async function leaveNetwork(turn: Turn): Promise<void> {
  const { logins, link } = turn;
  const live = logins.get(link.network, link.login);
  if (!live || (await linkedAgain(turn))) return;
  if (live.state.is !== "connected") throw new TryLater(notConnected(live), 60_000, "login");
  await live.connection.leave(link.channel);
  await leaveAll({ logins, log: turn.log }, link);
  // Linked anew in this very moment: whoever came first, we are in.
  if (await linkedAgain(turn)) await live.connection.join(link.channel);
}

async function ghostsLeave(turn: Turn): Promise<void> {
  const { store, link, progress, row, budget, ghosts, log } = turn;
  const stays = await whoStays(turn);
  for (;;) {
    const page = await store.users.members(link.room, link.network, progress.after, PAGE);
    for (const { mxid: ghost } of page) {
      const wait = stays(ghost) ? 0 : budget.take();
      if (wait > 0) {
        await store.journal.save(row.id, progress);
        throw new TryLater("The people of an ended link are leaving.", wait, "channel");
      }
      if (!stays(ghost)) await ghosts.leave(link.room, ghost, REASON).catch((error: unknown) => settleLeave(log, ghost, error));
      progress.after = ghost;
    }
    if (page.length < PAGE) return;
  }
}

/** One that cannot leave holds up nobody; a homeserver that is away does. */
function settleLeave(log: Logger, ghost: Mxid, error: unknown): void {
  const failure = laterOf(error);
  if (failure instanceof TryLater) throw failure;
  log.info({ ghost, err: failure }, "A ghost could not leave");
}

/** Those who are also in another channel of the network that is linked to the room; where that is not known, everybody. */
async function whoStays({ links, logins, link, ghosts }: Turn): Promise<(ghost: Mxid) => boolean> {
  const others = (await links.inRoom(link.room)).filter((other) => other.network === link.network && other.id !== link.id);
  const staying = new Set<string>();
  for (const other of others) {
    const { people, complete } = await logins.serving(other).connection.members(other.channel);
    if (!complete) return () => true;
    for (const person of people) staying.add(ghosts.mxidOf(link.network, person.id));
  }
  return (ghost) => staying.has(ghost);
}

/** A room that the bridge made and nobody is in. In others the bot stays, should somebody want to link them again. */
async function botLeaves({ links, shown, client, link, ghosts, namespace }: Turn): Promise<void> {
  if ((await links.inRoom(link.room)).length > 0 || !(await shown.isMade(link.room))) return;
  const strangers = [...(await client.members(link.room)).keys()].filter((who) => who !== namespace.bot && !ghosts.remoteOf(who));
  if (strangers.length === 0) await client.leave(link.room, { reason: REASON });
}
