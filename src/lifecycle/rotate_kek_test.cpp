// A rotation of more DEKs than fit one transaction: a job rewraps them, and everything goes on.
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr int kProjects = 10'001;  // one DEK each; lifecycle.h: over 10,000 are a job's

std::string NameOf(int project) { return "p" + std::to_string(project); }

class LargeRotation : public ::testing::Test {
 protected:
  LargeRotation() {
    Client client = store_.Open();
    Must(ConnectionOf(client).Begin(TransactionKind::kWrite));
    for (int project = 0; project < kProjects; ++project) {
      Must(Put(client, NameOf(project), "name", NameOf(project)));
    }
    Must(ConnectionOf(client).Commit());
  }

  std::int64_t DeksNotUnder(KekId kek) {
    return Intruder(store_.path())
        .Integer("SELECT count(*) FROM dek WHERE kek_id <> $1", {kek.value});
  }
  static void ExpectReads(Client& client) {
    for (int project = 0; project < kProjects; project += 97) {
      EXPECT_EQ(Must(Get(client, NameOf(project), "name")), NameOf(project));
    }
  }

  TestStore store_;
};

TEST_F(LargeRotation, IsAJobsAndASecondOneMayBeginBeforeItHasEnded) {
  Client client = store_.Open();
  const RotationReport first = Must(RotateKek(client));
  ASSERT_TRUE(first.job.has_value());
  EXPECT_EQ(first.rewrapped, 0);
  EXPECT_EQ(DeksNotUnder(first.new_kek), kProjects);
  ExpectReads(client);
  Must(Put(client, "p0", "name", "newer"));     // under a DEK whose KEK was just deactivated
  Must(Put(client, "fresh", "name", "fresh"));  // a new DEK comes under the new KEK
  Must(Put(client, "p0", "name", NameOf(0)));

  RunJobsOptions one_batch;
  one_batch.on_progress = [](const JobSummary&) { return false; };
  Must(RunJobs(client, one_batch));
  EXPECT_LT(DeksNotUnder(first.new_kek), kProjects);
  EXPECT_GT(DeksNotUnder(first.new_kek), 0);

  const RotationReport second = Must(RotateKek(client));
  EXPECT_EQ(second.job, first.job);
  const JobsReport report = Must(RunJobs(client));
  EXPECT_EQ(report.failed, 0);
  EXPECT_EQ(DeksNotUnder(second.new_kek), 0);
  EXPECT_EQ(report.jobs.front().done, kProjects + 1);
  ExpectReads(client);
  EXPECT_EQ(Must(Get(client, "fresh", "name")), "fresh");
  store_.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
