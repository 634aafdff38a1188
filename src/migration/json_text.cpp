#include "migration/json_text.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rowseal {
namespace {

constexpr int kMaxTextDepth = 16;

std::optional<std::uint32_t> HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<std::uint32_t>(digit - '0');
  }
  const char lower = static_cast<char>(digit | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<std::uint32_t>(lower - 'a' + 10);
  }
  return {};
}

// TakeHex reads the four digits of a \u escape.
Result<std::uint32_t> TakeHex(TextCursor& cursor) {
  std::uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const std::optional<std::uint32_t> digit = HexDigit(cursor.Peek());
    if (!digit) {
      return cursor.Refuse("\\u is not followed by four hexadecimal digits");
    }
    unit = unit * 16 + *digit;
    cursor.Advance();
  }
  return unit;
}

// TakeCodePoint reads what follows `\u`: one unit, or a pair of surrogates (RFC 8259 section 7).
Result<std::uint32_t> TakeCodePoint(TextCursor& cursor) {
  ROWSEAL_ASSIGN(const std::uint32_t unit, TakeHex(cursor));
  if (unit < 0xD800 || unit > 0xDFFF) {
    return unit;
  }
  if (unit > 0xDBFF || !cursor.Skip("\\u")) {
    return cursor.Refuse("half a surrogate pair is no character");
  }
  ROWSEAL_ASSIGN(const std::uint32_t low, TakeHex(cursor));
  if (low < 0xDC00 || low > 0xDFFF) {
    return cursor.Refuse("half a surrogate pair is no character");
  }
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

Result<void> AppendUtf8(SecretBuffer& out, std::uint32_t code) {
  std::array<std::uint8_t, 4> bytes{};
  std::size_t size = 0;
  const auto continuation = [&](std::uint32_t shift) {
    bytes.at(size++) = static_cast<std::uint8_t>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    bytes.at(size++) = static_cast<std::uint8_t>(code);
  } else if (code < 0x800) {
    bytes.at(size++) = static_cast<std::uint8_t>(0xC0 | (code >> 6));
    continuation(0);
  } else if (code < 0x10000) {
    bytes.at(size++) = static_cast<std::uint8_t>(0xE0 | (code >> 12));
    continuation(6);
    continuation(0);
  } else {
    bytes.at(size++) = static_cast<std::uint8_t>(0xF0 | (code >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
  return out.Append({bytes.data(), size});
}

Result<void> TakeEscape(TextCursor& cursor, SecretBuffer& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (cursor.Skip("u")) {
    ROWSEAL_ASSIGN(const std::uint32_t code, TakeCodePoint(cursor));
    return AppendUtf8(out, code);
  }
  const std::size_t at = kLetters.find(cursor.Peek());
  if (cursor.AtEnd() || at == std::string_view::npos) {
    return cursor.Refuse("a backslash is followed by no escape of JSON's");
  }
  cursor.Advance();
  return out.Append(AsBytes(kMeanings.substr(at, 1)));
}

// An escape is never shorter than the bytes it stands for, so the raw length is room enough.
std::size_t RawLength(std::string_view rest) {
  std::size_t length = 0;
  while (length < rest.size() && rest[length] != '"') {
    length += rest[length] == '\\' ? 2U : 1U;
  }
  return length;
}

Result<void> SkipValue(TextCursor& cursor, int depth) {
  const auto skip_item = [&] { return SkipValue(cursor, depth - 1); };
  if (cursor.Sees("\"")) {
    return TakeJsonString(cursor).map([](const SecretBytes&) {});
  }
  if (depth == 0 && (cursor.Sees("{") || cursor.Sees("["))) {
    return cursor.Refuse("objects and arrays are nested too deep");
  }
  if (cursor.Sees("{")) {
    return TakeJsonObject(cursor, [&](std::string_view) { return skip_item(); });
  }
  if (cursor.Sees("[")) {
    return TakeJsonArray(cursor, skip_item);
  }
  return SkipJsonNumberOrWord(cursor) ? Result<void>() : cursor.Refuse("expected a value");
}

// Between two brackets.
Result<void> TakeItems(TextCursor& cursor, std::string_view open, std::string_view close,
                       const std::function<Result<void>()>& take) {
  if (!cursor.Skip(open)) {
    return cursor.Refuse("expected '" + std::string(open) + "'");
  }
  cursor.SkipAnyOf(kJsonSpaces);
  bool more = !cursor.Skip(close);
  while (more) {
    cursor.SkipAnyOf(kJsonSpaces);
    ROWSEAL_TRY(take());
    cursor.SkipAnyOf(kJsonSpaces);
    more = cursor.Skip(",");
    if (!more && !cursor.Skip(close)) {
      return cursor.Refuse("expected ',' or '" + std::string(close) + "' behind a value");
    }
  }
  return {};
}

}  // namespace

Result<SecretBytes> TakeJsonString(TextCursor& cursor) {
  if (!cursor.Skip("\"")) {
    return cursor.Refuse("expected a string");
  }
  const std::size_t raw_length = RawLength(cursor.Rest());
  if (raw_length >= cursor.Rest().size()) {
    return cursor.Refuse("a string is never closed");
  }
  ROWSEAL_ASSIGN(SecretBuffer out, SecretBuffer::Create(raw_length));
  while (!cursor.Skip("\"")) {
    if (cursor.Skip("\\")) {
      ROWSEAL_TRY(TakeEscape(cursor, out));
      continue;
    }
    if (static_cast<unsigned char>(cursor.Peek()) < 0x20) {
      return cursor.Refuse("a control character stands in a string unescaped");
    }
    ROWSEAL_TRY(out.Append(AsBytes(cursor.Rest().substr(0, 1))));
    cursor.Advance();
  }
  return std::move(out).Take();
}

Result<void> TakeJsonObject(TextCursor& cursor,
                            const std::function<Result<void>(std::string_view name)>& take) {
  return TakeItems(cursor, "{", "}", [&]() -> Result<void> {
    ROWSEAL_ASSIGN(const SecretBytes name, TakeJsonString(cursor));
    cursor.SkipAnyOf(kJsonSpaces);
    if (!cursor.Skip(":")) {
      return cursor.Refuse("expected ':' behind a name");
    }
    cursor.SkipAnyOf(kJsonSpaces);
    return take(AsText(name.Reveal()));
  });
}

Result<void> TakeJsonArray(TextCursor& cursor, const std::function<Result<void>()>& take) {
  return TakeItems(cursor, "[", "]", take);
}

bool SkipJsonNumberOrWord(TextCursor& cursor) noexcept {
  return cursor.SkipAnyOf("+-.0123456789abcdefghijklmnopqrstuvwxyzE");
}

Result<void> SkipJsonValue(TextCursor& cursor) { return SkipValue(cursor, kMaxTextDepth); }

}  // namespace rowseal
