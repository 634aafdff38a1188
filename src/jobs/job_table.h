#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rowseal/connection.h>
#include <rowseal/listing.h>

#include "jobs/job_record.h"

namespace rowseal {

/// Statements over `job` and `job_failure`. Those that change something run inside a write
/// transaction; `now` is the store's time.

/// NewJob says what to make; `id` is a fresh UUIDv7.
struct NewJob {
  JobId id;
  std::string kind;
  std::string object;
  std::string argument;
};

/// StartJob makes a job. Where an unfinished one of that kind and object is there, that one begins
/// again from the beginning, with the new argument, and goes on even if it was paused: what has
/// changed lies behind its position too. Returns the id of the job that is to run.
Result<JobId> StartJob(Connection& connection, const NewJob& job, Timestamp now);

enum class JobFilter : std::uint8_t { kAll, kUnfinished };

/// ReadJobs lists jobs, oldest first.
Result<Listing<JobRecord>> ReadJobs(Connection& connection, JobFilter filter);

/// ReadJob reads one job. Errors: kNotFound.
Result<JobRecord> ReadJob(Connection& connection, JobId id);

/// ReadJobFailures gives the failed items of a job's last run, at most `limit`.
Result<std::vector<JobFailure>> ReadJobFailures(Connection& connection, JobId id,
                                                std::int64_t limit);

/// LeaseIsHeld tells whether somebody who may live runs the job: the lease has not run out, and its
/// owner is not known to be dead.
bool LeaseIsHeld(const JobRecord& job, Timestamp now);

enum class Claim : std::uint8_t { kTaken, kHeldByOther, kNotRunnable };

/// ClaimJob gives `owner` the lease for kLease. A lease that has run out, or whose owner is known
/// to be dead, is taken over; a job that ended with failures begins again.
Result<Claim> ClaimJob(Connection& connection, JobId id, const std::string& owner, Timestamp now);

/// HoldsJob renews the lease, and tells whether `job` is still this owner's to run, from the same
/// position of the same run. False: it was taken over, begun again, paused or cancelled.
Result<bool> HoldsJob(Connection& connection, const JobRecord& job, const std::string& owner,
                      Timestamp now);

/// AdvanceJob writes a batch's progress; an empty `owner` gives the lease back.
Result<void> AdvanceJob(Connection& connection, const JobRecord& job, Timestamp now);

/// RecordJobFailures names items and returns how many this run has named; one that is named again
/// counts once.
Result<std::int64_t> RecordJobFailures(Connection& connection, JobId id,
                                       const std::vector<JobFailure>& failures);

/// ReleaseJob gives a lease back early; nothing happens when it is no longer held.
Result<void> ReleaseJob(Connection& connection, JobId id, const std::string& owner);

/// MoveJob pauses, resumes or cancels; whoever runs the job notices at its next batch. Errors:
/// kNotFound, kRefusedByState (it has ended; only a ready job is paused).
Result<void> MoveJob(Connection& connection, JobId id, JobState to, Timestamp now);

/// kLease is how long a silent owner keeps a job. An owner renews it with every batch, and a batch
/// is made to take far less than the three seconds after which it must be renewed.
inline constexpr std::chrono::seconds kLease{10};

}  // namespace rowseal
