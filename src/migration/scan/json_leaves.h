#pragma once

#include <functional>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "migration/json_path.h"

namespace rowseal {

/// VisitJsonStrings walks over a JSON text (RFC 8259) and shows each string in it with its path;
/// the string is not empty, and its view ends with the call. Elements of arrays become wildcards,
/// and so do members whose names look like ids or tokens, because they differ from row to row and
/// must not stand in a manifest. Nothing of the text is kept in plain heap but names. Errors:
/// kInvalidArgument (no JSON, or nested deeper than 64), kResourceExhausted; strings before the
/// defect were shown.
Result<void> VisitJsonStrings(ByteView text,
                              const std::function<void(const JsonPath&, ByteView)>& visit);

}  // namespace rowseal
