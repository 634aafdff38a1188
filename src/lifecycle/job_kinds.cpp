#include "lifecycle/job_kinds.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "client/columns.h"
#include "client/random_ids.h"
#include "lifecycle/compromise_kek.h"
#include "lifecycle/reseal_column.h"
#include "lifecycle/reseal_secrets.h"
#include "lifecycle/retire_project.h"
#include "lifecycle/rewrap_deks.h"
#include "lifecycle/rotate_dek.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

tl::unexpected<Error> NotOurs(const JobRecord& job, std::string_view what) {
  return Fail(ErrorCode::kIntegrity,
              "job " + ToText(job.id) + " has " + std::string(what) + " '" +
                  Printable(job.kind + " " + job.object + " " + job.argument) + "'",
              "somebody changed it outside Rowseal; cancel it: rowseal jobs cancel");
}

Result<std::unique_ptr<JobBody>> MakeRotateDeks(const JobRecord& job) {
  std::int64_t micros = 0;
  const char* const end = job.argument.data() + job.argument.size();
  const auto read = std::from_chars(job.argument.data(), end, micros);
  if (read.ec != std::errc() || read.ptr != end) {
    return NotOurs(job, "an unknown argument");
  }
  // Any number: it is compared with times and never added to one.
  return std::make_unique<RotateDeksBody>(Timestamp(std::chrono::microseconds(micros)));
}

Result<std::unique_ptr<JobBody>> MakeCompromised(Session& session, const JobRecord& job) {
  KekId kek;
  const char* const end = job.object.data() + job.object.size();
  const auto read = std::from_chars(job.object.data(), end, kek.value);
  if (read.ec != std::errc() || read.ptr != end) {
    return NotOurs(job, "an unknown object");
  }
  return std::make_unique<CompromisedKekBody>(session, kek);
}

}  // namespace

Result<JobId> StartJobOfKind(Change& change, std::string_view kind, std::string object,
                             std::string argument) {
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(const auto fresh, TimeOrderedUuid(now));
  ROWSEAL_ASSIGN(const JobId id,
                 StartJob(change.connection(),
                          {JobId{fresh}, std::string(kind), object, std::move(argument)}, now));
  change.Log({LogLevel::kInfo,
              "job_started",
              "a job is to be run",
              {{"job", ToText(id)}, {"kind", std::string(kind)}, {"object", std::move(object)}}});
  return id;
}

Result<std::vector<JobId>> StartColumnJobs(Change& change) {
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(change));
  std::vector<JobId> jobs;
  for (const ColumnRecord& column : columns) {
    if (column.source) {
      ROWSEAL_ASSIGN(jobs.emplace_back(),
                     StartJobOfKind(change, kResealColumnJob, ToText(column.id)));
    }
  }
  return jobs;
}

Result<JobId> StartDekRotation(Change& change, Timestamp before) {
  return StartJobOfKind(change, kRotateDeksJob, std::string(kAllDeks),
                        std::to_string(ToMicros(before)));
}

Result<std::unique_ptr<JobBody>> MakeJobBody(const TrustedRead& read, const JobRecord& job) {
  Session& session = read.session();
  if (job.kind == kResealJob) {
    std::optional<ProjectId> project;
    if (!job.object.empty()) {
      Result<ProjectId> parsed = ProjectId::Parse(job.object);
      if (!parsed) {
        return NotOurs(job, "an unknown object");
      }
      project = std::move(*parsed);
    }
    return std::make_unique<ResealSecrets>(session, std::move(project), job.id);
  }
  if (job.kind == kResealColumnJob) {
    const Result<ColumnId> column = ParseUuid<ColumnId>(job.object);
    if (!column) {
      return NotOurs(job, "an unknown object");
    }
    return std::make_unique<ResealColumn>(session, *column, job.id);
  }
  if (job.kind == kRewrapJob) {
    const std::vector<KekRecord>& keks = read.trust().rows.keks;
    if (std::ranges::find(keks, job.object, &KekRecord::scope) == keks.end()) {
      return NotOurs(job, "an unknown object");
    }
    return std::make_unique<RewrapBody>(session, job.object);
  }
  if (job.kind == kRotateDeksJob) {
    return MakeRotateDeks(job);
  }
  if (job.kind == kDestroyProjectJob) {
    Result<ProjectId> project = ProjectId::Parse(job.object);
    if (!project) {
      return NotOurs(job, "an unknown object");
    }
    return std::make_unique<DestroyProjectBody>(std::move(*project));
  }
  if (job.kind == kCompromisedJob) {
    return MakeCompromised(session, job);
  }
  return NotOurs(job, "an unknown kind");
}

}  // namespace rowseal
