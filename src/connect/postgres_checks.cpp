#include "connect/postgres_checks.h"

#include <functional>

#include "base/encoding.h"
#include "db/postgres/journal_functions.h"
#include "db/postgres/store_catalogue.h"

namespace rowseal {
namespace {

using Findings = std::vector<Finding>;

Finding Ok(std::string check, std::string message) {
  return {Severity::kOk, std::move(check), std::move(message), {}};
}

Result<Row> OneRow(PostgresConnection& connection, std::string_view sql) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql)));
  if (answer.rows.empty()) {
    return Row{};
  }
  return std::move(answer.rows.front());
}

Result<std::string> Setting(PostgresConnection& connection, std::string_view name) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT setting FROM pg_catalog.pg_settings WHERE name = $1",
                                  {std::string(name)})));
  return answer.rows.empty() ? std::string() : TextAt(answer.rows.front(), 0);
}

// Fixes of row-level security and of the client library that the schema relies on.
Result<void> CheckVersion(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const std::string number, Setting(connection, "server_version_num"));
  ROWSEAL_ASSIGN(const std::string name, Setting(connection, "server_version"));
  const long version = std::strtol(number.c_str(), nullptr, 10);
  const std::string shown = "the server is PostgreSQL " + Printable(name);
  if (version < 150000) {
    findings.push_back({Severity::kError, "server_version", shown + "; Rowseal needs 15 or later",
                        "upgrade the server"});
  } else if (version >= 190000) {
    findings.push_back({Severity::kWarning, "server_version",
                        shown + ", which this release was not tested with",
                        "test on a copy, or upgrade Rowseal"});
  } else {
    findings.push_back(Ok("server_version", shown + "; keep its minor version up to date"));
  }
  return {};
}

// Only ciphertext, ids and names reach the server; a log of them is still more than one needs.
Result<void> CheckLogging(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const std::string parameters, Setting(connection, "log_parameter_max_length"));
  ROWSEAL_ASSIGN(const std::string on_error,
                 Setting(connection, "log_parameter_max_length_on_error"));
  ROWSEAL_ASSIGN(const std::string statements, Setting(connection, "log_statement"));
  ROWSEAL_ASSIGN(const std::string duration, Setting(connection, "log_min_duration_statement"));
  ROWSEAL_ASSIGN(const std::string sample, Setting(connection, "log_min_duration_sample"));
  ROWSEAL_ASSIGN(const std::string transactions,
                 Setting(connection, "log_transaction_sample_rate"));
  ROWSEAL_ASSIGN(const std::string preloaded, Setting(connection, "shared_preload_libraries"));
  ROWSEAL_ASSIGN(const std::string audited, Setting(connection, "pgaudit.log_parameter"));
  std::string logged;
  if (parameters != "0" && (statements == "all" || statements == "mod" || duration != "-1" ||
                            sample != "-1" || transactions != "0")) {
    logged += " log_parameter_max_length=" + Printable(parameters) +
              " with log_statement=" + Printable(statements) +
              ", log_min_duration_statement=" + Printable(duration) +
              ", log_min_duration_sample=" + Printable(sample) +
              ", log_transaction_sample_rate=" + Printable(transactions) + ";";
  }
  if (on_error != "0") {
    logged += " log_parameter_max_length_on_error=" + Printable(on_error) + ";";
  }
  if (audited == "on") {
    logged += " pgaudit.log_parameter=on;";
  }
  if (logged.empty()) {
    findings.push_back(Ok("server_logging", "the server logs no parameters of statements"));
  } else {
    findings.push_back(
        {Severity::kWarning, "server_logging",
         "the server logs parameters:" + logged +
             " of Rowseal's statements that is ciphertext, names and ids",
         "ALTER ROLE … SET log_parameter_max_length = 0 for the login that Rowseal uses; the app's"
         " own statements may log plaintext"});
  }
  if (preloaded.find("pg_stat_statements") != std::string::npos) {
    findings.push_back(Ok("pg_stat_statements",
                          "pg_stat_statements is loaded; Rowseal's statements hold no value"));
  }
  return {};
}

Result<void> CheckChecksums(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const std::string checksums, Setting(connection, "data_checksums"));
  ROWSEAL_ASSIGN(const std::string fsync, Setting(connection, "fsync"));
  if (checksums == "on") {
    findings.push_back(Ok("data_checksums", "the server keeps checksums of its pages"));
  } else {
    findings.push_back({Severity::kWarning, "data_checksums",
                        "the server keeps no checksums: a damaged page shows only when a row of it"
                        " is opened",
                        "pg_checksums --enable, while the server is stopped"});
  }
  if (fsync != "on") {
    findings.push_back(
        {Severity::kError, "fsync", "fsync is off: a power cut loses commits", "set fsync = on"});
  }
  return {};
}

Result<void> CheckTls(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(
      const Row row,
      OneRow(connection,
             "SELECT s.ssl, a.client_addr IS NULL OR a.client_addr << '127.0.0.0/8'"
             " OR a.client_addr = '::1' FROM pg_catalog.pg_stat_ssl s"
             " JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE s.pid = pg_backend_pid()"));
  if (row.size() != 2) {
    findings.push_back(Ok("tls", "whether the connection is encrypted cannot be seen from here"));
    return {};
  }
  const bool encrypted = row[0] == Value(std::int64_t{1});
  const bool local = row[1] == Value(std::int64_t{1});
  if (encrypted || local) {
    findings.push_back(Ok(
        "tls", encrypted ? "the connection is encrypted" : "the connection stays on this machine"));
  } else {
    findings.push_back({Severity::kError, "tls", "the connection crosses a network unencrypted",
                        "add sslmode=verify-full and sslrootcert=… to the URL or the service"});
  }
  return {};
}

// The checks of what Rowseal made, and what each says where nothing differs.
struct MadeCheck {
  std::string_view name;
  Severity where_it_differs;
  std::string_view is_well;
};
constexpr MadeCheck kMadeChecks[] = {
    {"owner", Severity::kError,
     "Rowseal's roles have the rights and memberships that it gave them"},
    {"ownership", Severity::kError, "all that Rowseal made belongs to its roles"},
    {"grants", Severity::kError, "nobody has more rights than Rowseal granted"},
    {"public_functions", Severity::kError, "no function is there for everybody to call"},
    {"search_path", Severity::kError, "every function has the settings that Rowseal gave it"},
    {"row_security", Severity::kError, "row-level security is forced on"},
    {"row_policies", Severity::kError, "policies are as Rowseal made them"},
    {"triggers", Severity::kError, "triggers are there and enabled"},
    {"definitions", Severity::kError, "tables, views and functions are as this release makes them"},
    // What an administrator may have reasons for.
    {"storage", Severity::kWarning, "tables are stored as this release makes them"},
    {"session_settings", Severity::kWarning,
     "no setting of the database or of a login of Rowseal's loads code, logs statements or changes"
     " what SQL means"},
    {"event_triggers", Severity::kWarning, "no event trigger runs when Rowseal is upgraded"},
    {"server_rights", Severity::kWarning,
     "no login but superusers may read or write every table or the server's files"},
};

// One finding for each check, which names all that differs, so that it can be mended at once.
Result<void> CheckMade(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const std::vector<CatalogueDifference> differences, CompareStore(connection));
  for (const auto& [check, where_it_differs, is_well] : kMadeChecks) {
    Finding finding = Ok(std::string(check), std::string(is_well));
    for (const CatalogueDifference& difference : differences) {
      if (difference.check != check) {
        continue;
      }
      const bool is_first = finding.severity == Severity::kOk;
      finding.severity = where_it_differs;
      finding.message = (is_first ? "" : finding.message + "; ") + difference.message;
      if (is_first || finding.action.find(difference.action) == std::string::npos) {
        finding.action += (is_first ? "" : "; ") + difference.action;
      }
    }
    findings.push_back(std::move(finding));
  }
  return {};
}

// To whom the roles were granted, and which projects the metadata view shows, are the
// administrator's to judge.
Result<void> CheckMembers(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(
      const Rows roles,
      connection.Execute(Statement::Sql(
          "WITH role AS (SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname IN"
          "  ('rowseal_owner', 'rowseal_service', 'rowseal_operator', 'rowseal_auditor'))"
          " SELECT r.rolname::text, coalesce((SELECT string_agg(m.rolname, ', ' ORDER BY m.rolname)"
          "  FROM pg_catalog.pg_roles m WHERE NOT m.rolsuper AND m.oid NOT IN (SELECT o.oid FROM"
          "  role o) AND pg_has_role(m.oid, r.oid, 'MEMBER')), 'no login')"
          " FROM role r ORDER BY 1")));
  std::string message = "besides superusers, roles are granted";
  for (const Row& row : roles.rows) {
    message += (&row == &roles.rows.front() ? ": " : "; ") + Printable(TextAt(row, 0)) + " to " +
               Printable(TextAt(row, 1));
  }
  ROWSEAL_ASSIGN(const AppProjects projects, ReadProjects(connection));
  ROWSEAL_ASSIGN(const std::string condition, ReadMemberCondition(connection, projects));
  if (!condition.empty()) {
    message += "; the metadata view shows projects WHERE " + Printable(condition);
  }
  findings.push_back(Ok("members", std::move(message)));
  return {};
}

// A guard runs with the rights of whoever migrated; one of an older release runs what the writer of
// a row wants.
Result<void> CheckJournalFunctions(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const Rows owners, connection.Execute(Statement::Sql(kJournalOwnersSql)));
  if (owners.rows.size() > 1) {
    std::string names;
    for (const Row& row : owners.rows) {
      names += (names.empty() ? "" : ", ") + Printable(TextAt(row, 0)) + " of " +
               Printable(TextAt(row, 1));
    }
    findings.push_back({Severity::kError, "migration_guards",
                        "schema rowseal_migration holds objects of several owners, and each may"
                        " read or change what a migration of another writes there: " +
                            names,
                        "find out who made them; drop them, or ALTER … OWNER TO the login that"
                        " migrates"});
    return {};
  }
  ROWSEAL_ASSIGN(const Rows loose, connection.Execute(Statement::Sql(kLooseJournalFunctionsSql)));
  if (loose.rows.empty()) {
    findings.push_back(
        Ok("migration_guards", "no guard of a migration here is of an older release"));
    return {};
  }
  std::string names;
  for (const Row& row : loose.rows) {
    names += (names.empty() ? "" : ", ") + Printable(TextAt(row, 0)) + " of " +
             Printable(TextAt(row, 1));
  }
  findings.push_back({Severity::kError, "migration_guards",
                      "functions of schema rowseal_migration have no fixed search_path or are there"
                      " for everybody to call: " +
                          names,
                      "run `rowseal migrate status MANIFEST` as their owner"});
  return {};
}

// pg_dump asks for row_security = off and fails when a policy would leave rows out; with
// --enable-row-security it leaves them out silently.
Result<void> CheckDumpers(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const Row row,
                 OneRow(connection,
                        "SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname)"
                        " FROM pg_catalog.pg_roles r WHERE r.rolsuper OR r.rolbypassrls"));
  findings.push_back(
      Ok("dump", "whole dumps come from superusers and BYPASSRLS roles only (" +
                     Printable(TextAt(row, 0)) +
                     "); never dump with --enable-row-security, which leaves rows out"));
  return {};
}

// The entry of the installation stands in every store, under row-level security like all entries.
Result<void> CheckNothingWasFiltered(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(const Row row,
                 OneRow(connection,
                        "SELECT EXISTS (SELECT 1 FROM rowseal.audit_log WHERE project_id = 'system'"
                        " AND action = 'init'), EXISTS (SELECT 1 FROM rowseal.installation)"));
  if (row.size() == 2 && row[1] == Value(std::int64_t{1}) && row[0] != Value(std::int64_t{1})) {
    findings.push_back(
        {Severity::kError, "restored_rows",
         "the log lacks the entry of the installation: the store comes from a dump that row-level"
         " security emptied, or entries were deleted",
         "restore from a dump made as a superuser or a BYPASSRLS role, without"
         " --enable-row-security, and compare the row counts"});
  } else {
    findings.push_back(Ok("restored_rows", "rows under row-level security are there"));
  }
  return {};
}

Result<void> CheckTenants(PostgresConnection& connection, Findings& findings) {
  ROWSEAL_ASSIGN(
      Row row, OneRow(connection,
                      "SELECT (SELECT count(*) FROM rowseal.retired_project), (SELECT count(*) FROM"
                      " (SELECT DISTINCT project_id FROM rowseal.dek WHERE project_id <> 'system')"
                      " d WHERE NOT"
                      " rowseal.project_exists(d.project_id) AND NOT EXISTS (SELECT 1 FROM"
                      " rowseal.retired_project r WHERE r.project_id = d.project_id))"));
  RowReader reader(row);
  const std::int64_t retired = reader.Integer();
  const std::int64_t orphaned = reader.Integer();
  ROWSEAL_TRY(reader.status());
  ROWSEAL_ASSIGN(const AppProjects projects, ReadProjects(connection));
  ROWSEAL_ASSIGN(const bool has_system, HasProjectOfItsName(connection, projects));
  if (has_system) {
    findings.push_back({Severity::kError, "tenants",
                        "table " + Printable(projects.table) +
                            " has a project 'system', the name under which Rowseal keeps the app's"
                            " own secrets: whoever may use that project may use those",
                        "give that project another key, and move its secrets to that"});
    return {};
  }
  if (orphaned > 0) {
    findings.push_back(
        {Severity::kWarning, "tenants",
         std::to_string(orphaned) + " projects with keys are not in the app's projects table",
         "rowseal maintain retires them; insert them again if that was a mistake"});
  } else {
    findings.push_back(Ok(
        "tenants", std::to_string(retired) + " projects are retired, and none is missing besides"));
  }
  return {};
}

}  // namespace

std::vector<Finding> CheckPostgres(PostgresConnection& connection) {
  Findings findings;
  using Check = std::pair<std::string_view, Result<void> (*)(PostgresConnection&, Findings&)>;
  constexpr Check kChecks[] = {
      {"server_version", CheckVersion},
      {"server_logging", CheckLogging},
      {"data_checksums", CheckChecksums},
      {"tls", CheckTls},
      {"definitions", CheckMade},
      {"members", CheckMembers},
      {"migration_guards", CheckJournalFunctions},
      {"dump", CheckDumpers},
      {"restored_rows", CheckNothingWasFiltered},
      {"tenants", CheckTenants},
  };
  for (const auto& [name, check] : kChecks) {
    if (const Result<void> done = check(connection, findings); !done) {
      // What was not compared may be what somebody changed.
      const bool guards = name == "definitions" || name == "migration_guards";
      findings.push_back({guards ? Severity::kError : Severity::kWarning, std::string(name),
                          "could not be looked at: " + done.error().message,
                          done.error().hint.empty() ? "retry" : done.error().hint});
    }
  }
  return findings;
}

}  // namespace rowseal
