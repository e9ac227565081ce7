/**
 * Who reads along in the room, as far as the channel's people want to know (docs/readers.md). `announced`: they are told once, when the
 * link is made. `visible`: nobody reads unseen; everyone in the room is in the channel by a login of their own, or has been named there,
 * before anything that is said there is shown. Who cannot be named is left out of the room; where even that cannot be, all of it waits.
 */
import type { Logger } from "pino";
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import { Lru } from "./lru.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { Refused, TryLater } from "./model/errors.ts";
import { type EventId, eventId, type Mxid, mxid, type NetworkId, type RoomId } from "./model/ids.ts";
import type { Clock, Network } from "./network.ts";
import type { Notices } from "./notices.ts";
import type { Permissions } from "./permissions.ts";
import type { Rooms } from "./rooms.ts";
import { shownName } from "./shown-name.ts";
import type { LaneName, Link, Store } from "./store/store.ts";

export interface ReaderContext {
  readonly store: Store;
  readonly links: Links;
  readonly logins: Logins;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly rooms: Rooms;
  readonly client: MatrixClient;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly permissions: Permissions;
  /** Whether people without a login of their own are relayed, unless the link says otherwise. */
  readonly relay: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bot: Mxid;
  wake(lane: LaneName, open?: boolean): void;
}

/** The type of a row in a link's lane towards its network that is no event of Matrix's: the bridge tells the channel who reads. */
export const READERS = "io.causeway.readers";

/** What such a row carries. Without a text, it is made up when its turn comes, from who is there then. */
export interface Telling {
  readonly text?: string;
  /** Who is named once it is said. */
  readonly named?: Named;
}

export type Named = Readonly<Record<Mxid, string>>;

/** Rooms whose people are remembered. */
const REMEMBERED = 256;
/** How long a list of the channel's members is good. */
const MEMBERS_GOOD_FOR = 30_000;
/** Until somebody does something about it; a change of the room's people wakes the lane before. */
const LONG = 600_000;

export class Readers {
  readonly #context: ReaderContext;
  readonly #inside = new Lru<RoomId, Promise<Map<Mxid, string>>>(REMEMBERED);
  readonly #members = new Lru<number, { readonly at: number; readonly people: Promise<ReadonlySet<string>> }>(REMEMBERED);

  /** Links whose channel is to be told who is there, and has not been yet. */
  readonly #pending = new Set<number>();

  constructor(context: ReaderContext) {
    this.#context = context;
  }

  /** A link was made, or is to be otherwise: the channel is told, once. */
  async linked(link: Link): Promise<void> {
    if (modeOf(link) === "open") return;
    await this.#tell(link, { text: this.#announcement(link) }, [`readers:${link.id}:${modeOf(link)}`]);
    if (modeOf(link) === "visible") await this.#name(link);
  }

  /** The link is gone. */
  async ended(link: Link): Promise<void> {
    await this.#context.store.settings.set(namedKey(link), undefined);
  }

  /** Throws `TryLater` while somebody would read unseen. */
  async require(link: Link): Promise<void> {
    if (modeOf(link) !== "visible") return;
    await this.#requireAlone(link);
    await this.#requireHistory(link);
    const unseen = await this.#unseen(link);
    if (unseen.length === 0) return;
    const stuck: Mxid[] = [];
    let naming = false;
    for (const who of unseen) {
      if (await this.#mayName(link, who)) naming = true;
      else if (!(await this.#leaveOut(link, who))) stuck.push(who);
    }
    if (naming) await this.#name(link);
    if (stuck.length > 0) await this.#hold(link, stuck);
    if (naming) throw new TryLater("Those who read along are being named in the channel.", 30_000, "channel");
  }

  /** Sees every event that comes. */
  observe(event: MatrixEvent): void {
    if (event.type !== "m.room.member" || event.state_key === undefined) return;
    const who = mxid(event.state_key);
    if (this.#isOurs(who)) return;
    const isIn = event.content["membership"] === "join";
    const update = (people: Map<Mxid, string>) => (isIn ? people.set(who, nameIn(who, event.content["displayname"])) : people.delete(who));
    // What could not be read is read anew when it is needed.
    this.#inside.get(event.room_id)?.then(update, () => undefined);
    this.#changed(event.room_id).catch((error: unknown) => this.#context.log.warn({ err: error }, "Who reads along is not known"));
  }

  async #changed(room: RoomId): Promise<void> {
    for (const link of await this.#context.links.inRoom(room)) {
      if (modeOf(link) !== "visible") continue;
      await this.#name(link);
      this.#context.wake(`in:${link.id}`, true);
    }
  }

  /** What is to be said now; undefined = everybody knows already. */
  async words(link: Link, telling: Telling): Promise<(Required<Pick<Telling, "text">> & Telling) | undefined> {
    if (telling.text !== undefined) return { ...telling, text: telling.text };
    this.#pending.delete(link.id);
    const before = await this.#named(link);
    const now: Record<Mxid, string> = {};
    for (const [who, name] of await this.#people(link.room)) {
      const known = before[who] ?? ((await this.#isInChannel(link, who)) ? undefined : name);
      if (known !== undefined && (await this.#mayName(link, who))) now[who] = known;
    }
    const come = Object.entries(now).filter(([who]) => before[who as Mxid] === undefined);
    const gone = Object.entries(before).filter(([who]) => now[who as Mxid] === undefined);
    if (come.length === 0 && gone.length === 0) return undefined;
    const lines = [
      ...(come.length > 0 ? [`Reading along in Matrix: ${listed(come)}.`] : []),
      ...(gone.length > 0 ? [`No longer reading along: ${listed(gone)}.`] : []),
    ];
    return { text: lines.join(" "), named: now };
  }

  /** It stands in the channel. */
  async said(link: Link, { named }: Telling): Promise<void> {
    if (!named) return;
    await this.#context.store.settings.set(namedKey(link), named);
    this.#context.wake(`in:${link.id}`, true);
  }

  /** The channel cannot be told. */
  async unsaid(link: Link, why: string): Promise<void> {
    const text = `The channel could not be told that it is read here: ${why} Tell it yourselves, please.`;
    await this.#context.notices.say(link.room, `untold:${link.id}:${why}`, text);
  }

  async #name(link: Link): Promise<void> {
    if (this.#pending.has(link.id)) return;
    this.#pending.add(link.id);
    await this.#tell(link, {});
  }

  async #tell(link: Link, telling: Telling, once: readonly string[] = []): Promise<void> {
    const { store, clock } = this.#context;
    const at = clock.now();
    const event = { type: READERS, event_id: `$readers-${link.id}`, room_id: link.room, sender: this.#context.bot, origin_server_ts: at };
    const lane = `out:${link.id}`;
    await store.journal.take({ rows: [{ lane, payload: { ...event, content: telling }, trace: "readers", at, phase: 0, once }] });
    this.#context.wake(lane);
  }

  #announcement(link: Link): string {
    const whom =
      modeOf(link) === "visible" ? "Everyone who reads along there is named here" : "Not everyone who reads along there is seen here";
    return `This channel is bridged to Matrix: what is said here can be read there. ${whom}. Write "!causeway optout" not to be relayed.`;
  }

  /** Readers in a third place cannot be named: nobody knows them all. */
  async #requireAlone(link: Link): Promise<void> {
    const { links, notices, networks } = this.#context;
    const other = (await links.inRoom(link.room)).find((one) => one.id !== link.id);
    if (!other) return;
    const name = networks.get(other.network)?.name ?? other.network;
    const why = `The channel lets nobody read along unseen, and who reads in the channel on ${name} is not known.`;
    await notices.say(link.room, `third:${link.id}:${other.id}`, `${why} What is said there is not shown here.`);
    throw new TryLater(why, LONG, "channel");
  }

  /** Who comes later may not read what was said before they were named. */
  async #requireHistory(link: Link): Promise<void> {
    const { rooms, client, notices } = this.#context;
    if ((await rooms.historyOf(link.room)) === "joined") return;
    try {
      await client.setState(link.room, "m.room.history_visibility", "", { history_visibility: "joined" });
      rooms.forget(link.room);
    } catch (error) {
      const failure = failureOf(error);
      if (!(failure instanceof Refused)) throw failure;
      const why = "The channel lets nobody read along unseen: this room's history must be for members only, from the moment they joined.";
      await notices.say(link.room, `history:${link.id}`, `${why} Set that, or let the bridge bot; until then nothing is shown here.`);
      throw new TryLater(why, LONG, "channel");
    }
  }

  async #unseen(link: Link): Promise<readonly Mxid[]> {
    const named = await this.#named(link);
    const unseen: Mxid[] = [];
    for (const who of (await this.#people(link.room)).keys()) {
      if (named[who] === undefined && !(await this.#isInChannel(link, who))) unseen.push(who);
    }
    return unseen;
  }

  /** By a login of their own, which the channel's people see among them. */
  async #isInChannel(link: Link, who: Mxid): Promise<boolean> {
    const own = this.#context.logins.ownOf(who, link);
    if (own?.state.is !== "connected" || own.person === undefined) return false;
    return (await this.#channelMembers(link)).has(own.person);
  }

  async #channelMembers(link: Link): Promise<ReadonlySet<string>> {
    const { clock, logins } = this.#context;
    const known = this.#members.get(link.id);
    if (known && clock.now() - known.at < MEMBERS_GOOD_FOR) return await known.people;
    const asked = logins.serving(link).connection.members(link.channel);
    const people = asked.then((found) => new Set<string>(found.people.map((person) => person.id)));
    this.#members.set(link.id, { at: clock.now(), people });
    people.catch(() => this.#members.delete(link.id));
    return await people;
  }

  /** Whoever would be relayed may be named; who does not want to be, or may not, is not. */
  async #mayName(link: Link, who: Mxid): Promise<boolean> {
    const { permissions, store, relay } = this.#context;
    return (link.settings.relay ?? relay) && permissions.may(who, "relay") && !(await store.users.isOptedOut(who));
  }

  /** False = the bot may not. */
  async #leaveOut(link: Link, who: Mxid): Promise<boolean> {
    const { client, networks, log } = this.#context;
    const network = networks.get(link.network)?.name ?? link.network;
    const reason = `The channel on ${network} lets nobody read along unseen, and you are not seen there. Opt in to being relayed, or sign in with a login of your own (\`!causeway login ${link.network}\`), and come back.`;
    try {
      await client.kick(link.room, who, reason);
    } catch (error) {
      const failure = failureOf(error);
      if (!(failure instanceof Refused)) throw failure;
      return false;
    }
    log.info({ link: link.id, who }, "Someone who cannot be seen in the channel was left out of its room");
    (await this.#inside.get(link.room))?.delete(who);
    return true;
  }

  async #hold(link: Link, stuck: readonly Mxid[]): Promise<never> {
    const who = stuck.toSorted().join(", ");
    const why = `The channel lets nobody read along unseen, and cannot be shown who ${stuck.length > 1 ? "these are" : "this is"}: ${who}.`;
    const remedy = "Nothing is shown here until they leave, opt in to being relayed, or sign in with a login of their own.";
    await this.#context.notices.say(link.room, `unseen:${link.id}:${who}`, `${why} ${remedy}`);
    throw new TryLater(why, LONG, "channel");
  }

  async #named(link: Link): Promise<Named> {
    return ((await this.#context.store.settings.get(namedKey(link))) as Named | undefined) ?? {};
  }

  /** Everyone in the room but our own. Read from the homeserver once, then kept up by what it pushes. */
  async #people(room: RoomId): Promise<ReadonlyMap<Mxid, string>> {
    let people = this.#inside.get(room);
    if (!people) {
      people = this.#read(room);
      this.#inside.set(room, people);
      people.catch(() => this.#inside.delete(room));
    }
    return await people;
  }

  async #read(room: RoomId): Promise<Map<Mxid, string>> {
    try {
      const members = await this.#context.client.members(room);
      const people = [...members].filter(([who]) => !this.#isOurs(who));
      return new Map(people.map(([who, { displayname }]) => [who, nameIn(who, displayname)]));
    } catch (error) {
      throw failureOf(error);
    }
  }

  #isOurs(who: Mxid): boolean {
    return who === this.#context.bot || this.#context.ghosts.remoteOf(who) !== undefined;
  }
}

export function modeOf(link: Link): "visible" | "announced" | "open" {
  return link.settings.readers ?? "announced";
}

function namedKey(link: Link): string {
  return `readers.named:${link.id}`;
}

function nameIn(who: Mxid, displayname: unknown): string {
  const local = who.slice(1, who.indexOf(":"));
  return shownName(typeof displayname === "string" ? displayname : local, local);
}

/** Two of one name are told apart by their addresses; without, the name alone is easier on the eye. */
function listed(people: readonly (readonly [who: string, name: string])[]): string {
  return people
    .map(([who, name]) => (people.some(([other, same]) => other !== who && same === name) ? `${name} (${who})` : name))
    .join(", ");
}

/** The name under which what was told is remembered. */
export function tellingId(link: Link, row: number): EventId {
  return eventId(`$readers-${link.id}-${row}`);
}
