#include "lifecycle/kek_notes.h"

#include "store/list_reader.h"

namespace rowseal {

Result<std::map<KekId, KekNotes>> ReadKekNotes(Connection& connection) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT k.id, k.compromised_at, k.destroy_at, coalesce(d.deks, 0)"
                                  " FROM rowseal.kek k LEFT JOIN (SELECT kek_id, count(*) AS deks"
                                  "  FROM rowseal.dek GROUP BY kek_id) AS d ON d.kek_id = k.id")));
  std::map<KekId, KekNotes> notes;
  for (Row& row : answer.rows) {
    constexpr std::size_t kDeks = 3;
    RowReader deks(row);
    deks.Skip(kDeks);
    ListedRow reader(row);
    KekNotes& note = notes[reader.Take<KekId>("id")];
    note.deks = deks.Integer();
    ROWSEAL_TRY(deks.status());
    note.compromised_at = reader.TakeOptional<Timestamp>("compromised_at");
    note.destroy_at = reader.TakeOptional<Timestamp>("destroy_at");
    if (const Result<void> read = reader.status(); !read) {
      note.compromised_at = note.destroy_at = std::nullopt;
      note.defect = read.error().message;
    }
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
