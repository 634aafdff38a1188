#pragma once

#include <rowseal/error.h>

#include "db/sqlite/sqlite_connection.h"

namespace rowseal {

/// CheckSqliteSchema compares everything that the file's schema defines with what this release
/// creates for `format`: tables with their columns, types, CHECKs, collations and keys, indexes,
/// the view `encrypted_secrets`, and nothing else. White space and comments do not count; nor do
/// the statistics of ANALYZE. Whoever can write to the file can change how SQLite reads and writes
/// rows by a changed definition, without touching a row.
///
/// Errors: kIntegrity, naming each object that differs and what to do.
Result<void> CheckSqliteSchema(SqliteConnection& connection, int format);

}  // namespace rowseal
