/**
 * Everything remembered, as whole operations: each call is one transaction, resolves when it is on disk, and may be grouped with others.
 * Times are milliseconds since 1970. SQLite implements it; nothing in it is SQLite's.
 */
import type { Cursor } from "../model/events.ts";
import type {
  EventId,
  LinkId,
  LoginId,
  MxcUri,
  Mxid,
  NetworkId,
  RemoteChannelId,
  RemoteMessageId,
  RemoteThreadId,
  RemoteUserId,
  RoomId,
} from "../model/ids.ts";

export interface Store {
  readonly journal: Journal;
  readonly portals: PortalStore;
  readonly users: UserStore;
  readonly messages: MessageStore;
  readonly settings: SettingStore;
  /** Removes what is older than its purpose: seen keys, tombstones, told notices, settings whose time has ended. Bounded work a call; returns rows removed. */
  prune(before: number): Promise<number>;
  /** Forgets which messages belong together that were said before. Bounded work a call; returns messages forgotten. */
  pruneMap(before: number): Promise<number>;
  close(): Promise<void>;
}

/** One direction of one link, or the notices of one room: `in:7`, `out:7`, `say:!room`. */
export type LaneName = string;

/** What waits. `payload` is JSON: a RemoteEvent, a Matrix event, a notice. */
export interface JournalRow {
  readonly id: number;
  readonly lane: LaneName;
  readonly payload: unknown;
  readonly state: "waiting" | "parked";
  /** Counted on disk before each attempt. */
  readonly attempts: number;
  /** Not before this moment; 0 = at once. */
  readonly notBefore: number;
  /** What was saved on the way: parts done, what a send must know. Undefined at first. */
  readonly step: unknown;
  /** Why it is parked or was put off, in a sentence. */
  readonly reason: string | undefined;
  /** When it was parked; absent = it waits. */
  readonly parkedAt?: number;
  readonly at: number;
  /** Follows the message through the logs. */
  readonly trace: string;
  /** See `NewRow.phase`. */
  readonly phase: number;
}

export interface NewRow {
  readonly lane: LaneName;
  readonly payload: unknown;
  readonly trace: string;
  readonly at: number;
  /**
   * Rows have their turn by (phase, arrival). A link's phase grows with every connection that was not a resume; live events get the odd
   * number, history the even one before it, so that history passes what arrived live meanwhile.
   * Below zero: it passes everything, and is not kept up by what holds the lane.
   */
  readonly phase: number;
  /** Each may be known once only, for as long as seen keys are kept, parked and finished rows included: a row with a known one is not written. */
  readonly once: readonly string[];
  /**
   * Given with `about`: when the row is known already, but still waits untried in a later phase of the lane, it moves to this place.
   * Recognises it by its payload. So what arrived live while something before it was still to be fetched takes its turn after that.
   */
  readonly moves?: (payload: unknown) => boolean;
  /** It may hold a password or a token: sealed while it waits. */
  readonly secret?: true;
  /** The Matrix event or remote message that it makes or changes (`$event`, `7:remote id`): how a redaction finds what waits. */
  readonly about?: string;
}

export interface Intake {
  readonly rows: readonly NewRow[];
  /** Seen keys without a row of their own (an event that concerns no link). */
  readonly seen?: readonly string[];
  /** Echoes whose send was not yet recorded: the map learns of them here. */
  readonly records?: readonly MessageRecord[];
  /** A login's `keep`, in the same transaction. */
  readonly keep?: { readonly network: NetworkId; readonly login: LoginId; readonly values: Readonly<Record<string, unknown>> };
  /** Watermarks that may move: only forward, by `compareCursors`. */
  readonly watermarks?: readonly { readonly link: LinkId; readonly cursor: Cursor }[];
}

export interface Journal {
  /** Returns, for each row, its number, or undefined when one of its `once` keys was known. */
  take(intake: Intake): Promise<readonly (number | undefined)[]>;
  /** Which of the keys were seen. */
  seen(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Lanes with waiting rows. For the start. */
  lanes(): Promise<readonly LaneName[]>;
  /**
   * The first waiting rows of a lane by (phase, id), at most `limit`, those put off included. With `below`, only phases below it.
   */
  head(lane: LaneName, limit: number, below?: number): Promise<readonly JournalRow[]>;
  /**
   * The row of a lane whose turn it is: the first waiting one by (phase, id) that is not put off beyond `now`. When all are, the one that is
   * due soonest. With `below`, only phases below it.
   */
  next(lane: LaneName, now: number, below?: number): Promise<JournalRow | undefined>;
  row(id: number): Promise<JournalRow | undefined>;
  /** Adds one to `attempts` and writes `step`; call it before the effect. False = the row is gone (its message was redacted): do nothing. */
  attempt(id: number, step?: unknown): Promise<boolean>;
  /** The process lives on although the row has been in hand for a while: what ended it before was something else. One attempt stays. */
  outlived(id: number): Promise<void>;
  save(id: number, step: unknown): Promise<void>;
  /** Nothing has been sent: attempts go back to 0. */
  putOff(id: number, until: number, reason: string): Promise<void>;
  /** `rows` are what people are told of it: written in the same go, so that nothing is parked without a word. */
  park(id: number, reason: string, at: number, rows?: readonly NewRow[]): Promise<void>;
  /** Back to waiting, at the place it had, as if never tried: attempts at 0, no step. */
  retry(ids: readonly number[]): Promise<void>;
  /** Records what was done and removes the row, in one. Without an id: records only. */
  finish(id: number | undefined, done: Done): Promise<void>;
  /** Replaces the payload (an edit of a parked message, content taken out by a redaction). */
  rewrite(id: number, payload: unknown): Promise<void>;
  remove(ids: readonly number[]): Promise<void>;
  /** Removes those of the rows that wait untried, or are parked; the others are left, and their numbers returned. */
  removeUntried(ids: readonly number[]): Promise<readonly number[]>;
  parked(filter: { readonly lane?: LaneName; readonly limit: number }): Promise<readonly JournalRow[]>;
  /** Waiting and parked rows that carry this `about`. */
  about(about: string): Promise<readonly JournalRow[]>;
  counts(lane?: LaneName): Promise<{ readonly waiting: number; readonly parked: number }>;
}

/** What one finished step leaves behind. */
export interface Done {
  readonly messages?: readonly MessageRecord[];
  /** `from` absent = all parts; else that part and those after it. */
  readonly forget?: readonly { readonly link: LinkId; readonly event: EventId; readonly from?: number }[];
  readonly reactions?: readonly ReactionRecord[];
  readonly unreact?: readonly { readonly link: LinkId; readonly event: EventId }[];
  readonly edits?: readonly { readonly edit: EventId; readonly target: EventId }[];
  readonly tombstones?: readonly { readonly link: LinkId; readonly message: RemoteMessageId; readonly at: number }[];
  readonly threads?: readonly ThreadRecord[];
  /** New rows that follow from it (a notice, the deletion of what was sent meanwhile). */
  readonly rows?: readonly NewRow[];
}

/** One part of one message on one link: the tie between a Matrix event and a remote message. */
export interface MessageRecord {
  readonly link: LinkId;
  readonly room: RoomId;
  readonly event: EventId;
  /** Absent where the network gives no ids. */
  readonly remote?: RemoteMessageId;
  /** 0 for the first. Several events of one remote message, or several remote messages of one event. */
  readonly part: number;
  readonly origin: "remote" | "matrix";
  /** Who said it: a ghost's MXID, or the Matrix person. */
  readonly sender: Mxid;
  readonly thread?: RemoteThreadId;
  /** Of the part's wire form, so that an edit knows which parts changed. */
  readonly digest?: string;
  /** The login that sent it, for edits and deletes by the same one. */
  readonly login?: LoginId;
  readonly at: number;
  /** When it was last edited on the network, by the network's time: what was edited before that is told too late. */
  readonly edited?: number;
}

export interface MessageStore {
  /** In order of part. */
  byEvent(event: EventId, link?: LinkId): Promise<readonly MessageRecord[]>;
  byRemote(link: LinkId, remote: RemoteMessageId): Promise<readonly MessageRecord[]>;
  /** The last one recorded in a link, either origin. */
  latest(link: LinkId): Promise<MessageRecord | undefined>;
  isTombstone(link: LinkId, remote: RemoteMessageId): Promise<boolean>;
  editTarget(edit: EventId): Promise<EventId | undefined>;
  thread(link: LinkId, thread: RemoteThreadId): Promise<ThreadRecord | undefined>;
  threadByRoot(link: LinkId, root: EventId): Promise<ThreadRecord | undefined>;
  reactionByEvent(event: EventId): Promise<readonly ReactionRecord[]>;
  /** All live reactions on an event in a link. */
  reactions(link: LinkId, target: EventId): Promise<readonly ReactionRecord[]>;
  /** Messages of a link in a recent window, newest first. */
  recent(link: LinkId, since: number, limit: number): Promise<readonly MessageRecord[]>;
}

export interface ThreadRecord {
  readonly link: LinkId;
  readonly thread: RemoteThreadId;
  readonly root: EventId;
}

export interface ReactionRecord {
  readonly link: LinkId;
  /** The `m.reaction` event. */
  readonly event: EventId;
  readonly target: EventId;
  readonly sender: Mxid;
  /** A Unicode emoji, an mxc URI or `:name:`: as it stands in the event's relation. */
  readonly key: string;
  /** The custom emoji's own id on the network. */
  readonly remoteKey?: string;
  readonly origin: "remote" | "matrix";
}

export interface Link {
  readonly id: LinkId;
  readonly network: NetworkId;
  readonly channel: RemoteChannelId;
  /** The shared login that serves it. */
  readonly login: LoginId;
  readonly room: RoomId;
  /** From the config, or by a person's command. */
  readonly by: "config" | Mxid;
  readonly settings: LinkSettings;
  readonly watermark: Cursor | undefined;
  /** Even. See `NewRow.phase`. */
  readonly phase: number;
  /** True from a connection that may have missed something until history has been fetched: live rows wait meanwhile. */
  readonly behind: boolean;
  /** Present = nothing crosses; why, in a sentence. */
  readonly paused: string | undefined;
  /** The channel as last seen (`ChannelFacts` and more), JSON. */
  readonly facts: unknown;
  readonly at: number;
}

export interface LinkSettings {
  readonly readers?: "visible" | "announced" | "open";
  readonly reactions?: boolean;
  readonly membership?: boolean;
  /** The narrower side's admin agreed that a private channel is read in a wider room. */
  readonly widen?: boolean;
  readonly relay?: boolean;
  /** Topic and name go from the room to the channel too; absent = as the network's custom is. */
  readonly topic?: boolean;
  /** `@room` rings everybody there, from those whom the room lets ring; else it is shown and rings nobody. */
  readonly everyone?: boolean;
  /** The room stands in the homeserver's public directory. */
  readonly directory?: boolean;
}

export interface Portal {
  readonly room: RoomId;
  /** True when the bridge made the room. */
  readonly made: boolean;
  /** What the bridge last set itself, so that it sets nothing twice: name, topic, avatar, spaces. JSON. */
  readonly shown: unknown;
}

export interface PortalStore {
  portal(room: RoomId): Promise<Portal | undefined>;
  putPortal(portal: Portal): Promise<void>;
  link(id: LinkId): Promise<Link | undefined>;
  linkOf(network: NetworkId, channel: RemoteChannelId): Promise<Link | undefined>;
  linksIn(room: RoomId): Promise<readonly Link[]>;
  /** In pages, by id. */
  links(after: number, limit: number): Promise<readonly Link[]>;
  /** Rejects when the (network, channel) is linked already. */
  addLink(link: Omit<Link, "id" | "phase" | "behind" | "paused" | "facts">): Promise<Link>;
  /** Removes it with its waiting rows; its id is never used again. The map stays, for replies. */
  removeLink(id: LinkId): Promise<void>;
  updateLink(
    id: LinkId,
    change: Partial<Pick<Link, "room" | "settings" | "watermark" | "paused" | "facts" | "login" | "behind">>,
  ): Promise<void>;
  /** Who is in the link's channel, as last shown or told. */
  attending(id: LinkId): Promise<readonly RemoteUserId[]>;
  attend(id: LinkId, change: { readonly come?: readonly RemoteUserId[]; readonly gone?: readonly RemoteUserId[] }): Promise<void>;
  /** Every link of the login is `behind` from now on; those that were not get a phase two higher. */
  nextPhase(network: NetworkId, login: LoginId, only?: LinkId): Promise<void>;
  /** Everything that names the old room names the new one. */
  moveRoom(from: RoomId, to: RoomId): Promise<void>;
  /** Rooms that are being made: key → what is known. Row first, then the call. */
  making(key: string): Promise<unknown>;
  putMaking(key: string, value: unknown): Promise<void>;
  /** What was begun and not finished, of all keys with this beginning. */
  makings(prefix: string): Promise<readonly { readonly key: string; readonly value: unknown }[]>;
}

export interface Ghost {
  readonly mxid: Mxid;
  readonly network: NetworkId;
  readonly remote: RemoteUserId;
  readonly registered: boolean;
  readonly name: string | undefined;
  /** The network's id of the picture; null = they have none. */
  readonly avatarId: string | null | undefined;
  readonly avatar: MxcUri | undefined;
}

/** What a ghost's (or the bot's) membership in a room is, as far as we made or saw it. */
export interface GhostMember {
  readonly room: RoomId;
  readonly mxid: Mxid;
  readonly membership: "join" | "leave" | "invite" | "ban";
  readonly name: string | undefined;
  readonly avatar: MxcUri | undefined;
}

export interface StoredLogin {
  readonly network: NetworkId;
  readonly id: LoginId;
  readonly name: string;
  readonly owner: Mxid;
  /** Sealed at rest by the store. */
  readonly secrets: Readonly<Record<string, unknown>>;
  readonly person: RemoteUserId | undefined;
}

export interface UserStore {
  ghost(mxid: Mxid): Promise<Ghost | undefined>;
  ghostOf(network: NetworkId, remote: RemoteUserId): Promise<Ghost | undefined>;
  putGhost(ghost: Ghost): Promise<void>;
  member(room: RoomId, mxid: Mxid): Promise<GhostMember | undefined>;
  putMember(member: GhostMember): Promise<void>;
  /** Joined ghosts of a room, in pages by MXID. */
  members(room: RoomId, network: NetworkId, after: string, limit: number): Promise<readonly GhostMember[]>;
  logins(): Promise<readonly StoredLogin[]>;
  loginsOf(owner: Mxid): Promise<readonly StoredLogin[]>;
  putLogin(login: StoredLogin): Promise<void>;
  removeLogin(network: NetworkId, id: LoginId): Promise<void>;
  /** Sealed values of a login's `keep`. */
  keep(network: NetworkId, login: LoginId, key: string): Promise<unknown>;
  putKeep(network: NetworkId, login: LoginId, key: string, value: unknown): Promise<void>;
  /** Opted out of being relayed: an MXID, or `network:remote user id`. */
  isOptedOut(who: string): Promise<boolean>;
  setOptedOut(who: string, out: boolean): Promise<void>;
  /** A Matrix person's direct chat with the bot, or with a ghost. */
  directRoom(owner: Mxid, withWhom: Mxid): Promise<RoomId | undefined>;
  putDirectRoom(owner: Mxid, withWhom: Mxid, room: RoomId | undefined): Promise<void>;
}

export interface SettingStore {
  get(key: string): Promise<unknown>;
  /** `undefined` deletes. `until`: when it may be forgotten, milliseconds since 1970; absent = never. It may be read for some time after. */
  set(key: string, value: unknown, until?: number): Promise<void>;
}
