#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rowseal/error.h>

namespace rowseal {

/// IsPostgresUrl tells whether a store or database is written as one of PostgreSQL's:
/// `postgres://…`, `postgresql://…` or `service=NAME` (more settings may follow, as libpq reads
/// them).
bool IsPostgresUrl(std::string_view text) noexcept;

/// Conninfo is where a server is and how to reach it, as libpq's settings (PostgreSQL's manual,
/// section 34.1). Never holds a password: PGPASSFILE, a service or the environment gives it.
struct Conninfo {
  std::vector<std::pair<std::string, std::string>> settings;
  std::string name;  ///< for messages: host, port and database, as far as they are written
};

/// ParseConninfo reads such a text. Errors: kInvalidArgument (malformed, or it holds a password);
/// the text is not repeated.
Result<Conninfo> ParseConninfo(const std::string& text);

}  // namespace rowseal
