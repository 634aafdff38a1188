#include "jobs/job_runner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

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
  Runner(Client& client, JobRecord job, JobBody& body, const JobRun& run)
      : client_(client), job_(std::move(job)), body_(body), run_(run) {}

  Result<JobRecord> Run() {
    while (is_mine_ && job_.state == JobState::kReady) {
      Result<void> batch = RunBatch();
      if (!batch && MayTryAgain(batch.error())) {
        std::this_thread::sleep_for(kLookAgain);
        continue;
      }
      if (!batch) {
        ReleaseJobOf(client_, job_.id, run_);
        return tl::unexpected(std::move(batch).error());
      }
      failing_since_.reset();
      if (is_mine_ && run_.on_batch && !run_.on_batch(job_)) {
        ReleaseJobOf(client_, job_.id, run_);
        break;
      }
      if (is_mine_ && job_.state == JobState::kReady) {
        LetOthersWrite();
      }
    }
    return ReadStore(client_,
                     [&](StoreRead& store) { return ReadJob(store.connection(), job_.id); });
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
    ROWSEAL_TRY(ReadTrusted(client_, [&](TrustedRead& read) { return Read(read); }));
    if (!is_mine_) {
      return {};
    }
    ROWSEAL_TRY(body_.Work());
    const ChangeKind::Locks locks =
        body_.WritesAlone() ? ChangeKind::Locks::kStore : ChangeKind::Locks::kRows;
    ROWSEAL_ASSIGN(std::optional<JobRecord> after,
                   ChangeStore(client_, run_.access, [&](Change& change) { return Write(change); },
                               {locks, ChangeKind::Entry::kNone}));
    if (after) {  // else the next round looks how the job stands
      job_ = std::move(*after);
      write_took_ = SteadyClock::now() - write_began_;
      AdaptToTime();
    }
    return {};
  }

  Result<void> Read(TrustedRead& read) {
    ROWSEAL_ASSIGN(job_, ReadJob(read.connection(), job_.id));
    is_mine_ = job_.state == JobState::kReady && job_.owner == run_.owner;
    if (!is_mine_) {
      return {};
    }
    if (!job_.started_at) {
      ROWSEAL_ASSIGN(job_.started_at, read.Now());
    }
    if (job_.position.empty()) {
      ROWSEAL_ASSIGN(job_.total, body_.Count(read));
    }
    return body_.Read(read, job_.position, limit_);
  }

  // The job as it stands after the batch; nothing where what was read no longer counts.
  Result<std::optional<JobRecord>> Write(Change& change) {
    write_began_ = SteadyClock::now();  // waiting for the lock is no work of this batch
    Connection& connection = change.connection();
    ROWSEAL_ASSIGN(const Timestamp now, change.Now());
    ROWSEAL_ASSIGN(const bool holds, HoldsJob(connection, job_, run_.owner, now));
    if (!holds) {
      change.NothingToDo();
      return std::nullopt;
    }
    ROWSEAL_ASSIGN(const BatchOutcome outcome, body_.Write(change));
    JobRecord after = job_;
    after.position = outcome.position;
    after.done += outcome.done;
    ROWSEAL_ASSIGN(after.failed, RecordJobFailures(connection, job_.id, outcome.failures));
    if (outcome.last) {
      after.state = after.failed == 0 ? JobState::kDone : JobState::kFailed;
      after.owner.clear();
    }
    ROWSEAL_TRY(AdvanceJob(connection, after, now));
    return after;
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

  Client& client_;
  JobRecord job_;
  JobBody& body_;
  const JobRun& run_;
  bool is_mine_ = true;
  std::optional<SteadyClock::time_point> failing_since_;
  BatchLimit limit_;
  SteadyClock::time_point write_began_;
  SteadyClock::duration write_took_{0};
};

}  // namespace

Result<Claim> ClaimJobFor(Client& client, JobId job, const JobRun& run) {
  return ChangeStore(client, run.access,
                     [&](Change& change) -> Result<Claim> {
                       ROWSEAL_ASSIGN(const Timestamp now, change.Now());
                       return ClaimJob(change.connection(), job, run.owner, now);
                     },
                     {.entry = ChangeKind::Entry::kNone});
}

void ReleaseJobOf(Client& client, JobId job, const JobRun& run) {
  static_cast<void>(ReadStore(
      client, [&](StoreRead& store) { return ReleaseJob(store.connection(), job, run.owner); }));
}

Result<JobRecord> RunJob(Client& client, JobRecord job, JobBody& body, const JobRun& run) {
  return Runner(client, std::move(job), body, run).Run();
}

}  // namespace rowseal
