#include "db/postgres/postgres_store.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/encoding.h"
#include "db/postgres/journal_functions.h"
#include "db/postgres/postgres_content_sql.h"
#include "store/calls/store_format.h"
#include "store/calls/trust_load.h"
#include "store/schema/postgres_upgrades.h"

namespace rowseal {
namespace {

// Roles belong to the whole server, so another database may have brought them. The login that
// installs keeps the rights to upgrade and to run the rest of this; what an app's login needs is
// granted by whoever runs the server.
constexpr std::string_view kRolesSql = R"sql(
DO $$
DECLARE
  name text;
  member text;
BEGIN
  FOREACH name IN ARRAY ARRAY['rowseal_owner', 'rowseal_service', 'rowseal_operator',
                              'rowseal_auditor', 'rowseal_runner', 'rowseal_projects'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    END IF;
    -- The roles that functions run as are the owner's, who gives functions to them.
    member := CASE WHEN name = ANY (ARRAY['rowseal_runner', 'rowseal_projects'])
                   THEN 'rowseal_owner' ELSE session_user END;
    -- PostgreSQL 16 makes whoever creates a role a member that may not use it, and lets nobody
    -- else give it away.
    IF NOT pg_has_role(member, name, 'USAGE') THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', name, member);
      EXCEPTION WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role % was made by another login', name
          USING ERRCODE = 'insufficient_privilege',
          HINT = 'Its maker or a superuser can GRANT it.';
      END;
    END IF;
  END LOOP;
END
$$;
)sql";

// An upgrade writes to tables and replaces functions with the installer's rights at hand: what
// others hung on the tables would run then. Rowseal's have no trigger, no rule and no default.
constexpr std::string_view kRefuseForeignSql = R"sql(
DO $$
DECLARE
  v_found text;
BEGIN
  SELECT min(f.what) INTO v_found FROM (
    SELECT format('trigger %s of table %s', t.tgname, c.relname) AS what
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'rowseal'::regnamespace AND NOT t.tgisinternal
    UNION ALL
    SELECT format('rule %s of table %s', r.rulename, c.relname)
    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'rowseal'::regnamespace AND c.relkind <> 'v'
    UNION ALL
    SELECT format('policy %s of table %s', p.polname, c.relname)
    FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'rowseal'::regnamespace
      AND p.polname <> ALL (ARRAY['tenant', 'operator', 'auditor', 'members'])
    UNION ALL
    SELECT format('default of column %s of table %s', a.attname, c.relname)
    FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_class c ON c.oid = d.adrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE c.relnamespace = 'rowseal'::regnamespace) f;
  IF v_found IS NOT NULL THEN
    RAISE EXCEPTION '% is not Rowseal''s: it would run with the rights of this upgrade', v_found
      USING ERRCODE = 'RS005', HINT = 'Find out who made it, and drop it.';
  END IF;
END
$$;
)sql";

constexpr std::string_view kSchemaSql = "CREATE SCHEMA rowseal AUTHORIZATION rowseal_owner;\n";

// For scripts that are printed too: no name of theirs is looked for in a schema of somebody else's.
constexpr std::string_view kSafePath = "SET LOCAL search_path = pg_catalog, pg_temp;\n";
constexpr std::string_view kAsOwner = "SET LOCAL ROLE rowseal_owner;\n";
constexpr std::string_view kAsInstaller = "RESET ROLE;\n";

// Whoever installs may make triggers on the app's table; the schema's owner need not.
constexpr std::string_view kTriggerFunctions =
    "rowseal.project_deleted(), rowseal.project_inserted()";

// Says yes to every project.
constexpr std::string_view kAnyProjectSql = R"sql(
CREATE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT p_project IS NOT NULL $$;
REVOKE ALL ON FUNCTION rowseal.project_exists(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rowseal.project_exists(text) TO rowseal_runner, rowseal_operator;
)sql";

// The guards of migrations and the view's function, where they are of an older release.
constexpr std::string_view kRenewViewSql = R"sql(
DO $$
BEGIN
  IF to_regprocedure('rowseal.member_projects()') IS NOT NULL THEN
    ALTER FUNCTION rowseal.member_projects() SET search_path = pg_catalog, pg_temp;
    ALTER FUNCTION rowseal.member_projects() OWNER TO rowseal_owner;
  END IF;
END
$$;
)sql";

// The canonical text of a key is compared too: '007' is no project of an integer key. The function
// runs as a role that may read the key's column and nothing else: whoever finds a hole in it, or in
// what the app hangs on its table, gets no further.
std::string ProjectExistsSql(const AppProjects& projects) {
  return std::string(kAsOwner) +
         "GRANT USAGE, CREATE ON SCHEMA rowseal TO rowseal_projects;\n"
         "CREATE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean\n"
         "LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp\n"
         "AS $$" +
         ProjectExistsBody(projects) +
         "$$;\n"
         "REVOKE ALL ON FUNCTION rowseal.project_exists(text) FROM PUBLIC;\n"
         "GRANT EXECUTE ON FUNCTION rowseal.project_exists(text) TO rowseal_runner,"
         " rowseal_operator;\n"
         "ALTER FUNCTION rowseal.project_exists(text) OWNER TO rowseal_projects;\n"
         "REVOKE ALL ON SCHEMA rowseal FROM rowseal_projects;\n" +
         std::string(kAsInstaller);
}

// A table under row-level security shows its rows to the function by a policy of its own.
std::string ShowProjectsSql(const AppProjects& projects) {
  const std::string table = PostgresLiteral(projects.table);
  return "DO $$\n"
         "BEGIN\n"
         "  GRANT USAGE ON SCHEMA " +
         projects.schema +
         " TO rowseal_projects;\n"
         "  GRANT SELECT (" +
         projects.key + ") ON " + projects.table +
         " TO rowseal_projects;\n"
         "  IF pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = " +
         table +
         "::regclass), 'USAGE') THEN\n"
         "    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = " +
         table +
         "::regclass AND polname = 'rowseal_projects') THEN\n"
         "      DROP POLICY rowseal_projects ON " +
         projects.table +
         ";\n"
         "    END IF;\n"
         "    CREATE POLICY rowseal_projects ON " +
         projects.table +
         " FOR SELECT TO rowseal_projects USING (true);\n"
         "  ELSIF (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = " +
         table +
         "::regclass) THEN\n"
         "    RAISE EXCEPTION 'table % is under row-level security, and belongs to another "
         "login', " +
         table +
         "\n      USING ERRCODE = 'insufficient_privilege', HINT = 'Run this as its owner.';\n"
         "  END IF;\n"
         "EXCEPTION WHEN insufficient_privilege THEN\n"
         "  RAISE EXCEPTION 'login % may not let rowseal_projects read the key of %', "
         "session_user, " +
         table +
         "\n    USING ERRCODE = 'insufficient_privilege',"
         " HINT = 'Run this as the table''s owner.';\n"
         "END\n"
         "$$;\n";
}

std::string ProjectTriggersSql(const AppProjects& projects, const std::string& key_name) {
  const std::string functions(kTriggerFunctions);
  const std::string& table = projects.table;
  return std::string(kAsOwner) + "GRANT USAGE ON SCHEMA rowseal TO SESSION_USER;\n" +
         "GRANT EXECUTE ON FUNCTION " + functions + " TO SESSION_USER;\n" +
         std::string(kAsInstaller) +
         "-- Without the right to make triggers, `rowseal maintain` finds projects that are gone.\n"
         "DO $$\n"
         "BEGIN\n"
         "  IF has_table_privilege(" +
         PostgresLiteral(table) +
         ", 'TRIGGER') THEN\n"
         "    CREATE OR REPLACE TRIGGER rowseal_project_deleted AFTER DELETE ON " +
         table + "\n      FOR EACH ROW EXECUTE FUNCTION rowseal.project_deleted(" +
         PostgresLiteral(key_name) +
         ");\n"
         "    CREATE OR REPLACE TRIGGER rowseal_project_inserted AFTER INSERT ON " +
         table + "\n      FOR EACH ROW EXECUTE FUNCTION rowseal.project_inserted(" +
         PostgresLiteral(key_name) +
         ");\n"
         "  END IF;\n"
         "END\n"
         "$$;\n" +
         std::string(kAsOwner) + "REVOKE EXECUTE ON FUNCTION " + functions +
         " FROM SESSION_USER;\nREVOKE USAGE ON SCHEMA rowseal FROM SESSION_USER;\n" +
         std::string(kAsInstaller);
}

std::string ProjectsSql(const AppProjects& projects) {
  if (projects.table.empty()) {
    return std::string(kAsOwner) + std::string(kAnyProjectSql) + std::string(kAsInstaller);
  }
  return ProjectExistsSql(projects) + ShowProjectsSql(projects) +
         ProjectTriggersSql(projects, projects.key_name);
}

std::string MetadataViewSql(const AppProjects& projects, const MetadataView& view) {
  const std::string grant_columns =
      "GRANT SELECT (project_id, id, name, kind, next_version, created_at) ON rowseal.secret TO " +
      view.role +
      ";\nGRANT SELECT (project_id, secret_id, version, expires_at, created_at, created_by)\n"
      "  ON rowseal.secret_version TO " +
      view.role + ";\n";
  std::string policies;
  for (const std::string_view table : {"secret", "secret_version"}) {
    policies += "CREATE POLICY members ON rowseal." + std::string(table) + " FOR SELECT TO " +
                view.role + "\n  USING (project_id IN (SELECT rowseal.member_projects()));\n";
  }
  return std::string(kAsOwner) +
         "CREATE FUNCTION rowseal.member_projects() RETURNS SETOF text\n"
         "LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp\n"
         "AS $$" +
         MemberProjectsBody(projects, view.members) +
         "$$;\n"
         "REVOKE ALL ON FUNCTION rowseal.member_projects() FROM PUBLIC;\n"
         "GRANT EXECUTE ON FUNCTION rowseal.member_projects() TO " +
         view.role + ";\n" + std::string(kAsInstaller) + "CREATE VIEW " + projects.view +
         " WITH (security_invoker = true) AS\n"
         "SELECT s.project_id, s.id, s.name, s.kind, v.version AS newest_version,\n"
         "       to_timestamp(s.created_at / 1e6) AS created_at,\n"
         "       to_timestamp(v.created_at / 1e6) AS updated_at, v.created_by AS updated_by,\n"
         "       to_timestamp(v.expires_at / 1e6) AS expires_at\n"
         "FROM rowseal.secret s\n"
         "JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id\n"
         "  AND v.version = s.next_version - 1;\n"
         "REVOKE ALL ON " +
         projects.view + " FROM PUBLIC;\nGRANT SELECT ON " + projects.view + " TO " + view.role +
         ";\n" + std::string(kAsOwner) + grant_columns + policies + std::string(kAsInstaller);
}

std::string SetFormatSql(int format) {
  const std::string number = std::to_string(format);
  return format == 1 ? "INSERT INTO rowseal.schema_version (singleton, format) VALUES (1, 1);\n"
                     : "UPDATE rowseal.schema_version SET format = " + number + ";\n";
}

Result<void> CheckEncoding(PostgresConnection& connection) {
  ROWSEAL_ASSIGN(const Row row,
                 OneRow(connection, Statement::Sql("SELECT current_setting('server_encoding')")));
  if (TextAt(row, 0) != "UTF8") {
    return Fail(ErrorCode::kInvalidArgument,
                "the database's encoding is " + Printable(TextAt(row, 0)) + ", not UTF8",
                "Rowseal needs UTF-8: names are compared by their bytes");
  }
  return {};
}

std::string StepsSql(int from_format) {
  std::string sql;
  for (const schema::Upgrade& upgrade : schema::PostgresUpgrades()) {
    if (upgrade.format > from_format) {
      sql += std::string(upgrade.sql) + "\n" + SetFormatSql(upgrade.format);
    }
  }
  return std::string(kAsOwner) + sql + std::string(kAsInstaller);
}

// From this format on, project_exists runs as a role of its own.
constexpr int kProjectsRoleFormat = 2;

// `table` is quoted SCHEMA.TABLE, or empty where there is none.
Result<std::optional<AppProjects>> LookUpProjects(PostgresConnection& connection,
                                                  const std::string& table,
                                                  const std::string& key) {
  ROWSEAL_ASSIGN(const Rows found,
                 connection.Execute(Statement::Sql(
                     "SELECT format('%I.%I', n.nspname, c.relname), quote_ident(n.nspname),"
                     " quote_ident(a.attname), a.attname::text, format_type(a.atttypid, NULL)"
                     " FROM pg_catalog.pg_class c"
                     " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                     " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                     "  AND NOT a.attisdropped AND a.attname = $2"
                     // to_regclass would need the right to use the app's schema.
                     " WHERE ARRAY[n.nspname::text, c.relname::text] = parse_ident($1)"
                     " AND c.relkind IN ('r', 'p')",
                     {table, key})));
  if (found.rows.empty()) {
    return std::nullopt;
  }
  const Row& row = found.rows.front();
  AppProjects projects;
  projects.table = TextAt(row, 0);
  projects.schema = TextAt(row, 1);
  projects.key = TextAt(row, 2);
  projects.key_name = TextAt(row, 3);
  projects.key_type = TextAt(row, 4);
  return projects;
}

}  // namespace

std::string ProjectExistsBody(const AppProjects& projects) {
  return "\n"
         "DECLARE\n"
         "  v_found boolean := false;\n"
         "BEGIN\n"
         "  -- What a policy or a view of the table's owner leaves behind, such as a deferred "
         "trigger\n"
         "  -- or a cursor that outlives the transaction, would run as whoever called; it goes "
         "with\n"
         "  -- what is undone here, and the variable stays.\n"
         "  BEGIN\n"
         "    v_found := EXISTS (SELECT 1 FROM " +
         projects.table + " p\n      WHERE p." + projects.key +
         " = p_project::" + projects.key_type + " AND format('%s', p." + projects.key +
         ") = p_project);\n"
         "    RAISE EXCEPTION USING ERRCODE = 'RS000';\n"
         "  EXCEPTION\n"
         "    WHEN SQLSTATE 'RS000' THEN NULL;\n"
         "    WHEN invalid_text_representation OR numeric_value_out_of_range THEN\n"
         "      v_found := false;\n"
         "  END;\n"
         "  RETURN v_found;\n"
         "END\n";
}

std::string MemberProjectsBody(const AppProjects& projects, const std::string& condition) {
  return "\n"
         "BEGIN\n"
         "  RETURN QUERY SELECT p." +
         projects.key + "::text FROM " + projects.table + " p WHERE (" + condition +
         ");\n"
         "END\n";
}

std::string UpgradeSql(int from_format, const AppProjects& projects) {
  if (from_format >= PostgresFormat()) {
    return {};
  }
  std::string sql = std::string(kSafePath) + std::string(kRefuseForeignSql) +
                    std::string(kRolesSql) + StepsSql(from_format);
  if (from_format < kProjectsRoleFormat) {
    sql += "DROP FUNCTION IF EXISTS rowseal.project_exists(text);\n" + ProjectsSql(projects) +
           std::string(kRenewViewSql) + std::string(kPinJournalFunctionsSql);
  }
  return sql;
}

std::string InstallSql(const AppProjects& projects, const InstallOptions& install) {
  std::string sql = std::string(kSafePath) + std::string(kRolesSql) + std::string(kSchemaSql) +
                    StepsSql(0) + ProjectsSql(projects);
  if (install.metadata_view) {
    sql += MetadataViewSql(projects, *install.metadata_view);
  }
  return sql;
}

Result<std::unique_ptr<PostgresConnection>> OpenPostgresStore(const std::string& url,
                                                              const PostgresOptions& options) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                 PostgresConnection::Open(url, options));
  ROWSEAL_TRY(CheckPostgresStore(*connection, connection->name()));
  return connection;
}

Result<AppProjects> FindProjects(PostgresConnection& connection, const InstallOptions& install) {
  if (!install.projects) {
    if (install.metadata_view) {
      return Fail(ErrorCode::kInvalidArgument, "a metadata view needs the table of projects",
                  "give --projects SCHEMA.TABLE and --project-key COLUMN");
    }
    return AppProjects{};
  }
  ROWSEAL_ASSIGN(const std::string table, connection.ResolveTable(install.projects->table));
  ROWSEAL_ASSIGN(const std::optional<AppProjects> found,
                 LookUpProjects(connection, table, install.projects->key));
  if (!found) {
    return Fail(ErrorCode::kInvalidArgument,
                "there is no table '" + Printable(install.projects->table) + "' with a column '" +
                    Printable(install.projects->key) + "'",
                "name the app's table of projects and its key column");
  }
  AppProjects projects = *found;
  if (install.metadata_view) {
    ROWSEAL_ASSIGN(projects.view, connection.QualifyNewName(install.metadata_view->name));
  }
  constexpr std::array<std::string_view, 4> kTypes = {"integer", "bigint", "uuid", "text"};
  if (std::find(kTypes.begin(), kTypes.end(), projects.key_type) == kTypes.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the key of " + projects.table + " is of type " + projects.key_type,
                "a project's key is integer, bigint, uuid or text");
  }
  return projects;
}

Result<void> CreatePostgresSchema(PostgresConnection& connection, const AppProjects& projects,
                                  const InstallOptions& install) {
  ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(connection));
  if (format != 0) {
    return CheckPostgresFormat(format, connection.name());
  }
  ROWSEAL_TRY(CheckEncoding(connection));
  Result<void> made = connection.ExecuteScript(InstallSql(projects, install));
  if (!made && made.error().code == ErrorCode::kInvalidArgument) {
    made.error().hint =
        "the login needs CREATE on the database and CREATEROLE; and where another login made"
        " Rowseal's roles, that one or a superuser is to GRANT rowseal_owner, rowseal_service,"
        " rowseal_operator, rowseal_auditor TO it. Or run what `rowseal init --print-sql` prints as"
        " a login that has this";
  }
  return made;
}

Result<bool> HasProjectOfItsName(PostgresConnection& connection, const AppProjects& projects) {
  if (projects.table.empty()) {
    return false;
  }
  ROWSEAL_ASSIGN(const Row row,
                 OneRow(connection, Statement::Sql("SELECT rowseal.project_exists('system')")));
  return row.front() == Value(std::int64_t{1});
}

Result<AppProjects> ReadProjects(PostgresConnection& connection) {
  ROWSEAL_ASSIGN(const StoreFormat::Row format, Ask(connection, StoreFormat::Request{}));
  if (!format.has_keys) {
    return Fail(ErrorCode::kNotFound, "the store has no keys yet, so its projects are not known",
                "make it anew: DROP SCHEMA rowseal CASCADE, then rowseal init");
  }
  // quoted: SCHEMA.TABLE.KEY
  ROWSEAL_ASSIGN(const TrustRows trust, Ask(connection, TrustLoad::Request{}));
  const std::string& named = trust.installation.projects_table;
  if (named.empty()) {
    return AppProjects{};
  }
  bool in_quotes = false;
  std::size_t dot = 0;
  for (std::size_t i = 0; i < named.size(); ++i) {
    in_quotes = in_quotes != (named[i] == '"');
    dot = named[i] == '.' && !in_quotes ? i : dot;
  }
  std::string key = named.substr(dot + 1);
  if (key.starts_with('"') && key.ends_with('"') && key.size() > 2) {
    key = key.substr(1, key.size() - 2);
    for (std::size_t at = key.find("\"\""); at != std::string::npos;
         at = key.find("\"\"", at + 1)) {
      key.erase(at, 1);
    }
  }
  ROWSEAL_ASSIGN(std::optional<AppProjects> projects,
                 LookUpProjects(connection, named.substr(0, dot), key));
  if (!projects) {
    return Fail(ErrorCode::kConflict, "the table of projects is gone: " + Printable(named),
                "restore it, then run `rowseal upgrade` again");
  }
  return std::move(*projects);
}

Result<bool> OnlyTagsAreOld(PostgresConnection& connection) {
  ROWSEAL_ASSIGN(
      const Row row,
      OneRow(connection, Statement::Sql("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c"
                                        " WHERE c.relname = 'version_mac'"
                                        " AND c.relnamespace = 'rowseal'::regnamespace)")));
  return row.front() == Value(std::int64_t{1});
}

namespace {

// Rows of all tenants are made anew by the role that may see them.
Result<void> RenewAsOperator(PostgresConnection& connection, const TagRenewal& renew) {
  ROWSEAL_TRY(connection.ExecuteScript("SET LOCAL ROLE rowseal_operator"));
  ROWSEAL_TRY(renew(connection));
  ROWSEAL_TRY(connection.ExecuteScript("UPDATE rowseal.schema_version SET tagged = format"));
  return connection.ExecuteScript("RESET ROLE");
}

}  // namespace

Result<int> UpgradePostgresStore(const std::string& url, const TagRenewal& renew) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection, PostgresConnection::Open(url));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(*connection, TransactionKind::kExclusive));
  ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(*connection));
  if (format == 0) {
    return Fail(ErrorCode::kNotFound, "there is no store in '" + connection->name() + "'",
                "make one: rowseal init");
  }
  if (format >= PostgresFormat()) {
    ROWSEAL_TRY(CheckPostgresFormat(format, connection->name()));
    return 0;
  }
  ROWSEAL_ASSIGN(const bool only_tags, OnlyTagsAreOld(*connection));
  ROWSEAL_ASSIGN(const AppProjects projects,
                 only_tags ? Result<AppProjects>(AppProjects{}) : ReadProjects(*connection));
  Result<void> upgraded =
      only_tags ? Result<void>() : connection->ExecuteScript(UpgradeSql(format, projects));
  if (!upgraded && upgraded.error().code == ErrorCode::kInvalidArgument) {
    upgraded.error().hint =
        "run it as the login that installed Rowseal, or as a superuser; it needs CREATEROLE and the"
        " ownership of the app's projects table. Or have what `rowseal upgrade --print-sql` prints"
        " run by a login that has this";
  }
  ROWSEAL_TRY(upgraded);
  ROWSEAL_TRY(RenewAsOperator(*connection, renew));
  ROWSEAL_TRY(transaction.Commit());
  return PostgresFormat() - format;
}

}  // namespace rowseal
