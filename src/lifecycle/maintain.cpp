#include <algorithm>
#include <initializer_list>

#include <rowseal/jobs.h>
#include <rowseal/policy.h>

#include "client/change.h"
#include "client/columns.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/policies.h"
#include "lifecycle/retire_project.h"
#include "store/list_reader.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

Result<bool> Exists(Connection& connection, std::string_view sql, std::vector<Param> params) {
  ROWSEAL_ASSIGN(const std::int64_t exists, OneNumber(connection, sql, std::move(params)));
  return exists != 0;
}

Result<bool> HasUnfinished(Connection& connection, std::string_view kind,
                           const std::string& object) {
  return Exists(connection,
                "SELECT EXISTS (SELECT 1 FROM rowseal.job WHERE kind = $1 AND object = $2"
                " AND state IN ('ready', 'paused', 'failed'))",
                {std::string(kind), object});
}

// Whether every one of them holds a duration. A step that goes by another waits, and hides no
// other.
bool AreReadable(const Listing<PolicySetting>& policies, std::initializer_list<Policy> needed) {
  return std::ranges::all_of(needed, [&](Policy policy) {
    return std::ranges::any_of(
        policies, [&](const PolicySetting& read) { return read.name == PolicyName(policy); });
  });
}

// Starts a rotation of the DEKs that are due. One that is under way already finds them by itself.
Result<void> StartDueDekRotation(Change& change) {
  Connection& connection = change.connection();
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(const PolicyDuration max_age, ReadPolicy(connection, Policy::kDekMaxAge));
  ROWSEAL_ASSIGN(const PolicyDuration interval,
                 ReadPolicy(connection, Policy::kRotationMinInterval));
  ROWSEAL_ASSIGN(const bool under_way,
                 HasUnfinished(connection, kRotateDeksJob, std::string(kAllDeks)));
  // While no KEK is active, no DEK can be made; resuming it makes this due again.
  const bool can_wrap = change.trust().ActiveKek(kDefaultScope) != nullptr;
  if (!max_age || under_way || !can_wrap) {
    return {};
  }
  const Timestamp before = now - std::max(*max_age, *interval);
  ROWSEAL_ASSIGN(const bool any_due,
                 Exists(connection,
                        "SELECT EXISTS (SELECT 1 FROM rowseal.dek WHERE state = 'active'"
                        " AND purpose IN ('secret', 'value') AND created_at < $1)",
                        {ToMicros(before)}));
  if (any_due) {
    ROWSEAL_TRY(StartDekRotation(change, before));
  }
  return {};
}

// Scans are due twice for a value DEK that was deactivated: it is drained only after one that began
// when no app could still hold a value under it that it had not stored yet, and destroyed only
// after one that began when it had been drained for as long as the policy says.
Result<void> StartDueScans(Change& change) {
  Connection& connection = change.connection();
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(const PolicyDuration settle, ReadPolicy(connection, Policy::kValueSettleTime));
  ROWSEAL_ASSIGN(const PolicyDuration keep, ReadPolicy(connection, Policy::kDekDestroyAfter));
  const std::int64_t settle_micros = std::chrono::microseconds(*settle).count();
  const Param keep_micros = keep ? Param(std::chrono::microseconds(*keep).count()) : Param(Null{});
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(change));
  if (!columns.unreadable.empty()) {
    return {};  // as little is known of their values
  }
  for (const ColumnRecord& column : columns) {
    if (!column.source) {
      return {};  // its values cannot be found, so nothing can be proven drained
    }
  }
  for (const ColumnRecord& column : columns) {
    ROWSEAL_ASSIGN(
        const bool is_due,
        Exists(connection,
               "SELECT EXISTS (SELECT 1 FROM (SELECT CASE WHEN d.drained_at IS NULL"
               "  THEN " ROWSEAL_SANE_TIME(
                   "d.deactivated_at") " + $1"
                                       "  ELSE " ROWSEAL_SANE_TIME(
                                           "d.drained_at") " + $4 END AS due"
                                                           "  FROM rowseal.dek d WHERE d.purpose = "
                                                           "'value'"
                                                           "  AND d.state IN ('deactivated', "
                                                           "'compromised')) AS scan,"
                                                           "  rowseal.sealed_column c WHERE "
                                                           "scan.due <= $2 AND c.id = $3"
                                                           "  AND (c.scanned_at IS NULL OR "
                                                           "c.scanned_at < scan.due))",
               {settle_micros, ToMicros(now), ToText(column.id), keep_micros}));
    ROWSEAL_ASSIGN(const bool under_way,
                   HasUnfinished(connection, kResealColumnJob, ToText(column.id)));
    if (is_due && !under_way) {
      ROWSEAL_TRY(StartJobOfKind(change, kResealColumnJob, ToText(column.id)));
    }
  }
  return {};
}

// Projects with keys that are gone from the app's table: where no trigger of the table retires
// them. A row of dek that names no project at all is skipped and named: it stops nothing else.
Result<void> RetireOrphans(Change& change, std::vector<UnreadRow>& unreadable) {
  if (change.trust().rows.installation.projects_table.empty()) {
    return {};
  }
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(const Rows orphans,
                 change.connection().Execute(Statement::Sql(
                     "SELECT d.project_id FROM (SELECT DISTINCT project_id FROM rowseal.dek) d"
                     " WHERE d.project_id <> 'system'"
                     " AND NOT rowseal.project_exists(d.project_id) AND NOT EXISTS (SELECT 1"
                     " FROM rowseal.retired_project r WHERE r.project_id = d.project_id)")));
  for (const Row& row : orphans.rows) {
    const std::string project = TextAt(row, 0);
    if (!ProjectId::Parse(project)) {
      unreadable.push_back({"row of dek (project '" + ShownCell(row, 0) + "')",
                            "this is no name of a project, so that nothing retires it"});
      change.Log({LogLevel::kError,
                  "orphan_unreadable",
                  "a key names no project, and is left as it is",
                  {{"row", unreadable.back().row}}});
      continue;
    }
    ROWSEAL_TRY(change.connection().Execute(
        Statement::Sql("INSERT INTO rowseal.retired_project (project_id, retired_at)"
                       " VALUES ($1, $2) ON CONFLICT DO NOTHING",
                       {project, ToMicros(now)})));
    ROWSEAL_TRY(change.Audit("project.retire", project, project));
    change.Log({LogLevel::kWarning,
                "project_retired",
                "a project with keys is gone from the app's projects table",
                {{"project", project}}});
  }
  return {};
}

Result<void> StartWhatIsDue(Change& change, const Listing<PolicySetting>& policies,
                            std::vector<UnreadRow>& unreadable) {
  unreadable = policies.unreadable;  // it may be begun again
  ROWSEAL_TRY(RetireOrphans(change, unreadable));
  ROWSEAL_TRY(StartDueRetirements(change));
  if (AreReadable(policies, {Policy::kDekMaxAge, Policy::kRotationMinInterval})) {
    ROWSEAL_TRY(StartDueDekRotation(change));
  }
  if (AreReadable(policies, {Policy::kValueSettleTime, Policy::kDekDestroyAfter})) {
    ROWSEAL_TRY(StartDueScans(change));
  }
  return {};
}

}  // namespace

Result<MaintainReport> Maintain(Client& client, const RunJobsOptions& options,
                                const Access& access) {
  MaintainReport report;
  ROWSEAL_TRY(ReadStore(client, [](StoreRead& store) -> Result<void> {
    store.session().keyring().DropIdleDeks();
    return {};
  }));
  ROWSEAL_ASSIGN(const Listing<PolicySetting> policies, Policies(client));
  if (AreReadable(policies, {Policy::kKekMaxAge, Policy::kRotationMinInterval})) {
    ROWSEAL_ASSIGN(report.kek_rotation, RotateKekIfDue(client, access));
  }
  // Nobody in particular starts what is due.
  std::vector<UnreadRow> unreadable;
  ROWSEAL_TRY(
      ChangeStore(client, {"rowseal", "not in the projects table"},
                  [&](Change& change) { return StartWhatIsDue(change, policies, unreadable); },
                  {.entry = ChangeKind::Entry::kNone}));
  RunJobsOptions all = options;
  all.jobs.clear();
  Result<JobsReport> jobs = RunJobs(client, all, access);
  // A job that cannot be run keeps no key that is due.
  const bool may_destroy = !(jobs && jobs->stopped) &&
                           AreReadable(policies, {Policy::kDekDestroyAfter, Policy::kDestroyWait});
  Result<DestructionReport> destroyed =
      may_destroy ? DestroyDueKeys(client, access) : Result<DestructionReport>(DestructionReport{});
  ROWSEAL_ASSIGN(report.jobs, std::move(jobs));
  ROWSEAL_ASSIGN(report.destroyed, std::move(destroyed));
  report.jobs.unreadable.insert(report.jobs.unreadable.end(), unreadable.begin(), unreadable.end());
  return report;
}

}  // namespace rowseal
