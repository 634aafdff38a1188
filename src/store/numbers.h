#pragma once

#include <string_view>
#include <vector>

#include <rowseal/connection.h>

namespace rowseal {

/// OneNumber runs a query of one row with one number, such as a count or an EXISTS.
Result<std::int64_t> OneNumber(Connection& connection, std::string_view sql,
                               std::vector<Param> params = {});

}  // namespace rowseal
