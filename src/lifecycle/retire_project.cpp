#include "lifecycle/retire_project.h"

#include <algorithm>

#include <rowseal/retire.h>

#include "base/clock.h"
#include "client/columns.h"
#include "jobs/job_table.h"
#include "lifecycle/destroy_deks.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/policies.h"
#include "lifecycle/rotate_dek.h"
#include "store/calls/secret_delete.h"
#include "store/list_reader.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::int64_t kDeksDestroyedAtOnce = 500;

Result<std::int64_t> Count(Connection& connection, std::string_view from,
                           const ProjectId& project) {
  return OneNumber(connection, "SELECT count(*) FROM " + std::string(from), {project.text()});
}

// What the store says of a project: its row, if it is retired, and what it has.
Result<ProjectRetirement> Look(const TrustedRead& read, const ProjectId& project) {
  Connection& connection = read.connection();
  ProjectRetirement retirement;
  retirement.project = project.text();
  ROWSEAL_ASSIGN(Rows row, connection.Execute(
                               Statement::Sql("SELECT retired_at, destroy_at, destroyed_at"
                                              " FROM rowseal.retired_project WHERE project_id = $1",
                                              {project.text()})));
  if (!row.rows.empty()) {
    RowReader reader(row.rows.front());
    retirement.retired_at = reader.OptionalTime();
    retirement.destroy_at = reader.OptionalTime();
    retirement.destroyed_at = reader.OptionalTime();
    ROWSEAL_TRY(reader.status());
  }
  ROWSEAL_ASSIGN(retirement.secrets,
                 Count(connection, "rowseal.secret WHERE project_id = $1", project));
  ROWSEAL_ASSIGN(retirement.versions,
                 Count(connection, "rowseal.secret_version WHERE project_id = $1", project));
  ROWSEAL_ASSIGN(retirement.deks, Count(connection, "rowseal.dek WHERE project_id = $1", project));
  ROWSEAL_ASSIGN(
      const std::int64_t value_deks,
      Count(connection, "rowseal.dek WHERE project_id = $1 AND purpose = 'value'", project));
  if (value_deks > 0) {
    ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
    AppendUnread(columns.unreadable, retirement.columns);
    for (const ColumnRecord& column : columns) {
      retirement.columns.push_back(column.label.text());
    }
  }
  return retirement;
}

// What a retirement would be, or why there is none.
Result<ProjectRetirement> Judge(TrustedRead& read, const ProjectId& project) {
  if (project.text() == kSystemProject) {
    return Fail(ErrorCode::kRefusedByState,
                "project system holds the app's own secrets and is not retired",
                "rowseal secret rm system NAME deletes one of them");
  }
  ROWSEAL_ASSIGN(ProjectRetirement retirement, Look(read, project));
  if (retirement.destroyed_at) {
    return Fail(ErrorCode::kRefusedByState,
                "the keys of project '" + project.text() + "' were destroyed at " +
                    ToRfc3339(*retirement.destroyed_at),
                "rowseal dek list --destroyed shows the evidence");
  }
  if (retirement.deks == 0 && retirement.secrets == 0 && !retirement.destroy_at) {
    return Fail(ErrorCode::kNotFound, "project '" + project.text() + "' has no keys",
                "rowseal dek list shows which projects have");
  }
  ROWSEAL_ASSIGN(const PolicyDuration wait, ReadPolicy(read.connection(), Policy::kDestroyWait));
  ROWSEAL_ASSIGN(const PolicyDuration kept, ReadPolicy(read.connection(), Policy::kBackupKept));
  ROWSEAL_ASSIGN(const Timestamp now, read.Now());
  retirement.retired_at = retirement.retired_at.value_or(now);
  retirement.destroy_at = retirement.destroy_at.value_or(now + *wait);
  if (kept) {
    retirement.backups_until = std::max(*retirement.destroy_at, now) + *kept;
  }
  return retirement;
}

}  // namespace

Result<std::int64_t> DestroyProjectBody::Count(TrustedRead& read) {
  return rowseal::Count(read.connection(), "rowseal.secret WHERE project_id = $1", project_);
}

Result<void> DestroyProjectBody::Read(TrustedRead& /*read*/, const std::string& /*position*/,
                                      const BatchLimit& limit) {
  limit_ = static_cast<std::int64_t>(limit.items);
  return {};
}

// Each with the entry that tells `verify` that somebody deleted it.
Result<std::int64_t> DestroyProjectBody::DeleteSecrets(Change& change) const {
  ROWSEAL_ASSIGN(const Rows page,
                 change.connection().Execute(Statement::Sql(
                     "SELECT id FROM rowseal.secret WHERE project_id = $1 ORDER BY id LIMIT $2",
                     {project_.text(), limit_})));
  for (const Row& row : page.rows) {
    ROWSEAL_TRY(change.Audit("delete", TextAt(row, 0), project_.text()));
    ROWSEAL_ASSIGN(const SecretId secret, ParseUuid<SecretId>(TextAt(row, 0)));
    ROWSEAL_TRY(Ask(change.connection(), SecretDelete::Request{project_, secret}));
  }
  return static_cast<std::int64_t>(page.rows.size());
}

Result<std::int64_t> DestroyProjectBody::DestroyDeks(Change& change) const {
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  static const std::string sql = DekQuery("WHERE d.project_id = $1 ORDER BY d.id LIMIT $2");
  ROWSEAL_ASSIGN(Rows page, change.connection().Execute(
                                Statement::Sql(sql, {project_.text(), kDeksDestroyedAtOnce})));
  for (Row& row : page.rows) {
    ROWSEAL_ASSIGN(DekAndKek read, ReadDekRow(row));
    DekRecord dek = std::move(read.dek);
    if (dek.state == KeyState::kActive) {
      ROWSEAL_ASSIGN(dek, DeactivateDek(change, std::move(dek)));
    }
    const Result<void> destroyed = DestroyDekRow(
        change, dek, {change.access(), "its project was retired, and its secrets deleted", now});
    if (!destroyed && destroyed.error().code == ErrorCode::kConflict) {
      // A put that had begun before the retirement was committed meanwhile: its secret goes first.
      return Fail(ErrorCode::kUnavailable, destroyed.error().message, "retry");
    }
    ROWSEAL_TRY(destroyed);
  }
  return static_cast<std::int64_t>(page.rows.size());
}

Result<BatchOutcome> DestroyProjectBody::Write(Change& change) {
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(const Rows due,
                 change.connection().Execute(Statement::Sql(
                     "SELECT 1 FROM rowseal.retired_project WHERE project_id = $1"
                     " AND " ROWSEAL_SANE_TIME("destroy_at") " <= $2"
                                                             " AND destroyed_at IS NULL FOR UPDATE",
                     {project_.text(), ToMicros(now)})));
  BatchOutcome outcome;
  outcome.position = std::to_string(++batches_);
  if (due.rows.empty()) {
    outcome.last = true;  // it was called off
    return outcome;
  }
  ROWSEAL_ASSIGN(outcome.done, DeleteSecrets(change));
  if (outcome.done > 0) {
    return outcome;
  }
  ROWSEAL_ASSIGN(const std::int64_t deks, DestroyDeks(change));
  if (deks == kDeksDestroyedAtOnce) {
    return outcome;
  }
  ROWSEAL_TRY(change.connection().Execute(
      Statement::Sql("UPDATE rowseal.retired_project SET destroyed_at = $2 WHERE project_id = $1",
                     {project_.text(), ToMicros(now)})));
  ROWSEAL_TRY(change.Audit("project.destroy", project_.text(), project_.text()));
  change.session().seen().ForgetActiveDek(project_);
  change.Log({LogLevel::kInfo,
              "project_destroyed",
              "a retired project's secrets and keys are gone for good",
              {{"project", project_.text()}}});
  outcome.last = true;
  return outcome;
}

Result<void> StartDueRetirements(Change& change) {
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(
      const Rows due,
      change.connection().Execute(Statement::Sql(
          "SELECT project_id FROM rowseal.retired_project r"
          " WHERE " ROWSEAL_SANE_TIME(
              "destroy_at") " <= $1"
                            " AND destroyed_at IS NULL"
                            " AND NOT EXISTS (SELECT 1 FROM rowseal.job j WHERE j.kind = $2"
                            "  AND j.object = r.project_id"
                            "  AND j.state IN ('ready', 'paused', 'failed'))",
          {ToMicros(now), std::string(kDestroyProjectJob)})));
  for (const Row& row : due.rows) {
    ROWSEAL_TRY(StartJobOfKind(change, kDestroyProjectJob, TextAt(row, 0)));
  }
  return {};
}

Result<ProjectRetirement> RetireProject(Client& client, const ProjectId& project,
                                        const Access& access) {
  const auto retire = [&](Change& change) -> Result<ProjectRetirement> {
    ROWSEAL_ASSIGN(ProjectRetirement retirement, Judge(change, project));
    ROWSEAL_ASSIGN(
        const Rows asked,
        change.connection().Execute(Statement::Sql(
            "INSERT INTO rowseal.retired_project (project_id, retired_at, destroy_at)"
            " VALUES ($1, $2, $3) ON CONFLICT (project_id) DO UPDATE"
            " SET destroy_at = excluded.destroy_at WHERE retired_project.destroy_at IS NULL",
            {project.text(), ToMicros(*retirement.retired_at), ToMicros(*retirement.destroy_at)})));
    if (asked.changed > 0) {
      ROWSEAL_TRY(change.Audit("project.retire", project.text(), project.text()));
    }
    ROWSEAL_ASSIGN(const Timestamp now, change.Now());
    if (*retirement.destroy_at <= now) {
      ROWSEAL_ASSIGN(retirement.job, StartJobOfKind(change, kDestroyProjectJob, project.text()));
    }
    change.AfterCommit([&] { change.session().seen().ForgetActiveDek(project); });
    change.Log({LogLevel::kInfo,
                "project_retired",
                "nothing is sealed for or handed out to a project any more",
                {{"project", project.text()}}});
    return retirement;
  };
  return ChangeStore(client, access, retire, {.entry = ChangeKind::Entry::kNone});
}

Result<ProjectRetirement> PlanRetirement(Client& client, const ProjectId& project) {
  return ReadTrusted(client, [&](TrustedRead& read) { return Judge(read, project); });
}

Result<void> CancelRetirement(Client& client, const ProjectId& project, const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    Connection& connection = change.connection();
    ROWSEAL_ASSIGN(const ProjectRetirement found, Look(change, project));
    if (!found.destroy_at) {
      return Fail(ErrorCode::kNotFound,
                  "nobody asked for project '" + project.text() + "' to be retired",
                  "rowseal project list shows which projects are");
    }
    ROWSEAL_ASSIGN(const Timestamp now, change.Now());
    ROWSEAL_ASSIGN(const Listing<JobRecord> jobs, ReadJobs(connection, JobFilter::kUnfinished));
    for (const JobRecord& job : jobs) {
      if (job.kind == kDestroyProjectJob && job.object == project.text()) {
        ROWSEAL_TRY(MoveJob(connection, job.id, JobState::kCancelled, now));
      }
    }
    // Where the app's own table lacks it, it stays retired, as any project that is deleted there.
    const bool has_table = !change.trust().rows.installation.projects_table.empty();
    ROWSEAL_TRY(connection.Execute(Statement::Sql(
        has_table ? "UPDATE rowseal.retired_project SET destroy_at = NULL, destroyed_at = NULL"
                    " WHERE project_id = $1 AND NOT rowseal.project_exists(project_id)"
                  : "DELETE FROM rowseal.retired_project WHERE project_id = $1",
        {project.text()})));
    if (has_table) {
      ROWSEAL_TRY(connection.Execute(
          Statement::Sql("DELETE FROM rowseal.retired_project WHERE project_id = $1"
                         " AND rowseal.project_exists(project_id)",
                         {project.text()})));
    }
    ROWSEAL_TRY(change.Audit("project.reinstate", project.text(), project.text()));
    return {};
  });
}

Result<Listing<RetiredProject>> ListRetirements(Client& client, std::string_view after,
                                                std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  static const PageSql sql(
      "SELECT project_id, retired_at, destroy_at, destroyed_at FROM rowseal.retired_project", "",
      "project_id", "$2");
  return ReadStore(client, [&](StoreRead& store) -> Result<Listing<RetiredProject>> {
    ROWSEAL_ASSIGN(const PolicyDuration kept,
                   ReadPolicyOrNever(store.connection(), Policy::kBackupKept));
    const auto read = [&](Row& row) -> Result<RetiredProject> {
      ListedRow reader(row);
      RetiredProject retirement;
      retirement.project = reader.Take<ProjectId>("project_id").text();
      retirement.retired_at = reader.Take<Timestamp>("retired_at");
      retirement.destroy_at = reader.TakeOptional<Timestamp>("destroy_at");
      retirement.destroyed_at = reader.TakeOptional<Timestamp>("destroyed_at");
      ROWSEAL_TRY(reader.status());
      const std::optional<Timestamp> last =
          retirement.destroyed_at ? retirement.destroyed_at : retirement.destroy_at;
      if (kept && last) {
        retirement.backups_until = *last + *kept;
      }
      return retirement;
    };
    return ReadPage<RetiredProject>(
        store.connection(), sql, {}, after.empty() ? Row{} : Row{std::string(after)}, 1, limit,
        [](const Row& row) { return "retired project '" + ShownCell(row, 0) + "'"; }, read);
  });
}

}  // namespace rowseal
