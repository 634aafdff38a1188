#pragma once

#include <memory>

#include "store/app_column.h"

namespace rowseal {

/// OpenSqliteAppColumn opens a registered column of an app's SQLite database for reading and
/// changing in place. Rows are walked in the order of their key columns, so the table needs an
/// index that begins with them (its primary key is one). Key values are INTEGER or TEXT.
/// Errors: kInvalidArgument (no such file, table or column).
Result<std::unique_ptr<AppColumn>> OpenSqliteAppColumn(const std::string& path,
                                                       const ColumnSource& source);

}  // namespace rowseal
