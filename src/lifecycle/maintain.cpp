#include <algorithm>

#include <rowseal/jobs.h>

#include "client/audit.h"
#include "client/columns.h"
#include "client/session.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/policies.h"
#include "lifecycle/retire_project.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

Result<bool> Exists(Connection& connection, std::string_view sql, std::vector<Param> params) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql, std::move(params))));
  RowReader reader(answer.rows.front());
  const bool exists = reader.Integer() != 0;
  ROWSEAL_TRY(reader.status());
  return exists;
}

Result<bool> HasUnfinished(Connection& connection, std::string_view kind,
                           const std::string& object) {
  return Exists(connection,
                "SELECT EXISTS (SELECT 1 FROM rowseal.job WHERE kind = $1 AND object = $2"
                " AND state IN ('ready', 'paused', 'failed'))",
                {std::string(kind), object});
}

// Starts a rotation of the DEKs that are due. One that is under way already finds them by itself.
Result<void> StartDueDekRotation(Connection& connection, Session& session, Timestamp now) {
  ROWSEAL_ASSIGN(const PolicyDuration max_age, ReadPolicy(connection, Policy::kDekMaxAge));
  ROWSEAL_ASSIGN(const PolicyDuration interval,
                 ReadPolicy(connection, Policy::kRotationMinInterval));
  ROWSEAL_ASSIGN(const bool under_way,
                 HasUnfinished(connection, kRotateDeksJob, std::string(kAllDeks)));
  // While no KEK is active, no DEK can be made; resuming it makes this due again.
  const bool can_wrap = session.keyring().trust()->ActiveKek(kDefaultScope) != nullptr;
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
    ROWSEAL_TRY(StartDekRotation(connection, session, before, now));
  }
  return {};
}

// Scans are due twice for a value DEK that was deactivated: it is drained only after one that began
// when no app could still hold a value under it that it had not stored yet, and destroyed only
// after one that began when it had been drained for as long as the policy says.
Result<void> StartDueScans(Connection& connection, Session& session, Timestamp now) {
  ROWSEAL_ASSIGN(const PolicyDuration settle, ReadPolicy(connection, Policy::kValueSettleTime));
  ROWSEAL_ASSIGN(const PolicyDuration keep, ReadPolicy(connection, Policy::kDekDestroyAfter));
  const std::int64_t settle_micros = std::chrono::microseconds(*settle).count();
  const Param keep_micros = keep ? Param(std::chrono::microseconds(*keep).count()) : Param(Null{});
  ROWSEAL_ASSIGN(const std::vector<ColumnRecord> columns, ReadColumns(connection, session));
  for (const ColumnRecord& column : columns) {
    if (!column.source) {
      return {};  // its values cannot be found, so nothing can be proven drained
    }
  }
  for (const ColumnRecord& column : columns) {
    ROWSEAL_ASSIGN(const bool is_due,
                   Exists(connection,
                          "SELECT EXISTS (SELECT 1 FROM (SELECT CASE WHEN d.drained_at IS NULL"
                          "  THEN d.deactivated_at + $1 ELSE d.drained_at + $4 END AS due"
                          "  FROM rowseal.dek d WHERE d.purpose = 'value'"
                          "  AND d.state IN ('deactivated', 'compromised')) AS scan,"
                          "  rowseal.sealed_column c WHERE scan.due <= $2 AND c.id = $3"
                          "  AND (c.scanned_at IS NULL OR c.scanned_at < scan.due))",
                          {settle_micros, ToMicros(now), ToText(column.id), keep_micros}));
    ROWSEAL_ASSIGN(const bool under_way,
                   HasUnfinished(connection, kResealColumnJob, ToText(column.id)));
    if (is_due && !under_way) {
      ROWSEAL_TRY(
          StartJobOfKind(connection, session, kResealColumnJob, ToText(column.id), {}, now));
    }
  }
  return {};
}

// Projects with keys that are gone from the app's table: where no trigger of the table retires
// them.
Result<void> RetireOrphans(Connection& connection, Session& session, Timestamp now) {
  if (session.keyring().trust()->rows.installation.projects_table.empty()) {
    return {};
  }
  ROWSEAL_ASSIGN(const Rows orphans,
                 connection.Execute(Statement::Sql(
                     "SELECT d.project_id FROM (SELECT DISTINCT project_id FROM rowseal.dek) d"
                     " WHERE NOT rowseal.project_exists(d.project_id) AND NOT EXISTS (SELECT 1"
                     " FROM rowseal.retired_project r WHERE r.project_id = d.project_id)")));
  const Access access{"rowseal", "not in the projects table"};
  for (const Row& row : orphans.rows) {
    const std::string project = TextAt(row, 0);
    ROWSEAL_TRY(connection.Execute(
        Statement::Sql("INSERT INTO rowseal.retired_project (project_id, retired_at)"
                       " VALUES ($1, $2) ON CONFLICT DO NOTHING",
                       {project, ToMicros(now)})));
    ROWSEAL_TRY(WriteAudit(connection, session, project, access, "project.retire", project));
    session.observer().Log({LogLevel::kWarning,
                            "project_retired",
                            "a project with keys is gone from the app's projects table",
                            {{"project", project}}});
  }
  return {};
}

Result<void> StartWhatIsDue(Client& client) {
  const auto lock = client.Lock();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(client.session().LoadTrust(connection));
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  ROWSEAL_TRY(RetireOrphans(connection, client.session(), now));
  ROWSEAL_TRY(StartDueRetirements(connection, client.session(), now));
  ROWSEAL_TRY(StartDueDekRotation(connection, client.session(), now));
  ROWSEAL_TRY(StartDueScans(connection, client.session(), now));
  return transaction.Commit();
}

}  // namespace

Result<MaintainReport> Maintain(Client& client, const RunJobsOptions& options,
                                const Access& access) {
  MaintainReport report;
  client.session().keyring().DropIdleDeks();
  ROWSEAL_ASSIGN(report.kek_rotation, RotateKekIfDue(client, access));
  ROWSEAL_TRY(StartWhatIsDue(client));
  RunJobsOptions all = options;
  all.jobs.clear();
  ROWSEAL_ASSIGN(report.jobs, RunJobs(client, all, access));
  if (!report.jobs.stopped) {
    ROWSEAL_ASSIGN(report.destroyed, DestroyDueKeys(client, access));
  }
  return report;
}

}  // namespace rowseal
