// Each defect of keys, columns, jobs and policies that `doctor` looks for is planted into a store,
// and its finding appears; with what the finding says to do, it goes.
#include <filesystem>

#include <rowseal/jobs.h>
#include <rowseal/policy.h>

#include "base/clock.h"
#include "client/random_ids.h"
#include "client/session.h"
#include "jobs/job_table.h"
#include "jobs/lease_owner.h"
#include "lifecycle/job_kinds.h"
#include "store/trust_rows.h"
#include "support/findings.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::Not;

class DoctorOfKeys : public ::testing::Test {
 protected:
  Client Open(const StoreOptions& options) {
    Client client = Must(OpenStore(options));
    UseStoreClock(ConnectionOf(client), [this] { return now_; });
    return client;
  }
  // Everything goes by one clock; that doctor asks the store's shows where it differs.
  Client OpenAtNow() {
    StoreOptions options = store_.Options();
    options.client.clock = [this] { return now_; };
    return Open(options);
  }
  std::vector<Finding> Look() { return Must(Diagnose(client_)); }
  JobId OnlyJob() { return Must(ListJobs(client_)).front().id; }
  void SetOwner(const std::string& owner, hours lease) {
    Intruder(store_.path())
        .Run("UPDATE job SET owner = $1, lease_until = $2",
             {owner, (now_ + lease).time_since_epoch().count()});
  }

  TestStore store_;
  Timestamp now_ = SystemClock();
  Client client_ = OpenAtNow();
};

TEST_F(DoctorOfKeys, HealthyStoreIsOkAndLookingChangesNothing) {
  Must(Put(client_, "acme", "name", "value"));
  const std::string before = store_.ContentWithAudit();
  const std::vector<Finding> findings = Look();
  EXPECT_EQ(store_.ContentWithAudit(), before);
  EXPECT_EQ(findings.size(), 13U);
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "epoch", "no state folder"));
  for (const char* check :
       {"roots", "recovery_drill", "kek_age", "key_states", "kek_use", "key_times", "dek_age",
        "dek_use", "drained", "columns", "jobs", "policies"}) {
    EXPECT_THAT(findings, HasFinding(Severity::kOk, check, ""));
  }
}

TEST_F(DoctorOfKeys, KekIsOldByPolicyAndTheStoresClock) {
  now_ += days(364);
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "kek_age", "is 364 days old"));
  now_ += days(1);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "kek_age",
                                 "is 365 days old; policy kek.max_age is 365d"));
  Must(SetPolicy(client_, "kek.max_age", "400d"));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "kek_age", "400d"));
  Must(SetPolicy(client_, "kek.max_age", "36h"));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "kek_age", "36h"));
  Must(RotateKek(client_));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "kek_age", "KEK 3 is 0 days old"));
}

TEST_F(DoctorOfKeys, ClockOfWhoLooksIsNotAsked) {
  StoreOptions options = store_.Options();
  options.client.clock = [this] { return now_ + days(4000); };
  Client client = Open(options);
  EXPECT_THAT(Must(Diagnose(client)), HasFinding(Severity::kOk, "kek_age", "is 0 days old"));
}

TEST_F(DoctorOfKeys, OldDeksAreCountedAndTheOldestIsNamed) {
  Must(Put(client_, "old", "name", "value"));
  now_ += days(1);
  Must(Put(client_, "less", "name", "value"));
  now_ += days(700);
  Must(Put(client_, "new", "name", "value"));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "dek_age", "730d"));
  now_ += days(30);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "dek_age",
                                 "1 active DEK older than policy dek.max_age, 730d; the oldest, of"
                                 " project 'old', is 731 days old"));
  now_ += days(1);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "dek_age", "2 active DEKs older"));
  Must(RotateDeks(client_, {}));
  Must(RunJobs(client_));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "dek_age", ""));
}

TEST_F(DoctorOfKeys, KeysOfTheFutureAreNamedBecauseNothingBecomesDueByThem) {
  Must(Put(client_, "acme", "name", "value"));
  now_ -= std::chrono::minutes(4);
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "key_times", ""));
  now_ -= hours(1);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "key_times", "no KEK becomes due before"));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "key_times", "first of project 'acme'"));
  Must(RotateDeks(client_, Project("acme")));
  EXPECT_THAT(Look(), Not(HasFinding(Severity::kWarning, "key_times", "acme")));
}

TEST_F(DoctorOfKeys, DeactivatedKekThatStillWrapsIsNamed) {
  Must(Put(client_, "acme", "name", "value"));
  Intruder intruder(store_.path());
  const std::vector<Row> before = intruder.Table("dek");
  Must(RotateKek(client_));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "kek_use", ""));
  intruder.Restore("dek", before);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "kek_use",
                                 "is deactivated and still wraps 1 DEK, first of project 'acme'"));
  Must(StartRewrap(client_));
  Must(RunJobs(client_));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "kek_use", ""));
}

TEST_F(DoctorOfKeys, VersionsUnderAnOldDekThatNoJobSealsAgainAreNamed) {
  Must(Put(client_, "acme", "name", "value"));
  Must(RotateDeks(client_, Project("acme")));
  std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "dek_use", ""));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "drained", "0 DEKs drained"));
  Must(CancelJob(client_, OnlyJob()));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "dek_use",
                                 "1 deactivated DEK with versions that no job seals again, first of"
                                 " project 'acme'"));
  Must(RotateDeks(client_, Project("acme")));
  Must(RunJobs(client_));
  findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "dek_use", ""));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "drained", "2 DEKs drained"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "jobs", ""));
}

TEST_F(DoctorOfKeys, ReadyJobsAreNamedUnlessSomebodyRunsThem) {
  Must(Put(client_, "acme", "name", "value"));
  Must(RotateDeks(client_, Project("acme")));
  const std::string id = ToText(OnlyJob());
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "jobs",
                                 "job " + id +
                                     " (reseal of 'acme') is ready, and nobody has run it"
                                     " since " +
                                     ToRfc3339(now_)));
  const std::string alive = Must(NewLeaseOwner());
  SetOwner(alive, hours(1));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "jobs", "1 being run"));
  SetOwner(alive, hours(-1));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "jobs", "has been silent since"));
  // A process with the same pid that started at another time.
  std::string dead = alive;
  const std::size_t random = dead.rfind('/');
  dead.insert(random, "9");
  SetOwner(dead, hours(1));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "jobs", "left by a process that has ended"));
  Must(RunJobs(client_));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "jobs", "0 being run"));
}

TEST_F(DoctorOfKeys, PausedJobIsNamed) {
  Must(Put(client_, "acme", "name", "value"));
  Must(RotateDeks(client_, Project("acme")));
  Must(PauseJob(client_, OnlyJob()));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "jobs", "(reseal of 'acme') is paused since"));
}

TEST_F(DoctorOfKeys, FailedJobIsNamedWithItsFirstItem) {
  Must(Put(client_, "acme", "name", "value"));
  Must(Put(client_, "acme", "other", "value"));
  Must(RotateDeks(client_, Project("acme")));
  Intruder(store_.path()).Run("UPDATE secret_version SET encrypted_data = zeroblob(48)");
  EXPECT_EQ(Must(RunJobs(client_)).failed, 2);
  EXPECT_THAT(Look(),
              HasFinding(Severity::kWarning, "jobs",
                         "could not do 2 items of its last run; first secret_version acme/"));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "dek_use", ""));
}

TEST_F(DoctorOfKeys, OfManyJobsSomeAreNamedAndTheRestCounted) {
  for (int i = 0; i < 12; ++i) {
    const JobId id{Must(TimeOrderedUuid(now_))};
    Must(StartJob(ConnectionOf(client_),
                  {id, std::string(kResealJob), "project " + std::to_string(i), ""}, now_));
  }
  const std::vector<Finding> findings = Look();
  EXPECT_EQ(std::ranges::count(findings, "jobs", &Finding::check), 11);
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "jobs", "2 more unfinished jobs"));
}

TEST_F(DoctorOfKeys, ColumnWithoutAPlaceIsNamedWhereItKeepsADekForEver) {
  Must(client_.AddColumn(Label("app.column"), ContextKind::kField));
  Must(client_.SealValue(Project("acme"), Label("app.column"), AsBytes("value")));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "columns", "1 column registered"));
  Must(RotateDeks(client_, Project("acme")));
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "columns",
                                 "column 'app.column' has no place: 1 deactivated DEK for values"));
}

TEST_F(DoctorOfKeys, ColumnWhosePlaceIsGoneIsNamed) {
  const std::string path = store_.folder() / "app.db";
  WriteFile(path, "");
  Intruder(path).Run("CREATE TABLE user (id INTEGER PRIMARY KEY, project TEXT, totp TEXT)");
  Must(client_.AddColumn(Label("totp"), ContextKind::kCell, {},
                         ColumnSource{"sqlite:" + path, "user", "totp", {"id"}, "project"}));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "columns", ""));
  Intruder(path).Run("ALTER TABLE user RENAME TO users");
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "columns", "has no table 'user'"));
  std::filesystem::remove(path);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "columns",
                                 "the place of column 'totp' does not open"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(DoctorOfKeys, PolicyOfNeverIsAWarningAndOneThatIsNoDurationAnError) {
  Must(SetPolicy(client_, "kek.max_age", "never"));
  now_ += days(4000);
  std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "policies", "policy kek.max_age is never"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "kek_age", "is never"));
  Intruder(store_.path()).Run("UPDATE policy SET value = 'soon'");
  findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kError, "policies", "'soon'"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "kek_age", ""));
}

TEST_F(DoctorOfKeys, RowThatDoesNotStandIsAnErrorAndTheOtherChecksGoOn) {
  Must(client_.AddColumn(Label("app.column"), ContextKind::kField));
  Intruder(store_.path()).Run("UPDATE sealed_column SET label = 'other'");
  const std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kError, "columns", "sealed_column"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "policies", ""));
}

TEST_F(DoctorOfKeys, RootThatIsNoneOfTheStoresIsAWarning) {
  const std::string other = store_.folder() / "other.key";
  Must(CreateRootKey(other));
  StoreOptions options = store_.Options();
  options.roots.push_back("file:" + other);
  Client client = Open(options);
  EXPECT_THAT(Must(Diagnose(client)),
              HasFinding(Severity::kWarning, "roots", other + " was given, but is none"));
  EXPECT_THAT(Look(), HasFinding(Severity::kOk, "roots", ""));
}

// Changes the trusted rows as Rowseal would, with tags that stand.
template <class Change>
void ChangeTrust(Client& client, const Change& change) {
  Session& session = SessionOf(client);
  Connection& connection = ConnectionOf(client);
  Transaction transaction = Must(Transaction::Begin(connection, TransactionKind::kWrite));
  TrustRows rows = session.keyring().trust()->rows;
  change(rows, *session.integrity(), connection);
  ++rows.installation.epoch;
  rows.installation.trust_tag = Must(session.integrity()->TrustTag(rows));
  Must(UpdateInstallation(connection, rows.installation));
  Must(transaction.Commit());
}

TEST_F(DoctorOfKeys, RootThatWasNotGivenIsAWarning) {
  ChangeTrust(client_, [](TrustRows& rows, const IntegrityKey& key, Connection& connection) {
    RootRecord root = rows.roots.front();
    root.id = RootId{rows.installation.next_root_id++};
    root.uri = "file:/srv/second.key";
    root.fingerprint = Bytes(32, 9);
    root.row_tag = Must(key.Tag(root));
    Must(InsertRoot(connection, root));
    rows.roots.push_back(root);
  });
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "roots", "root 2 (file:/srv/second.key)"));
}

TEST_F(DoctorOfKeys, SuspendedKekIsAnErrorAndAWarning) {
  ChangeTrust(client_, [](TrustRows& rows, const IntegrityKey& key, Connection& connection) {
    for (KekRecord& kek : rows.keks) {
      if (kek.purpose == KekPurpose::kWrap) {
        const Revision seen = kek.revision;
        kek.state = KeyState::kSuspended;
        kek.resumes_to = KeyState::kActive;
        ++kek.revision.value;
        kek.row_tag = Must(key.Tag(kek));
        Must(UpdateKekState(connection, kek, seen));
      }
    }
  });
  const std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kError, "kek_age", "no KEK is active"));
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "key_states", "is suspended"));
}

}  // namespace
}  // namespace rowseal::testing
