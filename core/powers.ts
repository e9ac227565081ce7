/**
 * Power in rooms that the bridge made follows power in the channel: ghosts, and Matrix people by their own logins there, get the level
 * that they have over there; where only some may speak in the channel, the same holds in the room. Nobody else's level is touched, and
 * what somebody set in the room stays.
 */
import type { Logger } from "pino";
import { factsOf } from "./channel-facts.ts";
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import { type Content, failureOf, type MatrixClient } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { isRecord } from "./matrix/event.ts";
import { type Mxid, type RemoteUserId, type RoomId, remoteUserId } from "./model/ids.ts";
import type { Rooms } from "./rooms.ts";
import type { Shown, ShownBook } from "./shown.ts";
import type { Link } from "./store/store.ts";

export interface PowerContext {
  readonly client: MatrixClient;
  readonly links: Links;
  readonly logins: Logins;
  readonly ghosts: Ghosts;
  readonly rooms: Rooms;
  readonly shown: ShownBook;
  readonly bot: Mxid;
  readonly log: Logger;
}

type Levels = Record<string, number>;

/** What it takes to speak while the channel is moderated: a voice there. */
const VOICE = 1;
/** One event holds them all, and is not to grow without end. */
const MOST_PEOPLE = 300;

export class Powers {
  readonly #context: PowerContext;
  /** Room → the last change that is under way. */
  readonly #busy = new Map<RoomId, Promise<unknown>>();

  constructor(context: PowerContext) {
    this.#context = context;
  }

  /** Brings the room's levels to what is known of its channels. Harmless to repeat. */
  async update(room: RoomId): Promise<void> {
    await this.#alone(room, async () => {
      if (!(await this.#context.shown.isMade(room))) return;
      const links = await this.#context.links.inRoom(room);
      await this.#write(room, await this.#wanted(links), isModerated(links));
    });
  }

  /** Whoever speaks in a moderated channel may speak there, whatever we know of their rank. */
  async letSpeak(link: Link, ghost: Mxid): Promise<void> {
    const { shown, rooms } = this.#context;
    if (factsOf(link).moderated !== true || (await shown.of(link.room)).unmoderated === undefined) return;
    if ((await rooms.powerOf(link.room, ghost)) >= VOICE) return;
    await this.#alone(link.room, async () => {
      const links = await this.#context.links.inRoom(link.room);
      const wanted = await this.#wanted(links);
      await this.#write(link.room, { ...wanted, [ghost]: Math.max(VOICE, wanted[ghost] ?? 0) }, isModerated(links));
    });
  }

  /**
   * Takes somebody's voice in the room, one below what it takes to speak. Returns the level that stood there, null for none; undefined =
   * the room does not let the bot do it.
   */
  async silence(room: RoomId, who: Mxid): Promise<number | null | undefined> {
    const { client } = this.#context;
    let before: number | null | undefined;
    await this.#alone(room, async () => {
      const now = await client.stateEvent(room, "m.room.power_levels", "");
      if (!now) return;
      const users = readUsers(now);
      if (await this.#set(room, { ...now, users: { ...users, [who]: readLevel(now) - 1 } })) before = users[who] ?? null;
    });
    return before;
  }

  /** Undoes `silence`. A level that somebody else has set meanwhile stays. */
  async letSpeakAgain(room: RoomId, who: Mxid, before: number | null): Promise<void> {
    const { client } = this.#context;
    await this.#alone(room, async () => {
      const now = await client.stateEvent(room, "m.room.power_levels", "");
      const { [who]: level, ...others } = now ? readUsers(now) : {};
      if (!now || level === undefined || level >= readLevel(now)) return;
      await this.#set(room, { ...now, users: before === null ? others : { ...others, [who]: before } });
    });
  }

  /** False = the room does not let us. */
  async #set(room: RoomId, content: Content): Promise<boolean> {
    const { client, rooms, log } = this.#context;
    try {
      await client.setState(room, "m.room.power_levels", "", content);
    } catch (error) {
      const failure = failureOf(error);
      if (!(failure instanceof Refused)) throw failure;
      log.info({ room, err: failure }, "The room does not let the bridge set power levels");
      return false;
    }
    rooms.forget(room);
    return true;
  }

  async #wanted(links: readonly Link[]): Promise<Levels> {
    const { ghosts, logins, rooms, bot } = this.#context;
    const [first] = links;
    if (!first) return {};
    const ceiling = (await rooms.powerOf(first.room, bot)) - 1;
    const lowest = isModerated(links) ? VOICE : VOICE + 1;
    const wanted: Levels = {};
    for (const link of links) {
      for (const [id, level] of ranked(link, lowest)) {
        const who = logins.ownerOf(link.network, id) ?? ghosts.mxidOf(link.network, id);
        wanted[who] = Math.max(wanted[who] ?? 0, Math.min(level, ceiling));
      }
    }
    return wanted;
  }

  async #write(room: RoomId, wanted: Levels, moderated: boolean): Promise<void> {
    const { client, shown } = this.#context;
    const now = await client.stateEvent(room, "m.room.power_levels", "");
    if (!now) return;
    const before = await shown.of(room);
    const { users, given } = mergeUsers(readUsers(now), before.powers ?? {}, wanted);
    const speech = speechOf(now, before, moderated);
    const next = { ...now, users, events_default: speech.level };
    const isSame = JSON.stringify(next) === JSON.stringify({ ...now, users: readUsers(now), events_default: readLevel(now) });
    if (!isSame && !(await this.#set(room, next))) return;
    await shown.change(room, ({ unmoderated: _unmoderated, ...others }) => ({ ...others, powers: given, ...speech.remembered }));
  }

  async #alone(room: RoomId, work: () => Promise<void>): Promise<void> {
    const done = (this.#busy.get(room) ?? Promise.resolve()).then(work);
    const settled = done.catch(() => undefined);
    this.#busy.set(room, settled);
    await done.finally(() => {
      if (this.#busy.get(room) === settled) this.#busy.delete(room);
    });
  }
}

/** Where several channels share a room, one of them does not silence the others. */
function isModerated(links: readonly Link[]): boolean {
  return links.length > 0 && links.every((link) => factsOf(link).moderated === true);
}

/** Those with power, the most powerful first. */
function ranked(link: Link, lowest: number): [RemoteUserId, number][] {
  const levels = Object.entries(factsOf(link).powers?.levels ?? {}).filter(([, level]) => Number.isInteger(level) && level >= lowest);
  const sorted = levels.toSorted(([, one], [, other]) => other - one).slice(0, MOST_PEOPLE);
  return sorted.map(([id, level]) => [remoteUserId(id), level]);
}

/** What we gave may be changed or taken by us as long as it is still as we gave it; everything else is somebody's own decision. */
function mergeUsers(now: Levels, before: Levels, wanted: Levels): { users: Levels; given: Readonly<Record<Mxid, number>> } {
  const users = { ...now };
  const given: Record<string, number> = {};
  const isOurs = (who: string) => (before[who] === undefined ? now[who] === undefined : now[who] === before[who]);
  for (const [who, level] of Object.entries(wanted)) {
    if (!isOurs(who)) continue;
    users[who] = level;
    given[who] = level;
  }
  for (const who of Object.keys(before)) if (wanted[who] === undefined && isOurs(who)) delete users[who];
  return { users, given };
}

function speechOf(now: Content, before: Shown, moderated: boolean): { level: number; remembered: Pick<Shown, "unmoderated"> } {
  const level = readLevel(now);
  if (moderated) return { level: Math.max(level, VOICE), remembered: { unmoderated: before.unmoderated ?? level } };
  // Somebody raised it meanwhile: theirs stands.
  return { level: before.unmoderated !== undefined && level === VOICE ? before.unmoderated : level, remembered: {} };
}

function readUsers(content: Content): Levels {
  const users = isRecord(content["users"]) ? content["users"] : {};
  return Object.fromEntries(Object.entries(users).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}

function readLevel(content: Content): number {
  return typeof content["events_default"] === "number" ? content["events_default"] : 0;
}
