#pragma once

#include <memory>
#include <optional>
#include <string>

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "db/sqlite/app_table_reader.h"
#include "migration/import_source.h"

namespace rowseal {

/// OpenAppTableSource reads the secrets in a table of an app's SQLite database, which is opened
/// read-only. A row that is no secret (NULL, a number for a value, a name that is not one) is a
/// problem of its project. A secret whose row says no kind gets `kind`. Errors:
/// AppTableReader::Open's.
Result<std::unique_ptr<ImportSource>> OpenAppTableSource(const std::string& path,
                                                         const AppTable& table,
                                                         std::optional<SecretKind> kind);

}  // namespace rowseal
