-- Rowseal's tables on SQLite. Ids that are uuids are canonical text, times are microseconds since
-- 1970-01-01 UTC, states, purposes and kinds are lower-case text. Every tenant table has project_id
-- first in its keys; every foreign key is RESTRICT, so that no key goes while something needs it.

CREATE TABLE installation (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  next_kek_id INTEGER NOT NULL,
  next_root_id INTEGER NOT NULL,
  integrity_kek_id INTEGER NOT NULL REFERENCES kek (id) DEFERRABLE INITIALLY DEFERRED,
  projects_table TEXT NOT NULL,
  project_key_type TEXT NOT NULL,
  trust_tag BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE root_key (
  id INTEGER PRIMARY KEY,
  uri TEXT NOT NULL,
  scope TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  public_part BLOB NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  row_tag BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE kek (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  purpose TEXT NOT NULL,
  suite INTEGER NOT NULL,
  state TEXT NOT NULL,
  resumes_to TEXT,
  revision INTEGER NOT NULL,
  check_value BLOB NOT NULL,
  row_tag BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX kek_one_active ON kek (scope, purpose) WHERE state = 'active';

CREATE TABLE kek_wrapping (
  kek_id INTEGER NOT NULL REFERENCES kek (id) ON DELETE RESTRICT,
  root_id INTEGER NOT NULL REFERENCES root_key (id) ON DELETE RESTRICT,
  secret BLOB NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (kek_id, root_id)
) STRICT;

CREATE TABLE dek (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kek_id INTEGER NOT NULL REFERENCES kek (id) ON DELETE RESTRICT,
  purpose TEXT NOT NULL,
  suite INTEGER NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  check_value BLOB NOT NULL,
  wrapped_key BLOB NOT NULL,
  row_tag BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT;

CREATE UNIQUE INDEX dek_one_active ON dek (project_id, purpose) WHERE state = 'active';
CREATE INDEX dek_by_kek ON dek (kek_id);

CREATE TABLE secret (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  next_version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, id),
  UNIQUE (project_id, name)
) STRICT;

CREATE TABLE secret_version (
  project_id TEXT NOT NULL,
  secret_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  dek_id TEXT NOT NULL,
  nonce BLOB NOT NULL,
  encrypted_data BLOB NOT NULL,
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (project_id, secret_id, version),
  FOREIGN KEY (project_id, secret_id) REFERENCES secret (project_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (project_id, dek_id) REFERENCES dek (project_id, id) ON DELETE RESTRICT
) STRICT;

CREATE INDEX secret_version_by_dek ON secret_version (project_id, dek_id);

CREATE TABLE sealed_column (
  id TEXT PRIMARY KEY NOT NULL,
  label TEXT NOT NULL UNIQUE,
  context TEXT NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  row_tag BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log (
  project_id TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  object TEXT NOT NULL,
  PRIMARY KEY (project_id, id)
) STRICT;

CREATE TABLE audit_item (
  number INTEGER PRIMARY KEY,
  project_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  secret_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  write_mac BLOB NOT NULL,
  FOREIGN KEY (project_id, entry_id) REFERENCES audit_log (project_id, id) ON DELETE RESTRICT
) STRICT;

CREATE INDEX audit_item_by_version ON audit_item (project_id, secret_id, version, number);

-- The columns that an application's own queries expect: the newest version of every secret.
CREATE VIEW encrypted_secrets (id, project_id, encrypted_data, nonce, kek_id) AS
SELECT s.id, s.project_id, v.encrypted_data, v.nonce, d.kek_id
FROM secret s
JOIN secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  AND v.version = (SELECT max(n.version) FROM secret_version n
                   WHERE n.project_id = s.project_id AND n.secret_id = s.id)
JOIN dek d ON d.project_id = v.project_id AND d.id = v.dek_id;
