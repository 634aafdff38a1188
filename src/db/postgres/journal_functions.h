#pragma once

#include <string_view>

namespace rowseal {

/// kPinJournalFunctionsSql gives a fixed search_path to the functions of a migration's journal, the
/// guards among them, that an older release made without one, and takes the right to call them from
/// everybody else. What belongs to another login is left as it is: `doctor` names it.
inline constexpr std::string_view kPinJournalFunctionsSql = R"sql(
DO $$
DECLARE
  v_function regprocedure;
BEGIN
  FOR v_function IN
    SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'rowseal_migration' AND pg_has_role(p.proowner, 'USAGE')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', v_function);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
  END LOOP;
END
$$;
)sql";

/// kLooseJournalFunctionsSql lists those that still need it: name, owner, and 1 where this login
/// may change it.
inline constexpr std::string_view kLooseJournalFunctionsSql =
    "SELECT p.proname::text, pg_get_userbyid(p.proowner)::text,"
    " pg_has_role(p.proowner, 'USAGE')::int::bigint"
    " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    " WHERE n.nspname = 'rowseal_migration' AND (p.proconfig IS DISTINCT FROM"
    "  ARRAY['search_path=pg_catalog, pg_temp'] OR p.proacl IS NULL"
    "  OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0)) ORDER BY 1";

/// kJournalOwnersSql lists the owners of what is in the journal's schema, other than superusers,
/// each with the first of its objects: object and owner.
inline constexpr std::string_view kJournalOwnersSql =
    "SELECT min(o.name), pg_get_userbyid(o.owner)::text FROM"
    " (SELECT 'the schema' AS name, n.nspowner AS owner FROM pg_catalog.pg_namespace n"
    "   WHERE n.nspname = 'rowseal_migration'"
    "  UNION ALL SELECT format('table %s', c.relname), c.relowner FROM pg_catalog.pg_class c"
    "   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "   WHERE n.nspname = 'rowseal_migration' AND c.relkind NOT IN ('i', 'I')"
    "  UNION ALL SELECT format('function %s', p.proname), p.proowner FROM pg_catalog.pg_proc p"
    "   JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    "   WHERE n.nspname = 'rowseal_migration') o"
    " WHERE o.owner NOT IN (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper)"
    " GROUP BY o.owner ORDER BY 2";

}  // namespace rowseal
