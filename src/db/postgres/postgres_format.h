#pragma once

#include <string>

#include <rowseal/connection.h>
#include <rowseal/error.h>

namespace rowseal {

/// PostgresFormat is the format this release reads and writes. Each kind of store counts its own.
int PostgresFormat() noexcept;

/// ReadPostgresFormat gives the format of the database's store, 0 when it has none.
Result<int> ReadPostgresFormat(Connection& connection);

/// CheckPostgresFormat refuses formats other than this release's. Errors: kNewerSchema,
/// kOlderSchema.
Result<void> CheckPostgresFormat(int format, const std::string& store);

/// CheckPostgresStore refuses a database without a store of this release's format; `store` names it
/// in messages. Errors: CheckPostgresFormat's, kNotFound (no store).
Result<void> CheckPostgresStore(Connection& connection, const std::string& store);

/// OneRow runs a query that gives exactly one row. Errors: the connection's, kInternal.
Result<Row> OneRow(Connection& connection, const Statement& statement);

}  // namespace rowseal
