#include "lifecycle/kek_notes.h"

namespace rowseal {

Result<std::map<KekId, KekNotes>> ReadKekNotes(Connection& connection) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT k.id, k.compromised_at, k.destroy_at, coalesce(d.deks, 0)"
                                  " FROM rowseal.kek k LEFT JOIN (SELECT kek_id, count(*) AS deks"
                                  "  FROM rowseal.dek GROUP BY kek_id) AS d ON d.kek_id = k.id")));
  std::map<KekId, KekNotes> notes;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    KekNotes& note = notes[KekId{reader.Integer()}];
    note.compromised_at = reader.OptionalTime();
    note.destroy_at = reader.OptionalTime();
    note.deks = reader.Integer();
    ROWSEAL_TRY(reader.status());
  }
  return notes;
}

Result<std::optional<Timestamp>> ReadKekTime(Connection& connection, KekId kek, KekTime time) {
  const std::string column = time == KekTime::kDestroyAt ? "destroy_at" : "compromised_at";
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql(
                     "SELECT " + column + " FROM rowseal.kek WHERE id = $1", {kek.value})));
  if (answer.rows.empty()) {
    return std::nullopt;
  }
  RowReader reader(answer.rows.front());
  const std::optional<Timestamp> at = reader.OptionalTime();
  ROWSEAL_TRY(reader.status());
  return at;
}

}  // namespace rowseal
