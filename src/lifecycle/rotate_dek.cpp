#include "lifecycle/rotate_dek.h"

#include <rowseal/lifecycle.h>

#include "base/encoding.h"
#include "client/active_dek.h"
#include "client/columns.h"
#include "jobs/position.h"
#include "lifecycle/job_kinds.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

Result<bool> RotateOne(Change& change, const ProjectId& project, DekPurpose purpose,
                       std::optional<Timestamp> before, const Kek* under) {
  Connection& connection = change.connection();
  Session& session = change.session();
  ROWSEAL_ASSIGN(const DekActive::Answer active,
                 Ask(connection, DekActive::Request{project, purpose}));
  if (!active) {
    return false;
  }
  const DekAndKek& old = *active;
  ROWSEAL_TRY(change.integrity().Verify(old.dek));
  if (before && old.dek.created_at >= *before) {
    return false;
  }
  // Made first: a project whose root was not given here is left as it is.
  std::shared_ptr<const Kek> kek;
  if (under == nullptr) {
    ROWSEAL_ASSIGN(kek, KekForNewDeks(session, project));
    under = kek.get();
  }
  ROWSEAL_ASSIGN(DekRecord fresh, MakeDek(session, project, purpose, *under, change.epoch()));
  ROWSEAL_TRY(DeactivateDek(change, old.dek));
  ROWSEAL_ASSIGN(const bool is_ours, InsertDek(change, fresh));
  if (!is_ours) {
    return Fail(ErrorCode::kConflict,
                "project '" + project.text() + "' was given another DEK meanwhile", "retry");
  }
  ROWSEAL_TRY(
      change.Audit("dek.rotate", ToText(old.dek.id) + " " + ToText(fresh.id), project.text()));
  change.AfterCommit([&observer = change.observer()] { observer.Count(Counter::kDekRotations); });
  change.Log({LogLevel::kInfo,
              "dek_rotated",
              "a project has a new active DEK",
              {{"project", project.text()},
               {"purpose", std::string(ToText(purpose))},
               {"old_dek", ToText(old.dek.id)},
               {"new_dek", ToText(fresh.id)}}});
  return true;
}

}  // namespace

Result<DekRecord> DeactivateDek(Change& change, DekRecord dek) {
  const Revision seen = dek.revision;
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(dek, Deactivated(change.integrity(), std::move(dek)));
  ROWSEAL_ASSIGN(const Rows updated,
                 change.connection().Execute(Statement::Sql(
                     "UPDATE rowseal.dek SET state = $3, revision = $4, row_tag = $5,"
                     " deactivated_at = $6 WHERE project_id = $1 AND id = $2 AND revision = $7",
                     {dek.project.text(), ToText(dek.id), std::string(ToText(dek.state)),
                      dek.revision.value, dek.row_tag, ToMicros(now), seen.value})));
  if (updated.changed != 1) {
    return Fail(ErrorCode::kConflict, "DEK " + ToText(dek.id) + " was changed meanwhile", "retry");
  }
  return dek;
}

Result<bool> InsertDek(Change& change, DekRecord& dek) {
  ROWSEAL_ASSIGN(dek.created_at, change.Now());
  static const std::string sql = "INSERT INTO rowseal.dek (project_id, " +
                                 ColumnNames<DekRecord>() + ") VALUES ($1, " +
                                 Places<DekRecord>(2) + ") ON CONFLICT DO NOTHING";
  std::vector<Param> params{dek.project.text()};
  AppendParams(dek, params);
  ROWSEAL_ASSIGN(const Rows inserted,
                 change.connection().Execute(Statement::Sql(sql, std::move(params))));
  return inserted.changed == 1;
}

Result<RotatedPurposes> RotateProjectDeks(Change& change, const ProjectId& project,
                                          std::optional<Timestamp> before, const Kek* under) {
  RotatedPurposes rotated;
  ROWSEAL_ASSIGN(rotated.secret, RotateOne(change, project, DekPurpose::kSecret, before, under));
  ROWSEAL_ASSIGN(rotated.value, RotateOne(change, project, DekPurpose::kValue, before, under));
  change.session().seen().ForgetActiveDek(project);
  return rotated;
}

Result<std::int64_t> RotateDeksBody::Count(TrustedRead& read) {
  return OneNumber(read.connection(),
                   "SELECT count(DISTINCT project_id) FROM rowseal.dek"
                   " WHERE state = 'active' AND created_at < $1",
                   {ToMicros(before_)});
}

Result<void> RotateDeksBody::Read(TrustedRead& read, const std::string& position,
                                  const BatchLimit& limit) {
  projects_.clear();
  position_ = position;
  ROWSEAL_ASSIGN(Rows page,
                 read.connection().Execute(Statement::Sql(
                     "SELECT DISTINCT project_id FROM rowseal.dek WHERE project_id > $1"
                     " AND state = 'active' AND created_at < $2 ORDER BY project_id LIMIT $3",
                     {position, ToMicros(before_), static_cast<std::int64_t>(limit.items)})));
  for (const Row& row : page.rows) {
    ROWSEAL_ASSIGN(std::vector<std::string> project, TextKey(row, 1, "dek"));
    projects_.push_back(std::move(project.front()));
  }
  return {};
}

Result<BatchOutcome> RotateDeksBody::Write(Change& change) {
  BatchOutcome outcome;
  for (const std::string& text : projects_) {
    const Result<ProjectId> project = ProjectId::Parse(text);
    const Result<RotatedPurposes> rotated =
        project ? RotateProjectDeks(change, *project, before_) : tl::unexpected(project.error());
    if (!rotated && rotated.error().code != ErrorCode::kIntegrity &&
        rotated.error().code != ErrorCode::kInvalidArgument &&
        rotated.error().code != ErrorCode::kRootKeyMissing) {
      return tl::unexpected(rotated.error());
    }
    if (rotated) {
      ++outcome.done;
    } else {
      change.observer().Count(Counter::kItemsQuarantined);
      outcome.failures.push_back({"project " + Printable(text), rotated.error().message});
    }
  }
  outcome.position = projects_.empty() ? position_ : projects_.back();
  outcome.last = projects_.empty();
  if (outcome.last) {
    ROWSEAL_ASSIGN(started_, StartColumnJobs(change));
    ROWSEAL_ASSIGN(const JobId reseal, StartJobOfKind(change, kResealJob, {}));
    started_.push_back(reseal);
  }
  return outcome;
}

Result<DekRotation> RotateDeks(Client& client, const std::optional<ProjectId>& project,
                               const Access& access) {
  const auto rotate = [&](Change& change) -> Result<DekRotation> {
    DekRotation rotation;
    RotatedPurposes rotated;
    if (project) {
      ROWSEAL_ASSIGN(rotated, RotateProjectDeks(change, *project, {}));
      if (!rotated.secret && !rotated.value) {
        return Fail(ErrorCode::kNotFound, "project '" + project->text() + "' has no DEK",
                    "it gets one with its first secret; rowseal dek list shows what is there");
      }
      rotation.rotated = (rotated.secret ? 1 : 0) + (rotated.value ? 1 : 0);
    } else {
      ROWSEAL_ASSIGN(rotation.jobs.emplace_back(), StartDekRotation(change, kWithoutLimit));
      rotated.value = true;  // of some project, perhaps
    }
    if (rotated.secret) {
      ROWSEAL_ASSIGN(rotation.jobs.emplace_back(),
                     StartJobOfKind(change, kResealJob, project->text()));
    }
    if (rotated.value) {
      ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(change));
      AppendUnread(columns.unreadable, rotation.columns_without_source);
      for (const ColumnRecord& column : columns) {
        if (!column.source) {
          rotation.columns_without_source.push_back(column.label.text());
        }
      }
    }
    if (rotated.value && project) {
      ROWSEAL_ASSIGN(const std::vector<JobId> jobs, StartColumnJobs(change));
      rotation.jobs.insert(rotation.jobs.end(), jobs.begin(), jobs.end());
    }
    return rotation;
  };
  // Each project has an entry of its own; the job that visits all writes theirs.
  return ChangeStore(client, access, rotate, {.entry = ChangeKind::Entry::kNone});
}

}  // namespace rowseal
