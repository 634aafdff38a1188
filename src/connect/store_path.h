#pragma once

#include <string>

#include <rowseal/error.h>
#include <rowseal/rowseal.h>

namespace rowseal {

/// SqlitePath gives the path that `sqlite:PATH` names. Errors: kInvalidArgument; a URL is not
/// repeated, because it may hold a password.
Result<std::string> SqlitePath(const std::string& store);

/// AtSqlitePlace fills in which store these options are for, where the caller left it open.
StoreOptions AtSqlitePlace(StoreOptions options, const std::string& path);

}  // namespace rowseal
