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

}  // namespace rowseal
