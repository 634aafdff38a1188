#include "base/clock.h"
#include "base/encoding.h"
#include "jobs/job_table.h"
#include "jobs/lease_owner.h"
#include "lifecycle/doctor_checks.h"

namespace rowseal {
namespace {

constexpr std::int64_t kNamedJobs = 10;

std::string Named(const JobRecord& job) {
  return "job " + ToText(job.id) + " (" + Printable(job.kind) +
         (job.object.empty() ? "" : " of '" + Printable(job.object) + "'") + ")";
}

Finding OfReadyJob(const JobRecord& job) {
  const std::string since = ToRfc3339(job.changed_at);
  if (job.owner.empty()) {
    return {Severity::kWarning, "jobs",
            Named(job) + " is ready, and nobody has run it since " + since,
            "rowseal jobs run, or rowseal maintain from a timer"};
  }
  return {Severity::kWarning, "jobs",
          Named(job) +
              (LeaseOwnerIsDead(job.owner)
                   ? " was left by a process that has ended; its last step was at "
                   : " was left by a process that has been silent since ") +
              since,
          "rowseal jobs run: it goes on where it stopped"};
}

Finding OfPausedJob(const JobRecord& job) {
  return {Severity::kWarning, "jobs", Named(job) + " is paused since " + ToRfc3339(job.changed_at),
          "rowseal jobs resume " + ToText(job.id) +
              ", then rowseal jobs run; or rowseal jobs cancel " + ToText(job.id)};
}

Result<Finding> OfFailedJob(Connection& connection, const JobRecord& job) {
  ROWSEAL_ASSIGN(const std::vector<JobFailure> first, ReadJobFailures(connection, job.id, 1));
  std::string message =
      Named(job) + " could not do " + Counted(job.failed, "item") + " of its last run";
  if (!first.empty()) {
    message += "; first " + Printable(first.front().item) + ": " + Printable(first.front().message);
  }
  return Finding{Severity::kWarning, "jobs", std::move(message),
                 "rowseal jobs run tries them again and names each; what rowseal verify names too"
                 " is to be restored or deleted first"};
}

}  // namespace

Result<void> CheckJobs(const Inspection& inspection, Findings& findings) {
  ROWSEAL_ASSIGN(const Listing<JobRecord> jobs,
                 ReadJobs(inspection.connection, JobFilter::kUnfinished));
  for (const UnreadRow& job : jobs.unreadable) {
    findings.push_back({Severity::kError, "jobs", job.row + " cannot be run: " + job.message,
                        "restore its row in the table job from a backup, or delete it"});
  }
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  for (const JobRecord& job : jobs) {
    if (job.state == JobState::kReady && LeaseIsHeld(job, inspection.now)) {
      ++running;
    } else if (++waiting > kNamedJobs) {
      continue;
    } else if (job.state == JobState::kReady) {
      findings.push_back(OfReadyJob(job));
    } else if (job.state == JobState::kPaused) {
      findings.push_back(OfPausedJob(job));
    } else {
      ROWSEAL_ASSIGN(Finding finding, OfFailedJob(inspection.connection, job));
      findings.push_back(std::move(finding));
    }
  }
  if (waiting > kNamedJobs) {
    findings.push_back({Severity::kWarning, "jobs",
                        Counted(waiting - kNamedJobs, "more unfinished job") + " that nobody runs",
                        "rowseal jobs list"});
  }
  if (waiting == 0 && jobs.unreadable.empty()) {
    findings.push_back(
        {Severity::kOk, "jobs", "no job waits; " + std::to_string(running) + " being run", {}});
  }
  return {};
}

}  // namespace rowseal
