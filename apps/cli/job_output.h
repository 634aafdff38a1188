#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/jobs.h>

#include "output.h"
#include "program.h"
#include "progress.h"
#include "stop_signal.h"

namespace rowseal::cli {

inline constexpr int kDefaultShare = 50;  // percent

/// JobOptions say how the jobs are run that a verb starts.
struct JobOptions {
  bool no_wait = false;
  int share = kDefaultShare;
};

/// AddShare adds the option that says how much a job may hold the store's write lock.
inline void AddShare(CLI::App& verb, int& share) {
  verb.add_option("--share", share,
                  "Percent of the time in which the job may hold the store's write lock [50]")
      ->check(CLI::Range(1, 100));
}

/// AddWaiting adds the options of a verb that starts jobs.
inline void AddWaiting(CLI::App& verb, JobOptions& options) {
  verb.add_flag("--no-wait", options.no_wait,
                "Leave the long work to `rowseal jobs run` or `rowseal maintain`, and name its"
                " jobs");
  AddShare(verb, options.share);
}

/// JobsProgress shows one job after the other, and stops them at the first SIGINT or SIGTERM: the
/// job gives its lease back and goes on at its next run.
class JobsProgress final {
 public:
  JobsProgress() = default;
  JobsProgress(const JobsProgress&) = delete;
  JobsProgress& operator=(const JobsProgress&) = delete;
  ~JobsProgress();

  /// Show returns false when the user wants to stop.
  bool Show(const JobSummary& job);
  void Clear();

 private:
  StopSignal stop_;
  std::optional<JobId> job_;
  std::int64_t run_ = 0;
  std::optional<Progress> progress_;
};

/// RunJobsShowing runs jobs with progress on stderr. Errors: RunJobs's.
Result<JobsReport> RunJobsShowing(const Program& program, Client& client,
                                  const std::vector<JobId>& jobs, int share);

/// JobsText is a line for each job that was run; empty for none.
std::string JobsText(const JobsReport& report);

std::string RotationText(const RotationReport& report);

/// FinishJobs runs the jobs that a verb started, or names them where nothing is to be waited for,
/// and gives the exit status.
Result<int> FinishJobs(const Program& program, Client& client, const std::vector<JobId>& jobs,
                       const JobOptions& options);

/// EndOfColumns names the columns whose registration cannot be read, so that no job finds their
/// values. Errors: kPartial, where there are some.
Result<int> EndOfColumns(Client& client);

/// EndOfJobs names what failed on stderr and gives the exit status: 0 when all was done.
Result<int> EndOfJobs(Client& client, const JobsReport& report);

/// EndOfRotation names the DEKs that stay under the old KEK; 0 when there are none.
Result<int> EndOfRotation(const RotationReport& report);

}  // namespace rowseal::cli
