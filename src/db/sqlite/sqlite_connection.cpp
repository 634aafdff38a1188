#include "db/sqlite/sqlite_connection.h"

#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include <sqlite3.h>

#include "base/encoding.h"
#include "db/sqlite/procedures.h"

namespace rowseal {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kLongestPause{5};
constexpr std::string_view kSchemaPrefix = "rowseal.";
constexpr std::string_view kRowLock = " FOR UPDATE";

// trusted_schema off: a view or trigger that an attacker wrote cannot call functions with effects.
// secure_delete on: what was deleted is overwritten in the file.
constexpr const char* kSetUp =
    "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON;"
    "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;";

// SQLite's own messages name tables and constraints, never values.
Error SqliteFailure(sqlite3* database, const std::string& path) {
  const int extended = sqlite3_extended_errcode(database);
  std::string what = "store '" + Printable(path) + "': " + sqlite3_errmsg(database);
  switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable, std::move(what),
              "another process kept the store locked for 10 s; retry"};
    case SQLITE_FULL:
      return {ErrorCode::kResourceExhausted, std::move(what),
              "nothing was changed; free disk space, then retry"};
    case SQLITE_NOMEM:
      return {ErrorCode::kResourceExhausted, std::move(what), "free memory, then retry"};
    case SQLITE_TOOBIG:
      return {ErrorCode::kInvalidArgument, std::move(what), {}};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::kConflict, std::move(what), "read the row again, then decide"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::kIntegrity, std::move(what), "restore the file from a backup"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {ErrorCode::kUnavailable, std::move(what),
              "the file and its folder must be writable: every access is logged there"};
    case SQLITE_IOERR:
      return {ErrorCode::kUnavailable, std::move(what), "check the disk, then retry"};
    case SQLITE_ERROR:
      // An attacker who dropped a table or a column, or a bug in a statement of ours.
      return {ErrorCode::kIntegrity, std::move(what), "the store's tables are not Rowseal's"};
    default:
      return {ErrorCode::kInternal, std::move(what), {}};
  }
}

Error SqliteFailure(sqlite3* database) {
  const char* path = sqlite3_db_filename(database, "main");
  return SqliteFailure(database, path == nullptr ? "" : path);
}

Value ColumnValue(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, column);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, column));
      return bytes == nullptr ? Bytes()
                              : Bytes(bytes, bytes + sqlite3_column_bytes(statement, column));
    }
    default:
      return Null{};
  }
}

}  // namespace

StatementCursor::~StatementCursor() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

int StatementCursor::IndexOf(int number) const {
  return sqlite3_bind_parameter_index(statement_, ("$" + std::to_string(number)).c_str());
}

// Binding fails only for want of memory or an index that the text lacks; the step then says so.
void StatementCursor::BindText(int number, std::string_view text) {
  sqlite3_bind_text64(statement_, IndexOf(number), text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

void StatementCursor::BindBlob(int number, ByteView bytes) {
  const void* data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
  sqlite3_bind_blob64(statement_, IndexOf(number), data, bytes.size(), SQLITE_STATIC);
}

void StatementCursor::BindInteger(int number, std::int64_t value) {
  sqlite3_bind_int64(statement_, IndexOf(number), value);
}

void StatementCursor::BindNull(int number) { sqlite3_bind_null(statement_, IndexOf(number)); }

void StatementCursor::Bind(int number, const Param& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    BindInteger(number, *integer);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    BindText(number, *text);
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    BindBlob(number, *bytes);
  } else {
    BindNull(number);
  }
}

Result<bool> StatementCursor::Step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status == SQLITE_DONE) {
    return false;
  }
  return tl::unexpected(SqliteFailure(sqlite3_db_handle(statement_)));
}

Row StatementCursor::TakeRow() const {
  const int columns = sqlite3_column_count(statement_);
  Row row;
  row.reserve(static_cast<std::size_t>(columns));
  for (int column = 0; column < columns; ++column) {
    row.push_back(ColumnValue(statement_, column));
  }
  return row;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return Fail(ErrorCode::kNotFound, "there is no store at '" + Printable(path) + "'",
                "make one: rowseal init --store sqlite:PATH --root file:PATH");
  }
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &database,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(database, path));
  if (opened != SQLITE_OK) {
    return database == nullptr ? Result<std::unique_ptr<SqliteConnection>>(Fail(
                                     ErrorCode::kResourceExhausted, "no memory to open the store"))
                               : tl::unexpected(SqliteFailure(database, path));
  }
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_handler(database, WaitForOthers, connection.get());
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ROWSEAL_TRY(connection->ExecuteScript(kSetUp));
  return connection;
}

// SQLite's own handler soon looks only every 100 ms, and so misses the moments between the
// transactions of writers who never pause: with a few of them, someone waits in vain for 10 s.
int SqliteConnection::WaitForOthers(void* connection, int calls_before) {
  auto& waiting_since = static_cast<SqliteConnection*>(connection)->waiting_since_;
  const auto now = std::chrono::steady_clock::now();
  if (calls_before == 0) {
    waiting_since = now;
  }
  if (now - waiting_since > kPatience) {
    return 0;
  }
  std::this_thread::sleep_for(
      std::min(std::chrono::milliseconds(1 + calls_before / 8), kLongestPause));
  return 1;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : prepared_) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(database_);
}

Result<StatementCursor> SqliteConnection::Prepare(std::string_view sql) {
  auto found = prepared_.find(std::string(sql));
  if (found == prepared_.end()) {
    std::string text(sql);
    for (std::size_t at = text.find(kSchemaPrefix); at != std::string::npos;
         at = text.find(kSchemaPrefix, at)) {
      text.erase(at, kSchemaPrefix.size());
    }
    if (text.ends_with(kRowLock)) {
      text.erase(text.size() - kRowLock.size());  // a writer has locked the whole file
    }
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(database_, text.data(), static_cast<int>(text.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      return tl::unexpected(SqliteFailure(database_, path_));
    }
    found = prepared_.emplace(std::string(sql), statement).first;
  }
  return StatementCursor(found->second);
}

Result<void> SqliteConnection::ExecuteScript(std::string_view sql) {
  if (sqlite3_exec(database_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(SqliteFailure(database_, path_));
  }
  return {};
}

Result<Rows> SqliteConnection::ExecuteSql(const Statement& statement) {
  ROWSEAL_ASSIGN(StatementCursor cursor, Prepare(statement.sql));
  for (std::size_t i = 0; i < statement.params.size(); ++i) {
    cursor.Bind(static_cast<int>(i) + 1, statement.params[i]);
  }
  const std::int64_t before = sqlite3_total_changes64(database_);
  Rows rows;
  while (true) {
    ROWSEAL_ASSIGN(const bool has_row, cursor.Step());
    if (!has_row) {
      break;
    }
    rows.rows.push_back(cursor.TakeRow());
  }
  rows.changed = sqlite3_total_changes64(database_) - before;
  return rows;
}

Result<Rows> SqliteConnection::Execute(const Statement& statement) {
  if (statement.procedure == Procedure::kSql) {
    return ExecuteSql(statement);
  }
  return CallProcedure(*this, statement);
}

Result<void> SqliteConnection::Begin(TransactionKind kind) {
  ROWSEAL_ASSIGN(StatementCursor cursor,
                 Prepare(kind == TransactionKind::kRead ? "BEGIN" : "BEGIN IMMEDIATE"));
  ROWSEAL_TRY(cursor.Step());
  return {};
}

Result<void> SqliteConnection::Commit() {
  ROWSEAL_ASSIGN(StatementCursor cursor, Prepare("COMMIT"));
  Result<bool> committed = cursor.Step();
  if (!committed) {
    Error error = std::move(committed).error();
    // The commit's record may stand in the log although it could not be flushed: whoever recovers
    // the store after a crash may find it.
    if ((sqlite3_extended_errcode(database_) & 0xFF) == SQLITE_IOERR) {
      error.code = ErrorCode::kInDoubt;
      error.hint = "check the disk; read before you write again";
    }
    return tl::unexpected(std::move(error));
  }
  return {};
}

void SqliteConnection::Rollback() noexcept {
  if (in_transaction()) {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

bool SqliteConnection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(database_) == 0;
}

std::int64_t SqliteConnection::changes() const noexcept { return sqlite3_changes64(database_); }

}  // namespace rowseal
