#pragma once

#include <string_view>

#include <rowseal/error.h>

#include "lifecycle/key_rows.h"

namespace rowseal {

/// ReadKeyRowsOfDump reads the rows of keys out of what pg_dump wrote as plain text: the COPY
/// blocks of schema rowseal. Errors: kNotFound (it holds no keys of Rowseal's), kIntegrity (a row
/// is malformed, or a block is cut off).
Result<KeyRows> ReadKeyRowsOfDump(std::string_view dump);

}  // namespace rowseal
