#pragma once

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "migration/text_cursor.h"

namespace rowseal {

// The pieces of RFC 8259 that reading secrets needs. A general parser would leave each value in
// plain heap; these write straight into guarded memory.

/// kJsonSpaces may stand between the tokens of JSON.
inline constexpr std::string_view kJsonSpaces = " \t\n\r";

/// TakeJsonString reads a string with its quotes, and gives what it stands for. Errors:
/// TextCursor's kInvalidArgument (no string, never closed, half a surrogate pair, …) and
/// kResourceExhausted.
Result<SecretBytes> TakeJsonString(TextCursor& cursor);

/// SkipJsonValue goes past a value of any type without keeping it, and without looking into
/// numbers and words closely. Errors: TakeJsonString's; kInvalidArgument for objects and arrays
/// that are nested more than 16 deep.
Result<void> SkipJsonValue(TextCursor& cursor);

}  // namespace rowseal
