#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "store/json_path.h"

namespace rowseal {

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
  SecretBytes text;
  std::string place;
};

/// FindJsonStrings finds the strings at a path in a document's text. Values of other kinds there
/// are passed over. Errors: kInvalidArgument (not JSON by RFC 8259 in UTF-8, nested deeper than
/// 200; without a part of the document), kResourceExhausted.
Result<std::vector<JsonString>> FindJsonStrings(std::string_view document, const JsonPath& path);

/// JsonQuoted writes a text as a JSON string, quotes included.
std::string JsonQuoted(std::string_view text);

}  // namespace rowseal
