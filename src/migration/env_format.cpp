#include <string>

#include "migration/import_formats.h"
#include "migration/text_cursor.h"

namespace rowseal {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kKeyCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

bool SeesLineEnd(const TextCursor& cursor) {
  return cursor.AtEnd() || cursor.Sees("\n") || cursor.Sees("\r\n");
}

void SkipLineEnd(TextCursor& cursor) { cursor.Skip("\r\n") || cursor.Skip("\n"); }

void SkipToLineEnd(TextCursor& cursor) {
  while (!SeesLineEnd(cursor)) {
    cursor.Advance();
  }
}

// `export NAME=…` is a shell's way to write it; `export=…` is a secret of that name.
void SkipExport(TextCursor& cursor) {
  if (cursor.Sees("export ") || cursor.Sees("export\t")) {
    cursor.Skip("export");
    cursor.SkipAnyOf(kBlanks);
  }
}

// The key is never shown: a line of an unquoted PEM block may look like one.
Result<SecretName> TakeKey(TextCursor& cursor) {
  const std::size_t start = cursor.position();
  cursor.SkipAnyOf(kKeyCharacters);
  const std::string_view key = cursor.Since(start);
  cursor.SkipAnyOf(kBlanks);
  if (key.empty() || !cursor.Skip("=")) {
    return cursor.Refuse("is not NAME=VALUE",
                         "put a value of several lines into quotes; names are made of letters, "
                         "digits, '_', '.' and '-'");
  }
  Result<SecretName> name = SecretName::Parse(key);
  if (!name) {
    return cursor.Refuse("the name is longer than 255 bytes");
  }
  return name;
}

// What a backslash and `letter` stand for in double quotes; NUL: nothing.
char Escaped(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
    case '$':
    case '`':
      return letter;
    default:
      return '\0';
  }
}

Result<SecretBytes> TakeSingleQuoted(TextCursor& cursor) {
  const std::size_t length = cursor.Rest().find('\'');
  if (length == std::string_view::npos) {
    return cursor.Refuse("the quote ' is never closed");
  }
  ROWSEAL_ASSIGN(SecretBytes value, SecretBytes::CopyOf(AsBytes(cursor.Rest().substr(0, length))));
  cursor.Advance(length + 1);
  return value;
}

Result<SecretBytes> TakeDoubleQuoted(TextCursor& cursor) {
  const std::size_t first_line = cursor.line();
  std::size_t raw_length = 0;
  const std::string_view rest = cursor.Rest();
  while (raw_length < rest.size() && rest[raw_length] != '"') {
    raw_length += rest[raw_length] == '\\' ? 2U : 1U;
  }
  if (raw_length >= rest.size()) {
    return TextCursor::RefuseLine(first_line, "the quote \" is never closed");
  }
  ROWSEAL_ASSIGN(SecretBuffer value, SecretBuffer::Create(raw_length));
  while (!cursor.Skip("\"")) {
    char character = cursor.Peek();
    if (cursor.Skip("\\")) {
      character = Escaped(cursor.Peek());
      if (character == '\0') {
        return cursor.Refuse(
            "an escape in double quotes is none of \\n \\r \\t \\\" \\\\ \\$ \\`",
            "double the backslash, or use single quotes, which take all literally");
      }
    }
    ROWSEAL_TRY(value.Append(AsBytes({&character, 1})));
    cursor.Advance();
  }
  return std::move(value).Take();
}

// A `#` starts a comment behind white space only, so that `a#b` is a value.
Result<SecretBytes> TakeUnquoted(TextCursor& cursor, bool blank_before) {
  const std::size_t start = cursor.position();
  std::size_t end = start;  // behind the last character that is not blank
  while (!SeesLineEnd(cursor) && !(cursor.Peek() == '#' && blank_before)) {
    blank_before = kBlanks.find(cursor.Peek()) != std::string_view::npos;
    cursor.Advance();
    end = blank_before ? end : cursor.position();
  }
  const std::string_view value = cursor.Since(start).substr(0, end - start);
  SkipToLineEnd(cursor);
  return SecretBytes::CopyOf(AsBytes(value));
}

Result<SecretBytes> TakeValue(TextCursor& cursor) {
  const bool blank_before = cursor.SkipAnyOf(kBlanks);
  if (cursor.Sees("`")) {
    return cursor.Refuse("a value starts with a back quote, which readers take differently",
                         "use single quotes, or double quotes with \\`");
  }
  const bool single = cursor.Sees("'");
  if (!single && !cursor.Sees("\"")) {
    return TakeUnquoted(cursor, blank_before);
  }
  cursor.Advance();
  ROWSEAL_ASSIGN(SecretBytes value, single ? TakeSingleQuoted(cursor) : TakeDoubleQuoted(cursor));
  cursor.SkipAnyOf(kBlanks);
  if (cursor.Sees("#")) {
    SkipToLineEnd(cursor);
  }
  if (!SeesLineEnd(cursor)) {
    return cursor.Refuse("something stands behind the closing quote");
  }
  return value;
}

}  // namespace

Result<std::vector<ImportItem>> ParseEnv(ByteView text) {
  if (AsText(text).find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "holds a NUL byte, so it is no .env file",
                "save it as UTF-8");
  }
  std::vector<ImportItem> items;
  TextCursor cursor(text);
  while (!cursor.AtEnd()) {
    cursor.SkipAnyOf(kBlanks);
    if (cursor.Sees("#")) {
      SkipToLineEnd(cursor);
    }
    if (SeesLineEnd(cursor)) {
      SkipLineEnd(cursor);
      continue;
    }
    SkipExport(cursor);
    ROWSEAL_ASSIGN(SecretName name, TakeKey(cursor));
    ROWSEAL_ASSIGN(SecretBytes value, TakeValue(cursor));
    SkipLineEnd(cursor);
    items.push_back({std::move(name), {}, std::move(value)});
  }
  return items;
}

}  // namespace rowseal
