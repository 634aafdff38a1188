#include "db/postgres/postgres_store.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
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
BEGIN
  FOREACH name IN ARRAY ARRAY['rowseal_owner', 'rowseal_service', 'rowseal_operator',
                              'rowseal_auditor'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    END IF;
    -- PostgreSQL 16 makes whoever creates a role a member that may not use it, and lets nobody
    -- else give it away.
    IF NOT pg_has_role(session_user, name, 'USAGE') THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', name, session_user);
      EXCEPTION WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role % was made by another login', name
          USING ERRCODE = 'insufficient_privilege',
          HINT = 'Its maker or a superuser can GRANT it.';
      END;
    END IF;
  END LOOP;
END
$$;
CREATE SCHEMA rowseal AUTHORIZATION rowseal_owner;
)sql";

constexpr std::string_view kAsOwner = "SET LOCAL ROLE rowseal_owner;\n";
constexpr std::string_view kAsInstaller = "RESET ROLE;\n";

// Whoever installs makes what reads the app's own tables, because the owner of the schema cannot.
constexpr std::string_view kLetInstallerMake =
    "GRANT USAGE, CREATE ON SCHEMA rowseal TO SESSION_USER;\n"
    "GRANT EXECUTE ON FUNCTION rowseal.project_deleted(), rowseal.project_inserted() TO "
    "SESSION_USER;\n";

constexpr std::string_view kAnyProjectSql = R"sql(
CREATE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = '' RETURN p_project IS NOT NULL;
REVOKE ALL ON FUNCTION rowseal.project_exists(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rowseal.project_exists(text) TO rowseal_operator;
)sql";

std::string Literal(std::string_view text) {
  std::string quoted = "'";
  for (const char character : text) {
    quoted += character == '\'' ? "''" : std::string(1, character);
  }
  return quoted + "'";
}

// The canonical text of a key is compared too: '007' is no project of an integer key.
std::string ProjectsSql(const AppProjects& projects, const std::string& key_name) {
  const std::string& table = projects.table;
  const std::string& key = projects.key;
  return "CREATE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean\n"
         "LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''\n"
         "AS $$\n"
         "BEGIN\n"
         "  RETURN p_project = 'system' OR EXISTS (SELECT 1 FROM " +
         table + " p\n    WHERE p." + key + " = p_project::" + projects.key_type + " AND p." + key +
         "::text = p_project);\n"
         "EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN\n"
         "  RETURN false;\n"
         "END\n"
         "$$;\n"
         "REVOKE ALL ON FUNCTION rowseal.project_exists(text) FROM PUBLIC;\n"
         "GRANT EXECUTE ON FUNCTION rowseal.project_exists(text) TO rowseal_owner,"
         " rowseal_operator;\n"
         "-- Without the right to make triggers, `rowseal maintain` finds projects that are gone.\n"
         "DO $$\n"
         "BEGIN\n"
         "  IF has_table_privilege(" +
         Literal(table) +
         ", 'TRIGGER') THEN\n"
         "    CREATE TRIGGER rowseal_project_deleted AFTER DELETE ON " +
         table + "\n      FOR EACH ROW EXECUTE FUNCTION rowseal.project_deleted(" +
         Literal(key_name) +
         ");\n"
         "    CREATE TRIGGER rowseal_project_inserted AFTER INSERT ON " +
         table + "\n      FOR EACH ROW EXECUTE FUNCTION rowseal.project_inserted(" +
         Literal(key_name) +
         ");\n"
         "  END IF;\n"
         "END\n"
         "$$;\n";
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
  return "CREATE FUNCTION rowseal.member_projects() RETURNS SETOF text\n"
         "LANGUAGE plpgsql STABLE SET search_path = ''\n"
         "AS $$\n"
         "BEGIN\n"
         "  RETURN QUERY SELECT p." +
         projects.key + "::text FROM " + projects.table + " p WHERE (" + view.members +
         ");\n"
         "END\n"
         "$$;\n"
         "REVOKE ALL ON FUNCTION rowseal.member_projects() FROM PUBLIC;\n"
         "GRANT EXECUTE ON FUNCTION rowseal.member_projects() TO rowseal_owner, " +
         view.role + ";\nCREATE VIEW " + view.name +
         " WITH (security_invoker = true) AS\n"
         "SELECT s.project_id, s.id, s.name, s.kind, v.version AS newest_version,\n"
         "       to_timestamp(s.created_at / 1e6) AS created_at,\n"
         "       to_timestamp(v.created_at / 1e6) AS updated_at, v.created_by AS updated_by,\n"
         "       to_timestamp(v.expires_at / 1e6) AS expires_at\n"
         "FROM rowseal.secret s\n"
         "JOIN rowseal.secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id\n"
         "  AND v.version = s.next_version - 1;\n"
         "REVOKE ALL ON " +
         view.name + " FROM PUBLIC;\nGRANT SELECT ON " + view.name + " TO " + view.role + ";\n" +
         std::string(kAsOwner) + grant_columns + policies + std::string(kAsInstaller);
}

std::string SetFormatSql(int format) {
  return "INSERT INTO rowseal.schema_version (singleton, format) VALUES (1, " +
         std::to_string(format) +
         ")\n  ON CONFLICT (singleton) DO UPDATE SET format = excluded.format;\n";
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

std::string UnquotedKey(const InstallOptions& install) {
  return install.projects ? install.projects->key : std::string();
}

}  // namespace

std::string UpgradeSql(int from_format) {
  std::string sql;
  for (const schema::Upgrade& upgrade : schema::PostgresUpgrades()) {
    if (upgrade.format > from_format) {
      sql += std::string(upgrade.sql) + "\n" + SetFormatSql(upgrade.format);
    }
  }
  return sql.empty() ? sql : std::string(kAsOwner) + sql + std::string(kAsInstaller);
}

std::string InstallSql(const AppProjects& projects, const InstallOptions& install) {
  std::string sql = std::string(kRolesSql) + UpgradeSql(0) + std::string(kAsOwner);
  if (projects.table.empty()) {
    return sql + std::string(kAnyProjectSql) + std::string(kAsInstaller);
  }
  sql += std::string(kLetInstallerMake) + std::string(kAsInstaller) +
         ProjectsSql(projects, UnquotedKey(install));
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
    return AppProjects{{}, {}, "text"};
  }
  ROWSEAL_ASSIGN(Rows found,
                 connection.Execute(Statement::Sql(
                     "SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname),"
                     " format_type(a.atttypid, NULL) FROM pg_catalog.pg_class c"
                     " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                     " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                     "  AND NOT a.attisdropped AND a.attname = $2"
                     " WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')",
                     {install.projects->table, install.projects->key})));
  if (found.rows.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "there is no table '" + Printable(install.projects->table) + "' with a column '" +
                    Printable(install.projects->key) + "'",
                "name the app's table of projects and its key column");
  }
  const Row& row = found.rows.front();
  AppProjects projects{TextAt(row, 0), TextAt(row, 1), TextAt(row, 2)};
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

Result<int> UpgradePostgresStore(const std::string& url) {
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
  ROWSEAL_TRY(connection->ExecuteScript(UpgradeSql(format)));
  ROWSEAL_TRY(transaction.Commit());
  return PostgresFormat() - format;
}

}  // namespace rowseal
