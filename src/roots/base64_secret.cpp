#include "roots/base64_secret.h"

#include <array>
#include <cstdint>

namespace rowseal {
namespace {

// All ones when low <= value <= high, all for values of 0 to 255.
unsigned Within(int value, int low, int high) {
  return static_cast<unsigned>(~((value - low) >> 31) & ~((high - value) >> 31));
}

std::uint8_t Base64Digit(unsigned value) {
  const int v = static_cast<int>(value);
  const unsigned digit = (Within(v, 0, 25) & static_cast<unsigned>('A' + v)) |
                         (Within(v, 26, 51) & static_cast<unsigned>('a' + v - 26)) |
                         (Within(v, 52, 61) & static_cast<unsigned>('0' + v - 52)) |
                         (Within(v, 62, 62) & unsigned{'+'}) | (Within(v, 63, 63) & unsigned{'/'});
  return static_cast<std::uint8_t>(digit);
}

// The value, or a number of 256 and more.
unsigned Base64Value(std::uint8_t character) {
  const int c = character;
  const unsigned upper = Within(c, 'A', 'Z');
  const unsigned lower = Within(c, 'a', 'z');
  const unsigned digit = Within(c, '0', '9');
  const unsigned plus = Within(c, '+', '+');
  const unsigned slash = Within(c, '/', '/');
  return (upper & static_cast<unsigned>(c - 'A')) | (lower & static_cast<unsigned>(c - 'a' + 26)) |
         (digit & static_cast<unsigned>(c - '0' + 52)) | (plus & 62U) | (slash & 63U) |
         (~(upper | lower | digit | plus | slash) & 256U);
}

}  // namespace

Result<void> AppendBase64(ByteView bytes, SecretBuffer& text) {
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < count ? bytes[at + i] : 0U);
    }
    std::array<std::uint8_t, 4> digits{'=', '=', '=', '='};
    for (std::size_t i = 0; i <= count; ++i) {
      digits[i] = Base64Digit(bits >> (18 - 6 * i) & 63);
    }
    ROWSEAL_TRY(text.Append(digits));
  }
  return {};
}

Result<SecretBytes> DecodeBase64(ByteView text) {
  const auto not_base64 = [] {
    return Fail(ErrorCode::kIntegrity, "an answer holds something else than base64");
  };
  if (text.size() % 4 != 0) {
    return not_base64();
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
    ++padding;
  }
  ROWSEAL_ASSIGN(SecretBuffer bytes, SecretBuffer::Create(text.size() / 4 * 3));
  unsigned defect = 0;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::size_t digits = at + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const unsigned value = i < digits ? Base64Value(text[at + i]) : 0;
      defect |= value & 256U;
      bits = bits << 6 | (value & 63U);
    }
    const std::array<std::uint8_t, 3> three = {static_cast<std::uint8_t>(bits >> 16),
                                               static_cast<std::uint8_t>(bits >> 8),
                                               static_cast<std::uint8_t>(bits)};
    ROWSEAL_TRY(bytes.Append(ByteView(three).first(digits - 1)));
    // What does not belong to a whole byte is zero.
    defect |= digits == 3 ? bits & 0xFFU : digits == 2 ? bits & 0xFFFFU : 0U;
  }
  if (defect != 0) {
    return not_base64();
  }
  return std::move(bytes).Take();
}

}  // namespace rowseal
