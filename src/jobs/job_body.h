#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/change.h"
#include "jobs/job_record.h"

namespace rowseal {

/// BatchLimit bounds what one batch may take on.
struct BatchLimit {
  std::size_t items = 64;
  std::int64_t bytes = 4 * 1024 * 1024;  ///< of values; a larger one is alone
};

/// BatchOutcome is what a batch came to.
struct BatchOutcome {
  std::string position;  ///< where the next batch begins
  std::int64_t done = 0;
  std::vector<JobFailure> failures;
  bool last = false;  ///< nothing lies behind
};

/// JobBody is what a kind of job does, in batches of three steps. Each may be done again after a
/// crash or a lost lease, so a step changes only what still stands as it was read. An item that
/// cannot be done is a failure of the outcome; an error ends the run, and a later one goes on.
class JobBody {
 public:
  virtual ~JobBody() = default;

  /// Count estimates how many items lie ahead, once a run.
  virtual Result<std::int64_t> Count(TrustedRead& read) = 0;

  /// Read takes the items behind `position` on.
  virtual Result<void> Read(TrustedRead& read, const std::string& position,
                            const BatchLimit& limit) = 0;

  /// Work does what needs no transaction: it opens and seals. Items that stand in another database
  /// are changed here, before the position moves past them.
  virtual Result<void> Work() = 0;

  /// Started names the jobs that Write started: what is to follow this one.
  virtual std::vector<JobId> Started() const { return {}; }

  /// WritesAlone tells whether the next Write lets no other change run beside it: it changes keys,
  /// registrations or other jobs.
  virtual bool WritesAlone() const { return true; }

  /// Write writes what Work made, in the change that also moves the position.
  virtual Result<BatchOutcome> Write(Change& change) = 0;
};

}  // namespace rowseal
