#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/key_destruction.h>
#include <rowseal/lifecycle.h>
#include <rowseal/states.h>

namespace rowseal {

/// Jobs are the long works over a store (reseal, rewrap): rows with a position and a lease, which
/// any process continues. One killed anywhere loses at most a batch's work, and blocks nobody for
/// more than ten seconds (on the same machine: not at all). Threads: any; a job takes the client's
/// connection for one step at a time.

/// JobSummary is a job as operators see it.
struct JobSummary {
  JobId id;
  std::string kind;     ///< `reseal`, `reseal-column`, `rewrap`, `dek-rotate`, `kek-compromised`,
                        ///< `project-destroy`
  std::string object;   ///< what it works on: a project, a column's id, a scope, a KEK; empty: all
  std::string subject;  ///< the same for people: a project, a column's label, `all projects`
  JobState state = JobState::kReady;
  bool running = false;  ///< a process holds its lease
  std::int64_t run = 1;
  std::int64_t total = 0;  ///< an estimate
  std::int64_t done = 0;
  std::int64_t failed = 0;
  Timestamp created_at;
  std::optional<Timestamp> started_at;
  Timestamp changed_at;
};

/// ItemFailure is an item that a job could not do; the next run tries it again.
struct ItemFailure {
  JobId job;
  std::string item;  ///< `secret_version acme/…/3`
  std::string message;
};

/// ListJobs lists jobs, oldest first; only unfinished ones unless `all`.
enum class Jobs : std::uint8_t { kUnfinished, kAll };
Result<Listing<JobSummary>> ListJobs(Client& client, Jobs which = Jobs::kUnfinished);

/// ListItemFailures gives what a job's last run could not do, at most `limit` (1 to 10,000).
/// Errors: kNotFound.
Result<std::vector<ItemFailure>> ListItemFailures(Client& client, JobId job,
                                                  std::int64_t limit = 1000);

struct RunJobsOptions {
  /// Which jobs, and those that they start; one that another process runs is waited for. Empty: all
  /// that can be run and are not run by others.
  std::vector<JobId> jobs;
  /// Called after each batch; false stops, and the job goes on at its next run.
  std::function<bool(const JobSummary&)> on_progress;
  /// The share of the time in which the store's write lock may be held, 1 to 100 percent. Others
  /// wait less, and the job takes longer, the smaller it is.
  int share_percent = 50;
};

struct JobsReport {
  std::vector<JobSummary> jobs;       ///< that were run or waited for, as they stand now
  std::int64_t failed = 0;            ///< items of them that could not be done
  bool stopped = false;               ///< on_progress said so
  std::vector<UnreadRow> unreadable;  ///< jobs that no process can run; of Maintain also keys that
                                      ///< name no project, and policies that hold no duration
};

/// RunJobs runs jobs to their ends. A job with failures ends as `failed`, and its other items are
/// done. Errors: the store's, an app database's, kIntegrity (a job row that nobody wrote),
/// kResourceExhausted, kRandomFailure: the first one, after all other jobs were run; the job that
/// met it goes on at the next run.
Result<JobsReport> RunJobs(Client& client, const RunJobsOptions& options = {},
                           const Access& access = {});

/// PauseJob, ResumeJob and CancelJob; whoever runs the job notices at its next batch. What a
/// cancelled job did stays. Errors: kNotFound, kRefusedByState (it has ended).
Result<void> PauseJob(Client& client, JobId job, const Access& access = {});
Result<void> ResumeJob(Client& client, JobId job, const Access& access = {});
Result<void> CancelJob(Client& client, JobId job, const Access& access = {});

struct MaintainReport {
  std::optional<RotationReport> kek_rotation;
  JobsReport jobs;
  DestructionReport destroyed;
};

/// Maintain does what is due and returns: rotations by policy, unfinished jobs, failed items once
/// more, second scans before a key counts as drained or is destroyed, and the destruction of keys
/// that have waited for it. Keys that were not used for ten minutes are
/// wiped. For cron, timers and workers; any number of processes may call it. Errors: as RotateKek
/// and RunJobs.
Result<MaintainReport> Maintain(Client& client, const RunJobsOptions& options = {},
                                const Access& access = {});

}  // namespace rowseal
