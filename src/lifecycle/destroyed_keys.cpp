#include "lifecycle/destroyed_keys.h"

#include <rowseal/key_destruction.h>

#include "client/change.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO rowseal.destroyed_key (project_id, kind, id, scope, purpose, suite, state,"
    " revision, check_value, created_at, destroyed_at, actor, reason, census)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";

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

Result<std::vector<DestroyedKey>> ListDestroyedKeys(Client& client,
                                                    const ListDestroyedOptions& options) {
  ROWSEAL_TRY(CheckPageLimit(options.limit));
  const Statement list = Statement::Sql(
      "SELECT * FROM (SELECT CASE kind WHEN 'kek' THEN '' ELSE project_id END AS project, kind,"
      "  id, scope, purpose, state, created_at, destroyed_at, actor, reason, census"
      "  FROM rowseal.destroyed_key WHERE kind = $1 OR $1 = '') AS gone"
      " WHERE (project, id) > ($2, $3) ORDER BY project, id LIMIT $4",
      {options.kind, options.after_project, options.after_id, options.limit});
  ROWSEAL_ASSIGN(Rows answer, ReadStore(client, [&](StoreRead& store) {
                   return store.connection().Execute(list);
                 }));
  std::vector<DestroyedKey> keys;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    DestroyedKey key;
    key.project = reader.Text();
    key.kind = reader.Text();
    key.id = reader.Text();
    key.scope = reader.Text();
    key.purpose = reader.Text();
    key.state = reader.Text();
    key.created_at = reader.Time();
    key.destroyed_at = reader.Time();
    key.actor = reader.Text();
    key.reason = reader.Text();
    key.census = reader.Text();
    ROWSEAL_TRY(reader.status());
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace rowseal
