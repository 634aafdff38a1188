#include "db/sqlite/app_table_reader.h"

#include <array>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr int kBusyTimeoutMilliseconds = 10'000;

// Quoted writes an identifier so that nothing in it can end it. It has been looked up before.
std::string Quoted(std::string_view identifier) {
  std::string quoted = "\"";
  for (const char character : identifier) {
    quoted.append(character == '"' ? 2 : 1, character);
  }
  return quoted + "\"";
}

std::string_view TypeName(int type) {
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

// Which column of the row statement is which.
enum Column : int { kProject, kName, kValue, kKind, kRowId };

class RowDefects final {
 public:
  RowDefects(sqlite3_stmt* row, AppRow& out) : row_(row), out_(out) {}

  std::string KeyText(int column, std::string_view what) {
    const int type = sqlite3_column_type(row_, column);
    if (type != SQLITE_TEXT && type != SQLITE_INTEGER) {
      Say(what, type, "not TEXT or an INTEGER");
      return {};
    }
    return std::string(AsText(ColumnBytes(row_, column)));
  }

  Result<SecretBytes> Value(int column) {
    const int type = sqlite3_column_type(row_, column);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) {
      Say("value", type, "not TEXT or a BLOB");
      return SecretBytes();
    }
    return SecretBytes::CopyOf(ColumnBytes(row_, column));
  }

 private:
  void Say(std::string_view what, int type, std::string_view expected) {
    const std::string row = sqlite3_column_type(row_, kRowId) == SQLITE_NULL
                                ? std::string("a row")
                                : "row " + std::string(AsText(ColumnBytes(row_, kRowId)));
    if (out_.defect.empty()) {
      out_.defect = row + ": its " + std::string(what) + " is " + std::string(TypeName(type)) +
                    ", " + std::string(expected);
    }
  }

  sqlite3_stmt* row_;
  AppRow& out_;
};

}  // namespace

void AppTableReader::CloseDatabase::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

void AppTableReader::FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

// SQLite's messages name tables and columns, never values.
tl::unexpected<Error> AppTableReader::Failure() const {
  const std::string what =
      "database '" + Printable(path_) + "': " + sqlite3_errmsg(database_.get());
  switch (sqlite3_errcode(database_.get())) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return Fail(ErrorCode::kUnavailable, what, "another process holds it; retry");
    case SQLITE_NOMEM:
      return Fail(ErrorCode::kResourceExhausted, what, "free memory, then retry");
    default:
      return Fail(ErrorCode::kInvalidArgument, what, "check the path and the file");
  }
}

Result<AppTableReader::Statement> AppTableReader::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    return Failure();
  }
  return Statement(statement);
}

Result<bool> AppTableReader::Step(const Statement& statement) {
  const int status = sqlite3_step(statement.get());
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status == SQLITE_DONE) {
    return false;
  }
  return Failure();
}

Result<bool> AppTableReader::Exists(const std::string& sql, const std::string& first,
                                    const std::string& second) {
  ROWSEAL_ASSIGN(const Statement statement, Prepare(sql));
  int number = 0;
  for (const std::string& text : {std::cref(first), std::cref(second)}) {
    sqlite3_bind_text64(statement.get(), ++number, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  }
  return Step(statement);
}

Result<void> AppTableReader::CheckColumn(const std::string& table, const std::string& column) {
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

Result<void> AppTableReader::CheckTable(const AppTable& table) {
  ROWSEAL_ASSIGN(const bool exists,
                 Exists("SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND "
                        "name = ?1 COLLATE NOCASE AND ?2 = ''",
                        table.table, ""));
  if (!exists) {
    return Fail(ErrorCode::kInvalidArgument,
                "database '" + Printable(path_) + "' has no table '" + Printable(table.table) + "'",
                "look with: sqlite3 FILE .schema");
  }
  ROWSEAL_TRY(CheckColumn(table.table, table.project_column));
  ROWSEAL_TRY(CheckColumn(table.table, table.name_column));
  ROWSEAL_TRY(CheckColumn(table.table, table.value_column));
  return table.kind_column ? CheckColumn(table.table, *table.kind_column) : Result<void>();
}

// A table's own column may be called `rowid` and hides the row id of that name. Views and tables
// WITHOUT ROWID have none.
Result<std::optional<std::string>> AppTableReader::RowIdName(const std::string& table) {
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

Result<AppTableReader> AppTableReader::Open(const std::string& path, const AppTable& table) {
  sqlite3* database = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  AppTableReader reader(Database(database), path);
  if (database == nullptr) {
    return Fail(ErrorCode::kResourceExhausted, "no memory to open '" + Printable(path) + "'");
  }
  if (opened != SQLITE_OK) {
    return reader.Failure();
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMilliseconds);
  // A view of the app's may call functions; a quoted name must never turn into a string literal.
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  if (sqlite3_exec(database, "BEGIN", nullptr, nullptr, nullptr) != SQLITE_OK) {
    return reader.Failure();
  }
  ROWSEAL_TRY(reader.CheckTable(table));
  ROWSEAL_ASSIGN(const std::optional<std::string> row_id, reader.RowIdName(table.table));

  // Projects are ordered and grouped as the text they become, whatever the column's collation is.
  const std::string from = " FROM " + Quoted(table.table);
  const std::string project = "CAST(" + Quoted(table.project_column) + " AS TEXT) COLLATE BINARY";
  const std::string columns = "SELECT " + Quoted(table.project_column) + ", " +
                              Quoted(table.name_column) + ", " + Quoted(table.value_column) + ", " +
                              (table.kind_column ? Quoted(*table.kind_column) : "NULL");
  const std::string keys = row_id ? "SELECT " + *row_id + from + " ORDER BY " + project + ", 1"
                                  : "SELECT DISTINCT " + project + from + " ORDER BY 1";
  const std::string rows = row_id ? columns + ", " + *row_id + from + " WHERE " + *row_id + " = ?1"
                                  : columns + ", NULL" + from + " WHERE " + project + " IS ?1";
  ROWSEAL_ASSIGN(reader.keys_, reader.Prepare(keys));
  ROWSEAL_ASSIGN(reader.rows_, reader.Prepare(rows));
  return reader;
}

Result<AppRow> AppTableReader::TakeRow() {
  AppRow row;
  RowDefects read(rows_.get(), row);
  row.project = read.KeyText(kProject, "project");
  row.name = read.KeyText(kName, "name");
  ROWSEAL_ASSIGN(row.value, read.Value(kValue));
  if (sqlite3_column_type(rows_.get(), kKind) != SQLITE_NULL) {
    row.kind = AsText(ColumnBytes(rows_.get(), kKind));
  }
  return row;
}

Result<std::optional<AppRow>> AppTableReader::Next() {
  while (!at_end_) {
    if (in_rows_) {
      ROWSEAL_ASSIGN(in_rows_, Step(rows_));
      if (in_rows_) {
        return TakeRow();
      }
    }
    ROWSEAL_ASSIGN(const bool more, Step(keys_));
    if (!more) {
      at_end_ = true;  // another step would start again from the beginning
      break;
    }
    sqlite3_reset(rows_.get());
    sqlite3_bind_value(rows_.get(), 1, sqlite3_column_value(keys_.get(), 0));
    in_rows_ = true;
  }
  return std::nullopt;
}

}  // namespace rowseal
