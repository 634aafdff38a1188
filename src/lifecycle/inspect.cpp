#include <rowseal/lifecycle.h>

#include "client/change.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/policies.h"
#include "store/calls/store_format.h"
#include "store/columns.h"
#include "store/list_reader.h"
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

std::string NameOfDek(const Row& row) {
  return "DEK " + ShownCell(row, 1) + " of project '" + ShownCell(row, 0) + "'";
}

Result<DekSummary> ReadSummary(Row& row) {
  ListedRow reader(row);
  DekSummary summary;
  summary.project = reader.Take<ProjectId>("project_id").text();
  summary.id = ToText(reader.Take<DekId>("id"));
  summary.kek = reader.Take<KekId>("kek_id");
  summary.purpose = reader.Take<DekPurpose>("purpose");
  summary.state = reader.Take<KeyState>("state");
  summary.created_at = reader.Take<Timestamp>("created_at");
  summary.drained = reader.TakeOptional<Timestamp>("drained_at").has_value();
  summary.versions = reader.TakeOptional<std::int64_t>("versions");
  ROWSEAL_TRY(reader.status());
  return summary;
}

}  // namespace

Result<Listing<KekSummary>> ListKeks(Client& client) {
  return ReadTrusted(client, [](TrustedRead& read) -> Result<Listing<KekSummary>> {
    ROWSEAL_ASSIGN(const auto notes, ReadKekNotes(read.connection()));
    ROWSEAL_ASSIGN(const PolicyDuration max_age,
                   ReadPolicyOrNever(read.connection(), Policy::kKekMaxAge));
    Listing<KekSummary> summaries;
    for (const KekRecord& kek : read.trust().rows.keks) {
      if (kek.purpose != KekPurpose::kWrap) {
        continue;
      }
      const KekNotes& note = notes.at(kek.id);
      if (!note.defect.empty()) {
        summaries.unreadable.push_back({"KEK " + ToText(kek.id), note.defect});
        continue;
      }
      summaries.push_back({kek.id, kek.scope, kek.state, kek.created_at, kek.resumes_to, note.deks,
                           RotationDue(kek, max_age), note.compromised_at, note.destroy_at});
    }
    return summaries;
  });
}

Result<Listing<DekSummary>> ListDeks(Client& client, const ListDeksOptions& options) {
  ROWSEAL_TRY(CheckPage(options.limit));
  const auto query = [](const std::string& versions) {
    return PageSql(
        "SELECT d.project_id, d.id, d.kek_id, substr(d.purpose, 1, 256), substr(d.state, 1, 256),"
        " d.created_at, d.drained_at, " +
            versions + " FROM rowseal.dek d",
        "(d.project_id = $2 OR $2 IS NULL)", "(d.project_id, d.id)", "($3, $4)");
  };
  static const PageSql from_keys = query("NULL");
  static const PageSql from_every_row = query(
      "(SELECT count(*) FROM rowseal.secret_version v WHERE v.project_id = d.project_id"
      " AND v.dek_id = d.id)");
  const Row after =
      options.after_project.empty() ? Row{} : Row{options.after_project, options.after_id};
  const Param project = options.project ? Param(options.project->text()) : Param(Null{});
  return ReadStore(client, [&](StoreRead& store) {
    return ReadPage<DekSummary>(store.connection(),
                                options.count == CountFrom::kEveryRow ? from_every_row : from_keys,
                                {project}, after, 2, options.limit, NameOfDek, ReadSummary);
  });
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
