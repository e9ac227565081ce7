import type { Database } from "better-sqlite3";
import { Refused } from "../model/errors.ts";
import { compareCursors, type Cursor } from "../model/events.ts";
import type { LinkId, LoginId, Mxid, NetworkId, RemoteChannelId, RemoteUserId, RoomId } from "../model/ids.ts";
import type { Group } from "./group.ts";
import { fromJson, orAbsent, orNull, toJson, toWhole } from "./rows.ts";
import type { Link, LinkSettings, Portal, PortalStore } from "./store.ts";

interface LinkRow {
  id: LinkId;
  network: NetworkId;
  channel: RemoteChannelId;
  login: LoginId;
  room: RoomId;
  made_by: "config" | Mxid;
  settings: string;
  watermark: Cursor | null;
  phase: number;
  behind: number;
  paused: string | null;
  facts: string | null;
  at: number;
}

type NewLink = Parameters<PortalStore["addLink"]>[0];
type LinkChange = Parameters<PortalStore["updateLink"]>[1];

export interface PortalTables {
  /** Forward only; a link that is gone is let be. Within a transaction of the caller's. */
  advance(link: LinkId, cursor: Cursor): void;
  readonly store: PortalStore;
}

/** Portals, their links, and rooms that are being made. */
export function openPortals(db: Database, group: Group): PortalTables {
  const links = openLinks(db);
  return {
    advance: links.advance,
    store: {
      ...openRooms(db, group),
      link: (id) => group.read(() => links.byId(id)),
      linkOf: (network, channel) => group.read(() => links.byChannel(network, channel)),
      linksIn: (room) => group.read(() => links.inRoom(room)),
      links: (after, limit) => group.read(() => links.page(after, limit)),
      addLink: (link) => group.write(() => links.add(link)),
      removeLink: (id) => group.write(() => links.remove(id)),
      ...openAttendance(db, group),
      updateLink: (id, change) => group.write(() => links.change(id, change)),
      nextPhase: (network, login, only) => group.write(() => links.nextPhase(network, login, only)),
    },
  };
}

function openLinks(db: Database) {
  const byId = db.prepare<[LinkId], LinkRow>("SELECT * FROM link WHERE id = ?");
  const byChannel = db.prepare<[NetworkId, RemoteChannelId], LinkRow>("SELECT * FROM link WHERE network = ? AND channel = ?");
  const inRoom = db.prepare<[RoomId], LinkRow>("SELECT * FROM link WHERE room = +? ORDER BY id");
  const page = db.prepare<[number, number], LinkRow>("SELECT * FROM link WHERE id > +? ORDER BY id LIMIT +?");
  const add = db.prepare<Omit<LinkRow, "id">>(`
    INSERT INTO link (network, channel, login, room, made_by, settings, watermark, phase, behind, paused, facts, at)
    VALUES (:network, :channel, :login, :room, :made_by, :settings, :watermark, :phase, :behind, :paused, :facts, :at)`);
  const change = db.prepare<LinkRow>(`
    UPDATE link SET room = :room, settings = :settings, watermark = :watermark, behind = :behind, paused = :paused, facts = :facts, login = :login WHERE id = :id`);
  const behind = "UPDATE link SET phase = phase + iif(behind, 0, 2), behind = 1 WHERE";
  const nextPhase = db.prepare<[NetworkId, LoginId]>(`${behind} network = ? AND login = ?`);
  const nextPhaseOf = db.prepare<[LinkId]>(`${behind} id = ?`);
  const watermark = db.prepare<[LinkId], Cursor | null>("SELECT watermark FROM link WHERE id = ?").pluck();
  const advance = db.prepare<[Cursor, LinkId]>("UPDATE link SET watermark = ? WHERE id = ?");
  const remove = db.prepare<[LinkId]>("DELETE FROM link WHERE id = ?");
  const dropAttendance = db.prepare<[LinkId]>("DELETE FROM attendance WHERE link = ?");
  const dropWaiting = db.prepare<[string]>("DELETE FROM journal WHERE state = 'waiting' AND lane = ?");
  const dropParked = db.prepare<[string]>("DELETE FROM journal WHERE state = 'parked' AND lane = ?");

  const toMaybe = (row: LinkRow | undefined) => (row === undefined ? undefined : toLink(row));
  return {
    byId: (id: LinkId) => toMaybe(byId.get(id)),
    byChannel: (network: NetworkId, channel: RemoteChannelId) => toMaybe(byChannel.get(network, channel)),
    inRoom: (room: RoomId) => inRoom.all(room).map(toLink),
    page: (after: number, limit: number) => page.all(after, limit).map(toLink),
    add(link: NewLink): Link {
      const other = byChannel.get(link.network, link.channel);
      if (other !== undefined) throw new Refused(`This channel is linked already, to the room ${other.room}.`);
      const made = { ...link, id: 0 as LinkId, phase: 0, behind: false, paused: undefined, facts: undefined };
      return { ...made, id: Number(add.run(fromLink(made)).lastInsertRowid) as LinkId };
    },
    remove(id: LinkId): void {
      for (const lane of [`in:${id}`, `out:${id}`]) {
        dropWaiting.run(lane);
        dropParked.run(lane);
      }
      dropAttendance.run(id);
      remove.run(id);
    },
    change(id: LinkId, to: LinkChange): void {
      const link = toMaybe(byId.get(id));
      if (link !== undefined) change.run(fromLink({ ...link, ...to }));
    },
    nextPhase: (network: NetworkId, login: LoginId, only?: LinkId) =>
      void (only === undefined ? nextPhase.run(network, login) : nextPhaseOf.run(only)),
    advance(id: LinkId, cursor: Cursor): void {
      const now = watermark.get(id);
      if (now === null || (now !== undefined && compareCursors(now, cursor) < 0)) advance.run(cursor, id);
    },
  };
}

function openAttendance(db: Database, group: Group): Pick<PortalStore, "attending" | "attend"> {
  const all = db.prepare<[LinkId], RemoteUserId>("SELECT person FROM attendance WHERE link = ?").pluck();
  const come = db.prepare<[LinkId, RemoteUserId]>("INSERT OR IGNORE INTO attendance (link, person) VALUES (?, ?)");
  const go = db.prepare<[LinkId, RemoteUserId]>("DELETE FROM attendance WHERE link = ? AND person = ?");
  return {
    attending: (id) => group.read(() => all.all(id)),
    attend: (id, change) =>
      group.write(() => {
        for (const person of change.come ?? []) come.run(id, person);
        for (const person of change.gone ?? []) go.run(id, person);
      }),
  };
}

function openRooms(
  db: Database,
  group: Group,
): Pick<PortalStore, "portal" | "putPortal" | "moveRoom" | "making" | "putMaking" | "makings"> {
  const portal = db.prepare<[RoomId], { room: RoomId; made: number; shown: string | null }>("SELECT * FROM portal WHERE room = ?");
  const putPortal = db.prepare<[RoomId, number, string | null]>("INSERT OR REPLACE INTO portal (room, made, shown) VALUES (?, ?, ?)");
  const making = db.prepare<[string], string>("SELECT value FROM making WHERE key = ?").pluck();
  const putMaking = db.prepare<[string, string]>("INSERT OR REPLACE INTO making (key, value) VALUES (?, ?)");
  const makings = db.prepare<[string, string], { key: string; value: string }>("SELECT key, value FROM making WHERE key >= ? AND key < ?");
  const dropMaking = db.prepare<[string]>("DELETE FROM making WHERE key = ?");
  const move = prepareMove(db);
  return {
    portal: (room) => group.read(() => toPortal(portal.get(room))),
    putPortal: ({ room, made, shown }) => group.write(() => void putPortal.run(room, made ? 1 : 0, toJson(shown))),
    moveRoom: (from, to) => group.write(() => move(from, to)),
    making: (key) => group.read(() => fromJson(making.get(key) ?? null)),
    putMaking: (key, value) =>
      group.write(() => void (value === undefined ? dropMaking.run(key) : putMaking.run(key, JSON.stringify(value)))),
    makings: (prefix) =>
      group.read(() => makings.all(prefix, `${prefix}\u{10ffff}`).map(({ key, value }) => ({ key, value: JSON.parse(value) as unknown }))),
  };
}

/** The message map keeps the old room's name: that is where those events lie, and where a redaction of them goes. */
function prepareMove(db: Database): (from: RoomId, to: RoomId) => void {
  const portal = db.prepare<[RoomId, RoomId]>("UPDATE OR IGNORE portal SET room = ? WHERE room = ?");
  const dropPortal = db.prepare<[RoomId]>("DELETE FROM portal WHERE room = ?");
  const links = db.prepare<[RoomId, RoomId]>("UPDATE link SET room = ? WHERE room = ?");
  const direct = db.prepare<[RoomId, RoomId]>("UPDATE direct SET room = ? WHERE room = ?");
  const waiting = db.prepare<[string, string]>("UPDATE journal SET lane = ? WHERE state = 'waiting' AND lane = ?");
  const parked = db.prepare<[string, string]>("UPDATE journal SET lane = ? WHERE state = 'parked' AND lane = ?");
  return (from, to) => {
    portal.run(to, from);
    dropPortal.run(from);
    links.run(to, from);
    direct.run(to, from);
    waiting.run(`say:${to}`, `say:${from}`);
    parked.run(`say:${to}`, `say:${from}`);
  };
}

function toPortal(row: { room: RoomId; made: number; shown: string | null } | undefined): Portal | undefined {
  return row && { room: row.room, made: row.made === 1, shown: fromJson(row.shown) };
}

function fromLink(link: Link): LinkRow {
  const { id, network, channel, login, room, phase } = link;
  const settings = JSON.stringify(link.settings);
  const behind = link.behind ? 1 : 0;
  const rest = { made_by: link.by, watermark: orNull(link.watermark), paused: orNull(link.paused), facts: toJson(link.facts) };
  return { id, network, channel, login, room, phase, behind, settings, ...rest, at: toWhole(link.at) };
}

function toLink(row: LinkRow): Link {
  const { id, network, channel, login, room, phase, at } = row;
  const settings = JSON.parse(row.settings) as LinkSettings;
  const behind = row.behind === 1;
  const rest = { by: row.made_by, watermark: orAbsent(row.watermark), paused: orAbsent(row.paused), facts: fromJson(row.facts) };
  return { id, network, channel, login, room, phase, behind, settings, ...rest, at };
}
