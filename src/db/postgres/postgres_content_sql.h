#pragma once

#include <string>
#include <string_view>

#include "db/postgres/postgres_place.h"
#include "store/app_rows.h"

namespace rowseal {

/// PostgresLiteral writes a text as SQL's literal.
std::string PostgresLiteral(std::string_view text);

/// PostgresContentSql makes the SQL about one migrated column's content, of a row `t` or NEW: what
/// the pages, the counts and the guard's trigger ask alike. It views what it is made of.
class PostgresContentSql final {
 public:
  PostgresContentSql(const PostgresPlace& place, const MigratedColumn& column)
      : place_(place), column_(column) {}

  /// Of is the content, as text or bytes.
  std::string Of(std::string_view row) const;

  /// IsEmpty holds for NULL and what has no bytes.
  std::string IsEmpty(std::string_view row) const;

  /// IsPlaintext holds where something is not settled, or cannot be read.
  std::string IsPlaintext(std::string_view row) const;

  /// IsOurs holds where a sealed value or a reference stands.
  std::string IsOurs(std::string_view row) const;

 private:
  static std::string Text(std::string_view text, bool binary);
  static std::string StartsWith(const std::string& text, std::string_view prefix, bool binary);
  static std::string Holds(const std::string& text, std::string_view part, bool binary);
  std::string Json(std::string_view row) const;
  std::string Steps() const;

  const PostgresPlace& place_;
  const MigratedColumn& column_;
};

}  // namespace rowseal
