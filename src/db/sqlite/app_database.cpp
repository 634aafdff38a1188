#include "db/sqlite/app_database.h"

#include <algorithm>
#include <climits>
#include <functional>

#include <sqlite3.h>

#include "base/encoding.h"
#include "base/text.h"
#include "db/sqlite/harden.h"
#include "store/value_limits.h"

namespace rowseal {
namespace {

constexpr int kBusyTimeoutMilliseconds = 10'000;

}  // namespace

std::string_view SqliteTypeName(int type) {
  switch (type) {
    case SQLITE_INTEGER:
      return "an INTEGER";
    case SQLITE_FLOAT:
      return "a REAL";
    case SQLITE_TEXT:
      return "TEXT";
    case SQLITE_BLOB:
      return "a BLOB";
    default:
      return "NULL";
  }
}

ByteView ColumnBytes(sqlite3_stmt* row, int column) {
  // The pointer first: asking for text may convert the value and change its length.
  const void* bytes = sqlite3_column_type(row, column) == SQLITE_BLOB
                          ? sqlite3_column_blob(row, column)
                          : static_cast<const void*>(sqlite3_column_text(row, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
  return {static_cast<const std::uint8_t*>(bytes), bytes == nullptr ? 0 : size};
}

void AppDatabase::CloseDatabase::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

void AppDatabase::FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

tl::unexpected<Error> AppDatabase::Failure() const {
  const std::string what =
      "database '" + Printable(path_) + "': " + sqlite3_errmsg(database_.get());
  switch (sqlite3_errcode(database_.get())) {
    case SQLITE_TOOBIG:
      return Fail(ErrorCode::kInvalidArgument,
                  what + ": a value of more than " + std::to_string(kLargestAppValue) + " bytes",
                  "find the row by its length and shorten or move its value");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return Fail(ErrorCode::kUnavailable, what, "another process holds it; retry");
    case SQLITE_READONLY:
      return Fail(ErrorCode::kUnavailable, what, "make the file and its folder writable");
    case SQLITE_FULL:
      return Fail(ErrorCode::kResourceExhausted, what, "free disk space, then retry");
    case SQLITE_NOMEM:
      return Fail(ErrorCode::kResourceExhausted, what, "free memory, then retry");
    default:
      return Fail(ErrorCode::kInvalidArgument, what, "check the path and the file");
  }
}

Result<AppDatabase> AppDatabase::Open(const std::string& path, Mode mode) {
  ROWSEAL_TRY(CheckSqlitePath(path));
  ROWSEAL_TRY(CheckSqliteFiles(path));
  sqlite3* database = nullptr;
  const int access = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int opened =
      sqlite3_open_v2(path.c_str(), &database, access | SQLITE_OPEN_NOMUTEX, nullptr);
  AppDatabase app(database, path);
  if (database == nullptr) {
    return Fail(ErrorCode::kResourceExhausted, "no memory to open '" + Printable(path) + "'");
  }
  if (opened != SQLITE_OK) {
    return app.Failure();
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMilliseconds);
  ROWSEAL_TRY(HardenSqlite(database, SqliteFile::kApp));
  ROWSEAL_TRY(app.Execute("PRAGMA query_only=ON"));
  return app;
}

Result<void> AppDatabase::AllowChanges() {
  if (may_change_) {
    return {};
  }
  ROWSEAL_TRY(AllowTriggersAndViews(database_.get()));
  ROWSEAL_TRY(Execute("PRAGMA query_only=OFF"));
  may_change_ = true;
  return {};
}

// No statement changes anything on such a connection, so triggers have no occasion to run.
Result<void> AppDatabase::AllowViews() { return AllowTriggersAndViews(database_.get()); }

WholeRows::WholeRows(sqlite3* database)
    : database_(database), limit_before_(sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, INT_MAX)) {}

WholeRows::~WholeRows() { sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, limit_before_); }

Result<AppDatabase::Statement> AppDatabase::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    return Failure();
  }
  return Statement(statement);
}

Result<bool> AppDatabase::Step(const Statement& statement) {
  const int status = sqlite3_step(statement.get());
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status == SQLITE_DONE) {
    return false;
  }
  return Failure();
}

Result<void> AppDatabase::Execute(const std::string& sql) {
  const WholeRows whole(database_.get());  // VACUUM copies rows
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Failure();
  }
  return {};
}

Result<bool> AppDatabase::Exists(const std::string& sql, const std::string& first,
                                 const std::string& second) {
  ROWSEAL_ASSIGN(const Statement statement, Prepare(sql));
  int number = 0;
  for (const std::string& text : {std::cref(first), std::cref(second)}) {
    sqlite3_bind_text64(statement.get(), ++number, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  }
  return Step(statement);
}

Result<void> AppDatabase::CheckColumn(const std::string& table, const std::string& column) {
  ROWSEAL_ASSIGN(
      const bool exists,
      Exists("SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE", table, column));
  if (!exists) {
    return Fail(ErrorCode::kInvalidArgument,
                "table '" + Printable(table) + "' has no column '" + Printable(column) + "'",
                "look with: sqlite3 FILE .schema");
  }
  return {};
}

Result<void> AppDatabase::CheckTable(const std::string& table, Kind kind) {
  const std::string types = kind == Kind::kTable ? "('table')" : "('table', 'view')";
  ROWSEAL_ASSIGN(const bool exists, Exists("SELECT 1 FROM sqlite_master WHERE type IN " + types +
                                               " AND name = ?1 COLLATE NOCASE AND ?2 = ''",
                                           table, ""));
  if (!exists) {
    return Fail(ErrorCode::kInvalidArgument,
                "database '" + Printable(path_) + "' has no table '" + Printable(table) + "'",
                "look with: sqlite3 FILE .schema");
  }
  return {};
}

Result<void> AppDatabase::CheckUniqueKey(const std::string& table,
                                         std::vector<std::string> columns) {
  std::ranges::sort(columns, [](const std::string& a, const std::string& b) {
    return sqlite3_stricmp(a.c_str(), b.c_str()) < 0;
  });
  ROWSEAL_ASSIGN(
      const bool is_key,
      Exists("SELECT 1 FROM (SELECT group_concat(name, char(10)) AS names FROM"
             " (SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY name COLLATE NOCASE))"
             " WHERE names = ?2 COLLATE NOCASE"
             " UNION ALL SELECT 1 FROM pragma_index_list(?1) i WHERE i.\"unique\" = 1"
             " AND i.partial = 0 AND (SELECT group_concat(name, char(10)) FROM (SELECT name FROM"
             " pragma_index_info(i.name) ORDER BY name COLLATE NOCASE)) = ?2 COLLATE NOCASE",
             table, Join(columns, "\n")));
  if (!is_key) {
    return Fail(ErrorCode::kInvalidArgument,
                "the columns given as the key of table '" + Printable(table) +
                    "' are neither its primary key nor unique",
                "name the primary key's columns, in the order of `--row`");
  }
  return {};
}

Result<std::optional<std::string>> AppDatabase::RowIdName(const std::string& table) {
  ROWSEAL_ASSIGN(const bool has_row_ids,
                 Exists("SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
                        "AND wr = 0 AND name = ?1 COLLATE NOCASE AND ?2 = ''",
                        table, ""));
  if (!has_row_ids) {
    return std::nullopt;
  }
  for (const std::string name : {"rowid", "_rowid_", "oid"}) {
    ROWSEAL_ASSIGN(
        const bool hidden,
        Exists("SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE", table, name));
    if (!hidden) {
      return name;
    }
  }
  return std::nullopt;
}

std::int64_t AppDatabase::changes() const noexcept { return sqlite3_changes64(database_.get()); }

}  // namespace rowseal
