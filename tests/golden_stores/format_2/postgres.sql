--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: public; Type: SCHEMA; Schema: -; Owner: mason
--

-- *not* creating schema, since initdb creates it


ALTER SCHEMA public OWNER TO mason;

--
-- Name: rowseal; Type: SCHEMA; Schema: -; Owner: rowseal_owner
--

CREATE SCHEMA rowseal;


ALTER SCHEMA rowseal OWNER TO rowseal_owner;

--
-- Name: audit_append(text, uuid, bigint, text, text, text, text, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.audit_append(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION rowseal.audit_append(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) OWNER TO rowseal_runner;

--
-- Name: begun_entry(text, uuid, bigint, text[]); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.begun_entry(p_project text, p_secret_id uuid, p_version bigint, p_actions text[]) RETURNS uuid
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT a.id FROM rowseal.audit_log a
  WHERE a.project_id = p_project
    AND a.id = nullif(current_setting('rowseal.entry', true), '')::uuid
    AND a.xmin = pg_current_xact_id()::xid AND a.action = ANY (p_actions)
    AND a.object = ANY (ARRAY[p_secret_id::text, p_secret_id::text || '@' || p_version])
$$;


ALTER FUNCTION rowseal.begun_entry(p_project text, p_secret_id uuid, p_version bigint, p_actions text[]) OWNER TO rowseal_owner;

--
-- Name: check_call(text, uuid, bigint, text, text, text, text[]); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.check_call(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_actions text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;


ALTER FUNCTION rowseal.check_call(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_actions text[]) OWNER TO rowseal_owner;

--
-- Name: check_versions(uuid[], bigint[], uuid[], bytea[], bytea[], bigint[], bytea[]); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.check_versions(p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  v_count bigint := cardinality(p_versions);
  v_wrong text;
BEGIN
  IF v_count IS NULL OR cardinality(p_secret_ids) IS DISTINCT FROM v_count
     OR cardinality(p_dek_ids) IS DISTINCT FROM v_count
     OR cardinality(p_nonces) IS DISTINCT FROM v_count
     OR cardinality(p_encrypted_data) IS DISTINCT FROM v_count
     OR cardinality(p_expires_at) IS DISTINCT FROM v_count
     OR cardinality(p_write_macs) IS DISTINCT FROM v_count THEN
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
    WHEN octet_length(i.write_mac) IS DISTINCT FROM 32 THEN 'write_macs'
  END) INTO v_wrong
  FROM unnest(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data, p_expires_at,
              p_write_macs)
    AS i (secret_id, version, dek_id, nonce, encrypted_data, expires_at, write_mac);
  IF v_wrong IS NOT NULL THEN
    PERFORM rowseal.refuse(v_wrong);
  END IF;
END
$$;


ALTER FUNCTION rowseal.check_versions(p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[]) OWNER TO rowseal_owner;

--
-- Name: commit_durably(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.commit_durably() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END
$$;


ALTER FUNCTION rowseal.commit_durably() OWNER TO rowseal_owner;

--
-- Name: dek_active(text, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.dek_active(p_project text, p_purpose text) RETURNS TABLE(id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint, kek_revision bigint, kek_row_tag bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY
  SELECT d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key,
         d.row_tag, d.created_at, k.revision, k.row_tag
  FROM rowseal.dek d LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  WHERE d.project_id = p_project AND d.purpose = p_purpose AND d.state = 'active';
END
$$;


ALTER FUNCTION rowseal.dek_active(p_project text, p_purpose text) OWNER TO rowseal_runner;

--
-- Name: dek_insert(text, uuid, bigint, text, bigint, bytea, bytea, bytea); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.dek_insert(p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea, p_wrapped_key bytea, p_row_tag bytea) RETURNS TABLE(id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint, kek_revision bigint, kek_row_tag bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
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
    WHEN octet_length(p_row_tag) IS DISTINCT FROM 40
         OR substring(p_row_tag FROM 1 FOR 8) IS DISTINCT FROM
            (SELECT int8send(i.integrity_kek_id) FROM rowseal.installation i) THEN
      PERFORM rowseal.refuse('row_tag');
    ELSE NULL;
  END CASE;
  PERFORM set_config('rowseal.project', p_project, true);
  -- A rotation replaces keys of retired projects too.
  IF NOT EXISTS (SELECT 1 FROM rowseal.dek d WHERE d.project_id = p_project)
     AND p_project <> 'system' AND NOT rowseal.project_exists(p_project) THEN
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


ALTER FUNCTION rowseal.dek_insert(p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea, p_wrapped_key bytea, p_row_tag bytea) OWNER TO rowseal_runner;

--
-- Name: enter_project(text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.enter_project(p_project text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  IF EXISTS (SELECT 1 FROM rowseal.retired_project r WHERE r.project_id = p_project) THEN
    RAISE EXCEPTION 'project % is retired', p_project USING ERRCODE = 'RS002';
  END IF;
END
$$;


ALTER FUNCTION rowseal.enter_project(p_project text) OWNER TO rowseal_owner;

--
-- Name: finish_entry(text, uuid, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.finish_entry(p_project text, p_secret_id uuid, p_action text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION rowseal.finish_entry(p_project text, p_secret_id uuid, p_action text) OWNER TO rowseal_owner;

--
-- Name: is_name(text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.is_name(p_name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT coalesce(octet_length(p_name) BETWEEN 1 AND 255
                  AND p_name COLLATE "C" !~ E'[\\u0001-\\u001f\\u007f-\\u009f]', false)
$$;


ALTER FUNCTION rowseal.is_name(p_name text) OWNER TO rowseal_owner;

--
-- Name: is_time(bigint); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.is_time(p_time bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT coalesce(p_time BETWEEN -62135596800000000 AND 253402300799999999, false) $$;


ALTER FUNCTION rowseal.is_time(p_time bigint) OWNER TO rowseal_owner;

--
-- Name: member_projects(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.member_projects() RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY SELECT p.id::text FROM public.projects p WHERE (true);
END
$$;


ALTER FUNCTION rowseal.member_projects() OWNER TO rowseal_owner;

--
-- Name: now_micros(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.now_micros() RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;


ALTER FUNCTION rowseal.now_micros() OWNER TO rowseal_owner;

--
-- Name: project_deleted(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.project_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;


ALTER FUNCTION rowseal.project_deleted() OWNER TO rowseal_runner;

--
-- Name: project_exists(text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_projects
--

CREATE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  v_found boolean := false;
BEGIN
  -- What a policy or a view of the table's owner leaves behind, such as a deferred trigger
  -- or a cursor that outlives the transaction, would run as whoever called; it goes with
  -- what is undone here, and the variable stays.
  BEGIN
    v_found := EXISTS (SELECT 1 FROM public.projects p
      WHERE p.id = p_project::text AND format('%s', p.id) = p_project);
    RAISE EXCEPTION USING ERRCODE = 'RS000';
  EXCEPTION
    WHEN SQLSTATE 'RS000' THEN NULL;
    WHEN invalid_text_representation OR numeric_value_out_of_range THEN
      v_found := false;
  END;
  RETURN v_found;
END
$$;


ALTER FUNCTION rowseal.project_exists(p_project text) OWNER TO rowseal_projects;

--
-- Name: project_inserted(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.project_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;


ALTER FUNCTION rowseal.project_inserted() OWNER TO rowseal_runner;

--
-- Name: refuse(text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.refuse(p_argument text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'argument % of the call is out of its bounds', p_argument
    USING ERRCODE = 'RS003';
END
$$;


ALTER FUNCTION rowseal.refuse(p_argument text) OWNER TO rowseal_owner;

--
-- Name: secret_delete(text, uuid); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  PERFORM rowseal.finish_entry(p_project, p_secret_id, 'delete');
  DELETE FROM rowseal.secret_version v
  WHERE v.project_id = p_project AND v.secret_id = p_secret_id;
  DELETE FROM rowseal.secret s WHERE s.project_id = p_project AND s.id = p_secret_id;
END
$$;


ALTER FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) OWNER TO rowseal_runner;

--
-- Name: secret_get(text, text[], bigint[], uuid, bigint, text, text, text, boolean); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_get(p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) RETURNS TABLE(secret_id uuid, kind text, next_version bigint, newest_written bigint, version bigint, expires_at bigint, created_at bigint, nonce bytea, encrypted_data bytea, write_mac bytea, dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea, dek_created_at bigint, kek_revision bigint, kek_row_tag bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
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
    SELECT i.ord, s.id AS secret_id, s.kind, s.next_version,
           (SELECT max(a.version) FROM rowseal.audit_item a
            WHERE a.project_id = p_project AND a.secret_id = s.id) AS newest_written,
           v.version, v.expires_at, v.created_at, v.nonce,
           CASE WHEN octet_length(v.encrypted_data) <= 16781312 THEN v.encrypted_data END
             AS encrypted_data,
           w.write_mac, d.id AS dek_id, d.kek_id, d.purpose, d.suite, d.state, d.revision,
           d.check_value, d.wrapped_key, d.row_tag, d.created_at AS dek_created_at,
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
      SELECT substr(a.write_mac, 1, 33) AS write_mac FROM rowseal.audit_item a
      WHERE a.project_id = p_project AND a.secret_id = v.secret_id AND a.version = v.version
      ORDER BY a.number DESC LIMIT 1) w ON true
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
  SELECT f.secret_id, f.kind, f.next_version, f.newest_written, f.version, f.expires_at,
         f.created_at, f.nonce, f.encrypted_data, f.write_mac, f.dek_id, f.kek_id, f.purpose, f.suite, f.state,
         f.revision, f.check_value, f.wrapped_key, f.row_tag, f.dek_created_at, f.kek_revision,
         f.kek_row_tag
  FROM found f CROSS JOIN logged l WHERE l.is_written ORDER BY f.ord;
END
$$;


ALTER FUNCTION rowseal.secret_get(p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) OWNER TO rowseal_runner;

--
-- Name: secret_list(text, text, bigint); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint) RETURNS TABLE(name text, kind text, id uuid, newest bigint, versions bigint, expires_at bigint, created_at bigint, updated_at bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint) OWNER TO rowseal_runner;

--
-- Name: secret_lock(text, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_lock(p_project text, p_name text) RETURNS TABLE(id uuid, next_version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('rowseal.project', p_project, true);
  RETURN QUERY SELECT s.id, s.next_version FROM rowseal.secret s
  WHERE s.project_id = p_project AND s.name = p_name FOR UPDATE;
END
$$;


ALTER FUNCTION rowseal.secret_lock(p_project text, p_name text) OWNER TO rowseal_runner;

--
-- Name: secret_put(text, text[], text[], uuid[], bigint[], uuid[], bytea[], bytea[], bigint[], bytea[], uuid, bigint, text, text, text, boolean); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_put(p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_all_or_none boolean) RETURNS TABLE(outcome text, secret_id uuid, kind text, next_version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
DECLARE
  v_outcomes text[];
  v_ids uuid[];
  v_kinds text[];
  v_next bigint[];
BEGIN
  PERFORM rowseal.check_call(p_project, p_entry, p_at, p_actor, p_reason, p_action,
                             ARRAY['put', 'rollback']);
  PERFORM rowseal.check_versions(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                                 p_expires_at, p_write_macs);
  IF cardinality(p_names) IS DISTINCT FROM cardinality(p_versions)
     OR EXISTS (SELECT 1 FROM unnest(p_names) AS n (name) WHERE NOT rowseal.is_name(n.name)) THEN
    PERFORM rowseal.refuse('names');
  END IF;
  IF cardinality(p_kinds) IS DISTINCT FROM cardinality(p_versions)
     OR NOT p_kinds <@ ARRAY['webhook', 'access_token', 'workflow'] THEN
    PERFORM rowseal.refuse('kinds');
  END IF;
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
    PERFORM rowseal.write_entry(
      p_project, p_entry, p_at, p_actor, p_reason, p_action, 'done',
      string_agg(i.secret_id::text || '@' || i.version, ' ' ORDER BY i.ord))
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


ALTER FUNCTION rowseal.secret_put(p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_all_or_none boolean) OWNER TO rowseal_runner;

--
-- Name: secret_rename(text, uuid, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_rename(p_project text, p_secret_id uuid, p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF NOT rowseal.is_name(p_name) THEN
    PERFORM rowseal.refuse('name');
  END IF;
  PERFORM set_config('rowseal.project', p_project, true);
  PERFORM rowseal.finish_entry(p_project, p_secret_id, 'rename');
  UPDATE rowseal.secret s SET name = p_name WHERE s.project_id = p_project AND s.id = p_secret_id;
END
$$;


ALTER FUNCTION rowseal.secret_rename(p_project text, p_secret_id uuid, p_name text) OWNER TO rowseal_runner;

--
-- Name: secret_reseal(text, uuid[], bigint[], uuid[], bytea[], bytea[], bigint[], bytea[], bytea[], uuid); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_reseal(p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[], p_entry uuid) RETURNS TABLE(stored boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
BEGIN
  PERFORM rowseal.check_versions(p_secret_ids, p_versions, p_dek_ids, p_nonces, p_encrypted_data,
                                 p_expires_at, p_write_macs);
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
  UPDATE rowseal.audit_log a SET outcome = 'done'
  WHERE a.project_id = p_project AND a.id = p_entry AND a.action = 'expire'
    AND EXISTS (SELECT 1 FROM rowseal.audit_item i WHERE i.project_id = p_project
                  AND i.secret_id = ANY (p_secret_ids) AND i.version = ANY (p_versions)
                  AND i.entry_id = p_entry);
END
$$;


ALTER FUNCTION rowseal.secret_reseal(p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[], p_entry uuid) OWNER TO rowseal_runner;

--
-- Name: secret_version_read(text, uuid, bigint); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint) RETURNS TABLE(id uuid, name text, kind text, version bigint, expires_at bigint, nonce bytea, encrypted_data bytea, write_mac bytea, dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea, dek_created_at bigint, kek_revision bigint, kek_row_tag bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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
  SELECT s.id, s.name, s.kind, v.version, v.expires_at, v.nonce, v.encrypted_data,
         (SELECT substr(a.write_mac, 1, 33) FROM rowseal.audit_item a WHERE a.project_id = p_project
            AND a.secret_id = v.secret_id AND a.version = v.version ORDER BY a.number DESC LIMIT 1),
         d.id, d.kek_id,
         d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key, d.row_tag,
         d.created_at, k.revision, k.row_tag
  FROM rowseal.secret s
  JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id
  JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id
  LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  WHERE s.project_id = p_project AND s.id = p_secret_id AND v.version = p_version;
END
$$;


ALTER FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint) OWNER TO rowseal_runner;

--
-- Name: secret_versions(text, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.secret_versions(p_project text, p_name text) RETURNS TABLE(version bigint, expires_at bigint, created_at bigint, created_by text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION rowseal.secret_versions(p_project text, p_name text) OWNER TO rowseal_runner;

--
-- Name: store_format(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.store_format() RETURNS TABLE(format integer, has_keys boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT v.format, EXISTS (SELECT 1 FROM rowseal.installation)
                   OR EXISTS (SELECT 1 FROM rowseal.root_key) OR EXISTS (SELECT 1 FROM rowseal.kek)
  FROM rowseal.schema_version v
$$;


ALTER FUNCTION rowseal.store_format() OWNER TO rowseal_runner;

--
-- Name: time_ordered_uuid(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.time_ordered_uuid() RETURNS uuid
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid $$;


ALTER FUNCTION rowseal.time_ordered_uuid() OWNER TO rowseal_owner;

--
-- Name: trust_load(); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.trust_load() RETURNS TABLE(source text, i1 bigint, i2 bigint, i3 bigint, i4 bigint, i5 bigint, t1 text, t2 text, t3 text, t4 text, b1 bytea, b2 bytea, b3 bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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
$$;


ALTER FUNCTION rowseal.trust_load() OWNER TO rowseal_runner;

--
-- Name: value_prepare(text, text, uuid[], uuid, bigint, text, text, text, boolean); Type: FUNCTION; Schema: rowseal; Owner: rowseal_runner
--

CREATE FUNCTION rowseal.value_prepare(p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) RETURNS TABLE(column_id uuid, label text, context text, column_state text, column_revision bigint, column_row_tag bytea, column_created_at bigint, source_database text, source_table text, source_column text, source_keys text, source_project text, dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint, check_value bytea, wrapped_key bytea, row_tag bytea, created_at bigint, kek_revision bigint, kek_row_tag bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
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
         NULL::bytea, NULL::bytea, NULL::bytea, NULL::bigint, NULL::bigint, NULL::bytea
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
         d.row_tag, d.created_at, k.revision, k.row_tag
  FROM unnest(CASE WHEN cardinality(p_dek_ids) > 0 THEN p_dek_ids ELSE ARRAY[NULL::uuid] END)
    WITH ORDINALITY AS i (id, ord)
  LEFT JOIN rowseal.dek d ON d.project_id = p_project
    AND CASE WHEN i.id IS NULL THEN d.purpose = 'value' AND d.state = 'active' ELSE d.id = i.id END
  LEFT JOIN rowseal.kek k ON k.id = d.kek_id
  ORDER BY i.ord;
END
$$;


ALTER FUNCTION rowseal.value_prepare(p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) OWNER TO rowseal_runner;

--
-- Name: was_granted(text, uuid, text, text, text, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.was_granted(p_project text, p_entry uuid, p_actor text, p_reason text, p_action text, p_object text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION rowseal.was_granted(p_project text, p_entry uuid, p_actor text, p_reason text, p_action text, p_object text) OWNER TO rowseal_owner;

--
-- Name: write_entry(text, uuid, bigint, text, text, text, text, text); Type: FUNCTION; Schema: rowseal; Owner: rowseal_owner
--

CREATE FUNCTION rowseal.write_entry(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION rowseal.write_entry(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) OWNER TO rowseal_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: projects; Type: TABLE; Schema: public; Owner: mason
--

CREATE TABLE public.projects (
    id text NOT NULL,
    owner uuid NOT NULL
);


ALTER TABLE public.projects OWNER TO mason;

--
-- Name: secret; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.secret (
    project_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    next_version bigint NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT secret_project_id_check CHECK ((project_id <> ''::text))
)
WITH (fillfactor='90');

ALTER TABLE ONLY rowseal.secret FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.secret OWNER TO rowseal_owner;

--
-- Name: secret_version; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.secret_version (
    project_id text NOT NULL COLLATE pg_catalog."C",
    secret_id uuid NOT NULL,
    version bigint NOT NULL,
    dek_id uuid NOT NULL,
    nonce bytea NOT NULL,
    encrypted_data bytea NOT NULL,
    expires_at bigint,
    created_at bigint NOT NULL,
    created_by text NOT NULL
)
WITH (fillfactor='90');
ALTER TABLE ONLY rowseal.secret_version ALTER COLUMN encrypted_data SET STORAGE EXTERNAL;

ALTER TABLE ONLY rowseal.secret_version FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.secret_version OWNER TO rowseal_owner;

--
-- Name: secret_metadata; Type: VIEW; Schema: public; Owner: mason
--

CREATE VIEW public.secret_metadata WITH (security_invoker='true') AS
 SELECT s.project_id,
    s.id,
    s.name,
    s.kind,
    v.version AS newest_version,
    to_timestamp((((s.created_at)::numeric / '1000000'::numeric))::double precision) AS created_at,
    to_timestamp((((v.created_at)::numeric / '1000000'::numeric))::double precision) AS updated_at,
    v.created_by AS updated_by,
    to_timestamp((((v.expires_at)::numeric / '1000000'::numeric))::double precision) AS expires_at
   FROM (rowseal.secret s
     JOIN rowseal.secret_version v ON (((v.project_id = s.project_id) AND (v.secret_id = s.id) AND (v.version = (s.next_version - 1)))));


ALTER TABLE public.secret_metadata OWNER TO mason;

--
-- Name: audit_item; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.audit_item (
    project_id text NOT NULL COLLATE pg_catalog."C",
    secret_id uuid NOT NULL,
    version bigint NOT NULL,
    number bigint NOT NULL,
    entry_id uuid NOT NULL,
    write_mac bytea NOT NULL
);

ALTER TABLE ONLY rowseal.audit_item FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.audit_item OWNER TO rowseal_owner;

--
-- Name: audit_item_number_seq; Type: SEQUENCE; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.audit_item ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowseal.audit_item_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: audit_log; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.audit_log (
    project_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    object text NOT NULL,
    CONSTRAINT audit_log_project_id_check CHECK ((project_id <> ''::text))
);

ALTER TABLE ONLY rowseal.audit_log FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.audit_log OWNER TO rowseal_owner;

--
-- Name: dek; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.dek (
    project_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    kek_id bigint NOT NULL,
    purpose text NOT NULL,
    suite smallint NOT NULL,
    state text NOT NULL,
    revision bigint NOT NULL,
    check_value bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    row_tag bytea NOT NULL,
    created_at bigint NOT NULL,
    deactivated_at bigint,
    drained_at bigint,
    CONSTRAINT dek_project_id_check CHECK ((project_id <> ''::text))
)
WITH (fillfactor='90');

ALTER TABLE ONLY rowseal.dek FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.dek OWNER TO rowseal_owner;

--
-- Name: destroyed_key; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.destroyed_key (
    project_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    id text NOT NULL,
    scope text NOT NULL COLLATE pg_catalog."C",
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
    CONSTRAINT destroyed_key_project_id_check CHECK ((project_id <> ''::text))
);

ALTER TABLE ONLY rowseal.destroyed_key FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.destroyed_key OWNER TO rowseal_owner;

--
-- Name: encrypted_secrets; Type: VIEW; Schema: rowseal; Owner: rowseal_owner
--

CREATE VIEW rowseal.encrypted_secrets WITH (security_invoker='true') AS
 SELECT s.id,
    s.project_id,
    v.encrypted_data,
    v.nonce,
    d.kek_id
   FROM ((rowseal.secret s
     JOIN rowseal.secret_version v ON (((v.project_id = s.project_id) AND (v.secret_id = s.id) AND (v.version = (s.next_version - 1)))))
     JOIN rowseal.dek d ON (((d.project_id = v.project_id) AND (d.id = v.dek_id))));


ALTER TABLE rowseal.encrypted_secrets OWNER TO rowseal_owner;

--
-- Name: installation; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.installation (
    singleton integer NOT NULL,
    id uuid NOT NULL,
    epoch bigint NOT NULL,
    next_kek_id bigint NOT NULL,
    next_root_id bigint NOT NULL,
    integrity_kek_id bigint NOT NULL,
    projects_table text NOT NULL,
    project_key_type text NOT NULL,
    trust_tag bytea NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT installation_singleton_check CHECK ((singleton = 1))
);


ALTER TABLE rowseal.installation OWNER TO rowseal_owner;

--
-- Name: job; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.job (
    id uuid NOT NULL,
    kind text NOT NULL,
    object text NOT NULL COLLATE pg_catalog."C",
    argument text NOT NULL,
    state text NOT NULL,
    run bigint NOT NULL,
    "position" text NOT NULL,
    total bigint NOT NULL,
    done bigint NOT NULL,
    failed bigint NOT NULL,
    owner text,
    lease_until bigint,
    created_at bigint NOT NULL,
    started_at bigint,
    changed_at bigint NOT NULL
)
WITH (fillfactor='50');


ALTER TABLE rowseal.job OWNER TO rowseal_owner;

--
-- Name: job_failure; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.job_failure (
    job_id uuid NOT NULL,
    item text NOT NULL COLLATE pg_catalog."C",
    message text NOT NULL
);


ALTER TABLE rowseal.job_failure OWNER TO rowseal_owner;

--
-- Name: kek; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.kek (
    id bigint NOT NULL,
    scope text NOT NULL COLLATE pg_catalog."C",
    purpose text NOT NULL,
    suite smallint NOT NULL,
    state text NOT NULL,
    resumes_to text,
    revision bigint NOT NULL,
    check_value bytea NOT NULL,
    row_tag bytea NOT NULL,
    created_at bigint NOT NULL,
    compromised_at bigint,
    destroy_at bigint
);


ALTER TABLE rowseal.kek OWNER TO rowseal_owner;

--
-- Name: kek_wrapping; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.kek_wrapping (
    kek_id bigint NOT NULL,
    root_id bigint NOT NULL,
    secret bytea NOT NULL,
    key bytea NOT NULL
);


ALTER TABLE rowseal.kek_wrapping OWNER TO rowseal_owner;

--
-- Name: policy; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.policy (
    name text NOT NULL,
    value text NOT NULL,
    changed_at bigint NOT NULL
);


ALTER TABLE rowseal.policy OWNER TO rowseal_owner;

--
-- Name: retired_project; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.retired_project (
    project_id text NOT NULL COLLATE pg_catalog."C",
    retired_at bigint NOT NULL,
    destroy_at bigint,
    destroyed_at bigint,
    CONSTRAINT retired_project_project_id_check CHECK ((project_id <> ''::text))
);

ALTER TABLE ONLY rowseal.retired_project FORCE ROW LEVEL SECURITY;


ALTER TABLE rowseal.retired_project OWNER TO rowseal_owner;

--
-- Name: root_key; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.root_key (
    id bigint NOT NULL,
    uri text NOT NULL,
    scope text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    public_part bytea NOT NULL,
    state text NOT NULL,
    revision bigint NOT NULL,
    row_tag bytea NOT NULL,
    created_at bigint NOT NULL
);


ALTER TABLE rowseal.root_key OWNER TO rowseal_owner;

--
-- Name: schema_version; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.schema_version (
    singleton integer NOT NULL,
    format integer NOT NULL,
    CONSTRAINT schema_version_singleton_check CHECK ((singleton = 1))
);


ALTER TABLE rowseal.schema_version OWNER TO rowseal_owner;

--
-- Name: sealed_column; Type: TABLE; Schema: rowseal; Owner: rowseal_owner
--

CREATE TABLE rowseal.sealed_column (
    id uuid NOT NULL,
    label text NOT NULL COLLATE pg_catalog."C",
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


ALTER TABLE rowseal.sealed_column OWNER TO rowseal_owner;

--
-- Data for Name: projects; Type: TABLE DATA; Schema: public; Owner: mason
--

COPY public.projects (id, owner) FROM stdin;
acme	aaaaaaaa-0000-4000-8000-000000000001
日本	aaaaaaaa-0000-4000-8000-000000000002
\.


--
-- Data for Name: audit_item; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.audit_item (project_id, secret_id, version, number, entry_id, write_mac) FROM stdin;
acme	cc438c80-d8d1-4866-bada-557ad125972f	1	1	01a231a5-f679-7ea3-9446-69372b2e8fe6	\\xea055251a054995d4c8ed0c2a65289485d7f0c4536b13d0d0740b7a156c69534
acme	cc438c80-d8d1-4866-bada-557ad125972f	2	2	01a231a5-f6a4-7f68-8124-92b99e196b8a	\\x0d5a049e4792b1cbebbdc29b5147e92984202f888448b6d1ba985fb51a6daf6c
acme	9e814769-21cc-4c75-bf9f-5aff95e361db	1	3	01a231a5-f6c2-7143-bb8d-e9056b2d71f1	\\x41415905c294f2e5bec0fc65f998938c864d4f97afe21e8eb9253ffc0f20de38
acme	17d11c7f-a12f-4f01-a06d-a253a6069c51	1	4	01a231a5-f6fd-7f02-8fc1-218dd0ae7032	\\x0b02f72f382f26a27c1aee86d50edf533acdc96b26ec13305aeea2ad10b659ef
acme	00626893-9cbf-4dca-9b84-7bdfb7c04de8	1	5	01a231a5-f728-7964-920c-a41798b9d8cd	\\x67bb71db3148d8ca4159140f568b9dc377e16a50f5fa30a2c4acbc281f70a33c
日本	47492cfc-fa19-4693-a0bf-46d8de79a3dd	1	6	01a231a5-f780-7974-92a3-a7f8a14c4e58	\\x1d47114d1a0f64570d566d6bb86ed3122d132a0d06a8aa160263e184ef4227c0
acme	9e814769-21cc-4c75-bf9f-5aff95e361db	1	7	01a231a5-f7a6-7ebc-9ab8-22c6d0f1a721	\\x286cb962b27ed3bc2fe0a8f41954d1772c421102cf46ee39fcf8d1ff47f54836
acme	17d11c7f-a12f-4f01-a06d-a253a6069c51	1	8	01a231a5-f853-7160-b5cb-28c45969b359	\\xc54b4df9276267c443ff21dafb6eac3aa5b3a9ea170e19b4b95544d7c5cdaec0
acme	9e814769-21cc-4c75-bf9f-5aff95e361db	1	9	01a231a5-f853-7160-b5cb-28c45969b359	\\xc52e9fb8d90c9aac41e10b2d1af10aea7703629d65d71b8b74cb38e369218f94
acme	cc438c80-d8d1-4866-bada-557ad125972f	1	10	01a231a5-f853-7160-b5cb-28c45969b359	\\x3bf88bcc65bc4f7b92065464b6a481f9a52b234cc23cefae56927b7d015e7079
acme	cc438c80-d8d1-4866-bada-557ad125972f	2	11	01a231a5-f853-7160-b5cb-28c45969b359	\\x6e2a53cf19e1d9a88be1e6b4938c68a4c7825125959b726e26a9af30cea9704d
acme	cc438c80-d8d1-4866-bada-557ad125972f	3	12	01a231a5-f8a8-78d4-b2ad-758b8f986b0a	\\xf32ca4d37b228e17b2296ceef8f2188494263beb1e36dc30ef47c4bec934f702
\.


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.audit_log (project_id, id, at, actor, reason, action, outcome, object) FROM stdin;
system	01a231a5-f60f-7476-b037-66c6b6596cb9	1796129289743279	golden		init	done	48ce7ffa-7cb0-4bce-98ed-cc3b24340881
acme	01a231a5-f679-7ea3-9446-69372b2e8fe6	1796129289849915	golden		put	done	cc438c80-d8d1-4866-bada-557ad125972f@1
acme	01a231a5-f6a4-7f68-8124-92b99e196b8a	1796129289892963	golden		put	done	cc438c80-d8d1-4866-bada-557ad125972f@2
acme	01a231a5-f6c2-7143-bb8d-e9056b2d71f1	1796129289922079	golden		put	done	9e814769-21cc-4c75-bf9f-5aff95e361db@1
acme	01a231a5-f6fd-7f02-8fc1-218dd0ae7032	1796129289981938	golden		put	done	17d11c7f-a12f-4f01-a06d-a253a6069c51@1
acme	01a231a5-f728-7964-920c-a41798b9d8cd	1796129290024587	golden		put	done	00626893-9cbf-4dca-9b84-7bdfb7c04de8@1
acme	01a231a5-f75b-750e-82e1-81e7e8825c9f	1796129290075316	golden		delete	done	00626893-9cbf-4dca-9b84-7bdfb7c04de8
日本	01a231a5-f780-7974-92a3-a7f8a14c4e58	1796129290112591	golden		put	done	47492cfc-fa19-4693-a0bf-46d8de79a3dd@1
acme	01a231a5-f7a6-7ebc-9ab8-22c6d0f1a721	1796129290150921	golden		rename	done	9e814769-21cc-4c75-bf9f-5aff95e361db
system	01a231a5-f7cf-74c8-8e9b-ad1ab7ace9e7	1796129290191299	golden		column.add	done	063a1ec1-40c2-40db-b216-993fec8caa2b
system	01a231a5-f815-7e5e-86cc-f3aa9e74f681	1796129290261898	golden		kek.rotate	done	1 3
acme	01a231a5-f83c-7849-9386-ced22fbe1cca	1796129290300518	golden		dek.rotate	done	cdab94ca-b120-4139-926c-3b80d7fe0683 b577d9cf-6bed-41fb-8299-88671dc29cbc
acme	01a231a5-f840-7958-b22e-967147485346	1796129290304584	golden		dek.rotate	done	3b39e9fb-f757-488d-966c-35eb64df977d 27c9c2e7-e9c5-47f1-b488-1d3ab72d8e45
acme	01a231a5-f853-7160-b5cb-28c45969b359	1796129290323086	golden		reseal	done	job 01a231a5-f839-7076-b726-982b91373d06
acme	01a231a5-f8a8-78d4-b2ad-758b8f986b0a	1796129290408552	golden		put	done	cc438c80-d8d1-4866-bada-557ad125972f@3
\.


--
-- Data for Name: dek; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.dek (project_id, id, kek_id, purpose, suite, state, revision, check_value, wrapped_key, row_tag, created_at, deactivated_at, drained_at) FROM stdin;
日本	4998ba43-dd17-45a7-96d7-2ef7ae7baf65	3	secret	1	active	1	\\xebda7be684afdd241e737a6353eb083211bfa87961a02bd6682c2019a358243c	\\x010120208910887be6058238b22b0e496314344d998b1774968df61741614b8b1930cfaaaf2317b7e0ec3be5c716c17d79bbe02b94078ac4defebd36f00888b7e9035d182ad4d7699f54	\\x000000000000000282bb4290fc60f33e025aa6c92a2d2ed82d096cafeb600a23eb617dccd039c3c0	1796129290111248	\N	\N
acme	b577d9cf-6bed-41fb-8299-88671dc29cbc	3	secret	1	active	1	\\xcb528cbe6e17aedfd0cceeacfca0b59fa2c67c7cb58384b2f320955d8cec17db	\\x01010e389e8ebcbe38c676c2029817363740a6ebce5dc5baed111e147292fbbba4fcffafeb47bd4bbd21ce1ca4ade4d805f7813a8ae891b42c2926c9c0776ab3d77b794489a573fcd8ce	\\x000000000000000239783c53f83567a246bbf716379d3b549a6748ca219921a98ad0c35ea847eaae	1796129290299728	\N	\N
acme	3b39e9fb-f757-488d-966c-35eb64df977d	3	value	1	deactivated	2	\\xa4536b025c430a6e005e6194cb67533cc236e3de95c394861bd250efb8e23885	\\x0101066ac6a1248820601388e351fac3d87f4de8dd42233b5a0e4bfbe2d1189a3e30fecd3ae516e9a9c6f32d9abf7edb520cc54c95a6a4c366061df1523ef3ec107bb9abe58b7f72e53b	\\x0000000000000002bd1a79408e4dcd99586eeb2846f77d8d05ffd96cdb2b76918a1926551c326af7	1796129290226659	1796129290297029	\N
acme	27c9c2e7-e9c5-47f1-b488-1d3ab72d8e45	3	value	1	active	1	\\x05976f502e8cf7ea708f5536efaf92c09d3c1fd3ef21ebea05b007f4fae8a72d	\\x010139e8fe131ecd2266861c43b29ef6e06da674ab1ab3cf806f116fda7474603cf022c95d15c74437e81e45fe37bbd12cddbcf519a232a4e69ca6e5d1b01de60f656688bd8161c78780	\\x0000000000000002c9fb2b74d9b98a6fb2a34cf617991415135ba3c102505084f65bcda7913465cd	1796129290304026	\N	\N
acme	cdab94ca-b120-4139-926c-3b80d7fe0683	3	secret	1	deactivated	2	\\x8e32693559c34ba6f6f1ed71cd132802221646e099bb10d6686a9b90d76b4468	\\x010199410d89ec0d2e05e136c550925799986c369af23e7df6fdd7aef9cbec45c101e7a1620f1dafa6a95a0a36a040ebca46aae1c2781279cf36481ae3e3c263e5a64a03f49779798ccd	\\x0000000000000002fcde4a8a1ef0f651ba283569cee44d2d4952ce22c788a0a1e9edcb745f60d54d	1796129289848318	1796129290297029	1796129290338518
\.


--
-- Data for Name: destroyed_key; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.destroyed_key (project_id, kind, id, scope, purpose, suite, state, revision, check_value, created_at, destroyed_at, actor, reason, census) FROM stdin;
\.


--
-- Data for Name: installation; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.installation (singleton, id, epoch, next_kek_id, next_root_id, integrity_kek_id, projects_table, project_key_type, trust_tag, created_at) FROM stdin;
1	48ce7ffa-7cb0-4bce-98ed-cc3b24340881	2	4	2	2	public.projects.id	text	\\x00000000000000028bf71b14eedd82b8d2a46fd60147a1606d08932948c956ba9112de048c50cd5a	1796129289743279
\.


--
-- Data for Name: job; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.job (id, kind, object, argument, state, run, "position", total, done, failed, owner, lease_until, created_at, started_at, changed_at) FROM stdin;
01a231a5-f839-7076-b726-982b91373d06	reseal	acme		done	1	drained\nacme\ncdab94ca-b120-4139-926c-3b80d7fe0683\n0	4	4	0	\N	\N	1796129290297029	1796129290311967	1796129290338518
\.


--
-- Data for Name: job_failure; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.job_failure (job_id, item, message) FROM stdin;
\.


--
-- Data for Name: kek; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.kek (id, scope, purpose, suite, state, resumes_to, revision, check_value, row_tag, created_at, compromised_at, destroy_at) FROM stdin;
2	default	integrity	1	active	\N	1	\\x671ff7736190172c8a99c42441c2abbf6c6d22f8b0116ec35df155d773ddfb29	\\x0000000000000002966c3a8967e9aa4f91f3ec3073f956a355fccb344a026152589709fb96dab6bd	1796129289743279	\N	\N
1	default	wrap	1	deactivated	\N	2	\\x006aae6c3aa4b3b9572e201f9a10d0605bbd9e8566cd27f0f102174639b7b437	\\x0000000000000002b9c1e2027ae9497bd756a015d41098254cfab296d585f9dbb45b7ae8ded2c343	1796129289743279	\N	\N
3	default	wrap	1	active	\N	1	\\x4984fdefcf2bd934a2e599e9438181ddd4d39cf5f1e4f15098aa2027d95ee15c	\\x0000000000000002976645269bf3bca485f6836cc8b12afeaf51308c1e2bd8f242170e473f6c482d	1796129290254234	\N	\N
\.


--
-- Data for Name: kek_wrapping; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.kek_wrapping (kek_id, root_id, secret, key) FROM stdin;
1	1	\\x0101b122a094be57c7cafdce7e531f77b5beebe3b2332113de3bc336038d25bc98d9191cb243722b43c2780043b1951ccae5bf98dfbf589bdb9ebead4d1a7241c9c14dbfb4b35ac7fc7d	\\x0101d3f76d32534e73d262ac73ac9a52a218554797d601eed200af1d585fd88776786c8b4fbee00e4e5282964a117218e0af3c143bde5adbe4aba755859cdce78c44573a9fe74b3ff283
2	1	\\x0101b0cb08fb64d23b0de64c9855dca6f040affc6fdf8fb552715fc0c4e1190ca7c781e74954381b89807c060b6da74af894dacffea187653f203d8908c4db55759016242eb6ba818b19	\\x01011f6a6142f63105f1a8df4fd2d569a54f819fc017517a4e6316fa5e2cdbed82e82853afd3fd81ca2784f2fd4e2307c43244e8af41e6af99370f432ca7022a6d7ec83ba8342b10b6c1
3	1	\\x0101df380d8763e8bd2d9ecfed2a6d89d60bb3a8587b2c703fc47258cc38f51896766cc641a9b1e3474593e43beaaee5f8a99d4edd7a3b382b16480ed70c74f1132f54ebbe3678c6fdbd	\\x01018485abbf3c9d028e80955a28c6d683739881dbda4c19e5d278525c469fba174dbaf3832d81d0b6993e5fde9779798afa3d0284fa9b09aa846315661c14005bdeba975d1642d256c3
\.


--
-- Data for Name: policy; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.policy (name, value, changed_at) FROM stdin;
\.


--
-- Data for Name: retired_project; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.retired_project (project_id, retired_at, destroy_at, destroyed_at) FROM stdin;
\.


--
-- Data for Name: root_key; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.root_key (id, uri, scope, fingerprint, public_part, state, revision, row_tag, created_at) FROM stdin;
1	file:/srv/golden/root.key	default	\\x1994eac294acbef302e087b2b72f0f2437f7cd40573038d787e540ee890054d6	\\x	active	1	\\x00000000000000029d4340009ff403575fa33051fcde672f08df1e423c248a4bdd7778b33a1c0839	1796129289743279
\.


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.schema_version (singleton, format) FROM stdin;
1	2
\.


--
-- Data for Name: sealed_column; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.sealed_column (id, label, context, state, revision, row_tag, created_at, source_database, source_table, source_column, source_keys, source_project, scanned_at) FROM stdin;
063a1ec1-40c2-40db-b216-993fec8caa2b	workflows.definition	field	active	1	\\x000000000000000225cf80d21625ff4f17777996d283d5606eddae5782b271d91a95e63c65d37832	1796129290190936	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: secret; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.secret (project_id, id, name, kind, next_version, created_at) FROM stdin;
acme	17d11c7f-a12f-4f01-a06d-a253a6069c51	expires	workflow	2	1796129289981938
日本	47492cfc-fa19-4693-a0bf-46d8de79a3dd	café	workflow	2	1796129290112591
acme	9e814769-21cc-4c75-bf9f-5aff95e361db	stripe secret	webhook	2	1796129289922079
acme	cc438c80-d8d1-4866-bada-557ad125972f	GITHUB_TOKEN	access_token	4	1796129289849915
\.


--
-- Data for Name: secret_version; Type: TABLE DATA; Schema: rowseal; Owner: rowseal_owner
--

COPY rowseal.secret_version (project_id, secret_id, version, dek_id, nonce, encrypted_data, expires_at, created_at, created_by) FROM stdin;
日本	47492cfc-fa19-4693-a0bf-46d8de79a3dd	1	4998ba43-dd17-45a7-96d7-2ef7ae7baf65	\\x1f85fd6de2aeb33d2f340cca80c58b41a8d7fe6c9483ba6d	\\x24c4b897b17e4505347bbf056a856cbc59eace2e4c816a8c96a0177c7b5a471793aa19157755e922e999aa99eefb1b55	\N	1796129290112591	golden
acme	17d11c7f-a12f-4f01-a06d-a253a6069c51	1	b577d9cf-6bed-41fb-8299-88671dc29cbc	\\xb70ed7994bf6f2d0f08fd2ce3f2b654688bf4fb0bd8ce44d	\\x7242f701e453f1f01e71ea01e8490c974d85af85c18b3c87d55396e07f8f827c35e5895d182a8c3e53daad6fed352205	4071006245000000	1796129289981938	golden
acme	9e814769-21cc-4c75-bf9f-5aff95e361db	1	b577d9cf-6bed-41fb-8299-88671dc29cbc	\\x177ffda938d7c142b75ad483433115f8f6aeb7cf148e99a4	\\x15cb0f71ed9259b6d376a9c705f293710c536af51a2628b64278bd7ce8394b63aee8dc7e8fd8a7f1f9b38335411e07f6	\N	1796129289922079	golden
acme	cc438c80-d8d1-4866-bada-557ad125972f	1	b577d9cf-6bed-41fb-8299-88671dc29cbc	\\x447b2d5d648caab56b8a4968149d90c162c1dc8da12ba694	\\x5e48ad12f564511a02ef6f18b5e0eb0b42cfe1548638a090d1cd9452ccff800b4ea9d7cbb3fe8740dcac6c2a252683ca	\N	1796129289849915	golden
acme	cc438c80-d8d1-4866-bada-557ad125972f	2	b577d9cf-6bed-41fb-8299-88671dc29cbc	\\x6c48bc53bf333d98118490d76617f0c6d79ac7a59098606d	\\x9122fc21fb5e31315dd7d0590803ebf686dc5e2c3be8ae6e198fb406f9f10a2519e9f311315a84eaee051379204990ae	\N	1796129289892963	golden
acme	cc438c80-d8d1-4866-bada-557ad125972f	3	b577d9cf-6bed-41fb-8299-88671dc29cbc	\\x25c27d9fba5f2cefe68bce694b0f029ce5e51e059657f1ec	\\x675a8151febd9cd2f8d8729dce35eb878ae7761744f13bd2981f1b48284eda30a76d5be52dceeca2aca8d255d394ac66	\N	1796129290408552	golden
\.


--
-- Name: audit_item_number_seq; Type: SEQUENCE SET; Schema: rowseal; Owner: rowseal_owner
--

SELECT pg_catalog.setval('rowseal.audit_item_number_seq', 12, true);


--
-- Name: projects projects_pkey; Type: CONSTRAINT; Schema: public; Owner: mason
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);


--
-- Name: audit_item audit_item_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.audit_item
    ADD CONSTRAINT audit_item_pkey PRIMARY KEY (project_id, secret_id, version, number);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (project_id, id);


--
-- Name: dek dek_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.dek
    ADD CONSTRAINT dek_pkey PRIMARY KEY (project_id, id);


--
-- Name: destroyed_key destroyed_key_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.destroyed_key
    ADD CONSTRAINT destroyed_key_pkey PRIMARY KEY (project_id, kind, id);


--
-- Name: installation installation_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (singleton);


--
-- Name: job_failure job_failure_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.job_failure
    ADD CONSTRAINT job_failure_pkey PRIMARY KEY (job_id, item);


--
-- Name: job job_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);


--
-- Name: kek kek_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.kek
    ADD CONSTRAINT kek_pkey PRIMARY KEY (id);


--
-- Name: kek_wrapping kek_wrapping_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.kek_wrapping
    ADD CONSTRAINT kek_wrapping_pkey PRIMARY KEY (kek_id, root_id);


--
-- Name: policy policy_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (name);


--
-- Name: retired_project retired_project_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.retired_project
    ADD CONSTRAINT retired_project_pkey PRIMARY KEY (project_id);


--
-- Name: root_key root_key_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.root_key
    ADD CONSTRAINT root_key_pkey PRIMARY KEY (id);


--
-- Name: schema_version schema_version_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (singleton);


--
-- Name: sealed_column sealed_column_label_key; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.sealed_column
    ADD CONSTRAINT sealed_column_label_key UNIQUE (label);


--
-- Name: sealed_column sealed_column_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.sealed_column
    ADD CONSTRAINT sealed_column_pkey PRIMARY KEY (id);


--
-- Name: secret secret_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (project_id, id);


--
-- Name: secret secret_project_id_name_key; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.secret
    ADD CONSTRAINT secret_project_id_name_key UNIQUE (project_id, name);


--
-- Name: secret_version secret_version_pkey; Type: CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.secret_version
    ADD CONSTRAINT secret_version_pkey PRIMARY KEY (project_id, secret_id, version);


--
-- Name: dek_one_active; Type: INDEX; Schema: rowseal; Owner: rowseal_owner
--

CREATE UNIQUE INDEX dek_one_active ON rowseal.dek USING btree (project_id, purpose) WHERE (state = 'active'::text);


--
-- Name: job_one_unfinished; Type: INDEX; Schema: rowseal; Owner: rowseal_owner
--

CREATE UNIQUE INDEX job_one_unfinished ON rowseal.job USING btree (kind, object) WHERE (state = ANY (ARRAY['ready'::text, 'paused'::text, 'failed'::text]));


--
-- Name: kek_one_active; Type: INDEX; Schema: rowseal; Owner: rowseal_owner
--

CREATE UNIQUE INDEX kek_one_active ON rowseal.kek USING btree (scope, purpose) WHERE (state = 'active'::text);


--
-- Name: projects rowseal_project_deleted; Type: TRIGGER; Schema: public; Owner: mason
--

CREATE TRIGGER rowseal_project_deleted AFTER DELETE ON public.projects FOR EACH ROW EXECUTE FUNCTION rowseal.project_deleted('id');


--
-- Name: projects rowseal_project_inserted; Type: TRIGGER; Schema: public; Owner: mason
--

CREATE TRIGGER rowseal_project_inserted AFTER INSERT ON public.projects FOR EACH ROW EXECUTE FUNCTION rowseal.project_inserted('id');


--
-- Name: audit_item audit_item_project_id_entry_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.audit_item
    ADD CONSTRAINT audit_item_project_id_entry_id_fkey FOREIGN KEY (project_id, entry_id) REFERENCES rowseal.audit_log(project_id, id) ON DELETE RESTRICT;


--
-- Name: dek dek_kek_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.dek
    ADD CONSTRAINT dek_kek_id_fkey FOREIGN KEY (kek_id) REFERENCES rowseal.kek(id) ON DELETE RESTRICT;


--
-- Name: installation installation_integrity_kek_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.installation
    ADD CONSTRAINT installation_integrity_kek_id_fkey FOREIGN KEY (integrity_kek_id) REFERENCES rowseal.kek(id) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED;


--
-- Name: job_failure job_failure_job_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.job_failure
    ADD CONSTRAINT job_failure_job_id_fkey FOREIGN KEY (job_id) REFERENCES rowseal.job(id) ON DELETE RESTRICT;


--
-- Name: kek_wrapping kek_wrapping_kek_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.kek_wrapping
    ADD CONSTRAINT kek_wrapping_kek_id_fkey FOREIGN KEY (kek_id) REFERENCES rowseal.kek(id) ON DELETE RESTRICT;


--
-- Name: kek_wrapping kek_wrapping_root_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.kek_wrapping
    ADD CONSTRAINT kek_wrapping_root_id_fkey FOREIGN KEY (root_id) REFERENCES rowseal.root_key(id) ON DELETE RESTRICT;


--
-- Name: secret_version secret_version_project_id_dek_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.secret_version
    ADD CONSTRAINT secret_version_project_id_dek_id_fkey FOREIGN KEY (project_id, dek_id) REFERENCES rowseal.dek(project_id, id) ON DELETE RESTRICT;


--
-- Name: secret_version secret_version_project_id_secret_id_fkey; Type: FK CONSTRAINT; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE ONLY rowseal.secret_version
    ADD CONSTRAINT secret_version_project_id_secret_id_fkey FOREIGN KEY (project_id, secret_id) REFERENCES rowseal.secret(project_id, id) ON DELETE RESTRICT;


--
-- Name: projects all_of_them; Type: POLICY; Schema: public; Owner: mason
--

CREATE POLICY all_of_them ON public.projects TO app USING (true);


--
-- Name: projects; Type: ROW SECURITY; Schema: public; Owner: mason
--

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;

--
-- Name: projects rowseal_projects; Type: POLICY; Schema: public; Owner: mason
--

CREATE POLICY rowseal_projects ON public.projects FOR SELECT TO rowseal_projects USING (true);


--
-- Name: audit_item; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.audit_item ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_item auditor; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY auditor ON rowseal.audit_item FOR SELECT TO rowseal_auditor USING (true);


--
-- Name: audit_log auditor; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY auditor ON rowseal.audit_log FOR SELECT TO rowseal_auditor USING (true);


--
-- Name: destroyed_key auditor; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY auditor ON rowseal.destroyed_key FOR SELECT TO rowseal_auditor USING (true);


--
-- Name: dek; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.dek ENABLE ROW LEVEL SECURITY;

--
-- Name: destroyed_key; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.destroyed_key ENABLE ROW LEVEL SECURITY;

--
-- Name: secret members; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY members ON rowseal.secret FOR SELECT TO members USING ((project_id IN ( SELECT rowseal.member_projects() AS member_projects)));


--
-- Name: secret_version members; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY members ON rowseal.secret_version FOR SELECT TO members USING ((project_id IN ( SELECT rowseal.member_projects() AS member_projects)));


--
-- Name: audit_item operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.audit_item TO rowseal_operator USING (true);


--
-- Name: audit_log operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.audit_log TO rowseal_operator USING (true);


--
-- Name: dek operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.dek TO rowseal_operator USING (true);


--
-- Name: destroyed_key operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.destroyed_key TO rowseal_operator USING (true);


--
-- Name: retired_project operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.retired_project TO rowseal_operator USING (true);


--
-- Name: secret operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.secret TO rowseal_operator USING (true);


--
-- Name: secret_version operator; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY operator ON rowseal.secret_version TO rowseal_operator USING (true);


--
-- Name: retired_project; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.retired_project ENABLE ROW LEVEL SECURITY;

--
-- Name: secret; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.secret ENABLE ROW LEVEL SECURITY;

--
-- Name: secret_version; Type: ROW SECURITY; Schema: rowseal; Owner: rowseal_owner
--

ALTER TABLE rowseal.secret_version ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_item tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.audit_item TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: audit_log tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.audit_log TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: dek tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.dek TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: destroyed_key tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.destroyed_key TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: retired_project tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.retired_project TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: secret tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.secret TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: secret_version tenant; Type: POLICY; Schema: rowseal; Owner: rowseal_owner
--

CREATE POLICY tenant ON rowseal.secret_version TO rowseal_owner, rowseal_runner USING ((project_id = NULLIF(current_setting('rowseal.project'::text, true), ''::text)));


--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: mason
--

GRANT USAGE ON SCHEMA public TO rowseal_projects;


--
-- Name: SCHEMA rowseal; Type: ACL; Schema: -; Owner: rowseal_owner
--

GRANT USAGE ON SCHEMA rowseal TO rowseal_service;
GRANT USAGE ON SCHEMA rowseal TO rowseal_operator;
GRANT USAGE ON SCHEMA rowseal TO rowseal_auditor;
GRANT USAGE ON SCHEMA rowseal TO rowseal_runner;


--
-- Name: FUNCTION audit_append(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.audit_append(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.audit_append(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.audit_append(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) TO rowseal_operator;


--
-- Name: FUNCTION begun_entry(p_project text, p_secret_id uuid, p_version bigint, p_actions text[]); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.begun_entry(p_project text, p_secret_id uuid, p_version bigint, p_actions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.begun_entry(p_project text, p_secret_id uuid, p_version bigint, p_actions text[]) TO rowseal_runner;


--
-- Name: FUNCTION check_call(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_actions text[]); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.check_call(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_actions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.check_call(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_actions text[]) TO rowseal_runner;


--
-- Name: FUNCTION check_versions(p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[]); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.check_versions(p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.check_versions(p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[]) TO rowseal_runner;


--
-- Name: FUNCTION commit_durably(); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.commit_durably() FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.commit_durably() TO rowseal_runner;


--
-- Name: FUNCTION dek_active(p_project text, p_purpose text); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.dek_active(p_project text, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.dek_active(p_project text, p_purpose text) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.dek_active(p_project text, p_purpose text) TO rowseal_operator;


--
-- Name: FUNCTION dek_insert(p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea, p_wrapped_key bytea, p_row_tag bytea); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.dek_insert(p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea, p_wrapped_key bytea, p_row_tag bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.dek_insert(p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea, p_wrapped_key bytea, p_row_tag bytea) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.dek_insert(p_project text, p_id uuid, p_kek_id bigint, p_purpose text, p_suite bigint, p_check_value bytea, p_wrapped_key bytea, p_row_tag bytea) TO rowseal_operator;


--
-- Name: FUNCTION enter_project(p_project text); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.enter_project(p_project text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.enter_project(p_project text) TO rowseal_runner;


--
-- Name: FUNCTION finish_entry(p_project text, p_secret_id uuid, p_action text); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.finish_entry(p_project text, p_secret_id uuid, p_action text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.finish_entry(p_project text, p_secret_id uuid, p_action text) TO rowseal_runner;


--
-- Name: FUNCTION is_name(p_name text); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.is_name(p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.is_name(p_name text) TO rowseal_runner;


--
-- Name: FUNCTION is_time(p_time bigint); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.is_time(p_time bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.is_time(p_time bigint) TO rowseal_runner;


--
-- Name: FUNCTION member_projects(); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.member_projects() FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.member_projects() TO members;


--
-- Name: FUNCTION now_micros(); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.now_micros() FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.now_micros() TO rowseal_runner;
GRANT ALL ON FUNCTION rowseal.now_micros() TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.now_micros() TO rowseal_operator;
GRANT ALL ON FUNCTION rowseal.now_micros() TO rowseal_auditor;


--
-- Name: FUNCTION project_deleted(); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.project_deleted() FROM PUBLIC;


--
-- Name: FUNCTION project_exists(p_project text); Type: ACL; Schema: rowseal; Owner: rowseal_projects
--

REVOKE ALL ON FUNCTION rowseal.project_exists(p_project text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.project_exists(p_project text) TO rowseal_runner;
GRANT ALL ON FUNCTION rowseal.project_exists(p_project text) TO rowseal_operator;


--
-- Name: FUNCTION project_inserted(); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.project_inserted() FROM PUBLIC;


--
-- Name: FUNCTION refuse(p_argument text); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.refuse(p_argument text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.refuse(p_argument text) TO rowseal_runner;


--
-- Name: FUNCTION secret_delete(p_project text, p_secret_id uuid); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_delete(p_project text, p_secret_id uuid) TO rowseal_operator;


--
-- Name: FUNCTION secret_get(p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_get(p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_get(p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_get(p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) TO rowseal_operator;


--
-- Name: FUNCTION secret_list(p_project text, p_after text, p_limit bigint); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_list(p_project text, p_after text, p_limit bigint) TO rowseal_operator;


--
-- Name: FUNCTION secret_lock(p_project text, p_name text); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_lock(p_project text, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_lock(p_project text, p_name text) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_lock(p_project text, p_name text) TO rowseal_operator;


--
-- Name: FUNCTION secret_put(p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_all_or_none boolean); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_put(p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_all_or_none boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_put(p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_all_or_none boolean) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_put(p_project text, p_names text[], p_kinds text[], p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_write_macs bytea[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_all_or_none boolean) TO rowseal_operator;


--
-- Name: FUNCTION secret_rename(p_project text, p_secret_id uuid, p_name text); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_rename(p_project text, p_secret_id uuid, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_rename(p_project text, p_secret_id uuid, p_name text) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_rename(p_project text, p_secret_id uuid, p_name text) TO rowseal_operator;


--
-- Name: FUNCTION secret_reseal(p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[], p_entry uuid); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_reseal(p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[], p_entry uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_reseal(p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[], p_entry uuid) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_reseal(p_project text, p_secret_ids uuid[], p_versions bigint[], p_dek_ids uuid[], p_nonces bytea[], p_encrypted_data bytea[], p_expires_at bigint[], p_old_nonces bytea[], p_write_macs bytea[], p_entry uuid) TO rowseal_operator;


--
-- Name: FUNCTION secret_version_read(p_project text, p_secret_id uuid, p_version bigint); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_version_read(p_project text, p_secret_id uuid, p_version bigint) TO rowseal_operator;


--
-- Name: FUNCTION secret_versions(p_project text, p_name text); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.secret_versions(p_project text, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.secret_versions(p_project text, p_name text) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.secret_versions(p_project text, p_name text) TO rowseal_operator;


--
-- Name: FUNCTION store_format(); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.store_format() FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.store_format() TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.store_format() TO rowseal_operator;
GRANT ALL ON FUNCTION rowseal.store_format() TO rowseal_auditor;


--
-- Name: FUNCTION time_ordered_uuid(); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.time_ordered_uuid() FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.time_ordered_uuid() TO rowseal_runner;


--
-- Name: FUNCTION trust_load(); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.trust_load() FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.trust_load() TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.trust_load() TO rowseal_operator;


--
-- Name: FUNCTION value_prepare(p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean); Type: ACL; Schema: rowseal; Owner: rowseal_runner
--

REVOKE ALL ON FUNCTION rowseal.value_prepare(p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.value_prepare(p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) TO rowseal_service;
GRANT ALL ON FUNCTION rowseal.value_prepare(p_project text, p_label text, p_dek_ids uuid[], p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_alone boolean) TO rowseal_operator;


--
-- Name: FUNCTION was_granted(p_project text, p_entry uuid, p_actor text, p_reason text, p_action text, p_object text); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.was_granted(p_project text, p_entry uuid, p_actor text, p_reason text, p_action text, p_object text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.was_granted(p_project text, p_entry uuid, p_actor text, p_reason text, p_action text, p_object text) TO rowseal_runner;


--
-- Name: FUNCTION write_entry(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text); Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

REVOKE ALL ON FUNCTION rowseal.write_entry(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowseal.write_entry(p_project text, p_entry uuid, p_at bigint, p_actor text, p_reason text, p_action text, p_outcome text, p_object text) TO rowseal_runner;


--
-- Name: TABLE projects; Type: ACL; Schema: public; Owner: mason
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.projects TO app;


--
-- Name: COLUMN projects.id; Type: ACL; Schema: public; Owner: mason
--

GRANT SELECT(id) ON TABLE public.projects TO rowseal_projects;


--
-- Name: TABLE secret; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.secret TO rowseal_operator;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.secret TO rowseal_runner;


--
-- Name: COLUMN secret.project_id; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(project_id) ON TABLE rowseal.secret TO members;


--
-- Name: COLUMN secret.id; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(id) ON TABLE rowseal.secret TO members;


--
-- Name: COLUMN secret.name; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(name) ON TABLE rowseal.secret TO members;


--
-- Name: COLUMN secret.kind; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(kind) ON TABLE rowseal.secret TO members;


--
-- Name: COLUMN secret.next_version; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(next_version) ON TABLE rowseal.secret TO members;


--
-- Name: COLUMN secret.created_at; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(created_at) ON TABLE rowseal.secret TO members;


--
-- Name: TABLE secret_version; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.secret_version TO rowseal_operator;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.secret_version TO rowseal_runner;


--
-- Name: COLUMN secret_version.project_id; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(project_id) ON TABLE rowseal.secret_version TO members;


--
-- Name: COLUMN secret_version.secret_id; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(secret_id) ON TABLE rowseal.secret_version TO members;


--
-- Name: COLUMN secret_version.version; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(version) ON TABLE rowseal.secret_version TO members;


--
-- Name: COLUMN secret_version.expires_at; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(expires_at) ON TABLE rowseal.secret_version TO members;


--
-- Name: COLUMN secret_version.created_at; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(created_at) ON TABLE rowseal.secret_version TO members;


--
-- Name: COLUMN secret_version.created_by; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT(created_by) ON TABLE rowseal.secret_version TO members;


--
-- Name: TABLE secret_metadata; Type: ACL; Schema: public; Owner: mason
--

GRANT SELECT ON TABLE public.secret_metadata TO members;


--
-- Name: TABLE audit_item; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT ON TABLE rowseal.audit_item TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.audit_item TO rowseal_auditor;
GRANT SELECT,INSERT ON TABLE rowseal.audit_item TO rowseal_runner;


--
-- Name: TABLE audit_log; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT ON TABLE rowseal.audit_log TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.audit_log TO rowseal_auditor;
GRANT SELECT,INSERT ON TABLE rowseal.audit_log TO rowseal_runner;


--
-- Name: COLUMN audit_log.outcome; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT UPDATE(outcome) ON TABLE rowseal.audit_log TO rowseal_runner;


--
-- Name: COLUMN audit_log.object; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT UPDATE(object) ON TABLE rowseal.audit_log TO rowseal_runner;


--
-- Name: TABLE dek; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.dek TO rowseal_operator;
GRANT SELECT,INSERT ON TABLE rowseal.dek TO rowseal_runner;


--
-- Name: COLUMN dek.id; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT UPDATE(id) ON TABLE rowseal.dek TO rowseal_runner;


--
-- Name: TABLE destroyed_key; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT ON TABLE rowseal.destroyed_key TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.destroyed_key TO rowseal_auditor;


--
-- Name: TABLE encrypted_secrets; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT ON TABLE rowseal.encrypted_secrets TO rowseal_operator;


--
-- Name: TABLE installation; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.installation TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.installation TO rowseal_runner;


--
-- Name: TABLE job; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.job TO rowseal_operator;


--
-- Name: TABLE job_failure; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.job_failure TO rowseal_operator;


--
-- Name: TABLE kek; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.kek TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.kek TO rowseal_runner;


--
-- Name: COLUMN kek.id; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT UPDATE(id) ON TABLE rowseal.kek TO rowseal_runner;


--
-- Name: TABLE kek_wrapping; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.kek_wrapping TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.kek_wrapping TO rowseal_runner;


--
-- Name: TABLE policy; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.policy TO rowseal_operator;


--
-- Name: TABLE retired_project; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.retired_project TO rowseal_operator;
GRANT SELECT,INSERT,DELETE ON TABLE rowseal.retired_project TO rowseal_runner;


--
-- Name: TABLE root_key; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.root_key TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.root_key TO rowseal_runner;


--
-- Name: TABLE schema_version; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT ON TABLE rowseal.schema_version TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.schema_version TO rowseal_runner;


--
-- Name: TABLE sealed_column; Type: ACL; Schema: rowseal; Owner: rowseal_owner
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowseal.sealed_column TO rowseal_operator;
GRANT SELECT ON TABLE rowseal.sealed_column TO rowseal_runner;


--
-- PostgreSQL database dump complete
--


