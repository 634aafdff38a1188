#pragma once

#include <string>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/lifecycle.h>

#include "db/postgres/postgres_connection.h"

namespace rowseal {

/// CheckPostgres looks at what a store on PostgreSQL stands on: the server's version, settings that
/// would log parameters, checksums, TLS, the pooler, roles, grants and row-level security as
/// Rowseal made them, who may dump, and projects that are gone. It changes nothing; what this login
/// may not see is a finding.
std::vector<Finding> CheckPostgres(PostgresConnection& connection);

}  // namespace rowseal
