#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <rowseal/error.h>

struct sqlite3;

namespace rowseal {

/// SqliteFile says whose file a connection opens.
enum class SqliteFile : std::uint8_t {
  kStore,  ///< Rowseal's own: its statements and its rows are known, so its limits are tight
  kApp,    ///< an application's: rows and statements of its triggers are its own business
};

/// CheckSqlitePath rejects what SQLite takes for something else than a file's path: an empty name
/// and
/// `:memory:` (a database that is gone when it is closed), other names that begin with a colon
/// (reserved), and `file:` (a URI, in builds of SQLite that read them). `./` before such a name
/// makes it a file's. Errors: kInvalidArgument.
Result<void> CheckSqlitePath(std::string_view path);

/// CheckSqliteFiles rejects a database, a journal or a log that is there and is no regular file:
/// SQLite opens all of them, waits for the other end of a FIFO, and follows links. Errors:
/// kInvalidArgument.
Result<void> CheckSqliteFiles(const std::string& path);

/// HardenSqlite sets up a connection to a file that somebody else may have written: what is in the
/// file runs nothing and cannot make SQLite take unbounded memory. Triggers and views are off; an
/// application's are switched on only for a change of its rows (AllowTriggersAndViews).
/// Errors: kInternal (a SQLite library that does not know a switch; at least 3.31 is needed).
Result<void> HardenSqlite(sqlite3* database, SqliteFile file);

/// AllowTriggersAndViews lets an application's own triggers run when its rows are changed, with the
/// views that they read. They may call no function with effects (trusted_schema stays off).
Result<void> AllowTriggersAndViews(sqlite3* database);

}  // namespace rowseal
