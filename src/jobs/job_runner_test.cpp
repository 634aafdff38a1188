#include "jobs/job_runner.h"

#include <unistd.h>

#include <sys/wait.h>

#include "crypto/random.h"
#include "jobs/job_table.h"
#include "jobs/lease_owner.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr Timestamp kStart{std::chrono::hours(24 * 365 * 50)};

// Counts to `until` in the table of policies, one row an item, so that a batch done twice shows.
class CountingBody final : public JobBody {
 public:
  explicit CountingBody(std::int64_t until) : until_(until) {}

  Result<std::int64_t> Count(TrustedRead& /*read*/) override { return until_; }
  Result<void> Read(TrustedRead& /*read*/, const std::string& position,
                    const BatchLimit& limit) override {
    first_ = position.empty() ? 0 : std::stoll(position);
    last_ = std::min(until_, first_ + static_cast<std::int64_t>(limit.items));
    return {};
  }
  Result<void> Work() override {
    if (on_work) {
      on_work(first_);
    }
    return {};
  }
  Result<BatchOutcome> Write(Change& change) override {
    BatchOutcome outcome;
    for (std::int64_t item = first_; item < last_; ++item) {
      if (item == poison) {
        outcome.failures.push_back({"item " + std::to_string(item), "does not open"});
        continue;
      }
      ROWSEAL_TRY(change.connection().Execute(
          Statement::Sql("INSERT INTO rowseal.policy (name, value, changed_at) VALUES ($1, 'x', 0)",
                         {std::to_string(item)})));
      ++outcome.done;
    }
    if (fail_at == first_) {
      return Fail(ErrorCode::kUnavailable, "injected failure");
    }
    outcome.position = std::to_string(last_);
    outcome.last = first_ == last_;
    return outcome;
  }

  std::function<void(std::int64_t)> on_work;
  std::int64_t poison = -1;
  std::int64_t fail_at = -1;

 private:
  const std::int64_t until_;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

class JobRunner : public ::testing::Test {
 protected:
  JobRunner() : connection_(OpenAtNow()), client_(Must(store_.Connect(OpenAtNow()))) {
    id_ = Start();
  }

  std::unique_ptr<Connection> OpenAtNow() {
    std::unique_ptr<Connection> connection = OpenTestConnection(store_.path());
    UseStoreClock(*connection, [this] { return now_; });
    return connection;
  }

  JobId Start() {
    JobId id;
    Must(FillRandom(id.bytes));
    return Must(StartJob(*connection_, {id, "count", "", ""}, now_));
  }
  JobRecord Job() { return Must(ReadJob(*connection_, id_)); }
  Claim TryClaim(const std::string& owner) {
    return Must(ClaimJob(*connection_, id_, owner, now_));
  }
  Result<JobRecord> Run(JobBody& body, std::function<bool(const JobRecord&)> on_batch = {}) {
    return RunJob(client_, Job(), body, {"me", {}, std::move(on_batch), 100});
  }
  std::int64_t Counted() {
    return std::get<std::int64_t>(
        Must(connection_->Execute(Statement::Sql("SELECT count(*) FROM rowseal.policy")))
            .rows.front()
            .front());
  }

  TestStore store_;
  Timestamp now_ = kStart;
  std::unique_ptr<Connection> connection_;
  Client client_;
  JobId id_;
};

TEST_F(JobRunner, DoesEveryItemOnceAndEnds) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(1000);
  const JobRecord job = Must(Run(body));
  EXPECT_EQ(job.state, JobState::kDone);
  EXPECT_EQ(job.done, 1000);
  EXPECT_EQ(job.total, 1000);
  EXPECT_EQ(job.owner, "");
  EXPECT_EQ(Counted(), 1000);
}

TEST_F(JobRunner, QuarantinesAPoisonedItemAndTriesItAgainInTheNextRun) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(100);
  body.poison = 37;
  JobRecord job = Must(Run(body));
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.done, 99);
  EXPECT_EQ(job.failed, 1);
  EXPECT_EQ(Must(ReadJobFailures(*connection_, id_, 10)).front().item, "item 37");

  Must(connection_->Execute(Statement::Sql("DELETE FROM rowseal.policy")));
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  EXPECT_EQ(Job().run, 2);
  EXPECT_EQ(Job().position, "");
  body.poison = -1;
  job = Must(Run(body));
  EXPECT_EQ(job.state, JobState::kDone);
  EXPECT_EQ(job.failed, 0);
  EXPECT_TRUE(Must(ReadJobFailures(*connection_, id_, 10)).empty());
}

TEST_F(JobRunner, AnErrorLeavesWhatWasCommittedAndGivesTheLeaseBack) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(1000);
  body.fail_at = 64;
  EXPECT_THAT(Run(body), FailsWith(ErrorCode::kUnavailable));
  EXPECT_EQ(Job().owner, "");
  EXPECT_EQ(Job().position, "64");
  EXPECT_EQ(Counted(), 64);
  body.fail_at = -1;
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  EXPECT_EQ(Must(Run(body)).done, 1000);
  EXPECT_EQ(Counted(), 1000);
}

TEST_F(JobRunner, StopsWhenAskedAndGoesOnLater) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(1000);
  const JobRecord stopped = Must(Run(body, [](const JobRecord&) { return false; }));
  EXPECT_EQ(stopped.state, JobState::kReady);
  EXPECT_EQ(stopped.owner, "");
  EXPECT_GT(stopped.done, 0);
  EXPECT_LT(stopped.done, 1000);
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  EXPECT_EQ(Must(Run(body)).done, 1000);
}

TEST_F(JobRunner, IsStoppedByAPauseAndByACancel) {
  for (const JobState to : {JobState::kPaused, JobState::kCancelled}) {
    Must(connection_->Execute(Statement::Sql("DELETE FROM rowseal.policy")));
    id_ = Start();
    ASSERT_EQ(TryClaim("me"), Claim::kTaken);
    CountingBody body(1000);
    bool moved = false;
    body.on_work = [&](std::int64_t first) {
      if (first == 64 && !std::exchange(moved, true)) {
        Must(MoveJob(*connection_, id_, to, now_));
      }
    };
    EXPECT_EQ(Must(Run(body)).state, to);
    EXPECT_EQ(Counted(), 64) << "a batch was written behind the stop";
    EXPECT_EQ(TryClaim("me"), Claim::kNotRunnable);
    if (to == JobState::kPaused) {
      Must(MoveJob(*connection_, id_, JobState::kReady, now_));
      ASSERT_EQ(TryClaim("me"), Claim::kTaken);
      EXPECT_EQ(Must(Run(body)).done, 1000);
    } else {
      EXPECT_THAT(MoveJob(*connection_, id_, JobState::kReady, now_),
                  FailsWith(ErrorCode::kRefusedByState));
    }
  }
}

// The batch that was read before the job began again must not move its position.
TEST_F(JobRunner, DiscardsABatchThatWasReadBeforeTheJobBeganAgain) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(100);
  int from_the_beginning = 0;
  body.on_work = [&](std::int64_t first) {
    from_the_beginning += first == 0 ? 1 : 0;
    if (from_the_beginning == 1) {
      EXPECT_EQ(Start(), id_);
    }
  };
  const JobRecord job = Must(Run(body));
  EXPECT_EQ(job.run, 2);
  EXPECT_EQ(from_the_beginning, 2);
  EXPECT_EQ(job.done, 100);
  EXPECT_EQ(Counted(), 100);
}

TEST_F(JobRunner, ALeaseIsKeptFromOthersUntilItRunsOut) {
  ASSERT_EQ(TryClaim("a machine far away"), Claim::kTaken);
  EXPECT_EQ(TryClaim("me"), Claim::kHeldByOther);
  now_ += kLease - std::chrono::microseconds(1);
  EXPECT_EQ(TryClaim("me"), Claim::kHeldByOther);
  now_ += std::chrono::microseconds(1);
  EXPECT_EQ(TryClaim("me"), Claim::kTaken);
}

TEST_F(JobRunner, WhoLostItsLeaseWritesNothingMore) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(1000);
  body.on_work = [&](std::int64_t first) {
    if (first == 64) {
      now_ += kLease;
      EXPECT_EQ(TryClaim("another"), Claim::kTaken);
    }
  };
  const JobRecord job = Must(Run(body));
  EXPECT_EQ(job.owner, "another");
  EXPECT_EQ(job.position, "64");
  EXPECT_EQ(Counted(), 64);
}

TEST_F(JobRunner, RenewsItsLeaseWithEveryBatch) {
  ASSERT_EQ(TryClaim("me"), Claim::kTaken);
  CountingBody body(1000);
  body.on_work = [&](std::int64_t) { now_ += kLease - std::chrono::seconds(1); };
  EXPECT_EQ(Must(Run(body)).done, 1000);
}

TEST(LeaseOwner, ThisProcessLivesAndAnEndedOneIsDead) {
  EXPECT_FALSE(LeaseOwnerIsDead(Must(NewLeaseOwner())));
  EXPECT_NE(Must(NewLeaseOwner()), Must(NewLeaseOwner()));
  EXPECT_FALSE(LeaseOwnerIsDead("some/other/machine/1/2"));
  EXPECT_FALSE(LeaseOwnerIsDead(""));

  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string owner = Must(NewLeaseOwner());
    _exit(write(ends[1], owner.data(), owner.size()) > 0 ? 0 : 1);
  }
  close(ends[1]);
  std::array<char, 256> text{};
  const ssize_t size = read(ends[0], text.data(), text.size());
  close(ends[0]);
  ASSERT_GT(size, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  const std::string owner(text.data(), static_cast<std::size_t>(size));
  EXPECT_TRUE(LeaseOwnerIsDead(owner));
  // The same pid, started at another time, is another process.
  std::string mine = Must(NewLeaseOwner());
  const std::size_t random = mine.rfind('/');
  const std::size_t started = mine.rfind('/', random - 1);
  EXPECT_TRUE(LeaseOwnerIsDead(mine.substr(0, started) + "/1" + mine.substr(random)));
}

TEST_F(JobRunner, ADeadOwnerOfThisMachineIsTakenOverAtOnce) {
  std::string dead = Must(NewLeaseOwner());
  const std::size_t random = dead.rfind('/');
  const std::size_t started = dead.rfind('/', random - 1);
  dead = dead.substr(0, started) + "/1" + dead.substr(random);
  ASSERT_EQ(TryClaim(dead), Claim::kTaken);
  EXPECT_EQ(TryClaim("me"), Claim::kTaken);
}

TEST(JobStates, ReadTheirOwnTextOnly) {
  for (const JobState state : {JobState::kReady, JobState::kPaused, JobState::kDone,
                               JobState::kFailed, JobState::kCancelled}) {
    EXPECT_EQ(Must(ParseJobState(ToText(state))), state);
  }
  EXPECT_THAT(ParseJobState("running"), FailsWith(ErrorCode::kIntegrity));
}

}  // namespace
}  // namespace rowseal::testing
