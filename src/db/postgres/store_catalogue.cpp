#include "db/postgres/store_catalogue.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/encoding.h"

namespace rowseal {
namespace {

using Facts = std::map<std::pair<std::string, std::string>, std::string>;

// Grants of `acl` to others than the owner: `role=PRIVILEGE`, with a star where it may be passed
// on.
#define ROWSEAL_GRANTS(acl, owner)                                                              \
  "(SELECT coalesce(string_agg(CASE WHEN a.grantee = 0 THEN 'PUBLIC'"                           \
  "  WHEN a.grantee = v.oid THEN 'VIEW_ROLE' ELSE pg_get_userbyid(a.grantee) END || '=' ||"     \
  "  a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ' ' ORDER BY CASE WHEN" \
  "  a.grantee = v.oid THEN 'VIEW_ROLE' ELSE pg_get_userbyid(a.grantee) END COLLATE \"C\","     \
  "  a.privilege_type COLLATE \"C\"), '')"                                                      \
  " FROM aclexplode(" acl ") a LEFT JOIN view_role v ON true WHERE a.grantee <> " owner ")"

// $1 is the app's table of projects, SCHEMA.TABLE quoted, and $2 its key; both may be empty.
constexpr std::string_view kCatalogueSql =
    "WITH home AS MATERIALIZED (SELECT n.oid, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n"
    "  WHERE n.nspname = 'rowseal'),"
    " role AS MATERIALIZED (SELECT r.* FROM pg_catalog.pg_roles r WHERE r.rolname IN"
    "  ('rowseal_owner', 'rowseal_runner', 'rowseal_projects', 'rowseal_service',"
    "   'rowseal_operator', 'rowseal_auditor')),"
    " view_role AS MATERIALIZED (SELECT p.polroles[1] AS oid FROM pg_catalog.pg_policy p"
    "  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN home h ON h.oid = c.relnamespace"
    "  WHERE p.polname = 'members' AND c.relname = 'secret' AND p.polroles[1] <> 0),"
    " fact (object, aspect, value) AS ("
    "  SELECT 'schema rowseal', f.* FROM home h CROSS JOIN LATERAL (VALUES"
    "   ('owner', pg_get_userbyid(h.nspowner)::text),"
    "   ('grants', " ROWSEAL_GRANTS(
        "h.nspacl", "h.nspowner") "),"
                                  "   ('default grants', (SELECT count(*)::text FROM "
                                  "pg_catalog.pg_default_acl d"
                                  "    WHERE d.defaclnamespace = h.oid OR d.defaclrole IN (SELECT "
                                  "r.oid FROM role r)))) f"
                                  "  UNION ALL"
                                  // Functions and whatever else is in pg_proc.
                                  "  SELECT 'function rowseal.' || p.proname || '(' ||"
                                  "   pg_get_function_identity_arguments(p.oid) || ')', f.*"
                                  "  FROM pg_catalog.pg_proc p JOIN home h ON h.oid = p.pronamespace"
                                  "  JOIN pg_catalog.pg_language l ON l.oid = p.prolang"
                                  "  CROSS JOIN LATERAL (VALUES"
                                  "   ('owner', pg_get_userbyid(p.proowner)::text),"
                                  "   ('runs as', CASE WHEN p.prosecdef THEN 'its owner' ELSE 'its "
                                  "caller' END),"
                                  "   ('settings', coalesce(array_to_string(p.proconfig, '; '), "
                                  "'')),"
                                  "   ('callers', " ROWSEAL_GRANTS(
                                      "coalesce(p.proacl, acldefault('f', p.proowner))",
                                      "p.proowner") "),"
    "   ('kind', concat_ws(' ', l.lanname, p.prokind, p.provolatile, p.proparallel,"
    "     CASE WHEN p.proisstrict THEN 'strict' END, CASE WHEN p.proleakproof THEN 'leakproof' END)),"
    "   ('result', coalesce(pg_get_function_result(p.oid), '')),"
    "   ('body', encode(sha256(convert_to(p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), ''),"
    "     'UTF8')), 'hex'))) f"
    "  UNION ALL"
    "  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'm' THEN"
    "   'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END"
    "   || ' rowseal.' || c.relname, f.*"
    "  FROM pg_catalog.pg_class c JOIN home h ON h.oid = c.relnamespace"
    "  CROSS JOIN LATERAL (VALUES"
    "   ('owner', pg_get_userbyid(c.relowner)::text),"
    "   ('grants', " ROWSEAL_GRANTS("c.relacl", "c.relowner") "),"
    "   ('grants on columns', (SELECT coalesce(string_agg(g.text, '; ' ORDER BY g.text"
    "     COLLATE \"C\"), '') FROM (SELECT t.attname || ': ' || " ROWSEAL_GRANTS("t.attacl",
                                                                                "c.relowner") " AS text"
    "     FROM pg_catalog.pg_attribute t WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL"
    "     AND cardinality(t.attacl) > 0) g)),"
    "   ('row security', concat_ws(' ', CASE WHEN c.relrowsecurity THEN 'enabled' END,"
    "     CASE WHEN c.relforcerowsecurity THEN 'forced' END)),"
    "   ('columns', (SELECT coalesce(string_agg(concat_ws(' ', t.attname, format_type(t.atttypid,"
    "      t.atttypmod), CASE WHEN t.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid),"
    "      nullif(t.attidentity::text, ''), nullif(t.attgenerated::text, ''),"
    "      (SELECT 'COLLATE ' || o.collname FROM pg_catalog.pg_collation o"
    "       WHERE o.oid = t.attcollation AND o.collname <> 'default')), ', ' ORDER BY t.attnum), '')"
    "     FROM pg_catalog.pg_attribute t LEFT JOIN pg_catalog.pg_attrdef d"
    "      ON d.adrelid = t.attrelid AND d.adnum = t.attnum"
    "     WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped AND c.relkind <> 'S')),"
    "   ('constraints', (SELECT coalesce(string_agg(pg_get_constraintdef(k.oid), '; '"
    "      ORDER BY pg_get_constraintdef(k.oid) COLLATE \"C\"), '')"
    "     FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n')),"
    "   ('indexes', (SELECT coalesce(string_agg(pg_get_indexdef(i.indexrelid), '; '"
    "      ORDER BY pg_get_indexdef(i.indexrelid) COLLATE \"C\"), '')"
    "     FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid)),"
    "   ('disabled triggers', (SELECT count(*)::text FROM pg_catalog.pg_trigger g"
    "     WHERE g.tgrelid = c.oid AND g.tgenabled <> 'O')),"
    "   ('storage', concat_ws('; ', CASE WHEN c.relkind <> 'v' THEN"
    "     array_to_string(c.reloptions, ' ') END,"
    "     (SELECT string_agg(concat_ws(' ', x.relname, 'in', t.spcname), ', ' ORDER BY x.relname)"
    "      FROM pg_catalog.pg_class x JOIN pg_catalog.pg_tablespace t ON t.oid = x.reltablespace"
    "      WHERE x.oid = c.oid OR x.oid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i"
    "       WHERE i.indrelid = c.oid)),"
    "     (SELECT a.amname FROM pg_catalog.pg_am a WHERE a.oid = c.relam AND a.amname <> 'heap'),"
    "     (SELECT string_agg(concat_ws(' ', t.attname, t.attstorage, nullif(t.attcompression, ''),"
    "       array_to_string(t.attoptions, ' ')), ', ' ORDER BY t.attnum)"
    "      FROM pg_catalog.pg_attribute t JOIN pg_catalog.pg_type y ON y.oid = t.atttypid"
    "      WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped AND c.relkind = 'r'"
    "      AND (t.attstorage <> y.typstorage OR t.attcompression <> ''"
    "       OR t.attoptions IS NOT NULL)))),"
    "   ('rules', (SELECT coalesce(string_agg(w.rulename || ' ' || w.ev_enabled::text, ', '"
    "      ORDER BY w.rulename), '') FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid)),"
    "   ('definition', CASE c.relkind WHEN 'v' THEN regexp_replace(pg_get_viewdef(c.oid), '[[:space:]]+', ' ',"
    "      'g') || coalesce(array_to_string(c.reloptions, ' '), '') ELSE '' END)) f"
    "  WHERE c.relkind <> 'i' AND c.relkind <> 'I' AND c.relkind <> 't'"
    "  UNION ALL"
    "  SELECT 'policy ' || p.polname || ' on rowseal.' || c.relname, f.*"
    "  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid"
    "  JOIN home h ON h.oid = c.relnamespace LEFT JOIN view_role v ON true CROSS JOIN LATERAL (VALUES"
    "   ('for', p.polcmd::text || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END || ' ' ||"
    "     (SELECT string_agg(CASE WHEN r.oid = 0 THEN 'PUBLIC' WHEN r.oid = v.oid THEN 'VIEW_ROLE'"
    "       ELSE pg_get_userbyid(r.oid) END, ', ' ORDER BY pg_get_userbyid(r.oid))"
    "      FROM unnest(p.polroles) r (oid))),"
    "   ('rows', coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' / ' ||"
    "     coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''))) f"
    "  UNION ALL"
    // Triggers of others on Rowseal's tables, and Rowseal's on the app's.
    "  SELECT 'trigger ' || g.tgname || ' on ' || CASE WHEN format('%I.%I', n.nspname, c.relname) ="
    "   $1 THEN 'PROJECTS' ELSE format('%I.%I', n.nspname, c.relname) END, 'definition',"
    "   concat_ws(' ', g.tgtype, g.tgenabled, q.nspname || '.' || p.proname,"
    "    CASE WHEN g.tgargs = convert_to($2, 'UTF8') || decode('00', 'hex') THEN 'KEY'"
    "     ELSE encode(g.tgargs, 'escape') END, pg_get_expr(g.tgqual, g.tgrelid))"
    "  FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid"
    "  JOIN pg_catalog.pg_namespace q ON q.oid = p.pronamespace"
    "  WHERE NOT g.tgisinternal AND 'rowseal' IN (n.nspname, q.nspname)"
    "  UNION ALL"
    "  SELECT 'type rowseal.' || t.typname, 'owner', pg_get_userbyid(t.typowner)::text"
    "  FROM pg_catalog.pg_type t JOIN home h ON h.oid = t.typnamespace"
    "  WHERE t.typrelid = 0 AND t.typelem = 0"
    "  UNION ALL"
    "  SELECT 'operator rowseal.' || o.oprname, 'owner', pg_get_userbyid(o.oprowner)::text"
    "  FROM pg_catalog.pg_operator o JOIN home h ON h.oid = o.oprnamespace"
    "  UNION ALL"
    "  SELECT 'role ' || r.rolname, f.* FROM role r CROSS JOIN LATERAL (VALUES"
    "   ('attributes', concat_ws(' ', 'NOINHERIT'::text || CASE WHEN r.rolinherit THEN NULL ELSE '' END,"
    "     CASE WHEN r.rolsuper THEN 'SUPERUSER' END,"
    "     CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,"
    "     CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,"
    "     CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,"
    "     CASE WHEN r.rolreplication THEN 'REPLICATION' END, array_to_string(r.rolconfig, '; '), '.')),"
    "   ('member of', (SELECT coalesce(string_agg(pg_get_userbyid(m.roleid), ', '"
    "      ORDER BY pg_get_userbyid(m.roleid)), '') FROM pg_catalog.pg_auth_members m"
    "     WHERE m.member = r.oid)),"
    // Whoever installed has all four that are granted, and others by rowseal_owner. A member that
    // may not use a role now may let itself.
    "   ('members', (SELECT coalesce(string_agg(m.rolname, ', ' ORDER BY m.rolname), '')"
    "     FROM pg_catalog.pg_roles m, (SELECT o.oid FROM role o WHERE o.rolname = 'rowseal_owner') w"
    "     WHERE NOT m.rolsuper AND m.oid NOT IN (SELECT o.oid FROM role o) AND CASE"
    "      WHEN r.rolname IN ('rowseal_runner', 'rowseal_projects') THEN"
    "       pg_has_role(m.oid, r.oid, 'MEMBER') AND NOT pg_has_role(m.oid, w.oid, 'MEMBER')"
    "      WHEN r.rolname = 'rowseal_owner' THEN pg_has_role(m.oid, r.oid, 'MEMBER') AND EXISTS"
    "       (SELECT FROM role o WHERE o.rolname IN ('rowseal_service', 'rowseal_operator',"
    "        'rowseal_auditor') AND NOT pg_has_role(m.oid, o.oid, 'MEMBER'))"
    "      ELSE NOT pg_has_role(m.oid, w.oid, 'MEMBER') AND EXISTS (SELECT FROM"
    "       pg_catalog.pg_auth_members a WHERE a.roleid = r.oid AND a.member = m.oid"
    "       AND a.admin_option) END))) f"
    "  UNION ALL"
    "  SELECT 'function ' || n.nspname || '.' || p.proname, 'owner', pg_get_userbyid(p.proowner)::text"
    "  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    "  WHERE n.nspname <> 'rowseal' AND p.proowner IN (SELECT r.oid FROM role r))"
    " SELECT object::text, aspect::text, value::text FROM fact WHERE value <> ''";

#undef ROWSEAL_GRANTS

// The metadata view of this release as the server shows it, wherever it stands.
constexpr std::string_view kMetadataViewText =
    " SELECT s.project_id, s.id, s.name, s.kind, v.version AS newest_version,"
    " to_timestamp((((s.created_at)::numeric / '1000000'::numeric))::double precision) AS"
    " created_at, to_timestamp((((v.created_at)::numeric / '1000000'::numeric))::double precision)"
    " AS updated_at, v.created_by AS updated_by, to_timestamp((((v.expires_at)::numeric /"
    " '1000000'::numeric))::double precision) AS expires_at FROM (rowseal.secret s JOIN"
    " rowseal.secret_version v ON (((v.project_id = s.project_id) AND (v.secret_id = s.id) AND"
    " (v.version = (s.next_version - 1)))));";

// What depends on Rowseal's tables, schema or roles and is none of its own, and what the catalogue
// says of its tables, of the database and its logins that a definition does not show: check,
// message, action. $1 as above, and $2 the metadata view's text.
constexpr std::string_view kStrangersSql = R"sql(
WITH RECURSIVE home AS MATERIALIZED (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'rowseal'),
 ours AS MATERIALIZED (SELECT c.* FROM pg_class c JOIN home h ON h.oid = c.relnamespace),
 projects AS MATERIALIZED (SELECT c.oid, c.relnamespace, c.relrowsecurity FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE format('%I.%I', n.nspname, c.relname) = $1),
 role AS MATERIALIZED (SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname IN ('rowseal_owner',
  'rowseal_runner', 'rowseal_projects', 'rowseal_service', 'rowseal_operator', 'rowseal_auditor')),
 user_of_ours AS MATERIALIZED (SELECT DISTINCT m.oid FROM pg_roles m JOIN role r
  ON pg_has_role(m.oid, r.oid, 'MEMBER') WHERE NOT m.rolsuper),
 held AS (
  SELECT DISTINCT d.classid, d.objid, r.rolname FROM pg_shdepend d JOIN role r
   ON d.refclassid = 'pg_authid'::regclass AND r.oid = d.refobjid
  WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (d.deptype = 'o'
    OR d.deptype IN ('a', 'r') AND r.rolname IN ('rowseal_runner', 'rowseal_projects'))
   AND NOT (r.rolname = 'rowseal_projects' AND (d.classid = 'pg_class'::regclass
     AND d.objid IN (SELECT oid FROM projects) OR d.classid = 'pg_namespace'::regclass
     AND d.objid IN (SELECT relnamespace FROM projects) OR d.classid = 'pg_policy'::regclass
     AND d.objid IN (SELECT p.oid FROM pg_policy p JOIN projects j ON j.oid = p.polrelid
      WHERE p.polname = 'rowseal_projects')))
   AND NOT (d.classid = 'pg_namespace'::regclass AND d.objid IN (SELECT oid FROM home))
   -- Functions elsewhere are named beside the others.
   AND NOT (d.classid = 'pg_proc'::regclass AND d.deptype = 'o')),
 -- Views over views too: one that asks with its owner's rights asks those below it with them.
 viewer (oid, is_direct) AS (
  SELECT w.ev_class, true FROM pg_depend d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass
   AND w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM ours)
   AND v.relnamespace NOT IN (SELECT oid FROM home)
  UNION
  SELECT w.ev_class, false FROM viewer b JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
   AND d.refobjid = b.oid JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass
   AND w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
  WHERE w.ev_class <> b.oid),
 -- What values of a setting change nothing here, whose setting counts, and the check.
 setting (name, harmless, of_logins, check_name) AS (VALUES
  ('session_replication_role', '^origin$', true, 'definitions'),
  ('row_security', '^(on|t|tr|tru|true|y|ye|yes|1)$', true, 'definitions'),
  ('synchronous_commit', '^(on|t|tr|tru|true|y|ye|yes|1|remote_apply|remote_write|local)$', true,
   'definitions'),
  ('default_transaction_read_only', '^(of|off|f|fa|fal|fals|false|n|no|0)$', true, 'definitions'),
  ('standard_conforming_strings', '^(on|t|tr|tru|true|y|ye|yes|1)$', true, 'session_settings'),
  ('search_path', '^"?[$]user"?, *public$', false, 'session_settings'),
  ('session_preload_libraries', '^$', true, 'session_settings'),
  ('local_preload_libraries', '^$', true, 'session_settings'),
  ('log_statement', '^(none|ddl)$', true, 'session_settings'),
  ('log_min_duration_statement', '^-1$', true, 'session_settings'),
  ('log_min_duration_sample', '^-1$', true, 'session_settings'),
  ('log_transaction_sample_rate', '^0([.]0*)?$', true, 'session_settings'),
  ('log_parameter_max_length', '^0$', true, 'session_settings'),
  ('log_parameter_max_length_on_error', '^0$', true, 'session_settings')),
 kept AS MATERIALIZED (SELECT s.setdatabase, s.setrole, split_part(e, '=', 1) AS name,
  substr(e, strpos(e, '=') + 1) AS value FROM pg_db_role_setting s
  CROSS JOIN LATERAL unnest(s.setconfig) e
  WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
 reader AS (
  SELECT DISTINCT d.classid, d.objid FROM pg_depend d
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM ours)
   OR d.refclassid = 'pg_namespace'::regclass AND d.refobjid IN (SELECT oid FROM home)
    AND d.classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
     'pg_operator'::regclass))
SELECT 'grants', format('role %s owns or may use %s %s', h.rolname, i.type, i.identity),
 'look at it; drop it, give it another owner, or REVOKE the right'
FROM held h CROSS JOIN LATERAL pg_identify_object(h.classid, h.objid, 0) i
WHERE i.schema IS DISTINCT FROM 'rowseal' AND i.identity !~ '(^| on |^for )rowseal[.][a-z_.]+$'
UNION ALL
SELECT 'definitions', format('%s %s is over Rowseal''s tables', i.type, i.identity),
 'look at it, then drop it'
FROM reader r CROSS JOIN LATERAL pg_identify_object(r.classid, r.objid, 0) i
WHERE NOT (r.classid IN ('pg_class'::regclass, 'pg_type'::regclass)
  AND (i.schema = 'rowseal' OR i.schema = 'pg_toast'))
 AND (r.classid = 'pg_publication_rel'::regclass OR i.identity !~ '( on |^for )rowseal[.][a-z_.]+$')
 AND NOT (r.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_rewrite w
  JOIN viewer v ON v.oid = w.ev_class WHERE w.oid = r.objid))
UNION ALL
-- The metadata view asks with its reader's rights. So may views over it.
SELECT DISTINCT 'definitions', format('view %s shows Rowseal''s tables', c.oid::regclass),
 'look at it, then drop it'
FROM viewer v JOIN pg_class c ON c.oid = v.oid
WHERE NOT (c.relkind = 'v' AND EXISTS (SELECT FROM unnest(c.reloptions) o
  WHERE o ~ '^security_invoker=(on|true|yes|1)$')
 AND (NOT v.is_direct OR regexp_replace(pg_get_viewdef(c.oid), '[[:space:]]+', ' ', 'g') = $2))
UNION ALL
SELECT 'definitions', format('publication %s sends all tables, and Rowseal''s with them', p.pubname),
 'drop it, or name the tables that it shall send'
FROM pg_publication p WHERE p.puballtables
UNION ALL
SELECT 'event_triggers', format('event trigger %s runs %s of %s with the rights of whoever installs'
 ' or upgrades', e.evtname, e.evtfoid::regprocedure, pg_get_userbyid(p.proowner)),
 'look at its function; ALTER EVENT TRIGGER … DISABLE during an upgrade'
FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid WHERE e.evtenabled <> 'D'
UNION ALL
SELECT 'server_rights', format('role %s has %s', m.rolname, p.rolname),
 'REVOKE it, unless the role may know and change all that Rowseal''s tables hold'
FROM pg_roles m JOIN pg_roles p ON p.rolname IN ('pg_read_all_data', 'pg_write_all_data',
 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
WHERE NOT m.rolsuper AND m.oid >= 16384 AND pg_has_role(m.oid, p.oid, 'MEMBER')
UNION ALL
SELECT 'grants', format('table %s, rights were taken from its owner', c.relname),
 format('GRANT ALL ON rowseal.%I TO %I', c.relname, pg_get_userbyid(c.relowner))
FROM ours c WHERE c.relacl IS NOT NULL AND c.relkind IN ('r', 'v', 'S') AND
 (SELECT count(*) FROM aclexplode(c.relacl) a WHERE a.grantee = c.relowner) <
 (SELECT count(*) FROM aclexplode(acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
   c.relowner)) a)
UNION ALL
SELECT 'definitions', format('function %s, how the planner takes it', p.oid::regprocedure),
 'ALTER FUNCTION … COST 100, ROWS 1000 where it returns rows; drop its SUPPORT'
FROM pg_proc p JOIN home h ON h.oid = p.pronamespace
WHERE p.procost <> 100 OR p.prosupport <> 0
 OR p.prorows <> CASE WHEN p.proretset THEN 1000 ELSE 0 END
UNION ALL
SELECT 'definitions', format('table %s %s', c.relname, w.what), w.action
FROM ours c CROSS JOIN LATERAL (VALUES
 (c.relpersistence <> 'p', 'is UNLOGGED: a crash empties it', 'ALTER TABLE … SET LOGGED'),
 (c.relkind = 'r' AND c.relreplident NOT IN ('d', 'n'), 'sends whole rows to replicas',
  'ALTER TABLE … REPLICA IDENTITY DEFAULT'),
 (c.relkind = 'i' AND EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = c.oid
  AND NOT (x.indisvalid AND x.indisready AND x.indislive)), 'is an index that is not valid',
  'REINDEX INDEX …'),
 (c.relkind = 'S' AND EXISTS (SELECT FROM pg_sequence q WHERE q.seqrelid = c.oid
  AND (q.seqincrement <> 1 OR q.seqcycle OR q.seqmin <> 1 OR q.seqmax < 2147483647)),
  'counts otherwise than Rowseal made it', 'ALTER SEQUENCE … INCREMENT 1 NO CYCLE NO MAXVALUE'))
 w (is_so, what, action) WHERE w.is_so
UNION ALL
SELECT 'row_policies', format('policy %s on the projects table decides what Rowseal sees of it',
 p.polname), 'look at it; `rowseal init --print-sql` prints Rowseal''s own'
FROM pg_policy p JOIN projects j ON j.oid = p.polrelid AND j.relrowsecurity
WHERE CASE WHEN p.polname = 'rowseal_projects'
  THEN NOT p.polpermissive OR p.polcmd NOT IN ('r', '*') OR pg_get_expr(p.polqual, p.polrelid) <> 'true'
  ELSE NOT p.polpermissive AND p.polcmd IN ('r', '*') AND (p.polroles @> ARRAY[0::oid] OR EXISTS
    (SELECT FROM role r WHERE r.rolname = 'rowseal_projects' AND r.oid = ANY (p.polroles)))
   OR EXISTS (SELECT FROM role r WHERE r.rolname = 'rowseal_projects' AND r.oid = ANY (p.polroles))
  END
UNION ALL
SELECT coalesce(n.check_name, 'definitions'), format('%s of %s is set to %L', k.name,
 coalesce('role ' || pg_get_userbyid(nullif(k.setrole, 0)), 'the database'), k.value),
 'ALTER ROLE or DATABASE … RESET ' || k.name
FROM kept k LEFT JOIN setting n ON n.name = k.name
 AND (k.setrole = 0 OR k.setrole IN (SELECT oid FROM role)
  OR n.of_logins AND k.setrole IN (SELECT oid FROM user_of_ours))
WHERE k.value !~* n.harmless OR k.setdatabase <> 0 AND k.setrole IN (SELECT oid FROM role)
UNION ALL
SELECT n.check_name, format('%s of this connection or of the whole server is %L', p.name, p.reset_val),
 'set it back in postgresql.conf, PGOPTIONS or the URL''s options'
FROM pg_settings p JOIN setting n ON n.name = p.name
WHERE n.name IN ('session_replication_role', 'row_security', 'default_transaction_read_only',
  'standard_conforming_strings')
 AND p.reset_val !~* n.harmless AND NOT EXISTS (SELECT FROM kept k WHERE k.name = p.name)
ORDER BY 1, 2
)sql";

constexpr std::string_view kExpected =
#include "store/schema/postgres_catalogue.inc"
    ;

// Of a store without a table of projects, whose function says yes to each.
constexpr std::string_view kAnyProject = "function rowseal.project_exists(p_project text)";

Facts ExpectedFacts(const AppProjects& projects, bool has_view) {
  Facts facts;
  std::string_view left = ExpectedCatalogue();
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
      continue;
    }
    facts[{std::string(line.substr(0, first)),
           std::string(line.substr(first + 1, second - first - 1))}] = line.substr(second + 1);
  }
  if (!has_view) {
    std::erase_if(facts, [](const auto& fact) {
      return fact.first.first.starts_with("function rowseal.member_projects") ||
             fact.first.first.starts_with("policy members ");
    });
    for (auto& [name, value] : facts) {
      if (name.second == "grants on columns" && value.find("VIEW_ROLE") != std::string::npos) {
        value.clear();
      }
    }
  }
  if (projects.table.empty()) {
    std::erase_if(facts,
                  [](const auto& fact) { return fact.first.first.ends_with(" on PROJECTS"); });
    facts[{std::string(kAnyProject), "owner"}] = "rowseal_owner";
    facts[{std::string(kAnyProject), "runs as"}] = "its caller";
    facts[{std::string(kAnyProject), "kind"}] = "sql f i u";
  }
  return facts;
}

// Which of doctor's checks an aspect belongs to.
std::string CheckOf(std::string_view object, std::string_view aspect, std::string_view value) {
  if (object.starts_with("role ")) {
    return "owner";
  }
  if (object.starts_with("policy ")) {
    return "row_policies";
  }
  if (object.starts_with("trigger ") || aspect == "disabled triggers") {
    return "triggers";
  }
  if (aspect == "owner") {
    return "ownership";
  }
  if (aspect == "settings") {
    return "search_path";
  }
  if (aspect == "row security") {
    return "row_security";
  }
  if (aspect == "storage") {
    return "storage";
  }
  if (aspect == "callers") {
    return value.find("PUBLIC=") != std::string_view::npos ? "public_functions" : "grants";
  }
  return aspect.find("grants") != std::string_view::npos ? "grants" : "definitions";
}

std::string Without(std::string_view text, std::string_view prefix) {
  return std::string(text.substr(prefix.size()));
}

// The statement that mends a difference, where one does.
std::string ActionFor(const std::string& object, std::string_view aspect,
                      const std::string& expected) {
  const std::string upper = object.starts_with("function ")
                                ? "FUNCTION " + Without(object, "function ")
                            : object.starts_with("table ") ? "TABLE " + Without(object, "table ")
                            : object.starts_with("view ")  ? "VIEW " + Without(object, "view ")
                                                           : object;
  if (aspect == "owner" && !object.starts_with("role ")) {
    return "ALTER " + upper + " OWNER TO " + expected;
  }
  if (aspect == "settings") {
    return "ALTER " + upper + " SET search_path = pg_catalog, pg_temp";
  }
  if (aspect == "row security") {
    return "ALTER " + upper + " ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";
  }
  if (aspect == "storage") {
    return "ALTER " + upper + " SET or RESET its options, tablespace and columns' storage";
  }
  if (aspect == "disabled triggers") {
    return "ALTER " + upper + " ENABLE TRIGGER ALL";
  }
  if (aspect.find("grants") != std::string_view::npos || aspect == "callers") {
    return "REVOKE what was added and GRANT what is missing; only these are granted: " +
           (expected.empty() ? std::string("none") : expected);
  }
  if (object.starts_with("role ")) {
    return "ALTER ROLE or REVOKE the membership; docs/roles.md lists the roles";
  }
  return "restore it from what `rowseal init --print-sql` prints";
}

std::string DropAction(const std::string& object) {
  for (const auto& [kind, word] :
       {std::pair("function ", "FUNCTION "), std::pair("table ", "TABLE "),
        std::pair("view ", "VIEW "), std::pair("policy ", "POLICY "),
        std::pair("trigger ", "TRIGGER "), std::pair("type ", "TYPE "),
        std::pair("sequence ", "SEQUENCE ")}) {
    if (object.starts_with(kind)) {
      return "look at it, then DROP " + std::string(word) + Without(object, kind);
    }
  }
  return "look at it, then drop it";
}

// The last part of a name of an object, with what the installer chose put back.
std::string Shown(std::string object, const AppProjects& projects) {
  if (const std::size_t at = object.find("PROJECTS"); at != std::string::npos) {
    object.replace(at, 8, projects.table);
  }
  return Printable(object);
}

bool Holds(const Facts& facts, const std::string& object) {
  const auto found = facts.lower_bound({object, ""});
  return found != facts.end() && found->first.first == object;
}

std::string DifferenceText(const std::string& aspect, const std::string& actual,
                           const std::string& expected) {
  if (aspect == "body" || aspect == "definition" || aspect == "columns") {
    return aspect + " differs";
  }
  return aspect + ": '" + Printable(actual) + "' instead of '" + Printable(expected) + "'";
}

// An object that is there or missing as a whole is named once, and another by each of its aspects.
std::vector<CatalogueDifference> Compare(const Facts& expected, const Facts& actual,
                                         const AppProjects& projects) {
  Facts names = expected;
  names.insert(actual.begin(), actual.end());
  std::vector<CatalogueDifference> differences;
  std::string named;
  for (const auto& [name, unused] : names) {
    const auto& [object, aspect] = name;
    const std::string shown = Shown(object, projects);
    const bool is_expected = Holds(expected, object);
    if (is_expected != Holds(actual, object)) {
      if (named != object) {
        differences.push_back(
            is_expected
                ? CatalogueDifference{CheckOf(object, "", ""), shown + " is missing",
                                      "restore it from what `rowseal init --print-sql` prints"}
                : CatalogueDifference{CheckOf(object, "", ""), shown + " is not Rowseal's",
                                      DropAction(shown)});
      }
      named = object;
      continue;
    }
    const auto value_in = [&name = name](const Facts& facts) {
      const auto found = facts.find(name);
      return found == facts.end() ? std::string() : found->second;
    };
    const std::string is = value_in(actual);
    const std::string should_be = value_in(expected);
    if (is != should_be) {
      differences.push_back({CheckOf(object, aspect, is),
                             shown + ", " + DifferenceText(aspect, is, should_be),
                             ActionFor(shown, aspect, should_be)});
    }
  }
  return differences;
}

}  // namespace

std::string_view ExpectedCatalogue() noexcept { return kExpected; }

Result<std::vector<CatalogueFact>> ReadStoreCatalogue(PostgresConnection& connection,
                                                      const AppProjects& projects) {
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Statement::Sql(
                                kCatalogueSql, {projects.table, projects.key_name})));
  std::vector<CatalogueFact> facts;
  for (Row& row : rows.rows) {
    RowReader reader(row);
    facts.push_back({reader.Text(), reader.Text(), reader.Text()});
    ROWSEAL_TRY(reader.status());
  }
  std::sort(facts.begin(), facts.end(), [](const CatalogueFact& a, const CatalogueFact& b) {
    return std::tie(a.object, a.aspect) < std::tie(b.object, b.aspect);
  });
  return facts;
}

Result<std::string> ReadMemberCondition(PostgresConnection& connection,
                                        const AppProjects& projects) {
  ROWSEAL_ASSIGN(const Rows body,
                 connection.Execute(Statement::Sql(
                     "SELECT p.prosrc FROM pg_catalog.pg_proc p"
                     " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
                     " WHERE n.nspname = 'rowseal' AND p.proname = 'member_projects'")));
  if (body.rows.size() != 1) {
    return std::string();
  }
  const std::string is = TextAt(body.rows.front(), 0);
  const std::string around = MemberProjectsBody(projects, "");
  constexpr std::string_view kAfter = ");\nEND\n";
  const std::string before = around.substr(0, around.size() - kAfter.size());
  const bool is_ours = !projects.table.empty() && is.size() > around.size() &&
                       is.starts_with(before) && is.ends_with(kAfter);
  return is_ours ? is.substr(before.size(), is.size() - around.size()) : std::string();
}

Result<std::vector<CatalogueDifference>> CompareStore(PostgresConnection& connection) {
  ROWSEAL_ASSIGN(const AppProjects projects, ReadProjects(connection));
  ROWSEAL_ASSIGN(const std::vector<CatalogueFact> read, ReadStoreCatalogue(connection, projects));
  Facts actual;
  bool has_view = false;
  for (const CatalogueFact& fact : read) {
    actual[{fact.object, fact.aspect}] = fact.value;
    has_view = has_view || fact.object.starts_with("policy members ") ||
               fact.object.starts_with("function rowseal.member_projects");
  }
  // The bodies of these hold what the installer chose.
  const std::string exists(kAnyProject);
  ROWSEAL_ASSIGN(const Rows body,
                 connection.Execute(Statement::Sql(
                     "SELECT p.prosrc FROM pg_catalog.pg_proc p"
                     " WHERE p.oid = to_regprocedure('rowseal.project_exists(text)')")));
  Facts expected = ExpectedFacts(projects, has_view);
  const std::string wanted =
      projects.table.empty() ? " SELECT p_project IS NOT NULL " : ProjectExistsBody(projects);
  expected[{exists, "body"}] = body.rows.empty() || TextAt(body.rows.front(), 0) != wanted
                                   ? "another"
                                   : actual[{exists, "body"}];
  const std::pair<std::string, std::string> members = {"function rowseal.member_projects()",
                                                       "body"};
  ROWSEAL_ASSIGN(const std::string condition, ReadMemberCondition(connection, projects));
  if (has_view) {
    expected[members] = condition.empty() ? "another" : actual[members];
  }

  std::vector<CatalogueDifference> differences = Compare(expected, actual, projects);
  ROWSEAL_ASSIGN(Rows strangers,
                 connection.Execute(Statement::Sql(
                     kStrangersSql, {projects.table, std::string(kMetadataViewText)})));
  for (Row& row : strangers.rows) {
    RowReader reader(row);
    CatalogueDifference stranger{reader.Text(), Printable(reader.Text()), Printable(reader.Text())};
    ROWSEAL_TRY(reader.status());
    differences.push_back(std::move(stranger));
  }
  return differences;
}

}  // namespace rowseal
