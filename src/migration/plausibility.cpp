#include "migration/plausibility.h"

#include <algorithm>
#include <string_view>

#include "base/encoding.h"
#include "migration/source_encoding.h"

namespace rowseal {
namespace {

constexpr std::size_t kMaxUnmasked = 12;  // characters
constexpr std::size_t kShown = 2;         // characters at each end

bool AllOf(SourceEncoding encoding, std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [&](char character) {
    return character != '=' && IsDigitOf(encoding, character);
  });
}

bool IsUuid(std::string_view text) noexcept {
  if (text.size() != 36) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !IsDigitOf(SourceEncoding::kHex, text[i])) {
      return false;
    }
  }
  return true;
}

// RFC 7519 section 3; `eyJ` is `{"` in base64url.
bool IsJwt(std::string_view text) noexcept {
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  return second != std::string_view::npos && text.starts_with("eyJ") &&
         AllOf(SourceEncoding::kBase64Url, text.substr(0, first)) &&
         AllOf(SourceEncoding::kBase64Url, text.substr(first + 1, second - first - 1)) &&
         AllOf(SourceEncoding::kBase64Url, text.substr(second + 1));
}

bool IsContinuation(char byte) noexcept { return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80; }

// Of well-formed UTF-8.
std::size_t CountCharacters(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char byte) { return !IsContinuation(byte); }));
}

std::string_view FirstCharacters(std::string_view text, std::size_t count) noexcept {
  std::size_t end = 0;
  for (; count != 0 && end < text.size(); --count) {
    ++end;
    while (end < text.size() && IsContinuation(text[end])) {
      ++end;
    }
  }
  return text.substr(0, end);
}

std::string_view LastCharacters(std::string_view text, std::size_t count) noexcept {
  std::size_t start = text.size();
  for (; count != 0 && start > 0; --count) {
    --start;
    while (start > 0 && IsContinuation(text[start])) {
      --start;
    }
  }
  return text.substr(start);
}

tl::unexpected<Error> Implausible(const std::string& why) {
  return Fail(ErrorCode::kIntegrity, "implausible: " + why);
}

}  // namespace

bool IsText(ByteView bytes) noexcept {
  const std::string_view text = AsText(bytes);
  if (!IsUtf8(text)) {
    return false;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool c0 = bytes[i] < 0x20 && text[i] != '\t' && text[i] != '\n' && text[i] != '\r';
    const bool c1 = bytes[i] == 0xC2 && bytes[i + 1] < 0xA0;  // well-formed, so one more follows
    if (c0 || c1 || bytes[i] == 0x7F) {
      return false;
    }
  }
  return true;
}

bool HasShape(TokenShape shape, ByteView bytes) noexcept {
  const std::string_view text = AsText(bytes);
  switch (shape) {
    case TokenShape::kPrintable:
      return !text.empty() && std::ranges::all_of(bytes, [](std::uint8_t byte) {
        return byte > 0x20 && byte < 0x7F;
      });
    case TokenShape::kHex:
      return AllOf(SourceEncoding::kHex, text);
    case TokenShape::kBase64Url:
      return AllOf(SourceEncoding::kBase64Url, text);
    case TokenShape::kUuid:
      return IsUuid(text);
    case TokenShape::kJwt:
      return IsJwt(text);
  }
  return false;
}

Result<void> CheckPlausible(const Plausibility& rules, Plausibility::Content content,
                            ByteView plaintext) {
  if (rules.content.value_or(content) == Plausibility::Content::kText && !IsText(plaintext)) {
    return Implausible("no text");
  }
  if (plaintext.size() < rules.min_bytes) {
    return Implausible("under " + std::to_string(rules.min_bytes) + " bytes");
  }
  if (rules.max_bytes && plaintext.size() > *rules.max_bytes) {
    return Implausible("over " + std::to_string(*rules.max_bytes) + " bytes");
  }
  const auto begins = [&](const std::string& start) {
    return AsText(plaintext).starts_with(start);
  };
  if (!rules.starts_with.empty() && std::ranges::none_of(rules.starts_with, begins)) {
    return Implausible("begins otherwise than 'starts_with' says");
  }
  if (rules.shape && !HasShape(*rules.shape, plaintext)) {
    return Implausible("not of the form that 'shape' says");
  }
  return {};
}

std::string MaskedText(std::string_view text) {
  const std::size_t count = CountCharacters(text);
  std::string length = "(" + std::to_string(count) + " characters)";
  if (count <= kMaxUnmasked) {
    return length;
  }
  return Printable(FirstCharacters(text, kShown)) + "…" + Printable(LastCharacters(text, kShown)) +
         " " + length;
}

std::string MaskedSample(ByteView plaintext) {
  return IsText(plaintext) ? MaskedText(AsText(plaintext))
                           : "(" + std::to_string(plaintext.size()) + " bytes, no text)";
}

}  // namespace rowseal
