#include "db/sqlite/sqlite_connection.h"

#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include <sqlite3.h>

#include "base/encoding.h"
#include "db/sqlite/harden.h"
#include "db/sqlite/large_cells.h"
#include "db/sqlite/procedures.h"
#include "store/value_limits.h"

namespace rowseal {
namespace {

constexpr std::chrono::seconds kBusyPatience{10};
constexpr std::chrono::milliseconds kLongestPause{5};
constexpr std::string_view kSchemaPrefix = "rowseal.";
constexpr std::string_view kRowLock = " FOR UPDATE";

// secure_delete on: what was deleted is overwritten in the file.
constexpr const char* kSetUp =
    "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL;"
    "PRAGMA temp_store=MEMORY;";

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
      return {ErrorCode::kIntegrity, std::move(what), kTooLargeHint};
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

// Says which column made SQLite end `statement` because a value is too large to be read: asks for
// each column's length by the same query. A blob's length is known without reading it.
Error ValueTooLarge(sqlite3_stmt* statement, Error error) {
  const int columns = sqlite3_column_count(statement);
  const std::unique_ptr<char, void (*)(void*)> query(sqlite3_expanded_sql(statement), sqlite3_free);
  const int limit = sqlite3_limit(sqlite3_db_handle(statement), SQLITE_LIMIT_LENGTH, -1);
  std::string names;
  for (int column = 0; column < columns; ++column) {
    names += (column == 0 ? "c" : ", c") + std::to_string(column);
  }
  for (int column = 0; query != nullptr && column < columns; ++column) {
    const std::string sql = "WITH r(" + names + ") AS (" + query.get() +
                            ") SELECT 1 FROM r WHERE length(c" + std::to_string(column) + ") > " +
                            std::to_string(limit);
    sqlite3_stmt* lengths = nullptr;
    sqlite3_prepare_v2(sqlite3_db_handle(statement), sql.c_str(), -1, &lengths, nullptr);
    const int status = lengths == nullptr ? SQLITE_ERROR : sqlite3_step(lengths);
    sqlite3_finalize(lengths);
    if (status == SQLITE_ROW || status == SQLITE_TOOBIG) {
      return TooLarge(sqlite3_column_name(statement, column), 0, static_cast<std::size_t>(limit))
          .value();
    }
  }
  return error;
}

Result<Value> ColumnValue(sqlite3_stmt* statement, int column) {
  const int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_INTEGER) {
    return sqlite3_column_int64(statement, column);
  }
  if (type != SQLITE_TEXT && type != SQLITE_BLOB) {
    return Null{};
  }
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  const std::size_t limit = type == SQLITE_TEXT ? kLargestStoredText : kLargestStoredBytes;
  if (size > limit) {
    return TooLarge(sqlite3_column_name(statement, column), size, limit);
  }
  if (bytes == nullptr && size != 0) {
    return Fail(ErrorCode::kResourceExhausted, "no memory to read a row");
  }
  if (type == SQLITE_TEXT) {
    return std::string(reinterpret_cast<const char*>(bytes), size);
  }
  return Bytes(bytes, bytes + size);
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
  Error error = SqliteFailure(sqlite3_db_handle(statement_));
  if (status == SQLITE_TOOBIG) {
    sqlite3_reset(statement_);
    error = ValueTooLarge(statement_, std::move(error));
  }
  return tl::unexpected(std::move(error));
}

Result<Row> StatementCursor::TakeRow() const {
  const int columns = sqlite3_column_count(statement_);
  Row row;
  row.reserve(static_cast<std::size_t>(columns));
  for (int column = 0; column < columns; ++column) {
    ROWSEAL_ASSIGN(Value value, ColumnValue(statement_, column));
    row.push_back(std::move(value));
  }
  return row;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path) {
  ROWSEAL_TRY(CheckSqlitePath(path));
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return Fail(ErrorCode::kNotFound, "there is no store at '" + Printable(path) + "'",
                "make one: rowseal init --store sqlite:PATH --root file:PATH");
  }
  ROWSEAL_TRY(CheckSqliteFiles(path));
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
  ROWSEAL_TRY(HardenSqlite(database, SqliteFile::kStore));
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
  if (now - waiting_since > kBusyPatience) {
    return 0;
  }
  std::this_thread::sleep_for(
      std::min(std::chrono::milliseconds(1 + calls_before / 8), kLongestPause));
  return 1;
}

std::string SqliteConnection::SqliteText(std::string_view sql) {
  std::string text(sql);
  for (std::size_t at = text.find(kSchemaPrefix); at != std::string::npos;
       at = text.find(kSchemaPrefix, at)) {
    text.erase(at, kSchemaPrefix.size());
  }
  if (text.ends_with(kRowLock)) {
    text.erase(text.size() - kRowLock.size());  // a writer has locked the whole file
  }
  return text;
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
    const std::string text = SqliteText(sql);
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
  Result<Rows> rows = RunSql(statement.sql, statement.params);
  if (rows || rows.error().hint != kTooLargeHint) {
    return rows;
  }
  // One row with a huge value hides no other.
  const Result<std::string> bounded = WithoutLargeCells(database_, SqliteText(statement.sql));
  if (!bounded) {
    return rows;
  }
  rows = RunSql(*bounded, statement.params);
  const auto prepared = prepared_.find(*bounded);
  if (prepared != prepared_.end()) {
    sqlite3_finalize(prepared->second);  // its text will not come again
    prepared_.erase(prepared);
  }
  return rows;
}

Result<Rows> SqliteConnection::RunSql(std::string_view sql, const std::vector<Param>& params) {
  ROWSEAL_ASSIGN(StatementCursor cursor, Prepare(sql));
  for (std::size_t i = 0; i < params.size(); ++i) {
    cursor.Bind(static_cast<int>(i) + 1, params[i]);
  }
  const std::int64_t before = sqlite3_total_changes64(database_);
  Rows rows;
  while (true) {
    ROWSEAL_ASSIGN(const bool has_row, cursor.Step());
    if (!has_row) {
      break;
    }
    ROWSEAL_ASSIGN(Row row, cursor.TakeRow());
    rows.rows.push_back(std::move(row));
  }
  rows.changed = sqlite3_total_changes64(database_) - before;
  return rows;
}

Result<Rows> SqliteConnection::Execute(const Statement& statement) {
  if (statement.procedure == Procedure::kSql) {
    if (!in_transaction()) {
      ROWSEAL_TRY(CheckSchema());
    }
    return ExecuteSql(statement);
  }
  return CallProcedure(*this, statement);
}

Result<void> SqliteConnection::Begin(TransactionKind kind) {
  ROWSEAL_ASSIGN(StatementCursor cursor,
                 Prepare(kind == TransactionKind::kRead ? "BEGIN" : "BEGIN IMMEDIATE"));
  ROWSEAL_TRY(cursor.Step());
  Result<void> checked = CheckSchema();
  if (!checked) {
    Rollback();
  }
  return checked;
}

Result<void> SqliteConnection::HoldSchema(SchemaCheck check) {
  schema_check_ = check;
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(*this, TransactionKind::kRead));
  return transaction.Commit();
}

// The counter is read from the file's header: about a microsecond for each transaction.
Result<void> SqliteConnection::CheckSchema() {
  if (schema_check_ == nullptr) {
    return {};
  }
  ROWSEAL_ASSIGN(StatementCursor cursor, Prepare("PRAGMA schema_version"));
  ROWSEAL_TRY(cursor.Step());
  ROWSEAL_ASSIGN(Row row, cursor.TakeRow());
  RowReader reader(row);
  const std::int64_t version = reader.Integer();
  ROWSEAL_TRY(reader.status());
  if (checked_schema_ != version) {
    ROWSEAL_TRY(schema_check_(*this));
    checked_schema_ = version;
  }
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
