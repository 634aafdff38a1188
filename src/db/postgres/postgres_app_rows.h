#pragma once

#include <memory>
#include <string>

#include "store/app_rows.h"

namespace rowseal {

/// OpenPostgresAppRows opens a migrated column in an app's PostgreSQL database. The journal stands
/// in the schema rowseal_migration, which the login must be allowed to make, and the guard is a
/// trigger of the table, so the login must own it. Besides AppRows's errors: kInvalidArgument (no
/// such database, table or column; the key is not unique; row-level security would hide rows).
Result<std::unique_ptr<AppRows>> OpenPostgresAppRows(const std::string& url,
                                                     const MigratedColumn& column);

}  // namespace rowseal
