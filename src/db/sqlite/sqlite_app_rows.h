#pragma once

#include <memory>
#include <string>

#include "store/app_rows.h"

namespace rowseal {

/// OpenSqliteAppRows opens a migrated column in an app's SQLite file. The journal's tables are
/// named rowseal_migration_…, and the guard is triggers of the table. A transaction locks the whole
/// file for writers. Besides AppRows's errors: kInvalidArgument (no such file, table or column; the
/// key is not unique).
Result<std::unique_ptr<AppRows>> OpenSqliteAppRows(const std::string& path,
                                                   const MigratedColumn& column);

}  // namespace rowseal
