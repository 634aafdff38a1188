#include "db/sqlite/app_table_reader.h"

#include <array>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "base/encoding.h"
#include "base/text.h"

namespace rowseal {
namespace {

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
      out_.defect = row + ": its " + std::string(what) + " is " +
                    std::string(SqliteTypeName(type)) + ", " + std::string(expected);
    }
  }

  sqlite3_stmt* row_;
  AppRow& out_;
};

}  // namespace

Result<void> AppTableReader::CheckTable(const AppTable& table) {
  ROWSEAL_TRY(database_.CheckTable(table.table, AppDatabase::Kind::kTableOrView));
  ROWSEAL_TRY(database_.CheckColumn(table.table, table.project_column));
  ROWSEAL_TRY(database_.CheckColumn(table.table, table.name_column));
  ROWSEAL_TRY(database_.CheckColumn(table.table, table.value_column));
  return table.kind_column ? database_.CheckColumn(table.table, *table.kind_column)
                           : Result<void>();
}

Result<AppTableReader> AppTableReader::Open(const std::string& path, const AppTable& table) {
  ROWSEAL_ASSIGN(AppDatabase database, AppDatabase::Open(path, AppDatabase::Mode::kReadOnly));
  AppTableReader reader(std::move(database));
  ROWSEAL_TRY(reader.database_.Execute("BEGIN"));
  ROWSEAL_TRY(reader.database_.AllowViews());
  ROWSEAL_TRY(reader.CheckTable(table));
  ROWSEAL_ASSIGN(const std::optional<std::string> row_id, reader.database_.RowIdName(table.table));

  // Projects are ordered and grouped as the text they become, whatever the column's collation is.
  const std::string from = " FROM " + QuotedIdentifier(table.table);
  const std::string project =
      "CAST(" + QuotedIdentifier(table.project_column) + " AS TEXT) COLLATE BINARY";
  const std::string columns = "SELECT " + QuotedIdentifier(table.project_column) + ", " +
                              QuotedIdentifier(table.name_column) + ", " +
                              QuotedIdentifier(table.value_column) + ", " +
                              (table.kind_column ? QuotedIdentifier(*table.kind_column) : "NULL");
  const std::string keys = row_id ? "SELECT " + *row_id + from + " ORDER BY " + project + ", 1"
                                  : "SELECT DISTINCT " + project + from + " ORDER BY 1";
  const std::string rows = row_id ? columns + ", " + *row_id + from + " WHERE " + *row_id + " = ?1"
                                  : columns + ", NULL" + from + " WHERE " + project + " IS ?1";
  ROWSEAL_ASSIGN(reader.keys_, reader.database_.Prepare(keys));
  ROWSEAL_ASSIGN(reader.rows_, reader.database_.Prepare(rows));
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
      ROWSEAL_ASSIGN(in_rows_, database_.Step(rows_));
      if (in_rows_) {
        return TakeRow();
      }
    }
    ROWSEAL_ASSIGN(const bool more, database_.Step(keys_));
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
