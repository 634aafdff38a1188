-- Rowseal's tables on PostgreSQL 15 and later, in a schema of their own that the role rowseal_owner
-- owns; its functions are in the next step. Ids that are uuids are of that type, times are microseconds since 1970-01-01
-- UTC, states, purposes and kinds are lower-case text, and texts that are keys sort by their bytes.
-- Every tenant table has project_id first in its keys, so that it can be partitioned or distributed
-- by it; every foreign key is RESTRICT, so that no key goes while something needs it.
--
-- No index holds a column that a rewrap (dek.kek_id, wrapped_key) or a reseal (secret_version.dek_id,
-- nonce, encrypted_data) changes, and pages keep room: such updates stay on their page.

CREATE TABLE rowseal.schema_version (
  singleton integer PRIMARY KEY CHECK (singleton = 1),
  format integer NOT NULL
);

CREATE TABLE rowseal.installation (
  singleton integer PRIMARY KEY CHECK (singleton = 1),
  id uuid NOT NULL,
  epoch bigint NOT NULL,
  next_kek_id bigint NOT NULL,
  next_root_id bigint NOT NULL,
  integrity_kek_id bigint NOT NULL,
  projects_table text NOT NULL,
  project_key_type text NOT NULL,
  trust_tag bytea NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE rowseal.root_key (
  id bigint PRIMARY KEY,
  uri text NOT NULL,
  scope text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  public_part bytea NOT NULL,
  state text NOT NULL,
  revision bigint NOT NULL,
  row_tag bytea NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE rowseal.kek (
  id bigint PRIMARY KEY,
  scope text COLLATE "C" NOT NULL,
  purpose text NOT NULL,
  suite smallint NOT NULL,
  state text NOT NULL,
  resumes_to text,
  revision bigint NOT NULL,
  check_value bytea NOT NULL,
  row_tag bytea NOT NULL,
  created_at bigint NOT NULL,
  -- Neither decides trust, so no tag covers them. compromised_at: when somebody declared the KEK so.
  -- destroy_at: when it may be destroyed.
  compromised_at bigint,
  destroy_at bigint
);

ALTER TABLE rowseal.installation
  ADD FOREIGN KEY (integrity_kek_id) REFERENCES rowseal.kek (id)
  ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED;

CREATE UNIQUE INDEX kek_one_active ON rowseal.kek (scope, purpose) WHERE state = 'active';

CREATE TABLE rowseal.kek_wrapping (
  kek_id bigint NOT NULL REFERENCES rowseal.kek (id) ON DELETE RESTRICT,
  root_id bigint NOT NULL REFERENCES rowseal.root_key (id) ON DELETE RESTRICT,
  secret bytea NOT NULL,
  key bytea NOT NULL,
  PRIMARY KEY (kek_id, root_id)
);

CREATE TABLE rowseal.dek (
  project_id text COLLATE "C" NOT NULL CHECK (project_id <> ''),
  id uuid NOT NULL,
  kek_id bigint NOT NULL REFERENCES rowseal.kek (id) ON DELETE RESTRICT,
  purpose text NOT NULL,
  suite smallint NOT NULL,
  state text NOT NULL,
  revision bigint NOT NULL,
  check_value bytea NOT NULL,
  wrapped_key bytea NOT NULL,
  row_tag bytea NOT NULL,
  created_at bigint NOT NULL,
  -- Neither decides trust, so no tag covers them. drained_at: a recount found nothing under the DEK.
  deactivated_at bigint,
  drained_at bigint,
  PRIMARY KEY (project_id, id)
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX dek_one_active ON rowseal.dek (project_id, purpose) WHERE state = 'active';

CREATE TABLE rowseal.secret (
  project_id text COLLATE "C" NOT NULL CHECK (project_id <> ''),
  id uuid NOT NULL,
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  next_version bigint NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (project_id, id),
  UNIQUE (project_id, name)
) WITH (fillfactor = 90);

CREATE TABLE rowseal.secret_version (
  project_id text COLLATE "C" NOT NULL,
  secret_id uuid NOT NULL,
  version bigint NOT NULL,
  dek_id uuid NOT NULL,
  nonce bytea NOT NULL,
  encrypted_data bytea NOT NULL,
  expires_at bigint,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  PRIMARY KEY (project_id, secret_id, version),
  FOREIGN KEY (project_id, secret_id) REFERENCES rowseal.secret (project_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (project_id, dek_id) REFERENCES rowseal.dek (project_id, id) ON DELETE RESTRICT
) WITH (fillfactor = 90);

-- Ciphertext does not shrink: trying costs time.
ALTER TABLE rowseal.secret_version ALTER COLUMN encrypted_data SET STORAGE EXTERNAL;

-- All five of the source are NULL (the app keeps the column to itself) or none is. source_keys holds
-- the key columns' names, separated by line feeds. scanned_at: the beginning of the last scan that
-- read every row without a failure.
CREATE TABLE rowseal.sealed_column (
  id uuid PRIMARY KEY,
  label text COLLATE "C" NOT NULL UNIQUE,
  context text NOT NULL,
  state text NOT NULL,
  revision bigint NOT NULL,
  row_tag bytea NOT NULL,
  created_at bigint NOT NULL,
  source_database text,
  source_table text,
  source_column text,
  source_keys text,
  source_project text,
  scanned_at bigint
);

CREATE TABLE rowseal.audit_log (
  project_id text COLLATE "C" NOT NULL CHECK (project_id <> ''),
  id uuid NOT NULL,
  at bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  action text NOT NULL,
  outcome text NOT NULL,
  object text NOT NULL,
  PRIMARY KEY (project_id, id)
);

-- number orders what was written for a version: it is drawn while the version's row is locked.
CREATE TABLE rowseal.audit_item (
  project_id text COLLATE "C" NOT NULL,
  secret_id uuid NOT NULL,
  version bigint NOT NULL,
  number bigint GENERATED ALWAYS AS IDENTITY,
  entry_id uuid NOT NULL,
  write_mac bytea NOT NULL,
  PRIMARY KEY (project_id, secret_id, version, number),
  FOREIGN KEY (project_id, entry_id) REFERENCES rowseal.audit_log (project_id, id) ON DELETE RESTRICT
);

CREATE TABLE rowseal.policy (
  name text PRIMARY KEY,
  value text NOT NULL,
  changed_at bigint NOT NULL
);

-- run counts how often the job began from the beginning; position is how far this run came.
CREATE TABLE rowseal.job (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  object text COLLATE "C" NOT NULL,
  argument text NOT NULL,
  state text NOT NULL,
  run bigint NOT NULL,
  position text NOT NULL,
  total bigint NOT NULL,
  done bigint NOT NULL,
  failed bigint NOT NULL,
  owner text,
  lease_until bigint,
  created_at bigint NOT NULL,
  started_at bigint,
  changed_at bigint NOT NULL
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX job_one_unfinished ON rowseal.job (kind, object)
WHERE state IN ('ready', 'paused', 'failed');

CREATE TABLE rowseal.job_failure (
  job_id uuid NOT NULL REFERENCES rowseal.job (id) ON DELETE RESTRICT,
  item text COLLATE "C" NOT NULL,
  message text NOT NULL,
  PRIMARY KEY (job_id, item)
);

-- Nothing is sealed for or handed out to a retired project: one that is gone from the app's table,
-- whose keys and secrets stay, or one that an operator retired. destroy_at: when its secrets and keys
-- may be destroyed, where an operator asked for it. destroyed_at: when they were.
CREATE TABLE rowseal.retired_project (
  project_id text COLLATE "C" PRIMARY KEY CHECK (project_id <> ''),
  retired_at bigint NOT NULL,
  destroy_at bigint,
  destroyed_at bigint
);

-- What is left of a key whose row was deleted: kind is kek or dek, scope a KEK's, census what was
-- found to need it. Entries of KEKs stand under the project `system`.
CREATE TABLE rowseal.destroyed_key (
  project_id text COLLATE "C" NOT NULL CHECK (project_id <> ''),
  kind text NOT NULL,
  id text NOT NULL,
  scope text COLLATE "C" NOT NULL,
  purpose text NOT NULL,
  suite smallint NOT NULL,
  state text NOT NULL,
  revision bigint NOT NULL,
  check_value bytea NOT NULL,
  created_at bigint NOT NULL,
  destroyed_at bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  census text NOT NULL,
  PRIMARY KEY (project_id, kind, id)
);

-- The columns that an application's own queries expect: the newest version of every secret.
CREATE VIEW rowseal.encrypted_secrets (id, project_id, encrypted_data, nonce, kek_id)
WITH (security_invoker = true) AS
SELECT s.id, s.project_id, v.encrypted_data, v.nonce, d.kek_id
FROM rowseal.secret s
JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  AND v.version = s.next_version - 1
JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id;

-- Row-level security. Functions, and the owner, see one tenant: the one that a function has set for
-- its transaction; unset or empty, none. Operators see all, for keys and jobs.
DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['dek', 'secret', 'secret_version', 'audit_log', 'audit_item',
                                      'retired_project', 'destroyed_key'] LOOP
    EXECUTE format('ALTER TABLE rowseal.%I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE rowseal.%I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('CREATE POLICY tenant ON rowseal.%I TO rowseal_owner USING (project_id ='
                   ' nullif(pg_catalog.current_setting(''rowseal.project'', true), ''''))',
                   tenant_table);
    EXECUTE format('CREATE POLICY operator ON rowseal.%I TO rowseal_operator USING (true)',
                   tenant_table);
  END LOOP;
  FOREACH tenant_table IN ARRAY ARRAY['audit_log', 'audit_item', 'destroyed_key'] LOOP
    EXECUTE format('CREATE POLICY auditor ON rowseal.%I FOR SELECT TO rowseal_auditor USING (true)',
                   tenant_table);
  END LOOP;
END
$$;

-- Who may do what; docs/roles.md has the whole matrix, and a test holds it.
REVOKE ALL ON ALL TABLES IN SCHEMA rowseal FROM PUBLIC;
GRANT USAGE ON SCHEMA rowseal TO rowseal_service, rowseal_operator, rowseal_auditor;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  rowseal.installation, rowseal.root_key, rowseal.kek, rowseal.kek_wrapping, rowseal.dek,
  rowseal.secret, rowseal.secret_version, rowseal.sealed_column, rowseal.policy, rowseal.job,
  rowseal.job_failure, rowseal.retired_project
TO rowseal_operator;
GRANT SELECT, INSERT ON rowseal.audit_log, rowseal.audit_item, rowseal.destroyed_key
TO rowseal_operator;
GRANT SELECT ON rowseal.schema_version, rowseal.encrypted_secrets TO rowseal_operator;
GRANT SELECT ON rowseal.audit_log, rowseal.audit_item, rowseal.destroyed_key TO rowseal_auditor;
