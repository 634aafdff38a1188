#include "migration/source_encoding.h"

#include <algorithm>
#include <optional>
#include <span>

namespace rowseal {
namespace {

tl::unexpected<Error> NotEncoded(const char* why) { return Fail(ErrorCode::kIntegrity, why); }

std::optional<std::uint32_t> HexValue(char digit) noexcept {
  if (digit >= '0' && digit <= '9') {
    return static_cast<std::uint32_t>(digit - '0');
  }
  const char lower = static_cast<char>(digit | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<std::uint32_t>(lower - 'a' + 10);
  }
  return {};
}

std::optional<std::uint32_t> Base64Value(char digit, char for_62, char for_63) noexcept {
  if (digit >= 'A' && digit <= 'Z') {
    return static_cast<std::uint32_t>(digit - 'A');
  }
  if (digit >= 'a' && digit <= 'z') {
    return static_cast<std::uint32_t>(digit - 'a' + 26);
  }
  if (digit >= '0' && digit <= '9') {
    return static_cast<std::uint32_t>(digit - '0' + 52);
  }
  if (digit == for_62) {
    return 62;
  }
  return digit == for_63 ? std::optional<std::uint32_t>(63) : std::nullopt;
}

std::optional<std::uint32_t> Base64Value(SourceEncoding encoding, char digit) noexcept {
  return encoding == SourceEncoding::kBase64 ? Base64Value(digit, '+', '/')
                                             : Base64Value(digit, '-', '_');
}

Result<std::size_t> WriteHex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() % 2 != 0) {
    return NotEncoded("hex text has an odd number of digits");
  }
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::optional<std::uint32_t> high = HexValue(text[i]);
    const std::optional<std::uint32_t> low = HexValue(text[i + 1]);
    if (!high || !low) {
      return NotEncoded("hex text has another character");
    }
    out[i / 2] = static_cast<std::uint8_t>(*high * 16 + *low);
  }
  return text.size() / 2;
}

// Without the padding, which is there in full or not at all.
Result<std::string_view> Unpadded(std::string_view text) {
  const std::size_t padded_size = text.size();
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  if (text.size() % 4 == 1 ||
      (text.size() != padded_size && padded_size != (text.size() + 3) / 4 * 4)) {
    return NotEncoded("base64 text has an impossible length");
  }
  return text;
}

Result<std::size_t> WriteBase64(SourceEncoding encoding, std::string_view padded,
                                std::span<std::uint8_t> out) {
  ROWSEAL_ASSIGN(const std::string_view text, Unpadded(padded));
  std::size_t size = 0;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char digit : text) {
    const std::optional<std::uint32_t> value = Base64Value(encoding, digit);
    if (!value) {
      return NotEncoded("base64 text has a character of another alphabet");
    }
    bits = (bits << 6) | *value;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out[size++] = static_cast<std::uint8_t>(bits >> bit_count);
      bits &= (1U << bit_count) - 1;
    }
  }
  if (bits != 0) {
    return NotEncoded("base64 text ends in bits that no encoder writes");
  }
  return size;
}

// As much as `text` may take.
std::size_t Capacity(SourceEncoding encoding, std::string_view text) noexcept {
  switch (encoding) {
    case SourceEncoding::kHex:
      return text.size() / 2;
    case SourceEncoding::kBase64:
    case SourceEncoding::kBase64Url:
      return text.size() / 4 * 3 + 2;
    case SourceEncoding::kRaw:
      break;
  }
  return text.size();
}

Result<std::size_t> Write(SourceEncoding encoding, std::string_view text,
                          std::span<std::uint8_t> out) {
  switch (encoding) {
    case SourceEncoding::kHex:
      return WriteHex(text, out);
    case SourceEncoding::kBase64:
    case SourceEncoding::kBase64Url:
      return WriteBase64(encoding, text, out);
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
      return HexValue(character).has_value();
    case SourceEncoding::kBase64:
    case SourceEncoding::kBase64Url:
      return character == '=' || Base64Value(encoding, character).has_value();
    case SourceEncoding::kRaw:
      break;
  }
  return true;
}

}  // namespace rowseal
