#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include <rowseal/jobs.h>

#include "base/encoding.h"
#include "client/change.h"
#include "jobs/job_runner.h"
#include "jobs/lease_owner.h"
#include "lifecycle/job_kinds.h"
#include "store/key_order.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

// A server that restarts or fails over is back by then.
constexpr std::chrono::seconds kPatience{30};

constexpr std::chrono::milliseconds kLookAgain{200};  // at a job that another process runs

bool IsRunning(const JobRecord& job, Timestamp now) {
  return job.state == JobState::kReady && LeaseIsHeld(job, now);
}

JobSummary Summarise(const JobRecord& job, std::string subject, Timestamp now) {
  return {
      job.id,        job.kind,  job.object, std::move(subject), job.state,      IsRunning(job, now),
      job.run,       job.total, job.done,   job.failed,         job.created_at, job.started_at,
      job.changed_at};
}

// What people call a job's object. The label is only shown: nothing is found or sealed by it.
Result<std::string> SubjectOf(Connection& connection, const JobRecord& job) {
  if (job.kind == kRotateDeksJob || (job.kind == kResealJob && job.object.empty())) {
    return "all projects";
  }
  if (job.kind != kResealColumnJob) {
    return job.object;
  }
  ROWSEAL_ASSIGN(
      const Rows label,
      connection.Execute(Statement::Sql(
          "SELECT substr(label, 1, 256) FROM rowseal.sealed_column WHERE CAST(id AS text) = $1",
          {job.object})));
  return label.rows.empty() ? job.object : ShownCell(label.rows.front(), 0);
}

bool CanRun(const JobRecord& job) {
  return job.state == JobState::kReady || job.state == JobState::kFailed;
}

// Runs jobs one after the other, each at most once a run of it.
class JobsRun final {
 public:
  JobsRun(Client& client, const RunJobsOptions& options, const Access& access, std::string owner)
      : client_(client),
        options_(options),
        run_{std::move(owner), access, [this](const JobRecord& so_far) { return Show(so_far); },
             options.share_percent, kPatience},
        wanted_(options.jobs) {}

  Result<JobsReport> Run() {
    ROWSEAL_TRY(NoteUnreadable());
    while (!report_.stopped) {
      ROWSEAL_ASSIGN(const std::optional<JobRecord> next, Next());
      if (!next) {
        break;
      }
      // One job that cannot be run, such as one whose app database is gone, keeps no other from it.
      if (Result<void> ran = RunOne(next->id); !ran) {
        failure_ = failure_ ? std::move(failure_) : std::move(ran).error();
        ROWSEAL_TRY(Settle(next->id));
      }
    }
    if (failure_) {
      return tl::unexpected(std::move(*failure_));
    }
    for (const auto& [id, job] : ended_) {
      report_.jobs.push_back(job);
      report_.failed += job.failed;
    }
    return std::move(report_);
  }

 private:
  // Nothing runs these; the others are run.
  Result<void> NoteUnreadable() {
    if (!options_.jobs.empty()) {
      return {};
    }
    ROWSEAL_ASSIGN(Listing<JobRecord> jobs, ReadStore(client_, [](StoreRead& store) {
                     return ReadJobs(store.connection(), JobFilter::kUnfinished);
                   }));
    report_.unreadable = std::move(jobs.unreadable);
    return {};
  }

  // The next job that is asked for and has not ended here.
  Result<std::optional<JobRecord>> Next() {
    if (!options_.jobs.empty()) {
      for (const JobId id : wanted_) {
        if (!ended_.contains(id)) {
          ROWSEAL_ASSIGN(JobRecord job, Look(id));
          return job;
        }
      }
      return std::nullopt;
    }
    return ReadStore(client_, [&](StoreRead& store) -> Result<std::optional<JobRecord>> {
      ROWSEAL_ASSIGN(Listing<JobRecord> jobs, ReadJobs(store.connection(), JobFilter::kUnfinished));
      ROWSEAL_ASSIGN(const Timestamp now, store.Now());
      for (JobRecord& job : jobs) {
        if (CanRun(job) && !ended_.contains(job.id) && !IsRunning(job, now)) {
          return std::move(job);
        }
      }
      return std::nullopt;
    });
  }

  Result<void> RunOne(JobId id) {
    ROWSEAL_TRY(LearnSubject(id));
    ROWSEAL_ASSIGN(const Claim claim, ClaimJobFor(client_, id, run_));
    if (claim == Claim::kHeldByOther) {
      return WaitFor(id);
    }
    if (claim == Claim::kNotRunnable) {
      return Settle(id);
    }
    ROWSEAL_ASSIGN(JobRecord job, Look(id));
    Result<std::unique_ptr<JobBody>> body =
        ReadTrusted(client_, [&](const TrustedRead& read) { return MakeJobBody(read, job); });
    if (!body) {
      ReleaseJobOf(client_, id, run_);
      return tl::unexpected(std::move(body).error());
    }
    ROWSEAL_ASSIGN(job, RunJob(client_, std::move(job), **body, run_));
    LogFinished(job);
    const std::vector<JobId> started = (*body)->Started();
    wanted_.insert(wanted_.end(), started.begin(), started.end());
    return Settle(id);
  }

  Result<JobRecord> Look(JobId id) {
    return ReadStore(client_, [&](StoreRead& store) { return ReadJob(store.connection(), id); });
  }

  // It stays while the job lives, so that progress needs no statement.
  Result<void> LearnSubject(JobId id) {
    if (!subjects_.contains(id)) {
      ROWSEAL_ASSIGN(const JobRecord job, Look(id));
      ROWSEAL_ASSIGN(subjects_[id], ReadStore(client_, [&](StoreRead& store) {
                       return SubjectOf(store.connection(), job);
                     }));
    }
    return {};
  }

  JobSummary SummaryOf(const JobRecord& job) const {
    const auto subject = subjects_.find(job.id);
    return Summarise(job, subject == subjects_.end() ? Printable(job.object) : subject->second,
                     job.changed_at);
  }

  bool Show(const JobRecord& job) {
    if (options_.on_progress && !options_.on_progress(SummaryOf(job))) {
      report_.stopped = true;
    }
    return !report_.stopped;
  }

  // Another process runs it: its progress is shown here as well. With no jobs asked for by name,
  // the others do not wait for it.
  Result<void> WaitFor(JobId id) {
    ROWSEAL_ASSIGN(const JobRecord job, Look(id));
    if (options_.jobs.empty() || !CanRun(job)) {
      return Settle(id);
    }
    if (Show(job)) {
      std::this_thread::sleep_for(kLookAgain);
    }
    return {};
  }

  Result<void> Settle(JobId id) {
    ROWSEAL_ASSIGN(const JobRecord job, Look(id));
    ended_.insert_or_assign(id, SummaryOf(job));
    return {};
  }

  void LogFinished(const JobRecord& job) const {
    if (job.state != JobState::kDone && job.state != JobState::kFailed) {
      return;
    }
    ObserverOf(client_).Log({job.failed == 0 ? LogLevel::kInfo : LogLevel::kError,
                             "job_finished",
                             "a job came to its end",
                             {{"job", ToText(job.id)},
                              {"kind", job.kind},
                              {"object", job.object},
                              {"done", std::to_string(job.done)},
                              {"failed", std::to_string(job.failed)}}});
  }

  Client& client_;
  const RunJobsOptions& options_;
  const JobRun run_;
  std::vector<JobId> wanted_;
  std::map<JobId, std::string> subjects_;
  std::map<JobId, JobSummary> ended_;
  JobsReport report_;
  std::optional<Error> failure_;  // the first
};

Result<void> Move(Client& client, JobId job, JobState to, std::string_view action,
                  const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(const Timestamp now, change.Now());
    ROWSEAL_TRY(MoveJob(change.connection(), job, to, now));
    ROWSEAL_TRY(change.Audit(action, ToText(job)));
    return {};
  });
}

}  // namespace

Result<Listing<JobSummary>> ListJobs(Client& client, Jobs which) {
  return ReadStore(client, [&](StoreRead& store) -> Result<Listing<JobSummary>> {
    ROWSEAL_ASSIGN(const Timestamp now, store.Now());
    ROWSEAL_ASSIGN(Listing<JobRecord> jobs,
                   ReadJobs(store.connection(),
                            which == Jobs::kAll ? JobFilter::kAll : JobFilter::kUnfinished));
    Listing<JobSummary> summaries;
    summaries.unreadable = std::move(jobs.unreadable);
    for (const JobRecord& job : jobs) {
      ROWSEAL_ASSIGN(std::string subject, SubjectOf(store.connection(), job));
      summaries.push_back(Summarise(job, std::move(subject), now));
    }
    return summaries;
  });
}

Result<std::vector<ItemFailure>> ListItemFailures(Client& client, JobId job, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  return ReadStore(client, [&](StoreRead& store) -> Result<std::vector<ItemFailure>> {
    ROWSEAL_TRY(ReadJob(store.connection(), job));
    ROWSEAL_ASSIGN(const std::vector<JobFailure> failures,
                   ReadJobFailures(store.connection(), job, limit));
    std::vector<ItemFailure> named;
    for (const JobFailure& failure : failures) {
      named.push_back({job, failure.item, failure.message});
    }
    return named;
  });
}

Result<JobsReport> RunJobs(Client& client, const RunJobsOptions& options, const Access& access) {
  if (options.share_percent < 1 || options.share_percent > 100) {
    return Fail(ErrorCode::kInvalidArgument, "a job's share of the time is 1 to 100 percent");
  }
  ROWSEAL_TRY(CheckMayChange(client, access));
  ROWSEAL_ASSIGN(std::string owner, NewLeaseOwner());
  return JobsRun(client, options, access, std::move(owner)).Run();
}

Result<void> PauseJob(Client& client, JobId job, const Access& access) {
  return Move(client, job, JobState::kPaused, "job.pause", access);
}

Result<void> ResumeJob(Client& client, JobId job, const Access& access) {
  return Move(client, job, JobState::kReady, "job.resume", access);
}

Result<void> CancelJob(Client& client, JobId job, const Access& access) {
  return Move(client, job, JobState::kCancelled, "job.cancel", access);
}

}  // namespace rowseal
