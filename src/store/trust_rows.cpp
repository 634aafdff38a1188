#include "store/trust_rows.h"

#include <algorithm>

namespace rowseal {
namespace {

Result<void> CheckDefect(const Defect& defect, const std::string& row) {
  return defect ? Result<void>(tl::unexpected(DefectError(row, defect))) : Result<void>();
}

template <class Record, class KeyOf>
bool ComesTwice(const std::vector<Record>& records, KeyOf key_of) {
  std::vector<decltype(key_of(records.front()))> keys;
  std::ranges::transform(records, std::back_inserter(keys), key_of);
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) != keys.end();
}

template <class Record>
Row CellsOf(const Record& record) {
  Row row{std::string(kTableOf<Record>)};
  for (Param& param : ParamsOf(record)) {
    if (auto* const number = std::get_if<std::int64_t>(&param)) {
      row.emplace_back(*number);
    } else if (auto* const text = std::get_if<std::string>(&param)) {
      row.emplace_back(std::move(*text));
    } else if (auto* const bytes = std::get_if<Bytes>(&param)) {
      row.emplace_back(std::move(*bytes));
    } else {
      row.emplace_back(Null{});
    }
  }
  return row;
}

Result<void> RunChange(Connection& connection, std::string_view sql, std::vector<Param> params,
                       std::string_view object) {
  ROWSEAL_ASSIGN(const Rows rows, connection.Execute(Statement::Sql(sql, std::move(params))));
  if (rows.changed != 1) {
    return Fail(ErrorCode::kConflict, std::string(object) + " was changed by another process",
                "retry");
  }
  return {};
}

template <class Record>
Result<void> InsertRecord(Connection& connection, const Record& record) {
  static const std::string sql = "INSERT INTO rowseal." + std::string(kTableOf<Record>) + " (" +
                                 ColumnNames<Record>() + ") VALUES (" + Places<Record>() + ")";
  return RunChange(connection, sql, ParamsOf(record), kTableOf<Record>);
}

}  // namespace

Result<void> TrustGatherer::Check(const Defect& defect, const InstallationRecord& /*record*/) {
  return defect ? Fail(ErrorCode::kIntegrity,
                       "installation." + std::string(defect.field) + " " + std::string(defect.why),
                       "it was changed outside Rowseal; restore it from a backup")
                : Result<void>();
}

Result<void> TrustGatherer::Check(const Defect& defect, const RootRecord& record) {
  return CheckDefect(defect, "row " + ToText(record.id) + " of root_key");
}

Result<void> TrustGatherer::Check(const Defect& defect, const KekRecord& record) {
  return CheckDefect(defect,
                     "row " + ToText(record.id) + " of kek (KEK " + ToText(record.id) + ")");
}

Result<void> TrustGatherer::Check(const Defect& defect, const WrappingRecord& record) {
  return CheckDefect(defect,
                     "wrapping of KEK " + ToText(record.kek) + " by root " + ToText(record.root));
}

Result<void> TrustGatherer::Check(const Defect& defect, const FloorRecord& record) {
  return CheckDefect(defect, "row '" + record.scope + "' of scope_floor");
}

Result<void> TrustGatherer::OfNoTable(std::string_view table) {
  return Fail(
      ErrorCode::kIntegrity,
      "the trusted rows hold one of no such table (" + std::string(table.substr(0, 80)) + ")",
      "rowseal doctor compares the store's functions with those of this release");
}

Result<TrustRows> TrustGatherer::Finish() && {
  if (installations_ == 0) {
    return Fail(ErrorCode::kIntegrity, "the store holds no installation row",
                "if it is new, finish `rowseal init`; otherwise restore it from a backup");
  }
  const bool repeats = installations_ > 1 ||
                       ComesTwice(trust_.roots, [](const RootRecord& root) { return root.id; }) ||
                       ComesTwice(trust_.keks, [](const KekRecord& kek) { return kek.id; }) ||
                       ComesTwice(trust_.wrappings,
                                  [](const WrappingRecord& wrapping) {
                                    return std::pair(wrapping.kek, wrapping.root);
                                  }) ||
                       ComesTwice(trust_.floors, [](const FloorRecord& row) { return row.scope; });
  if (repeats) {
    return Fail(ErrorCode::kIntegrity, "the trusted rows hold the same row twice",
                "rowseal doctor compares the store's tables with those of this release");
  }
  return std::move(trust_);
}

Result<TrustRows> ParseTrustRows(Rows rows) {
  TrustGatherer gatherer;
  for (Row& row : rows.rows) {
    RowReader reader(row);
    const std::string table = reader.Text();
    ROWSEAL_TRY(gatherer.Take(table, [&](auto& record) { return ReadFields(reader, record); }));
  }
  return std::move(gatherer).Finish();
}

std::vector<Row> TrustCells(const TrustRows& trust) {
  std::vector<Row> rows{CellsOf(trust.installation)};
  std::ranges::transform(trust.roots, std::back_inserter(rows), CellsOf<RootRecord>);
  std::ranges::transform(trust.keks, std::back_inserter(rows), CellsOf<KekRecord>);
  std::ranges::transform(trust.wrappings, std::back_inserter(rows), CellsOf<WrappingRecord>);
  std::ranges::transform(trust.floors, std::back_inserter(rows), CellsOf<FloorRecord>);
  return rows;
}

Result<void> InsertRoot(Connection& connection, const RootRecord& record) {
  return InsertRecord(connection, record);
}

Result<void> InsertKek(Connection& connection, const KekRecord& record) {
  return InsertRecord(connection, record);
}

Result<void> InsertWrapping(Connection& connection, const WrappingRecord& record) {
  return InsertRecord(connection, record);
}

Result<void> WriteFloor(Connection& connection, const FloorRecord& record) {
  return RunChange(
      connection,
      "INSERT INTO rowseal.scope_floor (scope, seal_floor, secrets_floor, values_floor)"
      " VALUES ($1, $2, $3, $4) ON CONFLICT (scope) DO UPDATE SET"
      " seal_floor = excluded.seal_floor, secrets_floor = excluded.secrets_floor,"
      " values_floor = excluded.values_floor",
      {record.scope, record.seal, record.secrets, record.values},
      "the floors of scope '" + record.scope + "'");
}

Result<void> UpdateKekState(Connection& connection, const KekRecord& record, Revision seen) {
  return RunChange(
      connection,
      "UPDATE rowseal.kek SET state = $2, resumes_to = $3, revision = $4, row_tag = $5"
      " WHERE id = $1 AND revision = $6",
      {record.id.value, std::string(ToText(record.state)), ScalarParam(record.resumes_to),
       record.revision.value, record.row_tag, seen.value},
      "KEK " + ToText(record.id));
}

Result<void> DeleteKek(Connection& connection, KekId id) {
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql("DELETE FROM rowseal.kek_wrapping WHERE kek_id = $1", {id.value})));
  return RunChange(connection, "DELETE FROM rowseal.kek WHERE id = $1", {id.value},
                   "KEK " + ToText(id));
}

Result<void> UpdateRootState(Connection& connection, const RootRecord& record, Revision seen) {
  return RunChange(connection,
                   "UPDATE rowseal.root_key SET state = $2, revision = $3, row_tag = $4"
                   " WHERE id = $1 AND revision = $5",
                   {record.id.value, std::string(ToText(record.state)), record.revision.value,
                    record.row_tag, seen.value},
                   "root " + ToText(record.id));
}

Result<void> DeleteWrappingsOf(Connection& connection, RootId root) {
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql("DELETE FROM rowseal.kek_wrapping WHERE root_id = $1", {root.value})));
  return {};
}

Result<void> DeleteRoot(Connection& connection, const RootRecord& record) {
  return RunChange(connection, "DELETE FROM rowseal.root_key WHERE id = $1 AND revision = $2",
                   {record.id.value, record.revision.value}, "root " + ToText(record.id));
}

Result<void> LockKeks(Connection& connection, std::string_view scope) {
  ROWSEAL_TRY(connection.Execute(Statement::Sql(
      "SELECT id FROM rowseal.kek WHERE scope = $1 ORDER BY id FOR UPDATE", {std::string(scope)})));
  return {};
}

Result<void> InsertInstallation(Connection& connection, const InstallationRecord& record) {
  static const std::string sql = "INSERT INTO rowseal.installation (singleton, " +
                                 ColumnNames<InstallationRecord>() + ") VALUES (1, " +
                                 Places<InstallationRecord>() + ")";
  return RunChange(connection, sql, ParamsOf(record), "installation");
}

Result<void> UpdateInstallation(Connection& connection, const InstallationRecord& record) {
  return RunChange(
      connection,
      "UPDATE rowseal.installation SET epoch = $1, next_kek_id = $2, next_root_id = $3,"
      " integrity_kek_id = $4, trust_tag = $5 WHERE id = $6 AND epoch < $1",
      {record.epoch, record.next_kek_id, record.next_root_id, record.integrity_kek.value,
       record.trust_tag, ToText(record.id)},
      "installation");
}

}  // namespace rowseal
