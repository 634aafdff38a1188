// Keys are destroyed while others seal: whatever wins, no version is left without its key.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kRounds = 12;  // each a race of every writer with every destruction
constexpr std::size_t kWriters = 3;
constexpr std::size_t kVersions = 5;  // of a secret, then it begins anew

TEST(DestroyedKeys, LeaveNoOrphanWhileOthersSeal) {
  TestStore store;
  Client client = store.Open();
  Must(SetPolicy(client, "destroy.wait", "0s"));
  Must(SetPolicy(client, "dek.destroy_after", "0s"));
  Must(Put(client, "acme", "first", "value"));
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  std::vector<std::size_t> stored(kWriters, 0);
  std::vector<std::string> errors(kWriters);
  for (std::size_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      Client own = store.Open();
      const std::string name = "name" + std::to_string(writer);
      while (!stop) {
        const std::string value = std::to_string(stored[writer] + 1);
        if (const auto put = Put(own, "acme", name, value); !put) {
          errors[writer] = put.error().message;
          return;
        }
        if (++stored[writer] % kVersions == 0) {
          Must(own.Delete(Project("acme"), Named(name)));
        }
      }
      Must(Put(own, "acme", name, std::to_string(stored[writer])));
    });
  }
  std::int64_t keks = 0;
  std::int64_t deks = 0;
  for (std::size_t round = 0; round < Scaled(kRounds, 100); ++round) {
    Must(RotateDeks(client, Project("acme")));
    const KekId old_kek = Must(RotateKek(client)).old_kek;
    RunJobsOptions options;
    options.share_percent = 100;
    EXPECT_EQ(Must(RunJobs(client, options)).failed, 0);
    deks += Must(DestroyDueKeys(client)).deks;
    keks += Must(DestroyKek(client, old_kek)).destroyed ? 1 : 0;
  }
  stop = true;
  for (std::thread& thread : writers) {
    thread.join();
  }
  EXPECT_EQ(keks, static_cast<std::int64_t>(Scaled(kRounds, 100)));
  EXPECT_GT(deks, 0);
  for (std::size_t writer = 0; writer < kWriters; ++writer) {
    EXPECT_EQ(errors[writer], "");
    EXPECT_GT(stored[writer], 0U);
    EXPECT_EQ(Must(Get(client, "acme", "name" + std::to_string(writer))),
              std::to_string(stored[writer]));
  }
  Intruder intruder(store.path());
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM secret_version v WHERE NOT EXISTS (SELECT 1"
                             " FROM dek d WHERE d.project_id = v.project_id AND d.id = v.dek_id)"),
            0);
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM destroyed_key"), keks + deks);
  store.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
