#pragma once

#include <memory>
#include <string>

#include "store/app_catalogue.h"

namespace rowseal {

/// OpenPostgresAppCatalogue connects to an app's PostgreSQL database. Views, foreign and temporary
/// tables and the schemas `pg_…`, `information_schema` and `rowseal…` are left out. What it reads
/// is wiped when it was shown; libpq's own buffer, which it cannot reach, is freed with the
/// connection. Errors: kInvalidArgument (URL, login, database), kUnavailable.
Result<std::unique_ptr<AppCatalogue>> OpenPostgresAppCatalogue(const std::string& url);

}  // namespace rowseal
