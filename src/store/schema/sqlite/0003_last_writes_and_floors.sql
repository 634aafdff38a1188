-- What was written last, in tables of its own; DEKs that know when they were made, and the floors
-- below which they are not used. The MACs of format 2, which stood in the log, are carried over as
-- they are (32 bytes); `rowseal upgrade` replaces them before it commits.

ALTER TABLE secret ADD COLUMN lowest_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE secret ADD COLUMN attributes TEXT NOT NULL DEFAULT '';

-- The installation's epoch when the DEK was made; under the row's tag.
ALTER TABLE dek ADD COLUMN born_epoch INTEGER NOT NULL DEFAULT 1;

-- write_count counts what was written over the row, and mac covers it and the row.
CREATE TABLE version_mac (
  project_id TEXT NOT NULL,
  secret_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  write_count INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (project_id, secret_id, version),
  FOREIGN KEY (project_id, secret_id, version)
    REFERENCES secret_version (project_id, secret_id, version) ON DELETE RESTRICT
) STRICT;

CREATE TABLE secret_mac (
  project_id TEXT NOT NULL,
  secret_id TEXT NOT NULL,
  write_count INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (project_id, secret_id),
  FOREIGN KEY (project_id, secret_id) REFERENCES secret (project_id, id) ON DELETE RESTRICT
) STRICT;

-- A DEK that was made before a floor of its KEK's scope seals nothing (seal), opens no secret
-- (secrets), no value of a column (values). Under the trust tag.
CREATE TABLE scope_floor (
  scope TEXT PRIMARY KEY NOT NULL,
  seal_floor INTEGER NOT NULL,
  secrets_floor INTEGER NOT NULL,
  values_floor INTEGER NOT NULL
) STRICT;

UPDATE dek SET born_epoch = coalesce((SELECT epoch FROM installation), 1);

INSERT INTO version_mac (project_id, secret_id, version, write_count, mac)
SELECT v.project_id, v.secret_id, v.version, 1,
  (SELECT a.write_mac FROM audit_item a WHERE a.project_id = v.project_id
     AND a.secret_id = v.secret_id AND a.version = v.version ORDER BY a.number DESC LIMIT 1)
FROM secret_version v
WHERE EXISTS (SELECT 1 FROM audit_item a WHERE a.project_id = v.project_id
                AND a.secret_id = v.secret_id AND a.version = v.version);

-- The newest version that the log names, which the counter has to agree with.
INSERT INTO secret_mac (project_id, secret_id, write_count, mac)
SELECT s.project_id, s.id, (SELECT max(a.version) FROM audit_item a
                            WHERE a.project_id = s.project_id AND a.secret_id = s.id), x'00'
FROM secret s
WHERE EXISTS (SELECT 1 FROM audit_item a WHERE a.project_id = s.project_id AND a.secret_id = s.id);

DROP TABLE audit_item;
