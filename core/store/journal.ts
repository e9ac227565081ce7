import type { Database } from "better-sqlite3";
import type { Group } from "./group.ts";
import type { MessageTables } from "./messages.ts";
import type { PortalTables } from "./portals.ts";
import { fromJson, orAbsent, orNull, toJson, toWhole } from "./rows.ts";
import type { Seal } from "./seal.ts";
import { payloadIn, sealedText } from "./sealed-rows.ts";
import type { Intake, Journal, JournalRow, NewRow } from "./store.ts";
import type { UserTables } from "./users.ts";

interface Row {
  id: number;
  lane: string;
  phase: number;
  state: "waiting" | "parked";
  attempts: number;
  not_before: number;
  payload: string;
  step: string | null;
  reason: string | null;
  parked_at: number | null;
  at: number;
  trace: string;
}

export interface JournalParts {
  readonly messages: MessageTables;
  readonly portals: PortalTables;
  readonly users: UserTables;
  readonly seal: Seal;
  /** When a key was seen is our own time, never a stranger's: what is kept must age evenly. */
  readonly clock: { now(): number };
}

export interface JournalTables {
  /** Removes the oldest `limit` seen keys as far as they are from before `before`; returns how many. */
  prune(before: number, limit: number): number;
  readonly store: Journal;
}

export function openJournal(db: Database, group: Group, parts: JournalParts): JournalTables {
  const seen = openSeen(db, parts.clock);
  const add = prepareAdd(db, seen, parts.seal);
  const remove = db.prepare<[number]>("DELETE FROM journal WHERE id = ?");
  const removeUntried = db.prepare<[number]>("DELETE FROM journal WHERE id = ? AND (attempts = 0 OR state = 'parked')");
  const take = (intake: Intake) => {
    const ids = intake.rows.map(add);
    for (const key of intake.seen ?? []) seen.add(key);
    parts.messages.record({ messages: intake.records ?? [] });
    if (intake.keep) parts.users.keep(intake.keep.network, intake.keep.login, intake.keep.values);
    for (const { link, cursor } of intake.watermarks ?? []) parts.portals.advance(link, cursor);
    return ids;
  };
  return {
    prune: seen.prune,
    store: {
      ...openRows(db, group, parts.seal),
      ...openChanges(db, group, add),
      take: (intake) => group.write(() => take(intake)),
      seen: (keys) => group.read(() => new Set(keys.filter(seen.has))),
      finish: (id, done) =>
        group.write(() => {
          parts.messages.record(done);
          for (const row of done.rows ?? []) add(row);
          if (id !== undefined) remove.run(id);
        }),
      remove: (ids) =>
        group.write(() => {
          for (const id of ids) remove.run(id);
        }),
      removeUntried: (ids) => group.write(() => ids.filter((id) => removeUntried.run(id).changes === 0)),
    },
  };
}

function openSeen(db: Database, clock: { now(): number }) {
  const has = db.prepare<[string]>("SELECT 1 FROM seen WHERE key = ?");
  const add = db.prepare<[string, number]>("INSERT OR IGNORE INTO seen (key, at) VALUES (?, ?)");
  const prune = db.prepare<[number, number]>("DELETE FROM seen WHERE id IN (SELECT id FROM seen ORDER BY id LIMIT +?) AND at < +?");
  return {
    has: (key: string) => has.get(key) !== undefined,
    add: (key: string) => void add.run(key, toWhole(clock.now())),
    prune: (before: number, limit: number) => prune.run(limit, toWhole(before)).changes,
  };
}

/** Returns the row's number; undefined when one of its keys was known, and then nothing is written. */
function prepareAdd(db: Database, seen: ReturnType<typeof openSeen>, seal: Seal): (row: NewRow) => number | undefined {
  const add = db.prepare<[string, number, string, string | null, number, string]>(
    "INSERT INTO journal (lane, phase, payload, about, at, trace) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const later = db.prepare<[string, string, number], { id: number; payload: string }>(
    "SELECT id, payload FROM journal WHERE about = ? AND lane = ? AND phase > ? AND state = 'waiting' AND attempts = 0",
  );
  const remove = db.prepare<[number]>("DELETE FROM journal WHERE id = ?");
  const takesPlaceOf = ({ about, lane, phase, moves }: NewRow): boolean => {
    if (!moves || about === undefined) return false;
    const found = later.all(about, lane, toWhole(phase)).find(({ payload }) => moves(JSON.parse(payload)));
    return found !== undefined && remove.run(found.id).changes > 0;
  };
  return (row) => {
    if (row.once.some(seen.has) && !takesPlaceOf(row)) return undefined;
    for (const key of row.once) seen.add(key);
    const { lane, phase, payload, about, at, trace } = row;
    const text = row.secret ? sealedText(seal, payload) : JSON.stringify(payload);
    return Number(add.run(lane, toWhole(phase), text, orNull(about), toWhole(at), trace).lastInsertRowid);
  };
}

/** `+?` where rows have an order: there, SQLite plans a query anew each time that a bare `?` is given a value. */
function openRows(
  db: Database,
  group: Group,
  seal: Seal,
): Pick<Journal, "lanes" | "head" | "next" | "row" | "parked" | "about" | "counts"> {
  const lanes = db.prepare<[], string>("SELECT name FROM lane WHERE waiting > 0 ORDER BY name").pluck();
  const head = db.prepare<[string, number, number], Row>(
    "SELECT * FROM journal WHERE state = 'waiting' AND lane = +? AND phase < +? ORDER BY phase, id LIMIT +?",
  );
  const next = prepareNext(db);
  const row = db.prepare<[number], Row>("SELECT * FROM journal WHERE id = ?");
  const parked = db.prepare<[number], Row>("SELECT * FROM journal WHERE state = 'parked' ORDER BY id LIMIT +?");
  const parkedIn = db.prepare<[string, number], Row>("SELECT * FROM journal WHERE state = 'parked' AND lane = +? ORDER BY id LIMIT +?");
  const about = db.prepare<[string], Row>("SELECT * FROM journal WHERE about = +? ORDER BY id");
  const count = db.prepare<[string], Counts>("SELECT waiting, parked FROM lane WHERE name = ?");
  const countAll = db.prepare<[], Counts>("SELECT coalesce(sum(waiting), 0) AS waiting, coalesce(sum(parked), 0) AS parked FROM lane");
  const toRows = (rows: readonly Row[]) => rows.map((each) => toRow(each, seal));
  return {
    lanes: () => group.read(() => lanes.all()),
    head: (lane, limit, below = Number.MAX_SAFE_INTEGER) => group.read(() => toRows(head.all(lane, below, limit))),
    next: (lane, now, below = Number.MAX_SAFE_INTEGER) => group.read(() => toRows(next(lane, below, toWhole(now)))[0]),
    row: (id) => group.read(() => toRows(row.all(id))[0]),
    parked: ({ lane, limit }) => group.read(() => toRows(lane === undefined ? parked.all(limit) : parkedIn.all(lane, limit))),
    about: (what) => group.read(() => toRows(about.all(what))),
    counts: (lane) => group.read(() => (lane === undefined ? countAll.get() : count.get(lane)) ?? { waiting: 0, parked: 0 }),
  };
}

/** Asked before each row's turn, so it reads one row. */
function prepareNext(db: Database): (lane: string, below: number, now: number) => Row[] {
  const waiting = "SELECT * FROM journal WHERE state = 'waiting' AND lane = +? AND phase < +?";
  const first = db.prepare<[string, number], Row>(`${waiting} ORDER BY phase, id LIMIT 1`);
  const due = db.prepare<[string, number, number], Row>(`${waiting} AND not_before <= +? ORDER BY phase, id LIMIT 1`);
  // With min(), the other columns are those of the row that has the least.
  const soonest = db.prepare<[string, number], Row>(waiting.replace("*", "*, min(not_before)"));
  return (lane, below, now) => {
    const found = first.get(lane, below);
    const row = found === undefined || found.not_before <= now ? found : (due.get(lane, below, now) ?? soonest.get(lane, below));
    return row === undefined ? [] : [row];
  };
}

interface Counts {
  readonly waiting: number;
  readonly parked: number;
}

function openChanges(
  db: Database,
  group: Group,
  add: (row: NewRow) => unknown,
): Pick<Journal, "attempt" | "outlived" | "save" | "putOff" | "park" | "retry" | "rewrite"> {
  const attempt = db.prepare<[string | null, number]>("UPDATE journal SET attempts = attempts + 1, step = coalesce(?, step) WHERE id = ?");
  const outlived = db.prepare<[number]>("UPDATE journal SET attempts = 1 WHERE id = ? AND attempts > 1");
  const save = db.prepare<[string | null, number]>("UPDATE journal SET step = ? WHERE id = ?");
  const putOff = db.prepare<[number, string, number]>("UPDATE journal SET not_before = ?, reason = ?, attempts = 0 WHERE id = ?");
  const park = db.prepare<[string, number, number]>("UPDATE journal SET state = 'parked', reason = ?, parked_at = ? WHERE id = ?");
  const retry = db.prepare<[number]>(
    "UPDATE journal SET state = 'waiting', attempts = 0, step = NULL, not_before = 0, reason = NULL, parked_at = NULL WHERE id = ?",
  );
  const rewrite = db.prepare<[string, number]>("UPDATE journal SET payload = ? WHERE id = ?");
  return {
    attempt: (id, step) => group.write(() => attempt.run(toJson(step), id).changes > 0),
    outlived: (id) => group.write(() => void outlived.run(id)),
    save: (id, step) => group.write(() => void save.run(toJson(step), id)),
    putOff: (id, until, reason) => group.write(() => void putOff.run(toWhole(until), reason, id)),
    park: (id, reason, at, rows = []) =>
      group.write(() => {
        park.run(reason, toWhole(at), id);
        for (const row of rows) add(row);
      }),
    retry: (ids) =>
      group.write(() => {
        for (const id of ids) retry.run(id);
      }),
    rewrite: (id, payload) => group.write(() => void rewrite.run(JSON.stringify(payload), id)),
  };
}

function toRow(row: Row, seal: Seal): JournalRow {
  const { id, lane, state, attempts, at, trace } = row;
  const waits = { notBefore: row.not_before, step: fromJson(row.step), reason: orAbsent(row.reason) };
  return {
    id,
    lane,
    payload: payloadIn(seal, row.payload),
    state,
    attempts,
    ...waits,
    ...(row.parked_at !== null && { parkedAt: row.parked_at }),
    at,
    trace,
    phase: row.phase,
  };
}
