/**
 * The tables, version 1. `application_id` says that a SQLite file is ours, `user_version` which version of it.
 *
 * - Offsets count up by one within a partition and are never used again while the channel lives.
 * - `partition.messages` and `.bytes` are kept with every change, so that listing needs no scan.
 * - `group_position` of group 0 is the channel itself, taken from as a queue.
 * - Every message from `committed` to before `claimed_to` has a row in `delivery`, unless it is gone; one from
 *   `claimed_to` on may have one, if it was claimed by reference.
 */
export const applicationId = 0x6d716374;
export const schemaVersion = 1;

/** The id that stands for "no group": the channel is a queue. */
export const queueGroup = 0n;

export const tables = `
CREATE TABLE channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  partitions INTEGER NOT NULL,
  next_partition INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX channel_name ON channel (name) WHERE deleted = 0;

CREATE TABLE setting (
  channel INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE partition (
  channel INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  next_offset INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (channel, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  channel INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  timestamp_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  key BLOB,
  value BLOB,
  headers TEXT,
  properties TEXT,
  UNIQUE (channel, partition, offset)
) STRICT;

CREATE TABLE staged (
  id INTEGER PRIMARY KEY,
  session TEXT NOT NULL,
  partition INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  timestamp_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  key BLOB,
  value BLOB,
  headers TEXT,
  properties TEXT
) STRICT;
CREATE INDEX staged_session ON staged (session, partition, sequence);

CREATE TABLE consumer_group (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE group_position (
  group_id INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  claimed_to INTEGER NOT NULL,
  PRIMARY KEY (group_id, channel, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_position_channel ON group_position (channel);

CREATE TABLE delivery (
  group_id INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  acked INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  lease_until INTEGER NOT NULL,
  PRIMARY KEY (group_id, channel, partition, offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_open ON delivery (group_id, channel, lease_until, partition, offset) WHERE acked = 0;

CREATE TABLE session (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  group_id INTEGER,
  channel INTEGER,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  process_space TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE move_run (
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  destination TEXT NOT NULL,
  token TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  PRIMARY KEY (name, source, destination)
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_lease (
  channel INTEGER PRIMARY KEY,
  token TEXT NOT NULL,
  who TEXT NOT NULL,
  holder_host TEXT NOT NULL,
  since INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  process_space TEXT NOT NULL,
  heartbeat_at INTEGER NOT NULL
) STRICT;
`;
