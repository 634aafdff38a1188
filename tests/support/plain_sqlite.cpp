#include "support/plain_sqlite.h"

#include <stdexcept>

#include <sqlite3.h>

namespace rowseal::testing {
namespace {

void BindParam(sqlite3_stmt* statement, int index, const Param& param) {
  if (const auto* number = std::get_if<std::int64_t>(&param)) {
    sqlite3_bind_int64(statement, index, *number);
  } else if (const auto* text = std::get_if<std::string>(&param)) {
    sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  } else if (const auto* bytes = std::get_if<Bytes>(&param)) {
    const void* data = bytes->empty() ? "" : static_cast<const void*>(bytes->data());
    sqlite3_bind_blob64(statement, index, data, bytes->size(), SQLITE_TRANSIENT);
  }
}

Value ReadPlainValue(sqlite3_stmt* statement, int column) {
  const int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_INTEGER) {
    return sqlite3_column_int64(statement, column);
  }
  if (type == SQLITE_NULL) {
    return Null{};
  }
  if (type == SQLITE_BLOB) {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, column));
    return data == nullptr ? Bytes() : Bytes(data, data + sqlite3_column_bytes(statement, column));
  }
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

}  // namespace

void PlainSqlite::Close::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

PlainSqlite::PlainSqlite(const std::string& path) {
  sqlite3* opened = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  database_.reset(opened);
  if (status != SQLITE_OK) {
    throw std::runtime_error("cannot open " + path);
  }
  sqlite3_busy_timeout(opened, 10'000);
}

tl::unexpected<Error> PlainSqlite::Failure() const {
  return Fail(ErrorCode::kConflict, sqlite3_errmsg(database_.get()));
}

Result<Rows> PlainSqlite::Execute(const Statement& statement) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(database_.get(), statement.sql.data(),
                         static_cast<int>(statement.sql.size()), &prepared, nullptr) != SQLITE_OK) {
    return Failure();
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owned(prepared, sqlite3_finalize);
  for (std::size_t i = 0; i < statement.params.size(); ++i) {
    const std::string name = "$" + std::to_string(i + 1);
    BindParam(prepared, sqlite3_bind_parameter_index(prepared, name.c_str()), statement.params[i]);
  }
  const std::int64_t before = sqlite3_total_changes64(database_.get());
  Rows rows;
  int status = sqlite3_step(prepared);
  for (; status == SQLITE_ROW; status = sqlite3_step(prepared)) {
    Row& row = rows.rows.emplace_back();
    for (int column = 0; column < sqlite3_column_count(prepared); ++column) {
      row.push_back(ReadPlainValue(prepared, column));
    }
  }
  if (status != SQLITE_DONE) {
    return Failure();
  }
  rows.changed = sqlite3_total_changes64(database_.get()) - before;
  return rows;
}

Result<void> PlainSqlite::Begin(TransactionKind) { return ExecuteScript("BEGIN IMMEDIATE"); }
Result<void> PlainSqlite::Commit() { return ExecuteScript("COMMIT"); }
void PlainSqlite::Rollback() noexcept {
  sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> PlainSqlite::ExecuteScript(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Failure();
  }
  return {};
}

}  // namespace rowseal::testing
