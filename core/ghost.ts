/**
 * Ghosts: the Matrix accounts of people on the networks. One is registered, named, given a picture and joined when it first speaks, and
 * touched again only when something about it changed. All of it is remembered, so a restart sends nothing that is already so.
 */
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { Lru } from "./lru.ts";
import type { MatrixClient } from "./matrix/client.ts";
import { failureOf, MatrixError } from "./matrix/failure.ts";
import type { Namespace, RemoteOwner } from "./matrix/namespace.ts";
import { limited } from "./matrix/streams.ts";
import { Broken, Refused } from "./model/errors.ts";
import { type MxcUri, type Mxid, mxid, type NetworkId, type RemoteUserId, type RoomId, remoteUserId } from "./model/ids.ts";
import type { Person } from "./model/message.ts";
import type { Clock } from "./network.ts";
import { shownName } from "./shown-name.ts";
import type { Ghost, GhostMember, SettingStore, UserStore } from "./store/store.ts";

/** Fetches a picture by the network's own reference. */
export type OpenAvatar = (ref: unknown) => Promise<{ stream: Readable; size?: number; mimetype?: string }>;

export interface GhostsOptions {
  readonly client: MatrixClient;
  readonly users: UserStore;
  readonly settings: SettingStore;
  readonly namespace: Namespace;
  readonly clock: Clock;
  readonly log: Logger;
  /** The name that a ghost shows, by the config's template; absent = as on the network. */
  readonly nameOf?: (network: NetworkId, person: Person) => string;
}

/** How many ghosts and memberships are kept in memory; the rest is read from the store when needed. */
const KEPT = 10_000;
const LARGEST_AVATAR = 8 * 1024 * 1024;
/** What a picture may take of a message's time. */
const AVATAR_LIMIT = 10_000;
/** A picture that could not be had is asked for again after this long. */
const AVATAR_AGAIN = 600_000;
/** A ghost that was removed unheard comes back once in so long. */
const REJOIN = 600_000;
const LONG_NAMES = "ghosts.long";

export class Ghosts {
  readonly #options: GhostsOptions;
  readonly #ghosts = new Lru<Mxid, Ghost>(KEPT);
  readonly #members = new Lru<string, GhostMember>(KEPT);
  /** Ghost or membership → the last thing that is being done to it: two messages at once must not do it twice. */
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Rooms that let ghosts in only when invited. */
  readonly #inviteOnly = new Lru<RoomId, true>(1_000);
  /** Membership → when it was last made anew after a refusal. */
  readonly #rejoined = new Lru<string, number>(1_000);
  /** Picture id → not before. */
  readonly #missing = new Lru<string, number>(1_000);
  /** Names that are too long to be undone. Few, if any. */
  readonly #long = new Map<Mxid, RemoteOwner>();

  constructor(options: GhostsOptions) {
    this.#options = options;
  }

  /** Call once before use: makes `remoteOf` know the names that only the store can undo. */
  async load(): Promise<void> {
    const stored = (await this.#options.settings.get(LONG_NAMES)) as Record<string, RemoteOwner> | undefined;
    for (const [name, owner] of Object.entries(stored ?? {})) this.#long.set(mxid(name), owner);
  }

  mxidOf(network: NetworkId, remote: RemoteUserId): Mxid {
    return this.#options.namespace.ghost(network, remote);
  }

  /** Whose ghost it is; undefined for everybody else. */
  remoteOf(whom: Mxid): RemoteOwner | undefined {
    return this.#options.namespace.ownerOf(whom) ?? this.#long.get(whom);
  }

  /**
   * Makes the person stand in the room as they are now, with one membership event at most, and returns who speaks for them.
   * A picture that cannot be had never holds a message up. Throws the errors of `core/model/errors.ts`: `Refused` when the room
   * does not let the ghost in.
   */
  async present(room: RoomId, network: NetworkId, person: Person, open: OpenAvatar): Promise<Mxid> {
    try {
      const ghost = await this.#alone(this.mxidOf(network, person.id), () => this.#be(network, person, open));
      await this.#alone(memberKey(room, ghost.mxid), () => this.#stand(room, ghost));
      return ghost.mxid;
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Makes the ghost be, in no room: somebody asks for it. */
  async exist(network: NetworkId, person: Person, open: OpenAvatar): Promise<void> {
    try {
      await this.#alone(this.mxidOf(network, person.id), () => this.#be(network, person, open));
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Idempotent. */
  async leave(room: RoomId, ghost: Mxid, reason?: string): Promise<void> {
    await this.#alone(memberKey(room, ghost), async () => {
      const member = await this.#member(room, ghost);
      if (member?.membership !== "join" && member?.membership !== "invite") return;
      const why = reason ? { reason } : {};
      await this.#options.client.leave(room, { as: ghost, ...why }).catch((error: unknown) => {
        // Not in the room any more, so there is nothing to leave.
        if (!(error instanceof MatrixError) || error.status !== 403) throw failureOf(error);
      });
      await this.#remember({ ...member, membership: "leave" });
    });
  }

  /** Someone on Matrix removed the ghost from the room, banned it, or lifted the ban (`leave`): what we remember follows. */
  async removed(room: RoomId, ghost: Mxid, membership: "leave" | "ban"): Promise<void> {
    await this.#alone(memberKey(room, ghost), () => this.#remember({ room, mxid: ghost, membership, name: undefined, avatar: undefined }));
  }

  /** Once in a while only: whoever is thrown out again and again stays out. */
  mayRejoin(room: RoomId, ghost: Mxid): boolean {
    const key = memberKey(room, ghost);
    const now = this.#options.clock.now();
    if ((this.#rejoined.get(key) ?? 0) > now - REJOIN) return false;
    this.#rejoined.set(key, now);
    return true;
  }

  /** The ghost, registered, with the person's name and picture known. */
  async #be(network: NetworkId, person: Person, open: OpenAvatar): Promise<Ghost> {
    const before = await this.#ghost(network, person.id);
    const name = shownName(this.#options.nameOf?.(network, person) ?? person.name, person.id);
    const made = before.registered ? false : await this.#register(before.mxid);
    const picture = await this.#picture(before, person, open);
    const now: Ghost = { ...before, registered: true, name, ...picture };
    if (before.registered && sameGhost(before, now)) return before;
    if (!before.registered) await this.#introduce(now, made);
    await this.#options.users.putGhost(now);
    this.#ghosts.set(now.mxid, now);
    return now;
  }

  async #register(ghost: Mxid): Promise<boolean> {
    return await this.#options.client.register(ghost.slice(1, ghost.indexOf(":")));
  }

  /**
   * The profile outside of rooms, which is written when the account is new. Later changes are told room by room: most homeservers
   * would write two events into every room that the ghost is in.
   */
  async #introduce(ghost: Ghost, made: boolean): Promise<void> {
    const { client } = this.#options;
    const there = made ? undefined : await client.profile(ghost.mxid);
    if (ghost.name !== undefined && there?.displayname !== ghost.name) await client.setName(ghost.mxid, ghost.name);
    if (ghost.avatar !== undefined && there?.avatar_url !== ghost.avatar) await client.setAvatar(ghost.mxid, ghost.avatar);
  }

  async #picture(ghost: Ghost, person: Person, open: OpenAvatar): Promise<Pick<Ghost, "avatar" | "avatarId">> {
    const { avatar } = person;
    const same = { avatar: ghost.avatar, avatarId: ghost.avatarId };
    if (avatar === undefined) return same;
    if (avatar === null) return { avatar: undefined, avatarId: null };
    if (avatar.id === ghost.avatarId) return same;
    const { clock, log } = this.#options;
    const key = `${ghost.mxid} ${avatar.id}`;
    if ((this.#missing.get(key) ?? 0) > clock.now()) return same;
    try {
      return { avatar: await this.#fetch(open, avatar.ref), avatarId: avatar.id };
    } catch (error) {
      log.warn({ ghost: ghost.mxid, err: error }, "A picture could not be had; the message goes without");
      this.#missing.set(key, clock.now() + AVATAR_AGAIN);
      return same;
    }
  }

  async #fetch(open: OpenAvatar, ref: unknown): Promise<MxcUri> {
    let stream: Readable | undefined;
    let late = false;
    const fetching = (async () => {
      const file = await open(ref);
      stream = file.stream;
      if (late) stream.destroy();
      // A network that says no type is believed; a login page in the place of a picture says its own.
      const { mimetype = "image/png", size } = file;
      if (!mimetype.startsWith("image/") || (size ?? 0) > LARGEST_AVATAR) {
        stream.destroy();
        throw new Broken(`A picture that is none, or too large: ${mimetype}, ${size} bytes.`);
      }
      const body = limited(stream, LARGEST_AVATAR, "The picture is too large.");
      return await this.#options.client.upload(body, { mimetype, name: "avatar", ...(size === undefined ? {} : { size }) });
    })();
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = this.#options.clock.timer(AVATAR_LIMIT, () => {
      late = true;
      stream?.destroy();
      reject(new Error("The picture took too long."));
    });
    return await Promise.race([fetching, promise]).finally(cancel);
  }

  /** In the room, under the name and picture of now. */
  async #stand(room: RoomId, ghost: Ghost): Promise<void> {
    const known = await this.#member(room, ghost.mxid);
    const wanted: GhostMember = { room, mxid: ghost.mxid, membership: "join", name: ghost.name, avatar: ghost.avatar };
    if (known && sameMember(known, wanted)) return;
    if (known?.membership === "ban") throw new Refused(`${ghost.name} is banned from the room.`);
    if (known?.membership !== "join" && this.#inviteOnly.get(room)) await this.#invite(room, ghost);
    try {
      await this.#join(room, ghost);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      await this.#invite(room, ghost);
      await this.#join(room, ghost);
      this.#inviteOnly.set(room, true);
    }
    await this.#remember(wanted);
  }

  /** A join and a change of name and picture are the same event. */
  async #join(room: RoomId, { mxid: ghost, name, avatar, avatarId }: Ghost): Promise<void> {
    // A homeserver fills in what is left out from the profile, so having no picture is said.
    const picture = avatar === undefined && avatarId === undefined ? {} : { avatar_url: avatar ?? "" };
    const content = { membership: "join", displayname: name, ...picture };
    await this.#options.client.member(room, ghost, content, { as: ghost });
  }

  async #invite(room: RoomId, { mxid: ghost, name }: Ghost): Promise<void> {
    const { client } = this.#options;
    try {
      await client.invite(room, ghost);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      const there = await client.stateEvent(room, "m.room.member", ghost);
      const membership = readMembership(there?.membership);
      // Joined or invited already: what was refused before must have had another reason, and says it the next time.
      if (membership === "join" || membership === "invite") return;
      if (membership === "ban") {
        await this.#remember({ room, mxid: ghost, membership, name: undefined, avatar: undefined });
        throw new Refused(`${name} is banned from the room.`);
      }
      throw new Refused(`The bridge bot may not invite ${name} into the room: it needs the power to invite.`, { cause: error });
    }
  }

  async #ghost(network: NetworkId, remote: RemoteUserId): Promise<Ghost> {
    const { users, namespace, settings } = this.#options;
    const name = this.mxidOf(network, remote);
    const known = this.#ghosts.get(name) ?? (await users.ghost(name));
    if (known && (known.network !== network || known.remote !== remote)) {
      throw new Broken(`Two people on ${network} would share the name ${name}.`);
    }
    if (!known && namespace.isHashed(name) && !this.#long.has(name)) {
      this.#long.set(name, { network, remote: remoteUserId(remote) });
      await settings.set(LONG_NAMES, Object.fromEntries(this.#long));
    }
    const ghost = known ?? { mxid: name, network, remote, registered: false, name: undefined, avatarId: undefined, avatar: undefined };
    this.#ghosts.set(name, ghost);
    return ghost;
  }

  async #member(room: RoomId, ghost: Mxid): Promise<GhostMember | undefined> {
    const key = memberKey(room, ghost);
    const known = this.#members.get(key) ?? (await this.#options.users.member(room, ghost));
    if (known) this.#members.set(key, known);
    return known;
  }

  async #remember(member: GhostMember): Promise<void> {
    await this.#options.users.putMember(member);
    this.#members.set(memberKey(member.room, member.mxid), member);
  }

  /** One after the other for each key. */
  async #alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(key);
    const turn = before ? before.then(work, work) : work();
    this.#busy.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(key) === turn) this.#busy.delete(key);
    }
  }
}

function memberKey(room: RoomId, ghost: Mxid): string {
  return `${room} ${ghost}`;
}

function sameMember(one: GhostMember, other: GhostMember): boolean {
  return one.membership === other.membership && one.name === other.name && one.avatar === other.avatar;
}

function sameGhost(one: Ghost, other: Ghost): boolean {
  return one.name === other.name && one.avatar === other.avatar && one.avatarId === other.avatarId;
}

function readMembership(value: unknown): GhostMember["membership"] | undefined {
  return value === "join" || value === "leave" || value === "invite" || value === "ban" ? value : undefined;
}

function isForbidden(error: unknown): boolean {
  return error instanceof MatrixError && error.status === 403;
}
