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

/// AppDatabase is an app's own SQLite file, of which nothing is known or trusted: names are looked
/// up before they enter SQL, and nothing in the file runs or may be changed until AllowChanges is
/// called.
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

  /// AllowChanges lets this connection write. From then on the app's own triggers run for every row
  /// that is changed, with the views that they read, as for any other writer of the app's: they may
  /// keep a search index or a history that the app relies on (rowseal migrate plan lists them).
  /// They may call no function with effects. For kReadWrite only.
  Result<void> AllowChanges();
  bool may_change() const noexcept { return may_change_; }
  /// AllowViews lets this connection read a view that a person named.
  Result<void> AllowViews();

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
  bool may_change_ = false;
};

/// SqliteTypeName says what a value is, for a message: `an INTEGER`, `NULL`, ….
std::string_view SqliteTypeName(int type);

/// ColumnBytes views a column's text or blob; the view ends with the row. SQLite ends a statement
/// before a value of more than kLargestAppValue is read.
ByteView ColumnBytes(sqlite3_stmt* row, int column);

/// WholeRows lets statements write rows of an app's that are larger than what is ever read: SQLite
/// copies the columns that do not change. For the duration of such a statement only.
class WholeRows final {
 public:
  explicit WholeRows(sqlite3* database);
  WholeRows(const WholeRows&) = delete;
  WholeRows& operator=(const WholeRows&) = delete;
  ~WholeRows();

 private:
  sqlite3* database_;
  int limit_before_;
};

}  // namespace rowseal
