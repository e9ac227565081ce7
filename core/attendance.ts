/**
 * Who comes and goes in a channel, shown in its room where the link wants it: a few a minute, however many come at once; not at all where
 * a channel is too large or too restless, and then the room is told. Whoever speaks is there in any case. Nobody leaves but by an event,
 * or by a list that is complete.
 */
import type { Logger } from "pino";
import type { Budget } from "./budget.ts";
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import { failureOf } from "./matrix/client.ts";
import { TryLater, Uncertain } from "./model/errors.ts";
import type { LinkId, Mxid, RemoteUserId } from "./model/ids.ts";
import type { Person } from "./model/message.ts";
import type { Clock } from "./network.ts";
import type { Notices } from "./notices.ts";
import { type OptOuts, personKey } from "./opt-out.ts";
import type { Link, Store } from "./store/store.ts";

export interface AttendanceContext {
  readonly store: Store;
  readonly links: Links;
  readonly logins: Logins;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly optOuts: OptOuts;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the bridge stops. */
  readonly signal: AbortSignal;
  /** A channel with more people shows only those who speak. */
  readonly most: number;
  /** More coming and going in one channel is not shown. */
  readonly changesPerHour: number;
}

interface Wish {
  readonly link: Link;
  readonly id: RemoteUserId;
  /** Present = they are to be in the room. */
  readonly person?: Person;
  readonly reason?: string;
}

interface Channel {
  /** As last shown; what the store holds too. */
  readonly people: Set<RemoteUserId>;
  /** When somebody came or went, within the last hour. */
  changes: number[];
  /** Nothing is shown before this moment. */
  restlessUntil: number;
  isLarge: boolean;
  /** Who came while a list is being compared: the list may be older. */
  came: Set<RemoteUserId> | undefined;
}

const HOUR = 3_600_000;
/** After a homeserver that could not be reached. */
const PAUSE = 5_000;
/** How often a list that was not complete is asked for again, and after how long. */
const LOOKS = 3;
const LOOK_AGAIN = 10_000;

export class Attendance {
  readonly #context: AttendanceContext;
  readonly #channels = new Map<LinkId, Promise<Channel>>();
  /** In the order of asking; a later wish for the same person takes the place of the earlier. */
  readonly #queue = new Map<string, Wish>();
  #running = false;
  /** Who is just being shown or taken away. */
  readonly #inHand = new Map<string, Promise<void>>();
  /** Which turn was a link's last; none = it has had none. */
  readonly #turns = new Map<LinkId, number>();
  #turn = 0;

  constructor(context: AttendanceContext) {
    this.#context = context;
  }

  /** Somebody came into the channel. */
  async came(link: Link, person: Person): Promise<void> {
    if (!isShown(link) || (await this.#isNotShown(link, person))) return;
    await this.#inHand.get(keyOf(link, person.id));
    const channel = await this.#channel(link);
    channel.came?.add(person.id);
    if (channel.people.has(person.id)) return void this.#queue.delete(keyOf(link, person.id));
    if (channel.isLarge || !(await this.#isCalm(link, channel))) return;
    if (channel.people.size + this.#coming(link).length >= this.#context.most) return await this.#tooLarge(link, channel);
    await this.#soon({ link, id: person.id, person });
  }

  /** Somebody left. */
  async went(link: Link, id: RemoteUserId, reason: string): Promise<void> {
    if (!isShown(link)) return;
    await this.#inHand.get(keyOf(link, id));
    const channel = await this.#channel(link);
    channel.came?.delete(id);
    const waiting = this.#queue.get(keyOf(link, id));
    if (waiting?.person) this.#queue.delete(keyOf(link, id));
    const isThere = channel.people.has(id) || (await this.#isJoined(link, id));
    if (isThere && (await this.#isCalm(link, channel))) await this.#soon({ link, id, reason });
  }

  /** Somebody was removed over there: their ghost goes, whether or not comings and goings are shown. */
  async removed(link: Link, id: RemoteUserId, reason: string): Promise<void> {
    this.#queue.delete(keyOf(link, id));
    await this.#inHand.get(keyOf(link, id));
    if (await this.#isJoined(link, id)) await this.#soon({ link, id, reason });
    else await this.#note(link, id, false);
  }

  /** The same person under another name: the old ghost makes room for the new one, if it was there at all. */
  async renamed(link: Link, from: RemoteUserId, to: Person): Promise<void> {
    await this.#inHand.get(keyOf(link, from));
    if (!(await this.#isJoined(link, from))) return;
    const channel = await this.#channel(link);
    if (isShown(link) && !(await this.#isCalm(link, channel))) return;
    await this.#soon({ link, id: to.id, person: to });
    if (from !== to.id) await this.#soon({ link, id: from, reason: `is now ${to.name}` });
  }

  /** Brings the room to what the channel's list says: after a link was made, and after each connection. */
  async compare(link: Link, live: LiveLogin, looks = 1): Promise<void> {
    if (!isShown(link)) return;
    const channel = await this.#channel(link);
    // Another look is under way.
    if (channel.came) return;
    const before = [...channel.people];
    channel.came = new Set();
    const came = channel.came;
    const { people, complete } = await live.connection.members(link.channel).finally(() => {
      channel.came = undefined;
    });
    const listed = new Set(people.map((person) => person.id));
    channel.isLarge = false;
    if (people.length > this.#context.most) await this.#tooLarge(link, channel);
    else await this.#come(link, channel, people);
    const gone = complete ? before.filter((id) => !listed.has(id) && !came.has(id)) : [];
    for (const id of gone) this.#later({ link, id, reason: "left" });
    if (!complete && looks < LOOKS) void this.#lookAgain(link, looks + 1);
  }

  async #come(link: Link, channel: Channel, people: readonly Person[]): Promise<void> {
    for (const person of people) {
      if (channel.people.has(person.id) || (await this.#isNotShown(link, person))) continue;
      if (await this.#isJoined(link, person.id)) await this.#note(link, person.id, true);
      else this.#later({ link, id: person.id, person });
    }
  }

  async #lookAgain(link: Link, looks: number): Promise<void> {
    const { clock, signal, links, logins, log } = this.#context;
    try {
      await clock.sleep(LOOK_AGAIN, signal);
      const now = await links.link(link.id);
      const live = now && logins.hearing(now);
      if (now && live?.state.is === "connected") await this.compare(now, live, looks);
    } catch (error) {
      if (!signal.aborted) log.info({ link: link.id, err: error }, "Who is in the channel could not be asked");
    }
  }

  /** Our own, Matrix people by their own logins, and who does not want to be relayed. */
  async #isNotShown(link: Link, person: Person): Promise<boolean> {
    const { logins, optOuts } = this.#context;
    if (person.ours || logins.ownerOf(link.network, person.id)) return true;
    return await optOuts.isOut(personKey(link.network, person.id));
  }

  async #isJoined(link: Link, id: RemoteUserId): Promise<boolean> {
    const { store, ghosts } = this.#context;
    return (await store.users.member(link.room, ghosts.mxidOf(link.network, id)))?.membership === "join";
  }

  /** False = it is too restless there to be shown; told once, and looked at anew after an hour. */
  async #isCalm(link: Link, channel: Channel): Promise<boolean> {
    const { clock, changesPerHour, notices } = this.#context;
    const now = clock.now();
    if (now < channel.restlessUntil) return false;
    channel.changes = channel.changes.filter((at) => at > now - HOUR);
    channel.changes.push(now);
    if (channel.changes.length <= changesPerHour) return true;
    channel.restlessUntil = now + HOUR;
    channel.changes = [];
    for (const [key, wish] of this.#queue) if (wish.link.id === link.id) this.#queue.delete(key);
    const text = `More than ${changesPerHour} people came and went within an hour: for the next hour only those who speak are shown.`;
    await notices.say(link.room, `restless:${link.id}:${now}`, text);
    void this.#afterRest(link);
    return false;
  }

  async #afterRest(link: Link): Promise<void> {
    const { clock, signal } = this.#context;
    await clock.sleep(HOUR, signal).catch(() => undefined);
    if (!signal.aborted) await this.#lookAgain(link, 1);
  }

  async #tooLarge(link: Link, channel: Channel): Promise<void> {
    if (channel.isLarge) return;
    channel.isLarge = true;
    for (const key of this.#coming(link)) this.#queue.delete(key);
    const { most, notices } = this.#context;
    const text = `There are more than ${most} people in the channel: only those who speak are shown here.`;
    await notices.say(link.room, `large:${link.id}`, text);
  }

  /** Who of the link's people waits to be shown. */
  #coming(link: Link): string[] {
    return [...this.#queue].filter(([, wish]) => wish.link.id === link.id && wish.person !== undefined).map(([key]) => key);
  }

  /** At once where the budget allows it, so that who comes and speaks does so in this order; else when it is their turn. */
  async #soon(wish: Wish): Promise<void> {
    if (this.#queue.size > 0 || this.#context.budget.take() > 0) return this.#later(wish);
    await this.#do(wish);
  }

  #later(wish: Wish): void {
    const key = keyOf(wish.link, wish.id);
    this.#queue.delete(key);
    this.#queue.set(key, wish);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    const { budget, clock, signal, log } = this.#context;
    this.#running = true;
    try {
      while (!signal.aborted) {
        const wait = this.#queue.size > 0 ? budget.take() : 0;
        if (wait > 0) await clock.sleep(wait, signal);
        const next = this.#next();
        if (!next) return;
        if (wait > 0) continue;
        this.#queue.delete(next[0]);
        this.#turn += 1;
        this.#turns.set(next[1].link.id, this.#turn);
        await this.#do(next[1]).catch(async (error: unknown) => {
          if (!(error instanceof TryLater)) throw error;
          if (!this.#queue.has(next[0])) this.#queue.set(next[0], next[1]);
          await clock.sleep(PAUSE, signal);
        });
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, "Who comes and goes is not shown for the moment");
    } finally {
      this.#running = false;
    }
  }

  /** The links take turns, so that a crowd in one channel does not keep the others waiting. */
  #next(): [string, Wish] | undefined {
    let next: [string, Wish] | undefined;
    let longestAgo = Number.POSITIVE_INFINITY;
    for (const one of this.#queue) {
      const turn = this.#turns.get(one[1].link.id) ?? 0;
      if (turn >= longestAgo) continue;
      next = one;
      longestAgo = turn;
      if (turn === 0) break;
    }
    return next;
  }

  /** Whoever goes while they are still being shown is waited for, so that they do not stay for ever. */
  async #do(wish: Wish): Promise<void> {
    const key = keyOf(wish.link, wish.id);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#inHand.set(key, promise);
    try {
      await this.#carryOut(wish);
    } finally {
      this.#inHand.delete(key);
      resolve();
    }
  }

  /** What Matrix refuses is let be: somebody who is banned from the room stays out. */
  async #carryOut({ link, id, person, reason }: Wish): Promise<void> {
    const { links, logins, ghosts, log } = this.#context;
    const now = await links.link(link.id);
    const live = now && logins.hearing(now);
    if (!now || !live) return;
    try {
      if (person) await ghosts.present(now.room, now.network, person, (ref) => live.connection.open(ref));
      else if (!(await this.#isElsewhere(now, id))) await ghosts.leave(now.room, ghosts.mxidOf(now.network, id), reason);
    } catch (error) {
      const failure = failureOf(error);
      if (failure instanceof TryLater) throw failure;
      if (failure instanceof Uncertain) throw new TryLater(failure.message, PAUSE, "item");
      log.info({ link: link.id, err: failure }, "Somebody's coming or going could not be shown");
    }
    await this.#note(now, id, person !== undefined);
  }

  /** In another channel of the network that is linked to the room. */
  async #isElsewhere(link: Link, id: RemoteUserId): Promise<boolean> {
    for (const other of await this.#context.links.inRoom(link.room)) {
      if (other.id === link.id || other.network !== link.network || !isShown(other)) continue;
      if ((await this.#channel(other)).people.has(id)) return true;
    }
    return false;
  }

  async #note(link: Link, id: RemoteUserId, isThere: boolean): Promise<void> {
    if (!isShown(link)) return;
    const { people } = await this.#channel(link);
    if (people.has(id) === isThere) return;
    if (isThere) people.add(id);
    else people.delete(id);
    await this.#context.store.portals.attend(link.id, isThere ? { come: [id] } : { gone: [id] });
  }

  async #channel(link: Link): Promise<Channel> {
    let channel = this.#channels.get(link.id);
    if (!channel) {
      channel = this.#read(link);
      this.#channels.set(link.id, channel);
      channel.catch(() => this.#channels.delete(link.id));
    }
    return await channel;
  }

  async #read(link: Link): Promise<Channel> {
    const people = new Set(await this.#context.store.portals.attending(link.id));
    return { people, changes: [], restlessUntil: 0, isLarge: false, came: undefined };
  }

  /** The link is gone. */
  ended(link: Link): void {
    this.#channels.delete(link.id);
    this.#turns.delete(link.id);
    for (const [key, wish] of this.#queue) if (wish.link.id === link.id) this.#queue.delete(key);
  }
}

function isShown(link: Link): boolean {
  return link.settings.membership ?? false;
}

function keyOf(link: Link, id: RemoteUserId | Mxid): string {
  return `${link.id} ${id}`;
}
