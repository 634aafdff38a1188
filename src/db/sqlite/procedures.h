#pragma once

#include <rowseal/connection.h>

namespace rowseal {

class SqliteConnection;

/// CallProcedure carries out one of the hot statements, in the open transaction or in one of its
/// own that is committed before the rows are returned. What each takes and gives: src/store/calls.
Result<Rows> CallProcedure(SqliteConnection& connection, const Statement& statement);

}  // namespace rowseal
