#include "migration/source_encoding.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/encoding.h"

namespace rowseal {
namespace {

// Padding is there in full or not at all.
Base64 FormOf(SourceEncoding encoding, std::string_view text) noexcept {
  const bool is_padded = text.ends_with('=');
  if (encoding == SourceEncoding::kBase64) {
    return is_padded ? Base64::kPadded : Base64::kUnpadded;
  }
  return is_padded ? Base64::kUrlPadded : Base64::kUrl;
}

// As much as `text` may take.
std::size_t Capacity(SourceEncoding encoding, std::string_view text) noexcept {
  switch (encoding) {
    case SourceEncoding::kHex:
      return text.size() / 2;
    case SourceEncoding::kBase64:
    case SourceEncoding::kBase64Url:
      return text.size() / 4 * 3 + 3;
    case SourceEncoding::kRaw:
      break;
  }
  return text.size();
}

Result<std::size_t> Write(SourceEncoding encoding, std::string_view text,
                          std::span<std::uint8_t> out) {
  switch (encoding) {
    case SourceEncoding::kHex:
      return ReadHex(text, out) ? Result<std::size_t>(text.size() / 2)
                                : Fail(ErrorCode::kIntegrity,
                                       text.size() % 2 != 0 ? "hex text has an odd number of digits"
                                                            : "hex text has another character");
    case SourceEncoding::kBase64:
    case SourceEncoding::kBase64Url: {
      const std::optional<std::size_t> size = ReadBase64(FormOf(encoding, text), text, out);
      return size ? Result<std::size_t>(*size)
                  : Fail(ErrorCode::kIntegrity, "base64 text is cut off, or of another alphabet");
    }
    case SourceEncoding::kRaw:
      break;
  }
  std::ranges::copy(AsBytes(text), out.begin());
  return text.size();
}

}  // namespace

Result<Bytes> DecodeSource(SourceEncoding encoding, std::string_view text) {
  Bytes bytes(Capacity(encoding, text));
  ROWSEAL_ASSIGN(const std::size_t size, Write(encoding, text, bytes));
  bytes.resize(size);
  return bytes;
}

Result<SecretBytes> DecodeSourceSecret(SourceEncoding encoding, std::string_view text) {
  ROWSEAL_ASSIGN(SecretBuffer bytes, SecretBuffer::Create(Capacity(encoding, text)));
  ROWSEAL_ASSIGN(const std::size_t size, Write(encoding, text, bytes.Writable()));
  bytes.SetSize(size);
  return std::move(bytes).Take();
}

bool IsDigitOf(SourceEncoding encoding, char character) noexcept {
  switch (encoding) {
    case SourceEncoding::kHex:
      return IsHexDigit(character);
    case SourceEncoding::kBase64:
    case SourceEncoding::kBase64Url:
      return character == '=' || IsBase64Digit(FormOf(encoding, {}), character);
    case SourceEncoding::kRaw:
      break;
  }
  return true;
}

}  // namespace rowseal
