#pragma once

#include <span>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// Encodings are canonical: each decoder accepts exactly what its encoder writes, so one byte
/// string has one text. No padding characters, no white space, no second alphabet, zero trailing
/// bits.

/// Hex is lower case.
std::string ToHex(ByteView bytes);
Result<Bytes> FromHex(std::string_view text);

/// WriteUuid writes the canonical text of 16 bytes: lower case, hyphenated.
void WriteUuid(std::span<const std::uint8_t, 16> bytes, std::span<std::uint8_t, 36> text) noexcept;

/// Base64url is RFC 4648 section 5, unpadded.
std::string ToBase64Url(ByteView bytes);
Result<Bytes> FromBase64Url(std::string_view text);

/// IsUtf8 tells whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool IsUtf8(std::string_view text) noexcept;

/// Printable returns `text` for a message: at most 80 bytes, control and non-UTF-8 bytes as `\xNN`.
std::string Printable(std::string_view text);

}  // namespace rowseal
