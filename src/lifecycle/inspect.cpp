#include <rowseal/lifecycle.h>

#include "client/session.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/policies.h"
#include "store/calls/store_format.h"
#include "store/key_order.h"

namespace rowseal {
namespace {

Result<std::int64_t> Count(Connection& connection, std::string_view sql) {
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Statement::Sql(sql)));
  if (rows.rows.size() != 1) {
    return Fail(ErrorCode::kInternal, "a count gave no row");
  }
  RowReader reader(rows.rows.front());
  const std::int64_t count = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return count;
}

// The policies speak of scope default: a project's KEK needs its owner's root, so its owner
// rotates.
std::optional<Timestamp> RotationDue(const KekRecord& kek, const PolicyDuration& max_age) {
  const bool is_due_once = kek.state == KeyState::kActive && kek.scope == kDefaultScope && max_age;
  return is_due_once ? std::optional(kek.created_at + *max_age) : std::nullopt;
}

}  // namespace

Result<std::vector<KeySummary>> ListKeks(Client& client) {
  const auto lock = client.Lock();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(client.session().LoadTrust(connection));
  ROWSEAL_ASSIGN(const auto notes, ReadKekNotes(connection));
  ROWSEAL_ASSIGN(const PolicyDuration max_age, ReadPolicyOrNever(connection, Policy::kKekMaxAge));
  std::vector<KeySummary> summaries;
  for (const KekRecord& kek : client.session().keyring().trust()->rows.keks) {
    if (kek.purpose != KekPurpose::kWrap) {
      continue;
    }
    const KekNotes& note = notes.at(kek.id);
    KeySummary summary;
    summary.id = ToText(kek.id);
    summary.scope = kek.scope;
    summary.purpose = ToText(kek.purpose);
    summary.state = ToText(kek.state);
    summary.created_at = kek.created_at;
    summary.resumes_to = kek.resumes_to ? ToText(*kek.resumes_to) : std::string_view();
    summary.deks = note.deks;
    summary.rotation_due = RotationDue(kek, max_age);
    summary.compromised_at = note.compromised_at;
    summary.destroy_at = note.destroy_at;
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

Result<std::vector<KeySummary>> ListDeks(Client& client, const ListDeksOptions& options) {
  if (options.limit < 1 || options.limit > 10'000) {
    return Fail(ErrorCode::kInvalidArgument, "a page has 1 to 10,000 rows");
  }
  const std::string_view sql =
      options.count == CountFrom::kEveryRow
          ? "SELECT d.project_id, d.id, d.kek_id, d.purpose, d.state, d.created_at, d.drained_at,"
            " (SELECT count(*) FROM rowseal.secret_version v WHERE v.project_id = d.project_id"
            "   AND v.dek_id = d.id)"
            " FROM rowseal.dek d WHERE (d.project_id, d.id) > ($1, $2)"
            " AND (d.project_id = $3 OR $3 IS NULL) ORDER BY d.project_id, d.id LIMIT $4"
          : "SELECT d.project_id, d.id, d.kek_id, d.purpose, d.state, d.created_at, d.drained_at,"
            " NULL FROM rowseal.dek d WHERE (d.project_id, d.id) > ($1, $2)"
            " AND (d.project_id = $3 OR $3 IS NULL) ORDER BY d.project_id, d.id LIMIT $4";
  const auto lock = client.Lock();
  ROWSEAL_ASSIGN(
      Rows answer,
      client.connection().Execute(Statement::Sql(
          sql, {options.after_project,
                options.after_id.empty() ? std::string(kBeforeAnyId) : options.after_id,
                options.project ? Param(options.project->text()) : Param(Null{}), options.limit})));
  std::vector<KeySummary> summaries;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    KeySummary summary;
    summary.project = reader.Text();
    summary.id = reader.Text();
    summary.scope = std::to_string(reader.Integer());
    summary.purpose = reader.Text();
    summary.state = reader.Text();
    summary.created_at = reader.Time();
    summary.drained = !reader.NextIsNull();
    reader.Skip();
    if (!reader.NextIsNull()) {
      summary.versions = reader.Integer();
    }
    ROWSEAL_TRY(reader.status());
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

Result<StatusReport> Status(Client& client) {
  Connection& connection = client.connection();
  const auto lock = client.Lock();
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(client.session().LoadTrust(connection));
  const std::shared_ptr<const TrustSet> trust = client.session().keyring().trust();
  StatusReport report;
  report.installation = trust->rows.installation.id;
  report.epoch = trust->rows.installation.epoch;
  report.rolled_back = client.session().rolled_back();
  report.integrity_kek = trust->rows.installation.integrity_kek;
  if (const KekRecord* active = trust->ActiveKek(kDefaultScope)) {
    ROWSEAL_ASSIGN(const PolicyDuration max_age, ReadPolicyOrNever(connection, Policy::kKekMaxAge));
    report.active_kek = active->id;
    report.active_kek_created_at = active->created_at;
    report.kek_rotation_due = RotationDue(*active, max_age);
  }
  ROWSEAL_ASSIGN(const auto notes, ReadKekNotes(connection));
  for (const KekRecord& kek : trust->rows.keks) {
    if (kek.purpose != KekPurpose::kWrap) {
      continue;
    }
    ++report.keks;
    if (kek.state == KeyState::kSuspended) {
      report.suspended.push_back(kek.id);
    }
    if (kek.state == KeyState::kCompromised) {
      report.compromised.push_back(kek.id);
    }
    if (const auto& destroy_at = notes.at(kek.id).destroy_at) {
      report.to_destroy.emplace_back(kek.id, *destroy_at);
    }
  }
  ROWSEAL_ASSIGN(report.retired_projects,
                 Count(connection, "SELECT count(*) FROM rowseal.retired_project"));
  ROWSEAL_ASSIGN(report.destroyed_keys,
                 Count(connection, "SELECT count(*) FROM rowseal.destroyed_key"));
  ROWSEAL_ASSIGN(const StoreFormat::Row format, Ask(connection, StoreFormat::Request{}));
  report.format = format.format;
  ROWSEAL_ASSIGN(report.deks, Count(connection, "SELECT count(*) FROM rowseal.dek"));
  ROWSEAL_ASSIGN(report.projects,
                 Count(connection, "SELECT count(DISTINCT project_id) FROM rowseal.dek"));
  ROWSEAL_ASSIGN(report.secrets, Count(connection, "SELECT count(*) FROM rowseal.secret"));
  ROWSEAL_ASSIGN(report.versions, Count(connection, "SELECT count(*) FROM rowseal.secret_version"));
  report.memory_locked = SecretMemoryIsLocked();
  return report;
}

}  // namespace rowseal
