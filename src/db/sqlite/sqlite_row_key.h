#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/error.h>

struct sqlite3_stmt;

namespace rowseal {

/// SqliteKeyPart is a key's value as it is compared: SQLite orders integers before texts, and 1 is
/// not '1'.
struct SqliteKeyPart {
  bool is_integer = true;
  std::int64_t integer = 0;
  std::string text;

  std::string Text() const { return is_integer ? std::to_string(integer) : text; }
};
using SqliteKey = std::vector<SqliteKeyPart>;

/// EncodeKey writes the key of a row of an app's as one text: each part in turn, `i` and the number
/// and `;`, or `t` and the text's size in bytes, `:` and the text. The triggers of a migration's
/// guard write the same.
std::string EncodeKey(const SqliteKey& key);

/// DecodeKey reads it back. Texts come from tables that others can write to.
/// Errors: kIntegrity (EncodeKey writes no such text).
Result<SqliteKey> DecodeKey(std::string_view text);

/// BindKey binds a key's parts to the parameters from `first` on.
void BindKey(sqlite3_stmt* statement, int first, const SqliteKey& key);

}  // namespace rowseal
