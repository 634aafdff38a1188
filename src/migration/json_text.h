#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "base/encoding.h"
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

/// TakeJsonObject goes past an object with its brackets: `take(name)` goes past the value of each
/// member, with no space before it. Errors: TakeJsonString's, those of `take`, kInvalidArgument (no
/// object, or it is never closed).
Result<void> TakeJsonObject(TextCursor& cursor,
                            const std::function<Result<void>(std::string_view name)>& take);

/// TakeJsonArray is the same for an array and its items.
Result<void> TakeJsonArray(TextCursor& cursor, const std::function<Result<void>()>& take);

/// SkipJsonNumberOrWord goes past a number, `true`, `false` or `null` without looking closely, and
/// says whether there was one.
bool SkipJsonNumberOrWord(TextCursor& cursor) noexcept;

/// QuoteJson gives the pieces of `text` as a string of JSON, quotes included, to `append`, which
/// returns a Result<void>: the pieces may be of a secret.
template <class Append>
Result<void> QuoteJson(std::string_view text, Append append) {
  ROWSEAL_TRY(append(std::string_view("\"")));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20) {
      std::array<char, 2> digits = HexDigits(byte);
      ROWSEAL_TRY(append(std::string_view("\\u00")));
      const Result<void> appended = append(std::string_view(digits.data(), digits.size()));
      digits.fill('\0');
      ROWSEAL_TRY(appended);
      continue;
    }
    if (byte == '"' || byte == '\\') {
      ROWSEAL_TRY(append(std::string_view("\\")));
    }
    ROWSEAL_TRY(append(text.substr(i, 1)));
  }
  return append(std::string_view("\""));
}

/// SkipJsonValue goes past a value of any type without keeping it, and without looking into
/// numbers and words closely. Errors: TakeJsonString's; kInvalidArgument for objects and arrays
/// that are nested more than 16 deep.
Result<void> SkipJsonValue(TextCursor& cursor);

}  // namespace rowseal
