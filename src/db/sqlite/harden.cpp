#include "db/sqlite/harden.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <system_error>

#include <sqlite3.h>

#include "base/encoding.h"
#include "store/value_limits.h"

namespace rowseal {
namespace {

struct Switch {
  int option;
  int value;
};

struct LimitValue {
  int what;
  int store;
  int app;
};

constexpr int kUnchanged = -1;  // sqlite3_limit's own word for it

// SQLite's advice for untrusted files (sqlite.org/security.html), and more.
constexpr Switch kSwitches[] = {
    // No statement of ours, and nothing in the file, may write sqlite_schema or shadow tables.
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    // A trigger on audit_log could erase what a get just wrote; a view could stand in for a table.
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    // CHECKs, defaults, indexes and generated columns of the file call no function with effects.
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    // A missing column must be an error, not a string that compares with nothing.
    {SQLITE_DBCONFIG_DQS_DDL, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    // Neither function runs code by a path or a pointer that a file supplies.
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
};

// A row that is written holds a value and some small columns.
constexpr int kLargestStoreRow = static_cast<int>(kLargestStoredBytes) + 64 * 1024;

constexpr LimitValue kLimits[] = {
    // One value, and one row that is written. A larger one ends the statement before it is read.
    {SQLITE_LIMIT_LENGTH, kLargestStoreRow, static_cast<int>(kLargestAppValue)},
    // Statements of ours are fixed and below 8 KiB. A definition in the file counts as well.
    {SQLITE_LIMIT_SQL_LENGTH, 64 * 1024, 1024 * 1024},
    // The widest table of a store has 15 columns. An application's tables keep SQLite's bound.
    {SQLITE_LIMIT_COLUMN, 64, kUnchanged},
    // Depth costs stack: ours are below 30. An application's CHECK may be a long chain of ORs.
    {SQLITE_LIMIT_EXPR_DEPTH, 100, kUnchanged},
    // The longest UNION is the trusted set's, with 4 parts.
    {SQLITE_LIMIT_COMPOUND_SELECT, 10, kUnchanged},
    // Programs of ours have some hundred instructions.
    {SQLITE_LIMIT_VDBE_OP, 25'000, 250'000},
    // The widest call has 10 parameters.
    {SQLITE_LIMIT_VARIABLE_NUMBER, 100, kUnchanged},
    // No statement of ours matches patterns that come from outside; cost grows with their length.
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100, kUnchanged},
    // ON DELETE RESTRICT runs as a trigger of depth 1. An application's may be nested.
    {SQLITE_LIMIT_TRIGGER_DEPTH, 1, 100},
    // No other file is ever attached to a store; VACUUM attaches one to an application's database.
    {SQLITE_LIMIT_ATTACHED, 0, 1},
    {SQLITE_LIMIT_WORKER_THREADS, 0, 0},
};

// mmap off: another process that shortens a mapped file ends ours with SIGBUS.
// cell_size_check on: damaged pages are found when they are read, not when they are used.
constexpr const char* kPragmas = "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;";

Result<void> SetSwitch(sqlite3* database, Switch to_set) {
  int now = kUnchanged;
  if (sqlite3_db_config(database, to_set.option, to_set.value, &now) != SQLITE_OK ||
      now != to_set.value) {
    return Fail(ErrorCode::kInternal,
                "the SQLite library " + std::string(sqlite3_libversion()) +
                    " does not know switch " + std::to_string(to_set.option),
                "use SQLite 3.31 or newer");
  }
  return {};
}

}  // namespace

Result<void> CheckSqlitePath(std::string_view path) {
  if (path.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "sqlite: names no file", "write sqlite:PATH");
  }
  constexpr std::string_view kUri = "file:";
  const bool is_uri =
      path.size() >= kUri.size() && sqlite3_strnicmp(path.data(), kUri.data(), kUri.size()) == 0;
  const bool has_zero = path.find('\0') != std::string_view::npos;
  if (is_uri || has_zero || path.front() == ':') {
    const std::string name = Printable(path);
    return Fail(ErrorCode::kInvalidArgument,
                "'" + name + "' is not a path: SQLite keeps " +
                    (path == ":memory:" ? "such a database in memory, where it would be lost"
                                        : "such names for itself"),
                has_zero ? "write sqlite:PATH"
                         : "write sqlite:PATH; for a file of that name, " +
                               ShellWord("sqlite:./" + std::string(path)));
  }
  return {};
}

Result<void> CheckSqliteFiles(const std::string& path) {
  std::error_code unknown;
  const std::filesystem::path followed = std::filesystem::canonical(path, unknown);
  const std::string database = unknown ? path : followed.string();
  for (const char* ending : {"", "-journal", "-wal", "-shm"}) {
    const std::string file = database + ending;
    struct stat status {};
    if (lstat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
      return Fail(ErrorCode::kInvalidArgument, "'" + Printable(file) + "' is not a regular file",
                  *ending == '\0' ? "name the file of a SQLite database"
                                  : "SQLite would open it with the database; find out who made it,"
                                    " then remove it");
    }
  }
  return {};
}

Result<void> HardenSqlite(sqlite3* database, SqliteFile file) {
  for (const Switch& to_set : kSwitches) {
    ROWSEAL_TRY(SetSwitch(database, to_set));
  }
  for (const LimitValue& limit : kLimits) {
    sqlite3_limit(database, limit.what, file == SqliteFile::kStore ? limit.store : limit.app);
  }
  if (sqlite3_exec(database, kPragmas, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Fail(ErrorCode::kInternal,
                "SQLite took no setting: " + std::string(sqlite3_errmsg(database)));
  }
  return {};
}

Result<void> AllowTriggersAndViews(sqlite3* database) {
  ROWSEAL_TRY(SetSwitch(database, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1}));
  return SetSwitch(database, {SQLITE_DBCONFIG_ENABLE_VIEW, 1});
}

}  // namespace rowseal
