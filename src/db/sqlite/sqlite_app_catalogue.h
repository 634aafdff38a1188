#pragma once

#include <memory>
#include <string>

#include "store/app_catalogue.h"

namespace rowseal {

/// OpenSqliteAppCatalogue opens an app's SQLite file for reading. Views, virtual tables and
/// SQLite's own tables are left out. While a table is sampled, an app whose database is not in WAL
/// mode cannot commit. Errors: kInvalidArgument (no such file, not a database), kUnavailable.
Result<std::unique_ptr<AppCatalogue>> OpenSqliteAppCatalogue(const std::string& path);

}  // namespace rowseal
