#include "lifecycle/destroyed_keys.h"

#include <rowseal/key_destruction.h>

#include "base/encoding.h"
#include "client/change.h"
#include "store/key_order.h"

namespace rowseal {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO rowseal.destroyed_key (project_id, kind, id, scope, purpose, suite, state,"
    " revision, check_value, created_at, destroyed_at, actor, reason, census)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";

// After the id and what the key belonged to, in the order in which ReadEvidence takes them. The row
// of a discarded DEK may have held any number as its time: 1970 stands for one that is none, so
// that its evidence hides no other.
#define ROWSEAL_EVIDENCE_COLUMNS                                          \
  "purpose, state, CASE WHEN created_at BETWEEN 0 AND 253402300799999999" \
  " THEN created_at ELSE 0 END, destroyed_at, actor, reason, census"

Result<DestroyedKek> KekOf(const std::string& id) {
  const std::optional<std::int64_t> number = ParseDecimal(id);
  return number ? Result<DestroyedKek>(DestroyedKek{KekId{*number}, {}, {}})
                : Fail(ErrorCode::kIntegrity,
                       "the evidence of a destroyed KEK has the id '" + Printable(id) + "'",
                       "restore the table destroyed_key from a backup");
}

Result<KeyEvidence> ReadEvidence(RowReader& reader) {
  KeyEvidence evidence;
  evidence.purpose = reader.Text();
  evidence.state = reader.Text();
  evidence.created_at = reader.Time();
  evidence.destroyed_at = reader.Time();
  evidence.actor = reader.Text();
  evidence.reason = reader.Text();
  evidence.census = reader.Text();
  ROWSEAL_TRY(reader.status());
  return evidence;
}

}  // namespace

Statement KeepEvidence(const KekRecord& kek, const Evidence& evidence) {
  return Statement::Sql(kInsert,
                        {std::string(kSystemProject), std::string("kek"), ToText(kek.id), kek.scope,
                         std::string(ToText(kek.purpose)), static_cast<std::int64_t>(kek.suite),
                         std::string(ToText(kek.state)), kek.revision.value, kek.check_value,
                         ToMicros(kek.created_at), ToMicros(evidence.at), evidence.asked_by.actor,
                         evidence.asked_by.reason, evidence.census});
}

Statement KeepEvidence(const DekRecord& dek, const Evidence& evidence) {
  return Statement::Sql(kInsert,
                        {dek.project.text(), std::string("dek"), ToText(dek.id), std::string(),
                         std::string(ToText(dek.purpose)), static_cast<std::int64_t>(dek.suite),
                         std::string(ToText(dek.state)), dek.revision.value, dek.check_value,
                         ToMicros(dek.created_at), ToMicros(evidence.at), evidence.asked_by.actor,
                         evidence.asked_by.reason, evidence.census});
}

Result<std::vector<DestroyedKek>> ListDestroyedKeks(Client& client, KekId after,
                                                    std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  ROWSEAL_ASSIGN(
      Rows answer,
      ReadRows(client, Statement::Sql("SELECT id, scope, " ROWSEAL_EVIDENCE_COLUMNS
                                      " FROM rowseal.destroyed_key WHERE kind = 'kek'"
                                      " AND (length(id), id) > (length(CAST($1 AS text)), $1)"
                                      " ORDER BY length(id), id LIMIT $2",
                                      {ToText(after), limit})));
  std::vector<DestroyedKek> keks;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    ROWSEAL_ASSIGN(DestroyedKek kek, KekOf(reader.Text()));
    kek.scope = reader.Text();
    ROWSEAL_ASSIGN(kek.evidence, ReadEvidence(reader));
    keks.push_back(std::move(kek));
  }
  return keks;
}

Result<std::vector<DestroyedDek>> ListDestroyedDeks(Client& client, std::string_view after_project,
                                                    std::string_view after_id, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  ROWSEAL_ASSIGN(
      Rows answer,
      ReadRows(client,
               Statement::Sql(
                   "SELECT project_id, id, " ROWSEAL_EVIDENCE_COLUMNS
                   " FROM rowseal.destroyed_key WHERE kind = 'dek' AND (project_id, id) > ($1, $2)"
                   " ORDER BY project_id, id LIMIT $3",
                   {std::string(after_project), std::string(after_id), limit})));
  std::vector<DestroyedDek> deks;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    DestroyedDek dek;
    dek.project = reader.Text();
    dek.id = reader.Text();
    ROWSEAL_ASSIGN(dek.evidence, ReadEvidence(reader));
    deks.push_back(std::move(dek));
  }
  return deks;
}

}  // namespace rowseal
