/** Never edited after its release: what it lacks comes in a later number. */
export const first = {
  number: 1,
  sql: `
-- About the database itself: whether it was closed properly, which key seals it.
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- A row's number is never used again: notices and log lines keep pointing to it.
CREATE TABLE journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  lane TEXT NOT NULL,
  phase INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'parked')),
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  payload TEXT NOT NULL,
  step TEXT,
  reason TEXT,
  parked_at INTEGER,
  about TEXT,
  at INTEGER NOT NULL,
  trace TEXT NOT NULL
) STRICT;
CREATE INDEX journal_turn ON journal (lane, phase, id) WHERE state = 'waiting';
CREATE INDEX journal_parked ON journal (id) WHERE state = 'parked';
CREATE INDEX journal_parked_lane ON journal (lane, id) WHERE state = 'parked';
CREATE INDEX journal_about ON journal (about) WHERE about IS NOT NULL;

-- How much lies in each lane that has work, so that asking costs the same with a million rows as with ten.
CREATE TABLE lane (name TEXT PRIMARY KEY, waiting INTEGER NOT NULL, parked INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER journal_arrived AFTER INSERT ON journal BEGIN
  INSERT INTO lane (name, waiting, parked) VALUES (new.lane, new.state = 'waiting', new.state = 'parked')
    ON CONFLICT (name) DO UPDATE SET waiting = waiting + excluded.waiting, parked = parked + excluded.parked;
END;
CREATE TRIGGER journal_left AFTER DELETE ON journal BEGIN
  UPDATE lane SET waiting = waiting - (old.state = 'waiting'), parked = parked - (old.state = 'parked') WHERE name = old.lane;
  DELETE FROM lane WHERE name = old.lane AND waiting = 0 AND parked = 0;
END;
CREATE TRIGGER journal_moved AFTER UPDATE OF lane, state ON journal WHEN old.lane <> new.lane OR old.state <> new.state BEGIN
  INSERT INTO lane (name, waiting, parked) VALUES (new.lane, new.state = 'waiting', new.state = 'parked')
    ON CONFLICT (name) DO UPDATE SET waiting = waiting + excluded.waiting, parked = parked + excluded.parked;
  UPDATE lane SET waiting = waiting - (old.state = 'waiting'), parked = parked - (old.state = 'parked') WHERE name = old.lane;
  DELETE FROM lane WHERE name = old.lane AND waiting = 0 AND parked = 0;
END;

-- Numbered in the order of arrival, so that the oldest are found without an index on the time.
CREATE TABLE seen (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at INTEGER NOT NULL) STRICT;

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  link INTEGER NOT NULL,
  room TEXT NOT NULL,
  event TEXT NOT NULL,
  remote TEXT,
  part INTEGER NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('remote', 'matrix')),
  sender TEXT NOT NULL,
  thread TEXT,
  digest TEXT,
  login TEXT,
  at INTEGER NOT NULL,
  UNIQUE (event, link, part)
) STRICT;
CREATE INDEX message_remote ON message (link, remote, part) WHERE remote IS NOT NULL;
CREATE INDEX message_latest ON message (link);
CREATE INDEX message_recent ON message (link, at);

CREATE TABLE reaction (
  event TEXT NOT NULL,
  link INTEGER NOT NULL,
  target TEXT NOT NULL,
  sender TEXT NOT NULL,
  key TEXT NOT NULL,
  remote_key TEXT,
  origin TEXT NOT NULL CHECK (origin IN ('remote', 'matrix')),
  PRIMARY KEY (event, link)
) STRICT, WITHOUT ROWID;
CREATE INDEX reaction_target ON reaction (link, target);

CREATE TABLE edit (edit TEXT PRIMARY KEY, target TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (link INTEGER NOT NULL, remote TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (link, remote)) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_age ON tombstone (at);

CREATE TABLE thread (link INTEGER NOT NULL, thread TEXT NOT NULL, root TEXT NOT NULL, PRIMARY KEY (link, thread)) STRICT, WITHOUT ROWID;
CREATE INDEX thread_root ON thread (link, root);

CREATE TABLE portal (room TEXT PRIMARY KEY, made INTEGER NOT NULL, shown TEXT) STRICT, WITHOUT ROWID;

-- A link's number is never used again: the message map outlives the link.
CREATE TABLE link (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  network TEXT NOT NULL,
  channel TEXT NOT NULL,
  login TEXT NOT NULL,
  room TEXT NOT NULL,
  made_by TEXT NOT NULL,
  settings TEXT NOT NULL,
  watermark TEXT,
  phase INTEGER NOT NULL DEFAULT 0,
  behind INTEGER NOT NULL DEFAULT 0,
  paused TEXT,
  facts TEXT,
  at INTEGER NOT NULL,
  UNIQUE (network, channel)
) STRICT;
CREATE INDEX link_room ON link (room);
CREATE INDEX link_login ON link (network, login);

CREATE TABLE making (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE ghost (
  mxid TEXT PRIMARY KEY,
  network TEXT NOT NULL,
  remote TEXT NOT NULL,
  registered INTEGER NOT NULL,
  name TEXT,
  -- JSON, since "has none" (null) and "not known" (NULL) differ.
  avatar_id TEXT,
  avatar TEXT,
  UNIQUE (network, remote)
) STRICT, WITHOUT ROWID;

-- The network stands here too, so that a room's people of one network are read without looking at all the others.
CREATE TABLE member (
  room TEXT NOT NULL,
  mxid TEXT NOT NULL,
  network TEXT,
  membership TEXT NOT NULL CHECK (membership IN ('join', 'leave', 'invite', 'ban')),
  name TEXT,
  avatar TEXT,
  PRIMARY KEY (room, mxid)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_person ON member (mxid);
CREATE INDEX member_joined ON member (room, network, mxid) WHERE membership = 'join';

CREATE TABLE login (
  network TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  secrets BLOB NOT NULL,
  person TEXT,
  PRIMARY KEY (network, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX login_owner ON login (owner);

CREATE TABLE keep (network TEXT NOT NULL, login TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (network, login, key)) STRICT, WITHOUT ROWID;

CREATE TABLE opted_out (who TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE direct (owner TEXT NOT NULL, person TEXT NOT NULL, room TEXT NOT NULL, PRIMARY KEY (owner, person)) STRICT, WITHOUT ROWID;
CREATE INDEX direct_room ON direct (room);
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`,
} as const;
