-- Background jobs with their leases, policies, where registered columns stand in an app's database,
-- and what is known of DEKs that were deactivated.

-- Neither decides trust, so no tag covers them. drained_at: a recount found nothing under the DEK.
ALTER TABLE dek ADD COLUMN deactivated_at INTEGER;
ALTER TABLE dek ADD COLUMN drained_at INTEGER;

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
