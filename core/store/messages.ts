import type { Database } from "better-sqlite3";
import type { EventId, LinkId, LoginId, Mxid, RemoteMessageId, RemoteThreadId, RoomId } from "../model/ids.ts";
import type { Group } from "./group.ts";
import { orNull, toWhole } from "./rows.ts";
import type { Done, MessageRecord, MessageStore, ReactionRecord, ThreadRecord } from "./store.ts";

interface MessageRow {
  link: LinkId;
  room: RoomId;
  event: EventId;
  remote: RemoteMessageId | null;
  part: number;
  origin: "remote" | "matrix";
  sender: Mxid;
  thread: RemoteThreadId | null;
  digest: string | null;
  login: LoginId | null;
  at: number;
  edited: number | null;
}

interface ReactionRow {
  event: EventId;
  link: LinkId;
  target: EventId;
  sender: Mxid;
  key: string;
  remote_key: string | null;
  origin: "remote" | "matrix";
}

/** What a finished step leaves behind in the map; `rows` are the journal's. */
export type Outcome = Omit<Done, "rows">;

export interface MessageTables {
  /** Within a transaction of the caller's. */
  record(outcome: Outcome): void;
  /** Removes tombstones from before `before`, at most `limit`; returns how many. */
  prune(before: number, limit: number): number;
  /** Removes what is known of messages that were recorded first and said before `before`, at most `limit`; returns how many. */
  pruneMap(before: number, limit: number): number;
  readonly store: MessageStore;
}

/** The message map: which Matrix event is which remote message, and what else is known of them. */
export function openMessages(db: Database, group: Group): MessageTables {
  const writes = prepareWrites(db);
  return {
    record(outcome) {
      for (const { link, event, from = 0 } of outcome.forget ?? []) writes.forget.run(link, event, from);
      for (const message of outcome.messages ?? []) writes.message.run(fromMessage(message));
      for (const { link, event } of outcome.unreact ?? []) writes.unreact.run(event, link);
      for (const reaction of outcome.reactions ?? []) writes.reaction.run(fromReaction(reaction));
      for (const { edit, target } of outcome.edits ?? []) writes.edit.run(edit, target);
      for (const { link, message, at } of outcome.tombstones ?? []) writes.tombstone.run(link, message, toWhole(at));
      for (const { link, thread, root } of outcome.threads ?? []) writes.thread.run(link, thread, root);
    },
    prune: (before, limit) => writes.prune.run(toWhole(before), limit).changes,
    pruneMap: (before, limit) => pruneMap(db, toWhole(before), limit),
    store: openReads(db, group),
  };
}

function prepareWrites(db: Database) {
  return {
    // Recorded twice (by the echo and by the send), a message keeps what either knew.
    message: db.prepare<MessageRow>(`
      INSERT INTO message (link, room, event, remote, part, origin, sender, thread, digest, login, at, edited)
      VALUES (:link, :room, :event, :remote, :part, :origin, :sender, :thread, :digest, :login, :at, :edited)
      ON CONFLICT (event, link, part) DO UPDATE SET remote = coalesce(excluded.remote, remote), thread = coalesce(excluded.thread, thread),
        digest = coalesce(excluded.digest, digest), login = coalesce(excluded.login, login),
        edited = coalesce(excluded.edited, edited)`),
    forget: db.prepare<[LinkId, EventId, number]>("DELETE FROM message WHERE link = ? AND event = ? AND part >= ?"),
    reaction: db.prepare<ReactionRow>(`
      INSERT OR REPLACE INTO reaction (event, link, target, sender, key, remote_key, origin)
      VALUES (:event, :link, :target, :sender, :key, :remote_key, :origin)`),
    unreact: db.prepare<[EventId, LinkId]>("DELETE FROM reaction WHERE event = ? AND link = ?"),
    edit: db.prepare<[EventId, EventId]>("INSERT OR REPLACE INTO edit (edit, target) VALUES (?, ?)"),
    tombstone: db.prepare<[LinkId, RemoteMessageId, number]>("INSERT OR REPLACE INTO tombstone (link, remote, at) VALUES (?, ?, ?)"),
    thread: db.prepare<[LinkId, RemoteThreadId, EventId]>("INSERT OR REPLACE INTO thread (link, thread, root) VALUES (?, ?, ?)"),
    prune: db.prepare<[number, number]>(
      "DELETE FROM tombstone WHERE (link, remote) IN (SELECT link, remote FROM tombstone WHERE at < +? ORDER BY at LIMIT +?)",
    ),
  };
}

/** `+?` where rows have an order: there, SQLite plans a query anew each time that a bare `?` is given a value. */
function openReads(db: Database, group: Group): MessageStore {
  const byEvent = db.prepare<[EventId], MessageRow>("SELECT * FROM message WHERE event = +? ORDER BY link, part");
  const byEventIn = db.prepare<[EventId, LinkId], MessageRow>("SELECT * FROM message WHERE event = +? AND link = +? ORDER BY part");
  const byRemote = db.prepare<[LinkId, RemoteMessageId], MessageRow>("SELECT * FROM message WHERE link = +? AND remote = +? ORDER BY part");
  const latest = db.prepare<[LinkId], MessageRow>("SELECT * FROM message WHERE link = +? ORDER BY id DESC LIMIT 1");
  const recent = db.prepare<[LinkId, number, number], MessageRow>(
    "SELECT * FROM message WHERE link = +? AND at >= +? ORDER BY at DESC, id DESC LIMIT +?",
  );
  const tombstone = db.prepare<[LinkId, RemoteMessageId]>("SELECT 1 FROM tombstone WHERE link = ? AND remote = ?");
  const editTarget = db.prepare<[EventId], EventId>("SELECT target FROM edit WHERE edit = ?").pluck();
  const thread = db.prepare<[LinkId, RemoteThreadId], ThreadRecord>("SELECT * FROM thread WHERE link = ? AND thread = ?");
  const threadByRoot = db.prepare<[LinkId, EventId], ThreadRecord>("SELECT * FROM thread WHERE link = ? AND root = ?");
  const reactionByEvent = db.prepare<[EventId], ReactionRow>("SELECT * FROM reaction WHERE event = ?");
  const reactions = db.prepare<[LinkId, EventId], ReactionRow>("SELECT * FROM reaction WHERE link = ? AND target = ?");
  const toMessages = (rows: readonly MessageRow[]) => rows.map(toMessage);
  return {
    byEvent: (event, link) => group.read(() => toMessages(link === undefined ? byEvent.all(event) : byEventIn.all(event, link))),
    byRemote: (link, remote) => group.read(() => toMessages(byRemote.all(link, remote))),
    latest: (link) => group.read(() => toMessages(latest.all(link))[0]),
    isTombstone: (link, remote) => group.read(() => tombstone.get(link, remote) !== undefined),
    editTarget: (edit) => group.read(() => editTarget.get(edit)),
    thread: (link, id) => group.read(() => thread.get(link, id)),
    threadByRoot: (link, root) => group.read(() => threadByRoot.get(link, root)),
    reactionByEvent: (event) => group.read(() => reactionByEvent.all(event).map(toReaction)),
    reactions: (link, target) => group.read(() => reactions.all(link, target).map(toReaction)),
    recent: (link, since, limit) => group.read(() => toMessages(recent.all(link, toWhole(since), limit))),
  };
}

function fromMessage(message: MessageRecord): MessageRow {
  return {
    ...message,
    remote: orNull(message.remote),
    part: toWhole(message.part),
    thread: orNull(message.thread),
    digest: orNull(message.digest),
    login: orNull(message.login),
    at: toWhole(message.at),
    edited: message.edited === undefined ? null : toWhole(message.edited),
  };
}

function toMessage(row: MessageRow): MessageRecord {
  return {
    link: row.link,
    room: row.room,
    event: row.event,
    ...(row.remote !== null && { remote: row.remote }),
    part: row.part,
    origin: row.origin,
    sender: row.sender,
    ...(row.thread !== null && { thread: row.thread }),
    ...(row.digest !== null && { digest: row.digest }),
    ...(row.login !== null && { login: row.login }),
    at: row.at,
    ...(row.edited !== null && { edited: row.edited }),
  };
}

function fromReaction(reaction: ReactionRecord): ReactionRow {
  const { link, event, target, sender, key, origin } = reaction;
  return { link, event, target, sender, key, origin, remote_key: orNull(reaction.remoteKey) };
}

function toReaction(row: ReactionRow): ReactionRecord {
  const { link, event, target, sender, key, origin } = row;
  return { link, event, target, sender, key, ...(row.remote_key !== null && { remoteKey: row.remote_key }), origin };
}

/** In the order in which they were recorded, which is nearly that in which they were said: so it needs no index of its own. */
function pruneMap(db: Database, before: number, limit: number): number {
  const old = db
    .prepare<[number, number], { id: number; event: EventId; link: LinkId }>(
      "SELECT id, event, link FROM (SELECT id, event, link, at FROM message ORDER BY id LIMIT +?) WHERE at < +?",
    )
    .all(limit, before);
  const drop = db.prepare<[number]>("DELETE FROM message WHERE id = ?");
  const dropReactions = db.prepare<[LinkId, EventId]>("DELETE FROM reaction WHERE link = ? AND target = ?");
  for (const { id, event, link } of old) {
    drop.run(id);
    dropReactions.run(link, event);
  }
  return old.length;
}
