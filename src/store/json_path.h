#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/error.h>

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

/// ParseJsonPath reads the part of RFC 9535 that names children, indexes and wildcards:
/// `$.nodes[*].headers['x-api-key']`. Errors: kInvalidArgument, with the place.
Result<JsonPath> ParseJsonPath(std::string_view text);

/// ToText writes a path so that ParseJsonPath reads the same.
std::string ToText(const JsonPath& path);

/// JsonString is a string of a document: where it stands, its quotes included, what it says, and
/// the path to it without wildcards.
struct JsonString {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::string text;
  std::string place;
};

/// FindJsonStrings finds the strings at a path in a document's text. Values of other kinds there
/// are passed over. The texts are plaintext: the caller wipes them. Errors: kInvalidArgument (not
/// JSON by RFC 8259, nested deeper than 200; without a part of the document).
Result<std::vector<JsonString>> FindJsonStrings(std::string_view document, const JsonPath& path);

/// JsonQuoted writes a text as a JSON string, quotes included.
std::string JsonQuoted(std::string_view text);

}  // namespace rowseal
