#include "roots/checked_text.h"

#include <string>

#include "crypto/mac.h"

namespace rowseal {
namespace {

constexpr std::size_t kChecksumSize = 4;

// No tables and no branches on secret values: a cache must not learn the key.
std::uint8_t Base32Digit(std::uint8_t value) {
  const int is_letter = (value - 26) >> 31;  // all ones for 0…25
  return static_cast<std::uint8_t>((('a' + value) & is_letter) | (('2' + value - 26) & ~is_letter));
}

// Returns the value, with bit 7 set when the character is not a digit.
std::uint8_t Base32Value(std::uint8_t character) {
  const int letter = character - 'a';
  const int digit = character - '2';
  const int is_letter = ~(letter >> 31) & ((letter - 26) >> 31);
  const int is_digit = ~(digit >> 31) & ((digit - 6) >> 31);
  return static_cast<std::uint8_t>((letter & is_letter) | ((digit + 26) & is_digit) |
                                   (0x80 & ~(is_letter | is_digit)));
}

Result<Mac> Checksum(std::string_view prefix, ByteView bytes) {
  ROWSEAL_ASSIGN(SecretBuffer labelled, SecretBuffer::Create(prefix.size() + bytes.size()));
  ROWSEAL_TRY(labelled.Append(AsBytes(prefix)));
  ROWSEAL_TRY(labelled.Append(bytes));
  return Sha256(labelled.Reveal());
}

std::size_t DigitsFor(std::size_t payload_size) { return (payload_size * 8 + 4) / 5; }

tl::unexpected<Error> Defect(std::string defect) {
  return Fail(ErrorCode::kRootKeyMalformed, std::move(defect));
}

}  // namespace

Result<SecretBytes> EncodeCheckedText(std::string_view prefix, ByteView bytes) {
  ROWSEAL_ASSIGN(const Mac checksum, Checksum(prefix, bytes));
  const std::size_t payload_size = bytes.size() + kChecksumSize;
  ROWSEAL_ASSIGN(SecretBuffer payload, SecretBuffer::Create(payload_size));
  ROWSEAL_TRY(payload.Append(bytes));
  ROWSEAL_TRY(payload.Append(ByteView(checksum).subspan(0, kChecksumSize)));
  ROWSEAL_ASSIGN(SecretBuffer text, SecretBuffer::Create(prefix.size() + DigitsFor(payload_size)));
  ROWSEAL_TRY(text.Append(AsBytes(prefix)));
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const std::uint8_t byte : payload.Reveal()) {
    bits = ((bits & 0x1F) << 8) | byte;
    bit_count += 8;
    while (bit_count >= 5) {
      bit_count -= 5;
      const std::uint8_t digit = Base32Digit((bits >> bit_count) & 31);
      ROWSEAL_TRY(text.Append(ByteView(&digit, 1)));
    }
  }
  if (bit_count > 0) {
    const std::uint8_t digit = Base32Digit((bits << (5 - bit_count)) & 31);
    ROWSEAL_TRY(text.Append(ByteView(&digit, 1)));
  }
  return std::move(text).Take();
}

Result<SecretBytes> DecodeCheckedText(std::string_view prefix, ByteView text, std::size_t size) {
  if (!AsText(text).starts_with(prefix)) {
    return Defect("does not begin with " + std::string(prefix));
  }
  const ByteView digits = text.subspan(prefix.size());
  const std::size_t payload_size = size + kChecksumSize;
  if (digits.size() != DigitsFor(payload_size)) {
    return Defect("has " + std::to_string(digits.size()) + " characters after " +
                  std::string(prefix) + " instead of " + std::to_string(DigitsFor(payload_size)));
  }
  ROWSEAL_ASSIGN(SecretBuffer payload, SecretBuffer::Create(payload_size));
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  std::uint8_t defect = 0;
  for (const std::uint8_t character : digits) {
    const std::uint8_t value = Base32Value(character);
    defect |= value & 0x80;
    bits = ((bits & 0xFF) << 5) | (value & 31U);
    bit_count += 5;
    if (bit_count >= 8) {
      bit_count -= 8;
      const auto byte = static_cast<std::uint8_t>(bits >> bit_count);
      ROWSEAL_TRY(payload.Append(ByteView(&byte, 1)));
    }
  }
  if (defect != 0) {
    return Defect("has a character outside a-z and 2-7");
  }
  if ((bits & ((1U << bit_count) - 1)) != 0) {
    return Defect("is damaged: its last character is not canonical");
  }
  const ByteView bytes = payload.Reveal().subspan(0, size);
  ROWSEAL_ASSIGN(const Mac checksum, Checksum(prefix, bytes));
  if (!EqualInConstantTime(ByteView(checksum).subspan(0, kChecksumSize),
                           payload.Reveal().subspan(size))) {
    return Defect("is damaged: its checksum does not match");
  }
  return SecretBytes::CopyOf(bytes);
}

}  // namespace rowseal
