#pragma once

#include <memory>
#include <string>

#include <rowseal/error.h>

#include "db/sqlite/sqlite_connection.h"
#include "store/schema/upgrade.h"

namespace rowseal {

/// A SQLite store is one file that holds Rowseal's tables and no others: application_id marks it,
/// user_version is its format.

/// kSqliteFormat is the format this release reads and writes.
int SqliteFormat() noexcept;

/// SqliteUpgradeSql gives the SQL of every upgrade, each under a comment with its format.
std::string SqliteUpgradeSql();

/// OpenSqliteStore opens a store of this release's format, whose schema is held against this
/// release's for as long as it is open. Errors: kInvalidArgument (no path), kNotFound,
/// kNewerSchema, kOlderSchema, kRefusedByState (a database that is not Rowseal's), kIntegrity (its
/// schema was changed; see CheckSqliteSchema).
Result<std::unique_ptr<SqliteConnection>> OpenSqliteStore(const std::string& path);

/// CreateSqliteStore makes the file (mode 0600) and its tables where they are missing; an existing
/// store is opened. Errors: as OpenSqliteStore, kRefusedByState when the file holds other tables.
Result<std::unique_ptr<SqliteConnection>> CreateSqliteStore(const std::string& path);

/// UpgradeSqliteStore brings a store to this release's format in one transaction and returns the
/// number of steps. Errors: kNewerSchema, kRefusedByState, kIntegrity (its schema was changed:
/// nothing is upgraded), those of `renew`.
Result<int> UpgradeSqliteStore(const std::string& path, const TagRenewal& renew);

/// OpenOldSqliteStore opens a store of this or an older format, whose schema is that format's, to
/// read its keys before an upgrade. Errors: as OpenSqliteStore, but kOlderSchema.
Result<std::unique_ptr<SqliteConnection>> OpenOldSqliteStore(const std::string& path);

}  // namespace rowseal
