-- Background jobs with their leases, policies, where registered columns stand in an app's database,
-- what is known of keys that were deactivated, and what is left of those that are gone.

-- Neither decides trust, so no tag covers them. drained_at: a recount found nothing under the DEK.
ALTER TABLE dek ADD COLUMN deactivated_at INTEGER;
ALTER TABLE dek ADD COLUMN drained_at INTEGER;

-- As little. compromised_at: when somebody declared the KEK so. destroy_at: when it may be destroyed.
ALTER TABLE kek ADD COLUMN compromised_at INTEGER;
ALTER TABLE kek ADD COLUMN destroy_at INTEGER;

-- What is left of a key whose row was deleted: kind is kek or dek, scope a KEK's, census what was
-- found to need it. Entries of KEKs stand under the project `system`.
CREATE TABLE destroyed_key (
  project_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  scope TEXT NOT NULL,
  purpose TEXT NOT NULL,
  suite INTEGER NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  check_value BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  destroyed_at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  census TEXT NOT NULL,
  PRIMARY KEY (project_id, kind, id)
) STRICT;

-- Nothing is sealed for or handed out to a retired project. destroy_at: when its secrets and keys may
-- be destroyed, where somebody asked for it. destroyed_at: when they were.
CREATE TABLE retired_project (
  project_id TEXT PRIMARY KEY NOT NULL,
  retired_at INTEGER NOT NULL,
  destroy_at INTEGER,
  destroyed_at INTEGER
) STRICT;

-- All five are NULL (the app keeps the column to itself) or none is. source_keys holds the key
-- columns' names, separated by line feeds. scanned_at: the beginning of the last scan that read every
-- row without a failure.
ALTER TABLE sealed_column ADD COLUMN source_database TEXT;
ALTER TABLE sealed_column ADD COLUMN source_table TEXT;
ALTER TABLE sealed_column ADD COLUMN source_column TEXT;
ALTER TABLE sealed_column ADD COLUMN source_keys TEXT;
ALTER TABLE sealed_column ADD COLUMN source_project TEXT;
ALTER TABLE sealed_column ADD COLUMN scanned_at INTEGER;

CREATE TABLE policy (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- run counts how often the job began from the beginning; position is how far this run came.
CREATE TABLE job (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  argument TEXT NOT NULL,
  state TEXT NOT NULL,
  run INTEGER NOT NULL,
  position TEXT NOT NULL,
  total INTEGER NOT NULL,
  done INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  owner TEXT,
  lease_until INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX job_one_unfinished ON job (kind, object)
WHERE state IN ('ready', 'paused', 'failed');

CREATE TABLE job_failure (
  job_id TEXT NOT NULL REFERENCES job (id) ON DELETE RESTRICT,
  item TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (job_id, item)
) STRICT;
