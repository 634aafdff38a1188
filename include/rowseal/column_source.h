#pragma once

#include <string>
#include <vector>

#include <rowseal/error.h>

namespace rowseal {

/// ColumnSource says where a registered column stands in an app's database, so that its values can
/// be found and sealed again when a DEK is rotated. Names are as the database knows them.
struct ColumnSource {
  std::string database;           ///< `sqlite:/absolute/path`, `postgres://…` or `service=NAME`;
                                  ///< never holds a password
  std::string table;              ///< a table, not a view; on PostgreSQL as SQL writes it
  std::string column;             ///< its text holds sealed values, alone or as strings of JSON
  std::vector<std::string> keys;  ///< the primary key's columns, in the order of `row_key`
  std::string project_column;     ///< holds the project's id

  bool operator==(const ColumnSource&) const = default;
};

/// CheckColumnSource refuses empty names, control characters, and what is longer than 1,000 bytes.
/// Errors: kInvalidArgument.
Result<void> CheckColumnSource(const ColumnSource& source);

}  // namespace rowseal
