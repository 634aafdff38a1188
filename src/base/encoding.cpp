#include "base/encoding.h"

#include <array>
#include <cstring>

namespace rowseal {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> ReverseOf(std::string_view alphabet) {
  std::array<std::int8_t, 256> reverse{};
  reverse.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    reverse[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return reverse;
}

constexpr auto kHexReverse = ReverseOf(kHexDigits);
constexpr auto kBase64UrlReverse = ReverseOf(kBase64Url);

// Returns the length of the well-formed UTF-8 sequence at `text[at]`, or 0 (RFC 3629 section 4).
std::size_t Utf8SequenceLength(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) {
    return 1;
  }
  std::size_t length = 0;
  std::uint8_t second_low = 0x80;
  std::uint8_t second_high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    second_low = lead == 0xE0 ? 0xA0 : 0x80;
    second_high = lead == 0xED ? 0x9F : 0xBF;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    second_low = lead == 0xF0 ? 0x90 : 0x80;
    second_high = lead == 0xF4 ? 0x8F : 0xBF;
  }
  if (length == 0 || at + length > text.size()) {
    return 0;
  }
  if (byte(at + 1) < second_low || byte(at + 1) > second_high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  return length;
}

// Sixteen digits at once, because every context and tag holds uuids. GCC's and clang's vectors are
// as portable as they are.
using Lanes [[gnu::vector_size(16)]] = std::uint8_t;

Lanes Digits(Lanes nibbles) noexcept {
  const Lanes over_nine = reinterpret_cast<Lanes>(nibbles > 9);
  return nibbles + '0' + (over_nine & ('a' - '9' - 1));
}

}  // namespace

std::string ToHex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 0x0F]);
  }
  return text;
}

void WriteUuid(std::span<const std::uint8_t, 16> bytes, std::span<std::uint8_t, 36> text) noexcept {
  Lanes lanes;
  std::memcpy(&lanes, bytes.data(), sizeof(lanes));
  const Lanes high = Digits(lanes >> 4);
  const Lanes low = Digits(lanes & 15);
  const Lanes first =
      __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Lanes second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                               29, 14, 30, 15, 31);
  std::array<std::uint8_t, 32> digits;
  std::memcpy(digits.data(), &first, sizeof(first));
  std::memcpy(digits.data() + 16, &second, sizeof(second));
  std::uint8_t* const out = text.data();
  std::memcpy(out, digits.data(), 8);
  out[8] = '-';
  std::memcpy(out + 9, digits.data() + 8, 4);
  out[13] = '-';
  std::memcpy(out + 14, digits.data() + 12, 4);
  out[18] = '-';
  std::memcpy(out + 19, digits.data() + 16, 4);
  out[23] = '-';
  std::memcpy(out + 24, digits.data() + 20, 4);
  std::memcpy(out + 28, digits.data() + 24, 8);
}

Result<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Fail(ErrorCode::kInvalidArgument, "hex text has an odd number of digits");
  }
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = kHexReverse[static_cast<std::uint8_t>(text[i])];
    const int low = kHexReverse[static_cast<std::uint8_t>(text[i + 1])];
    if (high < 0 || low < 0) {
      return Fail(ErrorCode::kInvalidArgument, "hex text has a character outside 0-9a-f");
    }
    bytes.push_back(static_cast<std::uint8_t>((high << 4) | low));
  }
  return bytes;
}

std::string ToBase64Url(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t block =
        (std::uint32_t{bytes[i]} << 16) | (std::uint32_t{bytes[i + 1]} << 8) | bytes[i + 2];
    text.push_back(kBase64Url[block >> 18]);
    text.push_back(kBase64Url[(block >> 12) & 63]);
    text.push_back(kBase64Url[(block >> 6) & 63]);
    text.push_back(kBase64Url[block & 63]);
  }
  if (bytes.size() - i == 1) {
    text.push_back(kBase64Url[bytes[i] >> 2]);
    text.push_back(kBase64Url[(bytes[i] & 3) << 4]);
  } else if (bytes.size() - i == 2) {
    text.push_back(kBase64Url[bytes[i] >> 2]);
    text.push_back(kBase64Url[((bytes[i] & 3) << 4) | (bytes[i + 1] >> 4)]);
    text.push_back(kBase64Url[(bytes[i + 1] & 15) << 2]);
  }
  return text;
}

Result<Bytes> FromBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) {
    return Fail(ErrorCode::kInvalidArgument, "base64url text has an impossible length");
  }
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char character : text) {
    const int value = kBase64UrlReverse[static_cast<std::uint8_t>(character)];
    if (value < 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  "base64url text has a character outside its alphabet");
    }
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> bit_count));
      bits &= (1U << bit_count) - 1;
    }
  }
  if (bits != 0) {
    return Fail(ErrorCode::kInvalidArgument, "base64url text has non-zero trailing bits");
  }
  return bytes;
}

bool IsUtf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8SequenceLength(text, i);
    if (length == 0) {
      return false;
    }
    i += length;
  }
  return true;
}

std::string Printable(std::string_view text) {
  constexpr std::size_t kMaxBytes = 80;
  std::string printable;
  for (std::size_t i = 0; i < text.size();) {
    if (printable.size() >= kMaxBytes) {
      return printable + "…";
    }
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = Utf8SequenceLength(text, i);
    const bool c1_control =
        length == 2 && byte == 0xC2 && static_cast<std::uint8_t>(text[i + 1]) < 0xA0;
    if (length == 0 || byte < 0x20 || byte == 0x7F || c1_control) {
      printable += "\\x";
      printable.push_back(kHexDigits[byte >> 4]);
      printable.push_back(kHexDigits[byte & 0x0F]);
      ++i;
      continue;
    }
    printable.append(text.substr(i, length));
    i += length;
  }
  return printable;
}

}  // namespace rowseal
