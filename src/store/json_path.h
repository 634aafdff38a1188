#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rowseal {

/// JsonStep is one segment of a path: a member's name, an array's index, or each member or element.
struct JsonStep {
  enum class Kind : std::uint8_t { kName, kIndex, kEach };
  Kind kind = Kind::kEach;
  std::string name;
  std::int64_t index = 0;  ///< negative: from the end

  bool operator==(const JsonStep&) const = default;
};

/// JsonPath leads from a document's root to strings in it.
using JsonPath = std::vector<JsonStep>;

}  // namespace rowseal
