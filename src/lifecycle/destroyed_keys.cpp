#include "lifecycle/destroyed_keys.h"

#include <rowseal/key_destruction.h>

#include "base/encoding.h"
#include "client/change.h"
#include "store/list_reader.h"

namespace rowseal {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO rowseal.destroyed_key (project_id, kind, id, scope, purpose, suite, state,"
    " revision, check_value, created_at, destroyed_at, actor, reason, census)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";

// After the key's id and project, in the order in which ReadEvidence takes them. The row of a
// discarded DEK may have held any number as its time: 1970 stands for one that is none.
#define ROWSEAL_EVIDENCE_COLUMNS \
  "substr(purpose, 1, 65537), substr(state, 1, 65537),"                                    \
  " coalesce(" ROWSEAL_SANE_TIME("created_at") ", 0), destroyed_at, substr(actor, 1, 65537)," \
  " substr(reason, 1, 65537), substr(census, 1, 65537)"

KeyEvidence ReadEvidence(ListedRow& reader) {
  KeyEvidence evidence;
  evidence.purpose = reader.Take<std::string>("purpose");
  evidence.state = reader.Take<std::string>("state");
  evidence.created_at = reader.Take<Timestamp>("created_at");
  evidence.destroyed_at = reader.Take<Timestamp>("destroyed_at");
  evidence.actor = reader.Take<std::string>("actor");
  evidence.reason = reader.Take<std::string>("reason");
  evidence.census = reader.Take<std::string>("census");
  return evidence;
}

// Rows are ordered by the length of their ids first: those of KEKs are numbers.
Result<DestroyedKek> ReadDestroyedKek(Row& row) {
  ListedRow reader(row);
  reader.Take<std::int64_t>("length");
  const std::string id = reader.Take<std::string>("id");
  DestroyedKek kek;
  kek.scope = reader.Take<std::string>("scope");
  kek.evidence = ReadEvidence(reader);
  ROWSEAL_TRY(reader.status());
  const std::optional<std::int64_t> number = ParseDecimal(id);
  if (!number || *number < 1 || std::to_string(*number) != id) {
    return Fail(ErrorCode::kIntegrity, "its id is no number of a KEK");
  }
  kek.id.value = *number;
  return kek;
}

Result<DestroyedDek> ReadDestroyedDek(Row& row) {
  ListedRow reader(row);
  DestroyedDek dek;
  dek.project = reader.Take<std::string>("project_id");
  dek.id = reader.Take<std::string>("id");
  dek.evidence = ReadEvidence(reader);
  ROWSEAL_TRY(reader.status());
  if (!dek.evidence.census.starts_with(kDiscarded)) {
    ROWSEAL_TRY(ProjectId::Parse(dek.project));
    ROWSEAL_TRY(ParseUuid<DekId>(dek.id));
  }
  return dek;
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

Result<Listing<DestroyedKek>> ListDestroyedKeks(Client& client, KekId after, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  static const PageSql sql(
      "SELECT length(id), id, substr(scope, 1, 65537), " ROWSEAL_EVIDENCE_COLUMNS
      " FROM rowseal.destroyed_key",
      "kind = 'kek'", "(length(id), id)", "($2, $3)");
  Row begin;
  if (after != KekId{}) {
    begin = {static_cast<std::int64_t>(ToText(after).size()), ToText(after)};
  }
  return ReadStore(client, [&](StoreRead& store) {
    return ReadPage<DestroyedKek>(
        store.connection(), sql, {}, begin, 2, limit,
        [](const Row& row) { return "destroyed KEK '" + ShownCell(row, 1) + "'"; },
        ReadDestroyedKek);
  });
}

Result<Listing<DestroyedDek>> ListDestroyedDeks(Client& client, std::string_view after_project,
                                                std::string_view after_id, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  static const PageSql sql("SELECT project_id, id, " ROWSEAL_EVIDENCE_COLUMNS
                           " FROM rowseal.destroyed_key",
                           "kind = 'dek'", "(project_id, id)", "($2, $3)");
  const Row begin =
      after_project.empty() ? Row{} : Row{std::string(after_project), std::string(after_id)};
  return ReadStore(client, [&](StoreRead& store) {
    return ReadPage<DestroyedDek>(
        store.connection(), sql, {}, begin, 2, limit,
        [](const Row& row) {
          return "destroyed DEK '" + ShownCell(row, 1) + "' of project '" + ShownCell(row, 0) + "'";
        },
        ReadDestroyedDek);
  });
}

}  // namespace rowseal
