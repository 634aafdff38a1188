#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rowseal/column_source.h>
#include <rowseal/error.h>
#include <rowseal/statement.h>

#include "base/text.h"
#include "db/postgres/postgres_connection.h"

namespace rowseal {

/// PostgresPlace is what the catalogue says of a column of an app's table. Names are quoted for
/// SQL.
struct PostgresPlace {
  std::string table;
  std::string column;
  std::string type;  // without length; of the base type where it is a domain
  std::string project;
  std::vector<std::string> keys;
  std::vector<std::string> key_types;
  // Of the column, then of each key: the name and the id of its type.
  std::vector<std::pair<std::string, std::string>> declared;
  std::string rows;  // the table in FROM, JOIN and UPDATE: with its partitions, without children

  bool IsBinary() const { return type == "bytea"; }
  // json and jsonb are not assigned from text without a cast. Others are, and refuse what is too
  // long for them, where a cast would cut it.
  std::string CastOf(const std::string& text) const {
    return type == "json" || type == "jsonb" ? text + "::" + type : text;
  }
  std::string Content() const { return IsBinary() ? column : column + "::text"; }
  std::string HoldsSealed() const {
    return IsBinary() ? "position('\\x7273312e'::bytea in " + column + ") > 0"  // rs1.
                      : "position('rs1.' in " + column + "::text) > 0";
  }
  std::string KeyList() const { return Join(keys, ", "); }
};

/// Numbered returns a name such as `k0`.
inline std::string Numbered(std::string_view prefix, std::size_t number) {
  return std::string(prefix) + std::to_string(number);
}

/// FindPostgresPlace looks a place up; without a column's name it finds the others. Errors: as
/// OpenPostgresAppColumn.
Result<PostgresPlace> FindPostgresPlace(PostgresConnection& connection, const ColumnSource& source);

/// FindPostgresColumns looks columns of any type up, and gives their names quoted.
Result<std::vector<std::string>> FindPostgresColumns(PostgresConnection& connection,
                                                     const std::string& table,
                                                     const std::vector<std::string>& names);

/// RunOnApp runs a statement on the app's tables: what a store's connection makes of an error
/// speaks of Rowseal's own.
Result<Rows> RunOnApp(PostgresConnection& connection, const Statement& statement,
                      const std::string& table);

/// A position is the parts of a row's key, and what else its owner needs, each as its length, a
/// colon and the text.
using PostgresPosition = std::vector<std::string>;
std::string EncodePosition(const PostgresPosition& parts);
/// Errors: kIntegrity (a text that EncodePosition did not make of so many parts).
Result<PostgresPosition> DecodePosition(std::string_view text, std::size_t parts);

}  // namespace rowseal
