-- What was written last, in tables of its own; DEKs that know when they were made, and the floors
-- below which they are not used; and all functions as they are from format 3 on. A later format that
-- changes a function may repeat it.
--
-- Every function has search_path = pg_catalog, pg_temp. An empty path is not safe: PostgreSQL then
-- looks for types and tables in pg_temp first, where every login may create a domain `text` whose
-- CHECK calls a function of its own, and that would run with the rights of ours (CVE-2007-2138,
-- CVE-2018-1058). With pg_catalog first and pg_temp last, nothing of a session is found before
-- PostgreSQL's own; functions and operators are never looked for in pg_temp. Rowseal's tables and
-- functions are named with their schema.

-- The format in which tags and MACs stand: lower than `format` from the moment in which somebody ran
-- this as printed SQL until `rowseal upgrade`, which holds a root, has made them anew.
ALTER TABLE rowseal.schema_version ADD COLUMN tagged integer;
UPDATE rowseal.schema_version
SET tagged = CASE WHEN EXISTS (SELECT 1 FROM rowseal.installation) THEN 2 ELSE 3 END;
ALTER TABLE rowseal.schema_version ALTER COLUMN tagged SET NOT NULL;
GRANT UPDATE (tagged) ON rowseal.schema_version TO rowseal_operator;

ALTER TABLE rowseal.secret
  ADD COLUMN lowest_version bigint NOT NULL DEFAULT 1,
  ADD COLUMN attributes text NOT NULL DEFAULT '';
-- No column keeps a default: what stands in one runs with the rights of whoever inserts.
ALTER TABLE rowseal.secret
  ALTER COLUMN lowest_version DROP DEFAULT,
  ALTER COLUMN attributes DROP DEFAULT;

-- born_epoch: the installation's epoch when the DEK was made; under the row's tag.
ALTER TABLE rowseal.dek ADD COLUMN born_epoch bigint NOT NULL DEFAULT 1;
ALTER TABLE rowseal.dek ALTER COLUMN born_epoch DROP DEFAULT;

-- write_count counts what was written over the row, and mac covers it and the row.
CREATE TABLE rowseal.version_mac (
  project_id text COLLATE "C" NOT NULL,
  secret_id uuid NOT NULL,
  version bigint NOT NULL,
  write_count bigint NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (project_id, secret_id, version),
  FOREIGN KEY (project_id, secret_id, version)
    REFERENCES rowseal.secret_version (project_id, secret_id, version) ON DELETE RESTRICT
) WITH (fillfactor = 90);

CREATE TABLE rowseal.secret_mac (
  project_id text COLLATE "C" NOT NULL,
  secret_id uuid NOT NULL,
  write_count bigint NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (project_id, secret_id),
  FOREIGN KEY (project_id, secret_id) REFERENCES rowseal.secret (project_id, id) ON DELETE RESTRICT
) WITH (fillfactor = 90);

-- A DEK that was made before a floor of its KEK's scope seals nothing (seal), opens no secret
-- (secrets), no value of a column (values). Under the trust tag.
CREATE TABLE rowseal.scope_floor (
  scope text COLLATE "C" PRIMARY KEY,
  seal_floor bigint NOT NULL,
  secrets_floor bigint NOT NULL,
  values_floor bigint NOT NULL
);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['version_mac', 'secret_mac'] LOOP
    EXECUTE format('ALTER TABLE rowseal.%I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE rowseal.%I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('CREATE POLICY tenant ON rowseal.%I TO rowseal_owner, rowseal_runner'
                   ' USING (project_id ='
                   ' nullif(pg_catalog.current_setting(''rowseal.project'', true), ''''))',
                   tenant_table);
    EXECUTE format('CREATE POLICY operator ON rowseal.%I TO rowseal_operator USING (true)',
                   tenant_table);
  END LOOP;
END
$$;
REVOKE ALL ON rowseal.version_mac, rowseal.secret_mac, rowseal.scope_floor FROM PUBLIC;
-- To be given functions; taken away at the end.
GRANT CREATE ON SCHEMA rowseal TO rowseal_runner;
GRANT SELECT, INSERT, UPDATE, DELETE ON rowseal.version_mac, rowseal.secret_mac
TO rowseal_runner, rowseal_operator;
GRANT SELECT, INSERT, UPDATE ON rowseal.scope_floor TO rowseal_operator;
GRANT SELECT ON rowseal.scope_floor, rowseal.destroyed_key TO rowseal_runner;
-- FOR SHARE needs the right to UPDATE a column; this one can hold nothing but 1.
GRANT UPDATE (singleton) ON rowseal.installation TO rowseal_runner;
-- A put replaces a DEK below the floor.
GRANT UPDATE (state, revision, row_tag, deactivated_at) ON rowseal.dek TO rowseal_runner;

-- The MACs of format 2, which stood in the log, are carried over as they are (32 bytes);
-- `rowseal upgrade` replaces them. Row-level security is lifted for that: the owner sees one tenant.
DO $$
DECLARE
  tenant_table text;
  tenant_tables CONSTANT text[] := ARRAY['dek', 'secret', 'secret_version', 'audit_item',
                                         'version_mac', 'secret_mac'];
BEGIN
  FOREACH tenant_table IN ARRAY tenant_tables LOOP
    EXECUTE format('ALTER TABLE rowseal.%I DISABLE ROW LEVEL SECURITY', tenant_table);
  END LOOP;
  UPDATE rowseal.dek SET born_epoch = (SELECT i.epoch FROM rowseal.installation i)
  WHERE EXISTS (SELECT 1 FROM rowseal.installation);
  INSERT INTO rowseal.version_mac (project_id, secret_id, version, write_count, mac)
  SELECT DISTINCT ON (a.project_id, a.secret_id, a.version)
         a.project_id, a.secret_id, a.version, 1, a.write_mac
  FROM rowseal.audit_item a
  JOIN rowseal.secret_version v ON v.project_id = a.project_id AND v.secret_id = a.secret_id
    AND v.version = a.version
  ORDER BY a.project_id, a.secret_id, a.version, a.number DESC;
  -- The newest version that the log names, which the counter has to agree with.
  INSERT INTO rowseal.secret_mac (project_id, secret_id, write_count, mac)
  SELECT a.project_id, a.secret_id, max(a.version), decode('00', 'hex')
  FROM rowseal.audit_item a
  JOIN rowseal.secret s ON s.project_id = a.project_id AND s.id = a.secret_id
  GROUP BY a.project_id, a.secret_id;
  FOREACH tenant_table IN ARRAY tenant_tables LOOP
    EXECUTE format('ALTER TABLE rowseal.%I ENABLE ROW LEVEL SECURITY', tenant_table);
  END LOOP;
END
$$;
DROP TABLE rowseal.audit_item;

-- Those whose arguments or columns differ from before, which CREATE OR REPLACE cannot change.
DO $$
DECLARE
  v_function record;
BEGIN
  FOR v_function IN
    SELECT p.oid::regprocedure AS name FROM pg_proc p
    WHERE p.pronamespace = 'rowseal'::regnamespace
      AND p.proname = ANY (ARRAY['secret_get', 'secret_put', 'secret_lock', 'secret_version_read',
                                 'secret_reseal', 'secret_rename', 'dek_active', 'dek_insert',
                                 'value_prepare', 'check_versions', 'trust_load'])
  LOOP
    EXECUTE format('DROP FUNCTION %s', v_function.name);
  END LOOP;
END
$$;

-- A hot call looks a few rows up by their keys, and planning would take longer than that: plans are
-- made once a session. They are made when tables may still be empty or were just filled, so every
-- other way of joining is ruled out; its cost is then so high that PostgreSQL would compile a query
-- that is none the faster for it.
--
-- Errors of the functions: RS001 the project is not in the app's table; RS002 it is retired; RS003 an
-- argument is not one that Rowseal sends; RS004 the id of an entry was used before.

CREATE OR REPLACE FUNCTION rowseal.now_micros() RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

-- RFC 9562, version 7.
CREATE OR REPLACE FUNCTION rowseal.time_ordered_uuid() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$ SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid $$;

-- Sets the tenant for this transaction and refuses one that is retired.
CREATE OR REPLACE FUNCTION rowseal.enter_project(p_project text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  IF EXISTS (SELECT 1 FROM rowseal.retired_project r WHERE r.project_id = p_project) THEN
    RAISE EXCEPTION 'project % is retired', p_project USING ERRCODE = 'RS002';
  END IF;
END
$$;

-- What a transaction that makes keys needs: a commit that a failover cannot lose.
CREATE OR REPLACE FUNCTION rowseal.commit_durably() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END
$$;

-- Ends a call with an argument that no client of Rowseal sends.
CREATE OR REPLACE FUNCTION rowseal.refuse(p_argument text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'argument % of the call is out of its bounds', p_argument
    USING ERRCODE = 'RS003';
END
$$;

-- What every name is: 1 to 255 bytes without control characters. (In a database in UTF8 a text is
-- always well-formed.)
CREATE OR REPLACE FUNCTION rowseal.is_name(p_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(octet_length(p_name) BETWEEN 1 AND 255
                  AND p_name COLLATE "C" !~ E'[\\u0001-\\u001f\\u007f-\\u009f]', false)
$$;

-- From year 1 to 9999: what can be shown as a time, and added to without an overflow.
CREATE OR REPLACE FUNCTION rowseal.is_time(p_time bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(p_time BETWEEN -62135596800000000 AND 253402300799999999, false) $$;

-- What every tag and MAC of now begins with: the id of the integrity key.
CREATE OR REPLACE FUNCTION rowseal.tag_start() RETURNS bytea
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT int8send(i.integrity_kek_id) FROM rowseal.installation i WHERE i.singleton = 1);
END
$$;

-- The arguments that describe a call for the log. Its action is one of p_actions, so that a read is
-- not logged as something else; NULL: the caller checks that itself. Who calls is what the client says; the bounds keep
-- an entry small.
CREATE OR REPLACE FUNCTION rowseal.check_call(
  p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text,
  p_actions text[])
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Names and times as is_name and is_time have them: this is a part of every call, and calling those
  -- takes longer than all the rest.
  CASE
    WHEN NOT coalesce(octet_length(p_project) BETWEEN 1 AND 255
                      AND p_project COLLATE "C" !~ E'[\\u0001-\\u001f\\u007f-\\u009f]', false) THEN
      PERFORM rowseal.refuse('project');
    WHEN p_entry IS NULL THEN PERFORM rowseal.refuse('entry');
    WHEN NOT coalesce(p_at BETWEEN -62135596800000000 AND 253402300799999999, false) THEN
      PERFORM rowseal.refuse('at');
    WHEN NOT coalesce(octet_length(p_actor) BETWEEN 1 AND 8192, false) THEN
      PERFORM rowseal.refuse('actor');
    WHEN NOT coalesce(octet_length(p_reason) <= 8192, false) THEN PERFORM rowseal.refuse('reason');
    WHEN NOT coalesce(p_action ~ '^[a-z_]{1,40}([.][a-z_]{1,40})?$', false)
         OR p_action <> ALL (p_actions) THEN
      PERFORM rowseal.refuse('action');
    ELSE NULL;
  END CASE;
END
$$;

-- The arguments of the calls that store sealed versions: arrays with one element for each.
CREATE OR REPLACE FUNCTION rowseal.check_versions(
  p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[],
  p_encrypted_data bytea[], p_expires_at bigint[], p_macs bytea[])
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_count bigint := cardinality(p_versions);
  v_tag_start bytea := rowseal.tag_start();
  v_wrong text;
BEGIN
  IF v_count IS NULL OR cardinality(p_secret_ids) IS DISTINCT FROM v_count
     OR cardinality(p_dek_ids) IS DISTINCT FROM v_count
     OR cardinality(p_nonces) IS DISTINCT FROM v_count
     OR cardinality(p_encrypted_data) IS DISTINCT FROM v_count
     OR cardinality(p_expires_at) IS DISTINCT FROM v_count
     OR cardinality(p_macs) IS DISTINCT FROM v_count THEN
    PERFORM rowseal.refuse('versions');
  END IF;
  SELECT min(CASE
    WHEN i.secret_id IS NULL THEN 'secret_ids'
    WHEN i.dek_id IS NULL THEN 'dek_ids'
    -- Versions are counted up, so there is one behind the highest.
    WHEN NOT coalesce(i.version BETWEEN 1 AND 9223372036854775806, false) THEN 'versions'
    WHEN octet_length(i.nonce) IS DISTINCT FROM 24 THEN 'nonces'
    WHEN NOT coalesce(octet_length(i.encrypted_data) BETWEEN 48 AND 16777264
                      AND octet_length(i.encrypted_data) % 32 = 16, false) THEN 'encrypted_data'
    WHEN i.expires_at IS NOT NULL AND NOT rowseal.is_time(i.expires_at) THEN 'expires_at'
    WHEN NOT coalesce(octet_length(i.mac) = 40
                      AND substring(i.mac FROM 1 FOR 8) = v_tag_start, false) THEN 'macs'
  END) INTO v_wrong
  FROM unnest(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data, p_expires_at, p_macs)
    AS i (secret_id, version, dek_id, nonce, encrypted_data, expires_at, mac);
  IF v_wrong IS NOT NULL THEN
    PERFORM rowseal.refuse(v_wrong);
  END IF;
END
$$;

-- Writes an entry, or finds the one of the same call, which was made again because its answer was
-- lost. An id that stands for anything else, or for a call of long ago, is an error: else one entry
-- would cover many reads.
CREATE OR REPLACE FUNCTION rowseal.write_entry(
  p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text,
  p_outcome text, p_object text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_ten_minutes CONSTANT bigint := 600000000;
BEGIN
  INSERT INTO rowseal.audit_log AS a (project_id, id, at, actor, reason, action, outcome, object)
  VALUES (p_project, p_entry, p_at, p_actor, p_reason, p_action, p_outcome, p_object)
  ON CONFLICT (project_id, id) DO UPDATE SET object = EXCLUDED.object
  WHERE a.at = EXCLUDED.at AND a.actor = EXCLUDED.actor AND a.reason = EXCLUDED.reason
    AND a.action = EXCLUDED.action AND a.outcome = EXCLUDED.outcome AND a.object = EXCLUDED.object
    AND a.at BETWEEN rowseal.now_micros() - v_ten_minutes AND rowseal.now_micros() + v_ten_minutes;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the id of the call''s entry is in the log for another call'
      USING ERRCODE = 'RS004';
  END IF;
  RETURN true;
END
$$;

-- Whether a call of the same actor, reason and action was granted what a failure names, in the last
-- quarter of an hour. The ids of entries are RFC 9562's version 7, by the client's clock. A row that
-- could not be read has no id to name: it is `?`.
CREATE OR REPLACE FUNCTION rowseal.was_granted(
  p_project text, p_entry uuid, p_actor text, p_reason text, p_action text, p_object text)
RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_millis bigint := ('x' || left(replace(p_entry::text, '-', ''), 12))::bit(48)::bigint;
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM rowseal.audit_log a
    WHERE a.project_id = p_project
      AND a.id >= rpad(lpad(to_hex(greatest(v_millis - 900000, 0)), 12, '0'), 32, '0')::uuid
      -- Ids of one millisecond have no order, and a client's clock may step back.
      AND a.id <= rpad(lpad(to_hex(v_millis + 900000), 12, '0'), 32, 'f')::uuid
      AND a.actor = p_actor AND a.reason = p_reason AND a.action = p_action
      AND a.outcome = ANY (ARRAY['granted', 'partial', 'not_found'])
      AND NOT EXISTS (SELECT w FROM unnest(string_to_array(p_object, ' ')) AS w WHERE w <> '?'
                      EXCEPT SELECT h FROM unnest(string_to_array(a.object, ' ')) AS h));
END
$$;

-- The entry of a change to a secret, or to one version of it, that audit_append began in this
-- transaction; NULL: none.
CREATE OR REPLACE FUNCTION rowseal.begun_entry(
  p_project text, p_secret_id uuid, p_version bigint, p_actions text[]) RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT a.id FROM rowseal.audit_log a
  WHERE a.project_id = p_project
    AND a.id = nullif(current_setting('rowseal.entry', true), '')::uuid
    AND a.xmin = pg_current_xact_id()::xid AND a.action = ANY (p_actions)
    AND a.object = ANY (ARRAY[p_secret_id::text, p_secret_id::text || '@' || p_version])
$$;

-- Says in the log that a change which was begun in this transaction was made.
CREATE OR REPLACE FUNCTION rowseal.finish_entry(
  p_project text, p_secret_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_entry uuid := rowseal.begun_entry(p_project, p_secret_id, NULL, ARRAY[p_action]);
BEGIN
  IF v_entry IS NULL THEN
    PERFORM rowseal.refuse('entry');
  END IF;
  UPDATE rowseal.audit_log a SET outcome = 'done' WHERE a.project_id = p_project AND a.id = v_entry;
END
$$;

CREATE OR REPLACE FUNCTION rowseal.store_format() RETURNS TABLE (format integer, has_keys boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE v.format WHEN 3 THEN v.tagged ELSE v.format END,
         EXISTS (SELECT 1 FROM rowseal.installation) OR EXISTS (SELECT 1 FROM rowseal.root_key)
         OR EXISTS (SELECT 1 FROM rowseal.kek)
  FROM rowseal.schema_version v
$$;

CREATE OR REPLACE FUNCTION rowseal.trust_load()
RETURNS TABLE (source text, i1 bigint, i2 bigint, i3 bigint, i4 bigint, i5 bigint,
               t1 text, t2 text, t3 text, t4 text, b1 bytea, b2 bytea, b3 bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
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
  FROM rowseal.kek_wrapping w
  UNION ALL
  SELECT 'scope_floor', f.seal_floor, f.secrets_floor, f.values_floor, NULL, NULL,
         f.scope, NULL, NULL, NULL, NULL, NULL, NULL
  FROM rowseal.scope_floor f
$$;

-- p_alone: the call is a transaction of its own, so its read entry need not be flushed before the
-- answer; never true inside somebody's transaction, whose own changes would go unflushed with it.
-- A lookup is LATERAL with a LIMIT where the planner, of a table that was never analyzed, would else
-- read the whole project for each item and filter.
CREATE OR REPLACE FUNCTION rowseal.secret_get(
  p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text,
  p_reason text, p_action text, p_alone boolean)
RETURNS TABLE (
  secret_id uuid, kind text, next_version bigint, lowest_version bigint, secret_created_at bigint,
  attributes text, secret_write_count bigint, secret_mac bytea,
  version bigint, expires_at bigint, created_at bigint, nonce bytea, encrypted_data bytea,
  write_count bigint, mac bytea,
  dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
  check_value bytea, wrapped_key bytea, row_tag bytea, dek_created_at bigint, born_epoch bigint,
  kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM rowseal.check_call(p_project, p_entry, p_at, p_actor, p_reason, p_action,
                             ARRAY['get', 'rollback', 'webhook.sign', 'webhook.verify']);
  IF cardinality(p_names) IS DISTINCT FROM cardinality(p_versions)
     OR array_position(p_names, NULL) IS NOT NULL OR NOT coalesce(0 <= ALL (p_versions), false) THEN
    PERFORM rowseal.refuse('versions');
  END IF;
  PERFORM rowseal.enter_project(p_project);
  IF p_alone THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN QUERY
  WITH found AS MATERIALIZED (
    SELECT i.ord, s.id AS secret_id, s.kind, s.next_version, s.lowest_version,
           s.created_at AS secret_created_at,
           CASE WHEN octet_length(s.attributes) <= 65536 THEN s.attributes END AS attributes,
           h.write_count AS secret_write_count, substr(h.mac, 1, 41) AS secret_mac,
           v.version, v.expires_at, v.created_at, v.nonce,
           CASE WHEN octet_length(v.encrypted_data) <= 16781312 THEN v.encrypted_data END
             AS encrypted_data,
           w.write_count, substr(w.mac, 1, 41) AS mac,
           d.id AS dek_id, d.kek_id, d.purpose, d.suite, d.state, d.revision,
           d.check_value, d.wrapped_key, d.row_tag, d.created_at AS dek_created_at, d.born_epoch,
           k.revision AS kek_revision, k.row_tag AS kek_row_tag
    FROM unnest(p_names, p_versions) WITH ORDINALITY AS i (name, wanted, ord)
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret n WHERE n.project_id = p_project AND n.name = i.name
      LIMIT 1) s ON true
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret_version n WHERE n.project_id = p_project AND n.secret_id = s.id
        AND n.version = CASE
          WHEN i.wanted <> 0 THEN i.wanted
          WHEN s.next_version > 1 THEN s.next_version - 1 END
      LIMIT 1) v ON true
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret_mac n WHERE n.project_id = p_project AND n.secret_id = s.id
      LIMIT 1) h ON true
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.version_mac n WHERE n.project_id = p_project
        AND n.secret_id = v.secret_id AND n.version = v.version LIMIT 1) w ON true
    LEFT JOIN rowseal.dek d ON d.project_id = p_project AND d.id = v.dek_id
    LEFT JOIN rowseal.kek k ON k.id = d.kek_id),
  logged AS MATERIALIZED (
    SELECT rowseal.write_entry(
             p_project, p_entry, p_at, p_actor, p_reason, p_action,
             CASE count(f.version) WHEN count(*) THEN 'granted' WHEN 0 THEN 'not_found'
                                   ELSE 'partial' END,
             coalesce(string_agg(f.secret_id::text || '@' || f.version, ' ' ORDER BY f.ord)
                      FILTER (WHERE f.version IS NOT NULL), '')) AS is_written
    FROM found f)
  SELECT f.secret_id, f.kind, f.next_version, f.lowest_version, f.secret_created_at, f.attributes,
         f.secret_write_count, f.secret_mac, f.version, f.expires_at, f.created_at, f.nonce,
         f.encrypted_data, f.write_count, f.mac, f.dek_id, f.kek_id, f.purpose, f.suite, f.state,
         f.revision, f.check_value, f.wrapped_key, f.row_tag, f.dek_created_at, f.born_epoch,
         f.kek_revision, f.kek_row_tag
  FROM found f CROSS JOIN logged l WHERE l.is_written ORDER BY f.ord;
END
$$;

-- Locks the secrets in the order of their names, so that two batches never wait for each other in
-- a circle, then judges every item, then writes those that stand: each was sealed, and its MACs were
-- made, for the secret as it stands now. A call that is made again after its connection was lost
-- finds its own entry in the log, which names what it stored, and answers as the first time.
CREATE OR REPLACE FUNCTION rowseal.secret_put(
  p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[],
  p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[],
  p_macs bytea[], p_secret_write_counts bigint[], p_secret_macs bytea[], p_entry uuid, p_at bigint,
  p_actor text, p_reason text, p_action text, p_all_or_none boolean)
RETURNS TABLE (
  outcome text, secret_id uuid, kind text, next_version bigint, lowest_version bigint,
  created_at bigint, attributes text, write_count bigint, mac bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  v_outcomes text[];
  v_ids uuid[];  -- of the secrets that were found
  v_before text[];  -- what the same call stored when it was made before
  v_tag_start bytea := rowseal.tag_start();
  v_writes boolean;
BEGIN
  PERFORM rowseal.check_call(p_project, p_entry, p_at, p_actor, p_reason, p_action,
                             ARRAY['put', 'rollback']);
  PERFORM rowseal.check_versions(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                                 p_expires_at, p_macs);
  IF cardinality(p_names) IS DISTINCT FROM cardinality(p_versions)
     OR EXISTS (SELECT 1 FROM unnest(p_names) AS n (name) WHERE NOT rowseal.is_name(n.name)) THEN
    PERFORM rowseal.refuse('names');
  END IF;
  IF cardinality(p_kinds) IS DISTINCT FROM cardinality(p_versions)
     OR NOT p_kinds <@ ARRAY['webhook', 'access_token', 'workflow'] THEN
    PERFORM rowseal.refuse('kinds');
  END IF;
  IF cardinality(p_secret_macs) IS DISTINCT FROM cardinality(p_versions)
     OR cardinality(p_secret_write_counts) IS DISTINCT FROM cardinality(p_versions)
     OR EXISTS (SELECT 1 FROM unnest(p_secret_write_counts, p_secret_macs) AS i (write_count, mac)
                WHERE NOT coalesce(i.write_count >= 1 AND octet_length(i.mac) = 40
                                   AND substring(i.mac FROM 1 FOR 8) = v_tag_start, false)) THEN
    PERFORM rowseal.refuse('secret_macs');
  END IF;
  PERFORM rowseal.enter_project(p_project);
  PERFORM 1 FROM rowseal.secret s WHERE s.project_id = p_project AND s.name = ANY (p_names)
  ORDER BY s.name FOR NO KEY UPDATE;

  -- A DEK under a KEK that was just rotated away still seals; a suspended one refuses, and so does
  -- one that was made before a compromise was declared.
  WITH usable AS MATERIALIZED (
    SELECT d.id FROM rowseal.dek d
    WHERE d.project_id = p_project AND d.id = ANY (p_dek_ids) AND d.purpose = 'secret'
      AND d.state = 'active'
      AND EXISTS (SELECT 1 FROM rowseal.kek k
                  WHERE k.id = d.kek_id AND k.state IN ('active', 'deactivated'))
      AND NOT EXISTS (SELECT 1 FROM rowseal.kek k JOIN rowseal.scope_floor f ON f.scope = k.scope
                      WHERE k.id = d.kek_id AND f.seal_floor > d.born_epoch)
    FOR KEY SHARE OF d)
  SELECT array_agg(CASE WHEN CASE WHEN s.id IS NULL THEN i.version <> 1
                                  ELSE s.id <> i.secret_id OR s.kind <> i.kind
                                       OR s.next_version <> i.version
                                       OR h.write_count IS DISTINCT FROM i.write_count - 1 END
                          THEN 'conflict'
                        WHEN u.id IS NULL THEN 'no_dek' ELSE 'stored' END ORDER BY i.ord),
         array_agg(s.id ORDER BY i.ord)
  INTO v_outcomes, v_ids
  FROM unnest(p_names, p_kinds, p_secret_ids, p_versions, p_dek_ids, p_secret_write_counts)
    WITH ORDINALITY AS i (name, kind, secret_id, version, dek_id, write_count, ord)
  LEFT JOIN LATERAL (
    SELECT * FROM rowseal.secret n WHERE n.project_id = p_project AND n.name = i.name LIMIT 1) s
    ON true
  LEFT JOIN LATERAL (
    SELECT * FROM rowseal.secret_mac n WHERE n.project_id = p_project AND n.secret_id = s.id
    LIMIT 1) h ON true
  LEFT JOIN usable u ON u.id = i.dek_id;

  IF 'conflict' = ANY (v_outcomes) THEN
    SELECT string_to_array(a.object, ' ') INTO v_before FROM rowseal.audit_log a
    WHERE a.project_id = p_project AND a.id = p_entry;
  END IF;
  IF v_before IS NOT NULL THEN
    -- What it did not store then it does not store under the same entry: it is to be sealed again.
    SELECT array_agg(CASE WHEN i.secret_id::text || '@' || i.version = ANY (v_before) THEN 'stored'
                          WHEN i.outcome = 'stored' THEN 'no_dek' ELSE i.outcome END ORDER BY i.ord)
    INTO v_outcomes
    FROM unnest(p_secret_ids, p_versions, v_outcomes) WITH ORDINALITY
      AS i (secret_id, version, outcome, ord);
  END IF;
  v_writes := v_before IS NULL AND 'stored' = ANY (v_outcomes)
    AND NOT (p_all_or_none AND ('conflict' = ANY (v_outcomes) OR 'no_dek' = ANY (v_outcomes)));

  -- Another writer may make the same secret between the judgement and now, under its own id.
  IF v_writes AND 1 = ANY (p_versions) THEN
    INSERT INTO rowseal.secret (project_id, id, name, kind, next_version, created_at,
                                lowest_version, attributes)
    SELECT p_project, i.secret_id, i.name, i.kind, 2, p_at, 1, ''
    FROM unnest(p_secret_ids, p_names, p_kinds, p_versions, v_outcomes)
      AS i (secret_id, name, kind, version, outcome)
    WHERE i.version = 1 AND i.outcome = 'stored' ORDER BY i.name
    ON CONFLICT DO NOTHING;
    SELECT array_agg(CASE WHEN i.outcome = 'stored' AND i.version = 1
                               AND s.id IS DISTINCT FROM i.secret_id
                          THEN 'conflict' ELSE i.outcome END ORDER BY i.ord),
           array_agg(CASE WHEN i.version = 1 AND s.id = i.secret_id THEN NULL ELSE s.id END
                     ORDER BY i.ord)
    INTO v_outcomes, v_ids
    FROM unnest(p_secret_ids, p_names, p_versions, v_outcomes) WITH ORDINALITY
      AS i (secret_id, name, version, outcome, ord)
    LEFT JOIN LATERAL (
      SELECT * FROM rowseal.secret n WHERE n.project_id = p_project AND n.name = i.name LIMIT 1) s
      ON true;
    v_writes := 'stored' = ANY (v_outcomes)
      AND NOT (p_all_or_none AND 'conflict' = ANY (v_outcomes));
    IF p_all_or_none AND NOT v_writes THEN
      DELETE FROM rowseal.secret s WHERE s.project_id = p_project AND s.id = ANY (ARRAY(
        SELECT i.secret_id FROM unnest(p_secret_ids, p_versions, v_outcomes)
          AS i (secret_id, version, outcome)
        WHERE i.version = 1 AND i.outcome = 'stored'));
    END IF;
  END IF;

  RETURN QUERY
  SELECT i.outcome, s.id, s.kind, s.next_version, s.lowest_version, s.created_at,
         CASE WHEN octet_length(s.attributes) <= 65536 THEN s.attributes END,
         h.write_count, substr(h.mac, 1, 41)
  FROM unnest(v_outcomes, v_ids) WITH ORDINALITY AS i (outcome, found_id, ord)
  LEFT JOIN rowseal.secret s ON s.project_id = p_project AND s.id = i.found_id
  LEFT JOIN rowseal.secret_mac h ON h.project_id = p_project AND h.secret_id = i.found_id
  ORDER BY i.ord;

  IF v_writes THEN
    UPDATE rowseal.secret s SET next_version = s.next_version + 1
    WHERE s.project_id = p_project AND s.id = ANY (ARRAY(
      SELECT i.secret_id FROM unnest(p_secret_ids, p_versions, v_outcomes)
        AS i (secret_id, version, outcome)
      WHERE i.version > 1 AND i.outcome = 'stored'));
    INSERT INTO rowseal.secret_mac (project_id, secret_id, write_count, mac)
    SELECT p_project, i.secret_id, i.write_count, i.mac
    FROM unnest(p_secret_ids, p_secret_write_counts, p_secret_macs, v_outcomes)
      AS i (secret_id, write_count, mac, outcome)
    WHERE i.outcome = 'stored' ORDER BY i.secret_id
    ON CONFLICT (project_id, secret_id) DO UPDATE
      SET write_count = excluded.write_count, mac = excluded.mac;
    PERFORM rowseal.write_entry(
      p_project, p_entry, p_at, p_actor, p_reason, p_action, 'done',
      string_agg(i.secret_id::text || '@' || i.version, ' ' ORDER BY i.ord))
    FROM unnest(p_secret_ids, p_versions, v_outcomes) WITH ORDINALITY
      AS i (secret_id, version, outcome, ord)
    WHERE i.outcome = 'stored';
    INSERT INTO rowseal.secret_version (project_id, secret_id, version, dek_id, nonce,
                                        encrypted_data, expires_at, created_at, created_by)
    SELECT p_project, i.secret_id, i.version, i.dek_id, i.nonce, i.encrypted_data, i.expires_at,
           p_at, p_actor
    FROM unnest(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data, p_expires_at,
                v_outcomes) WITH ORDINALITY
      AS i (secret_id, version, dek_id, nonce, encrypted_data, expires_at, outcome, ord)
    WHERE i.outcome = 'stored' ORDER BY i.ord;
    INSERT INTO rowseal.version_mac (project_id, secret_id, version, write_count, mac)
    SELECT p_project, i.secret_id, i.version, 1, i.mac
    FROM unnest(p_secret_ids, p_versions, p_macs, v_outcomes) WITH ORDINALITY
      AS i (secret_id, version, mac, outcome, ord)
    WHERE i.outcome = 'stored' ORDER BY i.ord;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION rowseal.dek_active(p_project text, p_purpose text)
RETURNS TABLE (id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
               check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint,
               born_epoch bigint, kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key,
         d.row_tag, d.created_at, d.born_epoch, k.revision, k.row_tag
  FROM rowseal.dek d LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  WHERE d.project_id = p_project AND d.purpose = p_purpose AND d.state = 'active';
END
$$;

-- The KEK must be active to wrap something new, and the epoch the one that the DEK's tag names: both
-- stay so until this transaction ends, so that none is made with what was known before a compromise
-- was declared. A DEK that another writer made meanwhile stays, unless it may not seal any more and
-- is the one that the caller replaces: then its row is deactivated, with the revision and the tag
-- that the caller made for that. An id that the evidence names as destroyed never comes back.
CREATE OR REPLACE FUNCTION rowseal.dek_insert(
  p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea,
  p_wrapped_key bytea, p_row_tag bytea, p_born_epoch bigint, p_replaced_id uuid,
  p_replaced_revision bigint, p_replaced_row_tag bytea)
RETURNS TABLE (id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
               check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint,
               born_epoch bigint, kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  v_is_fenced boolean;
  v_tag_start bytea := rowseal.tag_start();
BEGIN
  -- What has not the form of a wrapped DEK and its tag never opens, and would be in the way of every
  -- rotation. Whether a row of this form opens, only a client can tell.
  CASE
    WHEN NOT rowseal.is_name(p_project) THEN PERFORM rowseal.refuse('project');
    WHEN p_id IS NULL THEN PERFORM rowseal.refuse('id');
    WHEN NOT coalesce(p_purpose = ANY (ARRAY['secret', 'value', 'digest']), false) THEN
      PERFORM rowseal.refuse('purpose');
    WHEN p_suite IS DISTINCT FROM 1 THEN PERFORM rowseal.refuse('suite');
    WHEN octet_length(p_check_value) IS DISTINCT FROM 32 THEN PERFORM rowseal.refuse('check_value');
    WHEN octet_length(p_wrapped_key) IS DISTINCT FROM 74
         OR substring(p_wrapped_key FROM 1 FOR 2) <> decode('0101', 'hex') THEN
      PERFORM rowseal.refuse('wrapped_key');
    WHEN NOT coalesce(octet_length(p_row_tag) = 40
                      AND substring(p_row_tag FROM 1 FOR 8) = v_tag_start, false) THEN
      PERFORM rowseal.refuse('row_tag');
    WHEN p_born_epoch IS NULL THEN PERFORM rowseal.refuse('born_epoch');
    WHEN p_replaced_id IS NOT NULL AND NOT coalesce(p_replaced_revision > 1, false) THEN
      PERFORM rowseal.refuse('replaced_revision');
    WHEN p_replaced_id IS NOT NULL
         AND NOT coalesce(octet_length(p_replaced_row_tag) = 40
                          AND substring(p_replaced_row_tag FROM 1 FOR 8) = v_tag_start, false) THEN
      PERFORM rowseal.refuse('replaced_row_tag');
    ELSE NULL;
  END CASE;
  PERFORM set_config('rowseal.project', p_project, true);
  -- A rotation replaces keys of retired projects too.
  IF NOT EXISTS (SELECT 1 FROM rowseal.dek d WHERE d.project_id = p_project)
     AND p_project <> 'system' AND NOT rowseal.project_exists(p_project) THEN
    RAISE EXCEPTION 'project % is not in the projects table', p_project USING ERRCODE = 'RS001';
  END IF;
  PERFORM rowseal.commit_durably();
  -- In the order of those who change keys: the KEK, then the installation.
  PERFORM 1 FROM rowseal.kek k WHERE k.id = p_kek_id AND k.state = 'active' FOR SHARE;
  v_is_fenced := FOUND;
  PERFORM 1 FROM rowseal.installation i WHERE i.epoch = p_born_epoch FOR SHARE;
  v_is_fenced := v_is_fenced AND FOUND AND NOT EXISTS (
    SELECT 1 FROM rowseal.destroyed_key g
    WHERE g.project_id = p_project AND g.kind = 'dek' AND g.id = p_id::text);
  IF v_is_fenced AND p_replaced_id IS NOT NULL THEN
    UPDATE rowseal.dek d SET state = 'deactivated', revision = p_replaced_revision,
      row_tag = p_replaced_row_tag, deactivated_at = rowseal.now_micros()
    WHERE d.project_id = p_project AND d.id = p_replaced_id AND d.purpose = p_purpose
      AND d.state = 'active' AND d.revision = p_replaced_revision - 1
      AND EXISTS (SELECT 1 FROM rowseal.kek k JOIN rowseal.scope_floor f ON f.scope = k.scope
                  WHERE k.id = d.kek_id AND f.seal_floor > d.born_epoch);
  END IF;
  INSERT INTO rowseal.dek (project_id, id, kek_id, purpose, suite, state, revision, check_value,
                           wrapped_key, row_tag, created_at, born_epoch)
  SELECT p_project, p_id, p_kek_id, p_purpose, p_suite, 'active', 1, p_check_value, p_wrapped_key,
         p_row_tag, rowseal.now_micros(), p_born_epoch
  WHERE v_is_fenced
  ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT * FROM rowseal.dek_active(p_project, p_purpose);
END
$$;

-- The first row holds the registration, each further row a DEK (asked for, or the active one).
CREATE OR REPLACE FUNCTION rowseal.value_prepare(
  p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text,
  p_reason text, p_action text, p_alone boolean)
RETURNS TABLE (
  column_id uuid, label text, context text, column_state text, column_revision bigint,
  column_row_tag bytea, column_created_at bigint, source_database text, source_table text,
  source_column text, source_keys text, source_project text,
  dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
  check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint, born_epoch bigint,
  kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  v_column_id uuid;
BEGIN
  IF cardinality(p_dek_ids) > 0 THEN
    PERFORM rowseal.check_call(p_project, p_entry, p_at, p_actor, p_reason, p_action,
                               ARRAY['open']);
    IF array_position(p_dek_ids, NULL) IS NOT NULL THEN
      PERFORM rowseal.refuse('dek_ids');
    END IF;
  END IF;
  PERFORM rowseal.enter_project(p_project);
  SELECT c.id INTO v_column_id FROM rowseal.sealed_column c WHERE c.label = p_label;
  RETURN QUERY
  SELECT c.id, c.label, c.context, c.state, c.revision, c.row_tag, c.created_at, c.source_database,
         c.source_table, c.source_column, c.source_keys, c.source_project,
         NULL::uuid, NULL::bigint, NULL::text, NULL::smallint, NULL::text, NULL::bigint,
         NULL::bytea, NULL::bytea, NULL::bytea, NULL::bigint, NULL::bigint, NULL::bigint,
         NULL::bytea
  FROM (SELECT 1) AS one LEFT JOIN rowseal.sealed_column c ON c.id = v_column_id;
  IF cardinality(p_dek_ids) > 0 THEN
    IF p_alone THEN
      PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    PERFORM rowseal.write_entry(
      p_project, p_entry, p_at, p_actor, p_reason, p_action,
      CASE WHEN v_column_id IS NULL THEN 'not_found' ELSE 'granted' END,
      coalesce(v_column_id::text, ''));
  END IF;
  RETURN QUERY
  SELECT NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::bigint, NULL::bytea, NULL::bigint,
         NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
         d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key,
         d.row_tag, d.created_at, d.born_epoch, k.revision, k.row_tag
  FROM unnest(CASE WHEN cardinality(p_dek_ids) > 0 THEN p_dek_ids ELSE ARRAY[NULL::uuid] END)
    WITH ORDINALITY AS i (id, ord)
  LEFT JOIN rowseal.dek d ON d.project_id = p_project
    AND CASE WHEN i.id IS NULL THEN d.purpose = 'value' AND d.state = 'active' ELSE d.id = i.id END
  LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  ORDER BY i.ord;
END
$$;

-- Three kinds of entries come from a caller:
-- 1. A change to a secret is begun, which lets the transaction read ciphertext. The function that makes
--    the change says that it was done; without it the entry stays `begun`.
-- 2. A call that was granted failed in the client. It names what the grant before it named.
-- 3. An operator changed keys, jobs or policies by statements of its own.
CREATE OR REPLACE FUNCTION rowseal.audit_append(
  p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text,
  p_outcome text, p_object text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- In this function current_user is its owner; what SET ROLE chose is in the setting.
  v_caller text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
  v_outcome text := p_outcome;
  v_at bigint := p_at;
BEGIN
  PERFORM rowseal.check_call(p_project, p_entry, p_at, p_actor, p_reason, p_action, NULL);
  IF NOT coalesce(octet_length(p_object) <= 1000000, false) THEN
    PERFORM rowseal.refuse('object');
  END IF;
  PERFORM set_config('rowseal.project', p_project, true);
  IF p_outcome = 'done' AND p_action = ANY (ARRAY['rename', 'expire', 'delete']) THEN
    IF NOT EXISTS (SELECT 1 FROM rowseal.secret s WHERE s.project_id = p_project
                     AND s.id::text = split_part(p_object, '@', 1)) THEN
      PERFORM rowseal.refuse('object');
    END IF;
    v_outcome := 'begun';
    PERFORM set_config('rowseal.entry', p_entry::text, true);
  ELSIF p_outcome = ANY (ARRAY[
      'invalid_argument', 'not_found', 'integrity', 'unavailable', 'resource_exhausted',
      'root_key_missing', 'root_key_malformed', 'root_key_exposed', 'root_key_mismatch',
      'refused_by_state', 'cancelled', 'random_failure', 'internal']) THEN
    IF NOT rowseal.was_granted(p_project, p_entry, p_actor, p_reason, p_action, p_object) THEN
      PERFORM rowseal.refuse('object');
    END IF;
    v_at := rowseal.now_micros();
  ELSIF p_outcome IS DISTINCT FROM 'done' OR p_action = ANY (ARRAY['get', 'put', 'open', 'rollback'])
      OR NOT pg_has_role(v_caller, 'rowseal_operator', 'USAGE') THEN
    RAISE EXCEPTION 'an entry of action % with outcome % is not for login % to write', p_action,
      p_outcome, v_caller USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM rowseal.write_entry(p_project, p_entry, v_at, p_actor, p_reason, p_action, v_outcome,
                              p_object);
END
$$;

CREATE OR REPLACE FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint)
RETURNS TABLE (name text, kind text, id uuid, newest bigint, versions bigint, expires_at bigint,
               created_at bigint, updated_at bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT s.name, substr(s.kind, 1, 256), s.id, v.version,
         (SELECT count(*) FROM rowseal.secret_version n WHERE n.project_id = s.project_id
            AND n.secret_id = s.id), v.expires_at, s.created_at, v.created_at
  FROM rowseal.secret s
  LEFT JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
    AND v.version = CASE WHEN s.next_version > 1 THEN s.next_version - 1 END
  WHERE s.project_id = p_project AND s.name >= coalesce(p_after, '')
    AND (p_after IS NULL OR s.name > p_after) ORDER BY s.name LIMIT p_limit;
END
$$;

CREATE OR REPLACE FUNCTION rowseal.secret_versions(p_project text, p_name text)
RETURNS TABLE (version bigint, expires_at bigint, created_at bigint, created_by text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT v.version, v.expires_at, v.created_at, substr(v.created_by, 1, 65537)
  FROM rowseal.secret s
  JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  WHERE s.project_id = p_project AND s.name = p_name ORDER BY v.version DESC;
END
$$;

-- Locks the secret until the end of the transaction: no version comes to it, and it stays.
CREATE OR REPLACE FUNCTION rowseal.secret_lock(p_project text, p_name text)
RETURNS TABLE (
  secret_id uuid, kind text, next_version bigint, lowest_version bigint, created_at bigint,
  attributes text, write_count bigint, mac bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  -- By a statement of its own: one that waited would join the row with a MAC as it was.
  PERFORM 1 FROM rowseal.secret s WHERE s.project_id = p_project AND s.name = p_name FOR UPDATE;
  RETURN QUERY
  SELECT s.id, s.kind, s.next_version, s.lowest_version, s.created_at,
         CASE WHEN octet_length(s.attributes) <= 65536 THEN s.attributes END,
         h.write_count, substr(h.mac, 1, 41)
  FROM rowseal.secret s
  LEFT JOIN rowseal.secret_mac h ON h.project_id = s.project_id AND h.secret_id = s.id
  WHERE s.project_id = p_project AND s.name = p_name;
END
$$;

-- Locks the version, so that no reseal comes between reading and writing it. The transaction has begun
-- the entry of a change to the secret: ciphertext is given to nothing that the log does not name.
CREATE OR REPLACE FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint)
RETURNS TABLE (
  id uuid, name text, kind text, version bigint, expires_at bigint, created_at bigint, nonce bytea,
  encrypted_data bytea, write_count bigint, mac bytea, dek_id uuid, kek_id bigint, purpose text,
  suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea,
  dek_created_at bigint, born_epoch bigint, kek_revision bigint, kek_row_tag bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  IF rowseal.begun_entry(p_project, p_secret_id, p_version, ARRAY['rename', 'expire']) IS NULL THEN
    PERFORM rowseal.refuse('entry');
  END IF;
  -- By a statement of its own: one that waited would join the row's new DEK id with DEKs as they were.
  PERFORM 1 FROM rowseal.secret_version v WHERE v.project_id = p_project
    AND v.secret_id = p_secret_id AND v.version = p_version FOR NO KEY UPDATE;
  RETURN QUERY
  SELECT s.id, s.name, s.kind, v.version, v.expires_at, v.created_at, v.nonce, v.encrypted_data,
         w.write_count, substr(w.mac, 1, 41), d.id, d.kek_id,
         d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key, d.row_tag,
         d.created_at, d.born_epoch, k.revision, k.row_tag
  FROM rowseal.secret s
  JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  LEFT JOIN rowseal.version_mac w ON w.project_id = v.project_id AND w.secret_id = v.secret_id
    AND w.version = v.version
  JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id
  LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  WHERE s.project_id = p_project AND s.id = p_secret_id AND v.version = p_version;
END
$$;

-- Writes versions sealed again with their MACs, each where its row still holds the old nonce, its MAC
-- is the one that was compared (write_count counts them), and the DEK may seal.
CREATE OR REPLACE FUNCTION rowseal.secret_reseal(
  p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[],
  p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_counts bigint[],
  p_macs bytea[], p_entry uuid)
RETURNS TABLE (stored boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM rowseal.check_versions(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                                 p_expires_at, p_macs);
  IF cardinality(p_write_counts) IS DISTINCT FROM cardinality(p_versions)
     OR NOT coalesce(2 <= ALL (p_write_counts), false) THEN
    PERFORM rowseal.refuse('write_counts');
  END IF;
  IF cardinality(p_old_nonces) IS DISTINCT FROM cardinality(p_versions) THEN
    PERFORM rowseal.refuse('old_nonces');
  END IF;
  PERFORM set_config('rowseal.project', p_project, true);
  -- The entry is one of this transaction: a job's, or that of a change to each of the secrets.
  IF NOT EXISTS (
    SELECT 1 FROM rowseal.audit_log a
    WHERE a.project_id = p_project AND a.id = p_entry AND a.xmin = pg_current_xact_id()::xid
      AND (a.action = 'reseal' AND a.outcome = 'done'
           OR a.action = 'rename' AND a.object = ALL (p_secret_ids::text[])
           OR a.action = 'expire' AND cardinality(p_versions) = 1
              AND a.object = p_secret_ids[1]::text || '@' || p_versions[1])) THEN
    PERFORM rowseal.refuse('entry');
  END IF;
  -- In the order of their keys, as everybody who locks several versions.
  PERFORM 1 FROM rowseal.secret_version v
  WHERE v.project_id = p_project AND (v.secret_id, v.version) IN (
    SELECT i.secret_id, i.version FROM unnest(p_secret_ids, p_versions) AS i (secret_id, version))
  ORDER BY v.secret_id, v.version FOR NO KEY UPDATE;
  RETURN QUERY
  WITH usable AS MATERIALIZED (
    SELECT d.id FROM rowseal.dek d WHERE d.project_id = p_project AND d.id = ANY (p_dek_ids)
      AND d.state = 'active'
      AND NOT EXISTS (SELECT 1 FROM rowseal.kek k JOIN rowseal.scope_floor f ON f.scope = k.scope
                      WHERE k.id = d.kek_id AND f.seal_floor > d.born_epoch)
    FOR KEY SHARE OF d),
  item AS MATERIALIZED (
    SELECT * FROM unnest(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                         p_expires_at, p_old_nonces, p_write_counts, p_macs) WITH ORDINALITY
      AS i (secret_id, version, dek_id, nonce, encrypted_data, expires_at, old_nonce, write_count,
            mac, ord)),
  changed AS (
    UPDATE rowseal.secret_version v
    SET dek_id = i.dek_id, nonce = i.nonce, encrypted_data = i.encrypted_data,
        expires_at = i.expires_at
    FROM item i JOIN usable u ON u.id = i.dek_id
    JOIN rowseal.version_mac w ON w.project_id = p_project AND w.secret_id = i.secret_id
      AND w.version = i.version AND w.write_count = i.write_count - 1
    WHERE v.project_id = p_project AND v.secret_id = i.secret_id AND v.version = i.version
      AND v.nonce = i.old_nonce
    RETURNING i.ord, v.secret_id, v.version, i.write_count, i.mac),
  -- The version's row is locked, and with it this one, which changes with it only.
  proven AS (
    UPDATE rowseal.version_mac w SET write_count = c.write_count, mac = c.mac FROM changed c
    WHERE w.project_id = p_project AND w.secret_id = c.secret_id AND w.version = c.version)
  SELECT c.ord IS NOT NULL FROM item i LEFT JOIN changed c ON c.ord = i.ord ORDER BY i.ord;
  UPDATE rowseal.audit_log a SET outcome = 'done'
  WHERE a.project_id = p_project AND a.id = p_entry AND a.action = 'expire'
    AND EXISTS (SELECT 1 FROM rowseal.version_mac w WHERE w.project_id = p_project
                  AND w.secret_id = p_secret_ids[1] AND w.version = p_versions[1]
                  AND w.mac = p_macs[1]);
END
$$;

CREATE OR REPLACE FUNCTION rowseal.secret_rename(
  p_project text, p_secret_id uuid, p_name text, p_write_count bigint, p_mac bytea)
RETURNS TABLE (renamed boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT rowseal.is_name(p_name) THEN
    PERFORM rowseal.refuse('name');
  END IF;
  IF NOT coalesce(p_write_count > 1 AND octet_length(p_mac) = 40
                  AND substring(p_mac FROM 1 FOR 8) = rowseal.tag_start(), false) THEN
    PERFORM rowseal.refuse('mac');
  END IF;
  PERFORM set_config('rowseal.project', p_project, true);
  IF rowseal.begun_entry(p_project, p_secret_id, NULL, ARRAY['rename']) IS NULL THEN
    PERFORM rowseal.refuse('entry');
  END IF;
  UPDATE rowseal.secret_mac h SET write_count = p_write_count, mac = p_mac
  WHERE h.project_id = p_project AND h.secret_id = p_secret_id
    AND h.write_count = p_write_count - 1;
  IF NOT FOUND THEN
    RETURN QUERY SELECT false;
    RETURN;
  END IF;
  PERFORM rowseal.finish_entry(p_project, p_secret_id, 'rename');
  UPDATE rowseal.secret s SET name = p_name WHERE s.project_id = p_project AND s.id = p_secret_id;
  RETURN QUERY SELECT true;
END
$$;

CREATE OR REPLACE FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  PERFORM rowseal.finish_entry(p_project, p_secret_id, 'delete');
  DELETE FROM rowseal.version_mac w WHERE w.project_id = p_project AND w.secret_id = p_secret_id;
  DELETE FROM rowseal.secret_version v
  WHERE v.project_id = p_project AND v.secret_id = p_secret_id;
  DELETE FROM rowseal.secret_mac h WHERE h.project_id = p_project AND h.secret_id = p_secret_id;
  DELETE FROM rowseal.secret s WHERE s.project_id = p_project AND s.id = p_secret_id;
END
$$;

-- For triggers on the app's table of projects: a project that goes is retired, one that comes back
-- is not any more. Both leave an entry in the log, and neither can make the app's statement fail
-- for a reason of ours.
--
-- The key is read alone, by its type's output function: a cast, which to_jsonb of the row and ::text
-- look for, may be one that the table's owner made, and would run with these functions' rights.
CREATE OR REPLACE FUNCTION rowseal.project_deleted() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_before text := coalesce(current_setting('rowseal.project', true), '');
  v_project text;
BEGIN
  BEGIN
    EXECUTE format('SELECT format(''%%s'', ($1).%I)', TG_ARGV[0]) INTO v_project USING OLD;
  EXCEPTION WHEN undefined_column THEN
    RETURN NULL;
  END;
  IF v_project = 'system' THEN
    RETURN NULL;
  END IF;
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

CREATE OR REPLACE FUNCTION rowseal.project_inserted() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  v_before text := coalesce(current_setting('rowseal.project', true), '');
  v_project text;
BEGIN
  BEGIN
    EXECUTE format('SELECT format(''%%s'', ($1).%I)', TG_ARGV[0]) INTO v_project USING NEW;
  EXCEPTION WHEN undefined_column THEN
    RETURN NULL;
  END;
  IF v_project = 'system' THEN
    RETURN NULL;
  END IF;
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

-- Who may call what; docs/roles.md has the whole matrix, and a test holds it. Grants on functions that
-- others made go: a function is called by those who are named here.
DO $$
DECLARE
  v_function record;
  v_grantee record;
BEGIN
  FOR v_function IN
    SELECT p.oid::regprocedure AS name, p.proowner, p.prosecdef, p.proacl FROM pg_proc p
    WHERE p.pronamespace = 'rowseal'::regnamespace
      AND p.proname <> ALL (ARRAY['project_exists', 'member_projects'])
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function.name);
    FOR v_grantee IN
      SELECT DISTINCT a.grantee::regrole AS name FROM aclexplode(v_function.proacl) a
      WHERE a.grantee <> 0 AND a.grantee <> v_function.proowner
    LOOP
      EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', v_function.name, v_grantee.name);
    END LOOP;
    IF v_function.prosecdef THEN
      EXECUTE format('ALTER FUNCTION %s OWNER TO rowseal_runner', v_function.name);
    ELSE
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO rowseal_runner', v_function.name);
    END IF;
  END LOOP;
  FOR v_grantee IN
    SELECT DISTINCT a.grantee::regrole AS name FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.oid = 'rowseal'::regnamespace AND a.privilege_type = 'CREATE' AND a.grantee <> 0
      AND a.grantee <> n.nspowner
  LOOP
    EXECUTE format('REVOKE CREATE ON SCHEMA rowseal FROM %s', v_grantee.name);
  END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION
  rowseal.store_format(), rowseal.trust_load(), rowseal.now_micros(),
  rowseal.secret_get, rowseal.secret_put, rowseal.dek_active, rowseal.dek_insert,
  rowseal.value_prepare, rowseal.audit_append, rowseal.secret_list, rowseal.secret_versions,
  rowseal.secret_lock, rowseal.secret_version_read, rowseal.secret_reseal, rowseal.secret_rename,
  rowseal.secret_delete
TO rowseal_service, rowseal_operator;
GRANT EXECUTE ON FUNCTION rowseal.store_format(), rowseal.now_micros() TO rowseal_auditor;
