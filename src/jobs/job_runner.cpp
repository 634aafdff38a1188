#include "jobs/job_runner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "jobs/job_table.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A write that takes this long is short enough for whoever waits for the lock, and long enough that
// the flush at its end does not rule the rate.
constexpr std::chrono::milliseconds kWrite{10};
constexpr std::chrono::milliseconds kLookAgain{200};  // at a store that did not answer
constexpr std::size_t kFewestItems = 16;
constexpr std::size_t kMostItems = 1024;

class Runner final {
 public:
  Runner(Connection& connection, JobRecord job, JobBody& body, const JobRun& run)
      : connection_(connection), job_(std::move(job)), body_(body), run_(run) {}

  Result<JobRecord> Run() {
    while (is_mine_ && job_.state == JobState::kReady) {
      Result<void> batch = RunBatch();
      if (!batch && MayTryAgain(batch.error())) {
        std::this_thread::sleep_for(kLookAgain);
        continue;
      }
      if (!batch) {
        Release();
        return tl::unexpected(std::move(batch).error());
      }
      failing_since_.reset();
      if (is_mine_ && run_.on_batch && !run_.on_batch(job_)) {
        Release();
        break;
      }
      if (is_mine_ && job_.state == JobState::kReady) {
        LetOthersWrite();
      }
    }
    const auto lock = run_.lock();
    return ReadJob(connection_, job_.id);
  }

 private:
  // A store that restarts or fails over comes back; a batch that was not committed, or whose commit
  // is in doubt, is read anew from where the job's row says.
  bool MayTryAgain(const Error& error) {
    if (error.code != ErrorCode::kUnavailable && error.code != ErrorCode::kInDoubt) {
      return false;
    }
    const auto now = SteadyClock::now();
    failing_since_ = failing_since_.value_or(now);
    return now - *failing_since_ < run_.patience;
  }

  Result<void> RunBatch() {
    {
      const auto lock = run_.lock();
      ROWSEAL_ASSIGN(Transaction transaction,
                     Transaction::Begin(connection_, TransactionKind::kRead));
      ROWSEAL_ASSIGN(job_, ReadJob(connection_, job_.id));
      if (job_.state != JobState::kReady || job_.owner != run_.owner) {
        is_mine_ = false;
        return {};
      }
      if (!job_.started_at) {
        ROWSEAL_ASSIGN(job_.started_at, StoreClock(connection_));
      }
      if (job_.position.empty()) {
        ROWSEAL_ASSIGN(job_.total, body_.Count(connection_));
      }
      ROWSEAL_TRY(body_.Read(connection_, job_.position, limit_));
      ROWSEAL_TRY(transaction.Commit());
    }
    ROWSEAL_TRY(body_.Work());
    const auto lock = run_.lock();
    return Write();
  }

  Result<void> Write() {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(connection_, body_.WritesAlone() ? TransactionKind::kExclusive
                                                                       : TransactionKind::kWrite));
    const auto start = SteadyClock::now();  // waiting for the lock is no work of this batch
    ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection_));
    ROWSEAL_ASSIGN(const bool holds, HoldsJob(connection_, job_, run_.owner, now));
    if (!holds) {
      return {};  // what was read no longer counts; the next round looks how the job stands
    }
    ROWSEAL_ASSIGN(const BatchOutcome outcome, body_.Write(connection_));
    JobRecord after = job_;
    after.position = outcome.position;
    after.done += outcome.done;
    ROWSEAL_ASSIGN(after.failed, RecordJobFailures(connection_, job_.id, outcome.failures));
    if (outcome.last) {
      after.state = after.failed == 0 ? JobState::kDone : JobState::kFailed;
      after.owner.clear();
    }
    ROWSEAL_TRY(AdvanceJob(connection_, after, now));
    ROWSEAL_TRY(transaction.Commit());
    job_ = std::move(after);
    write_took_ = SteadyClock::now() - start;
    AdaptToTime();
    return {};
  }

  void AdaptToTime() {
    const double wanted = std::chrono::duration<double>(kWrite) / write_took_;
    const auto items = static_cast<double>(limit_.items) * std::clamp(wanted, 0.5, 2.0);
    limit_.items = std::clamp(static_cast<std::size_t>(items), kFewestItems, kMostItems);
  }

  void LetOthersWrite() const {
    const int share = std::clamp(run_.share_percent, 1, 100);
    const auto pause = write_took_ * (100 - share) / share;
    std::this_thread::sleep_for(std::min<SteadyClock::duration>(pause, kLease / 4));
  }

  // Whoever comes next need not wait for the lease to run out; where this fails, it does.
  void Release() {
    const auto lock = run_.lock();
    static_cast<void>(ReleaseJob(connection_, job_.id, run_.owner));
  }

  Connection& connection_;
  JobRecord job_;
  JobBody& body_;
  const JobRun& run_;
  bool is_mine_ = true;
  std::optional<SteadyClock::time_point> failing_since_;
  BatchLimit limit_;
  SteadyClock::duration write_took_{0};
};

}  // namespace

Result<JobRecord> RunJob(Connection& connection, JobRecord job, JobBody& body, const JobRun& run) {
  return Runner(connection, std::move(job), body, run).Run();
}

}  // namespace rowseal
