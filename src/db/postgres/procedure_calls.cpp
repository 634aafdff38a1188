#include "db/postgres/procedure_calls.h"

#include <string>

#include <rowseal/postgres_text.h>

#include "store/calls/all_calls.h"

namespace rowseal {
namespace {

// The casts say what cannot be told from a parameter's binary form; other parameters take the
// function's types.
std::string PlaceOf(const CellInfo& cell, std::size_t number) {
  std::string place = "$" + std::to_string(number);
  if (cell.type == CellType::kUuid && cell.is_array) {
    place += "::pg_catalog.text[]::pg_catalog.uuid[]";
  } else if (cell.type == CellType::kBoolean) {
    place += "::pg_catalog.int8 OPERATOR(pg_catalog.=) 1";
  }
  return place;
}

template <class Call>
std::string CallText() {
  std::string arguments;
  std::size_t number = 0;
  ForEachCell<typename Call::Request>([&](const CellInfo& cell) {
    arguments += (number == 0 ? "" : ", ") + PlaceOf(cell, number + 1);
    ++number;
  });
  if (Call::kEffect == Effect::kLogsRead) {
    arguments += ", $" + std::to_string(number + 1);
  }
  return "SELECT * FROM rowseal." + std::string(Call::kName) + "(" + arguments + ")";
}

// Keys are rewrapped by operators only, who change the table themselves.
template <>
std::string CallText<DekRewrap>() {
  // The form of unnest with several arrays is syntax, which a qualified name does not get.
  return "UPDATE rowseal.dek d SET kek_id = $5, wrapped_key = n.wrapped_key"
         " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]),"
         "  pg_catalog.unnest($2::pg_catalog.text[]::pg_catalog.uuid[]),"
         "  pg_catalog.unnest($3::pg_catalog.bytea[]), pg_catalog.unnest($4::pg_catalog.int8[]))"
         "  AS n (project_id, id, wrapped_key, old_kek_id)"
         " WHERE d.project_id OPERATOR(pg_catalog.=) n.project_id"
         "  AND d.id OPERATOR(pg_catalog.=) n.id"
         "  AND d.kek_id OPERATOR(pg_catalog.=) n.old_kek_id";
}

template <class Call>
const std::string& CachedCallText() {
  static const std::string text = CallText<Call>();
  return text;
}

}  // namespace

std::string_view StatementText(const Statement& statement) {
  std::string_view text = statement.sql;
  ForEachCall([&]<class Call>(CallIs<Call>) {
    if (statement.procedure == Call::kProcedure) {
      text = CachedCallText<Call>();
    }
  });
  return text;
}

bool TakesAlone(Procedure procedure) noexcept {
  return procedure != Procedure::kSql && EffectOf(procedure) == Effect::kLogsRead;
}

// The entry of a read says no more than that it was asked for.
bool MayChangeRows(const Statement& statement) noexcept {
  return statement.procedure == Procedure::kSql ? !statement.sql.starts_with("SELECT")
                                                : EffectOf(statement.procedure) == Effect::kChanges;
}

}  // namespace rowseal
