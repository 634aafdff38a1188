#include "base/encoding.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <sodium.h>

namespace rowseal {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int VariantOf(Base64 form) noexcept {
  switch (form) {
    case Base64::kPadded:
      return sodium_base64_VARIANT_ORIGINAL;
    case Base64::kUnpadded:
      return sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    case Base64::kUrl:
      return sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    case Base64::kUrlPadded:
      break;
  }
  return sodium_base64_VARIANT_URLSAFE;
}

bool IsAsciiLetterOrDigit(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

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

std::array<char, 2> HexDigits(std::uint8_t byte) noexcept {
  return {kHexDigits[byte >> 4], kHexDigits[byte & 0x0F]};
}

std::string ToHex(ByteView bytes) {
  std::string text(bytes.size() * 2, '\0');
  sodium_bin2hex(text.data(), text.size() + 1, bytes.data(), bytes.size());
  return text;
}

Result<Bytes> FromHex(std::string_view text) {
  Bytes bytes(text.size() / 2);
  const bool has_upper_case =
      std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; });
  if (has_upper_case || !ReadHex(text, bytes)) {
    return Fail(ErrorCode::kInvalidArgument,
                "hex text is no even number of the digits 0-9 and a-f");
  }
  return bytes;
}

bool ReadHex(std::string_view text, std::span<std::uint8_t> out) noexcept {
  if (text.empty() || out.empty()) {
    return text.empty();  // libsodium takes no null pointer, which an empty view may be
  }
  std::size_t size = 0;
  return sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size,
                        nullptr) == 0 &&
         size == text.size() / 2;
}

bool IsHexDigit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
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

std::size_t Base64Size(Base64 form, std::size_t bytes) noexcept {
  return sodium_base64_encoded_len(bytes, VariantOf(form)) - 1;  // its zero byte
}

void WriteBase64(Base64 form, ByteView bytes, std::span<std::uint8_t> out) noexcept {
  sodium_bin2base64(reinterpret_cast<char*>(out.data()), out.size(), bytes.data(), bytes.size(),
                    VariantOf(form));
}

std::optional<std::size_t> ReadBase64(Base64 form, std::string_view text,
                                      std::span<std::uint8_t> out) noexcept {
  // libsodium 1.0.18 takes some bytes above 127 for digits where `char` is signed: a second text
  // for the same bytes.
  std::uint8_t all = 0;
  for (const char c : text) {
    all |= static_cast<std::uint8_t>(c);
  }
  if (all > 0x7F) {
    return std::nullopt;
  }
  if (text.empty() || out.empty()) {
    return text.empty() ? std::optional<std::size_t>(0) : std::nullopt;
  }
  std::size_t size = 0;
  const int failed = sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr,
                                       &size, nullptr, VariantOf(form));
  return failed == 0 ? std::optional(size) : std::nullopt;
}

bool IsBase64Digit(Base64 form, char c) noexcept {
  const bool is_url = form == Base64::kUrl || form == Base64::kUrlPadded;
  return IsAsciiLetterOrDigit(c) || c == (is_url ? '-' : '+') || c == (is_url ? '_' : '/');
}

std::string ToBase64(Base64 form, ByteView bytes) {
  std::string text(Base64Size(form, bytes.size()), '\0');
  // A string has room for the zero byte behind its characters.
  WriteBase64(form, bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size() + 1});
  return text;
}

Result<Bytes> FromBase64(Base64 form, std::string_view text) {
  Bytes bytes(text.size() / 4 * 3 + 3);
  const std::optional<std::size_t> size = ReadBase64(form, text, bytes);
  if (!size) {
    return Fail(ErrorCode::kInvalidArgument, "the text is not base64 of the form that is expected");
  }
  bytes.resize(*size);
  return bytes;
}

std::optional<std::int64_t> ParseDecimal(std::string_view text) noexcept {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  return failure == std::errc() && stop == end ? std::optional(number) : std::nullopt;
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

namespace {

bool IsControl(std::string_view text, std::size_t at, std::size_t length) {
  const auto byte = static_cast<std::uint8_t>(text[at]);
  return length == 0 || byte < 0x20 || byte == 0x7F ||
         (length == 2 && byte == 0xC2 && static_cast<std::uint8_t>(text[at + 1]) < 0xA0);
}

// U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF.
bool IsFormat(std::string_view sequence) {
  return sequence == "\xEF\xBB\xBF" ||
         (sequence.starts_with("\xE2\x80") && ((sequence[2] >= '\x8B' && sequence[2] <= '\x8F') ||
                                               (sequence[2] >= '\xA8' && sequence[2] <= '\xAE'))) ||
         (sequence.starts_with("\xE2\x81") && sequence[2] >= '\xA0' && sequence[2] <= '\xAF');
}

void AppendEscaped(std::string_view bytes, std::string& text) {
  for (const char byte : bytes) {
    const std::array<char, 2> digits = HexDigits(static_cast<std::uint8_t>(byte));
    text += "\\x";
    text.append(digits.data(), digits.size());
  }
}

// A text of more than `most` bytes ends in an ellipsis.
std::string EscapedVisibly(std::string_view text, std::size_t most) {
  std::string visible;
  for (std::size_t i = 0; i < text.size();) {
    if (visible.size() >= most) {
      return visible + "…";
    }
    const std::size_t length = Utf8SequenceLength(text, i);
    const std::string_view next = text.substr(i, std::max<std::size_t>(length, 1));
    if (IsControl(text, i, length) || IsFormat(next)) {
      AppendEscaped(next, visible);
    } else {
      visible.append(next);
    }
    i += next.size();
  }
  return visible;
}

}  // namespace

std::string Escaped(std::string_view text, std::string_view kept) {
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8SequenceLength(text, i);
    const std::string_view next = text.substr(i, std::max<std::size_t>(length, 1));
    if (IsControl(text, i, length) && kept.find(text[i]) == std::string_view::npos) {
      AppendEscaped(next, escaped);
    } else {
      escaped.append(next);
    }
    i += next.size();
  }
  return escaped;
}

std::string Printable(std::string_view text) {
  constexpr std::size_t kMaxBytes = 80;
  return EscapedVisibly(text, kMaxBytes);
}

std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain = "_/.:,@%+-";
  const bool is_plain = !text.empty() && std::ranges::all_of(text, [&](char c) {
    return IsAsciiLetterOrDigit(c) || kPlain.find(c) != std::string_view::npos;
  });
  if (is_plain) {
    return std::string(text);
  }
  std::string word = "'";
  for (const char c : EscapedVisibly(text, std::string_view::npos)) {
    word += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return word + "'";
}

}  // namespace rowseal
