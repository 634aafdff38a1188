#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// LeafPath leads to strings of a JSON document: names of members, and nothing for each element of
/// an array or each member of an object whose names are keys of data.
using LeafPath = std::vector<std::optional<std::string>>;

/// ToText writes a path as RFC 9535 has it, with children and wildcards only:
/// `$.nodes[*].headers["x-api-key"]`.
std::string ToText(const LeafPath& path);

/// VisitJsonStrings walks over a JSON text (RFC 8259) and shows each string in it with its path;
/// the string is not empty, and its view ends with the call. Arrays become wildcards, and so do
/// members whose names look like ids or tokens, because they differ from row to row and must not
/// stand in a manifest. Nothing of the text is kept in plain heap but names. Errors:
/// kInvalidArgument (no JSON, or nested deeper than 64), kResourceExhausted; strings before the
/// defect were shown.
Result<void> VisitJsonStrings(ByteView text,
                              const std::function<void(const LeafPath&, ByteView)>& visit);

}  // namespace rowseal
