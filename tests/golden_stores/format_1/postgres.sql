-- What format 1's `rowseal init` made, with a table of projects and a metadata view, and rows of keys
-- that open nothing. The roles are there before, and the login is a member of them.
BEGIN;
CREATE SCHEMA rowseal AUTHORIZATION rowseal_owner;
SET LOCAL ROLE rowseal_owner;
-- Rowseal's tables and functions on PostgreSQL 15 and later, in a schema of their own that the role
-- rowseal_owner owns. Ids that are uuids are of that type, times are microseconds since 1970-01-01
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

-- Row-level security. The functions below run as the owner, who sees one tenant: the one that the
-- function has set for its transaction; unset or empty, none. Operators see all, for keys and jobs.
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

-- A hot call looks a few rows up by their keys, and planning would take longer than that: plans are
-- made once a session. They are made when tables may still be empty or were just filled, so every
-- other way of joining is ruled out.
--
-- Errors of the functions: RS001 the project is not in the app's table; RS002 it is retired.

CREATE FUNCTION rowseal.now_micros() RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = ''
RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- RFC 9562, version 7.
CREATE FUNCTION rowseal.time_ordered_uuid() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = ''
RETURN encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid;

-- Sets the tenant for this transaction and refuses one that is retired.
CREATE FUNCTION rowseal.enter_project(p_project text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = ''
AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  IF EXISTS (SELECT 1 FROM rowseal.retired_project r WHERE r.project_id = p_project) THEN
    RAISE EXCEPTION 'project % is retired', p_project USING ERRCODE = 'RS002';
  END IF;
END
$$;

-- What a transaction that makes keys needs: a commit that a failover cannot lose.
CREATE FUNCTION rowseal.commit_durably() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = ''
AS $$
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END
$$;

CREATE FUNCTION rowseal.store_format() RETURNS TABLE (format integer, has_keys boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
  SELECT v.format, EXISTS (SELECT 1 FROM rowseal.installation)
                   OR EXISTS (SELECT 1 FROM rowseal.root_key) OR EXISTS (SELECT 1 FROM rowseal.kek)
  FROM rowseal.schema_version v;
END;

CREATE FUNCTION rowseal.trust_load()
RETURNS TABLE (source text, i1 bigint, i2 bigint, i3 bigint, i4 bigint, i5 bigint,
               t1 text, t2 text, t3 text, t4 text, b1 bytea, b2 bytea, b3 bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
  SELECT 'installation', i.epoch, i.next_kek_id, i.next_root_id, i.integrity_kek_id, i.created_at,
         i.id::text, i.projects_table, i.project_key_type, NULL,
         i.trust_tag, NULL::bytea, NULL::bytea
  FROM rowseal.installation i
  UNION ALL
  SELECT 'root_key', r.id, r.revision, r.created_at, NULL, NULL,
         r.uri, r.scope, r.state, NULL, r.fingerprint, r.public_part, r.row_tag
  FROM rowseal.root_key r
  UNION ALL
  SELECT 'kek', k.id, k.suite, k.revision, k.created_at, NULL,
         k.scope, k.purpose, k.state, k.resumes_to, k.check_value, k.row_tag, NULL
  FROM rowseal.kek k
  UNION ALL
  SELECT 'kek_wrapping', w.kek_id, w.root_id, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL, w.secret, w.key, NULL
  FROM rowseal.kek_wrapping w;
END;

-- p_alone: the call is a transaction of its own, so its read entry need not be flushed before the
-- answer; never true inside somebody's transaction, whose own changes would go unflushed with it.
-- A lookup is LATERAL with a LIMIT where the planner, of a table that was never analyzed, would else
-- read the whole project for each item and filter.
CREATE FUNCTION rowseal.secret_get(
  p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text,
  p_reason text, p_action text, p_alone boolean)
RETURNS TABLE (
  secret_id uuid, kind text, next_version bigint, version bigint, expires_at bigint,
  created_at bigint, nonce bytea, encrypted_data bytea, dek_id uuid, kek_id bigint, purpose text,
  suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea,
  dek_created_at bigint, kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM rowseal.enter_project(p_project);
  IF p_alone THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN QUERY
  WITH found AS MATERIALIZED (
    SELECT i.ord, s.id AS secret_id, s.kind, s.next_version, v.version, v.expires_at, v.created_at,
           v.nonce, v.encrypted_data, d.id AS dek_id, d.kek_id, d.purpose, d.suite, d.state,
           d.revision, d.check_value, d.wrapped_key, d.row_tag, d.created_at AS dek_created_at,
           k.revision AS kek_revision, k.row_tag AS kek_row_tag
    FROM unnest(p_names, p_versions) WITH ORDINALITY AS i (name, wanted, ord)
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret n WHERE n.project_id = p_project AND n.name = i.name
      LIMIT 1) s ON true
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret_version n WHERE n.project_id = p_project AND n.secret_id = s.id
        AND n.version = CASE i.wanted WHEN 0 THEN s.next_version - 1 ELSE i.wanted END
      LIMIT 1) v ON true
    LEFT JOIN rowseal.dek d ON d.project_id = p_project AND d.id = v.dek_id
    LEFT JOIN rowseal.kek k ON k.id = d.kek_id),
  logged AS (
    INSERT INTO rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object)
    SELECT p_project, p_entry, p_at, p_actor, p_reason, p_action,
           CASE count(f.version) WHEN count(*) THEN 'granted' WHEN 0 THEN 'not_found'
                                 ELSE 'partial' END,
           coalesce(string_agg(f.secret_id::text || '@' || f.version, ' ' ORDER BY f.ord)
                    FILTER (WHERE f.version IS NOT NULL), '')
    FROM found f
    ON CONFLICT (project_id, id) DO NOTHING)
  SELECT f.secret_id, f.kind, f.next_version, f.version, f.expires_at, f.created_at, f.nonce,
         f.encrypted_data, f.dek_id, f.kek_id, f.purpose, f.suite, f.state, f.revision,
         f.check_value, f.wrapped_key, f.row_tag, f.dek_created_at, f.kek_revision, f.kek_row_tag
  FROM found f ORDER BY f.ord;
END
$$;

-- Locks the secrets in the order of their names, so that two batches never wait for each other in
-- a circle, then judges every item, then writes those that stand. A call that is made again after
-- its connection was lost finds its own entry in the log and answers as the first time.
CREATE FUNCTION rowseal.secret_put(
  p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[],
  p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[],
  p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text,
  p_all_or_none boolean)
RETURNS TABLE (outcome text, secret_id uuid, kind text, next_version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  v_outcomes text[];
  v_ids uuid[];
  v_kinds text[];
  v_next bigint[];
BEGIN
  PERFORM rowseal.enter_project(p_project);
  PERFORM 1 FROM rowseal.secret s WHERE s.project_id = p_project AND s.name = ANY (p_names)
  ORDER BY s.name FOR NO KEY UPDATE;

  -- A DEK under a KEK that was just rotated away still seals; a suspended one refuses.
  WITH usable AS MATERIALIZED (
    SELECT d.id FROM rowseal.dek d
    WHERE d.project_id = p_project AND d.id = ANY (p_dek_ids) AND d.purpose = 'secret'
      AND d.state = 'active'
      AND EXISTS (SELECT 1 FROM rowseal.kek k
                  WHERE k.id = d.kek_id AND k.state IN ('active', 'deactivated'))
    FOR KEY SHARE OF d)
  SELECT array_agg(CASE WHEN CASE WHEN s.id IS NULL THEN i.version <> 1
                                  ELSE s.id <> i.secret_id OR s.kind <> i.kind
                                       OR s.next_version <> i.version END THEN 'conflict'
                        WHEN u.id IS NULL THEN 'no_dek' ELSE 'stored' END ORDER BY i.ord),
         array_agg(s.id ORDER BY i.ord), array_agg(s.kind ORDER BY i.ord),
         array_agg(s.next_version ORDER BY i.ord)
  INTO v_outcomes, v_ids, v_kinds, v_next
  FROM unnest(p_names, p_kinds, p_secret_ids, p_versions, p_dek_ids) WITH ORDINALITY
    AS i (name, kind, secret_id, version, dek_id, ord)
  LEFT JOIN LATERAL (
    SELECT * FROM rowseal.secret n WHERE n.project_id = p_project AND n.name = i.name LIMIT 1) s
    ON true
  LEFT JOIN usable u ON u.id = i.dek_id;

  IF 'conflict' = ANY (v_outcomes) AND EXISTS (SELECT 1 FROM rowseal.audit_log a
      WHERE a.project_id = p_project AND a.id = p_entry) THEN
    RETURN QUERY
    SELECT CASE WHEN EXISTS (SELECT 1 FROM rowseal.audit_item a WHERE a.project_id = p_project
        AND a.secret_id = i.secret_id AND a.version = i.version AND a.entry_id = p_entry)
        THEN 'stored' ELSE i.outcome END, i.id, i.kind, i.next_version
    FROM unnest(p_secret_ids, p_versions, v_outcomes, v_ids, v_kinds, v_next) WITH ORDINALITY
      AS i (secret_id, version, outcome, id, kind, next_version, ord) ORDER BY i.ord;
    RETURN;
  END IF;

  IF 'stored' = ANY (v_outcomes)
     AND NOT (p_all_or_none AND ('conflict' = ANY (v_outcomes) OR 'no_dek' = ANY (v_outcomes)))
     AND 1 = ANY (p_versions) THEN
    INSERT INTO rowseal.secret (project_id, id, name, kind, next_version, created_at)
    SELECT p_project, i.secret_id, i.name, i.kind, 2, p_at
    FROM unnest(p_secret_ids, p_names, p_kinds, p_versions, v_outcomes)
      AS i (secret_id, name, kind, version, outcome)
    WHERE i.version = 1 AND i.outcome = 'stored' ORDER BY i.name
    ON CONFLICT DO NOTHING;
    -- Another writer may have made the same secret between the judgement and now, under its own id.
    SELECT array_agg(CASE WHEN i.outcome = 'stored' AND i.version = 1
                               AND s.id IS DISTINCT FROM i.secret_id
                          THEN 'conflict' ELSE i.outcome END ORDER BY i.ord),
           array_agg(CASE WHEN i.version = 1 AND s.id = i.secret_id THEN NULL ELSE s.id END
                     ORDER BY i.ord),
           array_agg(CASE WHEN i.version = 1 AND s.id = i.secret_id THEN NULL ELSE s.kind END
                     ORDER BY i.ord),
           array_agg(CASE WHEN i.version = 1 AND s.id = i.secret_id THEN NULL
                          ELSE s.next_version END ORDER BY i.ord)
    INTO v_outcomes, v_ids, v_kinds, v_next
    FROM unnest(p_secret_ids, p_names, p_versions, v_outcomes) WITH ORDINALITY
      AS i (secret_id, name, version, outcome, ord)
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret n WHERE n.project_id = p_project AND n.name = i.name LIMIT 1) s
      ON true;
    IF p_all_or_none AND 'conflict' = ANY (v_outcomes) THEN
      DELETE FROM rowseal.secret s WHERE s.project_id = p_project AND s.id = ANY (ARRAY(
        SELECT i.secret_id FROM unnest(p_secret_ids, p_versions, v_outcomes)
          AS i (secret_id, version, outcome)
        WHERE i.version = 1 AND i.outcome = 'stored'));
    END IF;
  END IF;

  IF 'stored' = ANY (v_outcomes)
     AND NOT (p_all_or_none AND ('conflict' = ANY (v_outcomes) OR 'no_dek' = ANY (v_outcomes)))
  THEN
    UPDATE rowseal.secret s SET next_version = s.next_version + 1
    WHERE s.project_id = p_project AND s.id = ANY (ARRAY(
      SELECT i.secret_id FROM unnest(p_secret_ids, p_versions, v_outcomes)
        AS i (secret_id, version, outcome)
      WHERE i.version > 1 AND i.outcome = 'stored'));
    INSERT INTO rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object)
    SELECT p_project, p_entry, p_at, p_actor, p_reason, p_action, 'done',
           string_agg(i.secret_id::text || '@' || i.version, ' ' ORDER BY i.ord)
    FROM unnest(p_secret_ids, p_versions, v_outcomes) WITH ORDINALITY
      AS i (secret_id, version, outcome, ord)
    WHERE i.outcome = 'stored';
    WITH item AS MATERIALIZED (
      SELECT * FROM unnest(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                           p_expires_at, p_write_macs, v_outcomes) WITH ORDINALITY
        AS i (secret_id, version, dek_id, nonce, encrypted_data, expires_at, write_mac, outcome, ord)
      WHERE i.outcome = 'stored'),
    logged AS (
      INSERT INTO rowseal.audit_item (project_id, entry_id, secret_id, version, write_mac)
      SELECT p_project, p_entry, i.secret_id, i.version, i.write_mac FROM item i ORDER BY i.ord)
    INSERT INTO rowseal.secret_version (project_id, secret_id, version, dek_id, nonce,
                                        encrypted_data, expires_at, created_at, created_by)
    SELECT p_project, i.secret_id, i.version, i.dek_id, i.nonce, i.encrypted_data, i.expires_at,
           p_at, p_actor
    FROM item i ORDER BY i.ord;
  END IF;

  RETURN QUERY SELECT i.outcome, i.id, i.kind, i.next_version
  FROM unnest(v_outcomes, v_ids, v_kinds, v_next) WITH ORDINALITY
    AS i (outcome, id, kind, next_version, ord)
  ORDER BY i.ord;
END
$$;

CREATE FUNCTION rowseal.dek_active(p_project text, p_purpose text)
RETURNS TABLE (id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
               check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint,
               kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key,
         d.row_tag, d.created_at, k.revision, k.row_tag
  FROM rowseal.dek d JOIN rowseal.kek k ON k.id = d.kek_id
  WHERE d.project_id = p_project AND d.purpose = p_purpose AND d.state = 'active';
END
$$;

-- The KEK must be active to wrap something new; a DEK that another writer made meanwhile stays.
CREATE FUNCTION rowseal.dek_insert(
  p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea,
  p_wrapped_key bytea, p_row_tag bytea)
RETURNS TABLE (id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
               check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint,
               kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  -- A rotation replaces keys of retired projects too.
  IF NOT EXISTS (SELECT 1 FROM rowseal.dek d WHERE d.project_id = p_project)
     AND NOT rowseal.project_exists(p_project) THEN
    RAISE EXCEPTION 'project % is not in the projects table', p_project USING ERRCODE = 'RS001';
  END IF;
  PERFORM rowseal.commit_durably();
  INSERT INTO rowseal.dek (project_id, id, kek_id, purpose, suite, state, revision, check_value,
                           wrapped_key, row_tag, created_at)
  SELECT p_project, p_id, k.id, p_purpose, p_suite, 'active', 1, p_check_value, p_wrapped_key,
         p_row_tag, rowseal.now_micros()
  FROM rowseal.kek k WHERE k.id = p_kek_id AND k.state = 'active' FOR KEY SHARE
  ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT * FROM rowseal.dek_active(p_project, p_purpose);
END
$$;

-- The first row holds the registration, each further row a DEK (asked for, or the active one).
CREATE FUNCTION rowseal.value_prepare(
  p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text,
  p_reason text, p_action text, p_alone boolean)
RETURNS TABLE (
  column_id uuid, label text, context text, column_state text, column_revision bigint,
  column_row_tag bytea, column_created_at bigint, source_database text, source_table text,
  source_column text, source_keys text, source_project text,
  dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
  check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint, kek_revision bigint,
  kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  v_column_id uuid;
BEGIN
  PERFORM rowseal.enter_project(p_project);
  SELECT c.id INTO v_column_id FROM rowseal.sealed_column c WHERE c.label = p_label;
  RETURN QUERY
  SELECT c.id, c.label, c.context, c.state, c.revision, c.row_tag, c.created_at, c.source_database,
         c.source_table, c.source_column, c.source_keys, c.source_project,
         NULL::uuid, NULL::bigint, NULL::text, NULL::smallint, NULL::text, NULL::bigint,
         NULL::bytea, NULL::bytea, NULL::bytea, NULL::bigint, NULL::bigint, NULL::bytea
  FROM (SELECT 1) AS one LEFT JOIN rowseal.sealed_column c ON c.id = v_column_id;
  IF cardinality(p_dek_ids) > 0 THEN
    IF p_alone THEN
      PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    INSERT INTO rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object)
    VALUES (p_project, p_entry, p_at, p_actor, p_reason, p_action,
            CASE WHEN v_column_id IS NULL THEN 'not_found' ELSE 'granted' END,
            coalesce(v_column_id::text, ''))
    ON CONFLICT (project_id, id) DO NOTHING;
  END IF;
  RETURN QUERY
  SELECT NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::bigint, NULL::bytea, NULL::bigint,
         NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
         d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key,
         d.row_tag, d.created_at, k.revision, k.row_tag
  FROM unnest(CASE WHEN cardinality(p_dek_ids) > 0 THEN p_dek_ids ELSE ARRAY[NULL::uuid] END)
    WITH ORDINALITY AS i (id, ord)
  LEFT JOIN rowseal.dek d ON d.project_id = p_project
    AND CASE WHEN i.id IS NULL THEN d.purpose = 'value' AND d.state = 'active' ELSE d.id = i.id END
  LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  ORDER BY i.ord;
END
$$;

CREATE FUNCTION rowseal.audit_append(
  p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text,
  p_outcome text, p_object text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  INSERT INTO rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object)
  VALUES (p_project, p_entry, p_at, p_actor, p_reason, p_action, p_outcome, p_object)
  ON CONFLICT (project_id, id) DO NOTHING;
END
$$;

CREATE FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint)
RETURNS TABLE (name text, kind text, id uuid, newest bigint, versions bigint, expires_at bigint,
               created_at bigint, updated_at bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT s.name, s.kind, s.id, v.version,
         (SELECT count(*) FROM rowseal.secret_version n WHERE n.project_id = s.project_id
            AND n.secret_id = s.id), v.expires_at, s.created_at, v.created_at
  FROM rowseal.secret s
  JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
    AND v.version = s.next_version - 1
  WHERE s.project_id = p_project AND s.name > p_after ORDER BY s.name LIMIT p_limit;
END
$$;

CREATE FUNCTION rowseal.secret_versions(p_project text, p_name text)
RETURNS TABLE (version bigint, expires_at bigint, created_at bigint, created_by text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT v.version, v.expires_at, v.created_at, v.created_by
  FROM rowseal.secret s
  JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  WHERE s.project_id = p_project AND s.name = p_name ORDER BY v.version DESC;
END
$$;

-- Locks the secret until the end of the transaction: no version comes to it, and it stays.
CREATE FUNCTION rowseal.secret_lock(p_project text, p_name text)
RETURNS TABLE (id uuid, next_version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY SELECT s.id, s.next_version FROM rowseal.secret s
  WHERE s.project_id = p_project AND s.name = p_name FOR UPDATE;
END
$$;

-- Locks the version, so that no reseal comes between reading and writing it.
CREATE FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint)
RETURNS TABLE (
  id uuid, name text, kind text, version bigint, expires_at bigint, nonce bytea,
  encrypted_data bytea, dek_id uuid, kek_id bigint, purpose text, suite smallint, state text,
  revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea, dek_created_at bigint,
  kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  -- By a statement of its own: one that waited would join the row's new DEK id with DEKs as they were.
  PERFORM 1 FROM rowseal.secret_version v WHERE v.project_id = p_project
    AND v.secret_id = p_secret_id AND v.version = p_version FOR NO KEY UPDATE;
  RETURN QUERY
  SELECT s.id, s.name, s.kind, v.version, v.expires_at, v.nonce, v.encrypted_data, d.id, d.kek_id,
         d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key, d.row_tag,
         d.created_at, k.revision, k.row_tag
  FROM rowseal.secret s
  JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id
  JOIN rowseal.kek k ON k.id = d.kek_id
  WHERE s.project_id = p_project AND s.id = p_secret_id AND v.version = p_version;
END
$$;

-- Writes versions sealed again, each where its row still holds the old nonce and the DEK is active.
CREATE FUNCTION rowseal.secret_reseal(
  p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[],
  p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[],
  p_entry uuid)
RETURNS TABLE (stored boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  -- In the order of their keys, as everybody who locks several versions.
  PERFORM 1 FROM rowseal.secret_version v
  WHERE v.project_id = p_project AND (v.secret_id, v.version) IN (
    SELECT i.secret_id, i.version FROM unnest(p_secret_ids, p_versions) AS i (secret_id, version))
  ORDER BY v.secret_id, v.version FOR NO KEY UPDATE;
  RETURN QUERY
  WITH usable AS MATERIALIZED (
    SELECT d.id FROM rowseal.dek d WHERE d.project_id = p_project AND d.id = ANY (p_dek_ids)
      AND d.state = 'active' FOR KEY SHARE),
  item AS MATERIALIZED (
    SELECT * FROM unnest(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                         p_expires_at, p_old_nonces, p_write_macs) WITH ORDINALITY
      AS i (secret_id, version, dek_id, nonce, encrypted_data, expires_at, old_nonce, write_mac, ord)),
  changed AS (
    UPDATE rowseal.secret_version v
    SET dek_id = i.dek_id, nonce = i.nonce, encrypted_data = i.encrypted_data,
        expires_at = i.expires_at
    FROM item i JOIN usable u ON u.id = i.dek_id
    WHERE v.project_id = p_project AND v.secret_id = i.secret_id AND v.version = i.version
      AND v.nonce = i.old_nonce
    RETURNING i.ord, v.secret_id, v.version, i.write_mac),
  logged AS (
    INSERT INTO rowseal.audit_item (project_id, entry_id, secret_id, version, write_mac)
    SELECT p_project, p_entry, c.secret_id, c.version, c.write_mac FROM changed c)
  SELECT c.ord IS NOT NULL FROM item i LEFT JOIN changed c ON c.ord = i.ord ORDER BY i.ord;
END
$$;

CREATE FUNCTION rowseal.secret_rename(p_project text, p_secret_id uuid, p_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  UPDATE rowseal.secret s SET name = p_name WHERE s.project_id = p_project AND s.id = p_secret_id;
END
$$;

CREATE FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  DELETE FROM rowseal.secret_version v
  WHERE v.project_id = p_project AND v.secret_id = p_secret_id;
  DELETE FROM rowseal.secret s WHERE s.project_id = p_project AND s.id = p_secret_id;
END
$$;

-- For triggers on the app's table of projects: a project that goes is retired, one that comes back
-- is not any more. Both leave an entry in the log, and neither can make the app's statement fail
-- for a reason of ours.
CREATE FUNCTION rowseal.project_deleted() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_before text := coalesce(current_setting('rowseal.project', true), '');
  v_project text := to_jsonb(OLD) ->> TG_ARGV[0];
BEGIN
  PERFORM set_config('rowseal.project', v_project, true);
  IF EXISTS (SELECT 1 FROM rowseal.dek d WHERE d.project_id = v_project) THEN
    INSERT INTO rowseal.retired_project (project_id, retired_at)
    VALUES (v_project, rowseal.now_micros()) ON CONFLICT DO NOTHING;
    INSERT INTO rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object)
    VALUES (v_project, rowseal.time_ordered_uuid(), rowseal.now_micros(), session_user,
            'deleted from the projects table', 'project.retire', 'done', v_project);
  END IF;
  PERFORM set_config('rowseal.project', v_before, true);
  RETURN NULL;
END
$$;

CREATE FUNCTION rowseal.project_inserted() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_before text := coalesce(current_setting('rowseal.project', true), '');
  v_project text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
  PERFORM set_config('rowseal.project', v_project, true);
  -- One that an operator retired stays so until its keys are gone; then it may begin anew.
  DELETE FROM rowseal.retired_project r WHERE r.project_id = v_project
    AND (r.destroy_at IS NULL OR r.destroyed_at IS NOT NULL);
  IF FOUND THEN
    INSERT INTO rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object)
    VALUES (v_project, rowseal.time_ordered_uuid(), rowseal.now_micros(), session_user,
            'inserted into the projects table again', 'project.reinstate', 'done', v_project);
  END IF;
  PERFORM set_config('rowseal.project', v_before, true);
  RETURN NULL;
END
$$;

-- Who may do what; docs/roles.md has the whole matrix, and a test holds it.
REVOKE ALL ON ALL TABLES IN SCHEMA rowseal FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rowseal FROM PUBLIC;
GRANT USAGE ON SCHEMA rowseal TO rowseal_service, rowseal_operator, rowseal_auditor;
GRANT EXECUTE ON FUNCTION
  rowseal.store_format(), rowseal.trust_load(), rowseal.now_micros(),
  rowseal.secret_get, rowseal.secret_put, rowseal.dek_active, rowseal.dek_insert,
  rowseal.value_prepare, rowseal.audit_append, rowseal.secret_list, rowseal.secret_versions,
  rowseal.secret_lock, rowseal.secret_version_read, rowseal.secret_reseal, rowseal.secret_rename,
  rowseal.secret_delete
TO rowseal_service, rowseal_operator;
GRANT EXECUTE ON FUNCTION rowseal.store_format(), rowseal.now_micros() TO rowseal_auditor;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  rowseal.installation, rowseal.root_key, rowseal.kek, rowseal.kek_wrapping, rowseal.dek,
  rowseal.secret, rowseal.secret_version, rowseal.sealed_column, rowseal.policy, rowseal.job,
  rowseal.job_failure, rowseal.retired_project
TO rowseal_operator;
GRANT SELECT, INSERT ON rowseal.audit_log, rowseal.audit_item, rowseal.destroyed_key
TO rowseal_operator;
GRANT SELECT ON rowseal.schema_version, rowseal.encrypted_secrets TO rowseal_operator;
GRANT SELECT ON rowseal.audit_log, rowseal.audit_item, rowseal.destroyed_key TO rowseal_auditor;

INSERT INTO rowseal.schema_version (singleton, format) VALUES (1, 1);
GRANT USAGE, CREATE ON SCHEMA rowseal TO SESSION_USER;
GRANT EXECUTE ON FUNCTION rowseal.project_deleted(), rowseal.project_inserted() TO SESSION_USER;
RESET ROLE;
CREATE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  RETURN p_project = 'system' OR EXISTS (SELECT 1 FROM public.projects p
    WHERE p.id = p_project::text AND p.id::text = p_project);
EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN
  RETURN false;
END
$$;
REVOKE ALL ON FUNCTION rowseal.project_exists(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rowseal.project_exists(text) TO rowseal_owner, rowseal_operator;
CREATE TRIGGER rowseal_project_deleted AFTER DELETE ON public.projects
      FOR EACH ROW EXECUTE FUNCTION rowseal.project_deleted('id');
CREATE TRIGGER rowseal_project_inserted AFTER INSERT ON public.projects
      FOR EACH ROW EXECUTE FUNCTION rowseal.project_inserted('id');
CREATE FUNCTION rowseal.member_projects() RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN QUERY SELECT p.id::text FROM public.projects p WHERE (owner = 'aaaaaaaa-0000-4000-8000-000000000001');
END
$$;
REVOKE ALL ON FUNCTION rowseal.member_projects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rowseal.member_projects() TO rowseal_owner, members;
CREATE VIEW public.secret_metadata WITH (security_invoker = true) AS
SELECT s.project_id, s.id, s.name, s.kind, v.version AS newest_version,
       to_timestamp(s.created_at / 1e6) AS created_at,
       to_timestamp(v.created_at / 1e6) AS updated_at, v.created_by AS updated_by,
       to_timestamp(v.expires_at / 1e6) AS expires_at
FROM rowseal.secret s
JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  AND v.version = s.next_version - 1;
REVOKE ALL ON public.secret_metadata FROM PUBLIC;
GRANT SELECT ON public.secret_metadata TO members;
SET LOCAL ROLE rowseal_owner;
GRANT SELECT (project_id, id, name, kind, next_version, created_at) ON rowseal.secret TO members;
GRANT SELECT (project_id, secret_id, version, expires_at, created_at, created_by)
  ON rowseal.secret_version TO members;
CREATE POLICY members ON rowseal.secret FOR SELECT TO members
  USING (project_id IN (SELECT rowseal.member_projects()));
CREATE POLICY members ON rowseal.secret_version FOR SELECT TO members
  USING (project_id IN (SELECT rowseal.member_projects()));
RESET ROLE;
INSERT INTO rowseal.kek VALUES
  (1, 'default', 'wrap', 1, 'active', NULL, 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 40), 'hex'), 0),
  (2, 'default', 'integrity', 1, 'active', NULL, 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 40), 'hex'), 0);
INSERT INTO rowseal.installation
VALUES (1, '00000000-0000-4000-8000-000000000001', 1, 3, 2, 2, 'public.projects.id', 'text', decode(repeat('00', 40), 'hex'), 0);
COMMIT;
