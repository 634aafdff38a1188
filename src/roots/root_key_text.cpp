#include "roots/root_key_text.h"

#include <algorithm>
#include <string>

#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"

namespace rowseal {
namespace {

constexpr std::string_view kPrefix = "rsroot1";
constexpr std::size_t kChecksumSize = 4;
constexpr std::size_t kPayloadSize = kKeySize + kChecksumSize;  // 36 bytes
constexpr std::size_t kDigits = (kPayloadSize * 8 + 4) / 5;     // 58 characters

// No tables and no branches on secret values: a cache must not learn the key.
std::uint8_t DigitOf(std::uint8_t value) {
  const int is_letter = (value - 26) >> 31;  // all ones for 0…25
  return static_cast<std::uint8_t>((('a' + value) & is_letter) | (('2' + value - 26) & ~is_letter));
}

// Returns the value, with bit 7 set when the character is not a digit.
std::uint8_t ValueOf(std::uint8_t character) {
  const int letter = character - 'a';
  const int digit = character - '2';
  const int is_letter = ~(letter >> 31) & ((letter - 26) >> 31);
  const int is_digit = ~(digit >> 31) & ((digit - 6) >> 31);
  return static_cast<std::uint8_t>((letter & is_letter) | ((digit + 26) & is_digit) |
                                   (0x80 & ~(is_letter | is_digit)));
}

Result<Mac> Checksum(ByteView key) {
  ROWSEAL_ASSIGN(SecretBuffer labelled, SecretBuffer::Create(kPrefix.size() + kKeySize));
  ROWSEAL_TRY(labelled.Append(AsBytes(kPrefix)));
  ROWSEAL_TRY(labelled.Append(key));
  return Sha256(labelled.Reveal());
}

tl::unexpected<Error> Malformed(std::string defect) {
  return Fail(ErrorCode::kRootKeyMalformed, "the root key " + std::move(defect),
              "a root key is the line that `rowseal root keygen` wrote: rsroot1 and 58 characters");
}

// Guesses what was pasted instead, to say it.
std::string DescribeForeign(ByteView text) {
  const auto all = [&](auto predicate) { return std::ranges::all_of(text, predicate); };
  const auto is_hex = [](std::uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (text.size() == 2 * kKeySize && all(is_hex)) {
    return "is hexadecimal, not rsroot1 text";
  }
  if (text.size() == kKeySize) {
    return "is 32 raw bytes, not rsroot1 text";
  }
  if (text.size() == 43 || text.size() == 44) {
    return "looks like base64, not rsroot1 text";
  }
  return "does not begin with rsroot1";
}

}  // namespace

Result<SecretBytes> EncodeRootKey(const SecretBytes& key) {
  ROWSEAL_ASSIGN(const Mac checksum, Checksum(key.Reveal()));
  ROWSEAL_ASSIGN(SecretBuffer payload, SecretBuffer::Create(kPayloadSize));
  ROWSEAL_TRY(payload.Append(key.Reveal()));
  ROWSEAL_TRY(payload.Append(ByteView(checksum).subspan(0, kChecksumSize)));

  ROWSEAL_ASSIGN(SecretBuffer text, SecretBuffer::Create(kPrefix.size() + kDigits));
  ROWSEAL_TRY(text.Append(AsBytes(kPrefix)));
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const std::uint8_t byte : payload.Reveal()) {
    bits = ((bits & 0x1F) << 8) | byte;
    bit_count += 8;
    while (bit_count >= 5) {
      bit_count -= 5;
      const std::uint8_t digit = DigitOf((bits >> bit_count) & 31);
      ROWSEAL_TRY(text.Append(ByteView(&digit, 1)));
    }
  }
  if (bit_count > 0) {
    const std::uint8_t digit = DigitOf((bits << (5 - bit_count)) & 31);
    ROWSEAL_TRY(text.Append(ByteView(&digit, 1)));
  }
  return std::move(text).Take();
}

Result<SecretBytes> DecodeRootKey(ByteView text) {
  if (!text.empty() && text.back() == '\n') {
    text = text.subspan(0, text.size() - 1);
  }
  if (text.empty()) {
    return Malformed("is empty");
  }
  if (!AsText(text).starts_with(kPrefix)) {
    return Malformed(DescribeForeign(text));
  }
  const ByteView digits = text.subspan(kPrefix.size());
  if (digits.size() != kDigits) {
    return Malformed("has " + std::to_string(digits.size()) +
                     " characters after rsroot1 instead of " + std::to_string(kDigits));
  }
  ROWSEAL_ASSIGN(SecretBuffer payload, SecretBuffer::Create(kPayloadSize));
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  std::uint8_t defect = 0;
  for (const std::uint8_t character : digits) {
    const std::uint8_t value = ValueOf(character);
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
    return Malformed("has a character outside a-z and 2-7");
  }
  if ((bits & ((1U << bit_count) - 1)) != 0) {
    return Malformed("is damaged: its last character is not canonical");
  }
  const ByteView key = payload.Reveal().subspan(0, kKeySize);
  ROWSEAL_ASSIGN(const Mac checksum, Checksum(key));
  if (!EqualInConstantTime(ByteView(checksum).subspan(0, kChecksumSize),
                           payload.Reveal().subspan(kKeySize))) {
    return Malformed("is damaged: its checksum does not match");
  }
  if (std::ranges::all_of(key, [](std::uint8_t byte) { return byte == 0; })) {
    return Malformed("is all zeros");
  }
  return SecretBytes::CopyOf(key);
}

}  // namespace rowseal
