#pragma once

#include <string>

#include <rowseal/error.h>

namespace rowseal {

/// SqlitePath gives the path that `sqlite:PATH` names. Errors: kInvalidArgument; a URL is not
/// repeated, because it may hold a password.
Result<std::string> SqlitePath(const std::string& store);

}  // namespace rowseal
