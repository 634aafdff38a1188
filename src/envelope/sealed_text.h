#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace rowseal {

/// SealedSpan is where a sealed value stands in a text.
struct SealedSpan {
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// FindSealedValues finds what looks like sealed values in the text of an app's column: the whole
/// text, strings of a JSON document, or parts of a larger text. Each begins with `rs1.` behind a
/// character that is no base64url digit, and reaches as far as base64url digits do; a mention of
/// `rs1.` with fewer digits than the shortest sealed value has is none. Sealed values need no
/// escaping in JSON, so one can be exchanged for another in place.
std::vector<SealedSpan> FindSealedValues(std::string_view text);

}  // namespace rowseal
