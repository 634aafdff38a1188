#include "job_output.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace rowseal::cli {
namespace {

constexpr std::int64_t kNamedFailures = 20;  // of each job; `--json` of `jobs list` counts all

std::string Outcome(const JobSummary& job) {
  if (job.state == JobState::kFailed) {
    return fmt::format("done with {} failures", job.failed);
  }
  if (job.state == JobState::kReady) {
    return job.running ? "run by another process" : "stopped, to be continued";
  }
  return std::string(ToText(job.state));
}

Result<int> NameJobs(const std::vector<JobId>& jobs) {
  std::string text;
  for (const JobId job : jobs) {
    text += "job " + ToText(job) + "\n";
  }
  ROWSEAL_TRY(PrintText(text));
  return 0;
}

std::string Subject(const JobSummary& job) { return job.kind + " " + Printable(job.subject); }

}  // namespace

JobsProgress::~JobsProgress() { Clear(); }

bool JobsProgress::Show(const JobSummary& job) {
  if (job_ != job.id || run_ != job.run) {
    Clear();
    job_ = job.id;
    run_ = job.run;
    progress_.emplace(Subject(job) + ":", "items", job.total, job.done);
  }
  progress_->Show(job.done + job.failed);
  return !stop_.asked();
}

void JobsProgress::Clear() {
  if (progress_) {
    progress_->Clear();
  }
}

Result<JobsReport> RunJobsShowing(const Program& program, Client& client,
                                  const std::vector<JobId>& jobs, int share) {
  JobsProgress progress;
  RunJobsOptions options;
  options.jobs = jobs;
  options.share_percent = share;
  options.on_progress = [&](const JobSummary& job) { return progress.Show(job); };
  return RunJobs(client, options, program.access());
}

std::string JobsText(const JobsReport& report) {
  std::string text;
  for (const JobSummary& job : report.jobs) {
    text += fmt::format("{}: {} items, {}\n", Subject(job), job.done, Outcome(job));
  }
  return text;
}

std::string RotationText(const RotationReport& report) {
  const double milliseconds = std::chrono::duration<double, std::milli>(report.duration).count();
  if (report.job) {
    return fmt::format("KEK {} rotated to {} in {:.1f} ms; a job rewraps the DEKs\n",
                       report.old_kek.value, report.new_kek.value, milliseconds);
  }
  return fmt::format("KEK {} rotated to {}, {} DEKs rewrapped in {:.1f} ms\n", report.old_kek.value,
                     report.new_kek.value, report.rewrapped, milliseconds);
}

Result<int> EndOfColumns(Client& client) {
  ROWSEAL_ASSIGN(const Listing<ColumnSummary> columns, client.Columns());
  return EndOfList(columns.unreadable);
}

Result<int> EndOfJobs(Client& client, const JobsReport& report) {
  for (const JobSummary& job : report.jobs) {
    if (job.failed == 0) {
      continue;
    }
    ROWSEAL_ASSIGN(const std::vector<ItemFailure> failures,
                   ListItemFailures(client, job.id, kNamedFailures));
    for (const ItemFailure& failure : failures) {
      PrintError({ErrorCode::kPartial, Printable(failure.item) + ": " + failure.message, {}});
    }
  }
  if (report.failed > 0) {
    return Fail(ErrorCode::kPartial,
                fmt::format("items that could not be done: {}; all others are", report.failed),
                "mend or restore what is named, then `rowseal jobs run` tries it again");
  }
  for (const JobSummary& job : report.jobs) {
    if (job.state == JobState::kPaused || job.state == JobState::kCancelled) {
      return Fail(ErrorCode::kPartial,
                  fmt::format("job {} is {}: not all was done", ToText(job.id), ToText(job.state)),
                  job.state == JobState::kPaused
                      ? "`rowseal jobs resume` lets it be run again"
                      : "what it left undone is begun again by the next rotation");
    }
  }
  if (report.stopped) {
    return Fail(ErrorCode::kPartial, "stopped before the end",
                "`rowseal jobs run` goes on where it stopped");
  }
  return EndOfList(report.unreadable);
}

Result<int> FinishJobs(const Program& program, Client& client, const std::vector<JobId>& jobs,
                       const JobOptions& options) {
  if (options.no_wait) {
    return program.json() ? Result<int>(0) : NameJobs(jobs);
  }
  if (jobs.empty()) {
    return 0;
  }
  ROWSEAL_ASSIGN(const JobsReport report, RunJobsShowing(program, client, jobs, options.share));
  if (!program.json()) {
    ROWSEAL_TRY(PrintText(JobsText(report)));
  }
  return EndOfJobs(client, report);
}

Result<int> EndOfRotation(const RotationReport& report) {
  for (const std::string& failure : report.failures) {
    PrintError({ErrorCode::kIntegrity, failure, {}});
  }
  if (report.failures.empty()) {
    return 0;
  }
  return Fail(
      ErrorCode::kIntegrity,
      fmt::format("DEKs that do not open and stay under the old KEK: {}", report.failures.size()),
      "restore their rows from a backup, then rotate again");
}

}  // namespace rowseal::cli
