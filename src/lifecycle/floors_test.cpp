// A compromise is final: what was made before it was declared neither seals nor opens again,
// whoever puts its rows back and whatever processes know only the older set.
#include <gtest/gtest.h>

#include "client/active_dek.h"
#include "lifecycle/compromise_kek.h"
#include "support/findings.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

enum class Declared { kKek, kKekByJob, kRoot };

class Floors : public ::testing::TestWithParam<Declared> {
 protected:
  Floors() : intruder_(store_.path()), live_(store_.Open()), stale_(store_.Open()) {
    Must(Put(live_, "acme", "name", "one"));
    Must(Put(live_, "zeta", "name", "two"));
    Must(live_.AddColumn(Label("field"), ContextKind::kField));
    sealed_ = Must(live_.SealValue(Project("acme"), Label("field"), AsBytes("value")));
    EXPECT_EQ(Must(Get(stale_, "acme", "name")), "one");  // so that it holds the keys
    Must(CreateRootKey(store_.folder() / "spare.key"));
    spare_ = Must(AddRoot(live_, {"file:" + (store_.folder() / "spare.key")})).id;
  }

  // Marks what is declared, and leaves all jobs undone.
  void Declare() {
    switch (GetParam()) {
      case Declared::kKek:
        Must(DeclareCompromised(live_, Must(Status(live_)).active_kek));
        return;
      case Declared::kKekByJob:
        Must(CompromiseKek(live_, Must(Status(live_)).active_kek, 0, {}));
        return;
      case Declared::kRoot:
        Must(MarkRootCompromised(live_, spare_, RootChange::kCarryOut));
        return;
    }
  }
  void Finish() { EXPECT_EQ(Must(RunJobs(live_)).failed, 0); }

  std::int64_t Floor(const std::string& name) {
    return intruder_.Integer("SELECT " + name + "_floor FROM scope_floor WHERE scope = 'default'");
  }
  std::int64_t Epoch() { return intruder_.Integer("SELECT epoch FROM installation"); }
  std::int64_t ActiveBelow() {
    return intruder_.Integer(
        "SELECT count(*) FROM dek WHERE state = 'active' AND purpose = 'secret'"
        " AND born_epoch < (SELECT seal_floor FROM scope_floor)");
  }

  TestStore store_;
  Intruder intruder_;
  Client live_;
  Client stale_;  // knows only what was before
  RootId spare_;
  std::string sealed_;
};

TEST_P(Floors, NothingIsSealedWithWhatWasMadeBeforeFromTheDeclarationOn) {
  const std::int64_t before = Epoch();
  Declare();
  EXPECT_GT(Floor("seal"), before);
  EXPECT_EQ(Floor("values"), 0) << "an operator raises it, who knows of columns without a place";
  const std::int64_t versions = intruder_.Integer("SELECT count(*) FROM secret_version");
  for (Client* client : {&stale_, &live_}) {
    Must(Put(*client, "acme", "name", "again"));
    Must(Put(*client, "fresh", "name", "first"));
    Must(client->SealValue(Project("acme"), Label("field"), AsBytes("new")));
  }
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM secret_version v JOIN dek d ON d.id = v.dek_id"
                              " WHERE d.born_epoch >= (SELECT seal_floor FROM scope_floor)"),
            4);
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM secret_version"), versions + 4);
  Finish();
  EXPECT_EQ(ActiveBelow(), 0);
  EXPECT_EQ(Must(Get(live_, "acme", "name")), "again");
  EXPECT_EQ(Must(Get(live_, "acme", "name", 1)), "one");
  store_.ExpectClean();
}

TEST_P(Floors, SecretsOpenWithItUntilEachIsSealedAgain) {
  const auto unfinished = HasFinding(Severity::kWarning, "key_states", "not every secret");
  Declare();
  EXPECT_EQ(Floor("secrets"), 0);
  EXPECT_THAT(Diagnose(store_.Options()), unfinished);
  Finish();
  EXPECT_THAT(Diagnose(store_.Options()), ::testing::Not(unfinished));
  EXPECT_EQ(Floor("secrets"), Floor("seal"));
  EXPECT_EQ(Must(Get(live_, "zeta", "name")), "two");
  EXPECT_EQ(TextOf(Must(live_.OpenValue(Project("acme"), Label("field"), sealed_))), "value")
      << "a value of which no place is known opens until an operator says otherwise";
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM audit_log WHERE action = 'key.floor'"), 1);
}

// The row of the exposed DEK, active as it was, in the place of the new one.
TEST_P(Floors, AnExposedDekPutBackSealsNothingAndOpensNoSecret) {
  const std::vector<Row> deks = intruder_.Table("dek");
  const std::vector<Row> versions = intruder_.Table("secret_version");
  const std::vector<Row> macs = intruder_.Table("version_mac");
  Declare();
  Finish();
  intruder_.Restore("dek", deks);
  intruder_.Restore("secret_version", versions);
  intruder_.Restore("version_mac", macs);
  Client fresh = store_.Open();
  for (Client* client : {&live_, &fresh}) {
    EXPECT_THAT(Get(*client, "acme", "name"), ::testing::Not(Succeeds()));
    const auto stored = Put(*client, "acme", "forged", "x");
    if (stored) {
      EXPECT_EQ(ActiveBelow(), 1) << "acme's was replaced, zeta's waits";
    }
  }
  EXPECT_FALSE(VerifyFailures(fresh).empty());
}

// What does not open keeps the floor down: a backup may still hold it.
TEST_P(Floors, ADamagedSecretKeepsItsWayBackUntilItIsRestoredOrDeleted) {
  const Bytes data =
      intruder_.Blob("SELECT encrypted_data FROM secret_version WHERE project_id = 'zeta'");
  intruder_.Run("UPDATE secret_version SET encrypted_data = $1 WHERE project_id = 'zeta'",
                {Bytes(data.size(), 0)});
  Declare();
  EXPECT_GT(Must(RunJobs(live_)).failed, 0);
  EXPECT_EQ(Floor("secrets"), 0);
  if (GetParam() == Declared::kRoot) {
    Must(live_.Delete(Project("zeta"), Named("name")));
  } else {
    intruder_.Run("UPDATE secret_version SET encrypted_data = $1 WHERE project_id = 'zeta'",
                  {data});
  }
  Finish();
  EXPECT_EQ(Floor("secrets"), Floor("seal"));
  if (GetParam() != Declared::kRoot) {
    EXPECT_EQ(Must(Get(live_, "zeta", "name")), "two");
  }
  store_.ExpectClean();
}

// A DEK that was made with the set from before arrives after the declaration.
TEST_P(Floors, ADekMadeBeforeIsNotKeptAfterwards) {
  Session& session = SessionOf(stale_);
  const ProjectId project = Project("late");
  const std::shared_ptr<const Kek> kek = Must(KekForNewDeks(session, project));
  DekRecord made =
      Must(MakeDek(session, project, DekPurpose::kSecret, *kek, session.keyring().epoch()));
  Declare();
  DekInsert::Request insert{.project = project,
                            .id = made.id,
                            .kek = made.kek,
                            .purpose = made.purpose,
                            .suite = made.suite,
                            .check_value = made.check_value,
                            .wrapped_key = made.wrapped_key,
                            .row_tag = made.row_tag,
                            .born_epoch = made.born_epoch,
                            .replaced = {}};
  EXPECT_FALSE(Must(Ask(ConnectionOf(stale_), insert)).has_value());
  // Nor when it claims to be of now: its tag says when it was made.
  insert.born_epoch = Epoch();
  insert.kek = Must(Status(live_)).active_kek;
  const auto kept = Ask(ConnectionOf(stale_), insert);
  if (kept && *kept) {
    EXPECT_THAT(Put(live_, "late", "name", "x"), FailsWith(ErrorCode::kIntegrity));
  }
}

TEST_P(Floors, ARaisedFloorCannotBeLoweredOrDeleted) {
  Declare();
  Finish();
  for (const std::string change :
       {"UPDATE scope_floor SET seal_floor = 0", "UPDATE scope_floor SET secrets_floor = 0",
        "UPDATE scope_floor SET values_floor = 1", "UPDATE scope_floor SET scope = 'other'",
        "DELETE FROM scope_floor", "INSERT INTO scope_floor VALUES ('other', 1, 1, 1)"}) {
    const std::vector<Row> floors = intruder_.Table("scope_floor");
    intruder_.Run(change);
    EXPECT_THAT(store_.TryOpen(), FailsWith(ErrorCode::kIntegrity)) << change;
    intruder_.Restore("scope_floor", floors);
    EXPECT_THAT(store_.TryOpen(), Succeeds()) << change;
  }
}

TEST_P(Floors, ADekThatClaimsALaterBirthIsRefused) {
  intruder_.Run("UPDATE dek SET born_epoch = 1000000");
  Client fresh = store_.Open();
  EXPECT_THAT(Get(fresh, "acme", "name"), FailsWith(ErrorCode::kIntegrity));
  intruder_.Run("UPDATE dek SET born_epoch = 1");
}

INSTANTIATE_TEST_SUITE_P(All, Floors,
                         ::testing::Values(Declared::kKek, Declared::kKekByJob, Declared::kRoot),
                         [](const auto& declared) {
                           return std::string(declared.param == Declared::kKek        ? "Kek"
                                              : declared.param == Declared::kKekByJob ? "KekByJob"
                                                                                      : "Root");
                         });

}  // namespace
}  // namespace rowseal::testing
