#include "lifecycle/policies.h"

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
constexpr hours kDay{24};
constexpr hours kYear = 365 * kDay;

TEST(PolicyDurations, ReadWhatIsDocumentedAndNothingElse) {
  EXPECT_EQ(Must(ParsePolicyDuration("90d")), PolicyDuration(90 * kDay));
  EXPECT_EQ(Must(ParsePolicyDuration("24h")), PolicyDuration(kDay));
  EXPECT_EQ(Must(ParsePolicyDuration("30m")), PolicyDuration(seconds(1800)));
  EXPECT_EQ(Must(ParsePolicyDuration("0s")), PolicyDuration(seconds(0)));
  EXPECT_EQ(Must(ParsePolicyDuration("never")), PolicyDuration());
  for (const std::string text : {"", "d", "90", "-1d", "+1d", "1.5h", "1 d", "1w", "1dd", "36501d",
                                 "99999999999999999999s", "Never", "9223372036854775807d"}) {
    EXPECT_THAT(ParsePolicyDuration(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

class Schedule : public ::testing::Test {
 protected:
  // A client whose store says that it is `now_`; its own clock is somewhere else altogether.
  Client OpenAt(hours own_clock) {
    StoreOptions options = store_.Options();
    options.client.clock = [this, own_clock] { return now_ + own_clock; };
    Client client = Must(OpenStore(options));
    UseStoreClock(ConnectionOf(client), [this] { return now_; });
    return client;
  }
  std::int64_t Keks() {
    return Intruder(store_.path()).Integer("SELECT count(*) FROM kek WHERE purpose = 'wrap'");
  }

  TestStore store_;
  Timestamp now_ =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
};

TEST_F(Schedule, RotatesWhenTheStoresClockSaysSoWhateverTheMachinesSay) {
  for (const hours own : {hours(0), kDay, -kDay, 10 * kYear, -10 * kYear}) {
    Client client = OpenAt(own);
    EXPECT_FALSE(Must(RotateKekIfDue(client)).has_value());
  }
  now_ += kYear + kDay;
  int rotated = 0;
  for (const hours own : {10 * kYear, -10 * kYear, kDay, -kDay, hours(0)}) {
    Client client = OpenAt(own);
    rotated += Must(RotateKekIfDue(client)) ? 1 : 0;
  }
  EXPECT_EQ(rotated, 1);
  EXPECT_EQ(Keks(), 2);
}

TEST_F(Schedule, AtMostOneDueRotationInTheMinimumInterval) {
  Client client = OpenAt(hours(0));
  Must(SetPolicy(client, "kek.max_age", "1s"));
  Must(SetPolicy(client, "rotation.min_interval", "24h"));
  now_ += kDay + seconds(1);
  EXPECT_TRUE(Must(RotateKekIfDue(client)).has_value());
  now_ += kDay - seconds(1);
  EXPECT_FALSE(Must(RotateKekIfDue(client)).has_value());
  now_ += seconds(1);
  EXPECT_TRUE(Must(RotateKekIfDue(client)).has_value());
  Must(RotateKek(client));  // an explicit one always rotates
  EXPECT_EQ(Keks(), 4);
  EXPECT_FALSE(Must(RotateKekIfDue(client)).has_value());
}

// A store's clock that was wrong once must neither rotate over and over nor go unnoticed.
TEST_F(Schedule, AStoresClockThatRanBackwardsRotatesNothingAndSaysSo) {
  int warned = 0;
  StoreOptions options = store_.Options();
  options.client.observer = std::make_shared<Observer>(
      [&](const LogEvent& event) { warned += event.name == "clock_behind_keys" ? 1 : 0; });
  Client client = Must(OpenStore(options));
  UseStoreClock(ConnectionOf(client), [this] { return now_; });
  now_ += 10 * kYear;
  EXPECT_TRUE(Must(RotateKekIfDue(client)).has_value());
  now_ -= 10 * kYear;
  for (int i = 0; i < 3; ++i) {
    now_ += 2 * kDay;
    EXPECT_FALSE(Must(RotateKekIfDue(client)).has_value());
  }
  EXPECT_EQ(warned, 3);
  EXPECT_EQ(Keks(), 2);
}

TEST_F(Schedule, NeverMeansNever) {
  Client client = OpenAt(hours(0));
  Must(SetPolicy(client, "kek.max_age", "never"));
  now_ += 90 * kYear;
  EXPECT_FALSE(Must(RotateKekIfDue(client)).has_value());
}

TEST_F(Schedule, MaintainRotatesDeksThatAreDueAndSealsAgain) {
  Client client = OpenAt(hours(0));
  Must(Put(client, "old", "name", "one"));
  now_ += kYear;
  Must(Put(client, "new", "name", "two"));
  now_ += kYear + kDay;
  Must(SetPolicy(client, "kek.max_age", "never"));
  const MaintainReport report = Must(Maintain(client));
  EXPECT_EQ(report.jobs.failed, 0);
  Intruder intruder(store_.path());
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM dek WHERE project_id = 'old'"), 2);
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM dek WHERE project_id = 'new'"), 1);
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM secret_version v JOIN dek d ON d.id = v.dek_id"
                             " WHERE d.state <> 'active'"),
            0);
  const std::string before = store_.Content();
  EXPECT_TRUE(Must(Maintain(client)).jobs.jobs.empty());
  EXPECT_EQ(store_.Content(), before);
  EXPECT_EQ(Must(Get(client, "old", "name")), "one");
  store_.ExpectClean();
}

// Each policy in turn holds no duration: what goes by it waits and is named, the rest is done.
TEST_F(Schedule, ABadPolicyHoldsUpOnlyWhatGoesByIt) {
  for (const Policy bad : kEveryPolicy) {
    TestStore store;
    const std::string name(PolicyName(bad));
    StoreOptions options = store.Options();
    options.client.clock = [this] { return now_; };
    Client client = Must(OpenStore(options));
    UseStoreClock(ConnectionOf(client), [this] { return now_; });
    Must(Put(client, "p", "name", "value"));
    Must(SetPolicy(client, name, "1d"));
    Intruder intruder(store.path());
    intruder.Run("UPDATE policy SET value = 'soon'");
    now_ += 3 * kYear;
    const MaintainReport report = Must(Maintain(client));
    ASSERT_EQ(report.jobs.unreadable.size(), 1U) << name;
    EXPECT_EQ(report.jobs.unreadable.front().row, "policy " + name);
    const bool rotates_kek = bad != Policy::kKekMaxAge && bad != Policy::kRotationMinInterval;
    const bool rotates_dek = bad != Policy::kDekMaxAge && bad != Policy::kRotationMinInterval;
    EXPECT_EQ(report.kek_rotation.has_value(), rotates_kek) << name;
    EXPECT_EQ(intruder.Integer("SELECT count(*) FROM dek WHERE project_id = 'p'"),
              rotates_dek ? 2 : 1)
        << name;
    EXPECT_EQ(Must(Get(client, "p", "name")), "value");
    Must(SetPolicy(client, name, "1d"));
    const MaintainReport again = Must(Maintain(client));
    EXPECT_TRUE(again.jobs.unreadable.empty()) << name;
    EXPECT_EQ(intruder.Integer("SELECT count(*) FROM dek WHERE project_id = 'p'"
                               " AND state = 'active'"),
              1)
        << name;
    now_ -= 3 * kYear;
  }
}

TEST_F(Schedule, PoliciesAreCheckedWhenSetAndWhenRead) {
  Client client = OpenAt(hours(0));
  EXPECT_THAT(SetPolicy(client, "kek.age", "1d"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(SetPolicy(client, "kek.max_age", "soon"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(SetPolicy(client, "kek.max_age", "0s"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(SetPolicy(client, "rotation.min_interval", "never"),
              FailsWith(ErrorCode::kInvalidArgument));
  Must(SetPolicy(client, "kek.max_age", "90d"));
  const Listing<PolicySetting> policies = Must(Policies(client));
  EXPECT_EQ(policies.size(), 7U);
  EXPECT_EQ(policies.front().value, "90d");
  EXPECT_FALSE(policies.front().is_default);
  Intruder(store_.path()).Run("UPDATE policy SET value = 'soon'");
  EXPECT_THAT(RotateKekIfDue(client), FailsWith(ErrorCode::kIntegrity));
}

}  // namespace
}  // namespace rowseal::testing
