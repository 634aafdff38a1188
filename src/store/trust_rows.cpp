#include "store/trust_rows.h"

#include "base/text.h"

namespace rowseal {
namespace {

Timestamp ToTimestamp(std::int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }

// A text that is not what Rowseal writes was put there by somebody else.
Error AsIntegrity(Error error) {
  error.code = ErrorCode::kIntegrity;
  return error;
}

// Says which row a defect is in.
template <class Record>
Result<Record> InRow(Result<Record> record, const std::string& row) {
  if (!record) {
    record.error().message = row + ": " + record.error().message;
    record.error().hint = "somebody changed it outside Rowseal; restore it from a backup";
  }
  return record;
}

std::string NumberedRow(const Row& row, const std::string& table) {
  const auto* id = row.size() > 1 ? std::get_if<std::int64_t>(&row[1]) : nullptr;
  return "row " + (id == nullptr ? "?" : std::to_string(*id)) + " of " + table;
}

Result<InstallationRecord> ReadInstallation(RowReader& reader) {
  InstallationRecord record;
  Result<InstallationId> id = ParseUuid<InstallationId>(reader.Text());
  if (!id) {
    return tl::unexpected(AsIntegrity(std::move(id).error()));
  }
  record.id = *id;
  record.epoch = reader.Integer();
  record.next_kek_id = reader.Integer();
  record.next_root_id = reader.Integer();
  record.integrity_kek.value = reader.Integer();
  record.projects_table = reader.Text();
  record.project_key_type = reader.Text();
  record.trust_tag = reader.Blob();
  record.created_at = ToTimestamp(reader.Integer());
  return record;
}

Result<RootRecord> ReadRoot(RowReader& reader) {
  RootRecord record;
  record.id.value = reader.Integer();
  record.uri = reader.Text();
  record.scope = reader.Text();
  record.fingerprint = reader.Blob();
  record.public_part = reader.Blob();
  ROWSEAL_ASSIGN(record.state, ParseKeyState(reader.Text()));
  record.revision.value = reader.Integer();
  record.row_tag = reader.Blob();
  record.created_at = ToTimestamp(reader.Integer());
  return record;
}

Result<KekRecord> ReadKek(RowReader& reader) {
  KekRecord record;
  record.id.value = reader.Integer();
  record.scope = reader.Text();
  ROWSEAL_ASSIGN(record.purpose, ParseKekPurpose(reader.Text()));
  ROWSEAL_ASSIGN(record.suite, ParseSuite(reader.Integer()));
  ROWSEAL_ASSIGN(record.state, ParseKeyState(reader.Text()));
  if (reader.NextIsNull()) {
    reader.Skip();
  } else {
    ROWSEAL_ASSIGN(record.resumes_to, ParseKeyState(reader.Text()));
  }
  record.revision.value = reader.Integer();
  record.check_value = reader.Blob();
  record.row_tag = reader.Blob();
  record.created_at = ToTimestamp(reader.Integer());
  return record;
}

Result<WrappingRecord> ReadWrapping(RowReader& reader) {
  WrappingRecord record;
  record.kek.value = reader.Integer();
  record.root.value = reader.Integer();
  record.secret = reader.Blob();
  record.key = reader.Blob();
  return record;
}

Result<DekAndKek> ReadDekFields(DekRecord dek, RowReader& reader) {
  dek.kek.value = reader.Integer();
  ROWSEAL_ASSIGN(dek.purpose, ParseDekPurpose(reader.Text()));
  ROWSEAL_ASSIGN(dek.suite, ParseSuite(reader.Integer()));
  ROWSEAL_ASSIGN(dek.state, ParseKeyState(reader.Text()));
  dek.revision.value = reader.Integer();
  dek.check_value = reader.Blob();
  dek.wrapped_key = reader.Blob();
  dek.row_tag = reader.Blob();
  dek.created_at = ToTimestamp(reader.Integer());
  if (reader.NextIsNull()) {
    return Fail(ErrorCode::kIntegrity, "its KEK " + ToText(dek.kek) + " is not in the store");
  }
  DekAndKek read{std::move(dek), {}, {}};
  read.kek_revision.value = reader.Integer();
  read.kek_tag = reader.Blob();
  ROWSEAL_TRY(reader.status());
  return read;
}

Result<std::optional<ColumnSource>> ReadSource(RowReader& reader) {
  constexpr std::size_t kSourceColumns = 5;
  if (reader.NextIsNull()) {
    reader.Skip(kSourceColumns);
    return std::nullopt;
  }
  ColumnSource source;
  source.database = reader.Text();
  source.table = reader.Text();
  source.column = reader.Text();
  const std::string keys = reader.Text();
  for (const std::string_view key : Split(keys, "\n")) {
    source.keys.emplace_back(key);
  }
  source.project_column = reader.Text();
  return source;
}

Result<ColumnRecord> ReadColumnFields(ColumnRecord record, RowReader& reader) {
  Result<ContextKind> context = ParseContextKind(reader.Text());
  if (!context) {
    return tl::unexpected(AsIntegrity(std::move(context).error()));
  }
  record.context = *context;
  ROWSEAL_ASSIGN(record.state, ParseColumnState(reader.Text()));
  record.revision.value = reader.Integer();
  record.row_tag = reader.Blob();
  record.created_at = ToTimestamp(reader.Integer());
  ROWSEAL_ASSIGN(record.source, ReadSource(reader));
  ROWSEAL_TRY(reader.status());
  return record;
}

template <class Record>
Result<void> AppendChecked(std::vector<Record>& records, Result<Record> record) {
  if (!record) {
    return tl::unexpected(std::move(record).error());
  }
  records.push_back(std::move(*record));
  return {};
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

Param OptionalText(const std::optional<KeyState>& state) {
  return state ? Param(std::string(ToText(*state))) : Param(Null{});
}

}  // namespace

Result<TrustRows> ParseTrustRows(Rows answer) {
  TrustRows trust;
  int installations = 0;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    const std::string table = reader.Text();
    if (table == "installation") {
      ROWSEAL_ASSIGN(trust.installation, ReadInstallation(reader));
      ++installations;
    } else if (table == "root_key") {
      ROWSEAL_TRY(AppendChecked(trust.roots, InRow(ReadRoot(reader), NumberedRow(row, table))));
    } else if (table == "kek") {
      ROWSEAL_TRY(AppendChecked(trust.keks, InRow(ReadKek(reader), NumberedRow(row, table))));
    } else {
      ROWSEAL_TRY(AppendChecked(trust.wrappings, ReadWrapping(reader)));
    }
    ROWSEAL_TRY(reader.status());
  }
  if (installations != 1) {
    return Fail(ErrorCode::kIntegrity, "the store holds no installation row",
                "if it is new, finish `rowseal init`; otherwise restore it from a backup");
  }
  return trust;
}

Result<TrustRows> LoadTrustRows(Connection& connection) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Call(Procedure::kTrustLoad)));
  return ParseTrustRows(std::move(answer));
}

Result<DekAndKek> ReadDek(const ProjectId& project, RowReader& reader) {
  Result<DekId> id = ParseUuid<DekId>(reader.Text());
  if (!id) {
    return tl::unexpected(AsIntegrity(std::move(id).error()));
  }
  return InRow(ReadDekFields(DekRecord{.project = project, .id = *id}, reader),
               "row " + ToText(*id) + " of dek (project '" + project.text() + "')");
}

Result<ColumnRecord> ReadColumn(RowReader& reader) {
  Result<ColumnId> id = ParseUuid<ColumnId>(reader.Text());
  if (!id) {
    return tl::unexpected(AsIntegrity(std::move(id).error()));
  }
  Result<ColumnLabel> label = ColumnLabel::Parse(reader.Text());
  if (!label) {
    return tl::unexpected(AsIntegrity(std::move(label).error()));
  }
  const std::string row = "row '" + label->text() + "' of sealed_column";
  return InRow(ReadColumnFields(ColumnRecord{.id = *id, .label = std::move(*label)}, reader), row);
}

std::string JoinKeys(const std::vector<std::string>& keys) { return Join(keys, "\n"); }

Result<void> InsertRoot(Connection& connection, const RootRecord& record) {
  return RunChange(connection,
                   "INSERT INTO rowseal.root_key (id, uri, scope, fingerprint, public_part, state,"
                   " revision, row_tag, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   {record.id.value, record.uri, record.scope, record.fingerprint,
                    record.public_part, std::string(ToText(record.state)), record.revision.value,
                    record.row_tag, ToMicros(record.created_at)},
                   "root_key");
}

Result<void> InsertKek(Connection& connection, const KekRecord& record) {
  return RunChange(
      connection,
      "INSERT INTO rowseal.kek (id, scope, purpose, suite, state, resumes_to, revision,"
      " check_value, row_tag, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {record.id.value, record.scope, std::string(ToText(record.purpose)),
       static_cast<std::int64_t>(record.suite), std::string(ToText(record.state)),
       OptionalText(record.resumes_to), record.revision.value, record.check_value, record.row_tag,
       ToMicros(record.created_at)},
      "kek");
}

Result<void> InsertWrapping(Connection& connection, const WrappingRecord& record) {
  return RunChange(
      connection,
      "INSERT INTO rowseal.kek_wrapping (kek_id, root_id, secret, key) VALUES ($1, $2, $3, $4)",
      {record.kek.value, record.root.value, record.secret, record.key}, "kek_wrapping");
}

Result<void> UpdateKekState(Connection& connection, const KekRecord& record, Revision seen) {
  return RunChange(
      connection,
      "UPDATE rowseal.kek SET state = $2, resumes_to = $3, revision = $4, row_tag = $5"
      " WHERE id = $1 AND revision = $6",
      {record.id.value, std::string(ToText(record.state)), OptionalText(record.resumes_to),
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
  return RunChange(
      connection,
      "INSERT INTO rowseal.installation (singleton, id, epoch, next_kek_id, next_root_id,"
      " integrity_kek_id, projects_table, project_key_type, trust_tag, created_at)"
      " VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)",
      {ToText(record.id), record.epoch, record.next_kek_id, record.next_root_id,
       record.integrity_kek.value, record.projects_table, record.project_key_type, record.trust_tag,
       ToMicros(record.created_at)},
      "installation");
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
