#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "db/sqlite/app_database.h"

namespace rowseal {

/// AppTable names a table of an app's that holds plaintext secrets, and its columns.
struct AppTable {
  std::string table;
  std::string project_column;
  std::string name_column;
  std::string value_column;
  std::optional<std::string> kind_column;
};

/// AppRow is one row of such a table. Projects and names are text; whole numbers become decimal
/// text.
struct AppRow {
  std::string project;
  std::string name;
  std::optional<std::string> kind;
  SecretBytes value;   ///< a TEXT or BLOB, byte for byte
  std::string defect;  ///< why the row is no secret; empty: it is one
};

/// AppTableReader streams an app's table, project by project in the order of their text, in
/// constant memory, from one moment of a database that it opens read-only. While it lives, an app
/// whose database is not in WAL mode cannot commit.
///
/// SQLite would sort rows through a temporary file; values never enter a sort, only keys and
/// projects do.
class AppTableReader final {
 public:
  /// Open checks that the table and its columns exist. Errors: kInvalidArgument (no such file,
  /// table or column; not a database), kUnavailable.
  static Result<AppTableReader> Open(const std::string& path, const AppTable& table);

  /// Next gives the next row, or nothing behind the last. Errors: kUnavailable, kInvalidArgument
  /// (the database is damaged), kResourceExhausted.
  Result<std::optional<AppRow>> Next();

 private:
  explicit AppTableReader(AppDatabase database) : database_(std::move(database)) {}
  Result<void> CheckTable(const AppTable& table);
  Result<AppRow> TakeRow();

  AppDatabase database_;
  AppDatabase::Statement keys_;  // row ids by project, or the projects
  AppDatabase::Statement rows_;  // the rows of one key
  bool in_rows_ = false;
  bool at_end_ = false;
};

}  // namespace rowseal
