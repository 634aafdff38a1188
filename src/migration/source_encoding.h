#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// SourceEncoding is how an app wrote bytes as text. Apps are less strict than Rowseal's own
/// encodings (base/encoding.h): hex is of either case, and `=` at the end may be there or not.
/// What no encoder writes is refused: other characters, white space, lengths that are none, bits
/// left over.
enum class SourceEncoding : std::uint8_t { kRaw, kHex, kBase64, kBase64Url };

/// DecodeSource gives the bytes, for what is no secret. Errors: kIntegrity, which says no byte of
/// `text`.
Result<Bytes> DecodeSource(SourceEncoding encoding, std::string_view text);

/// DecodeSourceSecret is the same for a key or a plaintext, straight into guarded memory. Errors:
/// DecodeSource's and kResourceExhausted.
Result<SecretBytes> DecodeSourceSecret(SourceEncoding encoding, std::string_view text);

/// IsDigitOf tells whether `character` may stand in text of that encoding (padding included); of
/// raw bytes, any may.
bool IsDigitOf(SourceEncoding encoding, char character) noexcept;

}  // namespace rowseal
