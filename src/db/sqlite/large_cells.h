#pragma once

#include <string>
#include <string_view>

#include <sqlite3.h>

#include <rowseal/error.h>

namespace rowseal {

/// WithoutLargeCells gives a query that reads what `query`, a SELECT over tables of a store, reads,
/// but for values that are larger than any of Rowseal's (store/value_limits.h). In the place of
/// such a text stand its first 80 bytes and one that no UTF-8 has, in the place of bytes none: both
/// are refused by whoever reads the row, and the row can be named. No large value is read: SQLite
/// tells its size from the row's header. Looks at every row of the tables, so it is for a query
/// that met such a value. Errors: kIntegrity (there are too many, or it is no such query).
Result<std::string> WithoutLargeCells(sqlite3* database, std::string_view query);

}  // namespace rowseal
