#pragma once

#include <string>
#include <string_view>

#include "store/app_rows.h"

namespace rowseal {

/// SqliteContentSql makes the SQL about one migrated column's content, of a row `t` or NEW: what
/// the pages, the counts and the guard's trigger ask alike. It views what it is made of.
class SqliteContentSql final {
 public:
  explicit SqliteContentSql(const MigratedColumn& column) : column_(column) {}

  /// Of is the content, as text or bytes.
  std::string Of(std::string_view row) const;
  /// IsEmpty holds for NULL and what has no bytes.
  std::string IsEmpty(std::string_view row) const;
  /// IsPlaintext holds where something is not settled, or cannot be read.
  std::string IsPlaintext(std::string_view row) const;
  /// IsOurs holds where a sealed value or a reference stands.
  std::string IsOurs(std::string_view row) const;

 private:
  std::string TextOf(std::string_view row) const;
  std::string Unsettled(const std::string& text) const;
  std::string Ours(const std::string& text) const;

  // A member's name is a text and an element's index a number in json_each's column `key`.
  std::string Strings(std::string_view row,
                      std::string (SqliteContentSql::*condition)(const std::string&) const) const;

  const MigratedColumn& column_;
};

}  // namespace rowseal
