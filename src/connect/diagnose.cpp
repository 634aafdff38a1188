#include <sys/stat.h>

#include <iterator>

#include <rowseal/rowseal.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "connect/file_checks.h"
#include "connect/postgres_checks.h"
#include "connect/process_checks.h"
#include "connect/store_path.h"
#include "db/postgres/conninfo.h"
#include "db/postgres/postgres_store.h"
#include "db/sqlite/sqlite_store.h"
#include "lifecycle/installation.h"

namespace rowseal {
namespace {

// A larger file takes quick_check many seconds; whoever has one runs it at a time of their choice.
constexpr std::int64_t kMaxCheckedBytes = std::int64_t{1024} * 1024 * 1024;

struct Environment {
  std::vector<Finding> findings;
  bool may_open = true;  // false: a finding says already why the store cannot be opened
};

void Append(FileReport report, Environment& environment) {
  std::move(report.findings.begin(), report.findings.end(),
            std::back_inserter(environment.findings));
  environment.may_open = environment.may_open && report.usable;
}

Finding FromError(std::string check, const Error& error) {
  return {Severity::kError, std::move(check), error.message, error.hint};
}

Result<std::string> OneText(Connection& connection, std::string_view sql) {
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Statement::Sql(sql)));
  if (rows.rows.empty()) {
    return Fail(ErrorCode::kInternal, "a pragma gave no row");
  }
  RowReader reader(rows.rows.front());
  std::string text = reader.Text();
  ROWSEAL_TRY(reader.status());
  return text;
}

Finding CheckJournal(Connection& connection, const std::string& path) {
  const Result<std::string> mode = OneText(connection, "PRAGMA journal_mode");
  if (!mode) {
    return FromError("journal_mode", mode.error());
  }
  if (*mode == "wal") {
    return {Severity::kOk, "journal_mode", "the store is in WAL mode", {}};
  }
  return {Severity::kWarning, "journal_mode",
          "the store is in journal mode " + Printable(*mode) +
              ": readers and writers wait for each other",
          "sqlite3 " + ShellWord(path) + " 'PRAGMA journal_mode=WAL', while nothing uses it"};
}

Finding CheckPages(Connection& connection, std::int64_t size_bytes) {
  if (size_bytes > kMaxCheckedBytes) {
    return {Severity::kOk,
            "quick_check",
            "not run: the store is larger than 1 GiB; run `PRAGMA quick_check` at a quiet time",
            {}};
  }
  const Result<std::string> said = OneText(connection, "PRAGMA quick_check(1)");
  if (said && *said == "ok") {
    return {Severity::kOk, "quick_check", "SQLite finds the file's pages in order", {}};
  }
  return {Severity::kError, "quick_check",
          said ? "SQLite finds the file damaged: " + Printable(*said) : said.error().message,
          "restore it from a backup (docs/operations/backup-restore.md)"};
}

// What the file says of itself before any key is opened.
void CheckDatabase(const std::string& path, Environment& environment) {
  Result<std::unique_ptr<SqliteConnection>> opened = OpenSqliteStore(path);
  if (!opened) {
    environment.findings.push_back(FromError("store_format", opened.error()));
    environment.may_open = false;
    return;
  }
  SqliteConnection& connection = **opened;
  environment.findings.push_back(
      {Severity::kOk,
       "store_format",
       "the store has this program's format, " + std::to_string(SqliteFormat()),
       {}});
  environment.findings.push_back(CheckJournal(connection, path));
  struct stat status {};
  const bool known = stat(path.c_str(), &status) == 0;
  environment.findings.push_back(CheckPages(connection, known ? status.st_size : 0));
  const Result<bool> has_keys = HasInstallation(connection);
  if (has_keys && !*has_keys) {
    environment.findings.push_back(
        {Severity::kError, "store_keys", "the store has no keys yet", "finish it: rowseal init"});
    environment.may_open = false;
  }
}

// The same of a server.
void CheckServer(const std::string& url, Environment& environment) {
  Result<std::unique_ptr<PostgresConnection>> opened = OpenPostgresStore(url);
  if (!opened) {
    environment.findings.push_back(FromError("store_format", opened.error()));
    environment.may_open = false;
    return;
  }
  environment.findings.push_back(
      {Severity::kOk,
       "store_format",
       "the store has this program's format, " + std::to_string(PostgresFormat()),
       {}});
  Append({CheckPostgres(**opened), true}, environment);
}

Environment Inspect(const StoreOptions& options) {
  Environment environment;
  const Timestamp now = options.client.clock ? options.client.clock() : SystemClock();
  const ProcessFacts facts = ReadProcessFacts(now);
  environment.findings = {CheckMemoryLock(facts), CheckCoreDumps(facts), CheckSwap(facts),
                          CheckClock(facts)};
  const bool on_server = IsPostgresUrl(options.store);
  const Result<std::string> path = on_server ? std::string() : SqlitePath(options.store);
  if (options.roots.empty()) {
    environment.findings.push_back({Severity::kError, "root", "no root key was given",
                                    "give --root file:PATH or set ROWSEAL_ROOT"});
    environment.may_open = false;
  }
  // Any one root opens the store.
  bool any_root_usable = false;
  for (const std::string& uri : options.roots) {
    FileReport root = CheckRoot(uri, path ? *path : std::string());
    any_root_usable = any_root_usable || root.usable;
    root.usable = true;
    Append(std::move(root), environment);
  }
  environment.may_open = environment.may_open && (any_root_usable || options.roots.empty());
  if (!path) {
    environment.findings.push_back(FromError("store", path.error()));
    environment.may_open = false;
    return environment;
  }
  if (on_server) {
    CheckServer(options.store, environment);
    return environment;
  }
  FileReport files = CheckStoreFiles(*path);
  const bool is_there = files.usable;
  Append(std::move(files), environment);
  if (is_there) {
    environment.findings.push_back(CheckDiskSpace(FreeBytes(*path)));
    CheckDatabase(*path, environment);
  }
  return environment;
}

}  // namespace

std::vector<Finding> DiagnoseEnvironment(const StoreOptions& options) {
  return Inspect(options).findings;
}

std::vector<Finding> Diagnose(const StoreOptions& options) {
  Environment environment = Inspect(options);
  std::vector<Finding>& findings = environment.findings;
  if (!environment.may_open) {
    return std::move(findings);
  }
  Result<Client> client = OpenStore(options);
  if (!client) {
    findings.push_back(FromError("store_opens", client.error()));
    return std::move(findings);
  }
  findings.push_back({Severity::kOk,
                      "store_opens",
                      "the store opens with the root key given, and its trusted rows stand",
                      {}});
  Result<std::vector<Finding>> keys = Diagnose(*client);
  if (!keys) {
    findings.push_back(FromError("keys", keys.error()));
    return std::move(findings);
  }
  std::move(keys->begin(), keys->end(), std::back_inserter(findings));
  return std::move(findings);
}

}  // namespace rowseal
