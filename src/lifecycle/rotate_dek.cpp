#include "lifecycle/rotate_dek.h"

#include <rowseal/lifecycle.h>

#include "client/active_dek.h"
#include "client/audit.h"
#include "client/columns.h"
#include "lifecycle/job_kinds.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

Result<DekRecord> InsertNewDek(Connection& connection, DekInsert::Request insert) {
  const std::string project = insert.project.text();
  ROWSEAL_ASSIGN(DekInsert::Answer made, Ask(connection, std::move(insert)));
  if (!made) {
    return Fail(ErrorCode::kRefusedByState,
                "no DEK could be made for project '" + project + "': its KEK is not active",
                "retry; if it stays so, rowseal kek list shows why");
  }
  return std::move(made->dek);
}

Result<bool> RotateOne(Connection& connection, Session& session, const ProjectId& project,
                       DekPurpose purpose, std::optional<Timestamp> before, const Access& access,
                       const Kek* under) {
  ROWSEAL_ASSIGN(const DekActive::Answer active,
                 Ask(connection, DekActive::Request{project, purpose}));
  if (!active) {
    return false;
  }
  const DekAndKek& old = *active;
  ROWSEAL_TRY(session.integrity()->Verify(old.dek));
  if (before && old.dek.created_at >= *before) {
    return false;
  }
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  // Made first: a project whose root was not given here is left as it is.
  ROWSEAL_ASSIGN(DekInsert::Request insert,
                 under == nullptr ? MakeDekInsert(session, project, purpose)
                                  : MakeDekInsertUnder(session, project, purpose, *under));
  ROWSEAL_TRY(DeactivateDek(connection, session, old.dek, now));
  ROWSEAL_ASSIGN(const DekRecord fresh, InsertNewDek(connection, std::move(insert)));
  ROWSEAL_TRY(WriteAudit(connection, session, project.text(), access, "dek.rotate",
                         ToText(old.dek.id) + " " + ToText(fresh.id)));
  session.observer().Count(Counter::kDekRotations);
  session.observer().Log({LogLevel::kInfo,
                          "dek_rotated",
                          "a project has a new active DEK",
                          {{"project", project.text()},
                           {"purpose", std::string(ToText(purpose))},
                           {"old_dek", ToText(old.dek.id)},
                           {"new_dek", ToText(fresh.id)}}});
  return true;
}

}  // namespace

Result<DekRecord> DeactivateDek(Connection& connection, Session& session, DekRecord dek,
                                Timestamp now) {
  const Revision seen = dek.revision;
  dek.state = KeyState::kDeactivated;
  ++dek.revision.value;
  ROWSEAL_ASSIGN(Bytes tag, session.integrity()->Tag(dek));
  ROWSEAL_ASSIGN(const Rows updated,
                 connection.Execute(Statement::Sql(
                     "UPDATE rowseal.dek SET state = $3, revision = $4, row_tag = $5,"
                     " deactivated_at = $6 WHERE project_id = $1 AND id = $2 AND revision = $7",
                     {dek.project.text(), ToText(dek.id), std::string(ToText(dek.state)),
                      dek.revision.value, tag, now.time_since_epoch().count(), seen.value})));
  if (updated.changed != 1) {
    return Fail(ErrorCode::kConflict, "DEK " + ToText(dek.id) + " was changed meanwhile", "retry");
  }
  dek.row_tag = std::move(tag);
  return dek;
}

Result<RotatedPurposes> RotateProjectDeks(Connection& connection, Session& session,
                                          const ProjectId& project, std::optional<Timestamp> before,
                                          const Access& access, const Kek* under) {
  RotatedPurposes rotated;
  ROWSEAL_ASSIGN(rotated.secret, RotateOne(connection, session, project, DekPurpose::kSecret,
                                           before, access, under));
  ROWSEAL_ASSIGN(rotated.value, RotateOne(connection, session, project, DekPurpose::kValue, before,
                                          access, under));
  session.seen().ForgetActiveDek(project);
  return rotated;
}

Result<std::int64_t> RotateDeksBody::Count(Connection& connection) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT count(DISTINCT project_id) FROM rowseal.dek"
                                  " WHERE state = 'active' AND created_at < $1",
                                  {before_.time_since_epoch().count()})));
  RowReader reader(answer.rows.front());
  const std::int64_t count = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return count;
}

Result<void> RotateDeksBody::Read(Connection& connection, const std::string& position,
                                  const BatchLimit& limit) {
  projects_.clear();
  position_ = position;
  ROWSEAL_ASSIGN(
      Rows page,
      connection.Execute(Statement::Sql(
          "SELECT DISTINCT project_id FROM rowseal.dek WHERE project_id > $1"
          " AND state = 'active' AND created_at < $2 ORDER BY project_id LIMIT $3",
          {position, before_.time_since_epoch().count(), static_cast<std::int64_t>(limit.items)})));
  for (const Row& row : page.rows) {
    projects_.push_back(TextAt(row, 0));
  }
  return {};
}

Result<BatchOutcome> RotateDeksBody::Write(Connection& connection) {
  ROWSEAL_TRY(session_.LoadTrust(connection));
  BatchOutcome outcome;
  for (const std::string& text : projects_) {
    const Result<ProjectId> project = ProjectId::Parse(text);
    const Result<RotatedPurposes> rotated =
        project ? RotateProjectDeks(connection, session_, *project, before_, access_)
                : tl::unexpected(project.error());
    if (!rotated && rotated.error().code != ErrorCode::kIntegrity &&
        rotated.error().code != ErrorCode::kInvalidArgument &&
        rotated.error().code != ErrorCode::kRootKeyMissing) {
      return tl::unexpected(rotated.error());
    }
    if (rotated) {
      ++outcome.done;
    } else {
      session_.observer().Count(Counter::kItemsQuarantined);
      outcome.failures.push_back({"project " + text, rotated.error().message});
    }
  }
  outcome.position = projects_.empty() ? position_ : projects_.back();
  outcome.last = projects_.empty();
  if (outcome.last) {
    ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
    ROWSEAL_ASSIGN(started_, StartColumnJobs(connection, session_, now));
    ROWSEAL_ASSIGN(const JobId reseal,
                   StartJobOfKind(connection, session_, kResealJob, {}, {}, now));
    started_.push_back(reseal);
  }
  return outcome;
}

Result<DekRotation> RotateDeks(Client& client, const std::optional<ProjectId>& project,
                               const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  DekRotation rotation;
  RotatedPurposes rotated;
  if (project) {
    ROWSEAL_ASSIGN(rotated, RotateProjectDeks(connection, session, *project, {}, complete));
    if (!rotated.secret && !rotated.value) {
      return Fail(ErrorCode::kNotFound, "project '" + project->text() + "' has no DEK",
                  "it gets one with its first secret; rowseal dek list shows what is there");
    }
    rotation.rotated = (rotated.secret ? 1 : 0) + (rotated.value ? 1 : 0);
  } else {
    ROWSEAL_ASSIGN(const JobId job, StartDekRotation(connection, session, kWithoutLimit, now));
    rotation.jobs.push_back(job);
    rotated.value = true;  // of some project, perhaps
  }
  if (rotated.secret) {
    ROWSEAL_ASSIGN(const JobId job,
                   StartJobOfKind(connection, session, kResealJob, project->text(), {}, now));
    rotation.jobs.push_back(job);
  }
  if (rotated.value) {
    ROWSEAL_ASSIGN(const std::vector<ColumnRecord> columns, ReadColumns(connection, session));
    for (const ColumnRecord& column : columns) {
      if (!column.source) {
        rotation.columns_without_source.push_back(column.label.text());
      }
    }
  }
  if (rotated.value && project) {
    ROWSEAL_ASSIGN(const std::vector<JobId> jobs, StartColumnJobs(connection, session, now));
    rotation.jobs.insert(rotation.jobs.end(), jobs.begin(), jobs.end());
  }
  ROWSEAL_TRY(transaction.Commit());
  return rotation;
}

}  // namespace rowseal
