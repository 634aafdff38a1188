#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

struct sqlite3;
struct sqlite3_stmt;

namespace rowseal {

/// AppDatabase is an app's own SQLite file, of which nothing is known or trusted: a view or trigger
/// of it may call no function with effects, and names are looked up before they enter SQL.
/// Errors: kInvalidArgument (no such file, table or column; not a database; damaged), kUnavailable
/// (locked for 10 s, I/O), kResourceExhausted. Messages name tables and columns, never values.
class AppDatabase final {
 public:
  enum class Mode : std::uint8_t { kReadOnly, kReadWrite };

  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

  static Result<AppDatabase> Open(const std::string& path, Mode mode);

  Result<Statement> Prepare(const std::string& sql);
  /// Step moves to the next row; false when there is none.
  Result<bool> Step(const Statement& statement);
  Result<void> Execute(const std::string& sql);

  enum class Kind : std::uint8_t { kTable, kTableOrView };
  Result<void> CheckTable(const std::string& table, Kind kind);
  Result<void> CheckColumn(const std::string& table, const std::string& column);

  /// CheckUniqueKey makes sure that `columns` are the primary key, or exactly those of a unique
  /// index over all rows: only then does a key name one row.
  Result<void> CheckUniqueKey(const std::string& table, std::vector<std::string> columns);

  /// RowIdName finds a name by which rows are numbered. A table's own column may be called `rowid`
  /// and hides the row id of that name; views and tables WITHOUT ROWID have none.
  Result<std::optional<std::string>> RowIdName(const std::string& table);

  std::int64_t changes() const noexcept;

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept;
  };

  AppDatabase(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}
  Result<bool> Exists(const std::string& sql, const std::string& first, const std::string& second);
  tl::unexpected<Error> Failure() const;

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::string path_;
};

/// QuotedIdentifier writes a name so that nothing in it can end it.
std::string QuotedIdentifier(std::string_view name);

/// SqliteTypeName says what a value is, for a message: `an INTEGER`, `NULL`, ….
std::string_view SqliteTypeName(int type);

/// ColumnBytes views a column's text or blob; the view ends with the row.
ByteView ColumnBytes(sqlite3_stmt* row, int column);

}  // namespace rowseal
