#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "jobs/job_body.h"
#include "jobs/job_record.h"
#include "jobs/job_table.h"

namespace rowseal {

/// JobRun is how a job is run.
struct JobRun {
  std::string owner;                               ///< NewLeaseOwner
  Access access;                                   ///< of what its batches log
  std::function<bool(const JobRecord&)> on_batch;  ///< false: stop here and give the lease back
  int share_percent =
      50;  ///< of the time in which a batch may hold the store's write lock, 1 to 100
  std::chrono::seconds patience{0};  ///< with a store that does not answer, before it is an error
};

/// ClaimJobFor takes a job's lease, and ReleaseJobOf gives it back; where that fails, it runs out.
Result<Claim> ClaimJobFor(Client& client, JobId job, const JobRun& run);
void ReleaseJobOf(Client& client, JobId job, const JobRun& run);

/// RunJob runs a claimed job to its end, batch by batch, and returns it as it then stands: `done`,
/// `failed` (some items could not be done), or as somebody else left it (paused, cancelled, taken
/// over, begun again by a later call). Each batch's writes and the job's position commit together,
/// so after a crash at most one batch is done again. Other writers are let in between batches.
/// Errors: the store's and the body's; the lease is given back where that is possible.
Result<JobRecord> RunJob(Client& client, JobRecord job, JobBody& body, const JobRun& run);

}  // namespace rowseal
