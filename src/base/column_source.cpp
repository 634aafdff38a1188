#include <rowseal/column_source.h>

#include <algorithm>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::size_t kLongest = 1000;  // bytes
constexpr std::size_t kMostKeys = 16;

Result<void> CheckText(std::string_view what, std::string_view text) {
  const bool has_control = std::ranges::any_of(
      text, [](char character) { return static_cast<unsigned char>(character) < 0x20; });
  if (text.empty() || text.size() > kLongest || has_control || !IsUtf8(text)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the column's " + std::string(what) + " '" + Printable(text) +
                    "' is empty, over 1,000 bytes, or has control characters",
                "name it as the database does");
  }
  return {};
}

}  // namespace

Result<void> CheckColumnSource(const ColumnSource& source) {
  ROWSEAL_TRY(CheckText("database", source.database));
  ROWSEAL_TRY(CheckText("table", source.table));
  ROWSEAL_TRY(CheckText("name", source.column));
  ROWSEAL_TRY(CheckText("project column", source.project_column));
  if (source.keys.empty() || source.keys.size() > kMostKeys) {
    return Fail(ErrorCode::kInvalidArgument, "a column's rows have 1 to 16 key columns",
                "name the table's primary key");
  }
  for (const std::string& key : source.keys) {
    ROWSEAL_TRY(CheckText("key", key));
  }
  return {};
}

}  // namespace rowseal
