import type { Database } from "better-sqlite3";
import type { LoginId, MxcUri, Mxid, NetworkId, RemoteUserId, RoomId } from "../model/ids.ts";
import type { Group } from "./group.ts";
import { fromJson, orAbsent, orNull, toJson } from "./rows.ts";
import type { Seal } from "./seal.ts";
import type { Ghost, GhostMember, StoredLogin, UserStore } from "./store.ts";

interface GhostRow {
  mxid: Mxid;
  network: NetworkId;
  remote: RemoteUserId;
  registered: number;
  name: string | null;
  avatar_id: string | null;
  avatar: MxcUri | null;
}

interface MemberRow {
  room: RoomId;
  mxid: Mxid;
  membership: GhostMember["membership"];
  name: string | null;
  avatar: MxcUri | null;
}

interface LoginRow {
  network: NetworkId;
  id: LoginId;
  name: string;
  owner: Mxid;
  secrets: Buffer;
  person: RemoteUserId | null;
}

export interface UserTables {
  /** A login's sealed values; `undefined` deletes. Within a transaction of the caller's. */
  keep(network: NetworkId, login: LoginId, values: Readonly<Record<string, unknown>>): void;
  readonly store: UserStore;
}

/** Ghosts and where they are, people's logins, and what people asked of the bridge. */
export function openUsers(db: Database, group: Group, seal: Seal): UserTables {
  const logins = openLogins(db, group, seal);
  return {
    keep: logins.keep,
    store: { ...openGhosts(db, group), ...openMembers(db, group), ...logins.store, ...openWishes(db, group) },
  };
}

function openGhosts(db: Database, group: Group): Pick<UserStore, "ghost" | "ghostOf" | "putGhost"> {
  const ghost = db.prepare<[Mxid], GhostRow>("SELECT * FROM ghost WHERE mxid = ?");
  const ghostOf = db.prepare<[NetworkId, RemoteUserId], GhostRow>("SELECT * FROM ghost WHERE network = ? AND remote = ?");
  const put = db.prepare<GhostRow>(`
    INSERT OR REPLACE INTO ghost (mxid, network, remote, registered, name, avatar_id, avatar)
    VALUES (:mxid, :network, :remote, :registered, :name, :avatar_id, :avatar)`);
  const nameNetwork = db.prepare<[NetworkId, Mxid]>("UPDATE member SET network = ? WHERE mxid = ? AND network IS NULL");
  return {
    ghost: (mxid) => group.read(() => toGhost(ghost.get(mxid))),
    ghostOf: (network, remote) => group.read(() => toGhost(ghostOf.get(network, remote))),
    putGhost: (one) =>
      group.write(() => {
        put.run(fromGhost(one));
        nameNetwork.run(one.network, one.mxid);
      }),
  };
}

function openMembers(db: Database, group: Group): Pick<UserStore, "member" | "putMember" | "members"> {
  const member = db.prepare<[RoomId, Mxid], MemberRow>(
    "SELECT room, mxid, membership, name, avatar FROM member WHERE room = ? AND mxid = ?",
  );
  const put = db.prepare<MemberRow>(`
    INSERT OR REPLACE INTO member (room, mxid, network, membership, name, avatar)
    VALUES (:room, :mxid, (SELECT network FROM ghost WHERE mxid = :mxid), :membership, :name, :avatar)`);
  const joined = db.prepare<[RoomId, NetworkId, string, number], MemberRow>(`
    SELECT room, mxid, membership, name, avatar FROM member
    WHERE membership = 'join' AND room = +? AND network = +? AND mxid > +? ORDER BY mxid LIMIT +?`);
  return {
    member: (room, mxid) => group.read(() => member.all(room, mxid).map(toMember)[0]),
    putMember: (one) => group.write(() => void put.run({ ...one, name: orNull(one.name), avatar: orNull(one.avatar) })),
    members: (room, network, after, limit) => group.read(() => joined.all(room, network, after, limit).map(toMember)),
  };
}

function openLogins(db: Database, group: Group, seal: Seal) {
  const all = db.prepare<[], LoginRow>("SELECT * FROM login ORDER BY network, id");
  const ofOwner = db.prepare<[Mxid], LoginRow>("SELECT * FROM login WHERE owner = +? ORDER BY network, id");
  const put = db.prepare<LoginRow>(
    "INSERT OR REPLACE INTO login (network, id, name, owner, secrets, person) VALUES (:network, :id, :name, :owner, :secrets, :person)",
  );
  const remove = db.prepare<[NetworkId, LoginId]>("DELETE FROM login WHERE network = ? AND id = ?");
  const removeKept = db.prepare<[NetworkId, LoginId]>("DELETE FROM keep WHERE network = ? AND login = ?");
  const kept = db
    .prepare<[NetworkId, LoginId, string], Buffer>("SELECT value FROM keep WHERE network = ? AND login = ? AND key = ?")
    .pluck();
  const putKept = db.prepare<[NetworkId, LoginId, string, Buffer]>(
    "INSERT OR REPLACE INTO keep (network, login, key, value) VALUES (?, ?, ?, ?)",
  );
  const dropKept = db.prepare<[NetworkId, LoginId, string]>("DELETE FROM keep WHERE network = ? AND login = ? AND key = ?");

  const keepOne = (network: NetworkId, login: LoginId, key: string, value: unknown) => {
    if (value === undefined) dropKept.run(network, login, key);
    else putKept.run(network, login, key, seal.seal(value, ["keep", network, login, key]));
  };
  const store: Pick<UserStore, "logins" | "loginsOf" | "putLogin" | "removeLogin" | "keep" | "putKeep"> = {
    logins: () => group.read(() => all.all().map((row) => toLogin(row, seal))),
    loginsOf: (owner) => group.read(() => ofOwner.all(owner).map((row) => toLogin(row, seal))),
    putLogin: (login) => group.write(() => void put.run(fromLogin(login, seal))),
    removeLogin: (network, id) =>
      group.write(() => {
        remove.run(network, id);
        removeKept.run(network, id);
      }),
    keep: (network, login, key) =>
      group.read(() => {
        const value = kept.get(network, login, key);
        return value && seal.open(value, ["keep", network, login, key]);
      }),
    putKeep: (network, login, key, value) => group.write(() => keepOne(network, login, key, value)),
  };
  return {
    store,
    keep(network: NetworkId, login: LoginId, values: Readonly<Record<string, unknown>>): void {
      for (const [key, value] of Object.entries(values)) keepOne(network, login, key, value);
    },
  };
}

function openWishes(db: Database, group: Group): Pick<UserStore, "isOptedOut" | "setOptedOut" | "directRoom" | "putDirectRoom"> {
  const optedOut = db.prepare<[string]>("SELECT 1 FROM opted_out WHERE who = ?");
  const optOut = db.prepare<[string]>("INSERT OR IGNORE INTO opted_out (who) VALUES (?)");
  const optIn = db.prepare<[string]>("DELETE FROM opted_out WHERE who = ?");
  const direct = db.prepare<[Mxid, Mxid], RoomId>("SELECT room FROM direct WHERE owner = ? AND person = ?").pluck();
  const putDirect = db.prepare<[Mxid, Mxid, RoomId]>("INSERT OR REPLACE INTO direct (owner, person, room) VALUES (?, ?, ?)");
  const dropDirect = db.prepare<[Mxid, Mxid]>("DELETE FROM direct WHERE owner = ? AND person = ?");
  return {
    isOptedOut: (who) => group.read(() => optedOut.get(who) !== undefined),
    setOptedOut: (who, out) => group.write(() => void (out ? optOut : optIn).run(who)),
    directRoom: (owner, withWhom) => group.read(() => direct.get(owner, withWhom)),
    putDirectRoom: (owner, withWhom, room) =>
      group.write(() => void (room === undefined ? dropDirect.run(owner, withWhom) : putDirect.run(owner, withWhom, room))),
  };
}

function fromGhost(ghost: Ghost): GhostRow {
  const { mxid, network, remote } = ghost;
  const profile = { name: orNull(ghost.name), avatar_id: toJson(ghost.avatarId), avatar: orNull(ghost.avatar) };
  return { mxid, network, remote, registered: ghost.registered ? 1 : 0, ...profile };
}

function toGhost(row: GhostRow | undefined): Ghost | undefined {
  if (row === undefined) return undefined;
  const { mxid, network, remote } = row;
  const avatarId = fromJson(row.avatar_id) as string | null | undefined;
  return { mxid, network, remote, registered: row.registered === 1, name: orAbsent(row.name), avatarId, avatar: orAbsent(row.avatar) };
}

function toMember(row: MemberRow): GhostMember {
  return { ...row, name: orAbsent(row.name), avatar: orAbsent(row.avatar) };
}

function fromLogin(login: StoredLogin, seal: Seal): LoginRow {
  const { network, id, name, owner } = login;
  return { network, id, name, owner, secrets: seal.seal(login.secrets, ["login", network, id]), person: orNull(login.person) };
}

function toLogin(row: LoginRow, seal: Seal): StoredLogin {
  const { network, id, name, owner } = row;
  const secrets = seal.open(row.secrets, ["login", network, id]) as StoredLogin["secrets"];
  return { network, id, name, owner, secrets, person: orAbsent(row.person) };
}
