#pragma once

#include <string>

#include <rowseal/error.h>

namespace rowseal::cli {

/// ReadDatabase checks what --database names, an app's database, and makes a file's path absolute,
/// because any process may look. Errors: kInvalidArgument; the text is not repeated, because it may
/// hold a password.
Result<std::string> ReadDatabase(const std::string& url);

/// SqliteFile gives the path in `sqlite:PATH`; empty for another kind of database.
std::string SqliteFile(const std::string& database);

}  // namespace rowseal::cli
