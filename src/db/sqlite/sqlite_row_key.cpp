#include "db/sqlite/sqlite_row_key.h"

#include <charconv>

#include <sqlite3.h>

namespace rowseal {

std::string EncodeKey(const SqliteKey& key) {
  std::string encoded;
  for (const SqliteKeyPart& part : key) {
    encoded += part.is_integer ? "i" + part.Text() + ";"
                               : "t" + std::to_string(part.text.size()) + ":" + part.text;
  }
  return encoded;
}

Result<SqliteKey> DecodeKey(std::string_view text) {
  SqliteKey key;
  while (!text.empty()) {
    const bool is_integer = text.front() == 'i';
    const char* const end = text.data() + text.size();
    std::int64_t number = 0;
    const auto read = std::from_chars(text.data() + 1, end, number);
    if ((!is_integer && text.front() != 't') || read.ec != std::errc() || read.ptr == end ||
        *read.ptr != (is_integer ? ';' : ':')) {
      break;
    }
    const std::string_view rest = text.substr(static_cast<std::size_t>(read.ptr + 1 - text.data()));
    if (is_integer) {
      key.push_back({true, number, {}});
      text = rest;
      continue;
    }
    const auto size = static_cast<std::size_t>(number);
    if (number < 0 || size > rest.size()) {
      break;
    }
    key.push_back({false, 0, std::string(rest.substr(0, size))});
    text = rest.substr(size);
  }
  if (!text.empty()) {
    return Fail(ErrorCode::kIntegrity, "the noted key of a row of an app's was changed",
                "cancel the job or the migration's step and run it again");
  }
  return key;
}

void BindKey(sqlite3_stmt* statement, int first, const SqliteKey& key) {
  for (const SqliteKeyPart& part : key) {
    if (part.is_integer) {
      sqlite3_bind_int64(statement, first++, part.integer);
    } else {
      sqlite3_bind_text64(statement, first++, part.text.data(), part.text.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
    }
  }
}

}  // namespace rowseal
