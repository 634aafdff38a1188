#pragma once

#include <cstddef>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// Checked text is how keys are written for people and files: a prefix that says what it is, then
/// lower-case RFC 4648 base32, unpadded, of the bytes ‖ first 4 bytes of SHA-256(prefix ‖ bytes).
/// Each byte string has one text. Neither direction has a table or a branch on the bytes.

Result<SecretBytes> EncodeCheckedText(std::string_view prefix, ByteView bytes);

/// DecodeCheckedText reads the text of exactly `size` bytes; it begins with `prefix`. Errors:
/// kRootKeyMalformed, whose message is the defect alone ("is damaged: …") and holds no byte of it.
Result<SecretBytes> DecodeCheckedText(std::string_view prefix, ByteView text, std::size_t size);

}  // namespace rowseal
