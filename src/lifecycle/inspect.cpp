#include <rowseal/lifecycle.h>

#include "base/closed_set.h"
#include "client/change.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/policies.h"
#include "store/calls/store_format.h"
#include "store/key_order.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

Result<std::int64_t> Count(Connection& connection, std::string_view from) {
  return OneNumber(connection, "SELECT count(*) FROM " + std::string(from));
}

// The policies speak of scope default: a project's KEK needs its owner's root, so its owner
// rotates.
std::optional<Timestamp> RotationDue(const KekRecord& kek, const PolicyDuration& max_age) {
  const bool is_due_once = kek.state == KeyState::kActive && kek.scope == kDefaultScope && max_age;
  return is_due_once ? std::optional(kek.created_at + *max_age) : std::nullopt;
}

}  // namespace

Result<std::vector<KekSummary>> ListKeks(Client& client) {
  return ReadTrusted(client, [](TrustedRead& read) -> Result<std::vector<KekSummary>> {
    ROWSEAL_ASSIGN(const auto notes, ReadKekNotes(read.connection()));
    ROWSEAL_ASSIGN(const PolicyDuration max_age,
                   ReadPolicyOrNever(read.connection(), Policy::kKekMaxAge));
    std::vector<KekSummary> summaries;
    for (const KekRecord& kek : read.trust().rows.keks) {
      if (kek.purpose != KekPurpose::kWrap) {
        continue;
      }
      const KekNotes& note = notes.at(kek.id);
      summaries.push_back({kek.id, kek.scope, kek.state, kek.created_at, kek.resumes_to, note.deks,
                           RotationDue(kek, max_age), note.compromised_at, note.destroy_at});
    }
    return summaries;
  });
}

Result<std::vector<DekSummary>> ListDeks(Client& client, const ListDeksOptions& options) {
  ROWSEAL_TRY(CheckPage(options.limit));
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
  const std::vector<Param> page = {
      options.after_project,
      options.after_id.empty() ? std::string(kBeforeAnyId) : options.after_id,
      options.project ? Param(options.project->text()) : Param(Null{}), options.limit};
  ROWSEAL_ASSIGN(Rows answer, ReadRows(client, Statement::Sql(sql, page)));
  std::vector<DekSummary> summaries;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    DekSummary summary;
    summary.project = reader.Text();
    summary.id = reader.Text();
    summary.kek.value = reader.Integer();
    summary.purpose = KnownOrNothing(ParseDekPurpose(reader.Text()));
    summary.state = KnownOrNothing(ParseKeyState(reader.Text()));
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
  return ReadTrusted(client, [](TrustedRead& read) -> Result<StatusReport> {
    Connection& connection = read.connection();
    const TrustSet& trust = read.trust();
    StatusReport report;
    report.installation = trust.rows.installation.id;
    report.epoch = trust.rows.installation.epoch;
    report.rolled_back = read.session().rolled_back();
    report.integrity_kek = trust.rows.installation.integrity_kek;
    if (const KekRecord* active = trust.ActiveKek(kDefaultScope)) {
      ROWSEAL_ASSIGN(const PolicyDuration max_age,
                     ReadPolicyOrNever(connection, Policy::kKekMaxAge));
      report.active_kek = active->id;
      report.active_kek_created_at = active->created_at;
      report.kek_rotation_due = RotationDue(*active, max_age);
    }
    ROWSEAL_ASSIGN(const auto notes, ReadKekNotes(connection));
    for (const KekRecord& kek : trust.rows.keks) {
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
    ROWSEAL_ASSIGN(report.retired_projects, Count(connection, "rowseal.retired_project"));
    ROWSEAL_ASSIGN(report.destroyed_keys, Count(connection, "rowseal.destroyed_key"));
    ROWSEAL_ASSIGN(const StoreFormat::Row format, Ask(connection, StoreFormat::Request{}));
    report.format = format.format;
    ROWSEAL_ASSIGN(report.deks, Count(connection, "rowseal.dek"));
    ROWSEAL_ASSIGN(report.projects,
                   OneNumber(connection, "SELECT count(DISTINCT project_id) FROM rowseal.dek"));
    ROWSEAL_ASSIGN(report.secrets, Count(connection, "rowseal.secret"));
    ROWSEAL_ASSIGN(report.versions, Count(connection, "rowseal.secret_version"));
    report.memory_locked = SecretMemoryIsLocked();
    return report;
  });
}

}  // namespace rowseal
