#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// How far a job's walk over a table came: the texts of the last row's key, in a job's row.

/// JoinPosition makes one text of them. It tells any two lists apart, whatever somebody wrote into
/// a key: control characters and `%` are escaped.
std::string JoinPosition(std::initializer_list<std::string_view> parts);

/// SplitPosition gives the `count` texts back; nothing at all of an empty position, where a walk
/// begins. Errors: kIntegrity.
Result<std::vector<std::string>> SplitPosition(std::string_view position, std::size_t count);

/// TextKey gives the texts of a row's first `columns` columns, which the next page begins after.
/// Errors: kIntegrity, naming the row: by anything but a text the walk would begin again, for ever.
Result<std::vector<std::string>> TextKey(const Row& row, std::size_t columns,
                                         std::string_view table);

}  // namespace rowseal
